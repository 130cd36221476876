//! The in-flight table: one entry for each key, however many nodes wait for it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::model::path::RepoId;
use crate::model::summary::{SummaryDigest, SummaryKey};

use super::pacing::Sent;
use super::retry::Attempts;
use super::sharing::ClaimState;
use super::tree::NodeId;

/// The stage of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The store is searched for the summary.
    LookingUp,
    /// The store that the team shares is asked.
    LookingUpShared,
    /// It waits in the queue.
    Ready,
    /// It is claimed in the shared store before its request.
    Claiming,
    /// Another process claimed it, and may publish its summary.
    Held,
    /// Its request is in flight.
    Sent,
    /// The response is being stored.
    Committing,
}

impl Stage {
    /// Whether it is not known yet what the key needs.
    fn is_look_up(self) -> bool {
        matches!(
            self,
            Self::LookingUp | Self::LookingUpShared | Self::Claiming
        )
    }
}

/// The order among files, and among directories: the lowest is sent first. Whether the first file or the first directory
/// has the longer path to the root depends on the latencies measured so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Edits before the bulk of a first index.
    pub bulk: bool,
    /// Failures so far: a request that failed does not delay others.
    pub failures: u32,
    /// Directories above it, most first.
    pub depth: Reverse<u32>,
    /// Last, the order of arrival; with claims, another order in each process.
    pub arrival: u64,
}

/// One key.
#[derive(Debug)]
pub struct InFlight {
    /// Its stage.
    pub stage: Stage,
    /// The nodes that need the summary; some may have changed since.
    pub waiters: Vec<(RepoId, NodeId)>,
    /// Whether it costs a request.
    pub paid: bool,
    /// Whether it is about a file (a directory otherwise).
    pub is_file: bool,
    /// Its place in the order.
    pub rank: Rank,
    /// The end of its quiet time, in which its file may be saved again (monotonic milliseconds).
    pub quiet_until_ms: u64,
    /// The earliest time of a retry (monotonic milliseconds).
    pub retry_at_ms: u64,
    /// Its attempts so far.
    pub tried: Attempts,
    /// When it failed last (monotonic milliseconds).
    pub failed_ms: u64,
    /// The request in flight.
    pub sent: Sent,
    /// Its estimate of tokens, input and output.
    pub tokens: u64,
    /// Whether it may go by a batch: a file of the bulk that was never requested.
    pub batchable: bool,
    /// Whether it is in a batch now.
    pub in_batch: bool,
    /// The digest of the summary that is being stored.
    pub summary: Option<SummaryDigest>,
    /// Its claim in the shared store.
    pub claim: ClaimState,
}

impl InFlight {
    fn due_ms(&self) -> u64 {
        self.quiet_until_ms.max(self.retry_at_ms)
    }

    fn queue(&self) -> usize {
        match (self.paid, self.batchable) {
            (true, true) => BATCHABLE,
            (paid, _) => queue(paid, self.is_file),
        }
    }
}

/// The queue of a key.
fn queue(paid: bool, is_file: bool) -> usize {
    usize::from(paid) * 2 + usize::from(is_file)
}

/// The queue of keys that may go by a batch.
const BATCHABLE: usize = 4;

/// All keys, with those that are ready in order.
#[derive(Debug, Default)]
pub struct InFlightTable {
    entries: HashMap<SummaryKey, InFlight>,
    /// Ready and due. Paid and free keys, files and directories, and those for a batch have queues of their own, so that
    /// none blocks another.
    due: [BTreeSet<(Rank, SummaryKey)>; 5],
    /// The number of keys that are being looked up.
    looking_up: usize,
    /// Ready, but not due yet.
    later: BTreeSet<(u64, SummaryKey)>,
    arrivals: u64,
}

impl InFlightTable {
    /// The entry of a key.
    pub fn get(&self, key: SummaryKey) -> Option<&InFlight> {
        self.entries.get(&key)
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The next arrival number.
    pub fn arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    /// Adds a key.
    pub fn begin(&mut self, key: SummaryKey, entry: InFlight) {
        self.looking_up += usize::from(entry.stage.is_look_up());
        self.entries.insert(key, entry);
    }

    /// Changes an entry and requeues it.
    pub fn change(&mut self, key: SummaryKey, now_ms: u64, change: impl FnOnce(&mut InFlight)) {
        self.unqueue(key);
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        self.looking_up -= usize::from(entry.stage.is_look_up());
        change(entry);
        self.looking_up += usize::from(entry.stage.is_look_up());
        if entry.stage != Stage::Ready {
            return;
        }
        let due_ms = entry.due_ms();
        if due_ms > now_ms {
            self.later.insert((due_ms, key));
        } else {
            self.due[entry.queue()].insert((entry.rank, key));
        }
    }

    /// Removes a key.
    pub fn end(&mut self, key: SummaryKey) -> Option<InFlight> {
        self.unqueue(key);
        let ended = self.entries.remove(&key)?;
        self.looking_up -= usize::from(ended.stage.is_look_up());
        Some(ended)
    }

    /// The number of keys that are being looked up.
    pub fn looking_up(&self) -> usize {
        self.looking_up
    }

    /// The due keys that may go by a batch, in order.
    pub fn batchable(&self) -> impl ExactSizeIterator<Item = SummaryKey> {
        self.due[BATCHABLE].iter().map(|&(_, key)| key)
    }

    fn unqueue(&mut self, key: SummaryKey) {
        if let Some(entry) = self.entries.get(&key)
            && entry.stage == Stage::Ready
        {
            self.later.remove(&(entry.due_ms(), key));
            self.due[entry.queue()].remove(&(entry.rank, key));
        }
    }

    /// Moves keys whose time has come to the due queues.
    pub fn mature(&mut self, now_ms: u64) {
        while let Some(&(due_ms, key)) = self.later.first() {
            if due_ms > now_ms {
                break;
            }
            self.later.pop_first();
            if let Some(entry) = self.entries.get(&key) {
                self.due[entry.queue()].insert((entry.rank, key));
            }
        }
    }

    /// The first due key, with `batchable` also of those that may go by a batch: edits before the bulk, those without
    /// failures before others, then the longest remaining path to the root, which `remaining_ms` estimates for a file (or
    /// a directory) below so many directories.
    pub fn next(
        &self,
        paid: bool,
        batchable: bool,
        remaining_ms: impl Fn(bool, u32) -> u64,
    ) -> Option<SummaryKey> {
        let first = |queue: usize, is_file: bool| {
            let &(rank, key) = self.due[queue].first()?;
            let remaining = Reverse(remaining_ms(is_file, rank.depth.0));
            Some((rank.bulk, rank.failures, remaining, is_file, key))
        };
        let firsts = [
            first(queue(paid, false), false),
            first(queue(paid, true), true),
            (paid && batchable)
                .then(|| first(BATCHABLE, true))
                .flatten(),
        ];
        firsts.into_iter().flatten().min().map(|(.., key)| key)
    }

    /// When the next key becomes due (monotonic milliseconds).
    pub fn next_due_ms(&self) -> Option<u64> {
        self.later.first().map(|&(due_ms, _)| due_ms)
    }

    /// Ends the quiet times of all entries that `wanted` selects.
    pub fn expedite(&mut self, now_ms: u64, wanted: impl Fn(&InFlight) -> bool) {
        self.shorten(now_ms, now_ms, wanted);
    }

    /// Ends the quiet times of all entries that `wanted` selects at `end_ms` at the latest.
    pub fn shorten(&mut self, now_ms: u64, end_ms: u64, wanted: impl Fn(&InFlight) -> bool) {
        let keys: Vec<SummaryKey> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.quiet_until_ms > end_ms && wanted(entry))
            .map(|(&key, _)| key)
            .collect();
        for key in keys {
            self.change(key, now_ms, |entry| entry.quiet_until_ms = end_ms);
        }
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = (&SummaryKey, &InFlight)> {
        self.entries.iter()
    }
}
