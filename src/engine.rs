//! Decides what is stale, what to do about it, and in which order: the only mutable state, without any I/O.
//!
//! [`Engine::step`] takes one event at one moment and returns effects. It reads no clock, disk or randomness, and cannot
//! fail, so that a seed can replay everything that can go wrong (see `tests/suite/sim`).
//!
//! Two kinds of modules:
//!
//! - Parts own some state and do not know [`Engine`]: `tree`, `debounce`, `heat`, `in_flight`, and `pacing` with `bucket`,
//!   `concurrency`, `retry` and `late_retries`. `repository` gathers the state of one repository.
//! - Chapters are methods of [`Engine`] that connect the parts, one topic each: `rescan`, `summaries`, `describing`,
//!   `requests`, `sharing`, `responses`, `batch`, `confirmation`, `waits`, `export`, `status`, `view`, `uses`. `sharing`,
//!   `batch`, `confirmation`, `waits` and `export` also define the state that only they change.
//!
//! Parts share small types with each other (the tree's `NodeId`, pacing's `Sent`, `Attempts`, a `Window`) and use the enums
//! of `event` and `effect`. No part calls a chapter, with one exception: the tree's counts use `view::freshness`, so that
//! the status and a view never disagree.

pub mod batch;
pub mod bucket;
pub mod concurrency;
pub mod confirmation;
pub mod debounce;
mod describing;
pub mod effect;
pub mod event;
mod export;
pub mod heat;
pub mod in_flight;
pub mod late_retries;
pub mod pacing;
mod repository;
mod requests;
mod rescan;
mod responses;
pub mod retry;
pub mod sharing;
pub mod status;
mod summaries;
#[cfg(test)]
mod tests;
pub mod throughput;
pub mod tree;
pub mod uses;
pub mod view;
mod waits;

use std::collections::BTreeMap;

use crate::model::key::Generator;
use crate::model::path::RepoId;
use crate::model::summary::SummaryKey;
use crate::model::time::Timestamp;

use batch::Batches;
use confirmation::{Confirmation, UNCONFIRMED_MS};
use debounce::Window;
use effect::Effect;
use event::Event;
use in_flight::InFlightTable;
use pacing::{Bounds, Pacing};
use repository::{Repository, ScanState};
use sharing::{Shared, Sharing};
use tree::{Body, NodeId, Tree};
use waits::Waits;

/// The engine's configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// What writes the summaries.
    pub generator: Generator,
    /// What writes the lines about text that is not summarized.
    pub offline: Generator,
    /// Whether nodes get summaries.
    pub summaries: bool,
    /// The parser's version; readings by another version are repeated.
    pub parser: u32,
    /// Whether a summary costs a request.
    pub paid: bool,
    /// Limits of concurrency, rate and budget.
    pub bounds: Bounds,
    /// The estimated tokens of a request.
    pub tokens: TokenEstimate,
    /// Jobs at once, at most, that read files or write summaries which cost nothing.
    pub readers: usize,
    /// The quiet time before a changed folder is listed.
    pub settle: Window,
    /// The quiet time before the summary of a changed file is requested.
    pub quiet: Window,
    /// The quiet time before the summary of a changed directory is requested: consecutive edits change it repeatedly.
    pub directory_quiet: Window,
    /// Requests of a first index above which a person has to confirm them; `None`: any number is sent.
    pub confirm_above: Option<u64>,
    /// The use of a store that the team shares; `None` without one.
    pub sharing: Option<Sharing>,
    /// Whether directories are exported as they settle.
    pub export: bool,
    /// The smallest number of files for a batch; `None` without batches.
    pub batch_from: Option<usize>,
    /// The interval of polling everything, in milliseconds; `None` while the system reports changes.
    pub poll_ms: Option<u64>,
    /// The interval of polling what sends no notifications, in milliseconds.
    pub poll_rest_ms: u64,
}

/// Estimates the tokens of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEstimate {
    /// Of the instructions.
    pub instructions: u64,
    /// Of the output, at most: endpoints reserve as many.
    pub answer: u64,
    /// Of the largest content of one request; larger content goes in parts.
    pub largest_input: u64,
}

/// The estimated cost of a summary.
struct Estimate {
    /// Tokens of its first request.
    tokens: u64,
    /// Requests about parts, before the last one.
    parts: u32,
}

/// Bytes of a token, in tenths: four are usual for English and code, and the JSON around adds a little.
const TOKEN_TENTHS: u64 = 36;
/// Tokens of a child's name and summary in its directory's request.
const CHILD_TOKENS: u64 = 130;

impl TokenEstimate {
    fn of(&self, tree: &Tree, id: NodeId) -> Estimate {
        let content = match tree.get(id).map(|node| &node.body) {
            Some(Body::File { contents }) => contents
                .as_ref()
                .map_or(0, |contents| contents.stat.size * 10 / TOKEN_TENTHS),
            Some(Body::Directory(directory)) => directory.children.len() as u64 * CHILD_TOKENS,
            None => 0,
        };
        Estimate {
            // Larger content goes in parts, one request at a time.
            tokens: self.instructions + content.min(self.largest_input) + self.answer,
            parts: u32::try_from(content / self.largest_input.max(1)).unwrap_or(u32::MAX),
        }
    }
}

/// The state of all repositories.
#[derive(Debug)]
pub struct Engine {
    options: Options,
    repositories: BTreeMap<RepoId, Repository>,
    in_flight: InFlightTable,
    pacing: Pacing,
    batches: Batches,
    waits: Waits,
    /// Until when no request may be sent although one is ready (monotonic milliseconds).
    blocked_until_ms: Option<u64>,
    /// Keys to look up, gathered during a step.
    lookups: Vec<SummaryKey>,
    /// What is looked up and claimed in the shared store.
    shared: Shared,
    /// Jobs in progress that write summaries which cost nothing.
    describing: usize,
    now: Timestamp,
}

impl Engine {
    /// An engine without repositories.
    pub fn new(options: Options) -> Self {
        Self {
            pacing: Pacing::new(options.bounds),
            options,
            repositories: BTreeMap::new(),
            in_flight: InFlightTable::default(),
            batches: Batches::default(),
            waits: Waits::default(),
            blocked_until_ms: None,
            lookups: Vec::new(),
            shared: Shared::default(),
            describing: 0,
            now: Timestamp::default(),
        }
    }

    /// Takes one event at one moment; returns the effects, in order.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        self.now = now;
        let mut effects = Vec::new();
        self.take(event, &mut effects);
        self.start_late_retries();
        self.start_due_scans(&mut effects);
        self.start_reads(&mut effects);
        self.process_ready_directories();
        self.poll_held(&mut effects);
        self.decide_confirmations(&mut effects);
        self.send_ready_requests(&mut effects);
        self.describe_ready(&mut effects);
        // A directory may have waited for a request that was given up.
        self.process_ready_directories();
        if !self.lookups.is_empty() {
            effects.push(Effect::LookUp(std::mem::take(&mut self.lookups)));
        }
        self.share(&mut effects);
        self.write_records(&mut effects);
        self.export_settled(&mut effects);
        self.publish_changes(&mut effects);
        self.complete_waits(&mut effects);
        effects
    }

    fn take(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Watch(repo) => {
                self.repositories.entry(repo).or_insert_with(|| {
                    effects.push(Effect::Load(repo));
                    Repository {
                        confirmation: Confirmation::at_start(self.options.confirm_above),
                        ..Repository::default()
                    }
                });
            }
            Event::Confirm(repo) => self.confirm(repo),
            Event::Unwatch(repo) => {
                self.repositories.remove(&repo);
            }
            Event::Loaded { repo, records } => self.loaded(repo, records),
            Event::Touched { repo, paths } => {
                for path in &paths {
                    self.touched(repo, path);
                }
            }
            Event::Lost(repo) => self.lost(repo),
            Event::Notified => {
                self.options.poll_ms = None;
                // Changes since the last scan were not reported; a scan also sets the watches.
                let all: Vec<RepoId> = self.repositories.keys().copied().collect();
                all.into_iter().for_each(|repo| self.lost(repo));
            }
            Event::Polled { repo, polled } => {
                if let Some(repository) = self.repositories.get_mut(&repo) {
                    repository.polled = polled;
                    // Waits began before it was known what has to be polled.
                    if self.waits.expedite(repo) {
                        repository.poll(false, self.now.monotonic_ms);
                    }
                }
            }
            Event::Blocked { repo, blocked } => self.blocked(repo, blocked),
            Event::Listed { repo, listing } => self.listed(repo, listing, effects),
            Event::Read { repo, files } => self.read(repo, files),
            Event::Described(results) => self.described(results),
            Event::LookedUp(found) => self.looked_up(found),
            Event::LookedUpShared(found) => self.looked_up_shared(found),
            Event::Claimed(results) => self.claimed(results),
            Event::Responded { key, result, usage } => self.responded(key, result, usage, effects),
            Event::PartResponded { key, usage } => self.part_responded(key, usage),
            Event::Batched(keys) => self.batched(keys),
            Event::BatchRefused { keys, for_good } => self.batch_refused(&keys, for_good),
            Event::Committed(key) => self.committed(key),
            Event::Exported { repo, written } => self.exported(repo, written),
            Event::ExportTouched { repo, paths } => {
                if let Some(repository) = self.repositories.get_mut(&repo) {
                    repository.export_again(paths);
                }
            }
            Event::Wait { id, repo, path } => self.wait(id, repo, path, effects),
            Event::WaitDropped(id) => self.waits.remove(id),
            Event::Barrier(id) => self.barrier(id),
            Event::Used(used) => self.pacing.set_used(used),
            Event::Tick => {}
        }
    }

    /// When the engine next has something to do even if nothing happens (monotonic milliseconds): it needs an
    /// [`Event::Tick`] then.
    pub fn deadline_ms(&self) -> Option<u64> {
        let scans = self.repositories.iter().filter_map(|(&repo, repository)| {
            let export = repository.exports.again_ms();
            if repository.scan != ScanState::Idle {
                return export;
            }
            let expedite = self.waits.expedite(repo);
            let due = repository.debounce.due_ms(self.options.settle, expedite);
            let poll = repository.poll_due_ms(self.options.poll_ms, self.options.poll_rest_ms);
            let due_ms = due.into_iter().chain(poll).min();
            let blocked_ms = repository.blocked_until_ms().filter(|_| !expedite);
            let scan = due_ms.map(|due_ms| due_ms.max(blocked_ms.unwrap_or_default()));
            scan.into_iter().chain(export).min()
        });
        let requests = self.in_flight.next_due_ms();
        let requests = requests.filter(|&due_ms| due_ms < UNCONFIRMED_MS);
        let stop = self.pacing.stopped_until_ms();
        let late_retry = self.pacing.late_retry_ms();
        scans
            .chain(requests)
            .chain(stop)
            .chain(late_retry)
            .chain(self.shared.poll_due_ms())
            .chain(self.blocked_until_ms)
            .min()
    }

    /// Whether a repository is watched.
    pub fn knows(&self, repo: RepoId) -> bool {
        self.repositories.contains_key(&repo)
    }

    /// Whether the first scan of a repository is not finished: an unknown node may exist.
    pub fn is_unseen(&self, repo: RepoId) -> bool {
        self.repositories
            .get(&repo)
            .is_some_and(|repository| !repository.known && !repository.unreachable)
    }

    fn expedite_in_flight(&mut self, repo: RepoId) {
        self.in_flight.expedite(self.now.monotonic_ms, |entry| {
            entry.quiet_until_ms < UNCONFIRMED_MS && entry.waiters.iter().any(|(of, _)| *of == repo)
        });
    }
}
