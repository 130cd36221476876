//! What clients see of a node, except the summary's text, which is in the store.

use crate::model::contents::Contents;
use crate::model::digest::Digest;
use crate::model::key::Kind;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::{Freshness, SummaryRef};

use super::Engine;
use super::summaries::visible_children;
use super::tree::{Directory, Node, NodeId, Phase, Tree};

/// A node at one moment.
#[derive(Clone, Debug)]
pub struct NodeView {
    /// Its path.
    pub path: RelPath,
    /// File or directory.
    pub kind: Kind,
    /// Its Merkle digest; `None` while a file in it was never read.
    pub digest: Option<Digest>,
    /// How far the summary can be trusted.
    pub freshness: Freshness,
    /// The summary's key and digest.
    pub summary: Option<SummaryRef>,
    /// The error that keeps it from being fresh.
    pub error: Option<String>,
    /// A file's last reading.
    pub contents: Option<Contents>,
    /// Files below.
    pub files: u64,
    /// Directories below.
    pub directories: u64,
    /// Names of children without summaries.
    pub left_out: Vec<Box<[u8]>>,
    /// Children, by name; `None` below the requested depth.
    pub children: Option<Vec<NodeView>>,
}

/// How far a node's summary can be trusted.
pub(super) fn freshness(node: &Node) -> Freshness {
    let tainted = node.directory().is_some_and(|directory| directory.tainted);
    match &node.phase {
        Phase::Off if node.is_settled() => Freshness::Off,
        Phase::Done if node.is_settled() && !tainted => Freshness::Fresh,
        Phase::Failed(_) if node.summary.is_none() => Freshness::Failed,
        _ if node.summary.is_some() => Freshness::Stale,
        _ => Freshness::Pending,
    }
}

/// The same; `suspect`: something above it is suspect.
pub(super) fn freshness_in(node: &Node, suspect: bool) -> Freshness {
    match freshness(node) {
        Freshness::Fresh if suspect => Freshness::Stale,
        freshness => freshness,
    }
}

impl Engine {
    /// The node at `path` with `depth` levels below it.
    pub fn view(&mut self, repo: RepoId, path: &RelPath, depth: usize) -> Option<NodeView> {
        let repository = self.repositories.get_mut(&repo)?;
        let id = repository.tree.find(path)?;
        if !repository.tree.get(id)?.is_visible() {
            return None;
        }
        let suspect = repository.unreachable || is_suspect_from_above(&repository.tree, id);
        view(&mut repository.tree, id, path.clone(), depth, suspect)
    }
}

/// Whether a directory above the node may be another one now.
fn is_suspect_from_above(tree: &Tree, id: NodeId) -> bool {
    let mut at = tree.get(id).and_then(|node| node.parent);
    while let Some(node) = at.and_then(|id| tree.get(id)) {
        if node
            .directory()
            .is_some_and(|directory| directory.suspect_below > 0)
        {
            return true;
        }
        at = node.parent;
    }
    false
}

/// `suspect`: the root does not exist, or a directory above may be another one now.
pub(super) fn view(
    tree: &mut Tree,
    id: NodeId,
    path: RelPath,
    depth: usize,
    suspect: bool,
) -> Option<NodeView> {
    let digest = tree.digest(id);
    let below: Vec<(Box<[u8]>, NodeId)> = visible_children(tree, id)
        .map(|(name, child)| (name.into(), child))
        .collect();
    let left_out = below
        .iter()
        .filter(|(_, child)| {
            tree.get(*child)
                .is_some_and(|node| node.summary.is_none() && node.is_settled())
        })
        .map(|(name, _)| name.clone())
        .collect();
    let node = tree.get(id)?;
    let count = |of: fn(&Directory) -> u32| node.directory().map_or(0, of).into();
    let mut view = NodeView {
        kind: node.kind(),
        digest,
        freshness: freshness_in(node, suspect),
        summary: node.summary,
        error: match &node.phase {
            Phase::Failed(failure) => Some(failure.to_line()),
            _ => None,
        },
        contents: node.contents().cloned(),
        files: count(|directory| directory.files),
        directories: count(|directory| directory.directories),
        left_out,
        children: None,
        path,
    };
    let suspect = suspect
        || node
            .directory()
            .is_some_and(|directory| directory.suspect_below > 0);
    if view.kind == Kind::Directory && depth > 0 {
        let children = below
            .into_iter()
            .filter_map(|(name, child)| {
                self::view(tree, child, view.path.join(&name), depth - 1, suspect)
            })
            .collect();
        view.children = Some(children);
    }
    Some(view)
}
