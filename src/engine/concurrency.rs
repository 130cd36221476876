//! The concurrency limit: AIMD, with one decrease for each congestion event.
//!
//! An endpoint without headers shows its limit only by refusals. So the refused limit is remembered and probed at growing
//! intervals while it keeps being refused.

/// The limit that a run starts with.
const FIRST: f64 = 10.0;
/// The increase per response until the first refusal or timeout. The limit grows by half in one round of responses, so an
/// unknown limit is overshot by at most that.
const RAMP: f64 = 0.5;
/// The share of the limit that is left after a congestion event.
const DECREASE: f64 = 0.7;
/// Responses before a refused limit is probed again, at first and at most.
const PROBE_AFTER: (u32, u32) = (32, 2_048);

/// The limit.
#[derive(Clone, Copy, Debug)]
pub struct Concurrency {
    now: f64,
    ceiling: f64,
    /// More than these do not raise throughput.
    useful: f64,
    /// Whether there ever was congestion.
    met_end: bool,
    /// The least limit that was refused recently.
    refused: Option<usize>,
    /// Responses since then.
    clean: u32,
    /// How many there have to be before it is probed.
    patience: u32,
}

impl Concurrency {
    /// A limit that never exceeds `ceiling`, which is at least 1.
    pub fn up_to(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1) as f64;
        Self {
            now: FIRST.min(ceiling),
            ceiling,
            useful: f64::INFINITY,
            met_end: false,
            refused: None,
            clean: 0,
            patience: PROBE_AFTER.0,
        }
    }

    /// The requests that may be in flight.
    pub fn get(&self) -> usize {
        (self.now as usize).max(1)
    }

    /// The endpoint bounds the requests at once.
    pub fn limit(&mut self, requests: u32) {
        self.ceiling = self.ceiling.min(f64::from(requests.max(1)));
        self.now = self.now.min(self.ceiling);
    }

    /// More requests than these do not raise throughput.
    pub fn use_up_to(&mut self, requests: usize) {
        self.useful = requests.max(1) as f64;
        self.now = self.useful.min(self.ceiling);
    }

    /// A response came while `others` more requests are in flight.
    pub fn responded(&mut self, others: usize) {
        self.clean = self.clean.saturating_add(1);
        // An unused limit proves nothing.
        if others + 1 < self.get() {
            return;
        }
        // After congestion, one more for as many responses as the limit.
        let step = if self.met_end { 1.0 / self.now } else { RAMP };
        let next = (self.now + step).min(self.ceiling).min(self.useful);
        if let Some(refused) = self.refused
            && next as usize >= refused
        {
            if self.clean < self.patience {
                return;
            }
            if self.get() > refused {
                self.refused = None;
                self.patience = PROBE_AFTER.0;
            }
        }
        self.now = next;
    }

    /// The endpoint is overloaded.
    pub fn congested(&mut self) {
        let limit = self.get();
        self.patience = match self.refused {
            Some(refused) if limit >= refused => (self.patience * 2).min(PROBE_AFTER.1),
            _ => PROBE_AFTER.0,
        };
        self.met_end = true;
        self.refused = Some(limit).filter(|&limit| limit > 1);
        self.clean = 0;
        self.now = (limit as f64 * DECREASE).floor().max(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_recovers_when_it_is_used_and_never_exceeds_the_ceiling() {
        let mut limit = Concurrency::up_to(10);
        limit.congested();
        assert_eq!(limit.get(), 7);
        limit.responded(0);
        assert_eq!(limit.get(), 7, "an unused limit proves nothing");
        for _ in 0..1_000 {
            limit.responded(limit.get() - 1);
        }
        assert_eq!(limit.get(), 10);
        let mut limit = Concurrency::up_to(40);
        for _ in 0..2_000 {
            limit.responded(limit.get() - 1);
        }
        assert_eq!(limit.get(), 40);
        assert_eq!(Concurrency::up_to(3).get(), 3);
    }

    /// All requests in flight return, then as many are sent as the limit allows: how many rounds to the ceiling?
    #[test]
    fn a_high_ceiling_is_reached_in_a_few_rounds_without_refusals() {
        let mut limit = Concurrency::up_to(200);
        let mut rounds = 0;
        while limit.get() < 200 {
            for _ in 0..limit.get() {
                limit.responded(limit.get() - 1);
            }
            rounds += 1;
        }
        assert!(rounds <= 8, "{rounds}");
    }

    /// An endpoint that accepts forty at once and refuses the rest, below a ceiling of two hundred.
    #[test]
    fn an_unknown_limit_is_overshot_by_half_at_most() {
        let mut limit = Concurrency::up_to(200);
        let mut refused = 0;
        for _ in 0..100 {
            let sent = limit.get();
            for _ in 0..sent.min(40) {
                // The next goes at once.
                limit.responded(limit.get() - 1);
            }
            if sent > 40 {
                refused += sent - 40;
                limit.congested();
            }
        }
        assert!((28..=42).contains(&limit.get()), "{}", limit.get());
        assert!(refused <= 40, "{refused}");
    }

    /// An endpoint that accepts two at once and refuses the third.
    #[test]
    fn a_limit_that_shows_by_refusals_only_is_found_and_seldom_hit() {
        let mut limit = Concurrency::up_to(10);
        let mut refused = 0;
        for _ in 0..1_000 {
            if limit.get() > 2 {
                refused += limit.get() - 2;
                limit.congested();
            } else {
                limit.responded(limit.get() - 1);
            }
        }
        assert_eq!(limit.get(), 2);
        // Ten, seven and four at once; then the third of three, at growing intervals.
        assert!(refused <= 8 + 5 + 2 + 6, "{refused}");
    }

    #[test]
    fn a_limit_that_rises_is_followed() {
        let mut limit = Concurrency::up_to(10);
        for _ in 0..4 {
            limit.congested();
        }
        assert!(limit.get() <= 2);
        for _ in 0..400 {
            limit.responded(limit.get() - 1);
        }
        assert_eq!(limit.get(), 10);
    }
}
