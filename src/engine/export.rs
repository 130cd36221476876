//! What is to be written out: the directories whose words, or whose children's, are other ones.
//!
//! What could not be written is not forgotten: it is tried again, ever more seldom, and at once when somebody waits.

use std::collections::BTreeSet;

use crate::model::path::{RelPath, RepoId};

use super::Engine;
use super::effect::Effect;
use super::repository::Repository;
use super::tree::{Node, NodeId};
use super::view::view;

/// The first pause after an export that failed, in milliseconds; it doubles with each further one.
const FIRST_PAUSE_MS: u64 = 1_000;
/// The longest.
const LONGEST_PAUSE_MS: u64 = 5 * 60_000;

/// A repository's part in it.
#[derive(Debug, Default)]
pub struct Exports {
    /// Directories to be written once they have settled.
    pub open: BTreeSet<NodeId>,
    /// Directories that went: their files are to be taken out.
    pub gone: BTreeSet<RelPath>,
    /// What is being written and taken out.
    under_way: Option<(BTreeSet<NodeId>, BTreeSet<RelPath>)>,
    /// How often in a row it failed.
    failures: u32,
    /// When what failed is tried again (monotonic milliseconds).
    again_ms: Option<u64>,
    /// Somebody began to wait while something was being written: should that fail, it is tried again at once.
    hurried: bool,
}

impl Exports {
    /// Whether all is written, as far as it can be now.
    pub fn is_done(&self) -> bool {
        let nothing = self.open.is_empty() && self.gone.is_empty();
        self.under_way.is_none() && (nothing || self.again_ms.is_some())
    }

    /// When what failed is tried again (monotonic milliseconds).
    pub fn again_ms(&self) -> Option<u64> {
        self.again_ms
    }

    /// Somebody waits: what failed is tried now.
    pub fn expedite(&mut self, now_ms: u64) {
        self.hurried = self.under_way.is_some();
        if let Some(at_ms) = &mut self.again_ms {
            *at_ms = now_ms;
        }
    }

    /// Whether something may be written now.
    fn may_begin(&mut self, now_ms: u64) -> bool {
        self.again_ms = self.again_ms.filter(|at_ms| *at_ms > now_ms);
        self.again_ms.is_none() && self.under_way.is_none()
    }

    /// What was under way came to its end.
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
    /// Hands out the directories that are to be written out and have settled.
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

    /// An export came to its end.
    pub(super) fn exported(&mut self, repo: RepoId, written: bool) {
        if let Some(repository) = self.repositories.get_mut(&repo) {
            repository.exports.ended(written, self.now.monotonic_ms);
        }
    }
}

impl Repository {
    /// Others changed what was written out about these.
    pub(super) fn export_again(&mut self, paths: Vec<RelPath>) {
        // Before the first look is done nothing is known of what belongs there, and all is written after it.
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

    /// What is written out about this node is to be written again: its own directory's file and its parent's.
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
    fn what_fails_while_somebody_waits_is_tried_once_more_before_they_are_told() {
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
