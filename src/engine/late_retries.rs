//! Late retries after all attempts are exhausted: an outage of an hour must not cost a day.
//!
//! Each key has its own time, so that one that never succeeds is retried at growing intervals without affecting others.

use std::collections::{BTreeSet, HashMap};

use crate::model::summary::SummaryKey;

/// The first pause before a late retry, in milliseconds.
pub const FIRST_MS: u64 = 10 * 60_000;
/// The longest one: the pause doubles with each failure.
const LAST_MS: u64 = 24 * 60 * 60_000;

/// The keys that were given up.
#[derive(Debug, Default)]
pub struct LateRetries {
    /// The pause of each, since it was given up last.
    pauses: HashMap<SummaryKey, Pause>,
    /// Those that wait, by the time of their retry (monotonic milliseconds).
    due: BTreeSet<(u64, SummaryKey)>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    length_ms: u64,
    until_ms: u64,
}

impl LateRetries {
    /// When the next retry is due (monotonic milliseconds).
    pub fn at_ms(&self) -> Option<u64> {
        self.due.first().map(|(at_ms, _)| *at_ms)
    }

    /// Whether a retry of the key is due later.
    pub fn waits(&self, key: SummaryKey) -> bool {
        let pause = self.pauses.get(&key);
        pause.is_some_and(|pause| self.due.contains(&(pause.until_ms, key)))
    }

    /// Whether the key was given up and has not succeeded since.
    pub fn was_given_up(&self, key: SummaryKey) -> bool {
        self.pauses.contains_key(&key)
    }

    /// A key was given up, again or for the first time.
    pub fn given_up(&mut self, key: SummaryKey, now_ms: u64) {
        let length_ms = match self.pauses.get(&key) {
            Some(pause) => {
                self.due.remove(&(pause.until_ms, key));
                (pause.length_ms * 2).min(LAST_MS)
            }
            None => FIRST_MS,
        };
        let until_ms = now_ms + length_ms;
        let pause = Pause {
            length_ms,
            until_ms,
        };
        self.pauses.insert(key, pause);
        self.due.insert((until_ms, key));
    }

    /// The endpoint recovered: keys that were given up once are retried now. A key that never succeeds must not be
    /// retried at each recovery.
    pub fn healed(&mut self, now_ms: u64) {
        for (&key, pause) in &mut self.pauses {
            if pause.length_ms == FIRST_MS && self.due.remove(&(pause.until_ms, key)) {
                pause.until_ms = pause.until_ms.min(now_ms);
                self.due.insert((pause.until_ms, key));
            }
        }
    }

    /// Takes the keys whose retry is due.
    pub fn take(&mut self, now_ms: u64) -> BTreeSet<SummaryKey> {
        let mut taken = BTreeSet::new();
        while let Some(&(at_ms, key)) = self.due.first()
            && at_ms <= now_ms
        {
            self.due.pop_first();
            taken.insert(key);
        }
        taken
    }

    /// The key has its summary: nodes that are still without may look it up now.
    pub fn summarized(&mut self, key: SummaryKey, now_ms: u64) {
        if self.pauses.contains_key(&key) {
            self.forget(key);
            self.due.insert((now_ms, key));
        }
    }

    /// No node needs the key any more.
    pub fn forget(&mut self, key: SummaryKey) {
        if let Some(pause) = self.pauses.remove(&key) {
            self.due.remove(&(pause.until_ms, key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;

    const ONE: SummaryKey = SummaryKey(Digest([1; 16]));
    const OTHER: SummaryKey = SummaryKey(Digest([2; 16]));

    fn only(key: SummaryKey) -> BTreeSet<SummaryKey> {
        BTreeSet::from([key])
    }

    #[test]
    fn the_pause_doubles_for_each_key_up_to_a_day() {
        let mut retries = LateRetries::default();
        retries.given_up(ONE, 0);
        assert_eq!(retries.at_ms(), Some(FIRST_MS));
        assert!(retries.take(FIRST_MS - 1).is_empty());
        assert_eq!(retries.take(FIRST_MS), only(ONE));
        assert_eq!(retries.at_ms(), None);
        retries.given_up(ONE, FIRST_MS);
        retries.given_up(OTHER, FIRST_MS);
        assert_eq!(retries.take(2 * FIRST_MS), only(OTHER));
        assert_eq!(retries.at_ms(), Some(3 * FIRST_MS));
        for _ in 0..20 {
            retries.given_up(ONE, 0);
        }
        assert_eq!(retries.at_ms(), Some(LAST_MS));
        retries.summarized(ONE, 7);
        assert_eq!(retries.at_ms(), Some(7), "other nodes may need its summary");
        assert_eq!(retries.take(7), only(ONE));
        // A later failure starts again.
        retries.given_up(ONE, 0);
        assert_eq!(retries.at_ms(), Some(FIRST_MS));
        retries.forget(ONE);
        assert_eq!(retries.at_ms(), None);
    }

    #[test]
    fn after_a_recovery_keys_that_failed_once_are_retried_at_once() {
        let mut retries = LateRetries::default();
        retries.given_up(ONE, 0);
        retries.take(FIRST_MS);
        retries.given_up(ONE, FIRST_MS);
        retries.given_up(OTHER, FIRST_MS);
        retries.healed(FIRST_MS + 5);
        assert_eq!(retries.take(FIRST_MS + 5), only(OTHER));
        // It is in flight: there is no retry to bring forward.
        retries.healed(FIRST_MS + 6);
        assert_eq!(retries.at_ms(), Some(3 * FIRST_MS));
    }
}
