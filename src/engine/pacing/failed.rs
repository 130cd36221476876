//! What a failure means: for its request, and for all of them.
//!
//! It distinguishes the endpoint's state (a shared pause, lower concurrency, one probe at a time, a stop) from a request
//! that never passes. While others pass, failures of one request use up that request's attempts and do not block others.

use std::collections::BTreeSet;

use crate::model::failure::{Failure, Remedy};
use crate::model::summary::SummaryKey;

use super::Pacing;
use crate::engine::retry::{Attempts, MAX_TRIES, backoff_ms};

/// After this many bad responses in a row the endpoint counts as broken. It is more than one request has attempts.
pub(super) const BROKEN: u32 = 8;
/// After this many equal refusals of different requests in a row the endpoint counts as refusing all of them: before the
/// first success, and later.
pub(super) const REFUSED_FOR_ALL: (usize, usize) = (3, 5);
/// The same for refusals with different messages.
const REFUSED_FOR_ANY_REASON: usize = 12;
/// The time from a stop to the request that tests whether the endpoint still refuses, in milliseconds.
pub(super) const STOPPED_MS: u64 = 10 * 60_000;
/// When this many different requests are refused in a row, the endpoint is full.
const SEVERAL: usize = 3;
/// After this many refusals of one request while no other is refused, the cause is the request itself.
const REFUSED_ALONE: u32 = 8;
/// The cap on `Refusals::overcome`, so that a request that never passes is detected early.
const OVERCOME: u32 = 4;
/// After this many refusals of its own, a request no longer counts as evidence about the endpoint.
const PROVEN: u32 = 3;
/// After this many refusals of its own a request is given up. The endpoint may really have been full at some of them.
pub(super) const OWN_REFUSALS: u32 = 10;
/// The longest pause of a request that is refused for its own sake, in milliseconds.
const OWN_PAUSE_MS: u64 = 8_000;
/// Attempts when the response is unusable as a summary: one retry.
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

/// The refusals so far, as evidence about the endpoint and about single requests.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// When the last request that succeeded was sent (monotonic milliseconds).
    success_sent_ms: Option<u64>,
    /// Requests that were refused since the last success, without those that are proven never to pass.
    since_success: BTreeSet<SummaryKey>,
    /// The largest number of refusals after which a request still passed: so many prove nothing.
    overcome: u32,
    /// The last refusal message, and the requests in a row that got it.
    sentence: String,
    same: BTreeSet<SummaryKey>,
    /// Requests in a row that were refused permanently, with any message.
    any: BTreeSet<SummaryKey>,
}

impl Refusals {
    /// A request passed after `refused` refusals.
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
                if self.refusals.any.len() >= REFUSED_FOR_ANY_REASON {
                    self.stop_for_all(failure, now_ms);
                }
                Next::Never
            }
            Remedy::Permanent | Remedy::Changed => Next::Never,
        }
    }

    /// The endpoint is full or cannot be reached; or it responds so to this request only.
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
        // A pause that the endpoint requests applies to all requests.
        if shared || failure.retry_after_ms.is_some() {
            let down = failure.remedy == Remedy::Unreachable && shared;
            self.congested(failure, down, key, sent_ms, now_ms);
        }
        if own && tried.refused >= OWN_REFUSALS {
            self.late_retries.given_up(key, now_ms);
            return Next::Never;
        }
        let own_ms = match failure.retry_after_ms {
            // The pause grows each time, so that the others get more time in between.
            Some(pause_ms) if own => pause_ms * u64::from(1 + tried.refused.min(3)),
            Some(_) => 0,
            None => tried.pause_ms(key).min(OWN_PAUSE_MS),
        };
        // After a shared pause the others go first.
        let others_first_ms = backoff_ms(0, key) / 4;
        Next::Again {
            at_ms: self.paused_until_ms.max(now_ms + own_ms) + others_first_ms,
            costs_a_try: false,
        }
    }

    /// A request was refused permanently. Several in a row mean that the endpoint refuses all.
    fn refused_for_good(&mut self, failure: &Failure, key: SummaryKey, now_ms: u64) {
        if failure.remedy == Remedy::Forbidden || self.stopped.is_some() {
            // It is retried at growing intervals: whether the cause is this text shows only later.
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
        let enough = match (failure.remedy, self.responds) {
            (Remedy::Forbidden, false) => 1,
            (Remedy::Rejected, true) => later,
            _ => first,
        };
        if refusals.same.len() >= enough || refusals.any.len() >= REFUSED_FOR_ANY_REASON {
            self.stop_for_all(failure, now_ms);
        }
    }

    /// Stops all requests. Those whose refusals led to it fail with it, because they were not refused for their own sake.
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

    /// Sends nothing more until a person has fixed the cause. From time to time one request tests whether that was done.
    fn stop(&mut self, failure: &Failure, now_ms: u64) {
        let failure = Failure {
            remedy: Remedy::Fatal,
            ..failure.clone()
        };
        self.stopped = Some((failure, now_ms + STOPPED_MS));
        self.down = true;
        self.responds = false;
    }

    /// An unusable response, or none in time.
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
            // The cause is the endpoint, not one request. One request at a time tests when it recovers.
            self.congested(failure, true, key, sent_ms, now_ms);
        } else if failure.remedy == Remedy::TimedOut && sent_ms >= self.congested_ms {
            // Fewer concurrent requests return sooner.
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
        // Requests that were sent before the event began belong to it: they lower concurrency and double the pause only once.
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

/// A refusal message without the parts that differ between requests: words with digits, such as request numbers.
fn sentence(failure: &Failure) -> String {
    let words = failure.message.split_whitespace();
    let same = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    same.collect::<Vec<_>>().join(" ").to_lowercase()
}
