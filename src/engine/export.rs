//! Exports directories whose summary, or a child's summary, changed.
//!
//! A failed export is retried at growing intervals, and at once when a client waits.

use std::collections::BTreeSet;

use crate::model::path::{RelPath, RepoId};

use super::Engine;
use super::effect::Effect;
use super::repository::Repository;
use super::tree::{Node, NodeId};
use super::view::view;

/// The pause after a failed export, in milliseconds; it doubles with each further failure.
const FIRST_PAUSE_MS: u64 = 1_000;
/// The longest pause.
const LONGEST_PAUSE_MS: u64 = 5 * 60_000;

/// A repository's exports.
#[derive(Debug, Default)]
pub struct Exports {
    /// Directories to write when they have settled.
    pub open: BTreeSet<NodeId>,
    /// Removed directories, whose files have to be deleted.
    pub gone: BTreeSet<RelPath>,
    /// What is being written and deleted.
    under_way: Option<(BTreeSet<NodeId>, BTreeSet<RelPath>)>,
    /// Failures in a row.
    failures: u32,
    /// When a failed export is retried (monotonic milliseconds).
    again_ms: Option<u64>,
    /// A client began to wait during an export: if it fails, it is retried at once.
    hurried: bool,
}

impl Exports {
    /// Whether everything that can be written now is written.
    pub fn is_done(&self) -> bool {
        let nothing = self.open.is_empty() && self.gone.is_empty();
        self.under_way.is_none() && (nothing || self.again_ms.is_some())
    }

    /// When a failed export is retried (monotonic milliseconds).
    pub fn again_ms(&self) -> Option<u64> {
        self.again_ms
    }

    /// A client waits: retries a failed export now.
    pub fn expedite(&mut self, now_ms: u64) {
        self.hurried = self.under_way.is_some();
        if let Some(at_ms) = &mut self.again_ms {
            *at_ms = now_ms;
        }
    }

    /// Whether an export may start.
    fn may_begin(&mut self, now_ms: u64) -> bool {
        self.again_ms = self.again_ms.filter(|at_ms| *at_ms > now_ms);
        self.again_ms.is_none() && self.under_way.is_none()
    }

    /// An export ended.
    fn ended(&mut self, written: bool, now_ms: u64) {
        let Some((directories, removed)) = self.under_way.take() else {
            return;
        };
        let hurried = std::mem::take(&mut self.hurried);
        if written {
            self.failures = 0;
            return;
        }
        self.open.extend(directories);
        self.gone.extend(removed);
        if hurried {
            return;
        }
        let pause_ms = (FIRST_PAUSE_MS << self.failures.min(16)).min(LONGEST_PAUSE_MS);
        self.failures += 1;
        self.again_ms = Some(now_ms + pause_ms);
    }
}

impl Engine {
    /// Exports the directories that have settled.
    pub(super) fn export_settled(&mut self, effects: &mut Vec<Effect>) {
        if !self.options.export {
            return;
        }
        let now_ms = self.now.monotonic_ms;
        for (&repo, repository) in &mut self.repositories {
            if !repository.exports.may_begin(now_ms) || repository.unreachable {
                continue;
            }
            let Repository { tree, exports, .. } = repository;
            let settled: BTreeSet<NodeId> = exports
                .open
                .extract_if(.., |id| tree.get(*id).is_none_or(Node::is_settled))
                .collect();
            let mut removed = std::mem::take(&mut exports.gone);
            let mut directories = Vec::new();
            for &id in &settled {
                let Some(node) = tree.get(id) else {
                    continue;
                };
                let path = tree.path(id);
                if node.is_visible() {
                    directories.extend(view(tree, id, path, 1, false));
                } else {
                    removed.insert(path);
                }
            }
            if directories.is_empty() && removed.is_empty() {
                continue;
            }
            exports.under_way = Some((settled, removed.clone()));
            effects.push(Effect::Export {
                repo,
                directories,
                removed: removed.into_iter().collect(),
            });
        }
    }

    /// An export ended.
    pub(super) fn exported(&mut self, repo: RepoId, written: bool) {
        if let Some(repository) = self.repositories.get_mut(&repo) {
            repository.exports.ended(written, self.now.monotonic_ms);
        }
    }
}

impl Repository {
    /// Another program changed the exported files of these directories.
    pub(super) fn export_again(&mut self, paths: Vec<RelPath>) {
        // Before the first scan nothing is known about them; everything is exported after it.
        if !self.known {
            return;
        }
        for path in paths {
            let directory = self.tree.find(&path).filter(|&id| {
                let node = self.tree.get(id);
                node.is_some_and(|node| node.directory().is_some())
            });
            match directory {
                Some(id) => self.exports.open.insert(id),
                None => self.exports.gone.insert(path),
            };
        }
    }

    /// Exports what contains this node: its own file, if it is a directory, and its parent's.
    pub(super) fn export(&mut self, id: NodeId) {
        let Some(node) = self.tree.get(id) else {
            return;
        };
        if node.directory().is_some() {
            self.exports.open.insert(id);
        }
        self.exports.open.extend(node.parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_export_is_retried_once_before_a_wait_ends() {
        let mut exports = Exports::default();
        let begun = || Some((BTreeSet::new(), BTreeSet::from([RelPath::new("a")])));
        exports.under_way = begun();
        exports.expedite(5);
        exports.ended(false, 10);
        assert!(!exports.is_done() && exports.may_begin(10));
        exports.gone.clear();
        exports.under_way = begun();
        exports.ended(false, 20);
        assert!(exports.is_done() && !exports.may_begin(20));
    }
}
