//! What every answer means, whatever it brought: it is counted, its place is free, and its words are stored or what
//! becomes of it without them is decided.

use crate::model::failure::{Failure, Remedy};
use crate::model::path::RepoId;
use crate::model::summary::{Summary, SummaryKey};
use crate::model::usage::Usage as Used;

use super::Engine;
use super::effect::{Effect, NodeChange};
use super::event::Usage;
use super::in_flight::Stage;
use super::pacing::{Next, Sent};
use super::retry::Attempts;
use super::tree::{Node, NodeId, Phase, ROOT};

/// What a flight was when its answer came.
pub struct Returned {
    /// Whether it cost a request.
    pub paid: bool,
    /// Whether it was about a file.
    pub is_file: bool,
    /// Whether it came back from a batch.
    pub in_batch: bool,
    /// What it had behind it.
    pub tried: Attempts,
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
            .filter(|flight| flight.stage == Stage::Requester)?;
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
        let flight = self.flights.get(key);
        let in_batch = flight.is_some_and(|flight| flight.in_batch);
        let again = flight.is_some_and(|flight| flight.paid && flight.tried.times > 1);
        let used = Used {
            requests: u64::from(usage.sent),
            retries: u64::from(usage.sent && again && !in_batch),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cached_tokens: usage.cached_tokens,
            unchanged: u64::from(usage.unchanged),
            ..Used::default()
        };
        let used = Used {
            cost_nanos: self.pace.cost_nanos(&used, in_batch),
            ..used
        };
        let counters = &mut self.pace.counters;
        counters.sent += used.requests;
        counters.retried += used.retries;
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
            flight.tried = Attempts::default();
        });
    }

    /// An answer, or none. It counts for whoever wants the key now, and is stored in any case: it was paid for.
    pub(super) fn answered(
        &mut self,
        key: SummaryKey,
        result: Result<Summary, Failure>,
        usage: Usage,
        effects: &mut Vec<Effect>,
    ) {
        let now_ms = self.now.monotonic_ms;
        let refused = matches!(&result, Err(failure) if failure.remedy == Remedy::Throttled);
        let Some(returned) = self.returned(key, &usage, refused) else {
            self.batches.answered_early(key, &result);
            return;
        };
        let Returned {
            paid,
            is_file,
            in_batch,
            tried,
            sent,
        } = returned;
        let failure = match result {
            Ok(summary) => {
                if paid {
                    if usage.unchanged {
                        self.count_spared(key, effects);
                    }
                    // How long a batch took tells nothing of the pace.
                    if !in_batch {
                        let took_ms = now_ms.saturating_sub(sent.at_ms);
                        self.pace.succeeded(is_file, took_ms, now_ms);
                    }
                    self.pace.storing();
                }
                self.flights.change(key, now_ms, |flight| {
                    flight.stage = Stage::Committing;
                    flight.words = Some(summary.digest());
                });
                effects.push(Effect::Commit { key, summary });
                return;
            }
            Err(failure) => failure,
        };
        if failure.remedy == Remedy::Changed {
            return self.content_changed(key);
        }
        if in_batch && failure.remedy != Remedy::Permanent {
            // Alone it may well succeed, or tell better what the matter is.
            self.flights.change(key, now_ms, |flight| {
                flight.stage = Stage::Ready;
            });
            return;
        }
        let stopped_before = self.pace.stopped().is_some();
        match self.pace.failed(&failure, key, tried, sent.at_ms, now_ms) {
            Next::Again { at_ms, costs_a_try } => self.flights.change(key, now_ms, |flight| {
                flight.stage = Stage::Ready;
                flight.tried.lost += u32::from(costs_a_try);
                flight.failed_ms = now_ms;
                flight.retry_at_ms = at_ms;
            }),
            Next::Never => self.give_up(key, &failure),
        }
        if !stopped_before && let Some(failure) = self.pace.stopped() {
            effects.push(Effect::Notice(format!(
                "nothing more is asked: {}",
                failure.to_line()
            )));
        }
    }

    /// The content of a key is gone: its nodes are read again.
    pub(super) fn content_changed(&mut self, key: SummaryKey) {
        let waiters: Vec<(RepoId, NodeId)> = self.waiters(key).collect();
        self.flights.end(key);
        for (repo, id) in waiters {
            if let Some(repository) = self.repositories.get_mut(&repo) {
                let path = repository.tree.path(id);
                repository.tree.change(id, |node| node.phase = Phase::Open);
                self.touched(repo, &path);
            }
        }
    }

    /// What failed is thought about again when its time has come: what nothing was to be asked about any more, since
    /// a person may have mended that; and what had used all of its tries.
    pub(super) fn start_late_retries(&mut self) {
        let now_ms = self.now.monotonic_ms;
        let due = |at_ms: Option<u64>| at_ms.is_some_and(|at_ms| now_ms >= at_ms);
        let stopped = due(self.pace.stopped_until_ms());
        if stopped {
            self.pace.try_again();
        }
        let mut given_up = self.pace.take_chances(now_ms);
        if !stopped && given_up.is_empty() {
            return;
        }
        let mut revived = Vec::new();
        for (&repo, repository) in &self.repositories {
            for (id, node) in repository.tree.walk(ROOT) {
                let Phase::Failed(failure) = &node.phase else {
                    continue;
                };
                let wanted = match failure.remedy {
                    Remedy::Fatal => stopped,
                    Remedy::Retry | Remedy::TimedOut | Remedy::RetryLater | Remedy::Forbidden => {
                        node.key.is_some_and(|key| given_up.contains(&key))
                    }
                    _ => false,
                };
                if wanted {
                    revived.push((repo, id, node.contents().cloned()));
                }
            }
        }
        for (repo, id, _) in &revived {
            let tree = self
                .repositories
                .get(repo)
                .map(|repository| &repository.tree);
            if let Some(key) = tree.and_then(|tree| tree.get(*id)?.key) {
                given_up.remove(&key);
            }
        }
        // Nobody wants these any more.
        for key in given_up {
            self.pace.forget(key);
        }
        for (repo, id, contents) in revived {
            if let Some(repository) = self.repositories.get_mut(&repo) {
                repository.tree.change(id, |node| node.phase = Phase::Open);
            }
            if let Some(contents) = contents {
                self.summarize_file(repo, id, &contents, None);
            }
        }
    }

    /// The earlier words hold: nothing above has to be asked about.
    fn count_spared(&mut self, key: SummaryKey, effects: &mut Vec<Effect>) {
        let waiters: Vec<(RepoId, NodeId)> = self.waiters(key).collect();
        let mut unchanged = 1;
        self.pace.counters.unchanged += unchanged;
        for (repo, id) in waiters {
            let Some(repository) = self.repositories.get_mut(&repo) else {
                continue;
            };
            let spared = u64::from(repository.tree.depth(id));
            self.pace.counters.spared += spared;
            repository.used.spared += spared;
            effects.push(Effect::Spared {
                repo,
                unchanged: std::mem::take(&mut unchanged),
                spared,
            });
        }
    }

    pub(super) fn give_up(&mut self, key: SummaryKey, failure: &Failure) {
        let waiters: Vec<(RepoId, NodeId)> = self.waiters(key).collect();
        if self.flights.end(key).is_some_and(|flight| flight.paid) {
            self.pace.counters.failed += 1;
        }
        for (repo, id) in waiters {
            if let Some(repository) = self.repositories.get_mut(&repo) {
                repository.tree.change(id, |node| {
                    node.phase = Phase::Failed(Box::new(failure.clone()));
                });
                let kind = repository.tree.get(id).map(Node::kind);
                let why = failure.to_line();
                repository.tell(id, NodeChange::Failed(kind.unwrap_or_default(), why));
                repository.export(id);
            }
        }
    }
}
