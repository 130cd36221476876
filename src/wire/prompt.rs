//! The requests that a model would get about a node, as `show --prompt --json` prints them.

use serde::{Deserialize, Serialize};

use crate::model::key::Kind;

/// The requests about a node. Nothing was sent for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Relative to the repository's root, with `/`; the root is empty.
    pub path: String,
    /// File or directory.
    pub kind: Kind,
    /// `offline` or `openai`: with `offline` nothing is sent, and these are the requests that `openai` would send.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The endpoint.
    pub base_url: String,
    /// Whether they will be sent.
    pub to_be_sent: bool,
    /// Why not, or what may still change them; one line.
    pub note: Option<String>,
    /// The requests in order: those about parts before the one that merges them.
    pub requests: Vec<PromptRequest>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptRequest {
    /// The messages exactly as sent, with secrets removed.
    pub messages: Vec<PromptMessage>,
    /// Estimated input tokens.
    pub prompt_tokens: u64,
    /// Maximum output tokens; more if the model needs them for reasoning.
    pub max_output_tokens: u64,
    /// Whether the response is stored already; then it is not sent again.
    pub answered: bool,
    /// Whether exactly this will be sent; false while it depends on summaries that do not exist yet.
    pub exact: bool,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptMessage {
    /// `system` or `user`.
    pub role: String,
    /// The text.
    pub content: String,
}
