//! The tokens and money that requests cost.

/// What a number of requests used, as the endpoint counts it, and what was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests sent, including refused ones, because endpoints count them.
    pub requests: u64,
    /// Input tokens, including cached ones.
    pub prompt_tokens: u64,
    /// Output tokens, including reasoning.
    pub completion_tokens: u64,
    /// Input tokens that the endpoint had cached, and bills for less.
    pub cached_tokens: u64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: u64,
    /// Requests among them that were retries.
    pub retries: u64,
    /// Responses that confirmed the earlier summary.
    pub unchanged: u64,
    /// Directories that were skipped because of that.
    pub spared: u64,
    /// Billionths of the prices' currency, at the prices of the time; 0 without prices.
    pub cost_nanos: u64,
}

impl Usage {
    /// The sum; saturates.
    pub fn plus(self, other: Self) -> Self {
        let mut sum = self.counts();
        for (sum, more) in sum.iter_mut().zip(other.counts()) {
            *sum = sum.saturating_add(more);
        }
        Self::of_counts(&sum)
    }

    /// Input and output tokens.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// All counts. Their order is a format: append new ones.
    pub fn counts(&self) -> [u64; 9] {
        [
            self.requests,
            self.prompt_tokens,
            self.completion_tokens,
            self.cached_tokens,
            self.reasoning_tokens,
            self.retries,
            self.unchanged,
            self.spared,
            self.cost_nanos,
        ]
    }

    /// The inverse of [`Usage::counts`]: missing counts are 0, and counts of later versions are ignored.
    pub fn of_counts(counts: &[u64]) -> Self {
        let at = |place: usize| counts.get(place).copied().unwrap_or(0);
        Self {
            requests: at(0),
            prompt_tokens: at(1),
            completion_tokens: at(2),
            cached_tokens: at(3),
            reasoning_tokens: at(4),
            retries: at(5),
            unchanged: at(6),
            spared: at(7),
            cost_nanos: at(8),
        }
    }
}
