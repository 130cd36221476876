//! The tree of one repository: what is there, what is known of it, and what below a node is still unsettled.
//!
//! A node is *settled* when nothing is left to do for it or below it. Each directory counts its unsettled children;
//! a directory whose count falls to zero is *ripe*: its own summary can be thought about. Doubt travels up through
//! these counts, and nothing is computed on the way: "dirty" is cheap, work begins from below.

mod node;

use crate::model::digest::Digest;
use crate::model::key::{Kind, directory_digest};
use crate::model::path::RelPath;

pub use node::{Body, Changed, Directory, Node, NodeId, Phase};

/// The nodes of one repository.
#[derive(Debug)]
pub struct Tree {
    slots: Vec<(u32, Option<Node>)>,
    free: Vec<u32>,
    ripe: Vec<NodeId>,
}

/// The root's place, in every tree.
pub const ROOT: NodeId = NodeId {
    slot: 0,
    generation: 0,
};

impl Default for Tree {
    fn default() -> Self {
        let root = Node {
            parent: None,
            name: Box::default(),
            body: Body::Directory(Directory::default()),
            phase: Phase::Open,
            key: None,
            words: None,
            doubt: 1,
            changed: None,
        };
        Self {
            slots: vec![(0, Some(root))],
            free: Vec::new(),
            ripe: Vec::new(),
        }
    }
}

impl Tree {
    /// The node, unless it was removed.
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        let (generation, node) = self.slots.get(id.slot as usize)?;
        node.as_ref().filter(|_| *generation == id.generation)
    }

    fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        let (generation, node) = self.slots.get_mut(id.slot as usize)?;
        node.as_mut().filter(|_| *generation == id.generation)
    }

    /// The root.
    pub fn root(&self) -> &Node {
        self.slots[0].1.as_ref().expect("the root is never removed")
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

    /// The deepest directory that is known on the way to `path`, not `path` itself.
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

    /// Adds a node that is new or was replaced by one of another kind; the old one is to be removed before.
    /// A new directory is in doubt until it is listed.
    pub fn add(&mut self, parent: NodeId, name: &[u8], kind: Kind, doubt: u64) -> NodeId {
        let node = Node {
            parent: Some(parent),
            name: name.into(),
            body: match kind {
                Kind::File => Body::File { contents: None },
                Kind::Directory => Body::Directory(Directory::default()),
            },
            phase: Phase::Open,
            key: None,
            words: None,
            doubt,
            changed: None,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            (self.slots.len() - 1) as u32
        });
        let place = &mut self.slots[slot as usize];
        place.1 = Some(node);
        let id = NodeId {
            slot,
            generation: place.0,
        };
        self.change_directory(parent, |directory| {
            directory.children.insert(name.into(), id);
            directory.unsettled += 1;
        });
        if kind == Kind::File {
            self.count(parent, 1, 0);
        }
        id
    }

    /// Removes a node and all below it; tells the paths that went, deepest last. The root only loses its children.
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
                directory.children.remove(&name);
                directory.unsettled -= u32::from(!settled);
            });
        }
        removed
    }

    fn vacate(&mut self, id: NodeId) {
        let place = &mut self.slots[id.slot as usize];
        place.0 = place.0.wrapping_add(1);
        place.1 = None;
        self.free.push(id.slot);
    }

    /// So many files and directories more, or less, are below `from`; a directory is counted while it holds a file.
    fn count(&mut self, from: NodeId, files: i64, mut directories: i64) {
        let mut at = Some(from);
        while let Some(id) = at {
            let Some(node) = self.get_mut(id) else { return };
            let was_visible = node.is_visible();
            if let Body::Directory(directory) = &mut node.body {
                let sum = |count: u32, by: i64| (i64::from(count) + by).max(0) as u32;
                directory.files = sum(directory.files, files);
                directory.directories = sum(directory.directories, directories);
            }
            directories += i64::from(node.is_visible()) - i64::from(was_visible);
            at = node.parent;
        }
    }

    /// Changes a node; what follows for those above it is seen to here.
    pub fn change(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) {
        let Some(node) = self.get_mut(id) else { return };
        let before = node.is_settled();
        change(node);
        self.propagate(id, before);
    }

    /// A node changed: its words and those of all above it wait for quiet.
    pub fn mark_changed(&mut self, id: NodeId, now_ms: u64) {
        let mut at = Some(id);
        while let Some(id) = at {
            let Some(node) = self.get_mut(id) else { return };
            let first_ms = node.changed.map_or(now_ms, |changed| changed.first_ms);
            node.changed = Some(Changed {
                first_ms,
                last_ms: now_ms,
            });
            at = node.parent;
        }
    }

    /// Changes what a directory holds: its own words are to be thought about again.
    pub fn change_directory(&mut self, id: NodeId, change: impl FnOnce(&mut Directory)) {
        self.forget_digests(id);
        self.change(id, |node| {
            if let Body::Directory(directory) = &mut node.body {
                change(directory);
            }
            node.phase = Phase::Open;
        });
    }

    /// After `id` changed: counts move up as far as being settled changed, and who is ripe is written down.
    fn propagate(&mut self, mut id: NodeId, mut before: bool) {
        loop {
            let Some(node) = self.get_mut(id) else { return };
            let now = node.is_settled();
            if now {
                node.changed = None;
            }
            let ripe = node.doubt == 0
                && node.phase == Phase::Open
                && node
                    .directory()
                    .is_some_and(|directory| directory.unsettled == 0);
            let parent = node.parent;
            if ripe {
                self.ripe.push(id);
            }
            if now == before {
                return;
            }
            let Some(parent_id) = parent else { return };
            let Some(parent) = self.get_mut(parent_id) else {
                return;
            };
            before = parent.is_settled();
            if let Body::Directory(directory) = &mut parent.body {
                if now {
                    directory.unsettled -= 1;
                } else {
                    directory.unsettled += 1;
                    // Whatever was known of its words may no longer hold: it waits for its children again.
                    parent.phase = Phase::Open;
                }
            }
            id = parent_id;
        }
    }

    /// A directory whose children are all settled and whose own words are open, or `None`.
    pub fn next_ready(&mut self) -> Option<NodeId> {
        while let Some(id) = self.ripe.pop() {
            let ripe = self.get(id).is_some_and(|node| {
                node.doubt == 0
                    && node.phase == Phase::Open
                    && node
                        .directory()
                        .is_some_and(|directory| directory.unsettled == 0)
            });
            if ripe {
                return Some(id);
            }
        }
        None
    }

    /// Forgets the digests of a directory and of all above it, because something below changed.
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

    /// The node's Merkle digest; `None` while something below it was never read.
    pub fn digest(&mut self, id: NodeId) -> Option<Digest> {
        let node = self.get(id)?;
        let directory = match &node.body {
            Body::File { contents } => return contents.as_ref().map(|contents| contents.digest),
            Body::Directory(directory) => directory,
        };
        if directory.digest.is_some() {
            return directory.digest;
        }
        // Depth is bounded by the longest path that the kernel takes (4,096 bytes), so this may recurse.
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
        if let Some(Node {
            body: Body::Directory(directory),
            ..
        }) = self.get_mut(id)
        {
            directory.digest = Some(digest);
        }
        Some(digest)
    }

    /// All nodes below `id` and `id` itself, parents before their children.
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
