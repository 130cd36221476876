//! Looks for changes that send no notification: those made through another hard link, a folder mounted over another,
//! a root replaced together with a folder far above it, a git work tree created around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::daemon::context::Context;
use crate::daemon::context::registry::Entry;
use crate::engine::event::Event;
use crate::model::contents::Contents;
use crate::model::path::{RelPath, RepoId};
use crate::shell::lstat;

/// Device and inode that a root should have: `Some(None)` when it should not exist, `None` when it is suspect anyway.
pub type Expected = Option<Option<(u64, u64)>>;

/// What to check.
pub struct Check {
    /// The repositories, each with the identity its root should have.
    pub roots: Vec<(Entry, Expected)>,
    /// Files of the first repository that have several names, as they were read.
    pub linked: Vec<(RelPath, Contents)>,
    /// A client waits: unchanged files have to be proved so, and the exported files are checked as well.
    pub waits: bool,
    /// The repository being checked, for a caller that wants to know which file system does not respond.
    pub at: Arc<AtomicU32>,
}

impl Check {
    /// Checks; returns what the engine has to know. Blocks on the disk.
    pub fn run(&self, context: &Context) -> Vec<Event> {
        let mut events = Vec::new();
        for (entry, expected) in &self.roots {
            self.at.store(entry.repo.0, Ordering::Relaxed);
            let moved = |expected| lstat::identity(&entry.root) != expected;
            let around = || entry.mounts_changed() || !entry.rules().has_same_top();
            if expected.is_some_and(moved) || around() {
                events.push(Event::Lost(entry.repo));
            }
        }
        if self.waits {
            let entries = self.roots.iter();
            events.extend(entries.filter_map(|(entry, _)| context.check_export(entry)));
        }
        if let Some((entry, _)) = self.roots.first() {
            events.extend(self.changed_links(entry.repo, entry));
        }
        events
    }

    fn changed_links(&self, repo: RepoId, entry: &Entry) -> Option<Event> {
        // Without a waiting client, a file read within the clock's resolution counts as unchanged: it would be reported
        // as stale again and again.
        let unchanged = |path: &RelPath, known: &Contents| {
            lstat::stat(&path.under(&entry.root)).is_some_and(|now| {
                known.stat.proves_unchanged(&now, known.observed_ms)
                    || (now == known.stat && !self.waits)
            })
        };
        let changed = self
            .linked
            .iter()
            .filter(|(path, known)| !unchanged(path, known));
        let paths: Vec<RelPath> = changed.map(|(path, _)| path.clone()).collect();
        (!paths.is_empty()).then_some(Event::Touched { repo, paths })
    }
}
