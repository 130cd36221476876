//! New tries for what used all of its own: an endpoint that answers nothing of use for an hour must not cost a day.
//!
//! Each request has its own time, so that one that never gets an answer is asked about ever more seldom, and takes
//! nobody else along.

use std::collections::{BTreeSet, HashMap};

use crate::model::summary::SummaryKey;

/// How long until what was given up gets new tries, at first, in milliseconds.
pub const FIRST_MS: u64 = 10 * 60_000;
/// The same at most: the time doubles while that is of no use.
const LAST_MS: u64 = 24 * 60 * 60_000;

/// What was given up.
#[derive(Debug, Default)]
pub struct LateRetries {
    /// How long each waits, from when it was given up last.
    pauses: HashMap<SummaryKey, Pause>,
    /// Those that wait, by the moment of their chance (monotonic milliseconds).
    due: BTreeSet<(u64, SummaryKey)>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    length_ms: u64,
    until_ms: u64,
}

impl LateRetries {
    /// When the next one gets its chance (monotonic milliseconds).
    pub fn at_ms(&self) -> Option<u64> {
        self.due.first().map(|(at_ms, _)| *at_ms)
    }

    /// It was given up, once more or for the first time.
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

    /// The endpoint answers again: whatever was given up for the first time gets its chance now. What never gets an
    /// answer must not be asked about again at each such moment.
    pub fn healed(&mut self, now_ms: u64) {
        for (&key, pause) in &mut self.pauses {
            if pause.length_ms == FIRST_MS && self.due.remove(&(pause.until_ms, key)) {
                pause.until_ms = pause.until_ms.min(now_ms);
                self.due.insert((pause.until_ms, key));
            }
        }
    }

    /// Those whose chance has come: they have it now.
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

    /// It has its words: whoever still stands there without may come for them now.
    pub fn answered(&mut self, key: SummaryKey, now_ms: u64) {
        if self.pauses.contains_key(&key) {
            self.forget(key);
            self.due.insert((now_ms, key));
        }
    }

    /// Nobody wants it any more.
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
    fn the_time_doubles_for_each_by_itself_and_not_without_end() {
        let mut chances = LateRetries::default();
        chances.given_up(ONE, 0);
        assert_eq!(chances.at_ms(), Some(FIRST_MS));
        assert!(chances.take(FIRST_MS - 1).is_empty());
        assert_eq!(chances.take(FIRST_MS), only(ONE));
        assert_eq!(chances.at_ms(), None);
        chances.given_up(ONE, FIRST_MS);
        chances.given_up(OTHER, FIRST_MS);
        assert_eq!(chances.take(2 * FIRST_MS), only(OTHER));
        assert_eq!(chances.at_ms(), Some(3 * FIRST_MS));
        for _ in 0..20 {
            chances.given_up(ONE, 0);
        }
        assert_eq!(chances.at_ms(), Some(LAST_MS));
        chances.answered(ONE, 7);
        assert_eq!(chances.at_ms(), Some(7), "others may want its words");
        assert_eq!(chances.take(7), only(ONE));
        // What comes later is another matter.
        chances.given_up(ONE, 0);
        assert_eq!(chances.at_ms(), Some(FIRST_MS));
        chances.forget(ONE);
        assert_eq!(chances.at_ms(), None);
    }

    #[test]
    fn an_endpoint_that_is_back_is_asked_at_once_what_it_was_not_asked_often() {
        let mut chances = LateRetries::default();
        chances.given_up(ONE, 0);
        chances.take(FIRST_MS);
        chances.given_up(ONE, FIRST_MS);
        chances.given_up(OTHER, FIRST_MS);
        chances.healed(FIRST_MS + 5);
        assert_eq!(chances.take(FIRST_MS + 5), only(OTHER));
        // Under way: nothing is there to be called forward.
        chances.healed(FIRST_MS + 6);
        assert_eq!(chances.at_ms(), Some(3 * FIRST_MS));
    }
}
