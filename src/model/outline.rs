//! The result of parsing a file.

use serde::{Deserialize, Serialize};

/// One definition: a class, function, method, struct, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// `class`, `function`, `method`, `struct`, … as in the language's table.
    pub kind: String,
    /// The name as written.
    pub name: String,
    /// The name qualified by those of the enclosing definitions, or of a method's type, joined by `::` in Rust and by
    /// `.` elsewhere.
    pub qualified_name: String,
    /// The signature as written, on one line, without decorators and body.
    pub signature: String,
    /// Decorators or attributes as written, in order.
    pub decorators: Vec<String>,
    /// First line, 1-based. A decorated definition begins at its `def` or `class`, as in Python's `ast`.
    pub line_start: u32,
    /// Last line, 1-based, inclusive.
    pub line_end: u32,
    /// The docstring or documentation comment, without quotes and common indentation.
    pub docstring: Option<String>,
}

/// Everything the parser finds in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The file's own documentation: module docstring, `//!` comment, the first paragraph of prose.
    pub docstring: Option<String>,
    /// What the file imports, as the language names it (dotted names, paths), in order, without duplicates.
    pub imports: Vec<String>,
    /// The definitions in source order.
    pub elements: Vec<Element>,
    /// Headings, keys or the like, if the file has no definitions (prose, data): for a summary, not for `show`.
    pub headings: Vec<String>,
    /// Number of lines.
    pub lines: u32,
    /// Whether there were syntax errors and the outline has only what could be parsed.
    pub partial: bool,
    /// The lines that the parser could not read: first and last line of each part, 1-based, inclusive.
    pub missing: Vec<(u32, u32)>,
}
