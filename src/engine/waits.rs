//! Clients that wait until everything saved is settled: first for the barrier, then for the nodes.

use std::collections::BTreeMap;

use crate::model::path::{RelPath, RepoId};

use super::Engine;
use super::confirmation::Confirmation;
use super::effect::Effect;
use super::event::{Polled, WaitId};
use super::repository::{Repository, ScanState};
use super::tree::{Phase, ROOT};

/// The number of failed nodes that a wait names.
const FAILED_NAMED: usize = 100;

#[derive(Debug)]
struct Wait {
    repo: RepoId,
    path: RelPath,
    /// Whether all notifications from before the wait were delivered.
    past_barrier: bool,
}

/// All waits.
#[derive(Debug, Default)]
pub struct Waits {
    waits: BTreeMap<WaitId, Wait>,
}

impl Waits {
    /// Whether a client waits for this repository: then quiet times end at once.
    pub fn expedite(&self, repo: RepoId) -> bool {
        self.waits.values().any(|wait| wait.repo == repo)
    }

    /// Forgets a wait.
    pub fn remove(&mut self, id: WaitId) {
        self.waits.remove(&id);
    }
}

impl Engine {
    pub(super) fn wait(
        &mut self,
        id: WaitId,
        repo: RepoId,
        path: RelPath,
        effects: &mut Vec<Effect>,
    ) {
        self.waits.waits.insert(
            id,
            Wait {
                repo,
                path,
                past_barrier: false,
            },
        );
        self.expedite_in_flight(repo);
        let now_ms = self.now.monotonic_ms;
        if let Some(repository) = self.repositories.get_mut(&repo) {
            repository.exports.expedite(now_ms);
        }
        // Without notifications, only a scan shows what was saved.
        if self.options.poll_ms.is_some() {
            self.lost(repo);
            self.barrier(id);
            return;
        }
        if let Some(repository) = self.repositories.get_mut(&repo)
            && (repository.unreachable || repository.polled != Polled::Nothing)
        {
            repository.poll(false, now_ms);
        }
        effects.push(Effect::Barrier(id));
    }

    /// The repository of a wait.
    pub fn repository_of(&self, id: WaitId) -> Option<RepoId> {
        self.waits.waits.get(&id).map(|wait| wait.repo)
    }

    pub(super) fn barrier(&mut self, id: WaitId) {
        if let Some(wait) = self.waits.waits.get_mut(&id) {
            wait.past_barrier = true;
        }
    }

    pub(super) fn complete_waits(&mut self, effects: &mut Vec<Effect>) {
        let settled: Vec<WaitId> = self
            .waits
            .waits
            .iter()
            .filter(|(_, wait)| wait.past_barrier && self.is_over(wait))
            .map(|(&id, _)| id)
            .collect();
        for id in settled {
            let Some(wait) = self.waits.waits.remove(&id) else {
                continue;
            };
            let failed = self
                .repositories
                .get(&wait.repo)
                .map_or_else(Vec::new, |repository| {
                    failures(
                        repository,
                        &wait.path,
                        self.pacing.is_budget_spent(self.now.day()),
                    )
                });
            effects.push(Effect::Settled { wait: id, failed });
        }
    }

    fn is_over(&self, wait: &Wait) -> bool {
        let Some(repository) = self.repositories.get(&wait.repo) else {
            return true;
        };
        if repository.unreachable {
            return repository.scan == ScanState::Idle && repository.debounce.is_empty();
        }
        // A wait does not last until a person confirms the requests.
        if matches!(repository.confirmation, Confirmation::Awaiting(_)) {
            return repository.scan == ScanState::Idle
                && repository.debounce.is_empty()
                && repository.is_read();
        }
        // A wait does not last until the next day's budget, but until what was paid for is stored.
        let idle = !self.pacing.is_busy() && self.pacing.batched() == 0;
        if self.pacing.is_budget_spent(self.now.day()) && idle {
            return repository.scan == ScanState::Idle
                && repository.debounce.is_empty()
                && repository.is_read();
        }
        let node = repository.tree.find(&wait.path).unwrap_or(ROOT);
        repository.scan == ScanState::Idle
            && repository.debounce.is_empty()
            && repository
                .tree
                .get(node)
                .is_some_and(|node| node.is_settled())
            && (!self.options.export || repository.exports.is_done())
    }
}

fn failures(repository: &Repository, path: &RelPath, spent: bool) -> Vec<(RelPath, String)> {
    let tree = &repository.tree;
    let from = tree.find(path).unwrap_or(ROOT);
    if let Confirmation::Awaiting(requests) = repository.confirmation {
        let reason = format!(
            "{requests} requests await confirmation: run `epitome watch --yes`, or raise [budget] confirm_above"
        );
        return vec![(tree.path(from), reason)];
    }
    tree.walk(from)
        .filter_map(|(id, node)| match &node.phase {
            Phase::Failed(failure) => Some((tree.path(id), failure.to_line())),
            Phase::Waiting if spent => {
                let reason = "the day's budget is spent".to_owned();
                Some((tree.path(id), reason))
            }
            _ => None,
        })
        .take(FAILED_NAMED)
        .collect()
}
