//! When a request may be sent: concurrency, rate limits, the shared pause, the circuit breaker, the budget, the stop.
//!
//! Rate limits are kept on this side by token buckets that follow the endpoint's headers. A request that may not be sent
//! stays in the queue; none sleeps in a slot.

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
use super::throughput::{Response, Throughput};

pub use budget::{Budget, DayUse};
pub use failed::Next;
use failed::Refusals;

/// Shorter pauses are not reported, in milliseconds.
const MENTIONED_MS: u64 = 2_000;

/// This many responses may be in the process of being stored without taking a slot.
const STORING_FREE: usize = 2;

/// Totals since the engine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that were sent and returned, retries included; not those that never reached the endpoint.
    pub sent: u64,
    /// Those that brought a summary.
    pub succeeded: u64,
    /// Those that had failed before.
    pub retried: u64,
    /// Given up.
    pub failed: u64,
    /// Input tokens.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub completion_tokens: u64,
    /// Input tokens from the endpoint's cache.
    pub cached_tokens: u64,
    /// Responses that keep the earlier summary.
    pub unchanged: u64,
    /// Requests for directories above that this made needless.
    pub spared: u64,
    /// The cost, in billionths of the prices' currency.
    pub cost_nanos: u64,
}

/// Limits by configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Requests in flight at most.
    pub max_workers: usize,
    /// 0: learnt from headers.
    pub requests_per_minute: u64,
    /// 0: learnt from headers.
    pub tokens_per_minute: u64,
    /// For each day.
    pub budget: Budget,
    /// Prices of tokens, if known.
    pub prices: Option<Prices>,
    /// The cap on output tokens, which is part of each estimate.
    pub answer_tokens: u64,
}

/// Why a request is not sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// All slots are taken: a response has to come first.
    Full,
    /// Not before this moment (monotonic milliseconds).
    Until(u64),
    /// The day's budget is spent.
    Budget,
}

/// A request in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sent {
    /// When it was sent (monotonic milliseconds).
    pub at_ms: u64,
    request: Spent,
    reserved: u64,
    tokens: Spent,
}

/// The rate of requests.
#[derive(Debug)]
pub struct Pacing {
    bounds: Bounds,
    concurrency: Concurrency,
    throughput: Throughput,
    in_flight: usize,
    /// Requests that are sent as soon as their claim in the shared store is granted.
    pub claiming: usize,
    /// Responses that are being stored.
    storing: usize,
    requests: Bucket,
    tokens: Bucket,
    /// Nothing is sent before (monotonic milliseconds).
    paused_until_ms: u64,
    /// When the last congestion event began: requests sent before belong to it.
    congested_ms: u64,
    /// Congestion events in a row.
    trouble: u32,
    /// Bad responses in a row, of any requests.
    bad: u32,
    refusals: Refusals,
    /// Whether a request succeeded since the start or the last stop.
    responds: bool,
    /// The endpoint cannot be reached: one request at a time probes.
    down: bool,
    stopped: Option<(Failure, u64)>,
    late_retries: LateRetries,
    last_trouble: Option<String>,
    /// Requests in batches, and their estimates.
    batched: usize,
    batched_tokens: u64,
    batched_nanos: u64,
    /// Estimates of the requests in flight.
    reserved_tokens: u64,
    reserved_nanos: u64,
    used: DayUse,
    file_ms: u64,
    directory_ms: u64,
    /// Totals.
    pub counters: Counters,
}

impl Pacing {
    /// Pacing within these limits.
    pub fn new(bounds: Bounds) -> Self {
        let bounds = Bounds {
            max_workers: bounds.max_workers.max(1),
            ..bounds
        };
        Self {
            concurrency: Concurrency::up_to(bounds.max_workers),
            throughput: Throughput::default(),
            requests: Bucket::of(bounds.requests_per_minute),
            tokens: Bucket::of_guesses(bounds.tokens_per_minute),
            bounds,
            in_flight: 0,
            claiming: 0,
            storing: 0,
            paused_until_ms: 0,
            congested_ms: 0,
            trouble: 0,
            bad: 0,
            refusals: Refusals::default(),
            responds: false,
            down: false,
            stopped: None,
            late_retries: LateRetries::default(),
            last_trouble: None,
            batched: 0,
            batched_tokens: 0,
            batched_nanos: 0,
            reserved_tokens: 0,
            reserved_nanos: 0,
            used: DayUse::default(),
            // First guesses; learnt from then on.
            file_ms: 3_000,
            directory_ms: 2_000,
            counters: Counters::default(),
        }
    }

    /// Moving means of the latency of requests about files and directories, in milliseconds.
    pub fn means_ms(&self) -> (u64, u64) {
        (self.file_ms, self.directory_ms)
    }

    /// The pace of usual requests that the limits on requests and on tokens allow: how many are free now, and the
    /// milliseconds of each further one.
    pub fn paces(&self, now_ms: u64) -> [(f64, f64); 2] {
        let tokens = self.used.tokens as f64 / self.used.requests.max(1) as f64;
        [
            self.requests.pace_of(1.0, now_ms),
            self.tokens.pace_of(tokens, now_ms),
        ]
    }

    /// Requests to the model in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether a request is in flight or its response is not stored yet.
    pub fn is_busy(&self) -> bool {
        self.in_flight > 0 || self.storing > 0
    }

    /// The concurrency limit.
    pub fn concurrency_limit(&self) -> usize {
        if self.down { 1 } else { self.concurrency.get() }
    }

    /// Why no request is sent any more.
    pub fn stopped(&self) -> Option<&Failure> {
        self.stopped.as_ref().map(|(failure, _)| failure)
    }

    /// When a probe tests whether requests are still refused (monotonic milliseconds).
    pub fn stopped_until_ms(&self) -> Option<u64> {
        self.stopped.as_ref().map(|(_, until_ms)| *until_ms)
    }

    /// Ends the stop: the next request tests whether requests are still refused.
    pub fn probe(&mut self) {
        self.stopped = None;
    }

    /// A request succeeded after `refused` refusals.
    pub fn passed(&mut self, refused: u32, sent_ms: u64) {
        self.refusals.passed(refused, sent_ms);
    }

    /// When the next late retry is due (monotonic milliseconds).
    pub fn late_retry_ms(&self) -> Option<u64> {
        self.late_retries.at_ms()
    }

    /// The keys whose late retry is due.
    pub fn take_late_retries(&mut self, now_ms: u64) -> BTreeSet<SummaryKey> {
        self.late_retries.take(now_ms)
    }

    /// Whether a key was given up: others go first.
    pub fn was_given_up(&self, key: SummaryKey) -> bool {
        self.late_retries.was_given_up(key)
    }

    /// The key has its summary.
    pub fn has_summary(&mut self, key: SummaryKey, now_ms: u64) {
        self.late_retries.summarized(key, now_ms);
    }

    /// No node needs the key any more.
    pub fn forget(&mut self, key: SummaryKey) {
        self.late_retries.forget(key);
    }

    /// Until when all requests are paused (Unix milliseconds), if the pause is long enough to report.
    pub fn paused_until_unix_ms(&self, now: Timestamp) -> Option<u64> {
        let until_ms = self.stopped_until_ms().unwrap_or(self.paused_until_ms);
        let left_ms = until_ms.saturating_sub(now.monotonic_ms);
        (left_ms >= MENTIONED_MS).then(|| now.unix_ms + left_ms)
    }

    /// Why the endpoint is not responding now, if so.
    pub fn trouble(&self) -> Option<&str> {
        self.last_trouble.as_deref().filter(|_| self.trouble > 0)
    }

    /// Whether the endpoint responds, so that many requests may be sent at once.
    pub fn is_healthy(&self, now_ms: u64) -> bool {
        self.stopped.is_none() && !self.down && self.paused_until_ms <= now_ms
    }

    /// Why another request must wait; `None` if it may be sent now.
    pub fn pause_reason(&mut self, tokens: u64, now: Timestamp) -> Option<PauseReason> {
        let now_ms = now.monotonic_ms;
        if self.is_budget_spent(now.day()) {
            return Some(PauseReason::Budget);
        }
        // Requests in flight may spend the rest of it: their real usage comes first. So a budget is exceeded by one
        // request's need at most.
        let (tokens_in_flight, nanos_in_flight) = (self.reserved_tokens, self.reserved_nanos);
        let spends_it = self.bound_reached(now.day(), tokens_in_flight, nanos_in_flight);
        if self.in_flight > 0 && spends_it.is_some() {
            return Some(PauseReason::Full);
        }
        // A kill loses a response that is not stored yet, like a request in flight. On a slow disk it keeps its slot.
        let storing = self.storing.saturating_sub(STORING_FREE);
        if self.in_flight + self.claiming + storing >= self.concurrency_limit() {
            return Some(PauseReason::Full);
        }
        let ready_ms = self
            .paused_until_ms
            .max(self.requests.ready_ms(1.0, now_ms))
            .max(self.tokens.ready_ms(tokens as f64, now_ms));
        (ready_ms > now_ms).then_some(PauseReason::Until(ready_ms))
    }

    /// A request is sent, with an estimate of its tokens.
    pub fn sent(&mut self, tokens: u64, now: Timestamp) -> Sent {
        self.in_flight += 1;
        self.reserved_tokens += tokens;
        self.reserved_nanos += self.guess_nanos(tokens, false);
        let sent = Sent {
            at_ms: now.monotonic_ms,
            request: self.requests.spend(1.0),
            reserved: tokens,
            tokens: self.tokens.spend(tokens as f64),
        };
        self.count_request(now);
        sent
    }

    /// A request returned and used `really` tokens; `None` if it was never sent. `refused`: the endpoint was full.
    pub fn returned(
        &mut self,
        sent: Sent,
        really: Option<u64>,
        refused: bool,
        limits: &Limits,
        now_ms: u64,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.reserved_tokens = self.reserved_tokens.saturating_sub(sent.reserved);
        let nanos = self.guess_nanos(sent.reserved, false);
        self.reserved_nanos = self.reserved_nanos.saturating_sub(nanos);
        if really.is_none() {
            self.used.requests = self.used.requests.saturating_sub(1);
        }
        self.used.tokens += really.unwrap_or(0);
        if really.is_some() && !refused {
            let useful = self.throughput.responded(Response {
                limit: self.concurrency_limit(),
                others: self.in_flight,
                took_ms: now_ms.saturating_sub(sent.at_ms),
                now_ms,
            });
            if let Some(requests) = useful {
                self.concurrency.use_up_to(requests);
            }
        }
        // An endpoint that reports no usage charges what was reserved.
        let tokens = match really {
            Some(0) => sent.reserved,
            Some(really) => really,
            None => 0,
        };
        if let Some(limit) = limits.parallel {
            self.concurrency.limit(limit);
        }
        let charged = |amount: f64| really.filter(|_| !refused).map(|_| amount);
        self.requests
            .returned(sent.request, charged(1.0), limits.requests, now_ms);
        self.tokens
            .returned(sent.tokens, charged(tokens as f64), limits.tokens, now_ms);
    }

    /// A request succeeded, after so many milliseconds.
    pub fn succeeded(&mut self, is_file: bool, took_ms: u64, now_ms: u64) {
        self.trouble = 0;
        self.bad = 0;
        // A request that was in flight at the stop proves nothing.
        if self.stopped.is_none() {
            if self.down {
                self.late_retries.healed(now_ms);
            }
            self.down = false;
            self.responds = true;
        }
        self.concurrency.responded(self.in_flight);
        let mean = if is_file {
            &mut self.file_ms
        } else {
            &mut self.directory_ms
        };
        // A moving mean over about eight responses: latencies drift with the endpoint's load.
        *mean = (*mean * 7 + took_ms.max(1)) / 8;
    }

    /// A response is being stored.
    pub fn storing(&mut self) {
        self.storing += 1;
    }

    /// A response is stored. It counts only now.
    pub fn stored(&mut self) {
        self.counters.succeeded += 1;
        self.storing = self.storing.saturating_sub(1);
    }

    /// The expected time of a request about a file or a directory and of those about the `depth` directories above, in
    /// milliseconds.
    pub fn remaining_ms(&self, is_file: bool, depth: u32) -> u64 {
        let own = if is_file {
            self.file_ms
        } else {
            self.directory_ms
        };
        own + u64::from(depth) * self.directory_ms
    }
}
