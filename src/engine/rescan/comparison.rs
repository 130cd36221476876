//! Compares a listing of the disk with the tree: what is new, what is gone, what has to be read.

use std::collections::BTreeMap;

use crate::engine::effect::{Depth, NodeChange};
use crate::engine::repository::Repository;
use crate::engine::tree::{Body, NodeId, Phase};
use crate::model::key::Kind;
use crate::model::listing::{Entry, ListedDirectory};
use crate::model::path::RelPath;
use crate::model::policy::Policy;
use crate::model::stat::Stat;

/// A file that was found: its stat and its policy.
type Found = (Stat, Policy);

/// One comparison of a listing with the tree.
pub(super) struct Comparison<'a> {
    pub repository: &'a mut Repository,
    /// The listing answers all hints up to this number.
    pub up_to_hint: u64,
    pub now_ms: u64,
    pub gone: Vec<RelPath>,
    pub changed: bool,
}

impl Comparison<'_> {
    /// Takes one listed directory. `all`: everything in the same listing, which was requested for `targets`.
    pub fn directory(
        &mut self,
        listed: &ListedDirectory,
        all: &BTreeMap<&RelPath, &ListedDirectory>,
        targets: &[(RelPath, Depth)],
    ) {
        let path = &listed.path;
        let tree = &self.repository.tree;
        let Some(id) = tree.find(path) else {
            // It appeared after its parent was listed; the parent is listed again.
            if let Some(parent) = path.parent() {
                let debounce = &mut self.repository.debounce;
                debounce.add(parent, Depth::Entries, self.now_ms);
            }
            return;
        };
        let Some(known) = tree.get(id).and_then(|node| node.directory()) else {
            return;
        };
        let was_closed = known.problem.is_some();
        let moved = known.identity.is_some_and(|known| known != listed.identity);
        if path.is_root() && !self.is_root_there(id, listed, targets) {
            return;
        }
        let found: BTreeMap<&[u8], Option<Found>> = listed
            .entries
            .iter()
            .map(|Entry { name, file, policy }| (&**name, file.map(|stat| (stat, *policy))))
            .collect();
        // An unreadable directory may still contain its children: they stay, and stay suspect.
        if listed.problem.is_none() {
            self.remove_missing(id, &found);
        }
        for (name, file) in found {
            let child = self.repository.tree.child(id, name);
            match (child, file) {
                (Some(child), Some(found)) => self.known_file(child, found),
                (None, Some(_)) => {
                    let child = self.add(id, name, Kind::File);
                    self.repository.to_read.push_back(child);
                }
                (known, None) => {
                    let below = path.join(name);
                    let listed_too = all.contains_key(&below);
                    let targeted = is_whole(targets, &below);
                    if known.is_none() {
                        self.add(id, name, Kind::Directory);
                    }
                    let debounce = &mut self.repository.debounce;
                    if known.is_none() && !listed_too {
                        // A new directory is not watched yet: it gets a listing of its own at once.
                        debounce.add_urgent(below, Depth::Everything, self.now_ms);
                    } else if !listed_too && targeted {
                        // Gone before it was listed: its parent's next listing decides.
                        debounce.add(below, Depth::Everything, self.now_ms);
                    }
                }
            }
        }
        let whole = is_whole(targets, path);
        let opened = was_closed && listed.problem.is_none();
        if !whole && (moved || opened) {
            // Another directory has this name, and the watches below belong to the old one; or it was unreadable before.
            self.rescan_below(path);
        }
        let up_to = self.up_to_hint;
        self.repository.tree.change(id, |node| {
            if let Body::Directory(directory) = &mut node.body {
                if directory.suspect_below <= up_to && (whole || !moved) {
                    directory.suspect_below = 0;
                }
                directory.identity = Some(listed.identity);
                directory.problem.clone_from(&listed.problem);
            }
            if node.suspect_since <= up_to {
                node.suspect_since = 0;
            }
        });
    }

    /// Whether the root exists. A root that came back is rescanned.
    fn is_root_there(
        &mut self,
        root: NodeId,
        listed: &ListedDirectory,
        targets: &[(RelPath, Depth)],
    ) -> bool {
        let known = self.repository.tree.get(root);
        let known = known.and_then(|node| node.directory());
        // An unmounted disk: the mount point is an empty folder on another device.
        let unmounted = known.is_some_and(|known| {
            let other = |(device, _)| device != listed.identity.0;
            listed.entries.is_empty()
                && !known.children.is_empty()
                && known.identity.is_some_and(other)
        });
        let was_away = std::mem::replace(&mut self.repository.unreachable, unmounted);
        if was_away && !unmounted && !is_whole(targets, &listed.path) {
            // The full scan that found nothing answered no hints.
            self.rescan_below(&listed.path);
        }
        !unmounted
    }

    /// Schedules a scan of everything below, at once.
    fn rescan_below(&mut self, path: &RelPath) {
        let debounce = &mut self.repository.debounce;
        debounce.add_urgent(path.clone(), Depth::Everything, self.now_ms);
    }

    /// Removes the children that were not found by name and kind.
    fn remove_missing(&mut self, id: NodeId, found: &BTreeMap<&[u8], Option<Found>>) {
        let tree = &self.repository.tree;
        let children = tree.get(id).and_then(|node| node.directory());
        let children = children.into_iter().flat_map(|known| &known.children);
        let missing: Vec<NodeId> = children
            .filter(|(name, child)| {
                let kind = match found.get(&***name) {
                    Some(Some(_)) => Some(Kind::File),
                    Some(None) => Some(Kind::Directory),
                    None => None,
                };
                kind.is_none() || kind != tree.get(**child).map(|node| node.kind())
            })
            .map(|(_, &child)| child)
            .collect();
        for child in missing {
            self.inherit_suspicion(id, child);
            self.remove(child);
        }
    }

    fn add(&mut self, parent: NodeId, name: &[u8], kind: Kind) -> NodeId {
        // A new directory is suspect until it is listed; a new file is open until it is read.
        let suspect_since = if kind == Kind::Directory {
            self.up_to_hint
        } else {
            0
        };
        let id = self.repository.tree.add(parent, name, kind, suspect_since);
        self.changed = true;
        if self.repository.known {
            self.repository.tree.mark_changed(id, self.now_ms);
        }
        id
    }

    fn known_file(&mut self, id: NodeId, (stat, policy): Found) {
        let up_to = self.up_to_hint;
        let known = self.repository.known;
        let mut read = false;
        let mut confirmed = None;
        self.repository.tree.change(id, |node| {
            if node.suspect_since <= up_to {
                node.suspect_since = 0;
            }
            let Body::File { contents } = &node.body else {
                return;
            };
            let same = contents.as_ref().is_some_and(|contents| {
                contents.stat.proves_unchanged(&stat, contents.observed_ms)
                    && contents.content_kind.fits(policy)
            });
            match &mut node.phase {
                Phase::Reading { again } => *again = true,
                Phase::Open if same => confirmed.clone_from(contents),
                Phase::Open => read = true,
                _ if same => {}
                phase => {
                    *phase = Phase::Open;
                    read = true;
                }
            }
        });
        if read {
            if known {
                self.repository.tree.mark_changed(id, self.now_ms);
            }
            self.repository.to_read.push_back(id);
        }
        if let Some(contents) = confirmed {
            self.repository.to_confirm.push((id, contents));
        }
    }

    /// A child may have been touched after the listing began, and exist again: its directory becomes suspect before the
    /// child is removed.
    fn inherit_suspicion(&mut self, directory: NodeId, child: NodeId) {
        let tree = &mut self.repository.tree;
        let suspect_since = tree.get(child).map_or(0, |node| node.suspect_since);
        if suspect_since > self.up_to_hint {
            tree.change(directory, |node| {
                node.suspect_since = node.suspect_since.max(suspect_since)
            });
        }
    }

    fn remove(&mut self, id: NodeId) {
        self.changed = true;
        let parent = self.repository.tree.get(id).and_then(|node| node.parent);
        for (path, kind) in self.repository.tree.remove(id) {
            if kind == Kind::Directory {
                if self.gone.iter().all(|gone| !path.is_within(gone)) {
                    self.gone.push(path.clone());
                }
                self.repository.exports.gone.insert(path.clone());
            }
            if kind == Kind::File {
                self.repository
                    .changes
                    .push((path.clone(), NodeChange::Removed));
            }
            self.repository.removed.insert(path);
        }
        if let Some(parent) = parent {
            self.repository.exports.open.insert(parent);
            if self.repository.known {
                self.repository.tree.mark_changed(parent, self.now_ms);
            }
        }
    }

    /// A folder above it is unreadable: its nodes stay suspect until that changes. A directory that was never listed has
    /// none.
    pub fn directory_closed(&mut self, path: &RelPath) {
        let tree = &self.repository.tree;
        let directory = tree.find(path).and_then(|id| tree.get(id)?.directory());
        if directory.is_some_and(|directory| directory.identity.is_none()) {
            self.directory_gone(path);
        }
    }

    pub fn directory_gone(&mut self, path: &RelPath) {
        if path.is_root() {
            // Its nodes stay: the root may come back (a disk mounted later, a checkout moved away).
            self.repository.unreachable = true;
            return;
        }
        if let Some(id) = self.repository.tree.find(path)
            && self
                .repository
                .tree
                .get(id)
                .is_some_and(|node| node.kind() == Kind::Directory)
        {
            self.remove(id);
        }
    }
}

/// Whether the listing was requested for everything below `path`.
fn is_whole(targets: &[(RelPath, Depth)], path: &RelPath) -> bool {
    targets
        .iter()
        .any(|(target, depth)| *depth == Depth::Everything && path.is_within(target))
}
