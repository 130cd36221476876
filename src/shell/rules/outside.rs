//! The inputs of the rules that lie outside the tree: git's files, and the work tree around the root.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use crate::model::path::RelPath;

use super::files::{self, Seen, see};
use super::level::{Level, Marks, Nature, RULE_FILES};
use super::repository::GitRules;
use super::tracked::Tracked;
use super::{Marked, Rules, git};

impl Rules {
    /// Files and folders outside the tree whose change may change the rules, whether they exist or not: the user's
    /// excludes file and the git configuration that names it, the files that make each known `.git` a repository,
    /// their `info/exclude`, and the rule files between the root and the top of an enclosing work tree. See
    /// [`Rules::is_current`].
    pub fn outside_inputs(&self) -> Vec<PathBuf> {
        let marked = self.marked.read().unwrap_or_else(PoisonError::into_inner);
        let of_repositories = marked.values().flatten();
        let of_repositories = of_repositories.flat_map(|marked| &marked.seen);
        let seen = self.outside.iter().chain(of_repositories);
        let files: BTreeSet<&Path> = seen.map(|(file, _)| file.as_path()).collect();
        let chain: BTreeSet<PathBuf> = files.into_iter().flat_map(files::link_chain).collect();
        // If a folder is missing, its nearest existing ancestor is watched.
        let missing = chain.iter().flat_map(|file| {
            let above = file.ancestors().skip(1);
            above.take_while(|above| !above.exists())
        });
        let mut inputs: BTreeSet<PathBuf> = missing.map(Path::to_path_buf).collect();
        inputs.extend(chain);
        inputs.extend(marked.keys().flat_map(|directory| git::inputs(directory)));
        inputs.into_iter().collect()
    }

    /// Files that exist while git is working on one of the known repositories. They lie in folders of
    /// [`Rules::outside_inputs`].
    pub fn lock_files(&self) -> Vec<PathBuf> {
        let marked = self.marked.read().unwrap_or_else(PoisonError::into_inner);
        // An enclosing work tree that ignores the root does not delay anything.
        let locks = marked
            .keys()
            .filter(|directory| self.above.is_some() || directory.starts_with(&self.root));
        locks
            .flat_map(|directory| git::lock_files(directory))
            .collect()
    }

    /// Whether the inputs outside the tree still have the content they had when they were read. Most changes to
    /// [`Rules::outside_inputs`], such as a commit, change no rule.
    pub fn is_current(&self) -> bool {
        let same = |(file, digest): &Seen| files::digest_of(file) == *digest;
        let marked = self.marked.read().unwrap_or_else(PoisonError::into_inner);
        let is_same = |(directory, known): (&PathBuf, &Option<Marked>)| {
            let now = GitRules::files_now(directory, &self.environment);
            now.as_ref() == known.as_ref().map(|known| &known.seen)
        };
        let same =
            self.outside.iter().all(same) && self.has_same_top() && marked.iter().all(is_same);
        let tracked = marked.iter().filter_map(|(directory, known)| {
            let tracked = Arc::clone(&known.as_ref()?.tracked);
            Some((directory.clone(), tracked))
        });
        let tracked: Vec<(PathBuf, Arc<Tracked>)> = tracked.collect();
        drop(marked);
        same && tracked
            .iter()
            .all(|(top, tracked)| tracked.is_current(|path| self.ignores_without_index(top, path)))
    }

    /// Whether a rule ignores a path below the top of a work tree, whether git tracks it or not.
    fn ignores_without_index(&self, top: &Path, path: &[u8]) -> bool {
        let absolute = RelPath::new(path).under(top);
        let Some(path) = RelPath::below(&self.root, &absolute) else {
            return false;
        };
        match path.parent().map(|parent| self.directory(&parent)) {
            Some(Some(rules)) => self.reason(&rules, &path, false).is_some(),
            Some(None) => true,
            None => false,
        }
    }

    /// Whether the root is still in the same enclosing git work tree, or still in none. No event reports a work tree
    /// created around the root, because any ancestor folder may become one.
    pub fn has_same_top(&self) -> bool {
        git::Place::at(&self.root).is_some() || self.find_top() == self.top
    }

    pub(super) fn find_top(&self) -> Option<PathBuf> {
        git::enclosing_work_tree(&self.root.canonicalize().ok()?)
    }

    /// Loads the rules of a git work tree around the root. If that work tree ignores the root itself, its rules do
    /// not apply inside: the user named this folder explicitly.
    pub(super) fn load_enclosing(&mut self) {
        self.top = self.find_top();
        let (Some(top), Ok(root)) = (self.top.clone(), self.root.canonicalize()) else {
            return;
        };
        let Some(below) = RelPath::below(&top, &root) else {
            return;
        };
        let mut at = RelPath::root();
        let mut level = None;
        for name in below.names() {
            let directory = at.under(&top);
            let base = if at.is_root() {
                0
            } else {
                at.as_bytes().len() + 1
            };
            let files = RULE_FILES.map(|file| directory.join(file));
            self.outside.extend(see(files));
            let marks = Marks::read(&directory);
            let repository = self.mark(&directory, &marks);
            let nature = Nature {
                repository,
                closed: None,
            };
            let here = Level::load(&directory, base, level, &marks, nature, false);
            at = at.join(name);
            let decision = here.decide(at.as_bytes(), true, &self.global);
            if decision.is_some_and(|decision| decision.verdict.ignored)
                && !here.is_tracked(at.as_bytes())
            {
                return;
            }
            level = Some(here);
        }
        self.prefix = [below.as_bytes(), b"/"].concat();
        self.above = level;
    }
}
