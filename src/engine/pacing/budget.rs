//! The daily budget, and the requests in batches, which take no slot but count against it.

use crate::model::time::Timestamp;
use crate::model::usage::Usage;

use super::Pacing;

/// A clock that is set back further than this, in days, was wrong before.
const SET_BACK_DAYS: u64 = 2;

/// Limits of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Requests; 0: no limit.
    pub requests: u64,
    /// Tokens, input and output; 0: no limit.
    pub tokens: u64,
    /// Money, in billionths of the prices' currency; 0: no limit.
    pub cost_nanos: u64,
}

/// Usage of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayUse {
    /// The day, since 1970, UTC.
    pub day: u64,
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
    /// Money, in billionths of the prices' currency.
    pub cost_nanos: u64,
}

impl Pacing {
    /// Sets the day's usage by earlier runs.
    pub fn set_used(&mut self, used: DayUse) {
        self.used = used;
    }

    /// Whether the day's budget is spent.
    pub fn is_budget_spent(&self, day: u64) -> bool {
        self.spent_bound(day).is_some()
    }

    /// The configuration key of the day's limit that is reached.
    pub fn spent_bound(&self, day: u64) -> Option<&'static str> {
        self.bound_reached(day, 0, 0)
    }

    /// The same, with additional usage.
    pub(super) fn bound_reached(
        &self,
        day: u64,
        tokens: u64,
        cost_nanos: u64,
    ) -> Option<&'static str> {
        let budget = self.bounds.budget;
        let used = self.used_on(day);
        let reached = |bound: u64, used: u64| bound > 0 && used >= bound;
        if reached(budget.requests, used.requests) {
            return Some("max_requests_per_day");
        }
        if reached(budget.tokens, used.tokens + self.batched_tokens + tokens) {
            return Some("max_tokens_per_day");
        }
        let nanos = used.cost_nanos + self.batched_nanos + cost_nanos;
        reached(budget.cost_nanos, nanos).then_some("max_cost_per_day")
    }

    /// The day's usage so far.
    pub fn used_on(&self, day: u64) -> DayUse {
        match self.used.day == self.counted_on(day) {
            true => self.used,
            false => DayUse {
                day,
                ..DayUse::default()
            },
        }
    }

    /// Requests, tokens and money left of the day's budget.
    pub fn budget_left(&self, day: u64) -> (u64, u64, u64) {
        let budget = self.bounds.budget;
        let used = self.used_on(day);
        let left = |bound: u64, used: u64| match bound {
            0 => u64::MAX,
            bound => bound.saturating_sub(used),
        };
        (
            left(budget.requests, used.requests),
            left(budget.tokens, used.tokens + self.batched_tokens),
            left(budget.cost_nanos, used.cost_nanos + self.batched_nanos),
        )
    }

    /// The highest cost of a request with this estimate of tokens.
    pub fn guess_nanos(&self, tokens: u64, batched: bool) -> u64 {
        let answer = self.bounds.answer_tokens.min(tokens);
        let guess = Usage {
            prompt_tokens: tokens - answer,
            completion_tokens: answer,
            ..Usage::default()
        };
        self.cost_nanos(&guess, batched)
    }

    /// The cost of this usage; 0 without prices.
    pub fn cost_nanos(&self, used: &Usage, batched: bool) -> u64 {
        let prices = self.bounds.prices;
        prices.map_or(0, |prices| prices.cost_nanos(used, batched))
    }

    /// Money was spent.
    pub fn spent_money(&mut self, cost_nanos: u64) {
        self.counters.cost_nanos += cost_nanos;
        self.used.cost_nanos = self.used.cost_nanos.saturating_add(cost_nanos);
    }

    /// The budget.
    pub fn budget(&self) -> Budget {
        self.bounds.budget
    }

    /// Requests in batches.
    pub fn batched(&self) -> usize {
        self.batched
    }

    /// A request goes by a batch.
    pub fn sent_batched(&mut self, tokens: u64, now: Timestamp) {
        self.joined_batch(tokens);
        self.count_request(now);
    }

    /// A request was found in a batch of an earlier run, which counted it.
    pub fn joined_batch(&mut self, tokens: u64) {
        self.batched += 1;
        self.batched_tokens += tokens;
        self.batched_nanos += self.guess_nanos(tokens, true);
    }

    /// A request returned from a batch; its estimate was `tokens`, its usage `really`.
    pub fn returned_from_batch(&mut self, tokens: u64, really: u64) {
        self.batched = self.batched.saturating_sub(1);
        self.batched_tokens = self.batched_tokens.saturating_sub(tokens);
        let nanos = self.guess_nanos(tokens, true);
        self.batched_nanos = self.batched_nanos.saturating_sub(nanos);
        self.used.tokens += really;
    }

    /// A request reached no batch; `counted`: it was counted when it was sent.
    pub fn unsent_batched(&mut self, tokens: u64, counted: bool) {
        self.returned_from_batch(tokens, 0);
        self.used.requests = self.used.requests.saturating_sub(u64::from(counted));
    }

    /// The day that usage is counted on: a clock that was set back a little gives no second budget.
    fn counted_on(&self, day: u64) -> u64 {
        match self.used.day.checked_sub(day) {
            Some(days) if days <= SET_BACK_DAYS => self.used.day,
            _ => day,
        }
    }

    pub(super) fn count_request(&mut self, now: Timestamp) {
        let day = self.counted_on(now.day());
        if self.used.day != day {
            self.used = DayUse {
                day,
                ..DayUse::default()
            };
        }
        self.used.requests += 1;
    }
}
