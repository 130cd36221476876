//! How many requests at once: additive increase, multiplicative decrease, once for each event of congestion.
//!
//! An endpoint without headers tells where its end is by refusing only. So the width that was refused is kept in mind,
//! and tried again ever more seldom while it keeps being refused.

/// The width that a run begins with; above it, it has to be earned.
const FIRST: f64 = 10.0;
/// By how much an answer widens it until something was refused or late: by half for each whole width of answers, so that
/// an end that nobody told of is overshot by no more than that.
const RAMP: f64 = 0.5;
/// What is left of the width after an event of congestion.
const DECREASE: f64 = 0.7;
/// Answers before a width that was refused is tried again, at first and at most.
const PROBE_AFTER: (u32, u32) = (32, 2_048);

/// The width.
#[derive(Clone, Copy, Debug)]
pub struct Concurrency {
    now: f64,
    ceiling: f64,
    /// Whether the endpoint ever had more to do than it liked.
    met_end: bool,
    /// The least width that was refused of late.
    refused: Option<usize>,
    /// Answers since then.
    clean: u32,
    /// How many there have to be before it is tried again.
    patience: u32,
}

impl Concurrency {
    /// A width that never exceeds `ceiling`, which is at least 1.
    pub fn up_to(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1) as f64;
        Self {
            now: FIRST.min(ceiling),
            ceiling,
            met_end: false,
            refused: None,
            clean: 0,
            patience: PROBE_AFTER.0,
        }
    }

    /// How many may be under way.
    pub fn get(&self) -> usize {
        (self.now as usize).max(1)
    }

    /// An answer came; so many are under way besides.
    pub fn answered(&mut self, others: usize) {
        self.clean = self.clean.saturating_add(1);
        // Where the width was not used, nothing is proven.
        if others + 1 < self.get() {
            return;
        }
        // Once the end was met, one more for a whole width of answers.
        let step = if self.met_end { 1.0 / self.now } else { RAMP };
        let next = (self.now + step).min(self.ceiling);
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

    /// The endpoint has more to do than it likes.
    pub fn congested(&mut self) {
        let width = self.get();
        self.patience = match self.refused {
            Some(refused) if width >= refused => (self.patience * 2).min(PROBE_AFTER.1),
            _ => PROBE_AFTER.0,
        };
        self.met_end = true;
        self.refused = Some(width).filter(|&width| width > 1);
        self.clean = 0;
        self.now = (width as f64 * DECREASE).floor().max(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_where_it_is_used_and_never_above_the_ceiling() {
        let mut width = Concurrency::up_to(10);
        width.congested();
        assert_eq!(width.get(), 7);
        width.answered(0);
        assert_eq!(width.get(), 7, "nothing was under way: nothing is proven");
        for _ in 0..1_000 {
            width.answered(width.get() - 1);
        }
        assert_eq!(width.get(), 10);
        let mut width = Concurrency::up_to(40);
        for _ in 0..2_000 {
            width.answered(width.get() - 1);
        }
        assert_eq!(width.get(), 40);
        assert_eq!(Concurrency::up_to(3).get(), 3);
    }

    /// Each in flight is answered, and then as many go as the width allows: how many rounds to the ceiling?
    #[test]
    fn a_wide_ceiling_is_reached_in_a_few_rounds_where_nothing_is_refused() {
        let mut width = Concurrency::up_to(200);
        let mut rounds = 0;
        while width.get() < 200 {
            for _ in 0..width.get() {
                width.answered(width.get() - 1);
            }
            rounds += 1;
        }
        assert!(rounds <= 8, "{rounds}");
    }

    /// An endpoint that takes forty at once and refuses the rest, of a width that was wide open to two hundred.
    #[test]
    fn an_end_on_the_way_up_is_overshot_by_half_at_most() {
        let mut width = Concurrency::up_to(200);
        let mut refused = 0;
        for _ in 0..100 {
            let sent = width.get();
            for _ in 0..sent.min(40) {
                // The next goes at once.
                width.answered(width.get() - 1);
            }
            if sent > 40 {
                refused += sent - 40;
                width.congested();
            }
        }
        assert!((28..=42).contains(&width.get()), "{}", width.get());
        assert!(refused <= 40, "{refused}");
    }

    /// An endpoint that takes two at once and refuses the third.
    #[test]
    fn an_end_that_shows_by_refusals_only_is_found_and_seldom_run_into() {
        let mut width = Concurrency::up_to(10);
        let mut refused = 0;
        for _ in 0..1_000 {
            if width.get() > 2 {
                refused += width.get() - 2;
                width.congested();
            } else {
                width.answered(width.get() - 1);
            }
        }
        assert_eq!(width.get(), 2);
        // Ten, seven and four at once; then the third of three, ever more seldom.
        assert!(refused <= 8 + 5 + 2 + 6, "{refused}");
    }

    #[test]
    fn an_end_that_moves_away_is_followed() {
        let mut width = Concurrency::up_to(10);
        for _ in 0..4 {
            width.congested();
        }
        assert!(width.get() <= 2);
        for _ in 0..400 {
            width.answered(width.get() - 1);
        }
        assert_eq!(width.get(), 10);
    }
}
