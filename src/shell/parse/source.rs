//! A file's bytes, and how an outline quotes them.

use std::borrow::Cow;
use std::ops::Range;

use tree_sitter::Node;

use super::table::{Compiled, Role};

/// Longer signatures and decorators than this, in bytes, are cut.
const MAX_LINE: usize = 4_000;

/// The bytes of a file.
pub(super) struct Source<'a> {
    pub bytes: &'a [u8],
}

/// The content with every lone carriage return (old Mac line end) replaced by a line feed, by which the parser counts
/// lines. No byte moves.
pub(super) fn with_line_feeds(content: &[u8]) -> Cow<'_, [u8]> {
    let alone = |at: usize| content[at] == b'\r' && content.get(at + 1) != Some(&b'\n');
    if !(0..content.len()).any(alone) {
        return Cow::Borrowed(content);
    }
    let replaced = (0..content.len()).map(|at| if alone(at) { b'\n' } else { content[at] });
    Cow::Owned(replaced.collect())
}

/// The number of lines; a last line without an end counts.
pub(super) fn count_lines(bytes: &[u8]) -> u32 {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    let open = bytes.last().is_some_and(|byte| *byte != b'\n');
    u32::try_from(ends + usize::from(open)).unwrap_or(u32::MAX)
}

/// The longest prefix of at most that many bytes that is not cut inside a character.
pub(super) fn prefix(text: &str, bytes: usize) -> &str {
    let ends = (0..=bytes.min(text.len())).rev();
    ends.into_iter()
        .find_map(|end| text.get(..end))
        .unwrap_or("")
}

impl Source<'_> {
    fn slice(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// The text of a range; U+FFFD for what is not UTF-8.
    pub fn text(&self, range: Range<usize>) -> String {
        String::from_utf8_lossy(self.slice(range)).into_owned()
    }

    /// Whether a range holds white space only.
    pub fn is_blank(&self, range: Range<usize>) -> bool {
        self.slice(range).trim_ascii().is_empty()
    }

    /// Whether only white space precedes that byte on its line.
    pub fn begins_line(&self, at: usize) -> bool {
        let before = self.slice(0..at);
        let line = before.rsplit(|byte| *byte == b'\n').next();
        line.is_none_or(|line| line.trim_ascii().is_empty())
    }

    /// How many lines end in a range.
    pub fn line_ends(&self, range: Range<usize>) -> usize {
        let ends = self.slice(range).iter().filter(|byte| **byte == b'\n');
        ends.count()
    }

    /// A node as written but on one line: without comments, with one blank for each run of white space outside strings,
    /// and without the blanks and the comma that come from line breaks.
    pub fn one_line(&self, compiled: &Compiled, node: Node<'_>) -> String {
        self.part_in_one_line(compiled, node, node.byte_range())
    }

    /// The same for a part of it, which begins and ends between two leaves.
    pub fn part_in_one_line(
        &self,
        compiled: &Compiled,
        node: Node<'_>,
        part: Range<usize>,
    ) -> String {
        let until = part.end;
        let mut line = Line::default();
        let mut at = part.start;
        let mut cursor = node.walk();
        while line.text.len() < MAX_LINE {
            let leaf = cursor.node();
            let bytes = leaf.byte_range();
            if bytes.start >= until && !bytes.is_empty() {
                break;
            }
            let role = compiled.kind(&leaf).role;
            let before = bytes.end <= part.start;
            if !before && role == Role::Node && cursor.goto_first_child() {
                continue;
            }
            if !before {
                line.gap(self.slice(at..bytes.start));
                match role {
                    Role::Comment | Role::Layout => line.gap(b"\n"),
                    Role::Node | Role::Verbatim | Role::Flowing => {
                        line.leaf(&self.text(bytes.clone()));
                    }
                }
                at = at.max(bytes.end);
            }
            let mut more = cursor.goto_next_sibling();
            while !more && cursor.goto_parent() {
                more = cursor.goto_next_sibling();
            }
            if !more {
                break;
            }
        }
        if at < until {
            line.gap(self.slice(at..until));
        }
        line.finish()
    }

    /// The line on which a node's last leaf ends, counted from 1. Comments and line ends that the parser attached to its
    /// end do not count.
    pub fn last_line(&self, node: Node<'_>) -> u32 {
        let mut last = node;
        let mut cursor = node.walk();
        while cursor.goto_last_child() {
            // Few children that do not count follow the last one that does.
            loop {
                let child = cursor.node();
                if !child.is_extra() && !child.byte_range().is_empty() {
                    last = child;
                    break;
                }
                if !cursor.goto_previous_sibling() {
                    return self.end_row(last);
                }
            }
        }
        self.end_row(last)
    }

    fn end_row(&self, node: Node<'_>) -> u32 {
        let text = self.slice(node.byte_range());
        let trailing = &text[text.trim_ascii_end().len()..];
        let ends = trailing.iter().filter(|byte| **byte == b'\n').count();
        let row = node.end_position().row.saturating_sub(ends);
        u32::try_from(row).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// A line under construction.
#[derive(Default)]
struct Line {
    text: String,
    depth: usize,
    space: bool,
    line_break: bool,
}

impl Line {
    /// Adds what lies between two leaves; text in it that no leaf shows is kept.
    fn gap(&mut self, gap: &[u8]) {
        let text = String::from_utf8_lossy(gap);
        for (number, word) in text.split(char::is_whitespace).enumerate() {
            self.space |= number > 0;
            if !word.is_empty() && word != "\\" && word != "\u{feff}" {
                self.word(word);
            }
        }
        self.line_break |= gap.contains(&b'\n');
    }

    fn leaf(&mut self, text: &str) {
        match text {
            "" => return,
            "(" | "[" | "{" => {
                self.word(text);
                self.depth += 1;
                return;
            }
            ")" | "]" | "}" => {
                self.depth = self.depth.saturating_sub(1);
                if self.line_break {
                    self.space = false;
                    // Deeper inside, the comma may make a tuple.
                    if self.depth == 0 && self.text.ends_with(',') {
                        self.text.pop();
                    }
                }
            }
            _ => {}
        }
        if text.contains(['\n', '\r']) {
            let words: Vec<&str> = text.split_whitespace().collect();
            self.word(&words.join(" "));
        } else {
            self.word(text);
        }
    }

    fn word(&mut self, text: &str) {
        let opened = self.line_break && self.text.ends_with(['(', '[', '{']);
        if self.space && !self.text.is_empty() && !opened {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.space = false;
        self.line_break = false;
    }

    fn finish(mut self) -> String {
        if self.text.len() > MAX_LINE {
            self.text.truncate(prefix(&self.text, MAX_LINE).len());
            self.text.push('…');
        }
        self.text
    }
}
