//! The syntax digest: blind to white space and to what formatters change, sensitive to everything else, structure
//! included.
//!
//! The encoding is a format, version [`ENCODING`]. The tree is walked in order. A named inner node writes `(` and its
//! kind's name, then what is inside, then `)`. A leaf writes `t` and its text. Text between two leaves that is more than
//! white space (no grammar shows every character as a leaf) writes `g` and that text. `n` stands where a line ends behind
//! a word for which the row says that this matters. Verbatim nodes and comments write `v`, their kind and their text.
//! Names and texts are written with their length. Skipped are: trailing commas and optional tokens, redundant nodes and
//! their punctuation (the row's `formatting`), and the licence text among the comments that begin the file. Adjacent
//! strings with one prefix are one string, if the row has a kind for that.

mod text;

use std::borrow::Cow;

use tree_sitter::Node;

use crate::model::digest::{Digest, Hasher};

use super::licence;
use super::table::{Docs, Grammar, NodeKind, Role};

pub(super) use text::{is_space, with_one_line_end};

/// Raised when the encoding changes, and for nothing else: every file is then requested again.
pub(super) const ENCODING: u32 = 4;

/// Receives the nodes of a tree without errors in the order of the text, and digests them.
pub(super) struct SyntaxDigest<'a> {
    hasher: Hasher,
    grammar: &'static Grammar,
    source: &'a [u8],
    doc_statement: Option<&'static str>,
    /// Everything before this byte is written.
    at: usize,
    /// The last leaf was a word whose meaning a line's end changes.
    at_line_word: bool,
    /// The nodes around the current one.
    open: Vec<Frame>,
    /// An optional comma that a closing bracket may follow, by the number of nodes around it.
    comma: Option<usize>,
    /// The comments that begin the file, until the first other node.
    header: Option<Vec<(&'static str, &'a [u8])>>,
}

struct Frame {
    kind: &'static NodeKind,
    /// Its children do not count.
    opaque: bool,
    /// Its kind and its punctuation do not count.
    dropped: bool,
    /// It is the statement of a documentation string.
    documents: bool,
}

impl<'a> SyntaxDigest<'a> {
    pub fn new(grammar: &'static Grammar, source: &'a [u8]) -> Self {
        let mut hasher = Hasher::new("syntax.1");
        hasher.number(u64::from(ENCODING));
        hasher.field(grammar.name.as_bytes());
        Self {
            hasher,
            grammar,
            source,
            doc_statement: match grammar.docs {
                Docs::FirstString(kinds) => Some(kinds.statement),
                Docs::Comments { .. } => None,
            },
            at: 0,
            at_line_word: false,
            open: Vec::new(),
            comma: None,
            header: Some(Vec::new()),
        }
    }

    /// A node begins. `leave` follows after its children.
    pub fn enter(&mut self, node: Node<'_>, kind: &'static NodeKind) {
        if self.open.last().is_some_and(|parent| parent.opaque) {
            self.push(kind, true, true);
            return;
        }
        let leaf = node.child_count() == 0;
        let bytes = node.byte_range();
        let content = self.source.get(bytes.clone()).unwrap_or_default();
        if kind.role == Role::Comment
            && let Some(header) = &mut self.header
        {
            header.push((kind.name, content));
            self.at = self.at.max(bytes.end);
            self.push(kind, true, true);
            return;
        }
        let is_root = self.open.is_empty();
        if !is_root {
            self.end_header();
        }
        // A grammar may make a token of the end of a line. What it ends shows in the tree.
        let layout = kind.role == Role::Layout
            || leaf && !kind.named && kind.role == Role::Node && text::is_layout(content);
        if layout {
            self.skip_to(bytes.start, bytes.end);
            self.push(kind, true, true);
            return;
        }
        if kind.role != Role::Comment {
            self.settle_comma(content);
        }
        if leaf && !kind.named && self.is_optional(node, content) {
            self.skip_to(bytes.start, bytes.end);
            self.at_line_word = false;
            self.push(kind, true, true);
            return;
        }
        if let Some((literal, joined)) = self.joined(node, kind) {
            self.skip_to(bytes.start, bytes.end);
            self.at_line_word = false;
            self.verbatim(literal, &joined);
            self.push(kind, true, true);
            return;
        }
        match kind.role {
            Role::Layout => {}
            Role::Comment => {
                self.skip_to(bytes.start, bytes.end);
                self.comment(kind.name, content);
            }
            Role::Verbatim => {
                self.skip_to(bytes.start, bytes.end);
                if let Some(name) = self.quoted_key(node, content) {
                    self.hasher.raw(b"(");
                    self.hasher.field(b"property_identifier");
                    self.leaf(name);
                    self.push(kind, true, false);
                    return;
                }
                let documents = self.open.last().is_some_and(|parent| parent.documents);
                let plain = || !content.iter().any(|byte| b"\\#".contains(byte));
                let content = match kind.format.quotes || kind.format.plain_quotes && plain() {
                    true => text::with_canonical_quotes(content),
                    false => content.into(),
                };
                if documents {
                    self.verbatim(kind.name, &text::collapsed(&content));
                } else {
                    self.verbatim(kind.name, &with_one_line_end(&content));
                }
            }
            Role::Flowing => {
                self.skip_to(bytes.start, bytes.end);
                let content = text::flowing(content);
                if !content.is_empty() {
                    self.verbatim(kind.name, &content);
                }
            }
            Role::Node => {
                let dropped = kind.format.droppable && self.is_dropped(node, kind);
                if kind.named && !dropped {
                    self.hasher.raw(b"(");
                    self.hasher.field(kind.name.as_bytes());
                }
                if leaf {
                    self.skip_to(bytes.start, bytes.end);
                    self.leaf(content);
                }
                self.push(kind, false, dropped);
                return;
            }
        }
        self.push(kind, true, true);
    }

    /// The node entered last ends.
    pub fn leave(&mut self) {
        let Some(frame) = self.open.pop() else {
            return;
        };
        if self.comma.is_some_and(|depth| depth > self.open.len()) {
            self.settle_comma(b"");
        }
        if frame.kind.named && !frame.dropped {
            self.hasher.raw(b")");
        }
    }

    pub fn finish(mut self) -> Digest {
        self.end_header();
        self.skip_to(self.source.len(), self.source.len());
        self.hasher.finish()
    }

    fn push(&mut self, kind: &'static NodeKind, opaque: bool, dropped: bool) {
        self.open.push(Frame {
            kind,
            opaque,
            dropped,
            documents: self.doc_statement == Some(kind.name),
        });
    }

    fn leaf(&mut self, content: &[u8]) {
        self.hasher.raw(b"t");
        self.hasher.field(content);
        let words = self.grammar.line_words;
        self.at_line_word = words.iter().any(|word| word.as_bytes() == content);
    }

    /// The kind of a string, and the one string that the adjacent ones in a node make: formatters split and join them.
    fn joined(&self, node: Node<'_>, kind: &NodeKind) -> Option<(&'static str, Vec<u8>)> {
        let Docs::FirstString(kinds) = self.grammar.docs else {
            return None;
        };
        if kind.name != kinds.concatenation || self.open.last()?.documents {
            return None;
        }
        let mut cursor = node.walk();
        let mut literals = Vec::new();
        for child in node.children(&mut cursor) {
            if child.kind() != kinds.literal {
                return None;
            }
            literals.push(text::with_canonical_quotes(
                self.source.get(child.byte_range())?,
            ));
        }
        Some((kinds.literal, text::joined(&literals)?))
    }

    /// The name in a quoted key that needs no quotes: `{'a': 1}` equals `{a: 1}`.
    fn quoted_key<'c>(&self, node: Node<'_>, content: &'c [u8]) -> Option<&'c [u8]> {
        let is_key = self.grammar.formatting.quoted_keys
            && self.open.last()?.kind.name == "pair"
            && node.prev_sibling().is_none();
        let name = content.get(1..content.len().checked_sub(1)?)?;
        let is_name = name.first()?.is_ascii_alphabetic()
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        (is_key && is_name).then_some(name)
    }

    /// Whether a token is left out: punctuation of a dropped node, an optional token, or a comma that may be one.
    fn is_optional(&mut self, node: Node<'_>, content: &[u8]) -> bool {
        let Some(parent) = self.open.last() else {
            return false;
        };
        if parent.dropped {
            return true;
        }
        let format = &parent.kind.format;
        if format
            .optional
            .iter()
            .any(|token| token.as_bytes() == content)
        {
            return true;
        }
        if format.trailing_commas && content == b"," && !node.is_missing() {
            self.comma = Some(self.open.len());
            return true;
        }
        false
    }

    /// Writes the comma that was left out, unless the closing bracket of its list follows.
    fn settle_comma(&mut self, next: &[u8]) {
        let Some(depth) = self.comma.take() else {
            return;
        };
        let closes = matches!(next, b")" | b"]" | b"}" | b">" | b"|") && depth == self.open.len();
        if !closes {
            self.hasher.raw(b"t");
            self.hasher.field(b",");
        }
    }

    /// Whether the row's rules for redundant and empty nodes cover this one.
    fn is_dropped(&self, node: Node<'_>, kind: &NodeKind) -> bool {
        let parent = self.open.last().map_or("", |parent| parent.kind.name);
        let rules = self.grammar.formatting;
        let mut cursor = node.walk();
        let mut named = node
            .children(&mut cursor)
            .filter(|child| child.is_named())
            .map(|child| (child.kind(), child.is_extra()));
        let (first, second) = (named.next(), named.next());
        let Some((child, false)) = first else {
            return first.is_none()
                && rules
                    .empty
                    .iter()
                    .any(|(node, inside)| *node == kind.name && *inside == parent);
        };
        second.is_none()
            && rules.redundant.iter().any(|rule| {
                rule.node == kind.name
                    && (rule.inside.is_empty() || rule.inside.contains(&parent))
                    && (rule.around.is_empty() || rule.around.contains(&child))
                    && !rule.except.contains(&child)
            })
    }

    /// Writes the comments that begin the file, without their licence text.
    fn end_header(&mut self) {
        let Some(comments) = self.header.take() else {
            return;
        };
        let texts: Vec<_> = comments
            .iter()
            .map(|(_, text)| String::from_utf8_lossy(text))
            .collect();
        for ((kind, _), text) in comments.iter().zip(licence::without(&texts)) {
            if !text.trim().is_empty() {
                self.comment(kind, text.as_bytes());
            }
        }
    }

    fn comment(&mut self, kind: &str, content: &[u8]) {
        let mut content = text::without_margins(content);
        if self.grammar.formatting.comment_space {
            content = text::without_space_behind_mark(&content);
        }
        if let Ok(text) = std::str::from_utf8(&content) {
            content = licence::without_years(text).into_owned().into_bytes();
        }
        self.verbatim(kind, &content);
    }

    /// Writes the gap before `start` and continues behind `end`.
    fn skip_to(&mut self, start: usize, end: usize) {
        let gap = self.source.get(self.at..start).unwrap_or_default();
        if !text::is_layout(gap) {
            // A component begins with text that is not of its script.
            let gap = match self.at {
                0 => super::without_header(self.grammar.name, gap),
                _ => Cow::Borrowed(gap),
            };
            self.hasher.raw(b"g");
            self.hasher.field(text::without_margins(&gap).trim_ascii());
        }
        if self.at_line_word && gap.contains(&b'\n') {
            self.hasher.raw(b"n");
            self.at_line_word = false;
        }
        self.at = self.at.max(end);
    }

    fn verbatim(&mut self, kind: &str, text: &[u8]) {
        self.hasher.raw(b"v");
        self.hasher.field(kind.as_bytes());
        self.hasher.field(text);
    }
}
