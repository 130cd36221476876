//! What requests cost, in tokens and in money.

/// What some number of requests used up, as the endpoint counts it, and what was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests that were sent, refused ones too: endpoints count them.
    pub requests: u64,
    /// Tokens of the prompts, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens of the answers, reasoning included.
    pub completion_tokens: u64,
    /// Tokens of the prompts that the endpoint had in its cache, and bills for less.
    pub cached_tokens: u64,
    /// Tokens of the answers that were spent on reasoning.
    pub reasoning_tokens: u64,
    /// Requests among them that were sent again after a failure.
    pub retries: u64,
    /// Answers that the earlier words still hold.
    pub unchanged: u64,
    /// Directories that were not asked about because of that.
    pub spared: u64,
    /// Billionths of the configured prices' currency, by the prices of their time; 0 where there are none.
    pub cost_nanos: u64,
}

impl Usage {
    /// Both together; a sum too large stays at the largest number.
    pub fn plus(self, other: Self) -> Self {
        let mut sum = self.counts();
        for (sum, more) in sum.iter_mut().zip(other.counts()) {
            *sum = sum.saturating_add(more);
        }
        Self::of_counts(&sum)
    }

    /// Tokens of prompts and answers.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// All numbers. Their order is a format: new ones go to the end.
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

    /// The use of these numbers; those that are missing are 0, and those of a later version are not known.
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
