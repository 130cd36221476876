//! What a failure means: for its request, and for all of them.
//!
//! An endpoint's state (a shared pause, lower concurrency, one probe at a time, a stop) is told apart from a request that
//! never passes: where others pass, its failures cost that request its attempts and do not block the others.

use std::collections::BTreeSet;

use crate::model::failure::{Failure, Remedy};
use crate::model::summary::SummaryKey;

use super::Pacing;
use crate::engine::retry::{Attempts, MAX_TRIES, backoff_ms};

/// Bad responses in a row after which the endpoint counts as broken: more than one request has attempts.
pub(super) const BROKEN: u32 = 8;
/// Equal refusals in a row of different requests after which the endpoint counts as refusing all: before anything was
/// answered, and later.
pub(super) const REFUSED_FOR_ALL: (usize, usize) = (3, 5);
/// The same, whatever the refusals say.
const REFUSED_IN_ANY_WORDS: usize = 12;
/// The time from a stop to the request that probes whether it still holds.
pub(super) const STOPPED_MS: u64 = 10 * 60_000;
/// Different requests refused in a row from which on it is the endpoint that is full.
const SEVERAL: usize = 3;
/// Refusals of a request while no other is refused after which it counts as the request's own.
const REFUSED_ALONE: u32 = 8;
/// More refusals before a success say nothing: a request that never passes must not wait for as many.
const OVERCOME: u32 = 4;
/// Refusals of its own from which on a request says nothing about the endpoint.
const PROVEN: u32 = 3;
/// Refusals of its own after which a request is given up: the endpoint may still have been full at some of them.
pub(super) const OWN_REFUSALS: u32 = 10;
/// The longest pause of a request that is refused by itself, in milliseconds.
const OWN_PAUSE_MS: u64 = 8_000;
/// Attempts for a response that is useless as a text: one retry.
const USELESS_TRIES: u32 = 2;

/// The next step for a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is retried.
    Again {
        /// Not before (monotonic milliseconds).
        at_ms: u64,
        /// Whether this failure counts against it.
        costs_a_try: bool,
    },
    /// It is given up.
    Never,
}

/// What the refusals so far say about the endpoint and about single requests.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// When the last request that succeeded was sent (monotonic milliseconds).
    success_sent_ms: Option<u64>,
    /// Requests that were refused since the last success; those that are proven not to pass are left out.
    since_success: BTreeSet<SummaryKey>,
    /// The most refusals after which a request still passed: so many say nothing.
    overcome: u32,
    /// The last refusal that is the same for all, and the requests that got it in a row.
    sentence: String,
    same: BTreeSet<SummaryKey>,
    /// Requests in a row that were refused for good, in whatever words.
    any: BTreeSet<SummaryKey>,
}

impl Refusals {
    /// A request passed that had been refused so often.
    pub fn passed(&mut self, refused: u32, sent_ms: u64) {
        self.overcome = self.overcome.max(refused.min(OVERCOME));
        self.success_sent_ms = Some(
            self.success_sent_ms
                .map_or(sent_ms, |known| known.max(sent_ms)),
        );
        self.since_success.clear();
        self.same.clear();
        self.any.clear();
    }

    /// Whether a refusal is about this request: others passed since it was refused first, or only it is refused.
    fn is_own(&self, tried: Attempts) -> bool {
        let passed = self
            .success_sent_ms
            .is_some_and(|sent_ms| sent_ms >= tried.refused_ms);
        let usual = self.overcome * 2 + 1;
        tried.refused >= usual && passed
            || tried.refused >= usual.max(REFUSED_ALONE) && self.since_success.len() <= 1
    }
}

impl Pacing {
    /// A request failed. Returns its next step.
    pub fn failed(
        &mut self,
        failure: &Failure,
        key: SummaryKey,
        tried: Attempts,
        sent_ms: u64,
        now_ms: u64,
    ) -> Next {
        match failure.remedy {
            Remedy::Retry | Remedy::TimedOut | Remedy::RetryLater => {
                self.bad_response(failure, key, tried, sent_ms, now_ms)
            }
            Remedy::Throttled | Remedy::Unreachable => {
                self.refused(failure, key, tried, sent_ms, now_ms)
            }
            Remedy::Fatal => {
                self.stop(failure, now_ms);
                Next::Never
            }
            Remedy::Forbidden | Remedy::Rejected => {
                self.refused_for_good(failure, key, now_ms);
                Next::Never
            }
            Remedy::Useless if tried.lost + 1 < USELESS_TRIES => Next::Again {
                at_ms: self.paused_until_ms.max(now_ms + tried.pause_ms(key)),
                costs_a_try: true,
            },
            Remedy::Useless => {
                self.refusals.any.insert(key);
                if self.refusals.any.len() >= REFUSED_IN_ANY_WORDS {
                    self.stop_for_all(failure, now_ms);
                }
                Next::Never
            }
            Remedy::Permanent | Remedy::Changed => Next::Never,
        }
    }

    /// The endpoint is full or cannot be reached; or it answers so to this request only.
    fn refused(
        &mut self,
        failure: &Failure,
        key: SummaryKey,
        tried: Attempts,
        sent_ms: u64,
        now_ms: u64,
    ) -> Next {
        let own = self.refusals.is_own(tried);
        if !(own && tried.refused >= PROVEN) && self.refusals.since_success.len() < SEVERAL {
            self.refusals.since_success.insert(key);
        }
        let shared = !own || self.refusals.since_success.len() >= SEVERAL;
        // A pause that the endpoint names is obeyed by all, whichever request it was named to.
        if shared || failure.retry_after_ms.is_some() {
            let down = failure.remedy == Remedy::Unreachable && shared;
            self.congested(failure, down, key, sent_ms, now_ms);
        }
        if own && tried.refused >= OWN_REFUSALS {
            self.late_retries.given_up(key, now_ms);
            return Next::Never;
        }
        let own_ms = match failure.retry_after_ms {
            // Each time it leaves the others more time between two pauses.
            Some(pause_ms) if own => pause_ms * u64::from(1 + tried.refused.min(3)),
            Some(_) => 0,
            None => tried.pause_ms(key).min(OWN_PAUSE_MS),
        };
        // After a shared pause the others have the first try.
        let others_first_ms = backoff_ms(0, key) / 4;
        Next::Again {
            at_ms: self.paused_until_ms.max(now_ms + own_ms) + others_first_ms,
            costs_a_try: false,
        }
    }

    /// A request was refused for good. Several in a row mean that all are.
    fn refused_for_good(&mut self, failure: &Failure, key: SummaryKey, now_ms: u64) {
        if failure.remedy == Remedy::Forbidden || self.stopped.is_some() {
            // It is retried, ever more seldom: whether it is this text shows only later.
            self.late_retries.given_up(key, now_ms);
        }
        let refusals = &mut self.refusals;
        let sentence = sentence(failure);
        if refusals.sentence != sentence {
            refusals.sentence = sentence;
            refusals.same.clear();
        }
        refusals.same.insert(key);
        refusals.any.insert(key);
        let (first, later) = REFUSED_FOR_ALL;
        let enough = match (failure.remedy, self.answers) {
            (Remedy::Forbidden, false) => 1,
            (Remedy::Rejected, true) => later,
            _ => first,
        };
        if refusals.same.len() >= enough || refusals.any.len() >= REFUSED_IN_ANY_WORDS {
            self.stop_for_all(failure, now_ms);
        }
    }

    /// Stops, and takes along those whose refusals led to it: they were not refused for their own sake.
    fn stop_for_all(&mut self, failure: &Failure, now_ms: u64) {
        if self.stopped.is_none() {
            for key in self.refusals.any.iter().chain(&self.refusals.same) {
                if !self.late_retries.waits(*key) {
                    self.late_retries.given_up(*key, now_ms);
                }
            }
        }
        let hint = failure.hint.as_deref().unwrap_or(
            "the endpoint refuses every request: check [openai] base_url, model, headers and extra_body",
        );
        self.stop(&failure.clone().hint(hint), now_ms);
    }

    /// Nothing more is sent until a person has fixed the cause; one request probes now and then whether that was done.
    fn stop(&mut self, failure: &Failure, now_ms: u64) {
        let failure = Failure {
            remedy: Remedy::Fatal,
            ..failure.clone()
        };
        self.stopped = Some((failure, now_ms + STOPPED_MS));
        self.down = true;
        self.answers = false;
    }

    /// A useless response, or none in time.
    fn bad_response(
        &mut self,
        failure: &Failure,
        key: SummaryKey,
        tried: Attempts,
        sent_ms: u64,
        now_ms: u64,
    ) -> Next {
        self.bad = self.bad.saturating_add(1);
        if self.bad >= BROKEN {
            // It is the endpoint and not a request. One at a time finds out when that is over.
            self.congested(failure, true, key, sent_ms, now_ms);
        } else if failure.remedy == Remedy::TimedOut && sent_ms >= self.congested_ms {
            // Fewer at once are answered sooner.
            self.congested_ms = now_ms + 1;
            self.concurrency.congested();
        }
        if tried.lost + 1 >= MAX_TRIES || failure.remedy == Remedy::RetryLater {
            self.late_retries.given_up(key, now_ms);
            return Next::Never;
        }
        let least_ms = failure.retry_after_ms.unwrap_or(0);
        let at_ms = now_ms + tried.pause_ms(key).max(least_ms);
        Next::Again {
            at_ms: at_ms.max(self.paused_until_ms),
            costs_a_try: true,
        }
    }

    /// The endpoint is full or down: all requests wait.
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
        // Requests that were sent before the event began belong to it: concurrency falls, and the pause doubles, once.
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
            self.concurrency.congested();
        }
    }
}

/// A refusal without what differs from request to request: words with digits, such as request numbers.
fn sentence(failure: &Failure) -> String {
    let words = failure.message.split_whitespace();
    let same = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    same.collect::<Vec<_>>().join(" ").to_lowercase()
}
