//! The serde types of the socket and of `--json`. Fields are added, never renamed, retyped or dropped.

use serde::{Deserialize, Serialize};

use crate::model::outline::Element;
use crate::model::summary::Freshness;

use super::shared::SharedStatus;
use super::usage::{BudgetStatus, DayUsage, Used};

/// A node of a repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Node {
    /// A regular file.
    File(FileNode),
    /// A directory that contains some.
    Directory(DirectoryNode),
}

/// The fields that files and directories share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// Relative to the repository's root, with `/`; the root is empty. U+FFFD replaces what is not UTF-8.
    pub path: String,
    /// The path's bytes in base64, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// Merkle digest in hexadecimal; `None` until the node was read.
    pub digest: Option<String>,
    /// The summary's first sentence.
    pub line: Option<String>,
    /// The text about the node.
    pub summary: Option<String>,
    /// Whether the summary describes the node as it is on disk now.
    pub freshness: Freshness,
    /// Why there is no fresh summary, if an error is the reason.
    pub error: Option<String>,
    /// What wrote the summary: a model's name, or `offline`.
    pub model: Option<String>,
    /// Whether the summary is offline text that stands in for a model's, which is pending or failed.
    #[serde(default)]
    pub draft: bool,
}

/// A file, as `show --json` and `tree --json` print it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileNode {
    /// Path, digest, summary.
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
    /// Whether there were syntax errors: the elements may be incomplete.
    #[serde(default)]
    pub partial: bool,
    /// The lines that the parser could not read: first and last of each part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_lines: Vec<(u32, u32)>,
    /// Why the content is withheld from models: the AI-ignore file and line, as `.cursorignore:3`, or "a secret by its name".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

impl FileNode {
    /// What a reader should know of an outline that is incomplete.
    pub fn syntax_errors(&self) -> Option<String> {
        if !self.partial {
            return None;
        }
        let lines = self.missing_lines.iter().map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        });
        let lines: Vec<String> = lines.collect();
        let (last, others) = lines.split_last()?;
        let (noun, list) = match (others.is_empty(), last.contains('-')) {
            (true, false) => ("line", last.clone()),
            (true, true) => ("lines", last.clone()),
            (false, _) => ("lines", format!("{} and {last}", others.join(", "))),
        };
        let verb = if noun == "line" { "is" } else { "are" };
        Some(format!(
            "syntax errors: {noun} {list} {verb} not in the outline"
        ))
    }
}

/// A directory, as `show --json` and `tree --json` print it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectoryNode {
    /// Path, digest, summary.
    #[serde(flatten)]
    pub common: Common,
    /// Files below, at any depth.
    pub files: u64,
    /// Directories below, at any depth.
    pub directories: u64,
    /// Names of children that the summary was written without.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// The children by name; absent below the requested depth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Vec<Node>>,
}

impl Node {
    /// The shared fields.
    pub fn common(&self) -> &Common {
        match self {
            Self::File(file) => &file.common,
            Self::Directory(directory) => &directory.common,
        }
    }

    /// The shared fields, to change them.
    pub fn common_mut(&mut self) -> &mut Common {
        match self {
            Self::File(file) => &mut file.common,
            Self::Directory(directory) => &mut directory.common,
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
    /// The model; `None` with the offline provider.
    pub model: Option<String>,
    /// The watched repositories, by path.
    pub repositories: Vec<Repository>,
    /// The use of the model.
    pub requests: Requests,
    /// The store.
    pub store: StoreStatus,
    /// Usage of the latest days with any, the latest first, across restarts.
    #[serde(default)]
    pub usage: Vec<DayUsage>,
    /// The daily limits; `None` if there are none.
    #[serde(default)]
    pub budget: Option<BudgetStatus>,
    /// What the user should know or fix, one line each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Until when all requests are paused (RFC 3339), if they are.
    #[serde(default)]
    pub paused_until: Option<String>,
    /// What the daemon was started with; missing in one of an earlier version.
    #[serde(default)]
    pub daemon: Option<DaemonPlaces>,
    /// The store that the team shares, if one is used.
    #[serde(default)]
    pub shared: Option<SharedStatus>,
}

/// What a daemon was started with: its user's shell may have other settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonPlaces {
    /// The configuration file, which need not exist.
    pub config: String,
    /// The store's folder.
    pub data_dir: String,
    /// The socket.
    pub socket: String,
    /// The endpoint's key in the daemon's environment: `present`, `absent` or `not needed`.
    pub key: String,
}

/// A repository's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepositoryState {
    /// The disk is being scanned.
    Scanning,
    /// Summaries are being written.
    Summarizing,
    /// Nothing to do.
    Idle,
    /// There is work, but not now (budget spent, endpoint down).
    Paused,
    /// The folder does not exist.
    Unreachable,
    /// A first index needs more requests than are sent without confirmation.
    #[serde(rename = "awaiting_confirmation")]
    AwaitingConfirmation,
}

/// One repository in [`Status`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// Absolute path.
    pub path: String,
    /// What it is doing.
    pub state: RepositoryState,
    /// Files.
    pub files: u64,
    /// Directories, including the root.
    pub directories: u64,
    /// Nodes whose summary is fresh.
    pub fresh: u64,
    /// … stale.
    pub stale: u64,
    /// … pending.
    pub pending: u64,
    /// … failed.
    pub failed: u64,
    /// … off.
    #[serde(default)]
    pub off: u64,
    /// `native` or `poll`.
    pub watch: String,
    /// Folders watched.
    #[serde(default)]
    pub watches: u64,
    /// When the last change was noticed (RFC 3339, UTC).
    pub last_change: Option<String>,
    /// The remaining work.
    #[serde(default)]
    pub progress: Progress,
    /// Use of the model since the daemon started.
    #[serde(default)]
    pub used: Used,
    /// What the user should know, one line each.
    pub notes: Vec<String>,
    /// Folders that cannot be read, with the reason; they are also among the notes.
    #[serde(default)]
    pub unreadable: Vec<String>,
    /// How many requests wait for confirmation.
    #[serde(default)]
    pub awaiting_confirmation: Option<u64>,
    /// The files that were requested most often today because they changed.
    #[serde(default)]
    pub hot: Vec<HotFile>,
    /// Files that are not in the tree though no rule of the repository says so.
    #[serde(default)]
    pub excluded: Vec<ExcludedFiles>,
}

/// A file that changes often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotFile {
    /// Its path in the repository.
    pub path: String,
    /// Requests about it on this day (UTC).
    pub requests_today: u64,
}

/// Files that one default rule leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcludedFiles {
    /// The rule's name.
    pub rule: String,
    /// How many files it leaves out.
    pub files: u64,
}

/// The remaining work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Files to read.
    pub to_read: u64,
    /// Nodes to summarize.
    pub to_summarize: u64,
    /// Nodes done.
    pub done: u64,
    /// Estimated seconds until everything is done.
    pub seconds_left: Option<f64>,
}

/// Use of the model since the daemon started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// Requests that reached the endpoint, including retries.
    pub sent: u64,
    /// Requests that returned a summary.
    pub succeeded: u64,
    /// Requests among them that had failed before.
    pub retried: u64,
    /// Requests that were given up.
    pub failed: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// The present concurrency limit.
    pub limit: u64,
    /// Requests in batches of the Batch API.
    #[serde(default)]
    pub batched: u64,
    /// Input tokens, as the endpoint counted them.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub completion_tokens: u64,
    /// Input tokens that the endpoint had in its cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Requests sent today (UTC), across restarts.
    pub today: u64,
    /// Tokens used today (UTC), across restarts.
    #[serde(default)]
    pub tokens_today: u64,
    /// Responses that kept the earlier summary.
    #[serde(default)]
    pub unchanged: u64,
    /// Directories that needed no request because of that.
    #[serde(default)]
    pub spared: u64,
    /// Money, in the currency of the configured prices; `None` if there are none.
    #[serde(default)]
    pub cost: Option<f64>,
}

/// The store's size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Stored summaries.
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
    /// Keep it across restarts.
    #[serde(default = "yes")]
    pub keep: bool,
    /// Send the requests of its first index, however many they are.
    #[serde(default)]
    pub confirm: bool,
}

fn yes() -> bool {
    true
}

/// `POST /v1/wait`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitRequest {
    /// Absolute path of a node; all repositories if it is missing.
    #[serde(default)]
    pub path: Option<String>,
    /// Give up after this many milliseconds; never if it is missing.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// The response to a wait that ended in time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WaitOutcome {
    /// Always true.
    pub settled: bool,
    /// Nodes that could not be summarized, with the reason (the first hundred).
    pub failed: Vec<FailedNode>,
}

/// A node that could not be summarized.
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
    /// `about:blank` or one of the `PROBLEM_` constants.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind as text.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and how to fix it, in one line.
    pub detail: String,
}

/// The path is in no watched repository (404).
pub const PROBLEM_NOT_WATCHED: &str = "/problems/not-watched";
/// The path is in a watched repository but has no node (404).
pub const PROBLEM_NO_NODE: &str = "/problems/no-such-node";
/// The first scan of the path's repository is not finished (503): try again.
pub const PROBLEM_NOT_YET: &str = "/problems/not-looked-at-yet";
/// The wait timed out (504).
pub const PROBLEM_TIMEOUT: &str = "/problems/timed-out";
/// The request is malformed (400).
pub const PROBLEM_BAD_REQUEST: &str = "/problems/bad-request";
/// Anything else (500).
pub const PROBLEM_INTERNAL: &str = "/problems/internal";

impl Problem {
    /// A problem of one of the kinds above, with the kind's title and status.
    pub fn new(kind: &str, detail: impl Into<String>) -> Self {
        let (title, status) = match kind {
            PROBLEM_NOT_WATCHED => ("The path is in no watched repository", 404),
            PROBLEM_NO_NODE => ("The path has no node in its repository", 404),
            PROBLEM_NOT_YET => ("The first scan is not finished", 503),
            PROBLEM_TIMEOUT => ("The wait timed out", 504),
            PROBLEM_BAD_REQUEST => ("The request is malformed", 400),
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
