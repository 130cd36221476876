//! The rules that one directory adds to those above it, linked upwards. Built once, then only read.

use std::path::Path;
use std::sync::Arc;

use super::files::read_small;
use super::pattern::PatternList;
use super::repository::GitRules;

/// The files in a tree that hold rules, strongest first: what an earlier kind says, a later one cannot unsay.
pub(super) const RULE_FILES: [&str; 3] = [".epitomeignore", ".ignore", ".gitignore"];
const GITIGNORE: usize = 2;

/// Which of the names that matter here a directory holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// One for each of [`RULE_FILES`].
    pub(super) rule_files: [bool; 3],
    /// Something called `.git`.
    pub(super) git: bool,
}

impl Marks {
    /// Not known: look for all of them.
    pub(super) const UNKNOWN: Self = Self {
        rule_files: [true; 3],
        git: true,
    };

    /// The marks among a directory's names.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut marks = Self {
            rule_files: [false; 3],
            git: false,
        };
        for name in names {
            if name == b".git" {
                marks.git = true;
            }
            if let Some(kind) = RULE_FILES.iter().position(|file| file.as_bytes() == name) {
                marks.rule_files[kind] = true;
            }
        }
        marks
    }
}

/// One directory's rules.
#[derive(Debug)]
pub(super) struct Level {
    above: Option<Arc<Level>>,
    /// How many bytes of a path lead to this directory.
    base: usize,
    lists: [PatternList; 3],
    /// A git repository's top: the rules of `.gitignore` files above it do not reach in.
    repository: Option<GitRules>,
    /// Whether git's rules are held against names without regard to case.
    ignore_case: bool,
}

impl Level {
    /// The level of `directory`, whose entries' paths have `base` bytes before their names, and which is the top of
    /// `repository`, where it is one. Where it adds nothing, it is the level above.
    pub(super) fn load(
        directory: &Path,
        base: usize,
        above: Option<Arc<Level>>,
        rule_files: [bool; 3],
        repository: Option<GitRules>,
    ) -> Arc<Level> {
        let ignore_case = match (&repository, &above) {
            (Some(repository), _) => repository.ignore_case,
            (None, Some(above)) => above.ignore_case,
            (None, None) => false,
        };
        let lists = std::array::from_fn(|kind| {
            rule_files[kind]
                .then(|| read_small(&directory.join(RULE_FILES[kind]), false))
                .flatten()
                .map(|bytes| PatternList::parse(&bytes, ignore_case && kind == GITIGNORE))
                .unwrap_or_default()
        });
        match above {
            Some(above) if repository.is_none() && lists.iter().all(PatternList::is_empty) => above,
            above => Arc::new(Level {
                above,
                base,
                lists,
                repository,
                ignore_case,
            }),
        }
    }

    fn upwards(&self) -> impl Iterator<Item = &Level> {
        std::iter::successors(Some(self), |level| level.above.as_deref())
    }

    /// What the rules say of `path`, an entry of this level's directory or of one below it that adds no rules.
    pub(super) fn verdict(
        &self,
        path: &[u8],
        is_directory: bool,
        global: &PatternList,
    ) -> Option<bool> {
        let said = |level: &Level, list: &PatternList| {
            path.get(level.base..)
                .and_then(|path| list.verdict(path, is_directory))
        };
        for kind in 0..GITIGNORE {
            let found = self
                .upwards()
                .find_map(|level| said(level, &level.lists[kind]));
            if found.is_some() {
                return found;
            }
        }
        let folded;
        let path = match self.ignore_case {
            true => {
                folded = path.to_ascii_lowercase();
                &folded
            }
            false => path,
        };
        let said = |level: &Level, list: &PatternList| {
            path.get(level.base..)
                .and_then(|path| list.verdict(path, is_directory))
        };
        for level in self.upwards() {
            if let Some(verdict) = said(level, &level.lists[GITIGNORE]) {
                return Some(verdict);
            }
            // Here git's own files outside the tree speak, and nothing above this level does.
            if let Some(repository) = &level.repository {
                return said(level, &repository.exclude)
                    .or_else(|| said(level, &repository.excludes_file));
            }
            if level.above.is_none() {
                return said(level, global);
            }
        }
        None
    }
}
