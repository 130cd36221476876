//! From a tree and a query's captures to an outline.
//!
//! The captures are read in the order of the text, with a stack of the definitions that are open. No step asks a
//! node for its parent or its siblings: the parser's library answers that from the root, every time.

use std::collections::HashMap;
use std::ops::Range;

use tree_sitter::{Node, QueryCursor, StreamingIterator, Tree};

use crate::model::outline::{Element, Outline};

use super::imports;
use super::literal;
use super::scan::MAX_HEADINGS;
use super::scan::comment;
use super::source::Source;
use super::table::{Capture, Compiled, Docs, Grammar};

/// A qualified name of this many bytes is the last: nobody asks for what is defined inside.
const MAX_QUALIFIED_NAME: usize = 1_000;

/// The comment that begins a file is looked for in this many bytes.
const MAX_HEAD: usize = 8_192;

/// A definition as the query found it.
struct Found<'t, 'q> {
    kind: &'q str,
    node: Node<'t>,
    name: Node<'t>,
    body: Option<Node<'t>>,
    closed: bool,
}

/// One thing that the query found.
enum Event<'t, 'q> {
    Item(Found<'t, 'q>),
    Decorator(Node<'t>),
    Doc(Node<'t>),
    InnerDoc(Node<'t>),
    Comment(Node<'t>),
    Import(Vec<String>),
    Heading(String),
}

/// A definition around the place that is being read.
struct Open {
    end: usize,
    /// From here on, definitions are nobody's business.
    closed_from: usize,
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
        docs: Vec::new(),
        decorators: Vec::new(),
        pending_end: 0,
        inner_docs: HashMap::new(),
    };
    if let Docs::FirstString(_) = grammar.docs {
        reader.outline.docstring = reader.first_string(root);
    }
    let mut query = QueryCursor::new();
    query.set_max_start_depth(Some(0));
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

/// What the query finds at a node.
fn events<'t, 'q>(
    grammar: &Grammar,
    compiled: &'q Compiled,
    query: &mut QueryCursor,
    node: Node<'t>,
    source: &Source<'_>,
) -> Vec<Event<'t, 'q>> {
    let mut item: Option<Found<'t, 'q>> = None;
    let mut events = Vec::new();
    let mut matches = query.matches(&compiled.query, node, source.bytes);
    while let Some(found) = matches.next() {
        let (mut kind, mut name, mut body, mut closed, mut from) = (None, None, None, false, None);
        let quoted = |node| source.one_line(compiled, node, None);
        for capture in found.captures {
            let node = capture.node;
            match &compiled.captures[capture.index as usize] {
                Capture::Item(found) => kind = Some(found.as_str()),
                Capture::Name => name = Some(node),
                Capture::Body => body = Some(node),
                Capture::Closed => (body, closed) = (Some(node), true),
                Capture::Decorator => events.push(Event::Decorator(node)),
                Capture::Doc => events.push(Event::Doc(node)),
                Capture::InnerDoc => events.push(Event::InnerDoc(node)),
                Capture::Comment => events.push(Event::Comment(node)),
                Capture::Heading => events.push(Event::Heading(quoted(node))),
                Capture::ImportFrom => from = Some(quoted(node)),
                Capture::Import | Capture::ImportName => {
                    let from = from.as_deref().unwrap_or("");
                    let names = imports::names(from, &quoted(node), grammar);
                    events.push(Event::Import(names));
                }
            }
        }
        // An optional part of a pattern matches with and without it: the match with a body knows more.
        let (Some(kind), Some(name)) = (kind, name) else {
            continue;
        };
        if item
            .as_ref()
            .is_none_or(|known| known.body.is_none() && body.is_some())
        {
            item = Some(Found {
                kind,
                node,
                name,
                body,
                closed,
            });
        }
    }
    events.extend(item.map(Event::Item));
    events
}

struct Reader<'a> {
    grammar: &'a Grammar,
    compiled: &'a Compiled,
    source: &'a Source<'a>,
    outline: Outline,
    open: Vec<Open>,
    /// Documentation comments and decorators that wait for their definition, and where they end.
    docs: Vec<String>,
    decorators: Vec<String>,
    pending_end: usize,
    /// Comments that document what is around them: by the element, `None` for the file.
    inner_docs: HashMap<Option<usize>, Vec<String>>,
}

impl Reader<'_> {
    fn read(&mut self, start: usize, event: Event<'_, '_>) {
        while self.open.last().is_some_and(|open| open.end <= start) {
            self.open.pop();
        }
        match event {
            Event::Import(names) => self.outline.imports.extend(names),
            Event::Item(found) => self.item(&found),
            Event::Heading(name) => {
                if self.outline.headings.len() < MAX_HEADINGS
                    && !self.outline.headings.contains(&name)
                {
                    self.outline.headings.push(name);
                }
            }
            Event::Decorator(node) => {
                if self.continues(&node) {
                    let text = self.source.one_line(self.compiled, node, None);
                    self.decorators.push(text);
                }
            }
            Event::Doc(node) => {
                if self.continues(&node) {
                    self.docs.push(self.source.text(node.byte_range()));
                }
            }
            Event::Comment(node) => {
                self.continues(&node);
            }
            Event::InnerDoc(node) => {
                let inside = self.open.last().map(|open| open.element);
                let text = self.source.text(node.byte_range());
                self.inner_docs.entry(inside).or_default().push(text);
            }
        }
    }

    /// Whether a node is outside of what came before it. If more than white space lies between, what was waiting
    /// belongs to something that is no element and is forgotten.
    fn continues(&mut self, node: &Node<'_>) -> bool {
        if node.start_byte() < self.pending_end || self.is_closed(node.start_byte()) {
            return false;
        }
        if !self.source.is_blank(self.pending_end..node.start_byte()) {
            self.docs.clear();
            self.decorators.clear();
        }
        self.pending_end = node.end_byte();
        true
    }

    fn is_closed(&self, at: usize) -> bool {
        self.open.last().is_some_and(|open| at >= open.closed_from)
    }

    fn item(&mut self, found: &Found<'_, '_>) {
        let Range { start, end } = found.node.byte_range();
        if self.is_closed(start) {
            return;
        }
        let waiting = self.source.is_blank(self.pending_end.min(start)..start);
        let (docs, decorators) = (
            std::mem::take(&mut self.docs),
            std::mem::take(&mut self.decorators),
        );
        self.pending_end = found.body.map_or(end, |body| body.start_byte());
        let around = self.open.last();
        let kind = self.kind_of(found.kind, around.map(|open| open.kind.as_str()));
        let name = self.source.one_line(self.compiled, found.name, None);
        let qualified_name = match around {
            Some(open) => format!("{}{}{name}", open.qualified_name, self.grammar.separator),
            None => name.clone(),
        };
        let docstring = match self.grammar.docs {
            Docs::FirstString(_) => found.body.and_then(|body| self.first_string(body)),
            Docs::Comments { .. } if waiting => self.comment_text(&docs),
            Docs::Comments { .. } => None,
        };
        let body = found.body.map(|body| body.start_byte());
        let signature = self.source.one_line(self.compiled, found.node, body);
        let signature = signature
            .trim_end_matches(|c: char| c.is_whitespace() || self.grammar.head_ends.contains(&c));
        let closed = found.closed || qualified_name.len() > MAX_QUALIFIED_NAME;
        self.open.push(Open {
            end,
            closed_from: body.filter(|_| closed).unwrap_or(usize::MAX),
            kind: kind.to_owned(),
            qualified_name: qualified_name.clone(),
            element: self.outline.elements.len(),
        });
        self.outline.elements.push(Element {
            kind: kind.to_owned(),
            name,
            qualified_name,
            signature: signature.to_owned(),
            decorators: if waiting { decorators } else { Vec::new() },
            line_start: line(found.node.start_position().row),
            line_end: self.source.last_line(found.node),
            docstring,
        });
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

    /// The documentation string that begins a body.
    fn first_string(&self, body: Node<'_>) -> Option<String> {
        let Docs::FirstString(kinds) = self.grammar.docs else {
            return None;
        };
        let mut node = only_child(self.first_statement(body)?, |_| true)?;
        while node.kind() == kinds.parentheses {
            node = only_child(node, |child| child.is_named())?;
        }
        let literal = |node: Node<'_>| {
            let text = self.source.text(node.byte_range());
            literal::text_of(&text, kinds.not_text)
        };
        let text = if node.kind() == kinds.literal {
            literal(node)?
        } else if node.kind() == kinds.concatenation {
            let mut cursor = node.walk();
            let parts = node.named_children(&mut cursor);
            parts
                .filter(|part| !part.is_extra())
                .map(literal)
                .collect::<Option<String>>()?
        } else {
            return None;
        };
        Some(literal::without_indentation(&text)).filter(|text| !text.trim().is_empty())
    }

    fn first_statement<'t>(&self, body: Node<'t>) -> Option<Node<'t>> {
        let Docs::FirstString(kinds) = self.grammar.docs else {
            return None;
        };
        let mut cursor = body.walk();
        let first = body
            .named_children(&mut cursor)
            .find(|child| !child.is_extra());
        first.filter(|first| first.kind() == kinds.statement)
    }

    /// The words of documentation comments.
    fn comment_text(&self, comments: &[String]) -> Option<String> {
        let Docs::Comments { lines, blocks } = self.grammar.docs else {
            return None;
        };
        let texts: Vec<String> = comments
            .iter()
            .map(|comment| literal::without_marks(comment, lines, blocks))
            .collect();
        Some(texts.join("\n").trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The part of a text before the first documentation comment: that one belongs to a definition.
    fn before_documentation<'t>(&self, text: &'t str) -> &'t str {
        let Docs::Comments { lines, blocks } = self.grammar.docs else {
            return text;
        };
        let marks = lines.iter().chain(blocks.iter().map(|(open, _)| open));
        let end = marks.filter_map(|mark| text.find(mark)).min();
        &text[..end.unwrap_or(text.len())]
    }

    fn finish(mut self) -> Outline {
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
            let head = self.source.text(0..self.source.bytes.len().min(MAX_HEAD));
            let head = self.before_documentation(head.trim_start_matches('\u{feff}'));
            if let Some(words) = comment::all_leading(head, self.grammar.comment_marks) {
                self.outline.headings.insert(0, format!("# {words}"));
            }
        }
        let mut seen = std::collections::HashSet::new();
        self.outline
            .imports
            .retain(|name| !name.is_empty() && seen.insert(name.clone()));
        self.outline
    }
}

/// The one child that counts, if there is just one.
fn only_child<'t>(node: Node<'t>, counts: impl Fn(&Node<'t>) -> bool) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    let mut children = node
        .children(&mut cursor)
        .filter(|child| !child.is_extra() && counts(child));
    let first = children.next()?;
    children.next().is_none().then_some(first)
}

/// A line's number, counted from 1.
fn line(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX).saturating_add(1)
}
