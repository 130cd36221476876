//! One request for one key, however many nodes wait for it: what is looked up, ready, asked for or being stored.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::model::path::RepoId;
use crate::model::summary::{SummaryDigest, SummaryKey};

use super::pacing::Sent;
use super::retry::Attempts;
use super::tree::NodeId;

/// How far a flight has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The store is asked whether it has the words.
    LookingUp,
    /// It is to be asked about, when its time and its turn come.
    Ready,
    /// It is being asked about.
    Requester,
    /// The answer is being stored.
    Committing,
}

/// Who comes first among files, and who among directories: the lesser goes first. Which of the two firsts has the
/// longer way to the root depends on what is known by then of the time that either takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Edits before the bulk of a first index.
    pub bulk: bool,
    /// Directories above it, the most first.
    pub depth: Reverse<u32>,
    /// Then in order of arrival.
    pub arrival: u64,
}

/// One key under way.
#[derive(Debug)]
pub struct InFlight {
    /// How far it has come.
    pub stage: Stage,
    /// The nodes that want the words; those that changed their mind are still among them.
    pub waiters: Vec<(RepoId, NodeId)>,
    /// Whether it costs a request.
    pub paid: bool,
    /// Whether a file is asked about (a directory otherwise).
    pub is_file: bool,
    /// Its place in the order.
    pub rank: Rank,
    /// Left alone until then, because its file may be saved again (monotonic milliseconds).
    pub quiet_until_ms: u64,
    /// Not to be tried again before (monotonic milliseconds).
    pub retry_at_ms: u64,
    /// What it has behind it.
    pub tried: Attempts,
    /// When it failed last (monotonic milliseconds).
    pub failed_ms: u64,
    /// The request under way.
    pub sent: Sent,
    /// What it is thought to need, of prompt and answer.
    pub tokens: u64,
    /// Whether it may go by a batch: a file of the bulk that was never asked about.
    pub batchable: bool,
    /// Whether it is in a batch now.
    pub in_batch: bool,
    /// The digest of the answer that is being stored.
    pub words: Option<SummaryDigest>,
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

/// Which queue is whose.
fn queue(paid: bool, is_file: bool) -> usize {
    usize::from(paid) * 2 + usize::from(is_file)
}

/// The queue of those that may go by a batch.
const BATCHABLE: usize = 4;

/// All flights, by key, with those that are ready in order.
#[derive(Debug, Default)]
pub struct InFlightTable {
    flights: HashMap<SummaryKey, InFlight>,
    /// Ready and due: paid and free apart, files and directories, and those that may go by a batch, so that none
    /// holds another up.
    due: [BTreeSet<(Rank, SummaryKey)>; 5],
    /// How many are being looked up.
    looking_up: usize,
    /// Ready, and not due before a moment.
    later: BTreeSet<(u64, SummaryKey)>,
    arrivals: u64,
}

impl InFlightTable {
    /// The flight of a key.
    pub fn get(&self, key: SummaryKey) -> Option<&InFlight> {
        self.flights.get(&key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.flights.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// The number of the next to arrive.
    pub fn arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    /// Begins a flight, which is to be looked up.
    pub fn begin(&mut self, key: SummaryKey, flight: InFlight) {
        self.looking_up += usize::from(flight.stage == Stage::LookingUp);
        self.flights.insert(key, flight);
    }

    /// Changes a flight and puts it where it belongs afterwards.
    pub fn change(&mut self, key: SummaryKey, now_ms: u64, change: impl FnOnce(&mut InFlight)) {
        self.unqueue(key);
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        let looked_up = flight.stage == Stage::LookingUp;
        change(flight);
        if looked_up && flight.stage != Stage::LookingUp {
            self.looking_up -= 1;
        }
        if flight.stage != Stage::Ready {
            return;
        }
        let due_ms = flight.due_ms();
        if due_ms > now_ms {
            self.later.insert((due_ms, key));
        } else {
            self.due[flight.queue()].insert((flight.rank, key));
        }
    }

    /// Ends a flight.
    pub fn end(&mut self, key: SummaryKey) -> Option<InFlight> {
        self.unqueue(key);
        let ended = self.flights.remove(&key)?;
        self.looking_up -= usize::from(ended.stage == Stage::LookingUp);
        Some(ended)
    }

    /// How many are being looked up.
    pub fn looking_up(&self) -> usize {
        self.looking_up
    }

    /// Those that are ready and due, and may go by a batch, in order.
    pub fn batchable(&self) -> impl ExactSizeIterator<Item = SummaryKey> {
        self.due[BATCHABLE].iter().map(|&(_, key)| key)
    }

    fn unqueue(&mut self, key: SummaryKey) {
        if let Some(flight) = self.flights.get(&key)
            && flight.stage == Stage::Ready
        {
            self.later.remove(&(flight.due_ms(), key));
            self.due[flight.queue()].remove(&(flight.rank, key));
        }
    }

    /// Those whose moment has come join those that are due.
    pub fn mature(&mut self, now_ms: u64) {
        while let Some(&(due_ms, key)) = self.later.first() {
            if due_ms > now_ms {
                break;
            }
            self.later.pop_first();
            if let Some(flight) = self.flights.get(&key) {
                self.due[flight.queue()].insert((flight.rank, key));
            }
        }
    }

    /// The first that is ready and due, with `batchable` also of those that may go by a batch: edits before the rest,
    /// then the longest remaining path to the root, which `remaining_ms` tells of a file (or a directory) below so many
    /// directories.
    pub fn next(
        &self,
        paid: bool,
        batchable: bool,
        remaining_ms: impl Fn(bool, u32) -> u64,
    ) -> Option<SummaryKey> {
        let first = |queue: usize, is_file: bool| {
            let &(rank, key) = self.due[queue].first()?;
            let remaining = Reverse(remaining_ms(is_file, rank.depth.0));
            Some((rank.bulk, remaining, is_file, key))
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

    /// When the next one becomes due (monotonic milliseconds).
    pub fn next_due_ms(&self) -> Option<u64> {
        self.later.first().map(|&(due_ms, _)| due_ms)
    }

    /// Ends the quiet times of all that `wanted` names.
    pub fn expedite(&mut self, now_ms: u64, wanted: impl Fn(&InFlight) -> bool) {
        self.shorten(now_ms, now_ms, wanted);
    }

    /// Ends the quiet times of all that `wanted` names at `end_ms` where they would end later.
    pub fn shorten(&mut self, now_ms: u64, end_ms: u64, wanted: impl Fn(&InFlight) -> bool) {
        let keys: Vec<SummaryKey> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.quiet_until_ms > end_ms && wanted(flight))
            .map(|(&key, _)| key)
            .collect();
        for key in keys {
            self.change(key, now_ms, |flight| flight.quiet_until_ms = end_ms);
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&SummaryKey, &InFlight)> {
        self.flights.iter()
    }
}
