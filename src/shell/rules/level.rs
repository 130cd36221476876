//! The rules that one directory adds to those of its ancestors, as a linked list. Immutable once built.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::attributes::{self, AttributeList, Found};
use super::files::read_small;
use super::pattern::{PatternList, Verdict};
use super::reason::Reason;
use super::repository::GitRules;
use super::{defaults, own_output, withheld};

/// Rule files in a tree, highest precedence first: a match in an earlier kind is final.
pub(super) const RULE_FILES: [&str; 3] = [".epitomeignore", ".ignore", ".gitignore"];
const GITIGNORE: usize = 2;

/// All names whose presence in a directory matters.
static SPECIAL: LazyLock<HashMap<&[u8], &'static str>> = LazyLock::new(|| {
    let names = RULE_FILES.iter().chain(withheld::FILES).copied();
    let more = [".git", attributes::FILE, own_output::STORE_MARKER];
    let all = names.chain(more).chain(defaults::markers());
    all.map(|name| (name.as_bytes(), name)).collect()
});

/// Which of the relevant names a directory contains.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(BTreeSet<&'static str>);

impl Marks {
    /// The marks among a directory's names.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut marks = BTreeSet::new();
        for name in names {
            marks.extend(SPECIAL.get(name).copied());
            marks.extend(defaults::pattern_marker(name));
        }
        Self(marks)
    }

    /// The marks of a directory on disk.
    pub(super) fn read(directory: &Path) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        Self::of(names.iter().map(|name| name.as_bytes()))
    }

    /// The default rule by which the whole directory is left out.
    pub(super) fn default_rule(&self) -> Option<&'static str> {
        defaults::of_markers(&self.0)
    }

    /// Whether the directory contains that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// What a directory is, apart from the rule files in it.
#[derive(Debug, Default)]
pub(super) struct Nature {
    /// The git repository whose work tree starts here.
    pub(super) repository: Option<GitRules>,
    /// Everything in it is left out for this reason, apart from what git tracks.
    pub(super) closed: Option<Reason>,
}

/// One directory's rules.
#[derive(Debug)]
pub(super) struct Level {
    above: Option<Arc<Level>>,
    /// Length of the path prefix that leads to this directory.
    base: usize,
    lists: [PatternList; 3],
    /// The AI-ignore files in it.
    withheld: Vec<(&'static str, PatternList)>,
    attributes: AttributeList,
    /// Whether there are AI-ignore files or attributes here or above.
    has_policies: bool,
    /// Folders in this directory that are left out because of what is next to them.
    beside: Vec<(&'static str, &'static str)>,
    closed: Option<Reason>,
    /// Set at the top of a git repository: `.gitignore` files above it do not apply.
    repository: Option<GitRules>,
    /// Whether git's patterns ignore case.
    ignore_case: bool,
}

/// What decides on a path, and where it is written.
pub(super) struct Decision<'a> {
    pub(super) verdict: Verdict,
    /// Whether git knows the rule: then it does not apply to tracked files.
    pub(super) of_git: bool,
    pub(super) origin: Origin<'a>,
}

/// Where a rule is written.
pub(super) enum Origin<'a> {
    /// In a file of this name in the directory that so many bytes of the path lead to.
    Tree(usize, &'static str),
    /// In a file outside the tree; `None`: the user's excludes file.
    Outside(Option<&'a Path>),
}

impl Level {
    /// The level of `directory`. `base` is the length of the path prefix of its entries. Returns the level above if
    /// this one would add nothing.
    pub(super) fn load(
        directory: &Path,
        base: usize,
        above: Option<Arc<Level>>,
        marks: &Marks,
        nature: Nature,
        defaults: bool,
    ) -> Arc<Level> {
        let Nature { repository, closed } = nature;
        let ignore_case = match (&repository, &above) {
            (Some(repository), _) => repository.ignore_case,
            (None, Some(above)) => above.ignore_case,
            (None, None) => false,
        };
        let read = |name: &str| {
            let known = marks.has(name).then(|| directory.join(name));
            known.and_then(|file| read_small(&file, false))
        };
        let lists = std::array::from_fn(|kind| {
            read(RULE_FILES[kind])
                .map(|bytes| PatternList::parse(&bytes, ignore_case && kind == GITIGNORE))
                .unwrap_or_default()
        });
        let withheld: Vec<(&str, PatternList)> = withheld::FILES
            .iter()
            .filter_map(|name| Some((*name, PatternList::parse(&read(name)?, false))))
            .filter(|(_, list)| !list.is_empty())
            .collect();
        let attributes = read(attributes::FILE)
            .map(|bytes| AttributeList::parse(&bytes))
            .unwrap_or_default();
        let beside = match defaults {
            true => defaults::beside(&marks.0),
            false => Vec::new(),
        };
        let closed = closed.or_else(|| above.as_ref()?.closed.clone());
        let own_policies = !withheld.is_empty() || !attributes.is_empty();
        let adds = repository.is_some()
            || own_policies
            || !beside.is_empty()
            || closed.is_some()
            || !lists.iter().all(PatternList::is_empty);
        match above {
            Some(above) if !adds => above,
            above => Arc::new(Level {
                has_policies: own_policies
                    || above.as_ref().is_some_and(|above| above.has_policies),
                above,
                base,
                lists,
                withheld,
                attributes,
                beside,
                closed,
                repository,
                ignore_case,
            }),
        }
    }

    fn upwards(&self) -> impl Iterator<Item = &Level> {
        std::iter::successors(Some(self), |level| level.above.as_deref())
    }

    /// Why everything in this directory is left out, if it is.
    pub(super) fn closed(&self) -> Option<&Reason> {
        self.closed.as_ref()
    }

    /// Whether there are AI-ignore files or attributes here or above.
    pub(super) fn has_policies(&self) -> bool {
        self.has_policies
    }

    /// The rule by which a folder in this directory is left out because of what is next to it.
    pub(super) fn beside(&self, path: &[u8]) -> Option<&'static str> {
        let name = path.get(self.base..)?;
        let found = self
            .beside
            .iter()
            .find(|(folder, _)| folder.as_bytes() == name);
        found.map(|(_, rule)| *rule)
    }

    /// Whether git tracks a file at `path`, or below it.
    pub(super) fn is_tracked(&self, path: &[u8]) -> bool {
        let mut tops = self
            .upwards()
            .filter_map(|level| Some((level.base, level.repository.as_ref()?)));
        tops.next()
            .and_then(|(base, repository)| Some(repository.tracked.keeps(path.get(base..)?)))
            .unwrap_or(false)
    }

    /// The git directory of the repository that this directory belongs to.
    pub(super) fn git_directory(&self) -> Option<&Path> {
        let mut tops = self.upwards().filter_map(|level| level.repository.as_ref());
        tops.next().map(|repository| &*repository.common)
    }

    /// The AI-ignore file and line that withholds `path`, an entry of this level's directory.
    pub(super) fn withheld(
        &self,
        path: &[u8],
        is_directory: bool,
    ) -> Option<(usize, &'static str, u32)> {
        withheld::FILES.iter().find_map(|kind| {
            let lists = self.upwards().flat_map(|level| {
                let of_kind = level.withheld.iter().filter(|(name, _)| name == kind);
                of_kind.map(|(_, list)| (level.base, list))
            });
            let mut decided = lists.filter_map(|(base, list)| {
                Some((base, list.decide(path.get(base..)?, is_directory)?))
            });
            let (base, verdict) = decided.next()?;
            verdict.ignored.then_some((base, *kind, verdict.line))
        })
    }

    /// The git attributes of a file.
    pub(super) fn attributes(&self, path: &[u8]) -> Found {
        let mut found = Found::default();
        for level in self.upwards() {
            if let Some(path) = path.get(level.base..) {
                level.attributes.complete(path, &mut found);
            }
            if level.repository.is_some() {
                break;
            }
        }
        found
    }

    /// The decision on `path`, an entry of this level's directory or of a directory below it that adds no rules.
    pub(super) fn decide<'a>(
        &'a self,
        path: &[u8],
        is_directory: bool,
        global: &'a PatternList,
    ) -> Option<Decision<'a>> {
        let of_list = |level: &Level, list: &PatternList, path: &[u8]| {
            list.decide(path.get(level.base..)?, is_directory)
        };
        for (kind, name) in RULE_FILES.into_iter().enumerate().take(GITIGNORE) {
            let found = self.upwards().find_map(|level| {
                let verdict = of_list(level, &level.lists[kind], path)?;
                Some((verdict, level.base))
            });
            if let Some((verdict, base)) = found {
                return Some(Decision {
                    verdict,
                    of_git: false,
                    origin: Origin::Tree(base, name),
                });
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
        let decision = |verdict, origin| Decision {
            verdict,
            of_git: true,
            origin,
        };
        for level in self.upwards() {
            if let Some(verdict) = of_list(level, &level.lists[GITIGNORE], path) {
                return Some(decision(
                    verdict,
                    Origin::Tree(level.base, RULE_FILES[GITIGNORE]),
                ));
            }
            // The repository's files outside the tree come last, and rules above this level do not apply.
            if let Some(repository) = &level.repository {
                let outside = [&repository.exclude, &repository.excludes_file];
                return outside.into_iter().find_map(|(file, list)| {
                    let verdict = of_list(level, list, path)?;
                    Some(decision(verdict, Origin::Outside(file.as_deref())))
                });
            }
            if level.above.is_none() {
                let verdict = of_list(level, global, path)?;
                return Some(decision(verdict, Origin::Outside(None)));
            }
        }
        None
    }
}
