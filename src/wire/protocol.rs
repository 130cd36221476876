//! The serde types of the socket and of `--json`. Fields are added, never renamed, retyped or dropped.

use serde::{Deserialize, Serialize};

use crate::model::outline::Element;
use crate::model::summary::Freshness;

use super::usage::{BudgetStatus, DayUsage, Used};

/// A node of a repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Node {
    /// A regular file.
    File(FileNode),
    /// A directory that holds some.
    Directory(DirectoryNode),
}

/// What files and directories have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// Relative to the repository's root, with `/`; the root is empty. U+FFFD stands for what is not UTF-8.
    pub path: String,
    /// The path's bytes in base64, where they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// Merkle digest in hexadecimal; `None` until the node was read.
    pub digest: Option<String>,
    /// The summary's first sentence.
    pub line: Option<String>,
    /// The words about the node.
    pub summary: Option<String>,
    /// Whether they describe the node as it is on disk now.
    pub freshness: Freshness,
    /// Why there is no fresh summary, where an error is the reason.
    pub error: Option<String>,
    /// Who wrote the summary.
    pub model: Option<String>,
}

/// A file, as `show --json` and `tree --json` print it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileNode {
    /// Path, digest, words.
    #[serde(flatten)]
    pub common: Common,
    /// The language's name, by the file's name or ending.
    pub language: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
    /// Definitions in the order of the text.
    pub elements: Vec<Element>,
    /// What the file imports.
    #[serde(default)]
    pub imports: Vec<String>,
    /// The file's own documentation.
    #[serde(default)]
    pub docstring: Option<String>,
    /// Whether the parser met errors: the elements are those it could read.
    #[serde(default)]
    pub partial: bool,
}

/// A directory, as `show --json` and `tree --json` print it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectoryNode {
    /// Path, digest, words.
    #[serde(flatten)]
    pub common: Common,
    /// Files below, at any depth.
    pub files: u64,
    /// Directories below, at any depth.
    pub directories: u64,
    /// Names of children that the summary had to be written without.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// The children by name; absent below the depth that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Vec<Node>>,
}

impl Node {
    /// The fields that both kinds have.
    pub fn common(&self) -> &Common {
        match self {
            Self::File(file) => &file.common,
            Self::Directory(directory) => &directory.common,
        }
    }
}

/// `status --json` and `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_seconds: f64,
    /// `offline` or `openai`.
    pub provider: String,
    /// The model asked; `None` with the offline provider.
    pub model: Option<String>,
    /// The watched repositories, by path.
    pub repositories: Vec<Repository>,
    /// The model's use.
    pub requests: Requests,
    /// What is kept.
    pub store: StoreStatus,
    /// What was used on each of the latest days that saw any use, the latest first, over restarts.
    #[serde(default)]
    pub usage: Vec<DayUsage>,
    /// What a day may use; `None` where nothing bounds it.
    #[serde(default)]
    pub budget: Option<BudgetStatus>,
    /// What a person should know or mend, a line each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A repository's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepositoryState {
    /// The disk is being looked at.
    Scanning,
    /// Summaries are being written.
    Summarizing,
    /// Nothing to do.
    Idle,
    /// Something to do, but not now (budget, endpoint down).
    Paused,
    /// The folder is not there.
    Unreachable,
}

/// One repository in [`Status`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// Absolute path.
    pub path: String,
    /// What it is doing.
    pub state: RepositoryState,
    /// File nodes.
    pub files: u64,
    /// Directory nodes, the root among them.
    pub directories: u64,
    /// Nodes whose summary is fresh.
    pub fresh: u64,
    /// … stale.
    pub stale: u64,
    /// … pending.
    pub pending: u64,
    /// … failed.
    pub failed: u64,
    /// … switched off.
    #[serde(default)]
    pub off: u64,
    /// `native` or `poll`.
    pub watch: String,
    /// Folders watched.
    #[serde(default)]
    pub watches: u64,
    /// When the last change was seen, RFC 3339, UTC.
    pub last_change: Option<String>,
    /// What is still to be done, while something is.
    #[serde(default)]
    pub progress: Progress,
    /// What it used of the model since the daemon started.
    #[serde(default)]
    pub used: Used,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Folders that cannot be read, with the reason; they are also among the notes.
    #[serde(default)]
    pub unreadable: Vec<String>,
}

/// What is left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Files still to be read.
    pub to_read: u64,
    /// Nodes still to get their words.
    pub to_summarize: u64,
    /// Nodes done.
    pub done: u64,
    /// Seconds until all is done, if the pace holds.
    pub seconds_left: Option<f64>,
}

/// The model's use since the daemon started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// Requests that went out and came back, retries among them. What never reached the endpoint is none.
    pub sent: u64,
    /// Answered with a summary.
    pub succeeded: u64,
    /// Those among them that had failed before.
    pub retried: u64,
    /// Given up.
    pub failed: u64,
    /// Under way now.
    pub in_flight: u64,
    /// How many may be under way at once, now.
    pub limit: u64,
    /// In batches of the Batch API now.
    #[serde(default)]
    pub batched: u64,
    /// Tokens of prompts, as the endpoint counted them.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Prompt tokens that the endpoint had in its cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Requests sent this day (UTC), over restarts.
    pub today: u64,
    /// Tokens used this day (UTC), over restarts.
    #[serde(default)]
    pub tokens_today: u64,
    /// Answers that said "the earlier words still hold".
    #[serde(default)]
    pub unchanged: u64,
    /// Directories that were not asked about because of that.
    #[serde(default)]
    pub spared: u64,
    /// Money, in the currency of the configured prices; `None` where there are none.
    #[serde(default)]
    pub cost: Option<f64>,
}

/// What the store holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Summaries kept.
    pub summaries: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// `GET /v1/repositories`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repositories {
    /// The watched repositories, by path.
    pub repositories: Vec<Repository>,
}

/// `POST /v1/repositories`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchRequest {
    /// Absolute path of the folder.
    pub path: String,
    /// Keep it over restarts.
    #[serde(default = "yes")]
    pub keep: bool,
}

fn yes() -> bool {
    true
}

/// `POST /v1/wait`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitRequest {
    /// Absolute path of a node; all repositories where it is missing.
    #[serde(default)]
    pub path: Option<String>,
    /// Give up after this many milliseconds; never, where it is missing.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// The answer to a wait that ended in time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WaitOutcome {
    /// Always true.
    pub settled: bool,
    /// Nodes that failed for good, absolute path and reason (the first hundred).
    pub failed: Vec<FailedNode>,
}

/// A node that failed for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedNode {
    /// Absolute path.
    pub path: String,
    /// Why.
    pub error: String,
}

/// An RFC 9457 problem document (`application/problem+json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// `about:blank` or a URI reference that names the kind of problem: one of the `PROBLEM_` constants.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, and how to mend it, in one line.
    pub detail: String,
}

/// The path is in no watched repository (404).
pub const PROBLEM_NOT_WATCHED: &str = "/problems/not-watched";
/// The path is in a watched repository and no node (404).
pub const PROBLEM_NO_NODE: &str = "/problems/no-such-node";
/// The path's repository was not looked at yet since the start (503): ask again.
pub const PROBLEM_NOT_YET: &str = "/problems/not-looked-at-yet";
/// The wait ran out of time (504).
pub const PROBLEM_TIMEOUT: &str = "/problems/timed-out";
/// The request is malformed (400).
pub const PROBLEM_BAD_REQUEST: &str = "/problems/bad-request";
/// Anything else (500).
pub const PROBLEM_INTERNAL: &str = "/problems/internal";

impl Problem {
    /// A problem of one of the kinds above, its title and status found by the kind.
    pub fn new(kind: &str, detail: impl Into<String>) -> Self {
        let (title, status) = match kind {
            PROBLEM_NOT_WATCHED => ("The path is in no watched repository", 404),
            PROBLEM_NO_NODE => ("The path is no node of its repository", 404),
            PROBLEM_NOT_YET => ("The repository was not looked at yet", 503),
            PROBLEM_TIMEOUT => ("The time ran out", 504),
            PROBLEM_BAD_REQUEST => ("The request cannot be understood", 400),
            _ => ("Something went wrong", 500),
        };
        Self {
            kind: kind.to_owned(),
            title: title.to_owned(),
            status,
            detail: detail.into(),
        }
    }
}
