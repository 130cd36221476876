//! Decides which paths are ignored, for the scan and the watch alike.
//!
//! Precedence, highest first: `.git` and the export folder; `[files] exclude`; `.epitomeignore`, `.ignore` and git's
//! own rules (`.gitignore` files up to the top of their repository, `info/exclude`, the user's excludes file);
//! `[files] include`. This module never writes and never runs git.

mod attributes;
mod config;
mod defaults;
mod excluded;
mod files;
mod git;
mod glob;
mod index;
mod level;
mod own_output;
mod pattern;
mod reason;
mod repository;
mod tracked;
mod withheld;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use crate::model::path::RelPath;
use crate::model::policy::Policy;

use config::Environment;
use excluded::Excluded;
use files::{Seen, see};
use level::{Decision, Level, Marks, Nature, Origin, RULE_FILES};
use pattern::PatternList;
use repository::GitRules;
use tracked::Tracked;

pub use reason::Reason;

/// The `[files]` and `[export]` sections of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRules {
    /// Globs in `.gitignore` syntax, relative to the root. If there are any, only files that match one, or that lie
    /// in a folder that matches one, are kept.
    pub include: Vec<String>,
    /// Globs in the same syntax. A match is ignored whatever other rules say.
    pub exclude: Vec<String>,
    /// The export folder, relative to the root. It is never part of the tree. A folder outside the tree has no effect
    /// here.
    pub export_dir: Option<String>,
    /// Whether virtual environments, installed packages and the like are left out without any rule.
    pub defaults: bool,
    /// Whether git's attributes decide which files are generated, vendored or documentation.
    pub attributes: bool,
}

impl Default for FileRules {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            export_dir: None,
            defaults: true,
            attributes: true,
        }
    }
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
    /// What was left out by default, as far as it was met.
    excluded: Excluded,
}

/// What is known of a repository whose work tree was met.
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

    /// The same with an explicit excludes file, or none, and no configuration except that of repositories.
    ///
    /// # Errors
    /// See [`Rules::open`].
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
        let export = export.map(|dir| export_folder(root, dir));
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
            rules.look_above();
        }
        rules.directory(&RelPath::root());
        Ok(rules)
    }

    /// Whether a git work tree starts at `directory`.
    pub fn is_work_tree(directory: &Path) -> bool {
        git::Place::at(directory).is_some()
    }

    /// The names of the files in a tree that decide what is in the map, and of git's attributes.
    pub fn file_names() -> impl Iterator<Item = &'static str> {
        RULE_FILES.into_iter().chain([attributes::FILE])
    }

    /// Whether a file of this name holds rules, so that a change to it may change what is in the map or how it is
    /// treated.
    pub fn is_rule_file(name: &[u8]) -> bool {
        static NAMES: LazyLock<HashSet<&[u8]>> = LazyLock::new(|| {
            let names = Rules::file_names().chain(withheld::FILES.iter().copied());
            names.map(str::as_bytes).collect()
        });
        NAMES.contains(name)
    }

    /// Whether a change at `path` may matter though the path is ignored: it may mark its folder as one to leave out,
    /// and that ends when it is removed.
    pub fn may_mark(&self, path: &RelPath) -> bool {
        self.options.defaults
            && defaults::is_marker(path.name())
            && path
                .parent()
                .is_some_and(|folder| !self.is_ignored(&folder, true))
    }

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

    /// Why a path is not in the map; `None` if no rule leaves it out. The root never is left out.
    pub fn explain(&self, path: &RelPath, is_directory: bool) -> Option<Reason> {
        let parent = path.parent()?;
        if let Some(reason) = self.explain(&parent, true) {
            return Some(reason);
        }
        let rules = self.directory(&parent)?;
        let reason = self.reason(&rules, path, is_directory)?;
        self.applies(&rules, path, &reason).then_some(reason)
    }

    /// What the files around a file say of it.
    pub fn policy(&self, path: &RelPath) -> Policy {
        let rules = path.parent().and_then(|parent| self.directory(&parent));
        rules.map_or(Policy::None, |rules| self.policy_of(&rules, path))
    }

    /// The same for an entry of a directory.
    pub(super) fn policy_of(&self, rules: &DirectoryRules, path: &RelPath) -> Policy {
        if !rules.0.has_policies() {
            return Policy::None;
        }
        if self.withheld_by(path).is_some() {
            return Policy::Withheld;
        }
        match self.options.attributes {
            true => attributes::policy(&rules.0.attributes(&self.full(path))),
            false => Policy::None,
        }
    }

    /// The AI-ignore file and line that keeps a file's content from models, as `.cursorignore:3`.
    pub fn withheld_by(&self, path: &RelPath) -> Option<String> {
        let full = self.full(path);
        let rules = self.directory(&path.parent()?)?;
        if !rules.0.has_policies() {
            return None;
        }
        let ends = full.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let folders = ends.map(|(end, _)| (&full[..end], true));
        let mut found = folders
            .chain([(&full[..], false)])
            .filter_map(|(path, is_directory)| rules.0.withheld(path, is_directory));
        let (base, name, line) = found.next()?;
        Some(format!("{}:{line}", self.shown_file(&full, base, name)))
    }

    /// What was left out by default: each rule with the number of its files, as far as the scans met them.
    pub fn excluded(&self) -> Vec<(&'static str, u64)> {
        self.excluded.counted(&self.root, |path, is_directory| {
            self.explain(path, is_directory)
        })
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
        self.enter(directory, &Marks::read(&directory.under(&self.root)))
    }

    /// The rules for a directory that is about to be listed and contains `names`. Rereads its rule files, so that
    /// nothing read before the directory was watched is kept. `None` if an ancestor is ignored.
    pub(super) fn directory_with<'a>(
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

    /// Why everything in a directory is left out apart from what git tracks, if it is.
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

    /// Whether a linked work tree of a repository starts at `directory` that is in the map already.
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
    fn mark(&self, directory: &Path, marks: &Marks) -> Option<GitRules> {
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

    /// Whether an entry of a directory that is not ignored is ignored.
    pub(super) fn ignores_entry(
        &self,
        rules: &DirectoryRules,
        path: &RelPath,
        is_directory: bool,
    ) -> bool {
        let reason = self.reason(rules, path, is_directory);
        let applies = reason.filter(|reason| self.applies(rules, path, reason));
        if applies.is_some() {
            self.excluded.note(path, applies.as_ref(), is_directory);
        }
        applies.is_some()
    }

    /// Whether a reason holds though git may track the path: only git's own rules and the defaults give way.
    fn applies(&self, rules: &DirectoryRules, path: &RelPath, reason: &Reason) -> bool {
        let gives_way = match reason {
            Reason::Pattern { of_git, .. } => *of_git,
            Reason::Default(_) => true,
            _ => false,
        };
        !gives_way || !rules.0.is_tracked(&self.full(path))
    }

    /// The first rule that leaves an entry out, whether git tracks it or not.
    fn reason(&self, rules: &DirectoryRules, path: &RelPath, is_directory: bool) -> Option<Reason> {
        let level = &rules.0;
        if path.name() == b".git" {
            return Some(Reason::Git);
        }
        if self.export.as_ref() == Some(path) {
            return Some(Reason::ExportFolder);
        }
        if let Some(verdict) = self.exclude.decide(path.as_bytes(), is_directory)
            && verdict.ignored
        {
            let glob = self.options.exclude.get(verdict.line as usize - 1);
            return Some(Reason::Exclude(glob.cloned().unwrap_or_default()));
        }
        if let Some(reason) = level.closed() {
            return Some(reason.clone());
        }
        let full = self.full(path);
        if let Some(decision) = level.decide(&full, is_directory, &self.global) {
            if decision.verdict.ignored {
                return Some(self.pattern_reason(&full, &decision));
            }
        } else if self.options.defaults {
            let by_name = defaults::of_name(path.name(), is_directory);
            let beside = || level.beside(&full).filter(|_| is_directory);
            if let Some(rule) = by_name.or_else(beside) {
                return Some(Reason::Default(rule));
            }
        }
        if is_directory {
            return None;
        }
        if !self.is_included(path) {
            return Some(Reason::NotIncluded);
        }
        own_output::is_export(path.name(), &path.under(&self.root))
            .then_some(Reason::Own(own_output::EXPORT))
    }

    /// A path from the top of the work tree around the root.
    fn full<'a>(&self, path: &'a RelPath) -> Cow<'a, [u8]> {
        match self.prefix.is_empty() {
            true => Cow::Borrowed(path.as_bytes()),
            false => Cow::Owned([&self.prefix, path.as_bytes()].concat()),
        }
    }

    fn pattern_reason(&self, full: &[u8], decision: &Decision<'_>) -> Reason {
        let file = match decision.origin {
            Origin::Tree(base, name) => self.shown_file(full, base, name),
            Origin::Outside(Some(file)) => self.shown_outside(file),
            Origin::Outside(None) => match &self.global_file {
                Some(file) => self.shown_outside(file),
                None => "the excludes file of git".to_owned(),
            },
        };
        Reason::Pattern {
            file,
            line: decision.verdict.line,
            of_git: decision.of_git,
        }
    }

    /// A rule file in the directory that so many bytes of a path lead to.
    fn shown_file(&self, full: &[u8], base: usize, name: &str) -> String {
        let folder = String::from_utf8_lossy(&full[..base]);
        match (full.get(self.prefix.len()..base), &self.top) {
            (Some(below), _) => format!("{}{name}", String::from_utf8_lossy(below)),
            (None, Some(top)) => format!("{}/{folder}{name}", top.display()),
            (None, None) => format!("{folder}{name}"),
        }
    }

    fn shown_outside(&self, file: &Path) -> String {
        let shown = file.strip_prefix(&self.root).unwrap_or(file);
        shown.display().to_string()
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
