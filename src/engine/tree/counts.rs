//! How many nodes of a tree are in which state, kept up to date as they change.

use crate::engine::view::freshness;
use crate::model::summary::Freshness;

use super::node::{Node, Phase};

/// The numbers of visible nodes by state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files.
    pub files: u64,
    /// Directories that contain a file.
    pub directories: u64,
    /// Fresh nodes.
    pub fresh: u64,
    /// Stale nodes.
    pub stale: u64,
    /// Pending nodes.
    pub pending: u64,
    /// Failed nodes.
    pub failed: u64,
    /// Nodes without summaries.
    pub off: u64,
    /// Files that have to be read.
    pub to_read: u64,
    /// Files that are not settled.
    pub files_open: u64,
}

/// What a node counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    is_file: bool,
    freshness: Freshness,
    to_read: bool,
    settled: bool,
}

impl Class {
    /// `None` for a directory without files: it is no node to the outside.
    pub fn of(node: &Node) -> Option<Self> {
        let is_file = node.directory().is_none();
        node.is_visible().then(|| Self {
            is_file,
            freshness: freshness(node),
            to_read: is_file && matches!(node.phase, Phase::Open | Phase::Reading { .. }),
            settled: node.is_settled(),
        })
    }
}

impl Counts {
    /// A node counted as `before` and counts as `after` now.
    pub(super) fn replace(&mut self, before: Option<Class>, after: Option<Class>) {
        if before == after {
            return;
        }
        if let Some(class) = after {
            self.each(class, |count| *count += 1);
        }
        if let Some(class) = before {
            self.each(class, |count| *count = count.saturating_sub(1));
        }
    }

    fn each(&mut self, class: Class, change: impl Fn(&mut u64)) {
        change(match class.is_file {
            true => &mut self.files,
            false => &mut self.directories,
        });
        change(match class.freshness {
            Freshness::Fresh => &mut self.fresh,
            Freshness::Stale => &mut self.stale,
            Freshness::Pending => &mut self.pending,
            Freshness::Failed => &mut self.failed,
            Freshness::Off => &mut self.off,
        });
        if class.to_read {
            change(&mut self.to_read);
        }
        if class.is_file && !class.settled {
            change(&mut self.files_open);
        }
    }
}
