//! How often one request is tried, and after which pauses.

use crate::model::summary::SummaryKey;

/// Tries of one request before it counts as failed. Refusals of an endpoint that is full or down cost none.
pub const MAX_TRIES: u32 = 6;
/// The first pause after a failure, in milliseconds; it doubles with each further one.
const BACKOFF_MS: u64 = 500;
/// How often it doubles for one request.
const DOUBLINGS: u32 = 5;
/// The longest pause that is taken without being asked for, in milliseconds.
const MAX_BACKOFF_MS: u64 = 60_000;
/// Up to here each pause of a request is longer than the one before, whatever that came from, in milliseconds.
const GROWING_MS: u64 = 8_000;

/// What one request has behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How often it was sent.
    pub times: u32,
    /// How often it failed by its own fault.
    pub lost: u32,
    /// How long it had waited after the failure before, when it was sent last, in milliseconds.
    pub waited_ms: u64,
}

impl Attempts {
    /// How long to leave it alone now.
    pub fn pause_ms(&self, key: SummaryKey) -> u64 {
        let pause_ms = backoff_ms(self.times.saturating_sub(1).min(DOUBLINGS), key);
        pause_ms.max((self.waited_ms + self.waited_ms / 4).min(GROWING_MS))
    }
}

/// The pause after so many failures before this one: it doubles, with jitter that comes from the key, so that neither
/// chance nor a clock is needed and no two requests come back at the same moment.
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
    fn each_pause_is_longer_than_the_one_before_also_where_that_was_longer_than_asked() {
        for byte in [0, 7, 255] {
            let key = SummaryKey(Digest([byte; 16]));
            let mut waited_ms = 0;
            for times in 1..=5 {
                let tried = Attempts {
                    times,
                    lost: times - 1,
                    waited_ms,
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
    fn no_pause_grows_without_end() {
        let tried = Attempts {
            times: 1_000,
            lost: 0,
            waited_ms: 3_600_000,
        };
        let pause_ms = tried.pause_ms(SummaryKey(Digest([255; 16])));
        assert!(pause_ms <= 20_000, "{pause_ms}");
    }
}
