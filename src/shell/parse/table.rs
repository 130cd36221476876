//! The languages with a grammar, as data: one row each. The walking code reads rows and never names a language.
//!
//! To add a language: a row in `table/rows`, a query in `queries`, a sample with its outline in `tests/samples`
//! (`docs/languages.md`). The captures of a query:
//!
//! | capture | meaning |
//! | --- | --- |
//! | `@item.KIND` | a definition; KIND is the kind that the element carries |
//! | `@name` | its name |
//! | `@declarator` | a declarator of C; the definition counts only if it declares a function, whose name and owner it holds |
//! | `@body` | where its signature ends; definitions inside are its members |
//! | `@closed` | the same, but definitions inside are ignored (a function's body); also without a definition |
//! | `@tail` | where its signature ends; definitions inside are its siblings |
//! | `@open` | a function body that is not closed: the function only wraps the file |
//! | `@scope` | the name of the owner, where the owner does not enclose the definition |
//! | `@wrapper` | a node around the definition that is part of it: `export`, `declare` |
//! | `@decorator` | a decorator or attribute of the definition that follows |
//! | `@doc`, `@doc.inner` | documentation of what follows, or of what encloses the comment |
//! | `@doc.above` | a comment that documents what follows if it has its own lines and no blank line follows it |
//! | `@comment` | any other comment: it may separate a definition from its documentation |
//! | `@import` | an imported name; braces are expanded, `as …` is dropped |
//! | `@import.from`, `@import.name` | the same in two parts |
//! | `@import.statement` | the same with the word `import` before it |
//! | `@heading` | a name that says what the file is for, such as a module variable |
//! | `@heading.WORD` | the same, stored as `WORD: name` |
//! | `@_…` | used by the pattern's own predicates only |
//!
//! An `@item.owner` is no element: it only gives its name to the definitions inside. A definition without a `@name` is called `default`. Every pattern begins with one named node kind, because the query
//! runs only at nodes of those kinds. A line with `$NAME` names the indented lines below it; the patterns after it may use the name.

mod compiled;
mod rows;

use super::scan::comment::Comments;
use super::scan::comment::SLASHES;

pub(super) use compiled::{Capture, Compiled, NodeKind, Role, compiled};
use rows::ROWS;

/// Where a language keeps documentation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Docs {
    /// In a string that is the first statement of a body.
    FirstString(StringKinds),
    /// In comments captured as `@doc` or `@doc.inner`.
    Comments {
        /// Marks at the beginning of a line comment. A mark precedes its own prefixes.
        lines: &'static [&'static str],
        /// Marks at both ends of a block comment.
        blocks: &'static [(&'static str, &'static str)],
        /// Whether a block continues the documentation before it; otherwise only the last block counts.
        blocks_join: bool,
    },
}

/// The node kinds of a documentation string.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringKinds {
    /// The statement that holds one expression.
    pub statement: &'static str,
    /// Parentheses around an expression.
    pub parentheses: &'static str,
    /// One string literal.
    pub literal: &'static str,
    /// Adjacent literals.
    pub concatenation: &'static str,
    /// Prefix letters that make a literal something other than text.
    pub not_text: &'static [char],
}

/// What a line's end and indentation mean in a language. Used where there is no tree to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// Nothing, except behind a `#` that begins a line (a preprocessor directive).
    Free,
    /// A line's end can end a statement.
    Ends,
    /// Indentation is structure.
    Indentation,
}

/// A node that formatters add and remove, such as redundant parentheses. Its kind and its punctuation do not count for
/// the syntax digest if it has exactly one named child.
#[derive(Debug)]
pub(super) struct Redundant {
    pub node: &'static str,
    /// Kinds of the parent; empty: any.
    pub inside: &'static [&'static str],
    /// Kinds of the child; empty: any.
    pub around: &'static [&'static str],
    /// Kinds of the child for which the node does count.
    pub except: &'static [&'static str],
}

/// What formatters change in a language without changing its meaning.
#[derive(Debug)]
pub(super) struct Formatting {
    /// Node kinds in which a comma before the closing bracket is optional.
    pub trailing_commas: &'static [&'static str],
    /// Tokens that are optional as children of these node kinds.
    pub optional: &'static [(&'static [&'static str], &'static [&'static str])],
    pub redundant: &'static [Redundant],
    /// Node kinds that are dropped if empty, and the kind of their parent: `class A():`.
    pub empty: &'static [(&'static str, &'static str)],
    /// Node kinds of strings with a free choice of quotes.
    pub quotes: &'static [&'static str],
    /// The same where an escape means something else in the other quotes.
    pub plain_quotes: &'static [&'static str],
    /// Whether a key may be in quotes, as in JavaScript.
    pub quoted_keys: bool,
    /// Whether the space behind a comment's mark is free.
    pub comment_space: bool,
}

/// Nothing but white space is free.
pub(super) const STRICT: Formatting = Formatting {
    trailing_commas: &[],
    optional: &[],
    redundant: &[],
    empty: &[],
    quotes: &[],
    plain_quotes: &[],
    quoted_keys: false,
    comment_space: false,
};

/// Returns a text for the parser in place of a file's own, byte for byte at the same offsets.
pub(super) type Repair = fn(&[u8]) -> Option<Vec<u8>>;

/// Names the row that a file belongs to by its content.
pub(super) type Dialect = fn(&[u8]) -> Option<&'static str>;

/// One language.
pub(super) struct Grammar {
    /// The language's name in `model::language`.
    pub name: &'static str,
    language: fn() -> tree_sitter::Language,
    /// The query, in parts: grammars may share a part.
    query: &'static [&'static str],
    /// Between the parts of a qualified name.
    pub separator: &'static str,
    /// Where documentation is found.
    pub docs: Docs,
    /// Kinds that change their name inside others: (kind, inside these, becomes).
    pub members: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// Characters at the end of a signature that are not part of it.
    pub head_ends: &'static [char],
    /// The last part of an imported name that stands for the part before it.
    pub import_self: Option<&'static str>,
    /// Comment syntax, for the comment that begins a file.
    pub comment_marks: &'static Comments,
    /// Node kinds that are comments.
    pub comments: &'static [&'static str],
    /// Node kinds whose whole text counts, white space included.
    pub verbatim: &'static [&'static str],
    /// Node kinds of running text: a line's end with the white space around it equals one blank or nothing.
    pub flowing: &'static [&'static str],
    /// Node kinds that are layout.
    pub layout: &'static [&'static str],
    /// Words whose meaning depends on a following line's end, though the tree may not show it.
    pub line_words: &'static [&'static str],
    /// Node kinds of decorators at the beginning of a definition.
    pub decorators: &'static [&'static str],
    /// Node kinds of documentation at the beginning of a definition.
    pub leading_docs: &'static [&'static str],
    /// Whether definitions of one name in a row are the clauses of one.
    pub clauses: bool,
    pub lines: Lines,
    pub formatting: &'static Formatting,
    /// Blanks or replaces what the grammar does not know, without moving a byte. Used if the plain text has errors;
    /// `None`: nothing to change.
    pub repair: Option<Repair>,
    /// The same, if there are still errors: leaves no function body.
    pub heads: Option<Repair>,
    /// The same, but always used: leaves only what the grammar reads, as a component's scripts.
    pub extract: Option<Repair>,
    /// Whether the file's markup uses components, which are elements.
    pub components: bool,
    /// Words that are never the name of a definition: an error made one of them.
    pub keywords: &'static [&'static str],
    /// The row that a file belongs to by its content, if not to this one.
    pub dialect: Option<Dialect>,
    /// Rows to try if there are still errors.
    pub fallbacks: &'static [&'static str],
    /// The node kind of a macro call and the kind of its arguments, which may hold definitions.
    pub macros: Option<(&'static str, &'static str)>,
}

/// Documentation in the comments of C and its relatives.
const SLASHED: Docs = Docs::Comments {
    lines: &["///", "//!", "//"],
    blocks: &[("/**", "*/"), ("/*!", "*/"), ("/*", "*/")],
    blocks_join: false,
};

/// The defaults of a row: a language with braces and C's comments.
const BRACES: Grammar = Grammar {
    name: "",
    language: || tree_sitter_c::LANGUAGE.into(),
    query: &[],
    separator: ".",
    docs: SLASHED,
    members: &[],
    head_ends: &['=', ';', ',', '{'],
    import_self: None,
    comment_marks: &SLASHES,
    comments: &["comment"],
    verbatim: &[],
    flowing: &[],
    layout: &[],
    line_words: &[],
    decorators: &[],
    leading_docs: &[],
    clauses: false,
    lines: Lines::Ends,
    formatting: &STRICT,
    repair: None,
    heads: None,
    extract: None,
    components: false,
    keywords: &[],
    dialect: None,
    fallbacks: &[],
    macros: None,
};

/// The row of a language.
pub(super) fn grammar(name: &str) -> Option<&'static Grammar> {
    ROWS.iter().copied().find(|grammar| grammar.name == name)
}

/// The names of all rows.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|grammar| grammar.name)
}
