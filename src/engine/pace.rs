//! How many requests at once, and when not at all: the width, the limits, the shared pause, the breaker, the budget,
//! the end of asking.
//!
//! The width follows additive increase, multiplicative decrease, once for each event of congestion; the limits are
//! kept from this side by buckets that follow the endpoint's own words. Nobody sleeps in a slot: who may not go
//! stays in the queue.

use crate::model::failure::{Failure, Remedy};
use crate::model::limits::Limits;
use crate::model::summary::SummaryKey;
use crate::model::time::Timestamp;

use super::bucket::Bucket;

/// Tries of one request before it counts as failed for good.
pub const MAX_ATTEMPTS: u32 = 6;
/// The first pause after a failure, in milliseconds; it doubles with each further one.
const BACKOFF_MS: u64 = 500;
/// The width that a run begins with; above it, it has to be earned.
const FIRST_WIDTH: f64 = 10.0;
/// What is left of the width after an event of congestion.
const DECREASE: f64 = 0.7;
/// Answers on their way to the disk that keep nobody from asking.
const STORING_FREE: usize = 2;
/// How long after the last word that nothing more is to be asked one request tries whether that still holds.
const STOPPED_MS: u64 = 10 * 60_000;
/// The longest pause that is taken without being asked for, in milliseconds.
const MAX_BACKOFF_MS: u64 = 60_000;

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
}

/// What may be used on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Requests; 0: no bound.
    pub requests: u64,
    /// Tokens, of prompts and answers; 0: no bound.
    pub tokens: u64,
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

/// The pace of asking.
#[derive(Debug)]
pub struct Pace {
    bounds: Bounds,
    width: f64,
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
    /// The endpoint cannot be reached: one request at a time probes.
    down: bool,
    stopped: Option<(Failure, u64)>,
    last_trouble: Option<String>,
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
            width: FIRST_WIDTH.min(bounds.max_workers as f64),
            requests: Bucket::of(bounds.requests_per_minute),
            tokens: Bucket::of(bounds.tokens_per_minute),
            bounds,
            in_flight: 0,
            free_in_flight: 0,
            storing: 0,
            paused_until_ms: 0,
            congested_ms: 0,
            trouble: 0,
            down: false,
            stopped: None,
            last_trouble: None,
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
        if self.down {
            1
        } else {
            (self.width as usize).max(1)
        }
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
        let Budget { requests, tokens } = self.bounds.budget;
        self.used.day == day
            && (requests > 0 && self.used.requests >= requests
                || tokens > 0 && self.used.tokens >= tokens)
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

    /// One went.
    pub fn sent(&mut self, paid: bool, again: bool, tokens: u64, now: Timestamp) {
        if !paid {
            self.free_in_flight += 1;
            return;
        }
        self.in_flight += 1;
        self.requests.spend(1.0);
        self.tokens.spend(tokens as f64);
        self.counters.retried += u64::from(again);
        let day = now.day();
        if self.used.day != day {
            self.used = DayUse {
                day,
                ..DayUse::default()
            };
        }
        self.used.requests += 1;
    }

    /// One came back; it had been thought to need `tokens`, and needed `really`; `None`: it was never sent.
    pub fn returned(
        &mut self,
        paid: bool,
        tokens: u64,
        really: Option<u64>,
        said: &Limits,
        now_ms: u64,
    ) {
        if !paid {
            self.free_in_flight = self.free_in_flight.saturating_sub(1);
            return;
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        let sent = if really.is_some() { 1.0 } else { 0.0 };
        if really.is_none() {
            self.used.requests = self.used.requests.saturating_sub(1);
        }
        // An endpoint charges what it was asked to reserve where it does not tell what was used.
        let spent = match really {
            Some(0) => tokens,
            Some(really) => really,
            None => 0,
        };
        self.used.tokens += really.unwrap_or(0);
        self.requests.returned(1.0, sent, said.requests, now_ms);
        self.tokens
            .returned(tokens as f64, spent as f64, said.tokens, now_ms);
    }

    /// It came back with words, after so many milliseconds.
    pub fn succeeded(&mut self, is_file: bool, took_ms: u64) {
        self.trouble = 0;
        self.down = false;
        self.stopped = None;
        // One more for a whole width of successes, and only where the width was used.
        if self.in_flight + 1 >= self.width() {
            self.width = (self.width + 1.0 / self.width).min(self.bounds.max_workers as f64);
        }
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

    /// It came back without. Tells when to try again, or `None`: never.
    pub fn failed(
        &mut self,
        failure: &Failure,
        key: SummaryKey,
        attempts: u32,
        sent_ms: u64,
        now_ms: u64,
    ) -> Option<u64> {
        let least = failure.retry_after_ms.unwrap_or(0);
        match failure.remedy {
            Remedy::Retry if attempts + 1 < MAX_ATTEMPTS => {
                Some(now_ms + backoff_ms(attempts, key).max(least))
            }
            Remedy::Slow | Remedy::Unreachable => {
                self.last_trouble = Some(failure.to_line());
                let down = failure.remedy == Remedy::Unreachable;
                // What was sent before the event began belongs to it: the width falls, and the pause doubles, once.
                if sent_ms >= self.congested_ms {
                    let pause_ms = if down || least == 0 {
                        backoff_ms(self.trouble, key)
                    } else {
                        0
                    };
                    let jitter_ms = backoff_ms(0, key) / 4;
                    self.trouble += 1;
                    self.congested_ms = now_ms + 1;
                    self.paused_until_ms = now_ms + pause_ms.max(least + jitter_ms);
                    self.down |= down;
                    if !down {
                        self.width = (self.width() as f64 * DECREASE).max(1.0);
                    }
                } else {
                    self.paused_until_ms = self.paused_until_ms.max(now_ms + least);
                }
                Some(self.paused_until_ms)
            }
            Remedy::Fatal => {
                self.stopped = Some((failure.clone(), now_ms + STOPPED_MS));
                // Whether a person has mended it is tried by one request.
                self.down = true;
                None
            }
            Remedy::Retry | Remedy::Permanent | Remedy::Changed => None,
        }
    }

    /// What is still to be expected from a node to the root, in milliseconds of asking, were it alone.
    pub fn remaining_ms(&self, is_file: bool, depth: u32) -> u64 {
        let own = if is_file {
            self.file_ms
        } else {
            self.directory_ms
        };
        own + u64::from(depth) * self.directory_ms
    }
}

/// The pause before try number `attempts` + 2: it doubles, with jitter that comes from the key, so that neither
/// chance nor a clock is needed and no two requests come back at the same moment.
fn backoff_ms(attempts: u32, key: SummaryKey) -> u64 {
    let full = (BACKOFF_MS << attempts.min(16)).min(MAX_BACKOFF_MS);
    let grain = u64::from(key.0.0[(attempts % 16) as usize]);
    full * 3 / 4 + full / 2 * grain / 255
}

#[cfg(test)]
mod tests {
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
        let until_ms = pace.failed(&down, KEY, 0, 900, 1_000).expect("tried again");
        assert_eq!(pace.hold(true, 1, at(1_000)), Some(Hold::Until(until_ms)));
        assert_eq!(pace.hold(true, 1, at(until_ms)), None);
        pace.sent(true, true, 1, at(until_ms));
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
        pace.returned(true, 1, Some(1), &Limits::default(), until_ms);
        pace.succeeded(true, 10);
        assert_eq!(pace.width(), 10);
    }

    #[test]
    fn ten_refusals_at_once_are_one_event() {
        let mut pace = pace();
        let full = Failure::new(Remedy::Slow, "429");
        let first = pace.failed(&full, KEY, 0, 0, 10);
        for _ in 0..9 {
            assert_eq!(pace.failed(&full, KEY, 0, 5, 11), first);
        }
        assert_eq!(pace.width(), 7);
    }

    #[test]
    fn the_width_comes_back_where_it_is_used_and_never_above_the_ceiling() {
        let mut pace = pace();
        let full = Failure::new(Remedy::Slow, "429");
        pace.failed(&full, KEY, 0, 0, 10);
        pace.succeeded(true, 10);
        assert_eq!(pace.width(), 7, "nothing was under way: nothing is proven");
        for _ in 0..1_000 {
            while pace.in_flight() < pace.width() {
                pace.sent(true, false, 0, at(0));
            }
            pace.returned(true, 0, Some(0), &Limits::default(), 0);
            pace.succeeded(true, 10);
        }
        assert_eq!(pace.width(), 10);
    }

    #[test]
    fn a_bad_answer_is_tried_a_bounded_number_of_times() {
        let mut pace = pace();
        let garbled = Failure::new(Remedy::Retry, "garbled");
        assert!(pace.failed(&garbled, KEY, MAX_ATTEMPTS - 2, 0, 0).is_some());
        assert!(pace.failed(&garbled, KEY, MAX_ATTEMPTS - 1, 0, 0).is_none());
    }

    #[test]
    fn a_spent_budget_holds_until_the_next_day() {
        let mut pace = Pace::new(Bounds {
            max_workers: 10,
            budget: Budget {
                requests: 2,
                tokens: 0,
            },
            ..Bounds::default()
        });
        for _ in 0..2 {
            assert_eq!(pace.hold(true, 1, at(5)), None);
            pace.sent(true, false, 1, at(5));
        }
        assert_eq!(pace.hold(true, 1, at(5)), Some(Hold::Budget));
        let tomorrow = at(crate::model::time::DAY_MS + 5);
        assert_eq!(pace.hold(true, 1, tomorrow), None);
    }
}
