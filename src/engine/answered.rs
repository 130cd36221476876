//! What every answer means for the pace, whatever it brought: it is counted, and its place is free.

use crate::model::summary::SummaryKey;
use crate::model::usage::Usage as Used;

use super::Engine;
use super::event::Usage;
use super::flight::Stage;
use super::pace::Sent;
use super::retry::Tried;

/// What a flight was when its answer came.
pub struct Returned {
    /// Whether it cost a request.
    pub paid: bool,
    /// Whether it was about a file.
    pub is_file: bool,
    /// Whether it came back from a batch.
    pub in_batch: bool,
    /// What it had behind it.
    pub tried: Tried,
    /// The request; says nothing where it was in a batch.
    pub sent: Sent,
}

impl Engine {
    /// A request came back. `None`: nobody waits for it.
    /// `refused`: the endpoint was too full to take it.
    pub(super) fn returned(
        &mut self,
        key: SummaryKey,
        usage: &Usage,
        refused: bool,
    ) -> Option<Returned> {
        let now_ms = self.now.monotonic_ms;
        self.count_used(key, usage);
        let flight = self
            .flights
            .get(key)
            .filter(|flight| flight.stage == Stage::Asking)?;
        let returned = Returned {
            paid: flight.paid,
            is_file: flight.is_file,
            in_batch: flight.in_batch,
            tried: flight.tried,
            sent: flight.sent,
        };
        let tokens = flight.tokens;
        let really = usage
            .sent
            .then_some(usage.prompt_tokens + usage.completion_tokens);
        if !returned.in_batch {
            self.pace
                .returned(returned.sent, really, refused, &usage.limits, now_ms);
            return Some(returned);
        }
        let of_earlier_run = self.batches.forget(key);
        match really {
            None => self.pace.unsent_batched(tokens, !of_earlier_run),
            Some(really) => self.pace.returned_from_batch(tokens, really),
        }
        self.flights.change(key, now_ms, |flight| {
            flight.in_batch = false;
            flight.batchable = false;
        });
        Some(returned)
    }

    /// Counts what a request used, for all and for the repository that it was asked for.
    fn count_used(&mut self, key: SummaryKey, usage: &Usage) {
        let used = Used {
            requests: u64::from(usage.sent),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cached_tokens: usage.cached_tokens,
            unchanged: u64::from(usage.unchanged),
            ..Used::default()
        };
        let flight = self.flights.get(key);
        let in_batch = flight.is_some_and(|flight| flight.in_batch);
        let used = Used {
            cost_nanos: self.pace.cost_nanos(&used, in_batch),
            ..used
        };
        let counters = &mut self.pace.counters;
        counters.sent += used.requests;
        counters.prompt_tokens += used.prompt_tokens;
        counters.completion_tokens += used.completion_tokens;
        counters.cached_tokens += used.cached_tokens;
        self.pace.spent_money(used.cost_nanos);
        let repo = flight.and_then(|flight| flight.waiters.first());
        if let Some(repository) = repo.and_then(|(repo, _)| self.repositories.get_mut(repo)) {
            repository.used = repository.used.plus(used);
        }
    }

    /// One request of several was answered. The next takes its turn like any other.
    pub(super) fn answered_part(&mut self, key: SummaryKey, usage: Usage) {
        let now_ms = self.now.monotonic_ms;
        let Some(returned) = self.returned(key, &usage, false) else {
            return;
        };
        let took_ms = now_ms.saturating_sub(returned.sent.at_ms);
        self.pace.succeeded(returned.is_file, took_ms, now_ms);
        self.pace.counters.succeeded += 1;
        self.flights.change(key, now_ms, |flight| {
            flight.stage = Stage::Ready;
            // What is sent next is not the same again.
            flight.tried = Tried::default();
        });
    }
}
