//! Collects what events report until the next drain: bounded sets behind a short lock. Makes no system call.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind, RenameMode};

use super::Hints;
use super::watched::{Left, Owner, Unwatched};
use crate::model::path::{RelPath, RepoId};
use crate::shell::rules::Rules;

/// Hints being collected.
pub(super) struct PendingChanges {
    cookie_directory: PathBuf,
    most_paths: usize,
    roots: BTreeMap<RepoId, PathBuf>,
    outside: HashMap<PathBuf, BTreeSet<RepoId>>,
    locks: HashMap<PathBuf, BTreeSet<RepoId>>,
    touched: BTreeMap<RepoId, Touched>,
    left: Left,
    lost: bool,
    rules_changed: BTreeSet<RepoId>,
    outside_changed: BTreeSet<RepoId>,
    busy_changed: BTreeSet<RepoId>,
    root_changed: BTreeSet<RepoId>,
    expected: BTreeSet<u64>,
    cookies: Vec<u64>,
    /// Events of earlier queues are dropped.
    queue: u64,
    /// The reader was woken and has not drained yet.
    awake: bool,
}

/// The touched paths of one repository.
#[derive(Default)]
struct Touched {
    paths: HashSet<RelPath>,
    /// There were too many: `lost` is set and no path is kept.
    full: bool,
}

/// What an event implies.
struct Meaning {
    /// A name appeared or disappeared, not only content changed.
    name: bool,
    /// The path may have lost its name: notify drops its watch on it and on everything below.
    leaves: bool,
    /// Something of that name was created.
    made: bool,
}

impl Meaning {
    /// `None` for events that change nothing.
    fn of(kind: &EventKind) -> Option<Self> {
        let made = matches!(kind, EventKind::Create(_));
        let (name, leaves) = match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => (false, false),
            EventKind::Access(_) => return None,
            EventKind::Create(_) => (true, false),
            EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) => (true, false),
            // For a file too: notify goes by the name alone, and by now a directory may have that name and its watch.
            EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => (true, true),
            EventKind::Modify(_) | EventKind::Any | EventKind::Other => (false, false),
        };
        Some(Self { name, leaves, made })
    }
}

impl PendingChanges {
    pub(super) fn new(cookie_directory: PathBuf, most_paths: usize) -> Self {
        Self {
            cookie_directory,
            most_paths,
            roots: BTreeMap::new(),
            outside: HashMap::new(),
            locks: HashMap::new(),
            touched: BTreeMap::new(),
            left: Left::default(),
            lost: false,
            rules_changed: BTreeSet::new(),
            outside_changed: BTreeSet::new(),
            busy_changed: BTreeSet::new(),
            root_changed: BTreeSet::new(),
            expected: BTreeSet::new(),
            cookies: Vec::new(),
            queue: 0,
            awake: false,
        }
    }

    pub(super) fn add_repository(
        &mut self,
        repo: RepoId,
        root: &Path,
        outside: &[PathBuf],
        locks: &[PathBuf],
    ) {
        self.forget_outside(repo);
        self.roots.insert(repo, root.to_path_buf());
        for (map, files) in [(&mut self.outside, outside), (&mut self.locks, locks)] {
            for file in files {
                map.entry(file.clone()).or_default().insert(repo);
            }
        }
    }

    pub(super) fn remove_repository(&mut self, repo: RepoId) {
        self.forget_outside(repo);
        self.roots.remove(&repo);
        self.touched.remove(&repo);
        self.rules_changed.remove(&repo);
        self.outside_changed.remove(&repo);
        self.busy_changed.remove(&repo);
        self.root_changed.remove(&repo);
    }

    fn forget_outside(&mut self, repo: RepoId) {
        for map in [&mut self.outside, &mut self.locks] {
            map.retain(|_, repos| {
                repos.remove(&repo);
                !repos.is_empty()
            });
        }
    }

    pub(super) fn is_root(&self, repo: RepoId, directory: &Path) -> bool {
        self.roots.get(&repo).is_some_and(|root| root == directory)
    }

    pub(super) fn expect_cookie(&mut self, id: u64) {
        self.expected.insert(id);
    }

    pub(super) fn forget_cookie(&mut self, id: u64) {
        self.expected.remove(&id);
    }

    /// A new queue is in use; events still in the old one are lost. Returns whether to wake the reader.
    pub(super) fn use_queue(&mut self, queue: u64) -> bool {
        if queue <= self.queue {
            return false;
        }
        self.queue = queue;
        self.lost = true;
        self.cookies.extend(std::mem::take(&mut self.expected));
        self.wakes(true)
    }

    /// Takes one event of a queue. Returns whether to wake the reader.
    pub(super) fn take_event(&mut self, queue: u64, event: notify::Result<Event>) -> bool {
        if queue < self.queue {
            return false;
        }
        let Ok(event) = event else {
            self.lose();
            return self.wakes(true);
        };
        let mut news = event.need_rescan();
        if news {
            self.lose();
        }
        if let Some(meaning) = Meaning::of(&event.kind) {
            for path in &event.paths {
                news |= self.take_path(path, &meaning);
            }
        }
        self.wakes(news)
    }

    fn wakes(&mut self, changed: bool) -> bool {
        changed && !std::mem::replace(&mut self.awake, true)
    }

    /// Events are missing, perhaps cookies among them. Cookies sent so far may be answered, because the reader of
    /// these hints rescans everything.
    fn lose(&mut self) {
        self.lost = true;
        self.left.all = true;
        self.cookies.extend(std::mem::take(&mut self.expected));
    }

    fn take_path(&mut self, path: &Path, meaning: &Meaning) -> bool {
        let mut news = false;
        if meaning.leaves {
            news |= self.leaves(path);
        }
        if path.parent() == Some(&self.cookie_directory) {
            let id = path
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            let Some(id) = id.filter(|id| meaning.made && self.expected.remove(id)) else {
                return false;
            };
            self.cookies.push(id);
            return true;
        }
        if let Some(repos) = self.locks.get(path).filter(|_| meaning.name) {
            self.busy_changed.extend(repos);
            news = true;
        }
        if let Some(repos) = self.outside.get(path) {
            self.outside_changed.extend(repos);
            news = true;
        }
        let mut found = Vec::new();
        for (&repo, root) in &self.roots {
            if (meaning.name && path == root) || (meaning.leaves && root.starts_with(path)) {
                self.root_changed.insert(repo);
                news = true;
            }
            found.extend(RelPath::below(root, path).map(|below| (repo, below)));
        }
        for (repo, below) in found {
            if below.names().any(|name| name == b".git") {
                // A repository appears or disappears here; changes inside `.git` do not matter.
                if below.name() == b".git" && meaning.name {
                    news |= self.rules_changed.insert(repo);
                }
                continue;
            }
            if Rules::is_rule_file(below.name()) {
                self.rules_changed.insert(repo);
            }
            self.touch(repo, below);
            news = true;
        }
        news
    }

    /// Remembers that notify dropped its watch on a path, if it had one.
    fn leaves(&mut self, path: &Path) -> bool {
        // Only paths in a root, above one, or above the cookie folder matter.
        let matters = self
            .roots
            .values()
            .any(|root| path.starts_with(root) || root.starts_with(path))
            || self.cookie_directory.starts_with(path)
            || self.outside.keys().any(|file| file.starts_with(path));
        if !matters {
            return false;
        }
        if self.left.paths.len() >= self.most_paths {
            self.left.paths.clear();
            self.left.all = true;
            self.lost = true;
        } else {
            self.left.paths.insert(path.to_path_buf());
        }
        true
    }

    fn touch(&mut self, repo: RepoId, path: RelPath) {
        let touched = self.touched.entry(repo).or_default();
        if touched.full {
            return;
        }
        touched.paths.insert(path);
        if touched.paths.len() > self.most_paths {
            touched.full = true;
            touched.paths = HashSet::new();
            self.lost = true;
        }
    }

    /// Adds directories that are no longer watched, for whatever reason: they must be listed again.
    pub(super) fn take_unwatched(&mut self, unwatched: Vec<Unwatched>) -> bool {
        let mut news = false;
        for Unwatched { path, owners } in unwatched {
            for owner in owners {
                match owner {
                    Owner::Tree(repo) => {
                        let root = self.roots.get(&repo);
                        if let Some(below) = root.and_then(|root| RelPath::below(root, &path)) {
                            self.touch(repo, below);
                            news = true;
                        }
                    }
                    Owner::Around(repo) if self.roots.contains_key(&repo) => {
                        self.outside_changed.insert(repo);
                        news = true;
                    }
                    Owner::Around(_) | Owner::Cookies => {}
                }
            }
        }
        self.wakes(news)
    }

    /// Takes the moved paths that are still in the table of watches.
    pub(super) fn take_left(&mut self) -> Left {
        std::mem::take(&mut self.left)
    }

    pub(super) fn has_unsettled(&self) -> bool {
        self.left.all || !self.left.paths.is_empty()
    }

    /// Returns the hints, and whether the reader must drain again. Cookies wait while directories are unsettled,
    /// because changes in those are not in the hints yet.
    pub(super) fn take(&mut self) -> (Hints, bool) {
        let more = self.has_unsettled();
        self.awake = more;
        let touched = std::mem::take(&mut self.touched)
            .into_iter()
            .map(|(repo, touched)| {
                let mut paths: Vec<RelPath> = touched.paths.into_iter().collect();
                paths.sort_unstable();
                (repo, paths)
            })
            .filter(|(_, paths)| !paths.is_empty())
            .collect();
        let hints = Hints {
            touched,
            lost: std::mem::take(&mut self.lost),
            rules_changed: std::mem::take(&mut self.rules_changed)
                .into_iter()
                .collect(),
            outside_changed: std::mem::take(&mut self.outside_changed)
                .into_iter()
                .collect(),
            busy_changed: std::mem::take(&mut self.busy_changed).into_iter().collect(),
            root_changed: std::mem::take(&mut self.root_changed).into_iter().collect(),
            cookies: if more {
                Vec::new()
            } else {
                std::mem::take(&mut self.cookies)
            },
        };
        (hints, more)
    }
}
