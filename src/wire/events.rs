//! Events as they happen: `epitome events --json` and `GET /v1/events`.

use serde::{Deserialize, Serialize};

use super::protocol::Problem;
use super::search::NodeKind;

/// Events as they arrive; a problem is the last one.
pub type EventStream = tokio::sync::mpsc::Receiver<Result<StreamEvent, Problem>>;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamEventKind {
    /// A file is new or its content changed.
    Changed,
    /// A file was removed.
    Removed,
    /// A node has a new summary.
    Summarized,
    /// A node could not be summarized and is not retried automatically; `error` says why.
    Failed,
    /// A repository has work to do. Also the first event, if that is its present state.
    Busy,
    /// Everything in a repository is seen, summarized and stored. Also the first event, if that is its present state.
    Settled,
    /// A message for the user, in `text`.
    Notice,
    /// `missed` events arrived faster than they were read and were dropped. Read again what you cached.
    Missed,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamEvent {
    /// When it was noticed (RFC 3339, UTC).
    pub time: String,
    /// What happened.
    pub event: StreamEventKind,
    /// Absolute path of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The node's path, relative to the repository's root; the root is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The path's bytes in base64, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// File or directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<NodeKind>,
    /// The first sentence of the new summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Whether the text of the new summary is another than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_changed: Option<bool>,
    /// Why there is no summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The message of a notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many events were dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
}

impl StreamEvent {
    /// An event without details.
    pub fn new(time: String, event: StreamEventKind) -> Self {
        Self {
            time,
            event,
            repository: None,
            path: None,
            path_base64: None,
            kind: None,
            line: None,
            text_changed: None,
            error: None,
            text: None,
            missed: None,
        }
    }
}
