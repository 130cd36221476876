//! From a hint to the state of the disk: suspect, list, compare, read.

mod comparison;
mod reading;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::contents::Contents;
use crate::model::key::Kind;
use crate::model::listing::{ListedDirectory, Listing};
use crate::model::path::{RelPath, RepoId};
use crate::model::record::NodeRecord;

use super::Engine;
use super::effect::{Depth, Effect};
use super::repository::{Repository, ScanState};
use super::tree::{Body, Node, NodeId, ROOT};
use comparison::Comparison;

/// The number of paths kept for a second listing; above it, a full rescan follows.
const TOUCHED_MEANWHILE: usize = 10_000;

impl Engine {
    /// The store's records become suspect nodes: the first scan confirms or removes them.
    pub(super) fn loaded(&mut self, repo: RepoId, records: Vec<(RelPath, NodeRecord)>) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        if repository.scan != ScanState::Loading {
            return;
        }
        let parser = self.options.parser;
        let known = records.iter().map(|(_, record)| record);
        repository.confirmation = repository.confirmation.with_records(known);
        let tree = &mut repository.tree;
        for (path, record) in records {
            let kind = record.kind;
            let contents = record.contents.filter(|_| record.parser == parser);
            let mut at = ROOT;
            let depth = path.depth();
            for (index, name) in path.names().enumerate() {
                let wanted = if index + 1 == depth {
                    kind
                } else {
                    Kind::Directory
                };
                at = match tree.child(at, name) {
                    Some(child) => child,
                    None => tree.add(at, name, wanted, 1),
                };
                // A record below a file contradicts that file's record: the scan decides.
                if tree.get(at).is_none_or(|node| node.kind() != wanted) {
                    break;
                }
            }
            if contents.as_ref().is_some_and(|known| known.stat.links > 1) {
                repository.linked.insert(at);
            }
            tree.change(at, |node| {
                if node.kind() == kind {
                    node.summary = record.summary;
                    if let Body::File { contents: known } = &mut node.body {
                        *known = contents;
                    }
                }
            });
        }
        repository.scan = ScanState::Idle;
        repository
            .debounce
            .add_urgent(RelPath::root(), Depth::Everything, self.now.monotonic_ms);
    }

    /// Something may have changed at `path`: it is suspect from now on, and its directory is listed.
    pub(super) fn touched(&mut self, repo: RepoId, path: &RelPath) {
        let now_ms = self.now.monotonic_ms;
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        repository.last_hint += 1;
        let hint = repository.last_hint;
        let tree = &mut repository.tree;
        let above = tree.nearest_directory_above(path);
        let node = tree.find(path);
        let is_file = node
            .and_then(|id| tree.get(id))
            .is_some_and(|node| node.kind() == Kind::File);
        if let Some(id) = node.filter(|_| !is_file) {
            tree.change(id, |node| suspect_all(node, hint));
            repository
                .debounce
                .add(path.clone(), Depth::Entries, now_ms);
        }
        // Only a known file is suspect alone; anything else may be new, which makes its directory suspect.
        let suspect = if is_file {
            node.unwrap_or(above)
        } else {
            above
        };
        tree.change(suspect, |node| node.suspect_since = hint);
        tree.mark_changed(suspect, now_ms);
        let above = tree.path(above);
        if repository.scan != ScanState::Idle && path.parent().as_ref() != Some(&above) {
            if repository.touched_meanwhile.len() >= TOUCHED_MEANWHILE {
                repository.touched_meanwhile.clear();
                self.lost(repo);
                return;
            }
            repository.touched_meanwhile.insert(path.clone());
        }
        repository.debounce.add(above, Depth::Entries, now_ms);
    }

    /// Files with several names, as they were read. The caller has to compare them with the disk, because a change through
    /// another name sends no notification.
    pub fn linked(&mut self, repo: RepoId) -> Vec<(RelPath, Contents)> {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return Vec::new();
        };
        let Repository { tree, linked, .. } = repository;
        linked.retain(|&id| tree.get(id).is_some());
        linked
            .iter()
            .filter_map(|&id| Some((tree.path(id), tree.get(id)?.contents()?.clone())))
            .collect()
    }

    /// The root's expected device and inode; `Some(None)` when it did not exist, `None` when everything is suspect anyway.
    pub fn expected_root(&self, repo: RepoId) -> Option<Option<(u64, u64)>> {
        let repository = self.repositories.get(&repo)?;
        if repository.unreachable {
            return Some(None);
        }
        let root = repository.tree.root().directory()?;
        (repository.known && root.suspect_below == 0).then_some(root.identity)
    }

    /// Everything is suspect.
    pub(super) fn lost(&mut self, repo: RepoId) {
        let now_ms = self.now.monotonic_ms;
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        repository.last_hint += 1;
        let hint = repository.last_hint;
        repository.tree.change(ROOT, |node| suspect_all(node, hint));
        repository
            .debounce
            .add_urgent(RelPath::root(), Depth::Everything, now_ms);
    }

    /// Another program (git) begins or ends a change of many files: a branch switch should be one change.
    pub(super) fn blocked(&mut self, repo: RepoId, blocked: bool) {
        let now_ms = self.now.monotonic_ms;
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        if blocked {
            // Counted from the first time since a scan: a lock that is taken again and again must not block scans forever.
            repository.blocked_since_ms.get_or_insert(now_ms);
        }
        let ends = repository.blocked && !blocked;
        repository.blocked = blocked;
        if ends {
            self.unblock(repo);
        }
    }

    /// Starts a scan of each repository whose quiet time is over.
    pub(super) fn start_due_scans(&mut self, effects: &mut Vec<Effect>) {
        let now_ms = self.now.monotonic_ms;
        for (&repo, repository) in &mut self.repositories {
            if repository.scan != ScanState::Idle {
                continue;
            }
            let expedite = self.waits.expedite(repo);
            if !expedite
                && repository
                    .blocked_until_ms()
                    .is_some_and(|end_ms| now_ms < end_ms)
            {
                continue;
            }
            let configured = self.options.poll_ms;
            if repository
                .poll_due_ms(configured, self.options.poll_rest_ms)
                .is_some_and(|due_ms| due_ms <= now_ms)
            {
                repository.poll(configured.is_some(), now_ms);
            }
            let due = repository.debounce.due_ms(self.options.settle, expedite);
            if due.is_some_and(|due_ms| due_ms <= now_ms) {
                let targets = repository.debounce.take();
                if targets.iter().any(is_all) {
                    repository.polls(now_ms);
                }
                if !repository.blocked {
                    repository.blocked_since_ms = None;
                }
                repository.scan = ScanState::InProgress {
                    targets: targets.clone(),
                    up_to_hint: repository.last_hint,
                };
                effects.push(Effect::List { repo, targets });
            }
        }
    }

    /// Compares a listing with the tree.
    pub(super) fn listed(&mut self, repo: RepoId, listing: Listing, effects: &mut Vec<Effect>) {
        let now = self.now;
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let ScanState::InProgress {
            targets,
            up_to_hint,
        } = std::mem::replace(&mut repository.scan, ScanState::Idle)
        else {
            return;
        };
        let took_ms = now.monotonic_ms.saturating_sub(repository.polled_ms);
        repository.poll_took_ms.get_or_insert(took_ms);
        let mut comparison = Comparison {
            repository,
            up_to_hint,
            now_ms: now.monotonic_ms,
            gone: Vec::new(),
            changed: false,
        };
        let mut directories: BTreeMap<&RelPath, &ListedDirectory> = BTreeMap::new();
        for directory in &listing.directories {
            directories.insert(&directory.path, directory);
        }
        // In order of path, parents first: a new directory's node is created from its parent's entries.
        for directory in directories.values() {
            comparison.directory(directory, &directories, &targets);
        }
        for path in &listing.gone {
            comparison.directory_gone(path);
        }
        for path in &listing.closed {
            comparison.directory_closed(path);
        }
        let Comparison { gone, changed, .. } = comparison;
        if changed && repository.known {
            repository.last_change_ms = Some(now.unix_ms);
        }
        repository.known |= !repository.unreachable;
        if !gone.is_empty() {
            effects.push(Effect::Forget { repo, paths: gone });
        }
        let meanwhile = std::mem::take(&mut repository.touched_meanwhile);
        let Repository { tree, heat, .. } = repository;
        heat.forget(|id| tree.get(id).is_some());
        self.settle_confirmed(repo);
        for path in meanwhile {
            self.touched(repo, &path);
        }
    }

    /// Files that the listing confirmed get their summaries.
    fn settle_confirmed(&mut self, repo: RepoId) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        if repository.to_read.len() > 1 {
            // The deepest file begins first: it has the longest path to the root.
            let Repository { tree, to_read, .. } = repository;
            let mut order: Vec<NodeId> = std::mem::take(to_read).into();
            order.sort_by_cached_key(|&id| Reverse(tree.depth(id)));
            *to_read = order.into();
        }
        for (id, contents) in std::mem::take(&mut repository.to_confirm) {
            self.summarize_file(repo, id, &contents, None);
        }
    }
}

fn is_all((path, depth): &(RelPath, Depth)) -> bool {
    path.is_root() && *depth == Depth::Everything
}

/// Makes a node and everything below it suspect.
fn suspect_all(node: &mut Node, hint: u64) {
    node.suspect_since = hint;
    if let Body::Directory(directory) = &mut node.body {
        directory.suspect_below = hint;
    }
}
