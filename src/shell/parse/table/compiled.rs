//! A row with its grammar loaded and its query compiled, on first use.

use std::sync::OnceLock;

use tree_sitter::Query;

use super::Grammar;
use super::rows::ROWS;

/// What a capture of a query means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Capture {
    Item(String),
    Name,
    Scope,
    Declarator,
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
    ImportStatement,
    Heading,
    /// A heading of that kind.
    HeadingOf(String),
    /// For the query's own predicates.
    Own,
}

/// How a node counts for the syntax digest and for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Role {
    Node,
    Comment,
    Verbatim,
    Flowing,
    Layout,
}

/// One node kind of a grammar.
#[derive(Clone, Debug)]
pub(in super::super) struct NodeKind {
    pub name: &'static str,
    pub named: bool,
    pub role: Role,
    /// Whether a pattern of the query begins with it.
    pub queried: bool,
    pub format: Format,
}

/// How formatters treat a node kind, from the row's lists.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Format {
    pub trailing_commas: bool,
    pub quotes: bool,
    pub plain_quotes: bool,
    /// Tokens that are optional as its children.
    pub optional: &'static [&'static str],
    /// Whether the row has a rule for redundant or empty nodes of this kind.
    pub droppable: bool,
}

/// A row made ready.
pub(in super::super) struct Compiled {
    pub language: tree_sitter::Language,
    pub query: Query,
    /// By the capture's index in the query.
    pub captures: Vec<Capture>,
    /// By the node's `kind_id`.
    kinds: Vec<NodeKind>,
}

/// A node that the parser could not read; it is not in a grammar's own list of kinds.
const ERROR: NodeKind = NodeKind {
    name: "ERROR",
    named: true,
    role: Role::Node,
    queried: false,
    format: Format {
        trailing_commas: false,
        quotes: false,
        plain_quotes: false,
        optional: &[],
        droppable: false,
    },
};

static COMPILED: [OnceLock<Option<Compiled>>; ROWS.len()] = [const { OnceLock::new() }; ROWS.len()];

/// A row made ready; `None` if its query does not fit its grammar, which a test rules out.
pub(in super::super) fn compiled(grammar: &Grammar) -> Option<&'static Compiled> {
    let row = ROWS.iter().position(|row| row.name == grammar.name)?;
    COMPILED[row].get_or_init(|| compile(grammar)).as_ref()
}

impl Compiled {
    pub fn kind(&self, node: &tree_sitter::Node<'_>) -> &NodeKind {
        self.kinds
            .get(usize::from(node.kind_id()))
            .unwrap_or(&ERROR)
    }
}

fn compile(grammar: &Grammar) -> Option<Compiled> {
    let language = (grammar.language)();
    let text = expanded(grammar.query);
    let query = Query::new(&language, &text).ok()?;
    let captures = query.capture_names().iter().map(|name| capture(name));
    let captures = captures.collect::<Option<_>>()?;
    let queried = (0..query.pattern_count())
        .map(|pattern| first_kind(&text, query.start_byte_for_pattern(pattern)))
        .collect::<Option<Vec<&str>>>()?;
    let kinds = (0..u16::try_from(language.node_kind_count()).ok()?)
        .map(|id| {
            let name = language.node_kind_for_id(id).unwrap_or("");
            let named = language.node_kind_is_named(id);
            NodeKind {
                name,
                named,
                role: if named {
                    grammar.role(name)
                } else {
                    Role::Node
                },
                queried: named && queried.contains(&name),
                format: if named {
                    grammar.format(name)
                } else {
                    Format::default()
                },
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

impl Grammar {
    fn role(&self, kind: &str) -> Role {
        let lists = [
            (self.comments, Role::Comment),
            (self.verbatim, Role::Verbatim),
            (self.flowing, Role::Flowing),
            (self.layout, Role::Layout),
        ];
        let listed = lists.iter().find(|(kinds, _)| kinds.contains(&kind));
        listed.map_or(Role::Node, |(_, role)| *role)
    }

    fn format(&self, kind: &str) -> Format {
        let rules = self.formatting;
        let optional = rules
            .optional
            .iter()
            .find(|(kinds, _)| kinds.contains(&kind));
        Format {
            trailing_commas: rules.trailing_commas.contains(&kind),
            quotes: rules.quotes.contains(&kind),
            plain_quotes: rules.plain_quotes.contains(&kind),
            optional: optional.map_or(&[], |(_, tokens)| *tokens),
            droppable: rules.redundant.iter().any(|rule| rule.node == kind)
                || rules.empty.iter().any(|(node, _)| *node == kind),
        }
    }
}

/// A query in which each name of a fragment is replaced by the fragment. A fragment is a line with `$NAME` followed by
/// indented lines; it may use the fragments before it.
fn expanded(query: &[&str]) -> String {
    let mut fragments: Vec<(&str, String)> = Vec::new();
    let mut patterns = String::new();
    let mut in_fragment = false;
    for line in query.iter().flat_map(|part| part.lines()) {
        if let Some(name) = line.strip_prefix('$') {
            fragments.push((name, String::new()));
            in_fragment = true;
            continue;
        }
        in_fragment &= line.starts_with(' ');
        let line = with_fragments(line, &fragments);
        let text = match fragments.last_mut() {
            Some((_, text)) if in_fragment => text,
            _ => &mut patterns,
        };
        text.push_str(&line);
        text.push('\n');
    }
    patterns
}

fn with_fragments(line: &str, fragments: &[(&str, String)]) -> String {
    let mut parts = line.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_uppercase());
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        match fragments.iter().find(|(known, _)| *known == name) {
            Some((_, fragment)) => text.extend([fragment.trim(), rest]),
            None => text.extend(["$", part]),
        }
    }
    text
}

/// The node kind with which the pattern at that byte of a query begins.
fn first_kind(query: &str, at: usize) -> Option<&str> {
    let pattern = query.get(at..)?.trim_start().strip_prefix('(')?;
    // A group holds a pattern and its predicates.
    let pattern = pattern.trim_start_matches('(');
    let end = pattern.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    pattern.get(..end).filter(|kind| !kind.is_empty())
}

fn capture(name: &str) -> Option<Capture> {
    Some(match name {
        "name" => Capture::Name,
        "scope" => Capture::Scope,
        "declarator" => Capture::Declarator,
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
        "import.statement" => Capture::ImportStatement,
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
        for row in ROWS {
            let language = (row.language)();
            if let Err(error) = Query::new(&language, &expanded(row.query)) {
                panic!("{}: {error}", row.name);
            }
            assert!(
                compiled(row).is_some(),
                "{}: an unknown capture, or a pattern that begins with no kind",
                row.name
            );
            assert!(
                row.name == "flow" || Language::named(row.name).is_some(),
                "{}",
                row.name
            );
            let format = row.formatting;
            let mut kinds = [
                row.comments,
                row.verbatim,
                row.flowing,
                row.layout,
                row.decorators,
                format.trailing_commas,
                format.quotes,
                format.plain_quotes,
            ]
            .concat();
            kinds.extend(format.redundant.iter().map(|rule| rule.node));
            kinds.extend(
                format
                    .empty
                    .iter()
                    .flat_map(|(node, inside)| [node, inside]),
            );
            kinds.extend(format.optional.iter().flat_map(|(kinds, _)| kinds.iter()));
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
