//! An answer of bounded length: what fits is in it, what does not is named.

use crate::model::summary::Freshness;
use crate::wire::protocol::{Common, Repository};

/// Bytes of a token, in tenths, as usual for English and code.
const TOKEN_TENTHS: usize = 36;
/// Tokens kept for the block at the end.
const CLOSING: usize = 120;
/// What an answer may take at least and at most, whatever was asked for.
const BOUNDS: (usize, usize) = (200, 50_000);

/// `1 file`, `2 files`
pub fn count(many: u64, one: &str, more: &str) -> String {
    match many {
        1 => format!("1 {one}"),
        _ => format!("{many} {more}"),
    }
}

/// Tokens of a text, near enough.
pub fn tokens(text: &str) -> usize {
    (text.len() + 1) * 10 / TOKEN_TENTHS + 1
}

/// An answer as it is written.
pub struct Page {
    text: String,
    left: usize,
    left_out: Vec<String>,
}

impl Page {
    /// An empty page of so many tokens.
    pub fn new(max_tokens: usize) -> Self {
        Self {
            text: String::new(),
            left: max_tokens.clamp(BOUNDS.0, BOUNDS.1) - CLOSING,
            left_out: Vec::new(),
        }
    }

    /// Writes a line, if there is room for it.
    pub fn line(&mut self, line: &str) -> bool {
        let Some(left) = self.left.checked_sub(tokens(line)) else {
            return false;
        };
        self.left = left;
        self.text.push_str(line);
        self.text.push('\n');
        true
    }

    /// Whether so many tokens are left.
    pub fn has(&self, tokens: usize) -> bool {
        self.left >= tokens
    }

    /// Names what is not in the answer, and how to get it.
    pub fn leave_out(&mut self, what: impl Into<String>) {
        self.left_out.push(what.into());
    }

    /// The answer, with its closing block.
    pub fn finish(mut self, repository: &Repository) -> String {
        self.text.push_str("\n---\n");
        self.text.push_str(&freshness(repository));
        self.text.push('\n');
        match self.left_out.as_slice() {
            [] => self.text.push_str("left out: nothing\n"),
            // The block has its own bounds.
            some => {
                let mut named = some.join("; ");
                if named.len() > 240 {
                    let end = (0..=240).rev().find(|&at| named.is_char_boundary(at));
                    named.truncate(end.unwrap_or_default());
                    named.push('…');
                }
                self.text.push_str(&format!("left out: {named}\n"));
            }
        }
        self.text
    }
}

/// How much of the repository's summaries can be relied on.
fn freshness(repository: &Repository) -> String {
    let all = repository.files + repository.directories;
    let wanting = [
        (repository.stale, "stale"),
        (repository.pending, "pending"),
        (repository.failed, "failed"),
        (repository.off, "switched off"),
    ];
    let wanting: Vec<String> = wanting
        .into_iter()
        .filter(|(many, _)| *many > 0)
        .map(|(many, word)| format!("{many} {word}"))
        .collect();
    match wanting.is_empty() {
        true => format!("freshness: all {all} summaries are fresh"),
        false if repository.off == all => "freshness: summaries are switched off".to_owned(),
        false => format!(
            "freshness: {} of {all} summaries are fresh, {}; those are marked ~ here",
            repository.fresh,
            wanting.join(", ")
        ),
    }
}

/// The mark of what is not fresh, with a space before it.
pub fn mark(freshness: Freshness) -> String {
    match freshness {
        Freshness::Fresh => String::new(),
        Freshness::Off => " ~ no summary (switched off)".to_owned(),
        other => format!(" ~ {other}"),
    }
}

/// What is known of a node in one line, to follow its path.
pub fn line_about(common: &Common) -> String {
    let mut text = mark(common.freshness);
    if let Some(line) = &common.line {
        text.push_str("  ");
        text.push_str(line);
    }
    if let (Freshness::Failed, Some(error)) = (common.freshness, &common.error) {
        text.push_str(&format!(" ({error})"));
    }
    text
}
