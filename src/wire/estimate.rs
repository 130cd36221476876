//! What an index would cost, as `index --dry-run --json` prints it.

use serde::{Deserialize, Serialize};

use super::protocol::ExcludedFiles;
use super::shared::SharedEstimate;

/// What an index would cost. Made without a request to the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The model; `offline` for the offline provider.
    pub model: String,
    /// Files that would be indexed.
    pub files: u64,
    /// Directories that would be indexed, including the root.
    pub directories: u64,
    /// Requests that would be sent.
    pub requests: u64,
    /// Estimated input tokens.
    pub prompt_tokens: u64,
    /// Estimated output tokens.
    pub completion_tokens: u64,
    /// Money, in the currency of the configured prices; `None` if the prices are unknown. Includes the lower price of
    /// batches if they are configured.
    pub price: Option<f64>,
    /// The same with `batch = "auto"`; `None` if that would change nothing or the prices are unknown.
    #[serde(default)]
    pub price_with_batch: Option<f64>,
    /// Requests among them that would be sent in a batch, as configured.
    #[serde(default)]
    pub batched: u64,
    /// Whether the prices are the vendor's list prices of 2025 instead of configured ones.
    #[serde(default)]
    pub listed: bool,
    /// Whether nothing of it was indexed before and a paid model will be used.
    #[serde(default)]
    pub first: bool,
    /// What the team's store would spare, if one is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedEstimate>,
    /// Whether it may cost less: of what is indexed again, the model may keep summaries, and folders above need no request
    /// then.
    #[serde(default)]
    pub upper_bound: bool,
    /// `[budget] max_requests_per_day`; 0: no limit.
    #[serde(default)]
    pub max_requests_per_day: u64,
    /// The files and folders that cost most, most first; at most ten.
    #[serde(default)]
    pub largest: Vec<Post>,
    /// Files that are not in the tree though no rule of the repository says so.
    #[serde(default)]
    pub excluded: Vec<ExcludedFiles>,
    /// Files that are in the tree and need no request, by what a rule says of them.
    #[serde(default)]
    pub by_rule: Vec<ExcludedFiles>,
}

/// What one file or folder costs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Its path in the repository.
    pub path: String,
    /// Requests, those about its parts included.
    pub requests: u64,
    /// Estimated input tokens.
    pub prompt_tokens: u64,
}
