//! Decides which paths are ignored, for the scan and the watch alike.
//!
//! Precedence, highest first: `.git` and the export folder; `[files] exclude`; `.epitomeignore`, `.ignore` and git's
//! own rules (`.gitignore` files up to the top of their repository, `info/exclude`, the user's excludes file); the
//! defaults by marker; `[files] include`. This module never writes and never runs git.

mod attributes;
mod config;
mod defaults;
mod directories;
mod excluded;
mod files;
mod git;
mod glob;
mod index;
mod level;
mod options;
mod outside;
mod own_output;
mod pattern;
mod reason;
mod repository;
mod tracked;
mod verdict;
mod withheld;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, RwLock};

use crate::model::path::RelPath;

use config::Environment;
use excluded::Excluded;
use files::{Seen, see};
use level::{Level, RULE_FILES};
use pattern::PatternList;
use tracked::Tracked;

pub use options::{FileRules, RulesError};
pub use reason::Reason;

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
    options: FileRules,
    exclude: PatternList,
    include: PatternList,
    export: Option<RelPath>,
    /// Where git's configuration files are.
    environment: Environment,
    /// The user's excludes file, for paths outside any repository.
    global: PatternList,
    global_file: Option<PathBuf>,
    /// Rule files outside the tree, with their digests.
    outside: Vec<Seen>,
    /// Directories that contain a `.git`, each with the files read for the repository that starts there, if one does.
    marked: RwLock<BTreeMap<PathBuf, Option<Marked>>>,
    levels: RwLock<HashMap<RelPath, Arc<Level>>>,
    /// What the defaults left out, as far as scans have reached.
    excluded: Excluded,
}

/// The state of a repository whose work tree was visited.
#[derive(Debug)]
struct Marked {
    seen: Vec<Seen>,
    tracked: Arc<Tracked>,
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

    /// The same with an explicit excludes file, or none, and no git configuration except that of repositories.
    #[cfg(test)]
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
        let export = export.map(|dir| options::export_folder(root, dir));
        let settings = environment.settings(None);
        let mut outside = see(settings.excludes_file.clone());
        // A configuration change may name another excludes file.
        outside.extend(settings.files);
        let global_file = settings.excludes_file;
        let global = global_file
            .as_ref()
            .and_then(|file| files::read_small(file, true));
        let mut rules = Rules {
            root: root.to_path_buf(),
            prefix: Vec::new(),
            above: None,
            top: None,
            options: options.clone(),
            exclude: globs("exclude", &options.exclude)?,
            include: globs("include", &options.include)?,
            export: export.transpose()?.flatten(),
            environment,
            global: global.map_or_else(PatternList::default, |bytes| {
                PatternList::parse(&bytes, false)
            }),
            global_file,
            outside,
            marked: RwLock::default(),
            levels: RwLock::default(),
            excluded: Excluded::default(),
        };
        if git::Place::at(root).is_none() {
            rules.load_enclosing();
        }
        rules.directory(&RelPath::root());
        Ok(rules)
    }

    /// Whether a git work tree starts at `directory`.
    pub fn is_work_tree(directory: &Path) -> bool {
        git::Place::at(directory).is_some()
    }

    /// The names of the files in a tree that decide which files belong to it, and of git's attributes.
    pub fn file_names() -> impl Iterator<Item = &'static str> {
        RULE_FILES.into_iter().chain([attributes::FILE])
    }

    /// Whether a file of this name contains rules, so that a change to it may add, remove or reclassify other files.
    pub fn is_rule_file(name: &[u8]) -> bool {
        static NAMES: LazyLock<HashSet<&[u8]>> = LazyLock::new(|| {
            let names = Rules::file_names().chain(withheld::FILES.iter().copied());
            names.map(str::as_bytes).collect()
        });
        NAMES.contains(name)
    }

    /// Whether a change at `path` may matter although the path is ignored: a marker makes the defaults leave out its
    /// folder, and removing the marker brings the folder back.
    pub fn may_mark(&self, path: &RelPath) -> bool {
        self.options.defaults
            && defaults::is_marker(path.name())
            && path
                .parent()
                .is_some_and(|folder| !self.is_ignored(&folder, true))
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

    /// Why a path is not in the tree; `None` if no rule leaves it out. The root is never left out.
    pub fn explain(&self, path: &RelPath, is_directory: bool) -> Option<Reason> {
        let parent = path.parent()?;
        if let Some(reason) = self.explain(&parent, true) {
            return Some(reason);
        }
        let rules = self.directory(&parent)?;
        let reason = self.reason(&rules, path, is_directory)?;
        self.applies(&rules, path, &reason).then_some(reason)
    }

    /// The same for a folder, also where something in it marks it as one to leave out.
    pub fn explain_folder(&self, path: &RelPath) -> Option<Reason> {
        let inside = || self.explain(&path.join(b"\0"), false);
        self.explain(path, true)
            .or_else(|| inside().filter(|reason| reason.reported().is_some()))
    }

    /// Each default rule with the number of files it left out, as far as scans have reached.
    pub fn excluded(&self) -> Vec<(&'static str, u64)> {
        self.excluded.counted(&self.root, |path, is_directory| {
            self.explain(path, is_directory)
        })
    }
}

#[cfg(test)]
mod tests;
