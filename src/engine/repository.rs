//! What the engine keeps of one repository beside its tree.

use std::collections::{BTreeSet, VecDeque};

use crate::model::contents::Contents;
use crate::model::path::RelPath;
use crate::model::usage::Usage;

use super::confirmation::Confirmation;
use super::debounce::Debounce;
use super::effect::{Depth, NodeChange};
use super::event::Polled;
use super::export::Exports;
use super::heat::HeatTable;
use super::tree::{NodeId, Tree};

/// Whether the disk is being looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum ScanState {
    /// The store is being read first.
    #[default]
    Loading,
    /// No.
    Idle,
    /// A listing is under way, begun when the doubts up to this number had been raised.
    Under {
        targets: Vec<(RelPath, Depth)>,
        doubt: u64,
    },
}

/// One repository.
#[derive(Debug)]
pub struct Repository {
    /// Its nodes.
    pub tree: Tree,
    /// What is to be looked at.
    pub debounce: Debounce,
    /// Whether it is being looked at.
    pub look: ScanState,
    /// Paths touched during a look in directories that were not known yet: the look may have been there before the
    /// touch, and its answer makes the directory known.
    pub touched_meanwhile: BTreeSet<RelPath>,
    /// When the last look began at what nobody notifies of (monotonic milliseconds). Others do not count: where
    /// something is told of all the time, that would never be looked at.
    pub polled_ms: u64,
    /// How long that look took, in milliseconds; `None`: it is under way.
    pub poll_took_ms: Option<u64>,
    /// The last doubt's number.
    pub doubt: u64,
    /// Files to be read, in order.
    pub to_read: VecDeque<NodeId>,
    /// Readings under way.
    pub reading: usize,
    /// Files that the listing found as they were last read, and that were not thought about yet.
    pub to_confirm: Vec<(NodeId, Contents)>,
    /// Files that had more than one name when they were read: they can be written under one that nobody watches.
    /// Nodes that went may be among them.
    pub linked: BTreeSet<NodeId>,
    /// Device and inode of files that were read lately and turned out to have more than one name. Who made the other
    /// name told nobody of the first one.
    pub newly_linked: BTreeSet<(u64, u64)>,
    /// Whether the first look at everything is done: only then is a new file a change.
    pub known: bool,
    /// The root folder is not there.
    pub unreachable: bool,
    /// Where nobody notifies of changes.
    pub polled: Polled,
    /// Somebody else is at work in all of it (git switches branches): looking waits.
    pub held: bool,
    /// Since when that held up a look (monotonic milliseconds).
    pub blocked_since_ms: Option<u64>,
    /// When the last change was seen (milliseconds since 1970).
    pub last_change_ms: Option<u64>,
    /// Nodes whose record is to be written, and paths whose record is to go.
    pub to_record: BTreeSet<NodeId>,
    /// Paths of nodes that went.
    pub removed: BTreeSet<RelPath>,
    /// What is to be written out.
    pub exports: Exports,
    /// What happened in this step, for those who follow.
    pub news: Vec<(RelPath, NodeChange)>,
    /// Whether those who follow were told that all is settled.
    pub reported_settled: bool,
    /// What it used of the model since the engine began.
    pub used: Usage,
    /// Whether the requests of its first index may be sent.
    pub confirmation: Confirmation,
    /// How often its files were requested.
    pub heat: HeatTable,
}

/// Milliseconds between looks for a folder that is not there: nobody may notify of its return.
const MISSING_POLL_MS: u64 = 5_000;

/// What is polled is looked at for one part in so many of the time, at most: a large tree on a slow network is not
/// looked at without end.
const POLL_SHARE: u64 = 5;

/// How long a look waits for git to end what it does, at most. Locks can be left behind by a crash.
const HELD_LOOK_MS: u64 = 10_000;

impl Repository {
    /// When the next look is due that no notification asks for: (monotonic milliseconds). `configured`: milliseconds
    /// between looks at everything, where that is the way of all repositories; `otherwise`: between looks at what
    /// nobody notifies of.
    pub fn poll_due_ms(&self, configured: Option<u64>, otherwise: u64) -> Option<u64> {
        let missing = self.unreachable.then_some(MISSING_POLL_MS);
        let polled = (self.polled != Polled::Nothing).then_some(otherwise);
        let every_ms = configured.into_iter().chain(missing).chain(polled).min()?;
        let rest_ms = self.poll_took_ms? * POLL_SHARE;
        Some(self.polled_ms + every_ms.max(rest_ms))
    }

    /// What is to be looked at because nobody would notify of a change in it, is.
    pub fn poll(&mut self, configured: bool, now_ms: u64) {
        self.polls(now_ms);
        match &self.polled {
            Polled::Directories(directories) if !configured && !self.unreachable => {
                for directory in directories {
                    self.debounce
                        .add_urgent(directory.clone(), Depth::Entries, now_ms);
                }
            }
            _ => self
                .debounce
                .add_urgent(RelPath::root(), Depth::Everything, now_ms),
        }
    }

    /// The next look is at all that nobody notifies of.
    pub fn polls(&mut self, now_ms: u64) {
        self.polled_ms = now_ms;
        self.poll_took_ms = None;
    }

    /// Until when looking waits for somebody else's work to end (monotonic milliseconds).
    pub fn blocked_until_ms(&self) -> Option<u64> {
        (self.held && self.known).then_some(self.blocked_since_ms? + HELD_LOOK_MS)
    }

    /// Something happened to a node.
    pub fn tell(&mut self, id: NodeId, news: NodeChange) {
        self.news.push((self.tree.path(id), news));
    }

    /// Whether all that is known of is seen and done.
    pub fn is_settled(&self) -> bool {
        self.tree.root().is_settled() && self.debounce.is_empty()
    }

    /// Whether no file is left to be read.
    pub fn is_read(&self) -> bool {
        self.reading == 0 && self.to_read.is_empty()
    }
}

impl Default for Repository {
    fn default() -> Self {
        Self {
            tree: Tree::default(),
            debounce: Debounce::default(),
            look: ScanState::Loading,
            touched_meanwhile: BTreeSet::new(),
            polled_ms: 0,
            poll_took_ms: Some(0),
            // The root is in doubt number 1 until it was listed.
            doubt: 1,
            to_read: VecDeque::new(),
            reading: 0,
            to_confirm: Vec::new(),
            linked: BTreeSet::new(),
            newly_linked: BTreeSet::new(),
            known: false,
            unreachable: false,
            polled: Polled::Nothing,
            held: false,
            blocked_since_ms: None,
            last_change_ms: None,
            to_record: BTreeSet::new(),
            removed: BTreeSet::new(),
            exports: Exports::default(),
            news: Vec::new(),
            reported_settled: false,
            used: Usage::default(),
            confirmation: Confirmation::default(),
            heat: HeatTable::default(),
        }
    }
}
