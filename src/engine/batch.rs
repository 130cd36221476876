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
    InBatch,
    /// Its response came before a node needed it, and is stored.
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
    pub fn responded_early(&mut self, key: SummaryKey, result: &Result<Summary, Failure>) {
        if let Some(known) = self.known.get_mut(&key) {
            match result {
                Ok(summary) => *known = Known::Stored(summary.digest()),
                Err(_) => drop(self.known.remove(&key)),
            }
        }
    }

    /// The keys in batches of an earlier run that no node needs yet.
    pub fn keys(&self) -> impl Iterator<Item = SummaryKey> {
        self.known.keys().copied()
    }

    /// The key has its response.
    pub fn forget(&mut self, key: SummaryKey) -> bool {
        self.known.remove(&key).is_some()
    }
}

/// How a key that the store does not have gets its summary.
pub enum Route {
    /// It has to be requested.
    Request,
    /// It is in a batch already.
    InBatch,
    /// It was stored in the meantime.
    Stored(SummaryDigest),
}

impl Engine {
    /// These keys are in batches that an earlier run made.
    pub(super) fn batched(&mut self, keys: Vec<SummaryKey>) {
        let known = keys.into_iter().map(|key| (key, Known::InBatch));
        self.batches.known.extend(known);
    }

    /// How a key that the store does not have gets its summary.
    pub(super) fn route(&self, key: SummaryKey) -> Route {
        match self.batches.known.get(&key) {
            None => Route::Request,
            Some(Known::InBatch) => Route::InBatch,
            Some(&Known::Stored(digest)) => Route::Stored(digest),
        }
    }

    /// These keys reached no batch, and return to the queue.
    pub(super) fn batch_refused(&mut self, keys: &[SummaryKey], for_good: bool) {
        let now_ms = self.now.monotonic_ms;
        self.batches.refused |= for_good;
        for &key in keys {
            let of_earlier_run = self.batches.forget(key);
            let Some(entry) = self.in_flight.get(key).filter(|entry| entry.in_batch) else {
                continue;
            };
            self.pacing.unsent_batched(entry.tokens, !of_earlier_run);
            self.in_flight.change(key, now_ms, |entry| {
                entry.stage = Stage::Ready;
                entry.in_batch = false;
                // It was not sent.
                let undone = u32::from(!of_earlier_run);
                entry.tried.times = entry.tried.times.saturating_sub(undone);
            });
        }
    }

    /// Makes a batch of the bulk's files if it is large enough. Returns whether they may be sent one by one now.
    pub(super) fn batch_next(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(least) = self.options.batch_from else {
            return true;
        };
        if self.batches.refused || self.in_flight.batchable().next().is_none() {
            return true;
        }
        if !self.is_gathered() {
            return false;
        }
        let (mut requests, mut tokens, mut nanos) = self.pacing.budget_left(self.now.day());
        if self.in_flight.batchable().len() < least
            || !self.pacing.is_healthy(self.now.monotonic_ms)
        {
            return true;
        }
        let mut chosen = Vec::new();
        let mut unwanted = Vec::new();
        for key in self.in_flight.batchable() {
            let Some((repo, id)) = self.first_waiter(key) else {
                unwanted.push(key);
                continue;
            };
            let need = self.in_flight.get(key).map_or(0, |entry| entry.tokens);
            let cost = self.pacing.guess_nanos(need, true);
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
        let requests: Vec<SummaryRequest> = chosen
            .into_iter()
            .filter_map(|(key, repo, id)| self.request_in_batch(key, repo, id))
            .collect();
        effects.push(Effect::RequestBatch(requests));
        true
    }

    fn request_in_batch(
        &mut self,
        key: SummaryKey,
        repo: RepoId,
        id: NodeId,
    ) -> Option<SummaryRequest> {
        let now = self.now;
        let request = self.send_request(key, repo, id)?;
        let mut tokens = 0;
        self.in_flight.change(key, now.monotonic_ms, |entry| {
            entry.stage = Stage::Sent;
            entry.in_batch = true;
            entry.tried.times += 1;
            entry.claim.cleared_ms = None;
            tokens = entry.tokens;
        });
        self.pacing.sent_batched(tokens, now);
        Some(request)
    }

    /// Whether the first scan is over, and all that it found is ready or in flight.
    fn is_gathered(&self) -> bool {
        self.in_flight.looking_up() == 0
            && self.repositories.values().all(|repository| {
                repository.unreachable || repository.known && repository.is_read()
            })
    }
}
