//! Loads the rules of each directory when it is first visited, or again when it is listed.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use crate::model::path::RelPath;

use super::level::{Level, Marks, Nature};
use super::repository::GitRules;
use super::{DirectoryRules, Marked, Reason, Rules, defaults, git, own_output};

impl Rules {
    /// The rules for a directory; `None` if it is ignored. Reads its rule files on the first call.
    pub(in crate::shell) fn directory(&self, directory: &RelPath) -> Option<DirectoryRules> {
        let known = self.levels.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(level) = known.get(directory) {
            return Some(DirectoryRules(Arc::clone(level)));
        }
        drop(known);
        if self.is_ignored(directory, true) {
            return None;
        }
        self.enter(directory, &Marks::read(&directory.under(&self.root)))
    }

    /// The rules for a directory that is about to be listed and contains `names`. Rereads its rule files, so that
    /// nothing read before the directory was watched is kept. `None` if an ancestor is ignored.
    pub(in crate::shell) fn directory_with<'a>(
        &self,
        directory: &RelPath,
        names: impl Iterator<Item = &'a [u8]>,
    ) -> Option<DirectoryRules> {
        self.enter(directory, &Marks::of(names))
    }

    fn enter(&self, directory: &RelPath, marks: &Marks) -> Option<DirectoryRules> {
        let above = match directory.parent() {
            Some(parent) => Some(self.directory(&parent)?.0),
            None => self.above.clone(),
        };
        let mut base = self.prefix.len();
        if !directory.is_root() {
            base += directory.as_bytes().len() + 1;
        }
        let absolute = directory.under(&self.root);
        let repository = self.mark(&absolute, marks);
        let closed = match (&above, directory.is_root()) {
            (Some(above), false) => self.closed(directory, &absolute, above, marks),
            _ => None,
        };
        if closed.is_some() {
            self.excluded.note(directory, closed.as_ref(), true);
        }
        // In a closed directory only what the repository around it tracks stays.
        let repository = repository.filter(|_| closed.is_none());
        let nature = Nature { repository, closed };
        let defaults = self.options.defaults;
        let level = Level::load(&absolute, base, above, marks, nature, defaults);
        self.levels
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(directory.clone(), Arc::clone(&level));
        Some(DirectoryRules(level))
    }

    /// Why a directory leaves out everything that git does not track, if it does.
    fn closed(
        &self,
        directory: &RelPath,
        absolute: &Path,
        above: &Arc<Level>,
        marks: &Marks,
    ) -> Option<Reason> {
        // It is ignored, and was entered because of the files in it that git tracks.
        let ignored = self.reason(&DirectoryRules(Arc::clone(above)), directory, true);
        let included = above
            .decide(&self.full(directory), true, &self.global)
            .is_some_and(|decision| !decision.verdict.ignored);
        let defaults = self.options.defaults && !included;
        ignored
            .or_else(|| {
                let is_store =
                    marks.has(own_output::STORE_MARKER) && own_output::is_store(absolute);
                is_store.then_some(Reason::Own(own_output::STORE))
            })
            .or_else(|| {
                let rule = marks.default_rule().filter(|_| defaults)?;
                Some(Reason::Default(rule))
            })
            .or_else(|| {
                let linked = defaults && marks.has(".git") && self.is_linked_here(absolute, above);
                linked.then_some(Reason::Default(defaults::LINKED_WORK_TREE))
            })
    }

    /// Whether `directory` is a linked work tree of a repository that the tree already contains.
    fn is_linked_here(&self, directory: &Path, above: &Level) -> bool {
        let place = git::Place::at(directory).filter(git::Place::is_linked);
        place.is_some_and(|place| {
            let common = place.common.canonicalize().ok();
            let is_around = common.is_some() && above.git_directory() == common.as_deref();
            let root = self.root.canonicalize().ok();
            let main = place.main_work_tree();
            is_around
                || main
                    .zip(root)
                    .is_some_and(|(main, root)| main.starts_with(root))
        })
    }

    /// Records whether a directory contains a `.git`, and returns the rules of the repository that starts there, if
    /// one does.
    pub(super) fn mark(&self, directory: &Path, marks: &Marks) -> Option<GitRules> {
        let holds = marks.has(".git") && directory.join(".git").symlink_metadata().is_ok();
        let known = self.marked.read().unwrap_or_else(PoisonError::into_inner);
        if !holds && !known.contains_key(directory) {
            return None;
        }
        drop(known);
        let rules = holds.then(|| GitRules::of(directory, &self.environment));
        let rules = rules.flatten();
        let entry = rules.as_ref().map(|rules| Marked {
            seen: rules.files.clone(),
            tracked: Arc::clone(&rules.tracked),
        });
        let mut marked = self.marked.write().unwrap_or_else(PoisonError::into_inner);
        match holds {
            true => marked.insert(directory.to_path_buf(), entry),
            false => marked.remove(directory),
        };
        rules
    }
}
