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
    /// Money, in the currency of the configured prices; `None` where the prices are not known.
    pub price: Option<f64>,
}
