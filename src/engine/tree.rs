//! The tree of one repository: its files and folders, what is known of them, and how much of them is unsettled.
//!
//! A node is *settled* when nothing is left to do for it and below it. Each directory counts its unsettled children; one
//! whose count falls to zero is *ready*: its own summary can be requested. Marking a node suspect updates the counts up
//! to the root and computes nothing; work begins at the leaves.
//!
//! Invariant: [`Tree::counts`] equals a count over all nodes. Every change of a node goes through a method that updates
//! it.

mod counts;
mod node;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::digest::Digest;
use crate::model::key::{Kind, directory_digest};
use crate::model::path::RelPath;

use counts::Class;
pub use counts::Counts;
pub use node::{Body, Changed, Directory, Node, NodeId, Phase};

/// The nodes of one repository.
#[derive(Debug)]
pub struct Tree {
    /// Generation and node. Boxed: a vector of a million nodes would be copied as it grows.
    slots: Vec<(u32, Option<Box<Node>>)>,
    free: Vec<u32>,
    ready: Vec<NodeId>,
    counts: Counts,
    /// Directories that cannot be listed.
    problems: BTreeSet<NodeId>,
}

/// The root's id, in every tree.
pub const ROOT: NodeId = NodeId {
    slot: 0,
    generation: 0,
};

impl Default for Tree {
    fn default() -> Self {
        let root = Node {
            parent: None,
            name: Arc::default(),
            body: Body::Directory(Box::default()),
            phase: Phase::Open,
            key: None,
            summary: None,
            suspect_since: 1,
            changed: None,
        };
        let mut counts = Counts::default();
        counts.replace(None, Class::of(&root));
        Self {
            slots: vec![(0, Some(Box::new(root)))],
            free: Vec::new(),
            ready: Vec::new(),
            counts,
            problems: BTreeSet::new(),
        }
    }
}

impl Tree {
    /// The node, unless it was removed.
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        let (generation, node) = self.slots.get(id.slot as usize)?;
        node.as_deref().filter(|_| *generation == id.generation)
    }

    fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        let (generation, node) = self.slots.get_mut(id.slot as usize)?;
        node.as_deref_mut().filter(|_| *generation == id.generation)
    }

    /// The root.
    pub fn root(&self) -> &Node {
        self.slots[0]
            .1
            .as_deref()
            .expect("the root is never removed")
    }

    /// How many nodes are in which state.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Directories that cannot be listed, and why, in order of path.
    pub fn problems(&self) -> Vec<(RelPath, &str)> {
        let reason = |id: NodeId| self.get(id)?.directory()?.problem.as_deref();
        let mut problems: Vec<_> = self
            .problems
            .iter()
            .filter_map(|&id| Some((self.path(id), reason(id)?)))
            .collect();
        problems.sort();
        problems
    }

    /// The child of that name.
    pub fn child(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        self.get(directory)?
            .directory()?
            .children
            .get(name)
            .copied()
    }

    /// The node at a path.
    pub fn find(&self, path: &RelPath) -> Option<NodeId> {
        path.names()
            .try_fold(ROOT, |directory, name| self.child(directory, name))
    }

    /// The deepest known directory above `path`.
    pub fn nearest_directory_above(&self, path: &RelPath) -> NodeId {
        let mut nearest = ROOT;
        let above = path.depth().saturating_sub(1);
        for name in path.names().take(above) {
            match self.child(nearest, name) {
                Some(id) if self.get(id).is_some_and(|node| node.directory().is_some()) => {
                    nearest = id
                }
                _ => break,
            }
        }
        nearest
    }

    /// The path of a node.
    pub fn path(&self, id: NodeId) -> RelPath {
        let mut names = Vec::new();
        let mut at = self.get(id);
        while let Some(node) = at {
            if node.parent.is_some() {
                names.push(&*node.name);
            }
            at = node.parent.and_then(|parent| self.get(parent));
        }
        names.reverse();
        RelPath::new(names.join(&b'/'))
    }

    /// How many directories a node has above it.
    pub fn depth(&self, id: NodeId) -> u32 {
        let mut depth = 0;
        let mut at = self.get(id).and_then(|node| node.parent);
        while let Some(parent) = at {
            depth += 1;
            at = self.get(parent).and_then(|node| node.parent);
        }
        depth
    }

    /// Adds a node. One of another kind at the same place has to be removed first. A new directory is suspect until it is
    /// listed.
    pub fn add(&mut self, parent: NodeId, name: &[u8], kind: Kind, suspect_since: u64) -> NodeId {
        let name: Arc<[u8]> = name.into();
        let node = Node {
            parent: Some(parent),
            name: Arc::clone(&name),
            body: match kind {
                Kind::File => Body::File { contents: None },
                Kind::Directory => Body::Directory(Box::default()),
            },
            phase: Phase::Open,
            key: None,
            summary: None,
            suspect_since,
            changed: None,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            (self.slots.len() - 1) as u32
        });
        self.counts.replace(None, Class::of(&node));
        let place = &mut self.slots[slot as usize];
        place.1 = Some(Box::new(node));
        let id = NodeId {
            slot,
            generation: place.0,
        };
        self.change_directory(parent, |directory| {
            directory.children.insert(name, id);
            directory.unsettled += 1;
        });
        if kind == Kind::File {
            self.count(parent, 1, 0);
        }
        id
    }

    /// Removes a node and everything below it; returns the removed paths, deepest last. The root only loses its children.
    pub fn remove(&mut self, id: NodeId) -> Vec<(RelPath, Kind)> {
        let mut removed = Vec::new();
        let mut todo = vec![(id, self.path(id))];
        while let Some((at, path)) = todo.pop() {
            let Some(node) = self.get(at) else { continue };
            if let Some(directory) = node.directory() {
                todo.extend(
                    directory
                        .children
                        .iter()
                        .map(|(name, &child)| (child, path.join(name))),
                );
            }
            removed.push((path, node.kind()));
            if at != id {
                self.vacate(at);
            }
        }
        let Some(node) = self.get(id) else {
            return removed;
        };
        let settled = node.is_settled();
        let (files, directories) = match &node.body {
            Body::File { .. } => (1, 0),
            Body::Directory(directory) => (
                i64::from(directory.files),
                i64::from(directory.directories) + i64::from(node.is_visible()),
            ),
        };
        let (name, parent) = (node.name.clone(), node.parent);
        if let Some(parent) = parent {
            self.vacate(id);
            self.count(parent, -files, -directories);
            self.change_directory(parent, |directory| {
                directory.children.remove(&*name);
                directory.unsettled -= u32::from(!settled);
            });
        }
        removed
    }

    fn vacate(&mut self, id: NodeId) {
        let place = &mut self.slots[id.slot as usize];
        place.0 = place.0.wrapping_add(1);
        if let Some(node) = place.1.take() {
            self.counts.replace(Class::of(&node), None);
        }
        self.problems.remove(&id);
        self.free.push(id.slot);
    }

    /// Adds to the numbers of files and directories at and above `from`. A directory counts while it contains a file.
    fn count(&mut self, from: NodeId, files: i64, mut directories: i64) {
        let mut at = Some(from);
        while let Some(id) = at {
            let Some(node) = self.get_mut(id) else { return };
            let was_visible = node.is_visible();
            let before = Class::of(node);
            if let Body::Directory(directory) = &mut node.body {
                let sum = |count: u32, by: i64| (i64::from(count) + by).max(0) as u32;
                directory.files = sum(directory.files, files);
                directory.directories = sum(directory.directories, directories);
            }
            directories += i64::from(node.is_visible()) - i64::from(was_visible);
            at = node.parent;
            let after = Class::of(node);
            self.counts.replace(before, after);
        }
    }

    /// Changes a node, and updates the nodes above it.
    pub fn change(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) {
        let Some(node) = self.get_mut(id) else { return };
        let before = node.is_settled();
        let class = Class::of(node);
        change(node);
        let now = Class::of(node);
        let has_problem = node.directory().is_some_and(|it| it.problem.is_some());
        self.counts.replace(class, now);
        match has_problem {
            true => self.problems.insert(id),
            false => self.problems.remove(&id),
        };
        self.propagate(id, before);
    }

    /// A node changed: its summary, and those of all nodes above it, wait for a quiet time.
    pub fn mark_changed(&mut self, id: NodeId, now_ms: u64) {
        let mut at = Some(id);
        while let Some(id) = at {
            let Some(node) = self.get_mut(id) else { return };
            let first_ms = node.changed().map_or(now_ms, |changed| changed.first_ms);
            node.changed = Some(Box::new(Changed {
                first_ms,
                last_ms: now_ms,
            }));
            at = node.parent;
        }
    }

    /// Changes the children of a directory: its own summary is open again.
    pub fn change_directory(&mut self, id: NodeId, change: impl FnOnce(&mut Directory)) {
        self.forget_digests(id);
        self.change(id, |node| {
            if let Body::Directory(directory) = &mut node.body {
                change(directory);
            }
            node.phase = Phase::Open;
        });
    }

    /// After a change of `id`: updates the counts of unsettled children as far up as they change, and notes the ready
    /// directories.
    fn propagate(&mut self, mut id: NodeId, mut before: bool) {
        loop {
            let Some(node) = self.get_mut(id) else { return };
            let now = node.is_settled();
            if now {
                node.changed = None;
            }
            let ready = node.is_ready();
            let parent = node.parent;
            if ready {
                self.ready.push(id);
            }
            if now == before {
                return;
            }
            let Some(parent_id) = parent else { return };
            let Some(parent) = self.get_mut(parent_id) else {
                return;
            };
            before = parent.is_settled();
            let class = Class::of(parent);
            if let Body::Directory(directory) = &mut parent.body {
                if now {
                    directory.unsettled -= 1;
                } else {
                    directory.unsettled += 1;
                    // Its summary may be outdated: it waits for its children again.
                    parent.phase = Phase::Open;
                }
            }
            let now = Class::of(parent);
            self.counts.replace(class, now);
            id = parent_id;
        }
    }

    /// A directory whose children are all settled and whose own summary is open.
    pub fn next_ready(&mut self) -> Option<NodeId> {
        while let Some(id) = self.ready.pop() {
            if self.get(id).is_some_and(Node::is_ready) {
                return Some(id);
            }
        }
        None
    }

    /// Discards the digests of a directory and of all nodes above it, because something below changed.
    pub fn forget_digests(&mut self, from: NodeId) {
        let mut at = Some(from);
        while let Some(id) = at {
            let Some(node) = self.get_mut(id) else { return };
            if let Body::Directory(directory) = &mut node.body {
                directory.digest = None;
            }
            at = node.parent;
        }
    }

    /// The node's Merkle digest; `None` while a file below it was never read.
    pub fn digest(&mut self, id: NodeId) -> Option<Digest> {
        let node = self.get(id)?;
        let directory = match &node.body {
            Body::File { contents } => return contents.as_ref().map(|contents| contents.digest),
            Body::Directory(directory) => directory,
        };
        if directory.digest.is_some() {
            return directory.digest;
        }
        // The kernel's longest path (4,096 bytes) bounds the depth of the recursion.
        let children: Vec<NodeId> = directory.children.values().copied().collect();
        let mut parts = Vec::with_capacity(children.len());
        for child in children {
            let Some(node) = self.get(child) else {
                continue;
            };
            if node.is_visible() {
                let kind = node.kind();
                parts.push((child, kind, self.digest(child)?));
            }
        }
        let digest =
            directory_digest(parts.iter().filter_map(|(child, kind, digest)| {
                Some((&*self.get(*child)?.name, *kind, *digest))
            }));
        if let Some(Body::Directory(directory)) = self.get_mut(id).map(|node| &mut node.body) {
            directory.digest = Some(digest);
        }
        Some(digest)
    }

    /// `id` and all nodes below it, parents before their children.
    pub fn walk(&self, id: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        let mut todo = vec![id];
        std::iter::from_fn(move || {
            loop {
                let id = todo.pop()?;
                let Some(node) = self.get(id) else { continue };
                if let Some(directory) = node.directory() {
                    todo.extend(directory.children.values().rev());
                }
                return Some((id, node));
            }
        })
    }
}
