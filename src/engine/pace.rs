//! How many requests at once, and when not at all: the width, the limits, the shared pause, the breaker, the budget,
//! the end of asking.
//!
//! The limits are kept from this side by buckets that follow the endpoint's own words. Nobody sleeps in a slot: who
//! may not go stays in the queue.

use std::collections::BTreeSet;

use crate::model::failure::{Failure, Remedy};
use crate::model::limits::Limits;
use crate::model::price::Prices;
use crate::model::summary::SummaryKey;
use crate::model::time::Timestamp;
use crate::model::usage::Usage;

use super::bucket::{Bucket, Spent};
use super::chances::Chances;
use super::retry::{MAX_TRIES, Tried, backoff_ms};
use super::width::Width;

/// Answers on their way to the disk that keep nobody from asking.
const STORING_FREE: usize = 2;
/// Bad answers in a row after which it is the endpoint that is broken, and not a request: more than one request has
/// tries.
const BROKEN: u32 = 8;
/// How long after the last word that nothing more is to be asked one request tries whether that still holds.
const STOPPED_MS: u64 = 10 * 60_000;

/// What was used since the engine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests sent, retries among them.
    pub sent: u64,
    /// Answered with a summary.
    pub succeeded: u64,
    /// Tried again.
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

/// How far a clock may be set back, in days, before it is thought to have been wrong until then.
const SET_BACK_DAYS: u64 = 2;

/// What may be used on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Requests; 0: no bound.
    pub requests: u64,
    /// Tokens, of prompts and answers; 0: no bound.
    pub tokens: u64,
    /// Money, in billionths of the prices' currency; 0: no bound.
    pub cost_nanos: u64,
}

/// What was used on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayUse {
    /// The day, since 1970, UTC.
    pub day: u64,
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
    /// Money, in billionths of the prices' currency.
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
pub enum Hold {
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

/// What becomes of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again.
    Again {
        /// Not before (monotonic milliseconds).
        at_ms: u64,
        /// Whether this failure counts against it.
        costs_a_try: bool,
    },
    /// It is given up.
    Never,
}

/// The pace of asking.
#[derive(Debug)]
pub struct Pace {
    bounds: Bounds,
    width: Width,
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
    /// The endpoint cannot be reached: one request at a time probes.
    down: bool,
    stopped: Option<(Failure, u64)>,
    chances: Chances,
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

impl Pace {
    /// A pace within these bounds.
    pub fn new(bounds: Bounds) -> Self {
        let bounds = Bounds {
            max_workers: bounds.max_workers.max(1),
            free_workers: bounds.free_workers.max(1),
            ..bounds
        };
        Self {
            width: Width::up_to(bounds.max_workers),
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
            down: false,
            stopped: None,
            chances: Chances::default(),
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

    /// What was used on the day, so far, by earlier runs.
    pub fn set_used(&mut self, used: DayUse) {
        self.used = used;
    }

    /// Whether the day's budget is spent.
    pub fn is_budget_spent(&self, day: u64) -> bool {
        self.spent_bound(day).is_some()
    }

    /// Which bound of the day's budget is reached: the name of its key in the configuration.
    pub fn spent_bound(&self, day: u64) -> Option<&'static str> {
        self.bound_reached(day, 0, 0)
    }

    /// The same, with so much more used.
    fn bound_reached(&self, day: u64, tokens: u64, cost_nanos: u64) -> Option<&'static str> {
        let budget = self.bounds.budget;
        let used = self.used_on(day);
        let reached = |bound: u64, used: u64| bound > 0 && used >= bound;
        if reached(budget.requests, used.requests) {
            return Some("max_requests_per_day");
        }
        if reached(budget.tokens, used.tokens + self.batched_tokens + tokens) {
            return Some("max_tokens_per_day");
        }
        let nanos = used.cost_nanos + self.batched_nanos + cost_nanos;
        reached(budget.cost_nanos, nanos).then_some("max_cost_per_day")
    }

    /// What was used on that day, so far.
    pub fn used_on(&self, day: u64) -> DayUse {
        match self.used.day == self.counted_on(day) {
            true => self.used,
            false => DayUse {
                day,
                ..DayUse::default()
            },
        }
    }

    /// Requests, tokens and money that the day's budget still allows.
    pub fn budget_left(&self, day: u64) -> (u64, u64, u64) {
        let budget = self.bounds.budget;
        let used = self.used_on(day);
        let left = |bound: u64, used: u64| match bound {
            0 => u64::MAX,
            bound => bound.saturating_sub(used),
        };
        (
            left(budget.requests, used.requests),
            left(budget.tokens, used.tokens + self.batched_tokens),
            left(budget.cost_nanos, used.cost_nanos + self.batched_nanos),
        )
    }

    /// What a request costs at most that is thought to need so many tokens.
    pub fn guess_nanos(&self, tokens: u64, batched: bool) -> u64 {
        let answer = self.bounds.answer_tokens.min(tokens);
        let guess = Usage {
            prompt_tokens: tokens - answer,
            completion_tokens: answer,
            ..Usage::default()
        };
        self.cost_nanos(&guess, batched)
    }

    /// What that cost; 0 where there are no prices.
    pub fn cost_nanos(&self, used: &Usage, batched: bool) -> u64 {
        let prices = self.bounds.prices;
        prices.map_or(0, |prices| prices.cost_nanos(used, batched))
    }

    /// Money was spent.
    pub fn spent_money(&mut self, cost_nanos: u64) {
        self.counters.cost_nanos += cost_nanos;
        self.used.cost_nanos = self.used.cost_nanos.saturating_add(cost_nanos);
    }

    /// What bounds it.
    pub fn budget(&self) -> Budget {
        self.bounds.budget
    }

    /// Whether nothing speaks against asking for much at once.
    pub fn is_well(&self, now_ms: u64) -> bool {
        self.stopped.is_none() && !self.down && self.paused_until_ms <= now_ms
    }

    /// Requests that are in batches.
    pub fn batched(&self) -> usize {
        self.batched
    }

    /// One goes by a batch: it takes no place of those under way, but the budget knows it.
    pub fn sent_batched(&mut self, tokens: u64, now: Timestamp) {
        self.joined_batch(tokens);
        self.count_request(now);
    }

    /// One was found in a batch of an earlier run, which counted it.
    pub fn joined_batch(&mut self, tokens: u64) {
        self.batched += 1;
        self.batched_tokens += tokens;
        self.batched_nanos += self.guess_nanos(tokens, true);
    }

    /// One came back from a batch; it had been thought to need `tokens`, and needed `really`.
    pub fn returned_from_batch(&mut self, tokens: u64, really: u64) {
        self.batched = self.batched.saturating_sub(1);
        self.batched_tokens = self.batched_tokens.saturating_sub(tokens);
        let nanos = self.guess_nanos(tokens, true);
        self.batched_nanos = self.batched_nanos.saturating_sub(nanos);
        self.used.tokens += really;
    }

    /// One reached no batch; `counted`: it was counted when it went.
    pub fn unsent_batched(&mut self, tokens: u64, counted: bool) {
        self.returned_from_batch(tokens, 0);
        self.used.requests = self.used.requests.saturating_sub(u64::from(counted));
    }

    /// The day on which is counted what is used on this one: a clock that was set back a little gives no second budget.
    fn counted_on(&self, day: u64) -> u64 {
        match self.used.day.checked_sub(day) {
            Some(days) if days <= SET_BACK_DAYS => self.used.day,
            _ => day,
        }
    }

    fn count_request(&mut self, now: Timestamp) {
        let day = self.counted_on(now.day());
        if self.used.day != day {
            self.used = DayUse {
                day,
                ..DayUse::default()
            };
        }
        self.used.requests += 1;
    }

    /// Why one more may not go now; `None`: it may.
    pub fn hold(&mut self, paid: bool, tokens: u64, now: Timestamp) -> Option<Hold> {
        if !paid {
            return (self.free_in_flight >= self.bounds.free_workers).then_some(Hold::Full);
        }
        let now_ms = now.monotonic_ms;
        if self.is_budget_spent(now.day()) {
            return Some(Hold::Budget);
        }
        // What is under way may spend the rest of it: what that really takes is waited for. So a budget is exceeded by
        // no more than one request's need.
        let (tokens_under_way, nanos_under_way) = (self.reserved_tokens, self.reserved_nanos);
        let spends_it = self.bound_reached(now.day(), tokens_under_way, nanos_under_way);
        if self.in_flight > 0 && spends_it.is_some() {
            return Some(Hold::Full);
        }
        // An answer that is not on the disk yet is lost by a kill, like a request under way: where the disk is slow,
        // it keeps its slot.
        let storing = self.storing.saturating_sub(STORING_FREE);
        if self.in_flight + storing >= self.width() {
            return Some(Hold::Full);
        }
        let ready_ms = self
            .paused_until_ms
            .max(self.requests.ready_ms(1.0, now_ms))
            .max(self.tokens.ready_ms(tokens as f64, now_ms));
        (ready_ms > now_ms).then_some(Hold::Until(ready_ms))
    }

    /// One goes, which is thought to need so many tokens.
    pub fn sent(&mut self, paid: bool, again: bool, tokens: u64, now: Timestamp) -> Sent {
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
        self.counters.retried += u64::from(again);
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
        // What was on its way when the asking was stopped proves nothing, and must not hide that it was.
        if self.stopped.is_none() {
            if self.down {
                self.chances.healed(now_ms);
            }
            self.down = false;
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

    /// It came back without. Tells what becomes of it.
    pub fn failed(
        &mut self,
        failure: &Failure,
        key: SummaryKey,
        tried: Tried,
        sent_ms: u64,
        now_ms: u64,
    ) -> Next {
        match failure.remedy {
            Remedy::Retry | Remedy::Late | Remedy::Later => {
                self.bad_answer(failure, key, tried, sent_ms, now_ms)
            }
            Remedy::Slow | Remedy::Unreachable => {
                let down = failure.remedy == Remedy::Unreachable;
                self.congested(failure, down, key, sent_ms, now_ms);
                // Where the endpoint names no time, whoever was refused more often waits longer, and lets others try.
                let own_ms = match failure.retry_after_ms {
                    Some(_) => 0,
                    None => tried.pause_ms(key),
                };
                Next::Again {
                    at_ms: self.paused_until_ms.max(now_ms + own_ms),
                    costs_a_try: false,
                }
            }
            Remedy::Fatal => {
                self.stopped = Some((failure.clone(), now_ms + STOPPED_MS));
                // Whether a person has mended it is tried by one request.
                self.down = true;
                Next::Never
            }
            Remedy::Permanent | Remedy::Changed => Next::Never,
        }
    }

    /// Nothing that can be used, or nothing in time.
    fn bad_answer(
        &mut self,
        failure: &Failure,
        key: SummaryKey,
        tried: Tried,
        sent_ms: u64,
        now_ms: u64,
    ) -> Next {
        self.bad = self.bad.saturating_add(1);
        if self.bad >= BROKEN {
            // It is not this request: nobody gets an answer. One at a time finds out when that is over.
            self.congested(failure, true, key, sent_ms, now_ms);
        } else if failure.remedy == Remedy::Late && sent_ms >= self.congested_ms {
            // Fewer at once are answered sooner.
            self.congested_ms = now_ms + 1;
            self.width.congested();
        }
        if tried.lost + 1 >= MAX_TRIES || failure.remedy == Remedy::Later {
            self.chances.given_up(key, now_ms);
            return Next::Never;
        }
        let least_ms = failure.retry_after_ms.unwrap_or(0);
        let at_ms = now_ms + tried.pause_ms(key).max(least_ms);
        Next::Again {
            at_ms: at_ms.max(self.paused_until_ms),
            costs_a_try: true,
        }
    }

    /// The endpoint is full or down: everybody waits.
    fn congested(
        &mut self,
        failure: &Failure,
        down: bool,
        key: SummaryKey,
        sent_ms: u64,
        now_ms: u64,
    ) {
        let least_ms = failure.retry_after_ms.unwrap_or(0);
        self.last_trouble = Some(failure.to_line());
        // What was sent before the event began belongs to it: the width falls, and the pause doubles, once.
        if sent_ms < self.congested_ms {
            self.paused_until_ms = self.paused_until_ms.max(now_ms + least_ms);
            self.down |= down;
            self.trouble = self.trouble.max(1);
            return;
        }
        let pause_ms = if down || least_ms == 0 {
            backoff_ms(self.trouble, key)
        } else {
            0
        };
        let jitter_ms = backoff_ms(0, key) / 4;
        self.trouble += 1;
        self.congested_ms = now_ms + 1;
        self.paused_until_ms = now_ms + pause_ms.max(least_ms + jitter_ms);
        self.down |= down;
        if !down {
            self.width.congested();
        }
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

#[cfg(test)]
mod tests {
    use super::super::chances::FIRST_MS as CHANCE_MS;
    use super::*;
    use crate::model::digest::Digest;

    const KEY: SummaryKey = SummaryKey(Digest([7; 16]));

    fn pace() -> Pace {
        Pace::new(Bounds {
            max_workers: 10,
            free_workers: 2,
            ..Bounds::default()
        })
    }

    fn tried(times: u32, lost: u32) -> Tried {
        Tried {
            times,
            lost,
            waited_ms: 0,
        }
    }

    fn at(monotonic_ms: u64) -> Timestamp {
        Timestamp {
            monotonic_ms,
            unix_ms: monotonic_ms,
        }
    }

    #[test]
    fn an_endpoint_that_is_down_is_probed_by_one_request_at_a_time() {
        let mut pace = pace();
        let down = Failure::new(Remedy::Unreachable, "connection refused");
        let Next::Again {
            at_ms: until_ms, ..
        } = pace.failed(&down, KEY, tried(1, 0), 900, 1_000)
        else {
            panic!("given up");
        };
        assert_eq!(pace.hold(true, 1, at(1_000)), Some(Hold::Until(until_ms)));
        assert_eq!(pace.hold(true, 1, at(until_ms)), None);
        let sent = pace.sent(true, true, 1, at(until_ms));
        assert_eq!(
            pace.hold(true, 1, at(until_ms)),
            Some(Hold::Full),
            "only one probes"
        );
        assert_eq!(
            pace.hold(false, 1, at(until_ms)),
            None,
            "what is free goes on"
        );
        pace.returned(sent, Some(1), false, &Limits::default(), until_ms);
        pace.succeeded(true, 10, 20);
        assert_eq!(pace.width(), 10);
    }

    #[test]
    fn ten_refusals_at_once_are_one_event() {
        let mut pace = pace();
        let full = Failure {
            retry_after_ms: Some(500),
            ..Failure::new(Remedy::Slow, "429")
        };
        let first = pace.failed(&full, KEY, tried(1, 0), 0, 10);
        for _ in 0..9 {
            assert_eq!(pace.failed(&full, KEY, tried(1, 0), 5, 11), first);
        }
        assert_eq!(pace.width(), 7);
    }

    #[test]
    fn a_bad_answer_is_tried_a_bounded_number_of_times_and_a_refusal_costs_none_of_them() {
        let mut pace = pace();
        let garbled = Failure::new(Remedy::Retry, "garbled");
        assert_eq!(
            pace.failed(&garbled, KEY, tried(6, MAX_TRIES - 1), 0, 0),
            Next::Never
        );
        let again = |next| match next {
            Next::Again { costs_a_try, .. } => costs_a_try,
            Next::Never => panic!("given up"),
        };
        assert!(again(pace.failed(
            &garbled,
            KEY,
            tried(5, MAX_TRIES - 2),
            0,
            0
        )));
        let full = Failure::new(Remedy::Slow, "429");
        assert!(!again(pace.failed(
            &full,
            KEY,
            tried(6, MAX_TRIES - 1),
            0,
            0
        )));
    }

    #[test]
    fn an_endpoint_that_answers_nobody_is_probed_by_one_at_a_time() {
        let mut pace = pace();
        let broken = Failure::new(Remedy::Retry, "500");
        for _ in 0..BROKEN {
            assert_eq!(pace.width(), 10);
            pace.failed(&broken, KEY, tried(1, 0), 10, 10);
        }
        assert_eq!(pace.width(), 1);
        assert!(pace.trouble().is_some());
        assert!(matches!(pace.hold(true, 1, at(11)), Some(Hold::Until(_))));
        pace.succeeded(true, 10, 20);
        assert_eq!((pace.width(), pace.trouble()), (10, None));
    }

    #[test]
    fn what_was_given_up_gets_new_tries_when_the_endpoint_is_back_and_then_ever_more_seldom() {
        let mut pace = pace();
        let broken = Failure::new(Remedy::Retry, "500");
        for other in 1..BROKEN {
            let key = SummaryKey(Digest([other as u8; 16]));
            pace.failed(&broken, key, tried(1, 0), 10, 10);
        }
        pace.failed(&broken, KEY, tried(6, MAX_TRIES - 1), 10, 10);
        assert_eq!(pace.chance_ms(), Some(10 + CHANCE_MS));
        pace.succeeded(true, 10, 500);
        assert_eq!(pace.chance_ms(), Some(500));
        assert_eq!(pace.take_chances(500).len(), 1);
        assert_eq!(pace.chance_ms(), None);
        // It was of no use: whatever comes back, it waits.
        pace.failed(&broken, KEY, tried(6, MAX_TRIES - 1), 600, 600);
        let later = Some(600 + 2 * CHANCE_MS);
        assert_eq!(pace.chance_ms(), later);
        for _ in 0..BROKEN {
            pace.failed(&broken, KEY, tried(1, 0), 700, 700);
        }
        pace.succeeded(true, 10, 800);
        assert_eq!(pace.chance_ms(), later);
    }

    #[test]
    fn answers_that_come_too_late_make_it_ask_for_fewer_at_once() {
        let mut pace = pace();
        let late = Failure::new(Remedy::Late, "no answer in time");
        for _ in 0..5 {
            pace.failed(&late, KEY, tried(1, 0), 0, 60_000);
        }
        assert_eq!(pace.width(), 7, "all of one event");
    }

    #[test]
    fn an_answer_that_was_on_its_way_does_not_hide_that_the_asking_was_stopped() {
        let mut pace = pace();
        pace.failed(&Failure::new(Remedy::Fatal, "401"), KEY, tried(1, 0), 0, 10);
        pace.succeeded(true, 10, 20);
        assert_eq!(pace.stopped_until_ms(), Some(10 + STOPPED_MS));
        pace.try_again();
        assert_eq!((pace.stopped_until_ms(), pace.width()), (None, 1));
        pace.succeeded(true, 10, 30 + STOPPED_MS);
        assert_eq!(pace.width(), 10);
    }

    #[test]
    fn a_spent_budget_holds_until_the_next_day() {
        let mut pace = Pace::new(Bounds {
            max_workers: 10,
            budget: Budget {
                requests: 2,
                ..Budget::default()
            },
            ..Bounds::default()
        });
        for _ in 0..2 {
            assert_eq!(pace.hold(true, 1, at(5)), None);
            pace.sent(true, false, 1, at(5));
        }
        assert_eq!(pace.hold(true, 1, at(5)), Some(Hold::Budget));
        let later = |days: u64| at(days * crate::model::time::DAY_MS + 5);
        assert_eq!(pace.hold(true, 1, later(1)), None);
        for _ in 0..2 {
            pace.sent(true, false, 1, later(1));
        }
        assert_eq!(pace.hold(true, 1, later(1)), Some(Hold::Budget));
        // The clock was set back, and on again.
        assert_eq!(pace.hold(true, 1, later(0)), Some(Hold::Budget));
        assert_eq!(pace.budget_left(0), (0, u64::MAX, u64::MAX));
        assert_eq!(pace.hold(true, 1, later(1)), Some(Hold::Budget));
        assert_eq!(pace.hold(true, 1, later(9)), None);
        pace.sent(true, false, 1, later(9));
        // It was far in the future by mistake.
        assert_eq!(pace.budget_left(1), (2, u64::MAX, u64::MAX));
    }

    #[test]
    fn money_and_tokens_under_way_are_not_spent_twice() {
        let prices = Prices::per_million(1.0, 1.0, 2.0, 0.5);
        let mut pace = Pace::new(Bounds {
            max_workers: 10,
            budget: Budget {
                // For 1,000 tokens asked and 600 answered: 2,200,000.
                cost_nanos: 5_000_000,
                ..Budget::default()
            },
            prices: Some(prices),
            answer_tokens: 600,
            ..Bounds::default()
        });
        assert_eq!(pace.guess_nanos(1_600, false), 2_200_000);
        assert_eq!(pace.guess_nanos(1_600, true), 1_100_000);
        let mut under_way = Vec::new();
        while pace.hold(true, 1_600, at(5)).is_none() {
            under_way.push(pace.sent(true, false, 1_600, at(5)));
        }
        assert_eq!(
            under_way.len(),
            3,
            "the third may go above it, and no other"
        );
        assert_eq!(pace.hold(true, 1_600, at(5)), Some(Hold::Full));
        for sent in under_way {
            pace.returned(sent, Some(1_100), false, &Limits::default(), 6);
            // Much less than was thought.
            pace.spent_money(1_200_000);
        }
        assert_eq!(pace.spent_bound(0), None);
        assert_eq!(pace.hold(true, 1_600, at(7)), None);
        pace.spent_money(1_400_000);
        assert_eq!(pace.spent_bound(0), Some("max_cost_per_day"));
        assert_eq!(pace.hold(true, 1_600, at(7)), Some(Hold::Budget));
        assert_eq!(pace.spent_bound(1), None);
    }
}
