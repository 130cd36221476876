//! The languages with a grammar, as data: one row each. The walking code knows rows, never a language.
//!
//! A row's query says with its captures what is what:
//!
//! | capture | is |
//! | --- | --- |
//! | `@item.KIND` | a definition; KIND is the kind that an element carries |
//! | `@name` | its name |
//! | `@body` | where its signature ends; definitions inside belong to it |
//! | `@closed` | the same, and definitions inside are nobody's business (a function's body); also without a definition |
//! | `@tail` | where its signature ends; definitions inside stand beside it |
//! | `@open` | a function's body that is not closed: the function only wraps the file |
//! | `@scope` | the name of what it belongs to, where that does not stand around it |
//! | `@wrapper` | what belongs to the one definition in it and stands around it: `export`, `declare` |
//! | `@decorator` | a decorator or attribute of the definition that follows |
//! | `@doc`, `@doc.inner` | a documentation comment on what follows, or on what surrounds it |
//! | `@doc.above` | a comment on what follows, if it stands on lines of its own and no empty line lies between |
//! | `@comment` | any other comment: it may stand between a definition and its documentation |
//! | `@import` | a name that is imported; braces are expanded, `as …` is dropped |
//! | `@import.from`, `@import.name` | the same in two parts |
//! | `@heading` | another name that tells what a file is for: a variable of its own |
//! | `@heading.WORD` | the same, of a kind: kept as `WORD: name` |
//! | `@_…` | for the pattern's own conditions |
//!
//! Every pattern begins with one node of a kind that it names, because only at such nodes is the query asked.

mod rows;

use std::sync::OnceLock;

use tree_sitter::Query;

use super::scan::comment::Comments;

use rows::GRAMMARS;

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
        /// Whether a block goes on with the documentation before it; otherwise the last block counts.
        blocks_join: bool,
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
    /// Its patterns, in parts: a grammar may share some with another.
    query: &'static [&'static str],
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
    /// Node kinds of running text, in which a line's end and the white space around it are one blank or nothing.
    pub flowing: &'static [&'static str],
    /// Node kinds that are layout.
    pub layout: &'static [&'static str],
    /// Words of which a line's end makes something else, though the tree may not show it.
    pub line_words: &'static [&'static str],
    /// Node kinds of decorators that stand inside a definition, at its beginning.
    pub decorators: &'static [&'static str],
    compiled: OnceLock<Option<Compiled>>,
}

/// The row of a language.
pub(super) fn grammar(name: &str) -> Option<&'static Grammar> {
    GRAMMARS.iter().find(|grammar| grammar.name == name)
}

/// What a capture of a query means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    Item(String),
    Name,
    Scope,
    Wrapper,
    Body,
    Tail,
    Closed,
    Open,
    Decorator,
    Doc,
    DocAbove,
    InnerDoc,
    Comment,
    Import,
    ImportFrom,
    ImportName,
    Heading,
    /// A heading of that kind.
    HeadingOf(String),
    /// Only the query's own conditions need it.
    Own,
}

/// How a node counts for the syntax digest and for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Node,
    Comment,
    Verbatim,
    Flowing,
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
        let text = self.query.concat();
        let query = Query::new(&language, &text).ok()?;
        let captures = query.capture_names().iter().map(|name| capture(name));
        let captures = captures.collect::<Option<_>>()?;
        let sought = (0..query.pattern_count())
            .map(|pattern| begins_with(&text, query.start_byte_for_pattern(pattern)))
            .collect::<Option<Vec<&str>>>()?;
        let kinds = (0..u16::try_from(language.node_kind_count()).ok()?)
            .map(|id| {
                let name = language.node_kind_for_id(id).unwrap_or("");
                let role = match name {
                    name if self.comments.contains(&name) => Role::Comment,
                    name if self.verbatim.contains(&name) => Role::Verbatim,
                    name if self.flowing.contains(&name) => Role::Flowing,
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
}

/// The node kind with which the pattern at that byte of a query begins.
fn begins_with(query: &str, at: usize) -> Option<&str> {
    let pattern = query.get(at..)?.trim_start().strip_prefix('(')?;
    // A group holds a pattern and its conditions.
    let pattern = pattern.trim_start_matches('(');
    let end = pattern.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    pattern.get(..end).filter(|kind| !kind.is_empty())
}

fn capture(name: &str) -> Option<Capture> {
    Some(match name {
        "name" => Capture::Name,
        "scope" => Capture::Scope,
        "wrapper" => Capture::Wrapper,
        "body" => Capture::Body,
        "tail" => Capture::Tail,
        "closed" => Capture::Closed,
        "open" => Capture::Open,
        "decorator" => Capture::Decorator,
        "doc" => Capture::Doc,
        "doc.above" => Capture::DocAbove,
        "doc.inner" => Capture::InnerDoc,
        "comment" => Capture::Comment,
        "import" => Capture::Import,
        "import.from" => Capture::ImportFrom,
        "import.name" => Capture::ImportName,
        "heading" => Capture::Heading,
        name if name.starts_with('_') => Capture::Own,
        name => match name.split_once('.')? {
            ("item", kind) => Capture::Item(kind.to_owned()),
            ("heading", kind) => Capture::HeadingOf(kind.to_owned()),
            _ => return None,
        },
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
            if let Err(error) = Query::new(&language, &row.query.concat()) {
                panic!("{}: {error}", row.name);
            }
            assert!(row.compiled().is_some(), "{}: an unknown capture", row.name);
            assert!(Language::named(row.name).is_some(), "{}", row.name);
            let kinds = [
                row.comments,
                row.verbatim,
                row.flowing,
                row.layout,
                row.decorators,
            ];
            let kinds = kinds.concat();
            for kind in kinds {
                assert_ne!(
                    language.id_for_node_kind(kind, true),
                    0,
                    "{}: {kind}",
                    row.name
                );
            }
        }
    }
}
