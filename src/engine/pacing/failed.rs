//! What a failure means for all: a pause, a narrower width, one request that probes, the end of asking.

use crate::model::failure::{Failure, Remedy};
use crate::model::summary::SummaryKey;

use super::Pacing;
use crate::engine::retry::{Attempts, MAX_TRIES, backoff_ms};

/// Bad answers in a row after which it is the endpoint that is broken, and not a request: more than one request has
/// tries.
pub(super) const BROKEN: u32 = 8;
/// Forbidden texts in a row, with no other answered between them, after which all are thought to be forbidden.
pub(super) const FORBIDDEN: u32 = 3;
/// How long after the last word that nothing more is to be asked one request tries whether that still holds.
pub(super) const STOPPED_MS: u64 = 10 * 60_000;

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

impl Pacing {
    /// It came back without. Tells what becomes of it.
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
                self.bad_answer(failure, key, tried, sent_ms, now_ms)
            }
            Remedy::Throttled | Remedy::Unreachable => {
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
                self.stop(failure, now_ms);
                Next::Never
            }
            Remedy::Forbidden => {
                self.forbidden += 1;
                // It gets its chance again, seldom: other texts must not wait for it.
                self.chances.given_up(key, now_ms);
                if !self.answers || self.forbidden >= FORBIDDEN {
                    self.stop(failure, now_ms);
                }
                Next::Never
            }
            Remedy::Permanent | Remedy::Changed => Next::Never,
        }
    }

    /// Nothing more is asked until a person has mended what is wrong; one request tries now and then whether that was
    /// done.
    fn stop(&mut self, failure: &Failure, now_ms: u64) {
        let failure = Failure {
            remedy: Remedy::Fatal,
            ..failure.clone()
        };
        self.stopped = Some((failure, now_ms + STOPPED_MS));
        self.down = true;
        self.answers = false;
        self.forbidden = 0;
    }

    /// Nothing that can be used, or nothing in time.
    fn bad_answer(
        &mut self,
        failure: &Failure,
        key: SummaryKey,
        tried: Attempts,
        sent_ms: u64,
        now_ms: u64,
    ) -> Next {
        self.bad = self.bad.saturating_add(1);
        if self.bad >= BROKEN {
            // It is not this request: nobody gets an answer. One at a time finds out when that is over.
            self.congested(failure, true, key, sent_ms, now_ms);
        } else if failure.remedy == Remedy::TimedOut && sent_ms >= self.congested_ms {
            // Fewer at once are answered sooner.
            self.congested_ms = now_ms + 1;
            self.width.congested();
        }
        if tried.lost + 1 >= MAX_TRIES || failure.remedy == Remedy::RetryLater {
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
}
