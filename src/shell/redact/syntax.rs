//! How a file writes values, by its language: whether an unquoted value is text or an expression.

use crate::model::language::Language;

/// How values are written. It depends on the language alone, because an outline is stored under language and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// A programming language: what is not quoted is an expression.
    Code,
    /// Settings: what is not quoted is text, up to the end of the line.
    Config,
    /// Commands: what is not quoted is text, up to a space.
    Shell,
    /// Running text: only what looks like a secret is one.
    Prose,
    /// No language that this table or the parser knows: text like settings, judged like prose.
    Unknown,
}

const SYNTAXES: &[(Syntax, &[&str])] = &[
    (
        Syntax::Config,
        &[
            "json",
            "yaml",
            "toml",
            "ini",
            "xml",
            "csv",
            "ignore-list",
            "git-attributes",
            "sql",
            "notebook",
            "jinja",
        ],
    ),
    (Syntax::Shell, &["shell", "dockerfile", "make", "batch"]),
    (
        Syntax::Prose,
        &[
            "markdown",
            "restructuredtext",
            "text",
            "html",
            "gettext",
            "tex",
            "diff",
        ],
    ),
];

impl Syntax {
    /// The syntax of a language.
    pub fn of(language: Option<Language>) -> Self {
        let Some(language) = language else {
            return Self::Unknown;
        };
        let row = SYNTAXES
            .iter()
            .find(|(_, languages)| languages.contains(&language.name()));
        let other = match language.is_rare() {
            true => Self::Unknown,
            false => Self::Code,
        };
        row.map_or(other, |(syntax, _)| *syntax)
    }
}
