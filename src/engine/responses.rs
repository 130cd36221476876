//! Handles responses: counts usage, frees the slot, and stores the summary or decides on a retry.

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

/// A request when its response came.
pub struct Returned {
    /// Whether it was about a file.
    pub is_file: bool,
    /// Whether it came back from a batch.
    pub in_batch: bool,
    /// Its history.
    pub tried: Attempts,
    /// When it was sent, and its reservations; meaningless for a batch.
    pub sent: Sent,
}

impl Engine {
    /// A request returned. `None`: it is not in flight. `refused`: the endpoint was full.
    pub(super) fn returned(
        &mut self,
        key: SummaryKey,
        usage: &Usage,
        refused: bool,
    ) -> Option<Returned> {
        let now_ms = self.now.monotonic_ms;
        self.count_used(key, usage);
        let entry = self
            .in_flight
            .get(key)
            .filter(|entry| entry.paid && entry.stage == Stage::Sent)?;
        let returned = Returned {
            is_file: entry.is_file,
            in_batch: entry.in_batch,
            tried: entry.tried,
            sent: entry.sent,
        };
        let tokens = entry.tokens;
        let really = usage
            .sent
            .then_some(usage.prompt_tokens + usage.completion_tokens);
        if !returned.in_batch {
            self.pacing
                .returned(returned.sent, really, refused, &usage.limits, now_ms);
            return Some(returned);
        }
        let of_earlier_run = self.batches.forget(key);
        match really {
            None => self.pacing.unsent_batched(tokens, !of_earlier_run),
            Some(really) => self.pacing.returned_from_batch(tokens, really),
        }
        self.in_flight.change(key, now_ms, |entry| {
            entry.in_batch = false;
            entry.batchable = false;
        });
        Some(returned)
    }

    /// Counts the usage of a request, in total and for its repository.
    fn count_used(&mut self, key: SummaryKey, usage: &Usage) {
        let entry = self.in_flight.get(key);
        let in_batch = entry.is_some_and(|entry| entry.in_batch);
        let again = entry.is_some_and(|entry| entry.paid && entry.tried.times > 1);
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
            cost_nanos: self.pacing.cost_nanos(&used, in_batch),
            ..used
        };
        let counters = &mut self.pacing.counters;
        counters.sent += used.requests;
        counters.retried += used.retries;
        counters.prompt_tokens += used.prompt_tokens;
        counters.completion_tokens += used.completion_tokens;
        counters.cached_tokens += used.cached_tokens;
        self.pacing.spent_money(used.cost_nanos);
        let repo = entry.and_then(|entry| entry.waiters.first());
        if let Some(repository) = repo.and_then(|(repo, _)| self.repositories.get_mut(repo)) {
            repository.used = repository.used.plus(used);
        }
    }

    /// One of several requests for a summary returned. The next one is queued like any other.
    pub(super) fn part_responded(&mut self, key: SummaryKey, usage: Usage) {
        let now_ms = self.now.monotonic_ms;
        let Some(returned) = self.returned(key, &usage, false) else {
            return;
        };
        let took_ms = now_ms.saturating_sub(returned.sent.at_ms);
        self.pacing
            .passed(returned.tried.refused, returned.sent.at_ms);
        self.pacing.succeeded(returned.is_file, took_ms, now_ms);
        self.pacing.counters.succeeded += 1;
        self.in_flight.change(key, now_ms, |entry| {
            entry.stage = Stage::Ready;
            // The next request starts with its own attempts.
            entry.tried = Attempts::default();
            entry.rank.failures = 0;
        });
    }

    /// A response or a failure. It applies to the nodes that need the key now, and is stored in any case, because it was
    /// paid for.
    pub(super) fn responded(
        &mut self,
        key: SummaryKey,
        result: Result<Summary, Failure>,
        usage: Usage,
        effects: &mut Vec<Effect>,
    ) {
        let now_ms = self.now.monotonic_ms;
        let refused = matches!(&result, Err(failure) if failure.remedy == Remedy::Throttled);
        let Some(returned) = self.returned(key, &usage, refused) else {
            self.batches.responded_early(key, &result);
            return;
        };
        let Returned {
            is_file,
            in_batch,
            tried,
            sent,
        } = returned;
        let failure = match result {
            Ok(summary) => {
                if usage.unchanged {
                    self.count_spared(key, effects);
                }
                // The duration of a batch says nothing about latency.
                if !in_batch {
                    self.pacing.passed(tried.refused, sent.at_ms);
                    let took_ms = now_ms.saturating_sub(sent.at_ms);
                    self.pacing.succeeded(is_file, took_ms, now_ms);
                }
                self.pacing.storing();
                self.in_flight.change(key, now_ms, |entry| {
                    entry.stage = Stage::Committing;
                    entry.summary = Some(summary.digest());
                });
                effects.push(Effect::Commit { key, summary });
                return;
            }
            Err(failure) => failure,
        };
        if failure.remedy == Remedy::Changed {
            return self.content_changed(key);
        }
        if in_batch && !matches!(failure.remedy, Remedy::Permanent | Remedy::Useless) {
            // It is retried alone, which may succeed or show the cause.
            self.in_flight.change(key, now_ms, |entry| {
                entry.stage = Stage::Ready;
            });
            return;
        }
        let stopped_before = self.pacing.stopped().is_some();
        match self.pacing.failed(&failure, key, tried, sent.at_ms, now_ms) {
            Next::Again { at_ms, costs_a_try } => self.in_flight.change(key, now_ms, |entry| {
                entry.stage = Stage::Ready;
                entry.tried = entry.tried.failed(failure.remedy, costs_a_try, now_ms);
                entry.rank.failures += 1;
                entry.failed_ms = now_ms;
                entry.retry_at_ms = at_ms;
            }),
            Next::Never => self.give_up(key, &failure),
        }
        if !stopped_before && let Some(failure) = self.pacing.stopped() {
            effects.push(Effect::Notice(format!(
                "requests paused: {}",
                failure.to_line()
            )));
        }
    }

    /// The content of a key is gone: its nodes are read again.
    pub(super) fn content_changed(&mut self, key: SummaryKey) {
        let waiters: Vec<(RepoId, NodeId)> = self.waiters(key).collect();
        self.abandon(key);
        for (repo, id) in waiters {
            if let Some(repository) = self.repositories.get_mut(&repo) {
                let path = repository.tree.path(id);
                repository.tree.change(id, |node| node.phase = Phase::Open);
                self.touched(repo, &path);
            }
        }
    }

    /// Retries failed nodes that are due: those that failed because requests had stopped, since the cause may be fixed, and
    /// those whose attempts were exhausted.
    pub(super) fn start_late_retries(&mut self) {
        let now_ms = self.now.monotonic_ms;
        let due = |at_ms: Option<u64>| at_ms.is_some_and(|at_ms| now_ms >= at_ms);
        let stopped = due(self.pacing.stopped_until_ms());
        if stopped {
            self.pacing.probe();
        }
        let mut given_up = self.pacing.take_late_retries(now_ms);
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
                    Remedy::Permanent | Remedy::Changed => false,
                    _ => node.key.is_some_and(|key| given_up.contains(&key)),
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
        // No node needs these any more.
        for key in given_up {
            self.pacing.forget(key);
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

    /// The earlier summary is kept: the directories above need no request.
    fn count_spared(&mut self, key: SummaryKey, effects: &mut Vec<Effect>) {
        let waiters: Vec<(RepoId, NodeId)> = self.waiters(key).collect();
        let mut unchanged = 1;
        self.pacing.counters.unchanged += unchanged;
        for (repo, id) in waiters {
            let Some(repository) = self.repositories.get_mut(&repo) else {
                continue;
            };
            let spared = u64::from(repository.tree.depth(id));
            self.pacing.counters.spared += spared;
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
        if self.abandon(key).is_some_and(|entry| entry.paid) {
            self.pacing.counters.failed += 1;
        }
        for (repo, id) in waiters {
            if let Some(repository) = self.repositories.get_mut(&repo) {
                repository.tree.change(id, |node| {
                    node.phase = Phase::Failed(Box::new(failure.clone()));
                });
                let kind = repository.tree.get(id).map(Node::kind);
                let why = failure.to_line();
                repository.report(id, NodeChange::Failed(kind.unwrap_or_default(), why));
                repository.export(id);
            }
        }
    }
}
