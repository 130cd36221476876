//! The closed set of the engine's inputs.

use std::collections::BTreeSet;

use crate::model::contents::Contents;
use crate::model::failure::Failure;
use crate::model::limits::Limits;
use crate::model::listing::Listing;
use crate::model::path::{RelPath, RepoId};
use crate::model::record::NodeRecord;
use crate::model::shared::Claim;
use crate::model::summary::{Summary, SummaryDigest, SummaryKey, SummaryRef};

use super::pacing::DayUse;
use super::tree::NodeId;

/// The number of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(pub u64);

/// One input. Paths are relative to their repository.
#[derive(Clone, Debug)]
pub enum Event {
    /// Watch a repository.
    Watch(RepoId),
    /// The requests of a repository's first index are confirmed.
    Confirm(RepoId),
    /// Stop watching a repository.
    Unwatch(RepoId),
    /// The answer to [`super::effect::Effect::Load`].
    Loaded {
        /// The repository.
        repo: RepoId,
        /// The records of its nodes.
        records: Vec<(RelPath, NodeRecord)>,
    },
    /// Something may have changed at these paths.
    Touched {
        /// The repository.
        repo: RepoId,
        /// The paths.
        paths: Vec<RelPath>,
    },
    /// Notifications were lost, or the rules changed: everything in the repository is suspect.
    Lost(RepoId),
    /// The system reports changes from now on, though it did not at the start.
    Notified,
    /// The part of a repository that has to be polled from now on.
    Polled {
        /// The repository.
        repo: RepoId,
        /// That part.
        polled: Polled,
    },
    /// Another program (git) begins or ends a change of many files: a scan made meanwhile would soon be outdated.
    Blocked {
        /// The repository.
        repo: RepoId,
        /// Whether it is at work.
        blocked: bool,
    },
    /// The answer to [`super::effect::Effect::List`].
    Listed {
        /// The repository.
        repo: RepoId,
        /// The listed directories.
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
    /// The answer to [`super::effect::Effect::LookUpShared`]: what was found is stored here.
    LookedUpShared(Vec<(SummaryKey, Option<SummaryDigest>)>),
    /// The answer to [`super::effect::Effect::Claim`].
    Claimed(Vec<(SummaryKey, Claim)>),
    /// The answer to [`super::effect::Effect::SummaryRequest`].
    Responded {
        /// The summary's key.
        key: SummaryKey,
        /// The summary, or why there is none.
        result: Result<Summary, Failure>,
        /// What the request used.
        usage: Usage,
    },
    /// One of several requests for this key succeeded, and its text is stored: the next one follows.
    PartResponded {
        /// The summary's key.
        key: SummaryKey,
        /// What the request used.
        usage: Usage,
    },
    /// These keys are in batches of an earlier run: `Responded` or `BatchRefused` follows for each.
    Batched(Vec<SummaryKey>),
    /// These keys of a [`super::effect::Effect::RequestBatch`] reached no batch.
    BatchRefused {
        /// The keys.
        keys: Vec<SummaryKey>,
        /// No further batch can succeed in this run.
        for_good: bool,
    },
    /// The answer to [`super::effect::Effect::Commit`]: the summary is on disk.
    Committed(SummaryKey),
    /// The answer to [`super::effect::Effect::Export`].
    Exported {
        /// The repository.
        repo: RepoId,
        /// Whether everything was written.
        written: bool,
    },
    /// Another program changed exported files.
    ExportTouched {
        /// The repository.
        repo: RepoId,
        /// Their directories.
        paths: Vec<RelPath>,
    },
    /// A client waits until everything saved before now is settled.
    Wait {
        /// The wait.
        id: WaitId,
        /// The repository.
        repo: RepoId,
        /// The node's path.
        path: RelPath,
    },
    /// The client left.
    WaitDropped(WaitId),
    /// All notifications from before the wait were delivered.
    Barrier(WaitId),
    /// Today's use of the model by earlier runs.
    Used(DayUse),
    /// Time passed: see [`super::Engine::deadline_ms`].
    Tick,
}

/// What has to be polled because its changes are not notified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Polled {
    /// Nothing.
    #[default]
    Nothing,
    /// These directories, not their subdirectories.
    Directories(BTreeSet<RelPath>),
    /// The whole repository.
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
    /// It is gone, or no longer a regular file.
    Gone,
    /// It kept changing during the reading.
    Moving,
    /// It cannot be read; the reason, in one line.
    Denied(String),
}

/// What one request used, as the endpoint counted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Whether it reached the endpoint.
    pub sent: bool,
    /// Input tokens.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub completion_tokens: u64,
    /// Input tokens from the endpoint's cache.
    pub cached_tokens: u64,
    /// Whether the model kept the earlier text.
    pub unchanged: bool,
    /// The rate limits that the endpoint reported.
    pub limits: Limits,
}
