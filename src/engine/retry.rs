//! How often one request is tried, after which pauses, and when what was given up gets another chance.

use crate::model::summary::SummaryKey;

/// Tries of one request before it counts as failed. Refusals of an endpoint that is full or down cost none.
pub const MAX_TRIES: u32 = 6;
/// How long until what was given up after its last try gets new ones, at first, in milliseconds.
pub const FIRST_CHANCE_MS: u64 = 10 * 60_000;
/// The same at most: the time doubles while that is of no use.
const LAST_CHANCE_MS: u64 = 24 * 60 * 60_000;
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
pub struct Tried {
    /// How often it was sent.
    pub times: u32,
    /// How often it failed by its own fault.
    pub lost: u32,
    /// How long it had waited after the failure before, when it was sent last, in milliseconds.
    pub waited_ms: u64,
}

impl Tried {
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

/// New tries for what used all of its own: an endpoint that answers nothing of use for an hour must not cost a day.
#[derive(Clone, Copy, Debug)]
pub struct Chances {
    at_ms: Option<u64>,
    pause_ms: u64,
    taken_ms: u64,
}

impl Default for Chances {
    fn default() -> Self {
        Self {
            at_ms: None,
            pause_ms: FIRST_CHANCE_MS,
            taken_ms: 0,
        }
    }
}

impl Chances {
    /// When there is one (monotonic milliseconds).
    pub fn at_ms(&self) -> Option<u64> {
        self.at_ms
    }

    /// Something was given up.
    pub fn given_up(&mut self, now_ms: u64) {
        if self.at_ms.is_some() {
            return;
        }
        if now_ms > self.taken_ms + 2 * self.pause_ms {
            // The last time it was of use.
            self.pause_ms = FIRST_CHANCE_MS;
        }
        self.at_ms = Some(now_ms + self.pause_ms);
    }

    /// The endpoint answers again. What never gets an answer must not be asked about again at each such moment.
    pub fn healed(&mut self, now_ms: u64) {
        if self.pause_ms == FIRST_CHANCE_MS {
            self.at_ms = self.at_ms.map(|at_ms| at_ms.min(now_ms));
        }
    }

    /// It is taken now.
    pub fn taken(&mut self, now_ms: u64) {
        self.at_ms = None;
        self.taken_ms = now_ms;
        self.pause_ms = (self.pause_ms * 2).min(LAST_CHANCE_MS);
    }
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
                let tried = Tried {
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
        let tried = Tried {
            times: 1_000,
            lost: 0,
            waited_ms: 3_600_000,
        };
        let pause_ms = tried.pause_ms(SummaryKey(Digest([255; 16])));
        assert!(pause_ms <= 20_000, "{pause_ms}");
    }
}
