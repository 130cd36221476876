//! What standard output can show.

use std::io::IsTerminal;

/// Colours and width of standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Colours may be used.
    pub color: bool,
    /// Columns; `None` where the output is no terminal and lines may be of any length.
    pub width: Option<usize>,
}

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// What is read first.
    Plain,
    /// Names.
    Bold,
    /// What may be overlooked.
    Dim,
    /// Not fresh.
    Warning,
    /// Failed.
    Error,
    /// Fresh.
    Good,
}

impl Terminal {
    /// As this process was started.
    pub fn of_stdout() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if !std::io::stdout().is_terminal() {
            return Self::default();
        }
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let width = console::Term::stdout().size_checked();
        Self {
            color: set("NO_COLOR").is_none() && !dumb,
            width: width.map(|(_, columns)| usize::from(columns).max(20)),
        }
    }

    /// The text in that style, where there are colours.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match style {
            Style::Plain => return text.to_owned(),
            Style::Bold => 1,
            Style::Dim => 2,
            Style::Error => 31,
            Style::Good => 32,
            Style::Warning => 33,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
