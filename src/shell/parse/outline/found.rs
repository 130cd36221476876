//! What a language's query finds at one node.

use std::collections::HashMap;
use std::ops::Range;

use tree_sitter::{Node, QueryCursor, StreamingIterator};

use crate::shell::parse::imports;
use crate::shell::parse::source::Source;
use crate::shell::parse::table::{Capture, Compiled, Grammar};

/// At most this many names of one statement are read: each would quote it.
const MAX_ITEMS: usize = 64;

/// Deeper declarators declare nothing.
const MAX_DECLARATORS: usize = 32;

/// What a definition's body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// Its members.
    Members,
    /// Nothing that counts.
    Closed,
    /// Definitions that are its siblings.
    Siblings,
}

/// A definition as the query found it.
pub(super) struct Item<'t> {
    pub kind: &'static str,
    pub node: Node<'t>,
    /// `None` for a definition without a name of its own.
    pub name: Option<Node<'t>>,
    /// The name of its owner.
    pub scope: Option<Node<'t>>,
    pub body: Option<Node<'t>>,
    pub inside: Inside,
}

/// One thing that the query found.
pub(super) enum Event<'t> {
    Item(Item<'t>),
    Wrapper(Node<'t>),
    Decorator(Node<'t>),
    Doc(Node<'t>),
    DocAbove(Node<'t>),
    InnerDoc(Node<'t>),
    Comment(Node<'t>),
    Import(Vec<String>),
    Heading(String),
    Closed(Range<usize>),
    Open(Range<usize>),
}

/// Whether of two matches of one name the first says more: an optional part of a pattern matches with and without it,
/// and a pattern for any value matches what one for a type matches.
fn better(item: &Item<'_>, known: &Item<'_>) -> bool {
    known.body.is_none() && item.body.is_some()
        || known.inside == Inside::Closed && item.inside == Inside::Members
}

/// The name of the function that a declarator of C or C++ declares, and that of its owner; `None` for a variable.
fn declared_function(declarator: Node<'_>) -> Option<(Node<'_>, Option<Node<'_>>)> {
    let mut at = declarator;
    // The declarator directly around the name, parentheses apart: `(*f)(int)` declares a pointer.
    let mut around = "";
    for _ in 0..MAX_DECLARATORS {
        let kind = at.kind();
        let next = match kind {
            "operator_cast" => None,
            "parenthesized_declarator" | "reference_declarator" | "attributed_declarator" => {
                let children = 0..u32::try_from(at.named_child_count()).unwrap_or(0);
                children
                    .filter_map(|child| at.named_child(child))
                    .find(|child| child.kind().ends_with("declarator") || is_name(child))
            }
            _ => at.child_by_field_name("declarator"),
        };
        let Some(next) = next else {
            break;
        };
        if kind != "parenthesized_declarator" {
            around = kind;
        }
        at = next;
    }
    let mut scope = None;
    while at.kind() == "qualified_identifier" {
        scope = at.child_by_field_name("scope").or(scope);
        at = at.child_by_field_name("name")?;
    }
    if at.kind() == "template_function" {
        at = at.child_by_field_name("name")?;
    }
    let function = around == "function_declarator" || at.kind() == "operator_cast";
    (function && is_name(&at)).then_some((at, scope))
}

fn is_name(node: &Node<'_>) -> bool {
    matches!(
        node.kind(),
        "identifier"
            | "field_identifier"
            | "operator_name"
            | "destructor_name"
            | "operator_cast"
            | "template_function"
            | "qualified_identifier"
    )
}

/// What the query finds at a node.
pub(super) fn events<'t>(
    grammar: &Grammar,
    compiled: &'static Compiled,
    query: &mut QueryCursor,
    node: Node<'t>,
    source: &Source<'_>,
) -> Vec<Event<'t>> {
    let mut items: Vec<Item<'t>> = Vec::new();
    let mut by_name: HashMap<usize, usize> = HashMap::new();
    let mut events = Vec::new();
    let mut documents = false;
    let mut matches = query.matches(&compiled.query, node, source.bytes);
    while let Some(found) = matches.next() {
        let (mut kind, mut name, mut scope, mut body) = (None, None, None, None);
        let mut declarator = None;
        let mut inside = Inside::Members;
        let (mut from, mut imported) = (String::new(), Vec::new());
        let quoted = |node| source.one_line(compiled, node);
        for capture in found.captures {
            let node = capture.node;
            match &compiled.captures[capture.index as usize] {
                Capture::Item(found) => kind = Some(found.as_str()),
                Capture::Name => name = Some(node),
                Capture::Scope => scope = Some(node),
                Capture::Declarator => declarator = Some(node),
                Capture::Body => body = Some(node),
                Capture::Closed => (body, inside) = (Some(node), Inside::Closed),
                Capture::Tail => (body, inside) = (Some(node), Inside::Siblings),
                Capture::Open => events.push(Event::Open(node.byte_range())),
                Capture::Wrapper => events.push(Event::Wrapper(node)),
                Capture::Decorator => events.push(Event::Decorator(node)),
                Capture::Doc if !documents => {
                    documents = true;
                    events.push(Event::Doc(node));
                }
                Capture::DocAbove if !documents => {
                    documents = true;
                    events.push(Event::DocAbove(node));
                }
                Capture::InnerDoc => events.push(Event::InnerDoc(node)),
                Capture::Comment if !documents => events.push(Event::Comment(node)),
                Capture::Doc | Capture::DocAbove | Capture::Comment | Capture::Own => {}
                Capture::Heading => events.push(Event::Heading(quoted(node))),
                Capture::HeadingOf(kind) => {
                    events.push(Event::Heading(format!("{kind}: {}", quoted(node))));
                }
                Capture::ImportFrom => from = quoted(node),
                Capture::Import | Capture::ImportName => imported.push(quoted(node)),
                Capture::ImportStatement => {
                    let text = quoted(node);
                    let name = text.trim_start_matches("import").trim_start();
                    imported.push(name.to_owned());
                }
            }
        }
        for name in imported {
            let name = name.trim_matches(['"', '\'']);
            events.push(Event::Import(imports::names(&from, name, grammar)));
        }
        let Some(kind) = kind else {
            if let Some(body) = body {
                events.push(Event::Closed(body.start_byte()..node.end_byte()));
            }
            continue;
        };
        if let Some(declarator) = declarator {
            let Some(declared) = declared_function(declarator) else {
                events.extend(body.map(|body| Event::Closed(body.start_byte()..node.end_byte())));
                continue;
            };
            (name, scope) = (Some(declared.0), declared.1);
        }
        let item = Item {
            kind,
            node,
            name,
            scope,
            body,
            inside,
        };
        let key = name.unwrap_or(node).start_byte();
        match by_name.get(&key) {
            Some(&known) if better(&item, &items[known]) => items[known] = item,
            Some(_) => {}
            None if items.len() < MAX_ITEMS => {
                by_name.insert(key, items.len());
                items.push(item);
            }
            None => {}
        }
    }
    if documents {
        events.retain(|event| !matches!(event, Event::Comment(_)));
    }
    items.sort_by_key(|item| item.name.unwrap_or(item.node).start_byte());
    events.extend(items.into_iter().map(Event::Item));
    events
}
