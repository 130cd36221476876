//! One file or directory, and what is known about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::contents::{ContentKind, Contents};
use crate::model::digest::Digest;
use crate::model::failure::Failure;
use crate::model::key::Kind;
use crate::model::summary::{SummaryKey, SummaryRef};

/// A node's place in the arena. The generation distinguishes it from a later node in the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// The progress of the work on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A file that has to be read; a directory that waits for its children.
    Open,
    /// A file that is being read.
    Reading {
        /// It was listed meanwhile: the reading may show the state before.
        again: bool,
    },
    /// Its key is known; the summary is looked up, requested or being stored.
    Waiting,
    /// It has the summary of its key.
    Done,
    /// There is no summary, and no automatic retry.
    Failed(Box<Failure>),
    /// It gets no summary: summaries are off, the file is too large or secret, the directory is empty.
    Off,
}

impl Phase {
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::Off)
    }
}

/// The part of a node that depends on its kind.
#[derive(Debug)]
pub enum Body {
    /// A regular file.
    File {
        /// Its last reading.
        contents: Option<Contents>,
    },
    /// A directory.
    Directory(Box<Directory>),
}

/// The directory's part of a node.
#[derive(Debug, Default)]
pub struct Directory {
    /// Children by name.
    pub children: BTreeMap<Arc<[u8]>, NodeId>,
    /// Children that are not settled.
    pub unsettled: u32,
    /// Files at any depth; a directory without files is no node to the outside.
    pub files: u32,
    /// Directories at any depth that contain a file.
    pub directories: u32,
    /// The number of the hint that made everything below it suspect (it may be another directory now); 0 without one.
    pub suspect_below: u64,
    /// Device and inode when it was last listed.
    pub identity: Option<(u64, u64)>,
    /// Its summary was made without the summary of a node below that failed, or from an old one.
    pub tainted: bool,
    /// Why it cannot be listed, if so.
    pub problem: Option<String>,
    pub(super) digest: Option<Digest>,
}

/// A file or directory.
#[derive(Debug)]
pub struct Node {
    /// `None` for the root.
    pub parent: Option<NodeId>,
    /// The name; empty for the root.
    pub name: Arc<[u8]>,
    /// File or directory.
    pub body: Body,
    /// The progress of the work.
    pub phase: Phase,
    /// The key of the summary that it should have.
    pub key: Option<SummaryKey>,
    /// The last summary that it had.
    pub summary: Option<SummaryRef>,
    /// The number of the hint that made it suspect; 0 while it is not suspect.
    pub suspect_since: u64,
    /// The changes at or below it that its summary does not cover yet.
    pub(super) changed: Option<Box<Changed>>,
}

/// Times of changes (monotonic milliseconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The first change.
    pub first_ms: u64,
    /// The last change.
    pub last_ms: u64,
}

impl Node {
    /// File or directory.
    pub fn kind(&self) -> Kind {
        match self.body {
            Body::File { .. } => Kind::File,
            Body::Directory(_) => Kind::Directory,
        }
    }

    /// The changes at or below it that its summary does not cover yet.
    pub fn changed(&self) -> Option<Changed> {
        self.changed.as_deref().copied()
    }

    /// Whether nothing is left to do for it and below it.
    pub fn is_settled(&self) -> bool {
        let below = match &self.body {
            Body::File { .. } => 0,
            Body::Directory(directory) => directory.unsettled,
        };
        self.suspect_since == 0 && below == 0 && self.phase.is_final()
    }

    /// Whether it is a directory whose children are all settled and whose own summary is open.
    pub fn is_ready(&self) -> bool {
        let settled = |directory: &Directory| directory.unsettled == 0;
        self.suspect_since == 0
            && self.phase == Phase::Open
            && self.directory().is_some_and(settled)
    }

    /// Whether it is a node to the outside: a file, or a directory with a file at any depth.
    pub fn is_visible(&self) -> bool {
        match &self.body {
            Body::File { .. } => true,
            Body::Directory(directory) => directory.files > 0 || self.parent.is_none(),
        }
    }

    /// The directory's part; `None` for a file.
    pub fn directory(&self) -> Option<&Directory> {
        match &self.body {
            Body::Directory(directory) => Some(directory),
            Body::File { .. } => None,
        }
    }

    /// The summary that goes into the parent's. A model is not shown one whose content is withheld from models.
    pub fn summary_for_parent(&self, paid: bool) -> Option<SummaryRef> {
        let withheld = |contents: &Contents| contents.content_kind == ContentKind::Withheld;
        let hidden = paid && self.contents().is_some_and(withheld);
        self.summary.filter(|_| !hidden)
    }

    /// The file's last reading; `None` for a directory and before the first reading.
    pub fn contents(&self) -> Option<&Contents> {
        match &self.body {
            Body::File { contents } => contents.as_ref(),
            Body::Directory(_) => None,
        }
    }
}
