//! What the store keeps of a node, so that a restart reads only what moved.

use serde::{Deserialize, Serialize};

use super::contents::Contents;
use super::key::Kind;
use super::summary::SummaryRef;

/// What is known of one node, stored under its repository and path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// File or directory.
    pub kind: Kind,
    /// The version of the parser that read it: another one's digests of the syntax cannot be compared.
    pub parser: u32,
    /// A file's last reading; `None` for a directory, and for a file that could not be read.
    pub contents: Option<Contents>,
    /// The last words about it.
    pub words: Option<SummaryRef>,
}
