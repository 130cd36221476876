//! Requests and responses of `epitome cache`: the store's size, what was removed, whether it is undamaged.

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
    /// Summaries that were made on this machine at no cost.
    pub free: u64,
    /// Outlines of files.
    pub outlines: u64,
    /// Records of nodes.
    pub records: u64,
    /// Repositories that are not watched but were indexed earlier.
    pub unwatched: u64,
    /// Bytes of the journal on disk: what was paid for.
    pub journal_bytes: u64,
    /// Bytes of the cache on disk.
    pub cache_bytes: u64,
    /// Bytes of the live entries, without the overhead of journal and cache.
    pub live_bytes: u64,
    /// The day (UTC, as 2025-01-31) on which the longest unused summary was last used; `None`: all are used.
    pub oldest: Option<String>,
}

/// `POST /v1/cache/gc`. Missing limits are those of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectRequest {
    /// Removes what was unused for this many days; 0: everything unused.
    #[serde(default)]
    pub max_age_days: Option<u64>,
    /// Removes the longest unused entries until the store is not larger than this on disk; 0: everything unused.
    #[serde(default)]
    pub max_bytes: Option<u64>,
}

/// `cache gc --json` and the response to [`CollectRequest`].
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
    /// Paid summaries that stay because it is unknown whether they are used.
    pub withheld: u64,
}

/// `cache verify --json` and `POST /v1/cache/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Whether nothing is damaged.
    pub sound: bool,
    /// Undamaged summaries.
    pub summaries: u64,
    /// Undamaged outlines.
    pub outlines: u64,
    /// Undamaged records.
    pub records: u64,
    /// What was damaged, one line each.
    pub damaged: Vec<String>,
    /// Summaries that were damaged or missing in one place and were restored from another.
    pub restored: u64,
    /// Summaries that are lost.
    pub lost: u64,
}
