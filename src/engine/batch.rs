//! Batches: a first index through the endpoint's Batch API, at half the price.
//!
//! A batch is made once all files are read, so that it is one and not many; files that change meanwhile are requested
//! alone. A key that returned from a batch never goes into another.

use std::collections::HashMap;

use crate::model::failure::Failure;
use crate::model::path::RepoId;
use crate::model::summary::{Summary, SummaryDigest, SummaryKey};

use super::Engine;
use super::effect::{Effect, SummaryRequest};
use super::in_flight::Stage;
use super::tree::NodeId;

/// Below so many files a batch is not worth the wait.
pub const BATCH_FROM: usize = 200;

/// A key that an earlier run put into a batch.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// The endpoint has it.
    UnderWay,
    /// It was answered before a node needed it, and is stored.
    Stored(SummaryDigest),
}

/// The batches of this run and of earlier ones.
#[derive(Debug, Default)]
pub struct Batches {
    /// The endpoint accepts no batches: none is sent in this run.
    refused: bool,
    known: HashMap<SummaryKey, Known>,
}

impl Batches {
    /// A response for a key that no node needs yet: it must not be paid for again.
    pub fn answered_early(&mut self, key: SummaryKey, result: &Result<Summary, Failure>) {
        if let Some(known) = self.known.get_mut(&key) {
            match result {
                Ok(summary) => *known = Known::Stored(summary.digest()),
                Err(_) => drop(self.known.remove(&key)),
            }
        }
    }

    /// The keys in batches of an earlier run that no node has asked for yet.
    pub fn keys(&self) -> impl Iterator<Item = SummaryKey> {
        self.known.keys().copied()
    }

    /// The key is answered.
    pub fn forget(&mut self, key: SummaryKey) -> bool {
        self.known.remove(&key).is_some()
    }
}

/// The way of a key that the store does not have.
pub enum Way {
    /// It has to be requested.
    SummaryRequest,
    /// It is requested already.
    UnderWay,
    /// It was stored meanwhile.
    Stored(SummaryDigest),
}

impl Engine {
    /// These keys are in batches that an earlier run made.
    pub(super) fn batched(&mut self, keys: Vec<SummaryKey>) {
        let known = keys.into_iter().map(|key| (key, Known::UnderWay));
        self.batches.known.extend(known);
    }

    /// The way of a key that the store does not have.
    pub(super) fn way_of(&self, key: SummaryKey) -> Way {
        match self.batches.known.get(&key) {
            None => Way::SummaryRequest,
            Some(Known::UnderWay) => Way::UnderWay,
            Some(&Known::Stored(digest)) => Way::Stored(digest),
        }
    }

    /// These keys reached no batch, and return to the queue.
    pub(super) fn batch_refused(&mut self, keys: &[SummaryKey], for_good: bool) {
        let now_ms = self.now.monotonic_ms;
        self.batches.refused |= for_good;
        for &key in keys {
            let of_earlier_run = self.batches.forget(key);
            let Some(flight) = self.flights.get(key).filter(|flight| flight.in_batch) else {
                continue;
            };
            self.pace.unsent_batched(flight.tokens, !of_earlier_run);
            self.flights.change(key, now_ms, |flight| {
                flight.stage = Stage::Ready;
                flight.in_batch = false;
                // It was not sent.
                let undone = u32::from(!of_earlier_run);
                flight.tried.times = flight.tried.times.saturating_sub(undone);
            });
        }
    }

    /// Makes a batch of the bulk's files if it is large enough. Returns whether they may be sent one by one now.
    pub(super) fn batch_next(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(least) = self.options.batch_from else {
            return true;
        };
        if self.batches.refused || self.flights.batchable().next().is_none() {
            return true;
        }
        if !self.is_gathered() {
            return false;
        }
        let (mut requests, mut tokens, mut nanos) = self.pace.budget_left(self.now.day());
        if self.flights.batchable().len() < least || !self.pace.is_healthy(self.now.monotonic_ms) {
            return true;
        }
        let mut chosen = Vec::new();
        let mut unwanted = Vec::new();
        for key in self.flights.batchable() {
            let Some((repo, id)) = self.first_waiter(key) else {
                unwanted.push(key);
                continue;
            };
            let need = self.flights.get(key).map_or(0, |flight| flight.tokens);
            let cost = self.pace.guess_nanos(need, true);
            if requests == 0 || need > tokens || cost > nanos {
                break;
            }
            requests -= 1;
            tokens -= need;
            nanos -= cost;
            chosen.push((key, repo, id));
        }
        for key in unwanted {
            self.abandon(key);
        }
        if chosen.len() < least {
            return true;
        }
        let unclaimed = chosen.iter().map(|(key, ..)| *key);
        let unclaimed: Vec<_> = unclaimed.filter(|key| !self.is_cleared(*key)).collect();
        if !unclaimed.is_empty() {
            unclaimed.into_iter().for_each(|key| self.claim(key, false));
            return false;
        }
        let asks: Vec<SummaryRequest> = chosen
            .into_iter()
            .filter_map(|(key, repo, id)| self.ask_in_batch(key, repo, id))
            .collect();
        effects.push(Effect::RequestBatch(asks));
        true
    }

    fn ask_in_batch(
        &mut self,
        key: SummaryKey,
        repo: RepoId,
        id: NodeId,
    ) -> Option<SummaryRequest> {
        let now = self.now;
        let ask = self.send_request(key, repo, id)?;
        let mut tokens = 0;
        self.flights.change(key, now.monotonic_ms, |flight| {
            flight.stage = Stage::Requester;
            flight.in_batch = true;
            flight.tried.times += 1;
            flight.claim.cleared_ms = None;
            tokens = flight.tokens;
        });
        self.pace.sent_batched(tokens, now);
        Some(ask)
    }

    /// Whether the first scan is over, and all that it found is ready or in flight.
    fn is_gathered(&self) -> bool {
        self.flights.looking_up() == 0
            && self.repositories.values().all(|repository| {
                repository.unreachable || repository.known && repository.is_read()
            })
    }
}
