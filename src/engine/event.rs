//! The closed set of what can happen to the engine.

use std::collections::BTreeSet;

use crate::model::contents::Contents;
use crate::model::failure::Failure;
use crate::model::limits::Limits;
use crate::model::listing::Listing;
use crate::model::path::{RelPath, RepoId};
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryDigest, SummaryKey, SummaryRef};

use super::pacing::DayUse;
use super::tree::NodeId;

/// Names a wait, so that its reply finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(pub u64);

/// Something that happened. All paths are relative to their repository.
#[derive(Clone, Debug)]
pub enum Event {
    /// A repository is to be kept.
    Watch(RepoId),
    /// A repository is no longer to be kept.
    Unwatch(RepoId),
    /// The answer to [`super::effect::Effect::Load`].
    Loaded {
        /// In which repository.
        repo: RepoId,
        /// Node by node.
        records: Vec<(RelPath, NodeRecord)>,
    },
    /// Something may have changed at these paths.
    Touched {
        /// In which repository.
        repo: RepoId,
        /// Where.
        paths: Vec<RelPath>,
    },
    /// Notifications were lost, or the rules changed: all of the repository is in doubt.
    Lost(RepoId),
    /// Changes are notified from now on, though they were not when the engine began.
    Notified,
    /// Where nobody notifies of changes from now on.
    Polled {
        /// In which repository.
        repo: RepoId,
        /// What is to be looked at again and again.
        polled: Polled,
    },
    /// Somebody else is at work in all of the repository, or no longer is: what is seen meanwhile will not last.
    Held {
        /// In which repository.
        repo: RepoId,
        /// Whether they are.
        held: bool,
    },
    /// The answer to [`super::effect::Effect::List`].
    Listed {
        /// In which repository.
        repo: RepoId,
        /// What was found.
        listing: Listing,
    },
    /// The answer to [`super::effect::Effect::Read`].
    Read {
        /// The repository.
        repo: RepoId,
        /// The result for each file.
        files: Vec<FileRead>,
    },
    /// The answer to [`super::effect::Effect::Describe`]: the summaries are stored.
    Described(Vec<(SummaryKey, Result<SummaryDigest, Failure>)>),
    /// The answer to [`super::effect::Effect::LookUp`].
    LookedUp(Vec<(SummaryKey, Option<SummaryDigest>)>),
    /// The answer to [`super::effect::Effect::SummaryRequest`].
    Responded {
        /// What it is stored under.
        key: SummaryKey,
        /// What came of it.
        result: Result<Summary, Failure>,
        /// What it cost.
        usage: Usage,
    },
    /// One of several requests for this key was answered, and what it said is stored: the next is to follow.
    PartResponded {
        /// What the summary will be stored under.
        key: SummaryKey,
        /// What it cost.
        usage: Usage,
    },
    /// These keys are in batches that an earlier run made: `Responded` or `BatchRefused` will come for each.
    Batched(Vec<SummaryKey>),
    /// These keys reached no batch, whatever [`super::effect::Effect::RequestBatch`] wanted.
    BatchRefused {
        /// Which.
        keys: Vec<SummaryKey>,
        /// Whether there is no use in trying another batch in this run.
        for_good: bool,
    },
    /// The answer to [`super::effect::Effect::Commit`]: the words are on disk.
    Committed(SummaryKey),
    /// The answer to [`super::effect::Effect::Export`].
    Exported {
        /// Of which repository.
        repo: RepoId,
        /// Whether all of it could be written.
        written: bool,
    },
    /// Somebody else changed what was written out.
    ExportTouched {
        /// In which repository.
        repo: RepoId,
        /// Of which directories.
        paths: Vec<RelPath>,
    },
    /// Somebody waits for everything saved before now to be settled.
    Wait {
        /// Which wait.
        id: WaitId,
        /// In which repository.
        repo: RepoId,
        /// Where it is.
        path: RelPath,
    },
    /// The waiter is gone.
    WaitDropped(WaitId),
    /// All notifications from before the wait's beginning have been handed in.
    Barrier(WaitId),
    /// What was used on a day before the engine began.
    Used(DayUse),
    /// Time passed; see [`super::Engine::deadline_ms`].
    Tick,
}

/// What has to be looked at from time to time, because nobody notifies of changes in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Polled {
    /// All changes are notified.
    #[default]
    Nothing,
    /// These directories, not what lies below them.
    Directories(BTreeSet<RelPath>),
    /// All of the repository.
    Everything,
}

/// The result of reading one file.
#[derive(Clone, Debug)]
pub struct FileRead {
    /// The node.
    pub node: NodeId,
    /// Its content.
    pub result: Result<Contents, ReadProblem>,
    /// The summary that was written and stored in the same job, where that costs nothing.
    pub summary: Option<SummaryRef>,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadProblem {
    /// It is no longer there, or no longer a regular file.
    Gone,
    /// It kept changing while it was read.
    Moving,
    /// It cannot be read; the reason in one line.
    Denied(String),
}

/// What one request used, as the endpoint counted it, and the time it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Whether a request was sent at all.
    pub sent: bool,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Tokens of the prompt that the endpoint had in its cache.
    pub cached_tokens: u64,
    /// Whether the answer was that the earlier words still hold.
    pub unchanged: bool,
    /// What the endpoint said of its limits.
    pub limits: Limits,
}
