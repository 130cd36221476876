//! Reads the settings about ignoring from git's configuration: the files of the system, the user and one repository,
//! and the files that they include. Reads them as git does for these settings, and never runs git.

mod include;
mod syntax;

use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::files::{Seen, read_small};
use super::git::Place;
use crate::model::digest::Digest;

use include::Condition;
use syntax::Setting;

/// Maximum include depth; git's own limit.
const DEEPEST: usize = 10;

/// Where the configuration files of the system and the user are.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    home: Option<PathBuf>,
    /// In increasing precedence.
    files: Vec<PathBuf>,
    /// The excludes file to use if no configuration names one.
    excludes_file: Option<PathBuf>,
}

/// The resolved settings.
#[derive(Debug)]
pub(super) struct Settings {
    /// The user's excludes file; it need not exist.
    pub(super) excludes_file: Option<PathBuf>,
    /// `core.ignoreCase`: patterns match names regardless of case.
    pub(super) ignore_case: bool,
    /// `extensions.objectFormat`: object names are SHA-256.
    pub(super) sha256: bool,
    /// Every file that was read or looked for, with its digest.
    pub(super) files: Vec<Seen>,
}

impl Environment {
    /// From the variables of this process.
    pub(super) fn of_process() -> Self {
        let variable = |name| {
            let value = env::var_os(name).map(PathBuf::from);
            value.filter(|path| !path.as_os_str().is_empty())
        };
        let home = env::home_dir().filter(|home| home.is_absolute());
        let own = variable("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let own = own.map(|own| own.join("git"));
        let mut files = Vec::new();
        if variable("GIT_CONFIG_NOSYSTEM").is_none() {
            let system = variable("GIT_CONFIG_SYSTEM");
            files.push(system.unwrap_or_else(|| "/etc/gitconfig".into()));
        }
        match variable("GIT_CONFIG_GLOBAL") {
            Some(global) => files.push(global),
            None => {
                files.extend(own.as_ref().map(|own| own.join("config")));
                files.extend(home.as_ref().map(|home| home.join(".gitconfig")));
            }
        }
        Self {
            home,
            files,
            excludes_file: own.map(|own| own.join("ignore")),
        }
    }

    /// No configuration except that of repositories.
    #[cfg(test)]
    pub(super) fn bare(excludes_file: Option<PathBuf>) -> Self {
        Self {
            excludes_file,
            ..Self::default()
        }
    }

    /// The settings for a repository, or for paths outside any repository.
    pub(super) fn settings(&self, place: Option<&Place>) -> Settings {
        let mut reading = Reading::new(self, place);
        reading.all();
        let named = match &reading.excludes_file {
            Some(named) => self.expanded(named),
            None => self.excludes_file.clone(),
        };
        // git changes to the top of the work tree before it opens the file.
        let named = match place {
            Some(place) => named.map(|file| place.work_tree.join(file)),
            None => named.filter(|file| file.is_absolute()),
        };
        Settings {
            excludes_file: named,
            ignore_case: reading.ignore_case,
            sha256: reading.sha256,
            files: reading.files,
        }
    }

    /// Expands a path as git does: `~/` is the user's home. `None` if it names no file.
    fn expanded(&self, path: &[u8]) -> Option<PathBuf> {
        let as_path = |bytes| Path::new(OsStr::from_bytes(bytes));
        match path.strip_prefix(b"~") {
            Some(rest) => Some(self.home.as_ref()?.join(as_path(rest.strip_prefix(b"/")?))),
            None => (!path.is_empty()).then(|| as_path(path).to_path_buf()),
        }
    }
}

/// One pass over all configuration files.
struct Reading<'a> {
    environment: &'a Environment,
    place: Option<&'a Place>,
    /// The last value of `core.excludesFile`.
    excludes_file: Option<Vec<u8>>,
    ignore_case: bool,
    sha256: bool,
    /// `extensions.worktreeConfig`: read the work tree's own file too.
    of_work_tree: bool,
    /// URLs of the remotes seen so far.
    remotes: Vec<Vec<u8>>,
    /// This pass only collects remotes; conditional includes that depend on remotes are skipped.
    for_remotes: bool,
    files: Vec<Seen>,
}

impl<'a> Reading<'a> {
    fn new(environment: &'a Environment, place: Option<&'a Place>) -> Self {
        Self {
            environment,
            place,
            excludes_file: None,
            ignore_case: false,
            sha256: false,
            of_work_tree: false,
            remotes: Vec::new(),
            for_remotes: false,
            files: Vec::new(),
        }
    }

    fn all(&mut self) {
        for file in &self.environment.files {
            self.file(file, 0);
        }
        if let Some(place) = self.place {
            self.of_work_tree = false;
            self.file(&place.common.join("config"), 0);
            if self.of_work_tree {
                self.file(&place.own.join("config.worktree"), 0);
            }
        }
    }

    fn file(&mut self, file: &Path, depth: usize) {
        let bytes = read_small(file, true);
        let digest = bytes.as_deref().map(Digest::of_file);
        self.files.push((file.to_path_buf(), digest));
        for setting in syntax::settings(bytes.as_deref().unwrap_or_default()) {
            self.setting(setting, file, depth);
        }
    }

    fn setting(&mut self, setting: Setting, file: &Path, depth: usize) {
        let Setting {
            section,
            subsection,
            key,
            value,
        } = setting;
        let section = section.as_slice();
        match (section, subsection, key.as_slice()) {
            (b"core", None, b"excludesfile") => self.excludes_file = value,
            (b"core", None, b"ignorecase") => self.ignore_case = syntax::is_true(value.as_deref()),
            (b"extensions", None, b"objectformat") => {
                self.sha256 = value.is_some_and(|value| value.eq_ignore_ascii_case(b"sha256"));
            }
            (b"extensions", None, b"worktreeconfig") => {
                self.of_work_tree = syntax::is_true(value.as_deref());
            }
            (b"remote", Some(_), b"url") => self.remotes.extend(value),
            (b"include", None, b"path") => self.include(value, file, depth),
            (b"includeif", Some(condition), b"path") if self.holds(&condition, file) => {
                self.include(value, file, depth);
            }
            _ => {}
        }
    }

    fn include(&mut self, path: Option<Vec<u8>>, file: &Path, depth: usize) {
        let path = path.and_then(|path| self.environment.expanded(&path));
        if let Some(path) = path.filter(|_| depth < DEEPEST) {
            // Relative to the file itself, not to a link that leads to it.
            let own = file.canonicalize().ok();
            let folder = own.as_deref().unwrap_or(file).parent();
            self.file(&folder.unwrap_or(file).join(path), depth + 1);
        }
    }

    /// Whether the condition of an `includeIf` is true. Unknown conditions are false.
    fn holds(&mut self, condition: &[u8], file: &Path) -> bool {
        let Some(place) = self.place else {
            return false;
        };
        match Condition::parse(condition) {
            Some(Condition::GitDirectory { pattern, fold }) => {
                let home = self.environment.home.as_deref();
                include::is_at(place, pattern, fold, home, file)
            }
            Some(Condition::OnBranch(pattern)) => include::is_on_branch(place, pattern),
            Some(Condition::HasRemote(pattern)) if !self.for_remotes => {
                let mut others = Self::new(self.environment, self.place);
                others.for_remotes = true;
                others.all();
                let remotes = &others.remotes;
                remotes.iter().any(|url| include::matches(pattern, url))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
