//! What an index would cost, as `index --dry-run --json` prints it.

use serde::{Deserialize, Serialize};

/// What an index would cost. No model was called for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The model that would be asked; `offline` for the offline provider.
    pub model: String,
    /// Files that would be nodes.
    pub files: u64,
    /// Directories that would be nodes, the root among them.
    pub directories: u64,
    /// Requests that would be sent.
    pub requests: u64,
    /// Tokens of their prompts, by estimate.
    pub prompt_tokens: u64,
    /// Tokens of the answers, by estimate.
    pub completion_tokens: u64,
    /// Money, in the currency of the configured prices; `None` where the prices are not known. Batches are thought of
    /// where they are configured.
    pub price: Option<f64>,
    /// The same with `batch = "auto"`; `None` where that would change nothing, or the prices are not known.
    #[serde(default)]
    pub price_with_batch: Option<f64>,
    /// Requests among them that would go by a batch, as it is configured.
    #[serde(default)]
    pub batched: u64,
    /// Whether the prices are the vendor's of 2025, and not configured.
    #[serde(default)]
    pub listed: bool,
    /// Whether nothing of it was ever indexed, and a model will be paid for it.
    #[serde(default)]
    pub first: bool,
}
