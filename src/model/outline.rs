//! What the parser finds in a file.

use serde::{Deserialize, Serialize};

/// One definition: a class, function, method, struct, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// `class`, `function`, `method`, `struct`, … as the language's table names it.
    pub kind: String,
    /// The name as written.
    pub name: String,
    /// The name with those of the definitions around it, or of the type that a method belongs to, joined by `::` in Rust
    /// and by `.` elsewhere.
    pub qualified_name: String,
    /// The head as written, on one line, without decorators and without the body.
    pub signature: String,
    /// Decorators or attributes, as written, in order.
    pub decorators: Vec<String>,
    /// First line, 1-based; a decorated definition begins at its `def` or `class`, as Python's own `ast` counts.
    pub line_start: u32,
    /// Last line, 1-based, inclusive.
    pub line_end: u32,
    /// The docstring or documentation comment, without its quotes and common indentation.
    pub docstring: Option<String>,
}

/// All that the parser finds in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The file's own documentation: module docstring, `//!` comment, the first paragraph of prose.
    pub docstring: Option<String>,
    /// What the file imports, as the language names it (dotted names, paths), in order, without repetition.
    pub imports: Vec<String>,
    /// The definitions, in the order of the text.
    pub elements: Vec<Element>,
    /// Headings, keys or the like, where the file has no definitions (prose, data): for a summary, not for `show`.
    pub headings: Vec<String>,
    /// Lines in the file.
    pub lines: u32,
    /// Whether the parser met errors and gives only what it could read.
    pub partial: bool,
    /// The lines that the parser could not read: first and last line of each part, 1-based, inclusive.
    pub missing: Vec<(u32, u32)>,
}
