//! How many requests at once, and when not at all: the width, the limits, the shared pause, the breaker, the budget,
//! the end of asking.
//!
//! The limits are kept from this side by buckets that follow the endpoint's own words. Nobody sleeps in a slot: who
//! may not go stays in the queue.

mod budget;
mod failed;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::model::failure::Failure;
use crate::model::limits::Limits;
use crate::model::price::Prices;
use crate::model::summary::SummaryKey;
use crate::model::time::Timestamp;

use super::bucket::{Bucket, Spent};
use super::concurrency::Concurrency;
use super::late_retries::LateRetries;

pub use budget::{Budget, DayUse};
pub use failed::Next;

/// Answers on their way to the disk that keep nobody from asking.
const STORING_FREE: usize = 2;

/// What was used since the engine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that went out and came back, retries among them. What never reached the endpoint is none.
    pub sent: u64,
    /// Answered with a summary.
    pub succeeded: u64,
    /// Those among them that had failed before.
    pub retried: u64,
    /// Given up.
    pub failed: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Tokens of prompts that the endpoint had in its cache.
    pub cached_tokens: u64,
    /// Answers that the earlier words still hold.
    pub unchanged: u64,
    /// Directories that were not asked about because of that.
    pub spared: u64,
    /// What it cost, in billionths of the prices' currency.
    pub cost_nanos: u64,
}

/// What bounds the pace, by configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Requests under way at once, at most.
    pub max_workers: usize,
    /// Summaries written on this machine at once, at most.
    pub free_workers: usize,
    /// 0: learnt.
    pub requests_per_minute: u64,
    /// 0: learnt.
    pub tokens_per_minute: u64,
    /// For each day.
    pub budget: Budget,
    /// What tokens cost, where that is known.
    pub prices: Option<Prices>,
    /// Tokens that an answer may have: what a request is thought to need holds as many.
    pub answer_tokens: u64,
}

/// Why nothing is sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// The width is used up: an answer has to come first.
    Full,
    /// Not before this moment (monotonic milliseconds).
    Until(u64),
    /// Not on this day any more.
    Budget,
}

/// A request that went, as it is kept until it comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sent {
    /// When (monotonic milliseconds).
    pub at_ms: u64,
    paid: bool,
    request: Spent,
    reserved: u64,
    tokens: Spent,
}

/// The pace of asking.
#[derive(Debug)]
pub struct Pacing {
    bounds: Bounds,
    width: Concurrency,
    in_flight: usize,
    free_in_flight: usize,
    /// Answers that are on their way to the disk.
    storing: usize,
    requests: Bucket,
    tokens: Bucket,
    /// Nothing is sent before (monotonic milliseconds).
    paused_until_ms: u64,
    /// When the last event of congestion began: what was sent before belongs to it.
    congested_ms: u64,
    /// Failures in a row of an endpoint that is full or down.
    trouble: u32,
    /// Bad answers in a row, whoever asked.
    bad: u32,
    /// Forbidden texts in a row.
    forbidden: u32,
    /// Something was answered since the asking began, or began again.
    answers: bool,
    /// The endpoint cannot be reached: one request at a time probes.
    down: bool,
    stopped: Option<(Failure, u64)>,
    chances: LateRetries,
    last_trouble: Option<String>,
    /// Requests that are in batches, and what they are thought to need.
    batched: usize,
    batched_tokens: u64,
    batched_nanos: u64,
    /// What the requests under way are thought to need.
    reserved_tokens: u64,
    reserved_nanos: u64,
    used: DayUse,
    file_ms: u64,
    directory_ms: u64,
    /// What was used.
    pub counters: Counters,
}

impl Pacing {
    /// A pace within these bounds.
    pub fn new(bounds: Bounds) -> Self {
        let bounds = Bounds {
            max_workers: bounds.max_workers.max(1),
            free_workers: bounds.free_workers.max(1),
            ..bounds
        };
        Self {
            width: Concurrency::up_to(bounds.max_workers),
            requests: Bucket::of(bounds.requests_per_minute),
            tokens: Bucket::of_guesses(bounds.tokens_per_minute),
            bounds,
            in_flight: 0,
            free_in_flight: 0,
            storing: 0,
            paused_until_ms: 0,
            congested_ms: 0,
            trouble: 0,
            bad: 0,
            forbidden: 0,
            answers: false,
            down: false,
            stopped: None,
            chances: LateRetries::default(),
            last_trouble: None,
            batched: 0,
            batched_tokens: 0,
            batched_nanos: 0,
            reserved_tokens: 0,
            reserved_nanos: 0,
            used: DayUse::default(),
            // The proportion that the first indexer of this kind saw; learnt from then on.
            file_ms: 3_000,
            directory_ms: 2_000,
            counters: Counters::default(),
        }
    }

    /// What a file's request takes, and a directory's, in milliseconds: moving means.
    pub fn means_ms(&self) -> (u64, u64) {
        (self.file_ms, self.directory_ms)
    }

    /// Requests to the model under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether a request is under way, or an answer to one is not stored yet.
    pub fn is_busy(&self) -> bool {
        self.in_flight > 0 || self.storing > 0
    }

    /// How many may be under way now.
    pub fn width(&self) -> usize {
        if self.down { 1 } else { self.width.get() }
    }

    /// Why nothing at all is asked any more.
    pub fn stopped(&self) -> Option<&Failure> {
        self.stopped.as_ref().map(|(failure, _)| failure)
    }

    /// Until when that holds (monotonic milliseconds).
    pub fn stopped_until_ms(&self) -> Option<u64> {
        self.stopped.as_ref().map(|(_, until_ms)| *until_ms)
    }

    /// Lets one request try whether it still holds.
    pub fn try_again(&mut self) {
        self.stopped = None;
    }

    /// When what was given up after its last try is to get new ones (monotonic milliseconds).
    pub fn chance_ms(&self) -> Option<u64> {
        self.chances.at_ms()
    }

    /// What gets them now.
    pub fn take_chances(&mut self, now_ms: u64) -> BTreeSet<SummaryKey> {
        self.chances.take(now_ms)
    }

    /// Its words are there.
    pub fn has_words(&mut self, key: SummaryKey, now_ms: u64) {
        self.chances.answered(key, now_ms);
    }

    /// Nobody wants it any more.
    pub fn forget(&mut self, key: SummaryKey) {
        self.chances.forget(key);
    }

    /// What keeps the endpoint from answering now, where something does.
    pub fn trouble(&self) -> Option<&str> {
        self.last_trouble.as_deref().filter(|_| self.trouble > 0)
    }

    /// Whether nothing speaks against asking for much at once.
    pub fn is_well(&self, now_ms: u64) -> bool {
        self.stopped.is_none() && !self.down && self.paused_until_ms <= now_ms
    }

    /// Why one more may not go now; `None`: it may.
    pub fn hold(&mut self, paid: bool, tokens: u64, now: Timestamp) -> Option<PauseReason> {
        if !paid {
            return (self.free_in_flight >= self.bounds.free_workers).then_some(PauseReason::Full);
        }
        let now_ms = now.monotonic_ms;
        if self.is_budget_spent(now.day()) {
            return Some(PauseReason::Budget);
        }
        // What is under way may spend the rest of it: what that really takes is waited for. So a budget is exceeded by
        // no more than one request's need.
        let (tokens_under_way, nanos_under_way) = (self.reserved_tokens, self.reserved_nanos);
        let spends_it = self.bound_reached(now.day(), tokens_under_way, nanos_under_way);
        if self.in_flight > 0 && spends_it.is_some() {
            return Some(PauseReason::Full);
        }
        // An answer that is not on the disk yet is lost by a kill, like a request under way: where the disk is slow,
        // it keeps its slot.
        let storing = self.storing.saturating_sub(STORING_FREE);
        if self.in_flight + storing >= self.width() {
            return Some(PauseReason::Full);
        }
        let ready_ms = self
            .paused_until_ms
            .max(self.requests.ready_ms(1.0, now_ms))
            .max(self.tokens.ready_ms(tokens as f64, now_ms));
        (ready_ms > now_ms).then_some(PauseReason::Until(ready_ms))
    }

    /// One goes, which is thought to need so many tokens.
    pub fn sent(&mut self, paid: bool, tokens: u64, now: Timestamp) -> Sent {
        let at_ms = now.monotonic_ms;
        if !paid {
            self.free_in_flight += 1;
            return Sent {
                at_ms,
                ..Sent::default()
            };
        }
        self.in_flight += 1;
        self.reserved_tokens += tokens;
        self.reserved_nanos += self.guess_nanos(tokens, false);
        let sent = Sent {
            at_ms,
            paid,
            request: self.requests.spend(1.0),
            reserved: tokens,
            tokens: self.tokens.spend(tokens as f64),
        };
        self.count_request(now);
        sent
    }

    /// One came back, and needed `really`; `None`: it never went out. `refused`: for want of room at the endpoint.
    pub fn returned(
        &mut self,
        sent: Sent,
        really: Option<u64>,
        refused: bool,
        said: &Limits,
        now_ms: u64,
    ) {
        if !sent.paid {
            self.free_in_flight = self.free_in_flight.saturating_sub(1);
            return;
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        self.reserved_tokens = self.reserved_tokens.saturating_sub(sent.reserved);
        let nanos = self.guess_nanos(sent.reserved, false);
        self.reserved_nanos = self.reserved_nanos.saturating_sub(nanos);
        if really.is_none() {
            self.used.requests = self.used.requests.saturating_sub(1);
        }
        self.used.tokens += really.unwrap_or(0);
        // An endpoint charges what it was asked to reserve where it does not tell what was used.
        let tokens = match really {
            Some(0) => sent.reserved,
            Some(really) => really,
            None => 0,
        };
        let charged = |amount: f64| really.filter(|_| !refused).map(|_| amount);
        self.requests
            .returned(sent.request, charged(1.0), said.requests, now_ms);
        self.tokens
            .returned(sent.tokens, charged(tokens as f64), said.tokens, now_ms);
    }

    /// It came back with words, after so many milliseconds.
    pub fn succeeded(&mut self, is_file: bool, took_ms: u64, now_ms: u64) {
        self.trouble = 0;
        self.bad = 0;
        self.forbidden = 0;
        // What was on its way when the asking was stopped proves nothing, and must not hide that it was.
        if self.stopped.is_none() {
            if self.down {
                self.chances.healed(now_ms);
            }
            self.down = false;
            self.answers = true;
        }
        self.width.answered(self.in_flight);
        let mean = if is_file {
            &mut self.file_ms
        } else {
            &mut self.directory_ms
        };
        // A moving mean over about eight answers: latencies drift with the endpoint's load.
        *mean = (*mean * 7 + took_ms.max(1)) / 8;
    }

    /// An answer goes to the disk.
    pub fn storing(&mut self) {
        self.storing += 1;
    }

    /// An answer is on the disk: only now it counts.
    pub fn stored(&mut self) {
        self.counters.succeeded += 1;
        self.storing = self.storing.saturating_sub(1);
    }

    /// What a file's request is expected to take, or a directory's, and then those of the `depth` directories above,
    /// in milliseconds.
    pub fn remaining_ms(&self, is_file: bool, depth: u32) -> u64 {
        let own = if is_file {
            self.file_ms
        } else {
            self.directory_ms
        };
        own + u64::from(depth) * self.directory_ms
    }
}
