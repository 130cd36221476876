//! What is known of one file or directory.

use std::collections::BTreeMap;

use crate::model::contents::{ContentKind, Contents};
use crate::model::digest::Digest;
use crate::model::failure::Failure;
use crate::model::key::Kind;
use crate::model::summary::{SummaryKey, SummaryRef};

/// A node's place in the arena. The generation tells a node from a later one in the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// How far the work on a node has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A file that is to be read; a directory that waits for its children.
    Open,
    /// A file that is being read.
    Reading {
        /// It was listed meanwhile: what is read may be the state before.
        again: bool,
    },
    /// Its key is known, the words are looked up, asked for or being stored.
    Waiting,
    /// Its words are those of its key.
    Done,
    /// No words can be had, and nobody tries again by himself.
    Failed(Box<Failure>),
    /// It gets no summary: switched off, too large, a secret; or a directory without any file.
    Off,
}

impl Phase {
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::Off)
    }
}

/// What only files, or only directories, have.
#[derive(Debug)]
pub enum Body {
    /// A regular file and its last reading.
    File {
        /// What the last reading found.
        contents: Option<Contents>,
    },
    /// A directory.
    Directory(Directory),
}

/// The directory's part of a node.
#[derive(Debug, Default)]
pub struct Directory {
    /// Children by name.
    pub children: BTreeMap<Box<[u8]>, NodeId>,
    /// Children that are not settled.
    pub unsettled: u32,
    /// Files at any depth; a directory without any is no node to the outside.
    pub files: u32,
    /// Directories at any depth that hold a file.
    pub directories: u32,
    /// The number of the hint that put all below it in doubt (it may be another directory by now); 0: none did.
    pub suspect_below: u64,
    /// Device and inode when it was last listed.
    pub identity: Option<(u64, u64)>,
    /// The summary was written without, or with old words of, something below that failed.
    pub tainted: bool,
    /// Why it could not be listed, where it could not.
    pub problem: Option<String>,
    pub(super) digest: Option<Digest>,
}

/// A file or directory.
#[derive(Debug)]
pub struct Node {
    /// `None` for the root.
    pub parent: Option<NodeId>,
    /// The name; empty for the root.
    pub name: Box<[u8]>,
    /// File or directory.
    pub body: Body,
    /// How far the work has come.
    pub phase: Phase,
    /// The key of the words it should have now.
    pub key: Option<SummaryKey>,
    /// The last words it had.
    pub words: Option<SummaryRef>,
    /// The number of the hint that put it in doubt; 0: nobody doubts that it is as known.
    pub doubt: u64,
    /// The changes of it, or below it, that its words do not cover yet.
    pub changed: Option<Changed>,
}

/// When something changed (monotonic milliseconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The first time.
    pub first_ms: u64,
    /// The last time.
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

    /// Whether there is nothing left to do for it and below it.
    pub fn is_settled(&self) -> bool {
        let below = match &self.body {
            Body::File { .. } => 0,
            Body::Directory(directory) => directory.unsettled,
        };
        self.doubt == 0 && below == 0 && self.phase.is_final()
    }

    /// Whether the outside knows it: a file, or a directory with a file somewhere below.
    pub fn is_visible(&self) -> bool {
        match &self.body {
            Body::File { .. } => true,
            Body::Directory(directory) => directory.files > 0 || self.parent.is_none(),
        }
    }

    /// The directory's part, `None` for a file.
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
        self.words.filter(|_| !hidden)
    }

    /// The file's last reading, `None` for a directory and for what was never read.
    pub fn contents(&self) -> Option<&Contents> {
        match &self.body {
            Body::File { contents } => contents.as_ref(),
            Body::Directory(_) => None,
        }
    }
}
