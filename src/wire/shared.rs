//! The store that the team shares: its state, and what `epitome cache push`, `pull` and `gc --shared` did.

use serde::{Deserialize, Serialize};

/// How a note about the team's store begins.
pub const NOTE: &str = "shared store: ";

/// `shared` in `status --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedStatus {
    /// Its URL.
    pub url: String,
    /// The folder of the keys in it.
    pub namespace: String,
    /// `read` or `read-write`.
    pub mode: String,
    /// Whether the latest look-up got a response.
    pub reachable: bool,
    /// Why it is not read or not written now.
    pub error: Option<String>,
    /// Summaries that were looked up since the start.
    pub looked_up: u64,
    /// Summaries that it had.
    pub found: u64,
    /// Values that it had and that were not used.
    pub rejected: u64,
    /// Summaries that were written to it since the start.
    pub published: u64,
    /// Summaries that wait to be written.
    pub waiting: u64,
    /// Summaries among them that the store refused several times while it took others; they are tried again later.
    #[serde(default)]
    pub refused: u64,
}

/// `shared` in `index --dry-run --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedEstimate {
    /// Summaries that the store on this machine does not have.
    pub summaries: u64,
    /// Summaries among them that the shared store has.
    pub found: u64,
    /// Why it could not be looked up.
    pub error: Option<String>,
}

/// What to do with the shared store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exchange {
    /// Write what it lacks.
    Push,
    /// Fetch what the local store lacks.
    Pull,
    /// Remove old values from it.
    Gc,
}

/// `POST /v1/cache/shared`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRequest {
    /// What to do.
    pub action: Exchange,
    /// Only count.
    #[serde(default)]
    pub dry_run: bool,
    /// For `gc`: values that were written more days ago are removed.
    #[serde(default)]
    pub max_age_days: Option<u64>,
}

/// `cache push --json`, `cache pull --json`, `cache gc --shared --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanged {
    /// The shared store's URL.
    pub url: String,
    /// Summaries of this model in the local store.
    pub here: u64,
    /// Summaries in the shared store.
    pub there: u64,
    /// Summaries to move or remove.
    pub chosen: u64,
    /// Summaries that were moved or removed; 0 in a dry run.
    pub done: u64,
    /// Values that were not used: damaged, not signed, or no summary.
    pub rejected: u64,
    /// With `gc`: old packs, which repeat values for a first index.
    #[serde(default)]
    pub packs: u64,
}
