//! An answer of bounded length: what fits is in it, and what does not is named.

use super::tokens::tokens;
use crate::model::summary::Freshness;
use crate::wire::plain::{name, one_line};
use crate::wire::protocol::{Common, Repository, RepositoryState};

/// Tokens kept for the block at the end.
const CLOSING: usize = 120;
/// Tokens of the names in that block.
const LEFT_OUT: usize = 70;
/// The least and the most tokens of an answer.
const BOUNDS: (usize, usize) = (200, 50_000);

/// `1 file`, `2 files`
pub fn count(many: u64, one: &str, more: &str) -> String {
    match many {
        1 => format!("1 {one}"),
        _ => format!("{many} {more}"),
    }
}

/// An answer while it is written.
#[derive(Debug)]
pub struct Page {
    text: String,
    left: usize,
    left_out: Vec<String>,
    is_error: bool,
}

impl Page {
    /// An empty page of so many tokens.
    pub fn new(max_tokens: usize) -> Self {
        Self {
            text: String::new(),
            left: max_tokens.clamp(BOUNDS.0, BOUNDS.1) - CLOSING,
            left_out: Vec::new(),
            is_error: false,
        }
    }

    /// Writes a line, if it fits.
    pub fn line(&mut self, line: &str) -> bool {
        let Some(left) = self.left.checked_sub(tokens(line) + 1) else {
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

    /// Tokens that are left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Names what is not in the answer, and how to get it.
    pub fn leave_out(&mut self, what: impl Into<String>) {
        self.left_out.push(what.into());
    }

    /// The answer is nothing but errors.
    pub fn fail(&mut self) {
        self.is_error = true;
    }

    /// The answer with its closing block, and whether it is an error. `notes`: what else the agent should know, a line
    /// each.
    pub fn finish(mut self, repository: &Repository, notes: &[String]) -> (String, bool) {
        self.text.push_str("\n---\n");
        self.text.push_str(&freshness(repository));
        self.text.push_str("\nleft out: ");
        self.text.push_str(&match self.left_out.as_slice() {
            [] => "nothing".to_owned(),
            some => whole_parts(some),
        });
        self.text.push('\n');
        for note in notes {
            self.text.push_str(&format!("note: {note}\n"));
        }
        (self.text, self.is_error)
    }
}

/// As many parts as the block has tokens for. A part is never cut: it may end with a path to give back.
fn whole_parts(parts: &[String]) -> String {
    let mut left = LEFT_OUT;
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate() {
        let cost = tokens(part) + 1;
        if cost > left && at > 0 {
            text.push_str(&format!("; and {} more", parts.len() - at));
            break;
        }
        left = left.saturating_sub(cost);
        if at > 0 {
            text.push_str("; ");
        }
        text.push_str(part);
    }
    text
}

/// How many of the repository's summaries are fresh.
fn freshness(repository: &Repository) -> String {
    let all = repository.files + repository.directories;
    if repository.state == RepositoryState::Scanning && repository.fresh < all.max(1) {
        return format!(
            "freshness: the repository is being scanned, {} found so far; ask again in a moment",
            count(repository.files, "file", "files")
        );
    }
    if all == 0 || (repository.files == 0 && repository.off == all) {
        return "freshness: there are no files".to_owned();
    }
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
    if common.draft {
        text.push_str(" (draft)");
    }
    if let Some(line) = &common.line {
        text.push_str("  ");
        text.push_str(&one_line(line));
    }
    if let (Freshness::Failed, Some(error)) = (common.freshness, &common.error) {
        text.push_str(&format!(" ({})", one_line(error)));
    }
    text
}

/// A path and a line about what is there.
pub fn path_and_line(path: &str, common: &Common) -> String {
    format!("{}{}", name(path), line_about(common))
}
