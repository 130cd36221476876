//! A search and what it found, as `search --json` prints it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::protocol::{PROBLEM_BAD_REQUEST, Problem};
use crate::model::summary::Freshness;

/// Hits where nobody says how many.
pub const DEFAULT_HITS: usize = 10;
/// Hits at most.
pub const MAX_HITS: usize = 100;
/// Bytes of a query at most.
pub const MAX_QUERY_BYTES: usize = 1_000;

/// A file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A directory that holds some.
    Directory,
}

/// What is said to a query that is longer than [`MAX_QUERY_BYTES`].
pub fn too_long() -> Problem {
    let detail = format!("the query is longer than {MAX_QUERY_BYTES} bytes: a few words find more");
    Problem::new(PROBLEM_BAD_REQUEST, detail)
}

/// What is looked for, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// Words, a definition's name, or a part of a path.
    pub query: String,
    /// Absolute path of the node at and below which it is looked for; all repositories where it is missing.
    pub path: Option<PathBuf>,
    /// Only nodes whose path in their repository matches this glob, in git's syntax.
    pub glob: Option<String>,
    /// Only these.
    pub kind: Option<NodeKind>,
    /// Hits at most; [`DEFAULT_HITS`] where it is missing.
    pub limit: Option<usize>,
}

/// The best answers, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResults {
    /// What was looked for.
    pub query: String,
    /// The best of them.
    pub hits: Vec<Hit>,
    /// How many nodes answered at all.
    pub total: u64,
    /// Of all that was looked through: `fresh`, where every node of it is (or `off`); else `stale`, and what should have
    /// answered may be missing.
    pub freshness: Freshness,
}

/// A node that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Absolute path of its repository.
    pub repository: String,
    /// Relative to the repository's root.
    pub path: String,
    /// The path's bytes in base64, where they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// File or directory.
    pub kind: NodeKind,
    /// A file's language.
    #[serde(default)]
    pub language: Option<String>,
    /// The summary's first sentence.
    pub line: Option<String>,
    /// The words about the node.
    pub summary: Option<String>,
    /// Whether they describe it as it is now.
    pub freshness: Freshness,
    /// How well it answers: comparable within one answer only, higher is better.
    pub score: f64,
    /// Why it is here, in a few words.
    pub reason: String,
    /// Definitions that answer, best first (at most five).
    #[serde(default)]
    pub elements: Vec<MatchedElement>,
}

/// A definition that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchedElement {
    /// `class`, `function`, …
    pub kind: String,
    /// The name with those of the definitions around it.
    pub qualified_name: String,
    /// First line, 1-based.
    pub line_start: u32,
    /// Last line, inclusive.
    pub line_end: u32,
}
