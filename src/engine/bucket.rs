//! A limit per minute, kept from this side: so that the endpoint never has to refuse.

use crate::model::limits::Limit;

/// Milliseconds in which a limit is renewed.
const MINUTE_MS: f64 = 60_000.0;
/// How much of the limit is used: a clock that differs from the endpoint's must not cost a refusal.
const SHARE: f64 = 0.98;

/// What may still be spent. It fills all the time, at the limit's rate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// A minute's worth; 0: no limit is known.
    capacity: f64,
    level: f64,
    at_ms: u64,
    /// Spent by requests that the endpoint's last word may not have counted yet.
    in_flight: f64,
    /// Whether the endpoint has told how much is left.
    heard: bool,
}

impl Bucket {
    /// A limit that is known beforehand; 0: none.
    pub fn of(limit: u64) -> Self {
        let capacity = limit as f64;
        Self {
            capacity,
            // The first seconds tell how full the endpoint's own bucket is; until then a sixth has to do.
            level: capacity / 6.0,
            ..Self::default()
        }
    }

    fn fill(&mut self, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.at_ms) as f64;
        self.level = (self.level + passed_ms * self.rate()).min(self.capacity);
        self.at_ms = self.at_ms.max(now_ms);
    }

    /// What comes in each millisecond.
    fn rate(&self) -> f64 {
        self.capacity * SHARE / MINUTE_MS
    }

    /// When `amount` can be spent (monotonic milliseconds): now or later. An amount above a minute's worth waits for
    /// a full bucket.
    pub fn ready_ms(&mut self, amount: f64, now_ms: u64) -> u64 {
        if self.capacity == 0.0 {
            return now_ms;
        }
        self.fill(now_ms);
        let missing = amount.min(self.capacity) - self.level;
        if missing <= 0.0 {
            return now_ms;
        }
        now_ms + (missing / self.rate()).ceil() as u64
    }

    /// Spends, when the request goes.
    pub fn spend(&mut self, amount: f64) {
        self.in_flight += amount;
        self.level -= amount;
    }

    /// The request came back; it had been thought to cost `amount`, and cost `really`. `said`: what the endpoint
    /// tells of the limit.
    pub fn returned(&mut self, amount: f64, really: f64, said: Limit, now_ms: u64) {
        self.in_flight = (self.in_flight - amount).max(0.0);
        self.fill(now_ms);
        self.level += amount - really;
        if let Some(limit) = said.limit.filter(|&limit| limit > 0) {
            self.capacity = limit as f64;
        }
        if let Some(remaining) = said.remaining.filter(|_| self.capacity > 0.0) {
            let remaining = remaining as f64;
            self.level = if self.heard {
                // What is under way may be counted in it or not: the lesser of both beliefs is the safe one.
                self.level.min(remaining)
            } else {
                remaining - self.in_flight
            };
            self.heard = true;
        }
        self.level = self.level.min(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_limit_nothing_waits() {
        let mut bucket = Bucket::of(0);
        bucket.spend(1e9);
        assert_eq!(bucket.ready_ms(1.0, 5), 5);
    }

    #[test]
    fn a_minute_lets_a_minutes_worth_through() {
        let mut bucket = Bucket::of(300);
        let mut now_ms = 0;
        let mut sent = 0;
        while now_ms < 60_000 {
            now_ms = bucket.ready_ms(1.0, now_ms);
            bucket.spend(1.0);
            sent += 1;
        }
        // The start's sixth, and what came in a minute.
        assert!((330..=346).contains(&sent), "{sent}");
    }

    #[test]
    fn the_endpoints_word_counts() {
        let mut bucket = Bucket::of(0);
        bucket.spend(1.0);
        let said = Limit {
            limit: Some(60),
            remaining: Some(0),
            reset_ms: None,
        };
        bucket.returned(1.0, 1.0, said, 1_000);
        let ready_ms = bucket.ready_ms(1.0, 1_000);
        assert!((1_900..2_200).contains(&ready_ms), "{ready_ms}");
    }
}
