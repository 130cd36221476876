//! What `epitome cache` asks and is told: the size of the store, what was removed from it, whether it is whole.

use serde::{Deserialize, Serialize};

/// `cache stats --json` and `GET /v1/cache`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheStatistics {
    /// Summaries.
    pub summaries: u64,
    /// Summaries that watched repositories use.
    pub used: u64,
    /// Summaries that were paid for.
    pub paid: u64,
    /// Summaries that were written on this machine, for nothing.
    pub free: u64,
    /// Outlines of files.
    pub outlines: u64,
    /// Records of nodes.
    pub records: u64,
    /// Repositories that are not watched and of which something is known: they were indexed once.
    pub unwatched: u64,
    /// Bytes of the journal on disk: what was paid for.
    pub journal_bytes: u64,
    /// Bytes of the cache on disk.
    pub cache_bytes: u64,
    /// Bytes of all that is kept, without what the two need around it.
    pub live_bytes: u64,
    /// The day, as 2025-01-31 (UTC), on which the summary that is unused for longest was last in use; `None`: all are.
    pub oldest: Option<String>,
}

/// `POST /v1/cache/gc`. What is not given is taken from the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectRequest {
    /// Removes what was unused for so many days; 0: whatever is unused.
    #[serde(default)]
    pub max_age_days: Option<u64>,
    /// Removes what is unused for longest, until the store takes no more bytes on disk; 0: whatever is unused.
    #[serde(default)]
    pub max_bytes: Option<u64>,
}

/// `cache gc --json` and the answer to [`CollectRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Summaries that were removed.
    pub summaries: u64,
    /// Outlines that were removed.
    pub outlines: u64,
    /// Records that were removed, of repositories that are not watched.
    pub records: u64,
    /// Bytes on disk before.
    pub bytes_before: u64,
    /// Bytes on disk now.
    pub bytes_after: u64,
    /// Summaries that were paid for and stay because it is not known whether they are in use.
    pub withheld: u64,
}

/// `cache verify --json` and `POST /v1/cache/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Whether nothing is damaged.
    pub sound: bool,
    /// Summaries that are whole.
    pub summaries: u64,
    /// Outlines that are whole.
    pub outlines: u64,
    /// Records that are whole.
    pub records: u64,
    /// What was damaged, a line each.
    pub damaged: Vec<String>,
    /// Summaries that were damaged or missing in one place and taken from another.
    pub restored: u64,
    /// Summaries that are lost.
    pub lost: u64,
}
