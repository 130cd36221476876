//! What may be used on a day, what was, and what is in batches: they take no place, and the budget knows them.

use crate::model::time::Timestamp;
use crate::model::usage::Usage;

use super::Pacing;

/// How far a clock may be set back, in days, before it is thought to have been wrong until then.
const SET_BACK_DAYS: u64 = 2;

/// What may be used on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Requests; 0: no bound.
    pub requests: u64,
    /// Tokens, of prompts and answers; 0: no bound.
    pub tokens: u64,
    /// Money, in billionths of the prices' currency; 0: no bound.
    pub cost_nanos: u64,
}

/// What was used on one day.
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
    /// What was used on the day, so far, by earlier runs.
    pub fn set_used(&mut self, used: DayUse) {
        self.used = used;
    }

    /// Whether the day's budget is spent.
    pub fn is_budget_spent(&self, day: u64) -> bool {
        self.spent_bound(day).is_some()
    }

    /// Which bound of the day's budget is reached: the name of its key in the configuration.
    pub fn spent_bound(&self, day: u64) -> Option<&'static str> {
        self.bound_reached(day, 0, 0)
    }

    /// The same, with so much more used.
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

    /// What was used on that day, so far.
    pub fn used_on(&self, day: u64) -> DayUse {
        match self.used.day == self.counted_on(day) {
            true => self.used,
            false => DayUse {
                day,
                ..DayUse::default()
            },
        }
    }

    /// Requests, tokens and money that the day's budget still allows.
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

    /// What a request costs at most that is thought to need so many tokens.
    pub fn guess_nanos(&self, tokens: u64, batched: bool) -> u64 {
        let answer = self.bounds.answer_tokens.min(tokens);
        let guess = Usage {
            prompt_tokens: tokens - answer,
            completion_tokens: answer,
            ..Usage::default()
        };
        self.cost_nanos(&guess, batched)
    }

    /// What that cost; 0 where there are no prices.
    pub fn cost_nanos(&self, used: &Usage, batched: bool) -> u64 {
        let prices = self.bounds.prices;
        prices.map_or(0, |prices| prices.cost_nanos(used, batched))
    }

    /// Money was spent.
    pub fn spent_money(&mut self, cost_nanos: u64) {
        self.counters.cost_nanos += cost_nanos;
        self.used.cost_nanos = self.used.cost_nanos.saturating_add(cost_nanos);
    }

    /// What bounds it.
    pub fn budget(&self) -> Budget {
        self.bounds.budget
    }

    /// Requests that are in batches.
    pub fn batched(&self) -> usize {
        self.batched
    }

    /// One goes by a batch: it takes no place of those under way, but the budget knows it.
    pub fn sent_batched(&mut self, tokens: u64, now: Timestamp) {
        self.joined_batch(tokens);
        self.count_request(now);
    }

    /// One was found in a batch of an earlier run, which counted it.
    pub fn joined_batch(&mut self, tokens: u64) {
        self.batched += 1;
        self.batched_tokens += tokens;
        self.batched_nanos += self.guess_nanos(tokens, true);
    }

    /// One came back from a batch; it had been thought to need `tokens`, and needed `really`.
    pub fn returned_from_batch(&mut self, tokens: u64, really: u64) {
        self.batched = self.batched.saturating_sub(1);
        self.batched_tokens = self.batched_tokens.saturating_sub(tokens);
        let nanos = self.guess_nanos(tokens, true);
        self.batched_nanos = self.batched_nanos.saturating_sub(nanos);
        self.used.tokens += really;
    }

    /// One reached no batch; `counted`: it was counted when it went.
    pub fn unsent_batched(&mut self, tokens: u64, counted: bool) {
        self.returned_from_batch(tokens, 0);
        self.used.requests = self.used.requests.saturating_sub(u64::from(counted));
    }

    /// The day on which is counted what is used on this one: a clock that was set back a little gives no second budget.
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
