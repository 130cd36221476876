//! The languages with a grammar, as data: one row each. The walking code knows rows, never a language.
//!
//! A row's query says with its captures what is what:
//!
//! | capture | is |
//! | --- | --- |
//! | `@item.KIND` | a definition; KIND is the kind that an element carries |
//! | `@name` | its name |
//! | `@body` | where its signature ends; definitions inside belong to it |
//! | `@closed` | the same, and definitions inside are nobody's business (a function's body) |
//! | `@decorator` | a decorator or attribute of the definition that follows |
//! | `@doc`, `@doc.inner` | a documentation comment on what follows, or on what surrounds it |
//! | `@comment` | any other comment: it may stand between a definition and its documentation |
//! | `@import` | a name that is imported; braces are expanded, `as …` is dropped |
//! | `@import.from`, `@import.name` | the same in two parts |
//! | `@heading` | another name that tells what a file is for: a variable of its own |
//!
//! Every pattern begins with one node of a kind that it names, because only at such nodes is the query asked.

use std::sync::OnceLock;

use tree_sitter::Query;

use super::scan::comment::{Comments, HASH, SLASHES};

/// Where a language keeps documentation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Docs {
    /// In a string that is the first statement of a body.
    FirstString(StringKinds),
    /// In comments: captured as `@doc` and `@doc.inner`; these marks are taken off their lines.
    Comments {
        /// What a line of such a comment begins with.
        lines: &'static [&'static str],
        /// What a block begins and ends with.
        blocks: &'static [(&'static str, &'static str)],
    },
}

/// The node kinds by which a documentation string is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringKinds {
    /// The statement that holds one expression.
    pub statement: &'static str,
    /// Parentheses around an expression, which change nothing.
    pub parentheses: &'static str,
    /// One string literal.
    pub literal: &'static str,
    /// Several literals, one after the other.
    pub concatenation: &'static str,
    /// Letters before the quote that make it something else than text.
    pub not_text: &'static [char],
}

/// One language.
pub(super) struct Grammar {
    /// The language's name, as in `model::language`.
    pub name: &'static str,
    language: fn() -> tree_sitter::Language,
    query: &'static str,
    /// Between the parts of a qualified name.
    pub separator: &'static str,
    /// Where documentation stands.
    pub docs: Docs,
    /// Kinds of definitions that are called something else inside some others: (kind, inside these, becomes).
    pub members: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// Marks at the end of a signature that are no part of it.
    pub head_ends: &'static [char],
    /// The last part of an imported name that means the part before it.
    pub import_self: Option<&'static str>,
    /// How comments are marked: the one that begins a file may tell what it is for.
    pub comment_marks: &'static Comments,
    /// Node kinds that are comments.
    pub comments: &'static [&'static str],
    /// Node kinds whose whole text counts, white space included.
    pub verbatim: &'static [&'static str],
    /// Node kinds that are layout.
    pub layout: &'static [&'static str],
    compiled: OnceLock<Option<Compiled>>,
}

static GRAMMARS: [Grammar; 2] = [
    Grammar {
        name: "python",
        language: || tree_sitter_python::LANGUAGE.into(),
        query: include_str!("queries/python.scm"),
        separator: ".",
        docs: Docs::FirstString(StringKinds {
            statement: "expression_statement",
            parentheses: "parenthesized_expression",
            literal: "string",
            concatenation: "concatenated_string",
            not_text: &['b', 'B', 'f', 'F', 't', 'T'],
        }),
        members: &[("function", &["class"], "method")],
        head_ends: &[':'],
        import_self: None,
        comment_marks: &HASH,
        comments: &["comment"],
        verbatim: &["string"],
        layout: &["line_continuation"],
        compiled: OnceLock::new(),
    },
    Grammar {
        name: "rust",
        language: || tree_sitter_rust::LANGUAGE.into(),
        query: include_str!("queries/rust.scm"),
        separator: "::",
        docs: Docs::Comments {
            lines: &["///", "//!"],
            blocks: &[("/**", "*/"), ("/*!", "*/")],
        },
        members: &[("function", &["impl", "trait"], "method")],
        head_ends: &['=', ';', ',', '{', '(', '['],
        import_self: Some("self"),
        comment_marks: &SLASHES,
        comments: &["line_comment", "block_comment"],
        verbatim: &["string_literal", "raw_string_literal", "char_literal"],
        layout: &[],
        compiled: OnceLock::new(),
    },
];

/// The row of a language.
pub(super) fn grammar(name: &str) -> Option<&'static Grammar> {
    GRAMMARS.iter().find(|grammar| grammar.name == name)
}

/// What a capture of a query means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    Item(String),
    Name,
    Body,
    Closed,
    Decorator,
    Doc,
    InnerDoc,
    Comment,
    Import,
    ImportFrom,
    ImportName,
    Heading,
}

/// How a node counts for the syntax digest and for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Node,
    Comment,
    Verbatim,
    Layout,
}

/// One node kind of a grammar.
#[derive(Clone, Debug)]
pub(super) struct NodeKind {
    pub name: &'static str,
    pub named: bool,
    pub role: Role,
    /// Whether a pattern of the query begins with it.
    pub sought: bool,
}

/// A row made ready: done once, at the first file of the language.
pub(super) struct Compiled {
    pub language: tree_sitter::Language,
    pub query: Query,
    /// By the capture's index in the query.
    pub captures: Vec<Capture>,
    /// By the node's `kind_id`.
    kinds: Vec<NodeKind>,
}

/// A node that the parser could make nothing of; it has no place in a grammar's own list of kinds.
const ERROR: NodeKind = NodeKind {
    name: "ERROR",
    named: true,
    role: Role::Node,
    sought: false,
};

impl Compiled {
    pub fn kind(&self, node: &tree_sitter::Node<'_>) -> &NodeKind {
        self.kinds
            .get(usize::from(node.kind_id()))
            .unwrap_or(&ERROR)
    }
}

impl Grammar {
    /// The row made ready; `None` if its query does not fit its grammar, which a test rules out.
    pub fn compiled(&self) -> Option<&Compiled> {
        self.compiled.get_or_init(|| self.compile()).as_ref()
    }

    fn compile(&self) -> Option<Compiled> {
        let language = (self.language)();
        let query = Query::new(&language, self.query).ok()?;
        let captures = query.capture_names().iter().map(|name| capture(name));
        let captures = captures.collect::<Option<_>>()?;
        let sought = (0..query.pattern_count())
            .map(|pattern| self.begins_with(query.start_byte_for_pattern(pattern)))
            .collect::<Option<Vec<&str>>>()?;
        let kinds = (0..u16::try_from(language.node_kind_count()).ok()?)
            .map(|id| {
                let name = language.node_kind_for_id(id).unwrap_or("");
                let role = match name {
                    name if self.comments.contains(&name) => Role::Comment,
                    name if self.verbatim.contains(&name) => Role::Verbatim,
                    name if self.layout.contains(&name) => Role::Layout,
                    _ => Role::Node,
                };
                let named = language.node_kind_is_named(id);
                let sought = named && sought.contains(&name);
                NodeKind {
                    name,
                    named,
                    role,
                    sought,
                }
            })
            .collect();
        Some(Compiled {
            language,
            query,
            captures,
            kinds,
        })
    }

    /// The node kind with which the pattern at that byte of the query begins.
    fn begins_with(&self, at: usize) -> Option<&'static str> {
        let pattern = self.query.get(at..)?.trim_start().strip_prefix('(')?;
        let end = pattern.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        pattern.get(..end).filter(|kind| !kind.is_empty())
    }
}

fn capture(name: &str) -> Option<Capture> {
    Some(match name {
        "name" => Capture::Name,
        "body" => Capture::Body,
        "closed" => Capture::Closed,
        "decorator" => Capture::Decorator,
        "doc" => Capture::Doc,
        "doc.inner" => Capture::InnerDoc,
        "comment" => Capture::Comment,
        "import" => Capture::Import,
        "import.from" => Capture::ImportFrom,
        "import.name" => Capture::ImportName,
        "heading" => Capture::Heading,
        name => Capture::Item(name.strip_prefix("item.")?.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::language::Language;

    #[test]
    fn every_row_fits_its_grammar() {
        for row in &GRAMMARS {
            let language = (row.language)();
            if let Err(error) = Query::new(&language, row.query) {
                panic!("{}: {error}", row.name);
            }
            assert!(row.compiled().is_some(), "{}: an unknown capture", row.name);
            assert!(Language::named(row.name).is_some(), "{}", row.name);
            let kinds = [row.comments, row.verbatim, row.layout].concat();
            for kind in kinds {
                assert_ne!(language.id_for_node_kind(kind, true), 0, "{kind}");
            }
        }
    }
}
