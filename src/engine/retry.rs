//! The attempts of one request and the pauses between them.

use crate::model::failure::Remedy;
use crate::model::summary::SummaryKey;

/// Attempts of one request before it fails. Refusals by an endpoint that is full or down cost none.
pub const MAX_TRIES: u32 = 6;
/// The first pause after a failure, in milliseconds; it doubles with each further failure.
const BACKOFF_MS: u64 = 500;
/// The doublings for one request.
const DOUBLINGS: u32 = 5;
/// The longest pause that the endpoint did not request, in milliseconds.
const MAX_BACKOFF_MS: u64 = 60_000;
/// Up to here each pause of a request is longer than the one before, in milliseconds.
const GROWING_MS: u64 = 8_000;

/// The history of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How often it was sent.
    pub times: u32,
    /// Attempts that it lost.
    pub lost: u32,
    /// The pause before it was sent last, in milliseconds.
    pub waited_ms: u64,
    /// How often the endpoint refused it as full or unreachable.
    pub refused: u32,
    /// When that happened first (monotonic milliseconds).
    pub refused_ms: u64,
}

impl Attempts {
    /// The history after one more failure.
    pub fn failed(mut self, remedy: Remedy, costs_a_try: bool, now_ms: u64) -> Self {
        self.lost += u32::from(costs_a_try);
        if matches!(remedy, Remedy::Throttled | Remedy::Unreachable) {
            if self.refused == 0 {
                self.refused_ms = now_ms;
            }
            self.refused += 1;
        }
        self
    }

    /// The pause before the next attempt.
    pub fn pause_ms(&self, key: SummaryKey) -> u64 {
        let pause_ms = backoff_ms(self.times.saturating_sub(1).min(DOUBLINGS), key);
        pause_ms.max((self.waited_ms + self.waited_ms / 4).min(GROWING_MS))
    }
}

/// Exponential back-off after so many earlier failures. The jitter comes from the key, so that neither randomness nor a
/// clock is needed and no two requests return at the same moment.
pub fn backoff_ms(failures: u32, key: SummaryKey) -> u64 {
    let full = (BACKOFF_MS << failures.min(16)).min(MAX_BACKOFF_MS);
    let grain = u64::from(key.0.0[(failures % 16) as usize]);
    full * 3 / 4 + full / 2 * grain / 255
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;

    #[test]
    fn each_pause_is_longer_than_the_one_before_even_if_the_queue_prolonged_that() {
        for byte in [0, 7, 255] {
            let key = SummaryKey(Digest([byte; 16]));
            let mut waited_ms = 0;
            for times in 1..=5 {
                let tried = Attempts {
                    times,
                    lost: times - 1,
                    waited_ms,
                    ..Attempts::default()
                };
                let pause_ms = tried.pause_ms(key);
                assert!(
                    pause_ms > waited_ms,
                    "{times}: {pause_ms} after {waited_ms}"
                );
                // The queue adds to it now and then.
                waited_ms = pause_ms + u64::from(times % 2) * 300;
            }
        }
    }

    #[test]
    fn no_pause_grows_without_bound() {
        let tried = Attempts {
            times: 1_000,
            lost: 0,
            waited_ms: 3_600_000,
            ..Attempts::default()
        };
        let pause_ms = tried.pause_ms(SummaryKey(Digest([255; 16])));
        assert!(pause_ms <= 20_000, "{pause_ms}");
    }
}
