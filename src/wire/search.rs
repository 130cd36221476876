//! A search and its results, as `search --json` prints them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::protocol::{PROBLEM_BAD_REQUEST, Problem};
use crate::model::summary::Freshness;

/// Hits of a search without a limit.
pub const DEFAULT_HITS: usize = 10;
/// The largest limit.
pub const MAX_HITS: usize = 1_000;
/// The longest query, in bytes.
pub const MAX_QUERY_BYTES: usize = 1_000;

/// A file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A directory that contains files.
    Directory,
}

/// What a search returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchKind {
    /// Files, each with the definitions that match best.
    #[default]
    File,
    /// Directories.
    Directory,
    /// Definitions.
    Symbol,
    /// Files and directories.
    All,
}

impl SearchKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::All, Self::File, Self::Directory, Self::Symbol];

    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symbol => "symbol",
            Self::All => "all",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HitKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A definition in a file.
    Symbol,
}

/// The problem with a query that is longer than [`MAX_QUERY_BYTES`].
pub fn too_long() -> Problem {
    let detail = format!("the query is longer than {MAX_QUERY_BYTES} bytes: use a few words");
    Problem::new(PROBLEM_BAD_REQUEST, detail)
}

/// A search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// Words, a definition's name, part of a path, and operators: see `docs/search.md`.
    pub query: String,
    /// Absolute path of the node to search, with all below it; all repositories without one.
    pub path: Option<PathBuf>,
    /// Only nodes whose path in their repository matches this glob, in git's syntax.
    pub glob: Option<String>,
    /// What to return; files without one.
    pub kind: Option<SearchKind>,
    /// The largest number of hits; [`DEFAULT_HITS`] without one.
    pub limit: Option<usize>,
}

/// The best matches, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResults {
    /// The query.
    pub query: String,
    /// The best matches.
    pub hits: Vec<Hit>,
    /// How many match in all.
    pub total: u64,
    /// `fresh` where all that was searched is fresh or `off`; else `stale`, and a match may be missing.
    pub freshness: Freshness,
    /// Files whose texts were not searched, because they are not indexed yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unindexed: u64,
    /// What the person should know of how the query was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A file, directory or definition that matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Absolute path of its repository.
    pub repository: String,
    /// Relative to the repository's root.
    pub path: String,
    /// The path's bytes in base64, where they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// What it is.
    pub kind: HitKind,
    /// The file's language.
    #[serde(default)]
    pub language: Option<String>,
    /// The summary's first sentence; of a definition, its docstring's.
    pub line: Option<String>,
    /// The summary of the file or directory.
    pub summary: Option<String>,
    /// The summary's freshness.
    pub freshness: Freshness,
    /// How well it matches: higher is better, comparable within one result only.
    pub score: f64,
    /// Which words match where.
    pub reason: String,
    /// The line of the file that matches best, 1-based.
    #[serde(default)]
    pub line_number: Option<u32>,
    /// Definitions that match, best first (at most five).
    #[serde(default)]
    pub elements: Vec<MatchedElement>,
}

/// A definition that matches.
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
