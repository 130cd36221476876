//! What happens, told as it happens: `epitome events --json` and `GET /v1/events`.

use serde::{Deserialize, Serialize};

use super::protocol::Problem;
use super::search::NodeKind;

/// Things that happened, as they come; a problem is the last of them.
pub type EventStream = tokio::sync::mpsc::Receiver<Result<StreamEvent, Problem>>;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamEventKind {
    /// A file is new, or has other content than before.
    Changed,
    /// A file is no longer there.
    Removed,
    /// A node has other words than before.
    Summarized,
    /// A node got no words, for good; `error` says why.
    Failed,
    /// A repository has something to do. Also told at the beginning, where it is so then.
    Busy,
    /// All of a repository is seen, summarized and stored. Also told at the beginning, where it is so then.
    Settled,
    /// Something that a person should know; `text` says it.
    Notice,
    /// So many happenings came faster than they were read and are not told: `missed`. Look again at what you keep.
    Missed,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamEvent {
    /// When it was noticed, RFC 3339, UTC.
    pub time: String,
    /// What.
    pub event: StreamEventKind,
    /// Absolute path of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Of the node, relative to the repository's root; the root is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The path's bytes in base64, where they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// File or directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<NodeKind>,
    /// The first sentence of the new words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many were not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
}

impl StreamEvent {
    /// One of which no more is known yet.
    pub fn new(time: String, event: StreamEventKind) -> Self {
        Self {
            time,
            event,
            repository: None,
            path: None,
            path_base64: None,
            kind: None,
            line: None,
            error: None,
            text: None,
            missed: None,
        }
    }
}
