//! What standard output supports: colours, links, width and height.

use std::io::IsTerminal;
use std::path::Path;

use super::text::fold;
use crate::wire::percent;

/// The capabilities of standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Colours and links may be used.
    pub color: bool,
    /// Columns; `None` if the output is not a terminal and lines may have any length.
    pub width: Option<usize>,
    /// Rows; `None` if the output is not a terminal.
    pub height: Option<usize>,
}

/// How a piece of text is emphasized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Running text.
    Plain,
    /// Names and headings.
    Bold,
    /// Folders.
    Folder,
    /// Secondary text.
    Dim,
    /// Not fresh.
    Warning,
    /// Failed.
    Error,
    /// Fresh.
    Good,
    /// Words that are no longer in a text.
    Removed,
    /// Words that are new in a text.
    Added,
}

impl Terminal {
    /// The terminal of this process.
    pub fn of_stdout() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if !std::io::stdout().is_terminal() {
            return Self::default();
        }
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let size = console::Term::stdout().size_checked();
        Self {
            color: set("NO_COLOR").is_none() && !dumb,
            width: size.map(|(_, columns)| usize::from(columns).max(20)),
            height: size.map(|(rows, _)| usize::from(rows)),
        }
    }

    /// Whether the output is a terminal that a person reads.
    pub fn is_interactive(&self) -> bool {
        self.width.is_some()
    }

    /// The text in that style, if colours are allowed.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match style {
            Style::Plain => return text.to_owned(),
            Style::Bold => "1",
            Style::Folder => "1;34",
            Style::Dim => "2",
            Style::Error => "31",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Removed => "9;31",
            Style::Added => "1;32",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The text with its lines folded at the terminal's width.
    pub fn fold(&self, text: &str) -> String {
        match self.width {
            Some(width) => fold(text, width),
            None => text.to_owned(),
        }
    }

    /// The text as a link (OSC 8) to a line of a file, if the terminal shows colours; most of those follow links, and
    /// the others ignore the sequence.
    pub fn link(&self, file: &Path, line: u32, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let path = percent::encode(file.as_os_str().as_encoded_bytes());
        format!("\x1b]8;;file://{path}#L{line}\x1b\\{text}\x1b]8;;\x1b\\")
    }
}
