//! The rules that one directory adds to those of its ancestors, as a linked list. Immutable once built.

use std::path::Path;
use std::sync::Arc;

use super::files::read_small;
use super::pattern::PatternList;
use super::repository::GitRules;

/// Rule files in a tree, highest precedence first: a match in an earlier kind is final.
pub(super) const RULE_FILES: [&str; 3] = [".epitomeignore", ".ignore", ".gitignore"];
const GITIGNORE: usize = 2;

/// Which relevant names a directory contains.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// One for each of [`RULE_FILES`].
    pub(super) rule_files: [bool; 3],
    /// An entry called `.git`.
    pub(super) git: bool,
}

impl Marks {
    /// Unknown: look for all of them.
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
    /// Length of the path prefix that leads to this directory.
    base: usize,
    lists: [PatternList; 3],
    /// Set at the top of a git repository: `.gitignore` files above it do not apply.
    repository: Option<GitRules>,
    /// Whether git's patterns ignore case.
    ignore_case: bool,
}

impl Level {
    /// The level of `directory`. `base` is the length of the path prefix of its entries; `repository` is set if it is
    /// the top of one. Returns the level above if this one would add nothing.
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

    /// The verdict on `path`, an entry of this level's directory or of a directory below it that adds no rules.
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
            // The repository's files outside the tree come last, and rules above this level do not apply.
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
