//! From a tree and a query's captures to an outline.
//!
//! The captures are read in the order of the text, with a stack of the definitions that are open. The query runs only at
//! nodes that can begin one of its patterns: on the whole tree its time grows with the square of the nesting. No step
//! requests a node's parent or siblings, because tree-sitter computes them from the root.

mod docs;
mod found;
mod pending;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tree_sitter::{Node, QueryCursor, Tree};

use crate::model::outline::{Element, Outline};

use super::licence;
use super::scan::{MAX_HEADINGS, comment};
use super::source::Source;
use super::table::{Compiled, Docs, Grammar, NodeKind};

use found::{Event, Inside, Item, events};
use pending::Pending;

/// Definitions inside one whose qualified name is longer than this, in bytes, are ignored.
const MAX_QUALIFIED_NAME: usize = 1_000;

/// A module lists at most this many exported names.
const MAX_EXPORTS: usize = 1_000;

/// The comment that begins a file is searched for in this many bytes.
const MAX_HEAD: usize = 8_192;

/// At most this many matches of one node are followed at once: a long list costs their number squared.
const MAX_MATCHES: u32 = 128;

/// Decorators inside a definition are searched for this deep at its beginning.
const MAX_DECORATOR_DEPTH: usize = 4;

/// The name of a definition that has none, such as a default export.
const UNNAMED: &str = "default";

/// A definition around the current node.
struct Open {
    end: usize,
    /// From here on, definitions are ignored.
    closed_from: usize,
    body: usize,
    node: usize,
    kind: String,
    qualified_name: String,
    element: usize,
}

/// The beginning of a definition.
struct Head {
    start: usize,
    row: usize,
    decorators: Vec<String>,
    docs: Vec<String>,
}

/// Receives nodes in the order of the text and builds the outline.
pub(super) struct Reader<'a, 't> {
    grammar: &'static Grammar,
    compiled: &'static Compiled,
    source: &'a Source<'a>,
    query: QueryCursor,
    outline: Outline,
    open: Vec<Open>,
    /// Bodies of no definition whose content is ignored; those that may lie ahead.
    closed: Vec<Range<usize>>,
    /// Where bodies begin that stay open.
    left_open: HashSet<usize>,
    /// Where the names of all definitions begin: two patterns may find the same one.
    named: HashSet<usize>,
    /// The node around the next definition that is part of it, and the definition it was given to.
    wrapper: Option<(Node<'t>, Option<usize>)>,
    pending: Pending,
    /// Comments that document what encloses them: by the element, `None` for the file.
    inner_docs: HashMap<Option<usize>, Vec<String>>,
}

/// Reads a tree that is embedded in another.
pub(super) fn walk<'t>(tree: &'t Tree, reader: &mut Reader<'_, 't>) {
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let kind = reader.compiled.kind(&node);
        reader.visit(node, kind);
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

impl<'a, 't> Reader<'a, 't> {
    pub fn new(
        grammar: &'static Grammar,
        compiled: &'static Compiled,
        tree: &'t Tree,
        source: &'a Source<'a>,
    ) -> Self {
        let mut query = QueryCursor::new();
        query.set_max_start_depth(Some(0));
        query.set_match_limit(MAX_MATCHES);
        let mut reader = Self {
            grammar,
            compiled,
            source,
            query,
            outline: Outline::default(),
            open: Vec::new(),
            closed: Vec::new(),
            left_open: HashSet::new(),
            named: HashSet::new(),
            wrapper: None,
            pending: Pending::default(),
            inner_docs: HashMap::new(),
        };
        if let Docs::FirstString(_) = grammar.docs {
            reader.outline.docstring = reader.first_string(tree.root_node());
        }
        reader
    }

    /// A node begins.
    pub fn visit(&mut self, node: Node<'t>, kind: &NodeKind) {
        if !kind.queried {
            return;
        }
        for event in events(
            self.grammar,
            self.compiled,
            &mut self.query,
            node,
            self.source,
        ) {
            self.read(node.start_byte(), event);
        }
    }

    fn read(&mut self, start: usize, event: Event<'t>) {
        while self.open.last().is_some_and(|open| open.end <= start) {
            self.open.pop();
        }
        self.closed.retain(|body| start < body.end);
        match event {
            Event::Import(names) => self.outline.imports.extend(names),
            Event::Item(found) => self.item(&found),
            Event::Heading(name) => {
                let max = match name.starts_with("export: ") {
                    true => MAX_EXPORTS,
                    false => MAX_HEADINGS,
                };
                if self.outline.headings.len() < max && !self.outline.headings.contains(&name) {
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
            Event::Open(body) => drop(self.left_open.insert(body.start)),
            Event::Closed(body) => self.close(body),
            Event::Decorator(node) => {
                if self.is_outside(&node) {
                    let text = self.source.one_line(self.compiled, node);
                    self.pending.decorator(self.source, node.byte_range(), text);
                }
            }
            Event::Doc(node) => {
                if self.is_outside(&node) {
                    let alone = self.stands_alone(&node);
                    self.pending.doc(self.source, node.byte_range(), alone);
                }
            }
            Event::DocAbove(node) => {
                if self.is_outside(&node) {
                    self.pending.doc_above(self.source, node.byte_range());
                }
            }
            Event::Comment(node) => {
                if self.is_outside(&node) {
                    self.pending.comment(self.source, node.byte_range());
                }
            }
            Event::InnerDoc(node) => {
                let inside = self.open.last().map(|open| open.element);
                let text = self.source.text(node.byte_range());
                self.inner_docs.entry(inside).or_default().push(text);
            }
        }
    }

    /// Whether a node lies behind what was read and outside every closed body.
    fn is_outside(&self, node: &Node<'_>) -> bool {
        !self.pending.is_past(node.start_byte()) && !self.is_closed(node.start_byte())
    }

    fn is_closed(&self, at: usize) -> bool {
        self.closed.iter().any(|body| body.contains(&at))
            || self.open.last().is_some_and(|open| at >= open.closed_from)
    }

    /// Closes a body that belongs to no definition.
    fn close(&mut self, body: Range<usize>) {
        let is_items = self.open.last().is_some_and(|open| open.body == body.start);
        if !is_items && !self.is_closed(body.start) && !self.left_open.contains(&body.start) {
            self.closed.push(body);
        }
    }

    fn item(&mut self, found: &Item<'t>) {
        // The names of one statement are siblings: each ends where the next begins, and the first is on top of the stack.
        let id = found.node.id();
        let first = self.open.iter().rposition(|open| open.node != id);
        let mut siblings = self.open.split_off(first.map_or(0, |last| last + 1));
        let name_at = found.name.unwrap_or(found.node).start_byte();
        if let Some(last) = siblings.first_mut() {
            last.end = last.end.min(name_at);
        }
        let sibling = siblings.first().map(|last| last.body);
        let opened = self.sibling(found, sibling);
        self.open.extend(opened);
        self.open.append(&mut siblings);
    }

    /// Adds a definition, and returns it if it encloses others. `sibling` is the body of the one before it in its statement.
    fn sibling(&mut self, found: &Item<'t>, sibling: Option<usize>) -> Option<Open> {
        let id = found.node.id();
        let name_at = found.name.unwrap_or(found.node).start_byte();
        if self.is_closed(found.node.start_byte()) || self.is_closed(name_at) {
            return None;
        }
        if !self.named.insert(name_at) {
            return None;
        }
        let node = self.with_wrapper(found.node);
        let Range { start, end } = node.byte_range();
        let (docs, mut decorators) = self.pending.take_at(self.source, start);
        let Head {
            start: mut head,
            mut row,
            decorators: inside,
            docs: leading,
        } = self.head(node);
        if let Some(name) = found.name
            && sibling.is_some_and(|body| body < name.start_byte())
        {
            (head, row) = (name.start_byte(), name.start_position().row);
        }
        if decorators.is_empty() {
            decorators = inside;
        }
        let body = found.body.map(|body| body.start_byte());
        self.pending.skip_to(body.unwrap_or(end));
        // What stands in the head of a definition is not inside it: `a.x = a.y = function …`.
        let around = self.open.iter().rev().find(|open| open.body <= start);
        let kind = self.kind_of(found.kind, around.map(|open| open.kind.as_str()));
        let name = match found.name {
            Some(name) => self.source.one_line(self.compiled, name),
            None => UNNAMED.to_owned(),
        };
        if self.grammar.keywords.contains(&name.as_str()) {
            return None;
        }
        let mut qualified_name = String::new();
        if let Some(open) = around {
            qualified_name = format!("{}{}", open.qualified_name, self.grammar.separator);
        }
        if let Some(scope) = found.scope {
            let scope = self.source.one_line(self.compiled, scope);
            qualified_name = format!("{qualified_name}{scope}{}", self.grammar.separator);
        }
        let outer = !qualified_name.is_empty();
        let kind = match kind {
            "method" if !outer => "function",
            kind => kind,
        };
        qualified_name.push_str(&name);
        if self.grammar.separator == "." {
            qualified_name = qualified_name.replace("::", ".");
        }
        let docstring = match self.grammar.docs {
            Docs::FirstString(_) => found.body.and_then(|body| self.first_string(body)),
            Docs::Comments { .. } if leading.is_empty() => self.comment_text(&docs),
            Docs::Comments { .. } => self.comment_text(&leading),
        };
        if self.grammar.clauses
            && let Some(last) = self.outline.elements.last_mut()
            && last.kind == kind
            && last.qualified_name == qualified_name
            && sibling.is_none()
        {
            last.line_end = self.source.last_line(node).max(last.line_end);
            if let Some(body) = body {
                self.closed.push(body..end);
            }
            return None;
        }
        let signature =
            self.source
                .part_in_one_line(self.compiled, node, head..body.unwrap_or(end));
        let signature = signature
            .trim_end_matches(|c: char| c.is_whitespace() || self.grammar.head_ends.contains(&c));
        let closed = found.inside == Inside::Closed || qualified_name.len() > MAX_QUALIFIED_NAME;
        let body = body.filter(|_| found.inside != Inside::Siblings);
        let opened = body.map(|body| Open {
            end,
            closed_from: if closed { body } else { usize::MAX },
            body,
            node: id,
            kind: kind.to_owned(),
            qualified_name: qualified_name.clone(),
            element: self.outline.elements.len(),
        });
        if kind == "owner" {
            return opened;
        }
        self.outline.elements.push(Element {
            kind: kind.to_owned(),
            name,
            qualified_name,
            signature: signature.to_owned(),
            decorators,
            line_start: line(row),
            line_end: self.source.last_line(node).max(line(row)),
            docstring,
        });
        opened
    }

    /// A definition's node, or the wrapper around it.
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

    /// Where a definition begins behind its own decorators and documentation, and these.
    fn head(&self, node: Node<'_>) -> Head {
        let (mut decorators, mut docs) = (Vec::new(), Vec::new());
        let before = [self.grammar.decorators, self.grammar.leading_docs];
        let mut cursor = node.walk();
        for _ in 0..MAX_DECORATOR_DEPTH {
            if before.iter().all(|kinds| kinds.is_empty()) || !cursor.goto_first_child() {
                break;
            }
            loop {
                let child = cursor.node();
                if self.grammar.decorators.contains(&child.kind()) {
                    decorators.push(self.source.one_line(self.compiled, child));
                } else if self.grammar.leading_docs.contains(&child.kind()) {
                    docs.push(self.source.text(child.byte_range()));
                } else if !child.is_extra() {
                    break;
                }
                if !cursor.goto_next_sibling() {
                    // Nothing but decorators: the definition continues behind them.
                    let mut more = false;
                    while !more && cursor.goto_parent() {
                        more = cursor.goto_next_sibling();
                    }
                    break;
                }
            }
        }
        let first = if decorators.is_empty() && docs.is_empty() {
            node
        } else {
            cursor.node()
        };
        Head {
            start: first.start_byte(),
            row: first.start_position().row,
            decorators,
            docs,
        }
    }

    /// The kind of a definition inside the one around it.
    fn kind_of<'k>(&self, kind: &'k str, around: Option<&str>) -> &'k str
    where
        Self: 'k,
    {
        let member = self.grammar.members.iter().find(|(plain, inside, _)| {
            *plain == kind && around.is_some_and(|around| inside.contains(&around))
        });
        member.map_or(kind, |(.., becomes)| becomes)
    }

    pub fn finish(mut self) -> Outline {
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
            let comment = comment::all_leading(head, self.grammar.comment_marks);
            let comment = comment.map(|comment| licence::stripped(&comment).into_owned());
            if let Some(comment) = comment.filter(|comment| !comment.is_empty()) {
                self.outline.headings.insert(0, format!("# {comment}"));
            }
        }
        // The names of one statement are read before what their values hold.
        self.outline
            .elements
            .sort_by_key(|element| element.line_start);
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
