//! What the store keeps of a node, so that a restart reads only what moved.

use serde::{Deserialize, Serialize};

use super::contents::Contents;
use super::summary::Words;

/// What is known of one node, stored under its repository and path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// A file's last reading; `None` for a directory.
    pub contents: Option<Contents>,
    /// The last words about it.
    pub words: Option<Words>,
}
