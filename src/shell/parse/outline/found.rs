//! What a language's query finds at one node.

use std::collections::HashMap;
use std::ops::Range;

use tree_sitter::{Node, QueryCursor, StreamingIterator};

use crate::shell::parse::imports;
use crate::shell::parse::source::Source;
use crate::shell::parse::table::{Capture, Compiled, Grammar};

/// At most this many names of one statement are read: each would quote it.
const MAX_ITEMS: usize = 64;

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
        let mut inside = Inside::Members;
        let (mut from, mut imported) = (String::new(), Vec::new());
        let quoted = |node| source.one_line(compiled, node);
        for capture in found.captures {
            let node = capture.node;
            match &compiled.captures[capture.index as usize] {
                Capture::Item(found) => kind = Some(found.as_str()),
                Capture::Name => name = Some(node),
                Capture::Scope => scope = Some(node),
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
    events.extend(items.into_iter().map(Event::Item));
    events
}
