//! How many requests at once, and when not at all: the width, the shared pause, the breaker, the end of asking.

use crate::model::failure::{Failure, Remedy};
use crate::model::summary::SummaryKey;

/// Tries of one request before it counts as failed for good.
pub const MAX_ATTEMPTS: u32 = 6;
/// The first pause after a failure, in milliseconds; it doubles with each further one.
const BACKOFF_MS: u64 = 500;
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
}

/// The pace of asking.
#[derive(Debug)]
pub struct Pace {
    max_workers: usize,
    free_workers: usize,
    in_flight: usize,
    free_in_flight: usize,
    /// Nothing is sent before (monotonic milliseconds).
    paused_until_ms: u64,
    /// Failures in a row of an endpoint that is full or down; above 0, one request at a time probes.
    trouble: u32,
    stopped: Option<Failure>,
    last_trouble: Option<String>,
    file_ms: u64,
    directory_ms: u64,
    /// What was used.
    pub counters: Counters,
}

impl Pace {
    /// At most `max_workers` requests to the model, and `free_workers` summaries written on this machine, at once.
    pub fn new(max_workers: usize, free_workers: usize) -> Self {
        Self {
            max_workers: max_workers.max(1),
            free_workers: free_workers.max(1),
            in_flight: 0,
            free_in_flight: 0,
            paused_until_ms: 0,
            trouble: 0,
            stopped: None,
            last_trouble: None,
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
        if self.trouble > 0 {
            1
        } else {
            self.max_workers
        }
    }

    /// Why nothing at all is asked any more.
    pub fn stopped(&self) -> Option<&Failure> {
        self.stopped.as_ref()
    }

    /// What keeps the endpoint from answering now, where something does.
    pub fn trouble(&self) -> Option<&str> {
        self.last_trouble.as_deref().filter(|_| self.trouble > 0)
    }

    /// Whether one more may go now.
    pub fn has_room(&self, paid: bool, now_ms: u64) -> bool {
        if !paid {
            return self.free_in_flight < self.free_workers;
        }
        self.in_flight < self.width() && now_ms >= self.paused_until_ms
    }

    /// When the pause ends, if there is one (monotonic milliseconds).
    pub fn pause_ends_ms(&self, now_ms: u64) -> Option<u64> {
        (self.paused_until_ms > now_ms).then_some(self.paused_until_ms)
    }

    /// One went.
    pub fn sent(&mut self, paid: bool, again: bool) {
        if !paid {
            self.free_in_flight += 1;
            return;
        }
        self.in_flight += 1;
        self.counters.retried += u64::from(again);
    }

    /// One came back.
    pub fn returned(&mut self, paid: bool) {
        let count = if paid {
            &mut self.in_flight
        } else {
            &mut self.free_in_flight
        };
        *count = count.saturating_sub(1);
    }

    /// It came back with words, after so many milliseconds.
    pub fn succeeded(&mut self, is_file: bool, took_ms: u64) {
        self.trouble = 0;
        self.counters.succeeded += 1;
        let mean = if is_file {
            &mut self.file_ms
        } else {
            &mut self.directory_ms
        };
        // A moving mean over about eight answers: latencies drift with the endpoint's load.
        *mean = (*mean * 7 + took_ms.max(1)) / 8;
    }

    /// It came back without. Tells when to try again, or `None`: never.
    pub fn failed(
        &mut self,
        failure: &Failure,
        key: SummaryKey,
        attempts: u32,
        now_ms: u64,
    ) -> Option<u64> {
        let least = failure.retry_after_ms.unwrap_or(0);
        match failure.remedy {
            Remedy::Retry if attempts + 1 < MAX_ATTEMPTS => {
                Some(now_ms + backoff_ms(attempts, key).max(least))
            }
            Remedy::Slow | Remedy::Unreachable => {
                self.last_trouble = Some(failure.to_line());
                // What was sent before the pause began belongs to the same event: the pause doubles once for it.
                if now_ms >= self.paused_until_ms {
                    let pause = backoff_ms(self.trouble, key).max(least);
                    self.trouble += 1;
                    self.paused_until_ms = now_ms + pause;
                } else {
                    self.paused_until_ms = self.paused_until_ms.max(now_ms + least);
                }
                Some(self.paused_until_ms)
            }
            Remedy::Fatal => {
                self.stopped.get_or_insert_with(|| failure.clone());
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

    #[test]
    fn an_endpoint_that_is_down_is_probed_by_one_request_at_a_time() {
        let mut pace = Pace::new(10, 2);
        let down = Failure::new(Remedy::Unreachable, "connection refused");
        let at = pace.failed(&down, KEY, 0, 1_000).expect("tried again");
        assert!(at > 1_000);
        assert!(!pace.has_room(true, at - 1));
        assert!(pace.has_room(true, at));
        pace.sent(true, true);
        assert!(!pace.has_room(true, at), "only one probes");
        assert!(pace.has_room(false, at), "what is free goes on");
        pace.returned(true);
        pace.succeeded(true, 10);
        assert_eq!(pace.width(), 10);
    }

    #[test]
    fn ten_refusals_at_once_make_one_pause() {
        let mut pace = Pace::new(10, 2);
        let full = Failure::new(Remedy::Slow, "429");
        let first = pace.failed(&full, KEY, 0, 0);
        for _ in 0..9 {
            assert_eq!(pace.failed(&full, KEY, 0, 1), first);
        }
    }

    #[test]
    fn a_bad_answer_is_tried_a_bounded_number_of_times() {
        let mut pace = Pace::new(10, 2);
        let garbled = Failure::new(Remedy::Retry, "garbled");
        assert!(pace.failed(&garbled, KEY, MAX_ATTEMPTS - 2, 0).is_some());
        assert!(pace.failed(&garbled, KEY, MAX_ATTEMPTS - 1, 0).is_none());
    }
}
