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
    /// What the file does beyond its definitions.
    pub facts: Facts,
}

/// What a file of code does beyond its definitions, from its syntax tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Functions called by statements at the top level, with a first argument that is a short string.
    pub calls: Vec<String>,
    /// Names set at the top level.
    pub bindings: Vec<Binding>,
    /// What the default export or `module.exports` is, in a few words.
    pub default_export: Option<String>,
    /// The comment at the top, where it says that a program made the file.
    pub generated: Option<String>,
    /// Whether the file runs when it is the main program.
    pub is_script: bool,
    /// Names imported for type checkers only.
    pub type_only_imports: Vec<String>,
    /// Routes registered, with their method: `GET /users`.
    pub routes: Vec<String>,
    /// Commands of a command line.
    pub commands: Vec<String>,
    /// The words used most in names, without those of programming in general.
    pub terms: Vec<String>,
}

/// A name that is set at the top level of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The name.
    pub name: String,
    /// What its value is, in a few words; empty if unknown.
    pub what: String,
}
