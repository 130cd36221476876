//! The closed set of the engine's outputs. An effect that has an answering event gets exactly one.

use crate::model::contents::ContentKind;
use crate::model::digest::Digest;
use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::path::{RelPath, RepoId};
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryKey};

use super::event::WaitId;
use super::tree::NodeId;
use super::view::NodeView;

/// One output.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Load the records of a repository; answered by `Loaded`.
    Load(RepoId),
    /// Watch, then list, these directories; answered by `Listed`.
    List {
        /// The repository.
        repo: RepoId,
        /// The directories, each with its depth.
        targets: Vec<(RelPath, Depth)>,
    },
    /// A person has to confirm the requests of a first index. No answer.
    AwaitConfirmation {
        /// The repository.
        repo: RepoId,
        /// The number of requests.
        requests: u64,
    },
    /// These directories are gone: remove the watches at and below them. No answer.
    Forget {
        /// The repository.
        repo: RepoId,
        /// The directories.
        paths: Vec<RelPath>,
    },
    /// Read these files in one job; answered by `Read`. What costs nothing is described in the same job.
    Read {
        /// The repository.
        repo: RepoId,
        /// The nodes and their paths.
        files: Vec<(NodeId, RelPath)>,
    },
    /// Write and store these summaries, which cost nothing, in one job; answered by `Described`.
    Describe(Vec<SummaryRequest>),
    /// Look up keys in the store; answered by `LookedUp`.
    LookUp(Vec<SummaryKey>),
    /// Look up keys in the store that the team shares, and store what it has; answered by `LookedUpShared` within a
    /// deadline. `again`: another process claimed them, so that a recent miss means nothing.
    LookUpShared {
        /// The keys.
        keys: Vec<SummaryKey>,
        /// Whether they were looked up before.
        again: bool,
    },
    /// Look these keys up once more and claim them in the shared store: their requests are next. Answered by `Claimed`
    /// within a deadline.
    Claim {
        /// The keys.
        keys: Vec<SummaryKey>,
        /// Whether they go by a batch, which takes longer.
        batch: bool,
    },
    /// Give claims up: the requests failed, or are not needed any more. No answer.
    Release(Vec<SummaryKey>),
    /// Send one request for a summary; answered by `Responded`, or by `PartResponded` when it takes more requests.
    SummaryRequest(Box<SummaryRequest>),
    /// Request these summaries together, through the Batch API; each is answered by its own `Responded`, or named in a
    /// `BatchRefused`.
    RequestBatch(Vec<SummaryRequest>),
    /// Store a summary that was paid for, so that it survives a crash; answered by `Committed`.
    Commit {
        /// The summary's key.
        key: SummaryKey,
        /// The summary.
        summary: Summary,
    },
    /// Store the records of nodes; `None` deletes one. No answer.
    Record {
        /// The repository.
        repo: RepoId,
        /// The records.
        records: Vec<(RelPath, Option<NodeRecord>)>,
    },
    /// Export directories; answered by `Exported`.
    Export {
        /// The repository.
        repo: RepoId,
        /// The directories, each with its children.
        directories: Vec<NodeView>,
        /// Directories that are gone.
        removed: Vec<RelPath>,
    },
    /// Send a barrier after all notifications so far; answered by `Barrier`.
    Barrier(WaitId),
    /// End a wait. No answer.
    Settled {
        /// The wait.
        wait: WaitId,
        /// The failed nodes, each with its error.
        failed: Vec<(RelPath, String)>,
    },
    /// Store how many requests a repository saved. No answer.
    Spared {
        /// The repository.
        repo: RepoId,
        /// Responses that kept the earlier text.
        unchanged: u64,
        /// Directories that needed no request because of that.
        spared: u64,
    },
    /// Publish changes to the followers. No answer.
    Publish {
        /// The repository.
        repo: RepoId,
        /// The changes, in order.
        changes: Vec<(RelPath, NodeChange)>,
    },
    /// Show a notice to people. No answer.
    Notice(String),
}

/// How much of a directory to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Its own entries.
    Entries,
    /// Everything below it.
    Everything,
}

/// A request for a summary.
#[derive(Clone, Debug)]
pub struct SummaryRequest {
    /// The summary's key.
    pub key: SummaryKey,
    /// The subject's repository.
    pub repo: RepoId,
    /// The subject's path now: for reading it and for logs, never part of the prompt.
    pub path: RelPath,
    /// What it is about.
    pub subject: Subject,
    /// The key of the summary from before the change, which may still be accurate.
    pub earlier: Option<SummaryKey>,
    /// The number of earlier attempts.
    pub attempts: u32,
}

/// What a summary is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A file. A response counts only while its content has this digest.
    File {
        /// The digest of its content.
        digest: Digest,
        /// Its language.
        language: Option<Language>,
        /// The kind of its content.
        content_kind: ContentKind,
    },
    /// A directory and its children, in order of name.
    Directory {
        /// Its children, in order of name.
        children: Vec<Child>,
    },
}

/// A child of a directory that is summarized.
#[derive(Clone, Debug)]
pub struct Child {
    /// Its name.
    pub name: Box<[u8]>,
    /// File or directory.
    pub kind: Kind,
    /// The key of its summary; without one the child is named as left out.
    pub summary: Option<SummaryKey>,
}

/// A change of a node, for followers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeChange {
    /// A file has a new content, or is new.
    Changed,
    /// A file is gone.
    Removed,
    /// A node has a new summary; `bool`: its text is another than before.
    Summarized(Kind, SummaryKey, bool),
    /// A node failed.
    Failed(Kind, String),
    /// The repository has work again.
    Busy,
    /// The repository: everything is scanned and settled.
    Settled,
}
