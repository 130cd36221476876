//! The syntax digest: blind to white space and layout, sensitive to everything else, structure included.
//!
//! The encoding is a format, version [`ENCODING`]. The tree is walked in order. A named inner node writes `(`
//! and its kind's name, then what is inside, then `)`. A leaf writes `t` and its text. Text between two leaves that
//! is more than white space (no grammar shows every character as a leaf) writes `g` and that text. `n` stands where a
//! line ends behind a word for which the table says that this matters. Node kinds that the table calls verbatim write
//! their kind and their whole text. Names and texts are written with their length.

use std::borrow::Cow;
use std::ops::Range;

use tree_sitter::Tree;

use crate::model::digest::{Digest, Hasher};

use super::table::{Compiled, Docs, Grammar, Role};

/// Raised when the encoding changes, and for nothing else: every file is then asked about anew.
const ENCODING: u32 = 3;

/// The digest of a tree without errors.
pub(super) fn digest(grammar: &Grammar, compiled: &Compiled, tree: &Tree, source: &[u8]) -> Digest {
    let mut hasher = Hasher::new("syntax.1");
    hasher.number(u64::from(ENCODING));
    hasher.field(grammar.name.as_bytes());
    let mut writer = Writer {
        hasher,
        source,
        at: 0,
        at_line_word: false,
    };
    let doc_statement = match grammar.docs {
        Docs::FirstString(kinds) => Some(kinds.statement),
        Docs::Comments { .. } => None,
    };
    let mut cursor = tree.walk();
    let mut in_doc_statement = false;
    'walk: loop {
        let node = cursor.node();
        let kind = compiled.kind(&node);
        let bytes = node.byte_range();
        match kind.role {
            Role::Layout => writer.skip_to(bytes.start, bytes.end),
            Role::Comment => {
                let text = writer.text(bytes.start, bytes.end);
                writer.verbatim(kind.name, &without_margins(text));
            }
            Role::Verbatim => {
                let text = writer.text(bytes.start, bytes.end);
                if in_doc_statement {
                    writer.verbatim(kind.name, &collapsed(text));
                } else {
                    writer.verbatim(kind.name, &with_one_line_end(text));
                }
            }
            Role::Flowing => {
                let text = flowing(writer.text(bytes.start, bytes.end));
                if !text.is_empty() {
                    writer.verbatim(kind.name, &text);
                }
            }
            // A grammar may make a token of the end of a line. What it ends shows in the tree.
            Role::Node if !kind.named && is_layout(writer.peek(&bytes)) => {
                writer.skip_to(bytes.start, bytes.end);
            }
            Role::Node => {
                if kind.named {
                    writer.hasher.raw(b"(");
                    writer.hasher.field(kind.name.as_bytes());
                }
                if cursor.goto_first_child() {
                    in_doc_statement = doc_statement == Some(kind.name);
                    continue;
                }
                let text = writer.text(bytes.start, bytes.end);
                writer.hasher.raw(b"t");
                writer.hasher.field(text);
                writer.at_line_word = grammar
                    .line_words
                    .iter()
                    .any(|word| word.as_bytes() == text);
                if kind.named {
                    writer.hasher.raw(b")");
                }
            }
        }
        loop {
            if cursor.goto_next_sibling() {
                break;
            }
            in_doc_statement = false;
            if !cursor.goto_parent() {
                break 'walk;
            }
            if compiled.kind(&cursor.node()).named {
                writer.hasher.raw(b")");
            }
        }
    }
    writer.skip_to(source.len(), source.len());
    writer.hasher.finish()
}

struct Writer<'a> {
    hasher: Hasher,
    source: &'a [u8],
    /// Everything before this byte is written.
    at: usize,
    /// The leaf before was a word of which a line's end makes something else.
    at_line_word: bool,
}

impl<'a> Writer<'a> {
    /// The text of a leaf, after what stands between it and the one before.
    fn text(&mut self, start: usize, end: usize) -> &'a [u8] {
        self.skip_to(start, end);
        self.source.get(start..end).unwrap_or_default()
    }

    fn peek(&self, bytes: &Range<usize>) -> &'a [u8] {
        self.source.get(bytes.clone()).unwrap_or_default()
    }

    /// Writes the gap before `start` and goes on behind `end`.
    fn skip_to(&mut self, start: usize, end: usize) {
        let gap = self.source.get(self.at..start).unwrap_or_default();
        if !is_layout(gap) {
            self.hasher.raw(b"g");
            self.hasher.field(gap);
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

/// White space, and backslashes that end a line.
fn is_layout(gap: &[u8]) -> bool {
    let mut bytes = gap.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let continues = byte == b'\\' && matches!(bytes.peek(), Some(b'\n' | b'\r'));
        if !continues && !is_space(byte) {
            return false;
        }
    }
    true
}

/// Vertical tab and form feed are white space to every language here.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// A comment without the white space around its lines, which is layout.
fn without_margins(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split(|byte| *byte == b'\n') {
        if !out.is_empty() {
            out.push(b'\n');
        }
        out.extend_from_slice(line.trim_ascii());
    }
    out.truncate(out.trim_ascii_end().len());
    out
}

/// A text of which every character counts, but a line's end is the same on every system, as compilers read it.
fn with_one_line_end(text: &[u8]) -> Cow<'_, [u8]> {
    let text = text.trim_ascii_end();
    if !text.contains(&b'\r') {
        return Cow::Borrowed(text);
    }
    let ends = (0..text.len()).filter(|at| !text[*at..].starts_with(b"\r\n"));
    Cow::Owned(ends.map(|at| text[at]).collect())
}

/// Running text as it is shown: its lines without the white space around them, joined by one blank; but white space
/// within its first and its last line is no layout.
fn flowing(text: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let last = lines.len() - 1;
    for (number, line) in lines.iter_mut().enumerate() {
        if number > 0 {
            *line = line.trim_ascii_start();
        }
        if number < last {
            *line = line.trim_ascii_end();
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.join(&b' ')
}

/// A documentation string without its indentation, which is layout: a run of white space is a blank, or a line end
/// if there is one in it, or a blank line if there are more.
fn collapsed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|byte| is_space(**byte)).count();
        let ends = rest[..run].iter().filter(|byte| **byte == b'\n').count();
        match (run, ends) {
            (0, _) => out.push(*first),
            (_, 0) => out.push(b' '),
            (_, 1) => out.push(b'\n'),
            _ => out.extend_from_slice(b"\n\n"),
        }
        rest = &rest[run.max(1)..];
    }
    out
}
