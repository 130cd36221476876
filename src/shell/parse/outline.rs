//! From a tree and a query's captures to an outline.
//!
//! The captures are read in the order of the text, with a stack of the definitions that are open. No step asks a
//! node for its parent or its siblings: the parser's library answers that from the root, every time.

mod docs;
mod found;
mod waiting;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tree_sitter::{Node, QueryCursor, Tree};

use crate::model::outline::{Element, Outline};

use super::scan::MAX_HEADINGS;

use super::scan::comment;
use super::source::Source;
use super::table::{Compiled, Docs, Grammar};

use found::{Event, Inside, Item, events};
use waiting::Waiting;

/// A qualified name of this many bytes is the last: nobody asks for what is defined inside.
const MAX_QUALIFIED_NAME: usize = 1_000;

/// A module says of at most so many names that it offers them.
const MAX_EXPORTS: usize = 1_000;

/// The comment that begins a file is looked for in this many bytes.
const MAX_HEAD: usize = 8_192;

/// So many matches of one node are followed at once: their number, squared, is what a long list costs.
const MAX_MATCHES: u32 = 128;

/// Decorators inside of a definition are looked for so deep at its beginning.
const MAX_DECORATOR_DEPTH: usize = 4;

/// A definition around the place that is being read.
struct Open {
    end: usize,
    /// From here on, definitions are nobody's business.
    closed_from: usize,
    body: usize,
    node: usize,
    kind: String,
    qualified_name: String,
    element: usize,
}

/// The outline of a tree.
///
/// The tree is walked once, and the query is asked only at the nodes that can begin one of its patterns: asked about
/// the whole tree, it takes time that grows with the square of the nesting.
pub(super) fn outline(
    grammar: &Grammar,
    compiled: &Compiled,
    tree: &Tree,
    source: &Source<'_>,
) -> Outline {
    let root = tree.root_node();
    let mut reader = Reader {
        grammar,
        compiled,
        source,
        outline: Outline {
            partial: root.has_error(),
            ..Outline::default()
        },
        open: Vec::new(),
        closed: Vec::new(),
        spared: HashSet::new(),
        named: HashSet::new(),
        wrapper: None,
        waiting: Waiting::default(),
        inner_docs: HashMap::new(),
    };
    if let Docs::FirstString(_) = grammar.docs {
        reader.outline.docstring = reader.first_string(root);
    }
    let mut query = QueryCursor::new();
    query.set_max_start_depth(Some(0));
    query.set_match_limit(MAX_MATCHES);
    let mut cursor = tree.walk();
    'walk: loop {
        let node = cursor.node();
        if compiled.kind(&node).sought {
            for event in events(grammar, compiled, &mut query, node, source) {
                reader.read(node.start_byte(), event);
            }
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'walk;
            }
        }
    }
    reader.finish()
}

struct Reader<'a, 't> {
    grammar: &'a Grammar,
    compiled: &'a Compiled,
    source: &'a Source<'a>,
    outline: Outline,
    open: Vec<Open>,
    /// Bodies of no definition, in which nothing is anybody's business; those that may lie ahead.
    closed: Vec<Range<usize>>,
    /// Where bodies begin that are not closed.
    spared: HashSet<usize>,
    /// Where the names of all definitions begin: two patterns may find the same one.
    named: HashSet<usize>,
    /// What stands around the next definition and belongs to it, and the node that it was given to.
    wrapper: Option<(Node<'t>, Option<usize>)>,
    waiting: Waiting,
    /// Comments that document what is around them: by the element, `None` for the file.
    inner_docs: HashMap<Option<usize>, Vec<String>>,
}

impl<'t> Reader<'_, 't> {
    fn read(&mut self, start: usize, event: Event<'t, '_>) {
        while self.open.last().is_some_and(|open| open.end <= start) {
            self.open.pop();
        }
        self.closed.retain(|body| start < body.end);
        match event {
            Event::Import(names) => self.outline.imports.extend(names),
            Event::Item(found) => self.item(&found),
            Event::Heading(name) => {
                // What a package offers is counted.
                let most = match name.starts_with("export: ") {
                    true => MAX_EXPORTS,
                    false => MAX_HEADINGS,
                };
                if self.outline.headings.len() < most && !self.outline.headings.contains(&name) {
                    self.outline.headings.push(name);
                }
            }
            Event::Wrapper(node) => {
                let around = self.wrapper.is_some_and(|(around, given)| {
                    given.is_none() && node.end_byte() <= around.end_byte()
                });
                if !around {
                    self.wrapper = Some((node, None));
                }
            }
            Event::Open(body) => drop(self.spared.insert(body.start)),
            Event::Closed(body) => self.close(body),
            Event::Decorator(node) => {
                if self.is_outside(&node) {
                    let text = self.source.one_line(self.compiled, node);
                    self.waiting.decorator(self.source, node.byte_range(), text);
                }
            }
            Event::Doc(node) => {
                if self.is_outside(&node) {
                    let alone = self.stands_alone(&node);
                    self.waiting.doc(self.source, node.byte_range(), alone);
                }
            }
            Event::DocAbove(node) => {
                if self.is_outside(&node) {
                    self.waiting.doc_above(self.source, node.byte_range());
                }
            }
            Event::Comment(node) => {
                if self.is_outside(&node) {
                    self.waiting.comment(self.source, node.byte_range());
                }
            }
            Event::InnerDoc(node) => {
                let inside = self.open.last().map(|open| open.element);
                let text = self.source.text(node.byte_range());
                self.inner_docs.entry(inside).or_default().push(text);
            }
        }
    }

    /// Whether a node is outside of what came before it, and of every closed body.
    fn is_outside(&self, node: &Node<'_>) -> bool {
        !self.waiting.is_past(node.start_byte()) && !self.is_closed(node.start_byte())
    }

    fn is_closed(&self, at: usize) -> bool {
        self.closed.iter().any(|body| body.contains(&at))
            || self.open.last().is_some_and(|open| at >= open.closed_from)
    }

    /// Closes a body that belongs to no definition.
    fn close(&mut self, body: Range<usize>) {
        let is_items = self.open.last().is_some_and(|open| open.body == body.start);
        if !is_items && !self.is_closed(body.start) && !self.spared.contains(&body.start) {
            self.closed.push(body);
        }
    }

    fn item(&mut self, found: &Item<'t, '_>) {
        if self.is_closed(found.node.start_byte()) || self.is_closed(found.name.start_byte()) {
            return;
        }
        if !self.named.insert(found.name.start_byte()) {
            return;
        }
        let node = self.with_wrapper(found.node);
        let Range { start, end } = node.byte_range();
        let (docs, mut decorators) = self.waiting.taken_at(self.source, start);
        let (head, row, inside) = self.head(node);
        if decorators.is_empty() {
            decorators = inside;
        }
        let body = found.body.map(|body| body.start_byte());
        self.waiting.skip_to(body.unwrap_or(end));
        // The names of one statement stand beside each other.
        let id = found.node.id();
        self.open.pop_if(|open| open.node == id);
        let around = self.open.last();
        let kind = self.kind_of(found.kind, around.map(|open| open.kind.as_str()));
        let name = self.source.one_line(self.compiled, found.name);
        let mut qualified_name = String::new();
        if let Some(open) = around {
            qualified_name = format!("{}{}", open.qualified_name, self.grammar.separator);
        }
        if let Some(scope) = found.scope {
            let scope = self.source.one_line(self.compiled, scope);
            qualified_name = format!("{qualified_name}{scope}{}", self.grammar.separator);
        }
        qualified_name.push_str(&name);
        let docstring = match self.grammar.docs {
            Docs::FirstString(_) => found.body.and_then(|body| self.first_string(body)),
            Docs::Comments { .. } => self.comment_text(&docs),
        };
        let signature =
            self.source
                .part_in_one_line(self.compiled, node, head..body.unwrap_or(end));
        let signature = signature
            .trim_end_matches(|c: char| c.is_whitespace() || self.grammar.head_ends.contains(&c));
        let closed = found.inside == Inside::Closed || qualified_name.len() > MAX_QUALIFIED_NAME;
        if let Some(body) = body.filter(|_| found.inside != Inside::Beside) {
            self.open.push(Open {
                end,
                closed_from: if closed { body } else { usize::MAX },
                body,
                node: id,
                kind: kind.to_owned(),
                qualified_name: qualified_name.clone(),
                element: self.outline.elements.len(),
            });
        }
        self.outline.elements.push(Element {
            kind: kind.to_owned(),
            name,
            qualified_name,
            signature: signature.to_owned(),
            decorators,
            line_start: line(row),
            line_end: self.source.last_line(node),
            docstring,
        });
    }

    /// A definition's node with what is wrapped around it.
    fn with_wrapper(&mut self, node: Node<'t>) -> Node<'t> {
        match &mut self.wrapper {
            Some((wrapper, given))
                if wrapper.start_byte() <= node.start_byte()
                    && node.end_byte() <= wrapper.end_byte()
                    && given.is_none_or(|given| given == node.id()) =>
            {
                *given = Some(node.id());
                *wrapper
            }
            _ => node,
        }
    }

    /// Where a definition begins behind the decorators in it, and these.
    fn head(&self, node: Node<'_>) -> (usize, usize, Vec<String>) {
        let mut decorators = Vec::new();
        let mut cursor = node.walk();
        for _ in 0..MAX_DECORATOR_DEPTH {
            if self.grammar.decorators.is_empty() || !cursor.goto_first_child() {
                break;
            }
            loop {
                let child = cursor.node();
                if self.grammar.decorators.contains(&child.kind()) {
                    decorators.push(self.source.one_line(self.compiled, child));
                } else if !child.is_extra() {
                    break;
                }
                if !cursor.goto_next_sibling() {
                    // Nothing but decorators: the definition goes on behind them.
                    let mut more = false;
                    while !more && cursor.goto_parent() {
                        more = cursor.goto_next_sibling();
                    }
                    break;
                }
            }
        }
        let first = if decorators.is_empty() {
            node
        } else {
            cursor.node()
        };
        (first.start_byte(), first.start_position().row, decorators)
    }

    /// What a definition is called where it stands.
    fn kind_of<'k>(&self, kind: &'k str, around: Option<&str>) -> &'k str
    where
        Self: 'k,
    {
        let member = self.grammar.members.iter().find(|(plain, inside, _)| {
            *plain == kind && around.is_some_and(|around| inside.contains(&around))
        });
        member.map_or(kind, |(.., becomes)| becomes)
    }

    fn finish(mut self) -> Outline {
        let about_file = self.about_file();
        for (element, comments) in std::mem::take(&mut self.inner_docs) {
            let text = self.comment_text(&comments);
            let docstring = match element {
                None => &mut self.outline.docstring,
                Some(element) => &mut self.outline.elements[element].docstring,
            };
            if docstring.is_none() {
                *docstring = text;
            }
        }
        if self.outline.docstring.is_none() {
            self.outline.docstring = about_file;
        }
        if self.outline.docstring.is_none() {
            let head = self.source.text(0..self.source.bytes.len().min(MAX_HEAD));
            let head = self.before_documentation(head.trim_start_matches('\u{feff}'));
            if let Some(words) = comment::all_leading(head, self.grammar.comment_marks) {
                self.outline.headings.insert(0, format!("# {words}"));
            }
        }
        let mut seen = HashSet::new();
        self.outline
            .imports
            .retain(|name| !name.is_empty() && seen.insert(name.clone()));
        self.outline
    }
}

/// A line's number, counted from 1.
fn line(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX).saturating_add(1)
}
