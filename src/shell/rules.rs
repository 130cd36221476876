//! Decides which paths are ignored, for the scan and the watch alike.
//!
//! Precedence, highest first: `.git` and the export folder; `[files] exclude`; `.epitomeignore`, `.ignore` and git's
//! own rules (`.gitignore` files up to the top of their repository, `info/exclude`, the user's excludes file);
//! `[files] include`. This module never writes and never runs git.

mod config;
mod files;
mod git;
mod glob;
mod level;
mod pattern;
mod repository;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::path::RelPath;

use config::Environment;
use files::{Seen, see};
use level::{Level, Marks, RULE_FILES};
use pattern::PatternList;
use repository::GitRules;

/// The `[files]` and `[export]` sections of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRules {
    /// Globs in `.gitignore` syntax, relative to the root. If there are any, only files that match one, or that lie
    /// in a folder that matches one, are kept.
    pub include: Vec<String>,
    /// Globs in the same syntax. A match is ignored whatever other rules say.
    pub exclude: Vec<String>,
    /// The export folder, relative to the root. It is never part of the tree. A folder outside the tree has no effect
    /// here.
    pub export_dir: Option<String>,
}

/// Why the rules cannot be built.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RulesError {
    /// A glob in the configuration that can never match.
    #[error("the glob \"{glob}\" in [files] {key} cannot work: {flaw}")]
    BadGlob {
        /// `include` or `exclude`.
        key: &'static str,
        /// The glob as written.
        glob: String,
        /// What is wrong with it.
        flaw: &'static str,
    },
    /// The export folder is the root itself, so nothing would remain.
    #[error("[export] dir = \"{0}\" is the repository's root; name a folder of its own below it")]
    BadExportFolder(String),
}

/// The rules of one repository, as they were when each directory was first visited. After a rule file changes, open
/// new ones. Cheap to share in an `Arc`.
#[derive(Debug)]
pub struct Rules {
    root: PathBuf,
    /// The root's path relative to the top of the enclosing git work tree, with a trailing `/`; empty if there is
    /// none.
    prefix: Vec<u8>,
    /// The level above the root in that work tree.
    above: Option<Arc<Level>>,
    /// The top of the git work tree that contains the root, if the root is not itself the top. Set even if that work
    /// tree ignores the root.
    top: Option<PathBuf>,
    exclude: PatternList,
    include: PatternList,
    export: Option<RelPath>,
    /// Where git's configuration files are.
    environment: Environment,
    /// The user's excludes file, for paths outside any repository.
    global: PatternList,
    /// Rule files outside the tree, with their digests.
    outside: Vec<Seen>,
    /// Directories that contain a `.git`, each with the files read for the repository that starts there, if one does.
    marked: RwLock<BTreeMap<PathBuf, Option<Vec<Seen>>>>,
    levels: RwLock<HashMap<RelPath, Arc<Level>>>,
}

/// The rules that apply to the entries of one directory.
#[derive(Clone, Debug)]
pub(super) struct DirectoryRules(Arc<Level>);

impl Rules {
    /// Opens the rules of the tree at `root`. Finds the user's excludes file from the environment, as git does.
    ///
    /// # Errors
    /// A glob that can never match, or an export folder that is the root. Unreadable rule files are treated as
    /// missing, as git does.
    pub fn open(root: &Path, options: &FileRules) -> Result<Rules, RulesError> {
        Self::open_in(root, options, Environment::of_process())
    }

    /// The same with an explicit excludes file, or none, and no configuration except that of repositories.
    ///
    /// # Errors
    /// See [`Rules::open`].
    pub fn open_with(
        root: &Path,
        options: &FileRules,
        global_excludes_file: Option<PathBuf>,
    ) -> Result<Rules, RulesError> {
        Self::open_in(root, options, Environment::bare(global_excludes_file))
    }

    fn open_in(
        root: &Path,
        options: &FileRules,
        environment: Environment,
    ) -> Result<Rules, RulesError> {
        let globs = |key: &'static str, globs: &[String]| {
            PatternList::of_globs(globs).map_err(|(glob, flaw)| RulesError::BadGlob {
                key,
                glob,
                flaw: flaw.as_str(),
            })
        };
        let export = options.export_dir.as_deref();
        let export = export.map(|dir| export_folder(root, dir));
        let settings = environment.settings(None);
        let mut outside = see(settings.excludes_file.clone());
        // A configuration change may name another excludes file.
        outside.extend(settings.files);
        let global = settings
            .excludes_file
            .and_then(|file| files::read_small(&file, true));
        let mut rules = Rules {
            root: root.to_path_buf(),
            prefix: Vec::new(),
            above: None,
            top: None,
            exclude: globs("exclude", &options.exclude)?,
            include: globs("include", &options.include)?,
            export: export.transpose()?.flatten(),
            environment,
            global: global.map_or_else(PatternList::default, |bytes| {
                PatternList::parse(&bytes, false)
            }),
            outside,
            marked: RwLock::default(),
            levels: RwLock::default(),
        };
        if git::Place::at(root).is_none() {
            rules.look_above();
        }
        rules.directory(&RelPath::root());
        Ok(rules)
    }

    /// Whether a git work tree starts at `directory`.
    pub fn is_work_tree(directory: &Path) -> bool {
        git::Place::at(directory).is_some()
    }

    /// The names of rule files in a tree.
    pub fn file_names() -> [&'static str; 3] {
        RULE_FILES
    }

    /// Whether a file of this name holds rules, so that a change to it may change what is ignored.
    pub fn is_rule_file(name: &[u8]) -> bool {
        RULE_FILES.iter().any(|file| file.as_bytes() == name)
    }

    /// Files and folders outside the tree whose change may change the rules, whether they exist or not: the user's
    /// excludes file and the git configuration that names it, the files that make each known `.git` a repository,
    /// their `info/exclude`, and the rule files between the root and the top of an enclosing work tree. See
    /// [`Rules::is_current`].
    pub fn outside_inputs(&self) -> Vec<PathBuf> {
        let marked = self.marked.read().unwrap_or_else(PoisonError::into_inner);
        let of_repositories = marked.values().flatten().flatten();
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
        self.outside.iter().all(same)
            && self.has_same_top()
            && marked
                .iter()
                .all(|(directory, seen)| self.seen_now(directory) == *seen)
    }

    fn seen_now(&self, directory: &Path) -> Option<Vec<Seen>> {
        GitRules::of(directory, &self.environment).map(|rules| rules.files)
    }

    /// Whether the root is still in the same enclosing git work tree, or still in none. No event reports a work tree
    /// created around the root, because any ancestor folder may become one.
    pub fn has_same_top(&self) -> bool {
        git::Place::at(&self.root).is_some() || self.find_top() == self.top
    }

    fn find_top(&self) -> Option<PathBuf> {
        git::enclosing_work_tree(&self.root.canonicalize().ok()?)
    }

    /// Whether a path is ignored, by itself or through one of its ancestors. The root never is.
    pub fn is_ignored(&self, path: &RelPath, is_directory: bool) -> bool {
        let Some(parent) = path.parent() else {
            return false;
        };
        match self.directory(&parent) {
            Some(rules) => self.ignores_entry(&rules, path, is_directory),
            None => true,
        }
    }

    /// The rules for a directory; `None` if it is ignored. Reads its rule files on the first call.
    pub(super) fn directory(&self, directory: &RelPath) -> Option<DirectoryRules> {
        let known = self.levels.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(level) = known.get(directory) {
            return Some(DirectoryRules(Arc::clone(level)));
        }
        drop(known);
        if self.is_ignored(directory, true) {
            return None;
        }
        self.enter(directory, Marks::UNKNOWN)
    }

    /// The rules for a directory that is about to be listed and contains `names`. Rereads its rule files, so that
    /// nothing read before the directory was watched is kept. `None` if an ancestor is ignored.
    pub(super) fn directory_with<'a>(
        &self,
        directory: &RelPath,
        names: impl Iterator<Item = &'a [u8]>,
    ) -> Option<DirectoryRules> {
        self.enter(directory, Marks::of(names))
    }

    fn enter(&self, directory: &RelPath, marks: Marks) -> Option<DirectoryRules> {
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
        let level = Level::load(&absolute, base, above, marks.rule_files, repository);
        self.levels
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(directory.clone(), Arc::clone(&level));
        Some(DirectoryRules(level))
    }

    /// Records whether a directory contains a `.git`, and returns the rules of the repository that starts there, if
    /// one does.
    fn mark(&self, directory: &Path, marks: Marks) -> Option<GitRules> {
        let holds = marks.git && directory.join(".git").symlink_metadata().is_ok();
        let known = self.marked.read().unwrap_or_else(PoisonError::into_inner);
        if !holds && !known.contains_key(directory) {
            return None;
        }
        drop(known);
        let rules = holds.then(|| GitRules::of(directory, &self.environment));
        let rules = rules.flatten();
        let seen = rules.as_ref().map(|rules| rules.files.clone());
        let mut marked = self.marked.write().unwrap_or_else(PoisonError::into_inner);
        match holds {
            true => marked.insert(directory.to_path_buf(), seen),
            false => marked.remove(directory),
        };
        rules
    }

    /// Whether an entry of a directory that is not ignored is ignored.
    pub(super) fn ignores_entry(
        &self,
        rules: &DirectoryRules,
        path: &RelPath,
        is_directory: bool,
    ) -> bool {
        if path.name() == b".git" || self.export.as_ref() == Some(path) {
            return true;
        }
        if self.exclude.verdict(path.as_bytes(), is_directory) == Some(true) {
            return true;
        }
        let joined;
        let full = if self.prefix.is_empty() {
            path.as_bytes()
        } else {
            joined = [&self.prefix, path.as_bytes()].concat();
            &joined
        };
        if rules.0.verdict(full, is_directory, &self.global) == Some(true) {
            return true;
        }
        !is_directory && !self.is_included(path)
    }

    /// Whether `[files] include` keeps a file. The nearest match among the file and its ancestors decides.
    fn is_included(&self, path: &RelPath) -> bool {
        if self.include.is_empty() {
            return true;
        }
        let mut bytes = path.as_bytes();
        let mut is_directory = false;
        loop {
            if let Some(verdict) = self.include.verdict(bytes, is_directory) {
                return verdict;
            }
            let Some(slash) = bytes.iter().rposition(|&byte| byte == b'/') else {
                return false;
            };
            (bytes, is_directory) = (&bytes[..slash], true);
        }
    }

    /// Loads the rules of a git work tree around the root. If that work tree ignores the root itself, its rules do
    /// not apply inside: the user named this folder explicitly.
    fn look_above(&mut self) {
        self.top = self.find_top();
        let (Some(top), Ok(root)) = (self.top.clone(), self.root.canonicalize()) else {
            return;
        };
        let Some(way) = RelPath::below(&top, &root) else {
            return;
        };
        let mut at = RelPath::root();
        let mut level = None;
        for name in way.names() {
            let directory = at.under(&top);
            let base = if at.is_root() {
                0
            } else {
                at.as_bytes().len() + 1
            };
            let files = RULE_FILES.map(|file| directory.join(file));
            self.outside.extend(see(files));
            let repository = self.mark(&directory, Marks::UNKNOWN);
            let rule_files = Marks::UNKNOWN.rule_files;
            let here = Level::load(&directory, base, level, rule_files, repository);
            at = at.join(name);
            if here.verdict(at.as_bytes(), true, &self.global) == Some(true) {
                return;
            }
            level = Some(here);
        }
        self.prefix = [way.as_bytes(), b"/"].concat();
        self.above = level;
    }
}

/// The export folder relative to the root; `None` if it is unset or outside the tree.
fn export_folder(root: &Path, written: &str) -> Result<Option<RelPath>, RulesError> {
    if written.is_empty() {
        return Ok(None);
    }
    let mut absolute = PathBuf::new();
    for part in root.join(written).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                absolute.pop();
            }
            part => absolute.push(part),
        }
    }
    match RelPath::below(root, &absolute) {
        Some(path) if path.is_root() => Err(RulesError::BadExportFolder(written.to_owned())),
        path => Ok(path),
    }
}

#[cfg(test)]
mod tests;
