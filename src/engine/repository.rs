//! The engine's state of one repository, beside its tree.

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

/// Whether the disk is being scanned.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum ScanState {
    /// The records are being loaded.
    #[default]
    Loading,
    /// No scan is in progress.
    Idle,
    /// A listing is in progress. It answers all hints up to number `up_to_hint`.
    InProgress {
        targets: Vec<(RelPath, Depth)>,
        up_to_hint: u64,
    },
}

/// One repository.
#[derive(Debug)]
pub struct Repository {
    /// Its nodes.
    pub tree: Tree,
    /// The directories to list.
    pub debounce: Debounce,
    /// Whether a scan is in progress.
    pub scan: ScanState,
    /// Paths touched during a scan in directories that were unknown: the scan may have listed them before the touch, and
    /// its result makes the directory known.
    pub touched_meanwhile: BTreeSet<RelPath>,
    /// When the last poll began (monotonic milliseconds). Other scans do not count: with constant notifications there
    /// would never be a poll.
    pub polled_ms: u64,
    /// How long that poll took, in milliseconds; `None` while it is in progress.
    pub poll_took_ms: Option<u64>,
    /// The number of the last hint.
    pub last_hint: u64,
    /// Files to read, in order.
    pub to_read: VecDeque<NodeId>,
    /// Jobs that read files.
    pub reading: usize,
    /// Files that the listing found unchanged, whose summary is not known yet.
    pub to_confirm: Vec<(NodeId, Contents)>,
    /// Files that had several names when they were read: they can be written through a name that is not watched. Removed
    /// nodes may be among them.
    pub linked: BTreeSet<NodeId>,
    /// Device and inode of files that were found to have several names. Creating another name sends no notification for
    /// the first one.
    pub newly_linked: BTreeSet<(u64, u64)>,
    /// Whether the first full scan is done: only then is a new file a change.
    pub known: bool,
    /// The root does not exist.
    pub unreachable: bool,
    /// What has to be polled.
    pub polled: Polled,
    /// Another program changes many files (git switches branches): scans wait.
    pub blocked: bool,
    /// Since when a scan has been waiting for that (monotonic milliseconds).
    pub blocked_since_ms: Option<u64>,
    /// When the last change was seen (milliseconds since 1970).
    pub last_change_ms: Option<u64>,
    /// Nodes whose record has to be written.
    pub to_record: BTreeSet<NodeId>,
    /// Paths of removed nodes, whose record has to be deleted.
    pub removed: BTreeSet<RelPath>,
    /// What has to be exported.
    pub exports: Exports,
    /// The changes of this step, for followers.
    pub changes: Vec<(RelPath, NodeChange)>,
    /// Whether followers know that everything is settled.
    pub reported_settled: bool,
    /// Its use of the model since the start.
    pub used: Usage,
    /// Whether the requests of its first index may be sent.
    pub confirmation: Confirmation,
    /// How often its files were requested.
    pub heat: HeatTable,
}

/// The interval of polling for a missing root, in milliseconds: its return may send no notification.
const MISSING_POLL_MS: u64 = 5_000;

/// Polling takes at most this fraction of the time (1/5), so that a large tree on a slow network is not scanned
/// constantly.
const POLL_SHARE: u64 = 5;

/// How long a scan waits for git, at most, in milliseconds: a crash can leave a lock behind.
const BLOCKED_SCAN_MS: u64 = 10_000;

impl Repository {
    /// When the next poll is due (monotonic milliseconds). `configured`: the interval of polling everything, when there are
    /// no notifications at all; `otherwise`: the interval of polling what sends none.
    pub fn poll_due_ms(&self, configured: Option<u64>, otherwise: u64) -> Option<u64> {
        let missing = self.unreachable.then_some(MISSING_POLL_MS);
        let polled = (self.polled != Polled::Nothing).then_some(otherwise);
        let every_ms = configured.into_iter().chain(missing).chain(polled).min()?;
        let rest_ms = self.poll_took_ms? * POLL_SHARE;
        Some(self.polled_ms + every_ms.max(rest_ms))
    }

    /// Schedules a poll.
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

    /// The next scan is a poll.
    pub fn polls(&mut self, now_ms: u64) {
        self.polled_ms = now_ms;
        self.poll_took_ms = None;
    }

    /// Until when scans wait for another program (monotonic milliseconds).
    pub fn blocked_until_ms(&self) -> Option<u64> {
        (self.blocked && self.known).then_some(self.blocked_since_ms? + BLOCKED_SCAN_MS)
    }

    /// Reports a change of a node to followers.
    pub fn report(&mut self, id: NodeId, changes: NodeChange) {
        self.changes.push((self.tree.path(id), changes));
    }

    /// Whether all hints are processed and every node is settled.
    pub fn is_settled(&self) -> bool {
        self.tree.root().is_settled() && self.debounce.is_empty()
    }

    /// Whether no file has to be read.
    pub fn is_read(&self) -> bool {
        self.reading == 0 && self.to_read.is_empty()
    }
}

impl Default for Repository {
    fn default() -> Self {
        Self {
            tree: Tree::default(),
            debounce: Debounce::default(),
            scan: ScanState::Loading,
            touched_meanwhile: BTreeSet::new(),
            polled_ms: 0,
            poll_took_ms: Some(0),
            // The root is suspect until it is listed: hint number 1.
            last_hint: 1,
            to_read: VecDeque::new(),
            reading: 0,
            to_confirm: Vec::new(),
            linked: BTreeSet::new(),
            newly_linked: BTreeSet::new(),
            known: false,
            unreachable: false,
            polled: Polled::Nothing,
            blocked: false,
            blocked_since_ms: None,
            last_change_ms: None,
            to_record: BTreeSet::new(),
            removed: BTreeSet::new(),
            exports: Exports::default(),
            changes: Vec::new(),
            reported_settled: false,
            used: Usage::default(),
            confirmation: Confirmation::default(),
            heat: HeatTable::default(),
        }
    }
}
