//! What the store keeps about a node, so that a restart reads only what changed.

use serde::{Deserialize, Serialize};

use super::contents::Contents;
use super::key::Kind;
use super::summary::SummaryRef;

/// One node, stored under its repository and path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// File or directory.
    pub kind: Kind,
    /// The version of the parser that read it: syntax digests of different versions are not comparable.
    pub parser: u32,
    /// The result of the last reading; `None` for a directory, and for a file that could not be read.
    pub contents: Option<Contents>,
    /// The last summary.
    pub summary: Option<SummaryRef>,
}
