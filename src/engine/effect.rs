//! The closed set of what the engine may ask of the world. Each effect with an answer has exactly one.

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

/// Something to be done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Fetch the records of a repository; answered by `Loaded`.
    Load(RepoId),
    /// Watch, then list, these directories (those marked, with all below); answered by `Listed`.
    List {
        /// In which repository.
        repo: RepoId,
        /// The directories, and how much of each.
        targets: Vec<(RelPath, Depth)>,
    },
    /// These are no longer there: nothing at or below them is to be watched. No answer.
    Forget {
        /// In which repository.
        repo: RepoId,
        /// What went.
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
    /// Tell which of these keys the store has; answered by `LookedUp`.
    LookUp(Vec<SummaryKey>),
    /// Have a summary written by at most one request; answered by `Responded`, or by `PartResponded` where it takes more.
    SummaryRequest(Box<SummaryRequest>),
    /// Have these summaries written together, through the Batch API: each is answered by an `Responded` of its own, or
    /// named by a `BatchRefused`.
    RequestBatch(Vec<SummaryRequest>),
    /// Store a summary, so that it survives a crash; answered by `Committed`.
    Commit {
        /// What it is stored under.
        key: SummaryKey,
        /// The summary.
        summary: Summary,
    },
    /// Keep what is known of these nodes (`None`: nothing any more). No answer.
    Record {
        /// In which repository.
        repo: RepoId,
        /// Node by node.
        records: Vec<(RelPath, Option<NodeRecord>)>,
    },
    /// Write these directories out; answered by `Exported`.
    Export {
        /// In which repository.
        repo: RepoId,
        /// Each with its children.
        directories: Vec<NodeView>,
        /// Those that are no more.
        removed: Vec<RelPath>,
    },
    /// Send a barrier after all notifications so far; answered by `Barrier`.
    Barrier(WaitId),
    /// Tell a waiter that all is settled, and what failed for good. No answer.
    Settled {
        /// Which wait.
        wait: WaitId,
        /// What failed for good, and why.
        failed: Vec<(RelPath, String)>,
    },
    /// Write down what a repository was spared. No answer.
    Spared {
        /// Which.
        repo: RepoId,
        /// Answers that the earlier words still hold.
        unchanged: u64,
        /// Directories that were not asked about because of that.
        spared: u64,
    },
    /// Tell those who follow what happens. No answer.
    Tell {
        /// In which repository.
        repo: RepoId,
        /// What happened where, in order.
        news: Vec<(RelPath, NodeChange)>,
    },
    /// Tell the people who look after it. No answer.
    Notice(String),
}

/// How much of a directory is to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Its own entries.
    Entries,
    /// All below it.
    Everything,
}

/// A summary that is to be written.
#[derive(Clone, Debug)]
pub struct SummaryRequest {
    /// What it is stored under.
    pub key: SummaryKey,
    /// In which repository its subject is.
    pub repo: RepoId,
    /// Where the subject is now: for the reading of it and for logs, never for the words.
    pub path: RelPath,
    /// What it is about.
    pub subject: Subject,
    /// Where the words from before the change are: they may still hold.
    pub earlier: Option<SummaryKey>,
    /// How often it was asked before.
    pub attempts: u32,
}

/// What a summary is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A file; an answer is only worth something while its content has this digest.
    File {
        /// The digest of its content.
        digest: Digest,
        /// Its language.
        language: Option<Language>,
        /// What kind of matter it is.
        content_kind: ContentKind,
    },
    /// A directory and its children, in order of name.
    Directory {
        /// Its children, in order of name.
        children: Vec<Child>,
    },
}

/// A child, as its directory's summary is written from it.
#[derive(Clone, Debug)]
pub struct Child {
    /// Its name.
    pub name: Box<[u8]>,
    /// File or directory.
    pub kind: Kind,
    /// Where its words are; `None`: it has none and is to be named as left out.
    pub words: Option<SummaryKey>,
}

/// What happened to a node, for those who follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeChange {
    /// A file has other content than before, or is new.
    Changed,
    /// A file is no longer there.
    Removed,
    /// A node has other words than before.
    Summarized(Kind, SummaryKey),
    /// A node got no words, for good.
    Failed(Kind, String),
    /// Of the repository itself: there is something to do again.
    Busy,
    /// Of the repository itself: all is seen and settled.
    Settled,
}
