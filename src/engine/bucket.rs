//! A token bucket for one of the endpoint's limits per minute, kept on this side so that the endpoint need not refuse.
//!
//! What the endpoint reports as remaining is compared with the bucket's level when that request was sent: only this side
//! knows what was spent and refilled since.

use crate::model::limits::Limit;

/// The window of a limit, in milliseconds.
const MINUTE_MS: f64 = 60_000.0;
/// The share of the limit that is used: a clock that differs from the endpoint's must not cost a refusal.
const SHARE: f64 = 0.98;
/// The burst of a limit that the endpoint does not report: with the share above, no minute sees more than the limit, and
/// no second more than a second's worth and a half, however the endpoint counts.
const BLIND_BURST: f64 = 1.0 / 120.0;

/// An estimate that is too high by more than `SURELY` lowers the correction by `FORGET`.
const SURELY: f64 = 0.05;
const FORGET: f64 = 0.05;

/// A token bucket; it refills at the limit's rate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// A window's worth; 0: no limit is known.
    capacity: f64,
    /// The endpoint's window, if it is not a minute.
    window_ms: Option<f64>,
    level: f64,
    at_ms: u64,
    /// Spent by requests in flight.
    in_flight: f64,
    /// The sum of all corrections by the endpoint's reports.
    corrected: f64,
    /// Whether the endpoint has reported what remains.
    reported: bool,
    /// The configured limit; 0: none.
    set: f64,
    /// Amounts are estimates: the endpoint may count more.
    guessed: bool,
    /// The share by which it counted more recently.
    short: f64,
}

/// The bucket's state when a request was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    amount: f64,
    /// The level after it, before any correction.
    left: f64,
    /// Spent by other requests in flight.
    others: f64,
}

impl Bucket {
    /// A configured limit; 0: none. The endpoint's reports can only lower it.
    pub fn of(limit: u64) -> Self {
        let capacity = limit as f64;
        Self {
            capacity,
            set: capacity,
            level: (capacity * BLIND_BURST).max(1.0),
            ..Self::default()
        }
    }

    /// The same for amounts that are estimates, such as a prompt's tokens.
    pub fn of_guesses(limit: u64) -> Self {
        Self {
            guessed: true,
            ..Self::of(limit)
        }
    }

    fn fill(&mut self, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.at_ms) as f64;
        self.level = (self.level + passed_ms * self.rate()).min(self.burst());
        self.at_ms = self.at_ms.max(now_ms);
    }

    /// The refill per millisecond.
    fn rate(&self) -> f64 {
        self.capacity * SHARE / self.window_ms.unwrap_or(MINUTE_MS)
    }

    /// The burst.
    fn burst(&self) -> f64 {
        match self.reported {
            true => self.capacity,
            false => (self.capacity * BLIND_BURST).max(1.0),
        }
    }

    /// When `amount` can be spent (monotonic milliseconds): now or later. An amount above the burst waits for a full
    /// bucket.
    pub fn ready_ms(&mut self, amount: f64, now_ms: u64) -> u64 {
        if self.capacity == 0.0 {
            return now_ms;
        }
        self.fill(now_ms);
        let missing = (amount * (1.0 + self.short)).min(self.burst()) - self.level;
        if missing <= 0.0 {
            return now_ms;
        }
        now_ms + (missing / self.rate()).ceil() as u64
    }

    /// How many spends of `amount` are free now, and the milliseconds of each further one.
    pub fn pace_of(mut self, amount: f64, now_ms: u64) -> (f64, f64) {
        if self.capacity == 0.0 || amount <= 0.0 {
            return (f64::INFINITY, 0.0);
        }
        self.fill(now_ms);
        ((self.level / amount).max(0.0), amount / self.rate())
    }

    /// Spends for a request that is sent.
    pub fn spend(&mut self, amount: f64) -> Spent {
        let amount = amount * (1.0 + self.short);
        let others = self.in_flight;
        self.in_flight += amount;
        self.level -= amount;
        Spent {
            amount,
            left: self.level - self.corrected,
            others,
        }
    }

    /// The request returned and cost `really`; `None`: it was refused. `report`: the limit as the endpoint reports it.
    pub fn returned(&mut self, spent: Spent, really: Option<f64>, report: Limit, now_ms: u64) {
        self.in_flight = (self.in_flight - spent.amount).max(0.0);
        self.fill(now_ms);
        self.level += match really {
            None => spent.amount,
            // What remains shows what was charged, too.
            Some(_) if self.reported => 0.0,
            Some(really) => spent.amount - really,
        };
        let limit = report
            .limit
            .filter(|&limit| limit > 0)
            .map(|limit| limit as f64);
        if let Some(limit) = limit.filter(|&limit| self.set == 0.0 || limit <= self.set) {
            self.capacity = limit;
            self.window_ms = window_ms(report);
            if let Some(remaining) = report.remaining {
                self.compare(spent, really.is_none(), remaining as f64);
            }
        } else if let Some(remaining) = report.remaining.filter(|_| self.capacity > 0.0) {
            self.level = self.level.min(remaining as f64);
        }
        self.level = self.level.min(self.burst());
    }

    /// The endpoint reports what remained after the request.
    fn compare(&mut self, spent: Spent, refused: bool, remaining: f64) {
        if !self.reported {
            self.reported = true;
            // Requests in flight may be counted in it or not: the safe assumption is that they are not.
            let level = remaining - self.in_flight;
            self.corrected += level - self.level;
            self.level = level;
            return;
        }
        let not_taken = if refused { spent.amount } else { 0.0 };
        let error = remaining - (spent.left + self.corrected + not_taken);
        if self.guessed && !refused && spent.amount > 0.0 {
            if error < -1.0 {
                let guess = spent.amount / (1.0 + self.short);
                self.short = ((spent.amount - error) / guess - 1.0).clamp(self.short, 1.0);
            } else if error > spent.amount * SURELY {
                self.short *= 1.0 - FORGET;
            }
        }
        let correction = if error < 0.0 {
            error
        } else {
            // Concurrent requests may have arrived later: only what is beyond them truly remains.
            (error - spent.others).max(0.0)
        };
        self.level += correction;
        self.corrected += correction;
    }
}

/// The window of a limit that takes more than a minute to be renewed: it is not one per minute.
fn window_ms(report: Limit) -> Option<f64> {
    let (limit, remaining) = (report.limit? as f64, report.remaining? as f64);
    let reset_ms = report.reset_ms.filter(|&ms| ms as f64 > MINUTE_MS)? as f64;
    let used = limit - remaining;
    (used > 0.0).then(|| (reset_ms * limit / used).max(MINUTE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The endpoint's own bucket.
    struct Endpoint {
        limit: f64,
        level: f64,
        at_ms: u64,
    }

    impl Endpoint {
        fn new(limit: f64, burst: f64) -> Self {
            Self {
                limit,
                level: burst,
                at_ms: 0,
            }
        }

        /// A request: what remains, or `None` if it is refused.
        fn take(&mut self, amount: f64, now_ms: u64, burst: f64) -> Option<u64> {
            let passed = (now_ms - self.at_ms) as f64;
            self.level = (self.level + passed * self.limit / MINUTE_MS).min(burst);
            self.at_ms = now_ms;
            self.level -= amount;
            if self.level < 0.0 {
                self.level += amount;
                return None;
            }
            Some(self.level as u64)
        }
    }

    fn report_of(limit: f64, remaining: u64) -> Limit {
        Limit {
            limit: Some(limit as u64),
            remaining: Some(remaining),
            reset_ms: None,
        }
    }

    #[test]
    fn without_a_limit_no_request_waits() {
        let mut bucket = Bucket::of(0);
        bucket.spend(1e9);
        assert_eq!(bucket.ready_ms(1.0, 5), 5);
    }

    #[test]
    fn no_minute_exceeds_a_limit_that_the_endpoint_does_not_report() {
        let mut bucket = Bucket::of(300);
        // Also after a long idle time.
        let mut now_ms = 600_000;
        let mut times = Vec::new();
        while now_ms < 720_000 {
            now_ms = bucket.ready_ms(1.0, now_ms);
            bucket.spend(1.0);
            times.push(now_ms);
        }
        for (at, &begin) in times.iter().enumerate() {
            let within = times[at..]
                .iter()
                .take_while(|&&time| time < begin + 60_000);
            assert!(within.count() <= 300);
        }
        assert!(times.len() > 580, "{}", times.len());
    }

    /// Whatever the endpoint's burst and latency: its limit is used up to the share, and it never refuses after its
    /// first report.
    #[test]
    fn an_endpoint_that_reports_what_remains_never_refuses_and_is_used() {
        for (limit, amount) in [(300.0, 1.0), (60_000.0, 700.0)] {
            for burst_share in [1.0 / 20.0, 1.0] {
                for latency_ms in [30, 900] {
                    let burst = limit * burst_share;
                    let mut endpoint = Endpoint::new(limit, burst);
                    let mut bucket = Bucket::of(0);
                    let mut under_way: Vec<(u64, Spent, Option<u64>)> = Vec::new();
                    let (mut sent, mut refused) = (0.0, 0);
                    for now_ms in 0..240_000 {
                        let (back, still) = under_way
                            .into_iter()
                            .partition(|(sent_ms, ..)| sent_ms + latency_ms <= now_ms);
                        under_way = still;
                        for (_, spent, remaining) in back {
                            let report = report_of(limit, remaining.unwrap_or(0));
                            let really = remaining.map(|_| amount / 2.0);
                            bucket.returned(spent, really, report, now_ms);
                        }
                        while under_way.len() < 10 && bucket.ready_ms(amount, now_ms) == now_ms {
                            let spent = bucket.spend(amount);
                            let remaining = endpoint.take(amount, now_ms, burst);
                            match remaining {
                                Some(_) => sent += amount,
                                // The first ones are sent before anything is known.
                                None => refused += usize::from(now_ms > 0),
                            }
                            under_way.push((now_ms, spent, remaining));
                        }
                    }
                    let all =
                        (limit * 4.0 + burst).min(amount * 10.0 * 240_000.0 / latency_ms as f64);
                    let name = format!("{limit} {burst_share} {latency_ms}: {sent} of {all}");
                    assert!(sent > all * 0.93, "{name}");
                    assert_eq!(refused, 0, "{name}");
                }
            }
        }
    }

    /// The endpoint counts a third more than was estimated.
    #[test]
    fn estimates_that_are_too_low_are_corrected() {
        let (limit, guess, really) = (60_000.0, 600.0, 800.0);
        let mut endpoint = Endpoint::new(limit, limit);
        let mut bucket = Bucket::of_guesses(0);
        let (mut taken, mut refused) = (0.0, 0);
        let mut now_ms = 0;
        while now_ms < 240_000 {
            now_ms = bucket.ready_ms(guess, now_ms);
            // Once more, as the loop does when it wakes.
            assert_eq!(bucket.ready_ms(guess, now_ms), now_ms);
            let spent = bucket.spend(guess);
            let remaining = endpoint.take(really, now_ms, limit);
            now_ms += 20;
            match remaining {
                Some(_) => taken += really,
                None => refused += 1,
            }
            bucket.returned(
                spent,
                remaining.map(|_| really),
                report_of(limit, remaining.unwrap_or(0)),
                now_ms,
            );
        }
        assert!(taken > limit * 5.0 * 0.93, "{taken}");
        assert!(refused <= 2, "{refused}");
    }

    #[test]
    fn other_users_of_the_same_limit_are_noticed() {
        let mut bucket = Bucket::of(0);
        let spent = bucket.spend(1.0);
        bucket.returned(spent, Some(1.0), report_of(300.0, 200), 10);
        assert_eq!(bucket.ready_ms(1.0, 990), 990);
        let spent = bucket.spend(1.0);
        bucket.returned(spent, Some(1.0), report_of(300.0, 0), 1_000);
        let ready_ms = bucket.ready_ms(1.0, 1_000);
        assert!((1_010..1_300).contains(&ready_ms), "{ready_ms}");
    }

    #[test]
    fn a_configured_limit_is_not_raised_by_the_endpoint() {
        let mut bucket = Bucket::of(60);
        let spent = bucket.spend(1.0);
        bucket.returned(spent, Some(1.0), report_of(3_000.0, 2_990), 0);
        let ready_ms = bucket.ready_ms(1.0, 0);
        assert!((900..1_100).contains(&ready_ms), "{ready_ms}");
        let mut bucket = Bucket::of(3_000);
        let spent = bucket.spend(1.0);
        bucket.returned(spent, Some(1.0), report_of(60.0, 0), 0);
        let ready_ms = bucket.ready_ms(1.0, 0);
        assert!((900..1_100).contains(&ready_ms), "{ready_ms}");
    }

    #[test]
    fn a_daily_limit_is_not_taken_for_one_per_minute() {
        let mut bucket = Bucket::of(0);
        let spent = bucket.spend(1.0);
        let report = Limit {
            limit: Some(14_400),
            remaining: Some(0),
            reset_ms: Some(86_400_000),
        };
        bucket.returned(spent, Some(1.0), report, 0);
        let ready_ms = bucket.ready_ms(1.0, 0);
        assert!((6_000..6_300).contains(&ready_ms), "{ready_ms}");
    }
}
