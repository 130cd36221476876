//! What a model would be asked about a node, as `show --prompt --json` prints it.

use serde::{Deserialize, Serialize};

use crate::model::key::Kind;

/// What would be sent about a node. Nothing was sent for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Relative to the repository's root, with `/`; the root is empty.
    pub path: String,
    /// File or directory.
    pub kind: Kind,
    /// `offline` or `openai`: with `offline` nothing is sent, and these are the requests that `openai` would send.
    pub provider: String,
    /// The model that would be asked.
    pub model: String,
    /// The endpoint that would have them.
    pub base_url: String,
    /// Whether they are to be sent, when their turn comes.
    pub to_be_sent: bool,
    /// Why not, or what may still change them, in one line.
    pub note: Option<String>,
    /// The requests, in order: those about parts before the one that makes them one.
    pub requests: Vec<PromptRequest>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptRequest {
    /// What is said, as it is sent: secrets taken out, delimiters in.
    pub messages: Vec<PromptMessage>,
    /// Tokens of it, by estimate.
    pub prompt_tokens: u64,
    /// Tokens that the answer may have; more where a model's reasoning needs it.
    pub max_output_tokens: u64,
    /// Whether it was answered before: then it is not sent again.
    pub answered: bool,
    /// Whether this is what will be sent, to the byte; not so while it holds something that is not there yet.
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
