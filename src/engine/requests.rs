//! Sends the next requests, as far as pacing and budget allow.

use crate::model::path::RepoId;
use crate::model::summary::SummaryKey;

use super::Engine;
use super::effect::{Child, Effect, Subject, SummaryRequest};
use super::in_flight::Stage;
use super::pacing::PauseReason;
use super::summaries::visible_children;
use super::tree::{Body, NodeId};

impl Engine {
    /// Sends as many requests as may be in flight.
    pub(super) fn send_ready_requests(&mut self, effects: &mut Vec<Effect>) {
        let now_ms = self.now.monotonic_ms;
        self.in_flight.mature(now_ms);
        self.blocked_until_ms = None;
        let one_by_one = self.batch_next(effects);
        while let Some(key) = self.in_flight.next(true, one_by_one, |is_file, depth| {
            self.pacing.remaining_ms(is_file, depth)
        }) {
            let Some((repo, id)) = self.first_waiter(key) else {
                // No node has this key any more.
                self.abandon(key);
                continue;
            };
            if let Some(failure) = self.pacing.stopped().cloned() {
                self.give_up(key, &failure);
                continue;
            }
            let tokens = self.in_flight.get(key).map_or(0, |entry| entry.tokens);
            match self.pacing.pause_reason(tokens, self.now) {
                None => {}
                Some(PauseReason::Full) => break,
                Some(PauseReason::Until(until_ms)) => {
                    self.blocked_until_ms = Some(until_ms);
                    break;
                }
                Some(PauseReason::Budget) => {
                    self.blocked_until_ms = Some(now_ms + self.now.ms_to_next_day());
                    break;
                }
            }
            if !self.is_cleared(key) {
                self.claim(key, true);
                continue;
            }
            let Some(request) = self.send_request(key, repo, id) else {
                continue;
            };
            let sent = self.pacing.sent(tokens, self.now);
            self.note_heat(key);
            self.in_flight.change(key, now_ms, |entry| {
                entry.stage = Stage::Sent;
                entry.sent = sent;
                if entry.tried.times > 0 {
                    entry.tried.waited_ms = now_ms.saturating_sub(entry.failed_ms);
                }
                entry.tried.times += 1;
                entry.batchable = false;
                entry.claim.cleared_ms = None;
            });
            effects.push(Effect::SummaryRequest(Box::new(request)));
        }
    }

    /// Counts a request for each file that waits for it.
    fn note_heat(&mut self, key: SummaryKey) {
        let waiters: Vec<_> = self.waiters(key).collect();
        let (quiet, now) = (self.options.quiet, self.now);
        for (repo, id) in waiters {
            let Some(repository) = self.repositories.get_mut(&repo) else {
                continue;
            };
            let Some(node) = repository.tree.get(id) else {
                continue;
            };
            if node.directory().is_none() {
                repository.heat.requested(id, node.changed(), quiet, now);
            }
        }
    }

    /// The request for a key; `None`, and the key is dropped, if its node is not known well enough.
    pub(super) fn send_request(
        &mut self,
        key: SummaryKey,
        repo: RepoId,
        id: NodeId,
    ) -> Option<SummaryRequest> {
        let Some(subject) = self.subject(repo, id) else {
            self.abandon(key);
            return None;
        };
        let entry = self.in_flight.get(key)?;
        let tree = &self.repositories.get(&repo)?.tree;
        let earlier = tree.get(id).and_then(|node| node.summary);
        Some(SummaryRequest {
            key,
            repo,
            path: tree.path(id),
            subject,
            earlier: earlier.map(|summary| summary.key).filter(|_| entry.paid),
            attempts: entry.tried.times,
        })
    }

    fn subject(&self, repo: RepoId, id: NodeId) -> Option<Subject> {
        let tree = &self.repositories.get(&repo)?.tree;
        let paid = self.options.paid;
        match &tree.get(id)?.body {
            Body::File { contents } => {
                let contents = contents.as_ref()?;
                Some(Subject::File {
                    digest: contents.digest,
                    language: contents.language,
                    content_kind: contents.content_kind,
                })
            }
            Body::Directory(_) => Some(Subject::Directory {
                children: visible_children(tree, id)
                    .filter_map(|(name, child)| {
                        let node = tree.get(child)?;
                        Some(Child {
                            name: name.into(),
                            kind: node.kind(),
                            summary: node.summary_for_parent(paid).map(|summary| summary.key),
                        })
                    })
                    .collect(),
            }),
        }
    }
}
