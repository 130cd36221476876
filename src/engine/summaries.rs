//! From a node's content to its summary: key, look-up, and the summary's arrival.

use std::cmp::Reverse;

use crate::model::key::{ChildSummary, Kind};
use crate::model::path::RepoId;
use crate::model::record::NodeRecord;
use crate::model::summary::{SummaryDigest, SummaryKey, SummaryRef};

use super::Engine;
use super::batch::Route;
use super::confirmation::{Confirmation, UNCONFIRMED_MS};
use super::effect::{Effect, NodeChange};
use super::in_flight::{InFlight, Rank, Stage};
use super::pacing::Sent;
use super::repository::ScanState;
use super::retry::Attempts;
use super::sharing::ClaimState;
use super::tree::{Body, Node, NodeId, Phase, ROOT, Tree};

/// How long requests wait for a rebase or the like, at most, in milliseconds: it may be interrupted for hours.
const BLOCKED_REQUEST_MS: u64 = 60_000;

impl Engine {
    /// The node gets no summary.
    pub(super) fn mark_off(&mut self, repo: RepoId, id: NodeId) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let mut had_summary = false;
        repository.tree.change(id, |node| {
            node.phase = Phase::Off;
            node.key = None;
            had_summary = node.summary.take().is_some();
        });
        if had_summary {
            repository.to_record.insert(id);
        }
        repository.export(id);
    }

    /// The node's summary should be that of `key`.
    pub(super) fn request_summary(
        &mut self,
        repo: RepoId,
        id: NodeId,
        key: SummaryKey,
        paid: bool,
    ) {
        let now_ms = self.now.monotonic_ms;
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let Some(node) = repository.tree.get(id) else {
            return;
        };
        if let Some(summary) = node.summary.filter(|summary| summary.key == key) {
            self.apply_summary(repo, id, summary);
            return;
        }
        let is_file = node.kind() == Kind::File;
        let expedite = self.waits.expedite(repo);
        let blocked_ms = match (repository.blocked, repository.blocked_since_ms) {
            (true, Some(since_ms)) if paid && !expedite => since_ms + BLOCKED_REQUEST_MS,
            _ => 0,
        };
        let quiet_until_ms = match node.changed() {
            Some(changed) if paid && !expedite => {
                let quiet = match is_file {
                    true => self.options.quiet,
                    false => self.options.directory_quiet,
                };
                let usual_ms =
                    (changed.last_ms + quiet.quiet_ms).min(changed.first_ms + quiet.cap_ms);
                usual_ms.max(repository.heat.not_before_ms(id, quiet))
            }
            _ => 0,
        }
        .max(blocked_ms)
        .max(match repository.confirmation {
            Confirmation::Given => 0,
            _ if paid => UNCONFIRMED_MS,
            _ => 0,
        });
        let bulk = node.changed().is_none();
        let had_key = node.key == Some(key);
        let need = self.options.tokens.of(&repository.tree, id);
        let batchable =
            self.options.batch_from.is_some() && paid && is_file && bulk && need.parts == 0;
        let depth = repository.tree.depth(id);
        repository.tree.change(id, |node| {
            node.phase = Phase::Waiting;
            node.key = Some(key);
        });
        if self.in_flight.get(key).is_some() {
            self.in_flight.change(key, now_ms, |entry| {
                // A file that was read again may wait already.
                if !(had_key && entry.waiters.contains(&(repo, id))) {
                    entry.waiters.push((repo, id));
                }
                entry.quiet_until_ms = entry.quiet_until_ms.min(quiet_until_ms);
                entry.rank.bulk &= bulk;
                entry.batchable &= bulk;
            });
            return;
        }
        let arrival = self.in_flight.arrival();
        self.in_flight.begin(
            key,
            InFlight {
                stage: Stage::LookingUp,
                waiters: vec![(repo, id)],
                paid,
                is_file,
                rank: Rank {
                    bulk,
                    failures: u32::from(self.pacing.was_given_up(key)),
                    // Each part before the last request takes about as long as a directory above.
                    depth: Reverse(depth.saturating_add(need.parts)),
                    arrival: self.shuffled(key, bulk, arrival),
                },
                quiet_until_ms,
                retry_at_ms: 0,
                tried: Attempts::default(),
                failed_ms: 0,
                sent: Sent::default(),
                tokens: need.tokens,
                batchable,
                in_batch: false,
                summary: None,
                claim: ClaimState::default(),
            },
        );
        if paid {
            self.lookups.push(key);
        } else {
            // Writing it again costs less than a look-up.
            self.in_flight
                .change(key, now_ms, |entry| entry.stage = Stage::Ready);
        }
    }

    /// Another program has ended its work: requests wait for a quiet time only.
    pub(super) fn unblock(&mut self, repo: RepoId) {
        let now_ms = self.now.monotonic_ms;
        let quiet_until_ms = now_ms + self.options.quiet.quiet_ms;
        self.in_flight.shorten(now_ms, quiet_until_ms, |entry| {
            entry.waiters.iter().any(|(of, _)| *of == repo)
        });
    }

    /// Directories whose children are all settled get their summaries.
    pub(super) fn process_ready_directories(&mut self) {
        let repositories: Vec<RepoId> = self.repositories.keys().copied().collect();
        for repo in repositories {
            while let Some(id) = self
                .repositories
                .get_mut(&repo)
                .and_then(|repository| repository.tree.next_ready())
            {
                self.summarize_directory(repo, id);
            }
        }
    }

    fn summarize_directory(&mut self, repo: RepoId, id: NodeId) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let tree = &mut repository.tree;
        let tainted = visible_children(tree, id).any(|(_, child)| {
            let node = tree.get(child);
            node.is_some_and(|node| {
                matches!(node.phase, Phase::Failed(_))
                    || node.directory().is_some_and(|directory| directory.tainted)
            })
        });
        let empty = visible_children(tree, id).next().is_none();
        let paid = self.options.paid;
        let key = self
            .options
            .generator
            .directory_key(visible_children(tree, id).filter_map(|(name, child)| {
                let node = tree.get(child)?;
                let summary = match node.summary_for_parent(paid) {
                    Some(summary) => ChildSummary::Present(summary.digest),
                    None => ChildSummary::LeftOut,
                };
                Some((name, node.kind(), summary))
            }));
        tree.change(id, |node| {
            if let Body::Directory(directory) = &mut node.body {
                directory.tainted = tainted;
            }
        });
        if empty || !self.options.summaries {
            self.mark_off(repo, id);
        } else {
            self.request_summary(repo, id, key, self.options.paid);
        }
    }

    /// The look-up is done.
    pub(super) fn looked_up(&mut self, found: Vec<(SummaryKey, Option<SummaryDigest>)>) {
        let now_ms = self.now.monotonic_ms;
        for (key, digest) in found {
            if self
                .in_flight
                .get(key)
                .is_none_or(|entry| entry.stage != Stage::LookingUp)
            {
                continue;
            }
            let route = match digest {
                Some(digest) => Route::Stored(digest),
                None => self.route(key),
            };
            match route {
                Route::Stored(digest) => {
                    self.batches.forget(key);
                    self.summary_stored(SummaryRef { key, digest });
                }
                Route::Request => self.look_up_shared(key),
                Route::InBatch => {
                    let mut tokens = 0;
                    self.in_flight.change(key, now_ms, |entry| {
                        entry.stage = Stage::Sent;
                        entry.in_batch = true;
                        tokens = entry.tokens;
                    });
                    self.pacing.joined_batch(tokens);
                }
            }
        }
    }

    /// The nodes that wait for this key and still have it.
    pub(super) fn waiters(&self, key: SummaryKey) -> impl Iterator<Item = (RepoId, NodeId)> {
        self.in_flight.get(key).into_iter().flat_map(move |entry| {
            entry.waiters.iter().copied().filter(move |(repo, id)| {
                self.repositories
                    .get(repo)
                    .and_then(|repository| repository.tree.get(*id))
                    .is_some_and(|node| node.phase == Phase::Waiting && node.key == Some(key))
            })
        })
    }

    pub(super) fn first_waiter(&self, key: SummaryKey) -> Option<(RepoId, NodeId)> {
        self.waiters(key).next()
    }

    /// The summary is on disk: now it counts.
    pub(super) fn committed(&mut self, key: SummaryKey) {
        let Some(entry) = self
            .in_flight
            .get(key)
            .filter(|entry| entry.stage == Stage::Committing)
        else {
            return;
        };
        let digest = entry.summary;
        self.pacing.stored();
        self.pacing.has_summary(key, self.now.monotonic_ms);
        if let Some(digest) = digest {
            self.summary_stored(SummaryRef { key, digest });
        }
    }

    /// The summary of a key is stored: all nodes that wait for it get it.
    pub(super) fn summary_stored(&mut self, summary: SummaryRef) {
        let waiters: Vec<(RepoId, NodeId)> = self.waiters(summary.key).collect();
        self.in_flight.end(summary.key);
        for (repo, id) in waiters {
            self.apply_summary(repo, id, summary);
        }
    }

    pub(super) fn apply_summary(&mut self, repo: RepoId, id: NodeId, summary: SummaryRef) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let mut before = None;
        repository.tree.change(id, |node| {
            node.phase = Phase::Done;
            node.key = Some(summary.key);
            before = node.summary.replace(summary);
        });
        if before != Some(summary) {
            repository.to_record.insert(id);
            let kind = repository.tree.get(id).map(Node::kind);
            let another = before.is_none_or(|before| before.digest != summary.digest);
            repository.report(
                id,
                NodeChange::Summarized(kind.unwrap_or_default(), summary.key, another),
            );
        }
        repository.export(id);
    }

    /// Publishes the changes of this step.
    pub(super) fn publish_changes(&mut self, effects: &mut Vec<Effect>) {
        for (&repo, repository) in &mut self.repositories {
            let settled =
                repository.is_settled() && repository.known && repository.scan == ScanState::Idle;
            if settled != repository.reported_settled {
                repository.reported_settled = settled;
                let changes = if settled {
                    NodeChange::Settled
                } else {
                    NodeChange::Busy
                };
                repository.report(ROOT, changes);
            }
            if !repository.changes.is_empty() {
                let changes = std::mem::take(&mut repository.changes);
                effects.push(Effect::Publish { repo, changes });
            }
        }
    }

    /// Writes the records of nodes that changed, and deletes those of removed nodes.
    pub(super) fn write_records(&mut self, effects: &mut Vec<Effect>) {
        for (&repo, repository) in &mut self.repositories {
            if repository.to_record.is_empty() && repository.removed.is_empty() {
                continue;
            }
            let mut records: Vec<_> = std::mem::take(&mut repository.removed)
                .into_iter()
                .map(|path| (path, None))
                .collect();
            for id in std::mem::take(&mut repository.to_record) {
                let Some(node) = repository.tree.get(id) else {
                    continue;
                };
                let record = NodeRecord {
                    kind: node.kind(),
                    parser: self.options.parser,
                    contents: node.contents().cloned(),
                    summary: node.summary,
                };
                records.push((repository.tree.path(id), Some(record)));
            }
            effects.push(Effect::Record { repo, records });
        }
    }
}

/// A directory's visible children, in order of name.
pub(super) fn visible_children(tree: &Tree, id: NodeId) -> impl Iterator<Item = (&[u8], NodeId)> {
    tree.get(id)
        .and_then(|node| node.directory())
        .into_iter()
        .flat_map(|directory| directory.children.iter())
        .filter(|(_, child)| tree.get(**child).is_some_and(|node| node.is_visible()))
        .map(|(name, &child)| (&**name, child))
}
