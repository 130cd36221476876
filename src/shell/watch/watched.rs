//! Which directories are watched, for which owners, and the inode of each. The only module that sets watches.
//!
//! A watch belongs to an inode, not to a path, and notify drops watches by itself when a directory loses its name,
//! even if another directory has taken that name and its watch since. Invariant: each path records the inode that is
//! watched, a moved path is forgotten and hinted, and no inode is watched under two paths.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::{RecommendedWatcher, RecursiveMode, WatchPathConfig, Watcher};

use super::error::WatchError;
use super::remote::remote_kind;
use crate::model::path::RepoId;

/// How often watching is retried for a directory that is replaced meanwhile.
const ATTEMPTS: usize = 4;
/// Above this number, watches are ended by starting a new queue: notify scans its whole table for each one.
const MOST_ENDED_SINGLY: usize = 1_000;

/// Creates a queue of the system; its events carry the number.
pub(super) type Start = Box<dyn Fn(u64) -> notify::Result<RecommendedWatcher> + Send>;

/// For whom a directory is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A directory of the repository.
    Tree(RepoId),
    /// A folder outside the repository: the root's parent, or one with rule files.
    Around(RepoId),
    /// The cookie folder.
    Cookies,
}

impl Owner {
    fn repo(self) -> Option<RepoId> {
        match self {
            Self::Tree(repo) | Self::Around(repo) => Some(repo),
            Self::Cookies => None,
        }
    }
}

/// Watches that events invalidated.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Paths that lost their names, each with everything below it.
    pub(super) paths: HashSet<PathBuf>,
    /// Events are missing: any watch may be gone.
    pub(super) all: bool,
}

/// A directory that lost its watch.
#[derive(Debug)]
pub(super) struct Unwatched {
    pub(super) path: PathBuf,
    pub(super) owners: BTreeSet<Owner>,
}

pub(super) type Identity = (u64, u64);

struct Entry {
    identity: Identity,
    /// A watch set before events were lost is not trusted.
    generation: u64,
    /// The path may be a link to the directory: for roots and folders around them.
    follow: bool,
    /// It is on a remote file system, which may hang. No call is made to it while the table is locked, unless a
    /// caller just reached it.
    remote: bool,
    owners: BTreeSet<Owner>,
}

/// The table of watches.
pub(super) struct Watched {
    notify: RecommendedWatcher,
    start: Start,
    /// The number of the queue in use.
    queue: u64,
    most_ended_singly: usize,
    /// In component order, so that descendants follow their directory.
    entries: BTreeMap<PathBuf, Entry>,
    by_identity: HashMap<Identity, PathBuf>,
    generation: u64,
    around: BTreeMap<RepoId, BTreeSet<PathBuf>>,
    /// Removed repositories. Their numbers are not reused, but a scan may still be in progress.
    removed: HashSet<RepoId>,
    unwatched: Vec<Unwatched>,
}

impl Watched {
    pub(super) fn new(start: Start) -> notify::Result<Self> {
        Ok(Self {
            notify: start(0)?,
            start,
            queue: 0,
            most_ended_singly: MOST_ENDED_SINGLY,
            entries: BTreeMap::new(),
            by_identity: HashMap::new(),
            generation: 0,
            around: BTreeMap::new(),
            removed: HashSet::new(),
            unwatched: Vec::new(),
        })
    }

    /// The number of the queue in use. It grows when events of the previous queue may be lost.
    pub(super) fn queue(&self) -> u64 {
        self.queue
    }

    /// Watches the directory at this path for one more owner.
    pub(super) fn ensure(
        &mut self,
        path: &Path,
        owner: Owner,
        follow: bool,
    ) -> Result<(), WatchError> {
        if owner.repo().is_some_and(|repo| self.is_removed(repo)) {
            return Err(WatchError::Gone(path.to_path_buf()));
        }
        let mut owners = BTreeSet::from([owner]);
        for _ in 0..ATTEMPTS {
            let refused = |error: &io::Error| WatchError::of_io(path, error);
            let identity = identity(path, follow).map_err(|error| refused(&error))?;
            if let Some(entry) = self.entries.get_mut(path)
                && entry.identity == identity
                && entry.generation == self.generation
            {
                entry.owners.append(&mut owners);
                return Ok(());
            }
            if let Some(mut earlier) = self.forget(path) {
                owners.append(&mut earlier);
            }
            self.release(identity, path)?;
            // notify does not renew a watch on a path it knows, so it was forgotten above.
            let config =
                WatchPathConfig::new(RecursiveMode::NonRecursive).with_dereference_symlinks(follow);
            self.notify
                .watch_with(path, config)
                .map_err(|error| WatchError::of(path, &error))?;
            if self::identity(path, follow).is_ok_and(|after| after == identity) {
                self.by_identity.insert(identity, path.to_path_buf());
                let entry = Entry {
                    identity,
                    generation: self.generation,
                    follow,
                    remote: remote_kind(path).is_some(),
                    owners,
                };
                self.entries.insert(path.to_path_buf(), entry);
                return Ok(());
            }
            let _ = self.notify.unwatch(path);
        }
        Err(WatchError::Gone(path.to_path_buf()))
    }

    /// Takes an inode from the path it was watched under: the directory was moved to `path`.
    fn release(&mut self, identity: Identity, path: &Path) -> Result<(), WatchError> {
        let Some(other) = self.by_identity.get(&identity).cloned() else {
            return Ok(());
        };
        let follow = self.entries.get(&other).is_some_and(|entry| entry.follow);
        if self::identity(&other, follow).is_ok_and(|there| there == identity) {
            return Err(WatchError::Other {
                path: path.to_path_buf(),
                reason: format!(
                    "it is the same directory as {}, which is already watched",
                    other.display()
                ),
            });
        }
        if let Some(owners) = self.forget(&other) {
            self.unwatched.push(Unwatched {
                path: other,
                owners,
            });
        }
        Ok(())
    }

    /// Ends the watch of a path and returns its owners.
    fn forget(&mut self, path: &Path) -> Option<BTreeSet<Owner>> {
        let entry = self.remove_entry(path)?;
        // Fails if notify has dropped the watch by itself, which is the desired state.
        let _ = self.notify.unwatch(path);
        Some(entry.owners)
    }

    /// Removes a path from the table only.
    fn remove_entry(&mut self, path: &Path) -> Option<Entry> {
        let entry = self.entries.remove(path)?;
        if self
            .by_identity
            .get(&entry.identity)
            .is_some_and(|known| known == path)
        {
            self.by_identity.remove(&entry.identity);
        }
        Some(entry)
    }

    /// Ends the watches of paths and returns their owners.
    fn forget_all(&mut self, paths: BTreeSet<PathBuf>) -> Vec<Unwatched> {
        let mut found = Vec::new();
        if paths.len() > self.most_ended_singly
            && let Ok(notify) = (self.start)(self.queue + 1)
        {
            found.extend(paths.into_iter().filter_map(|path| {
                let owners = self.remove_entry(&path)?.owners;
                Some(Unwatched { path, owners })
            }));
            self.notify = notify;
            self.queue += 1;
            self.by_identity.clear();
            for (path, entry) in std::mem::take(&mut self.entries) {
                let kept = entry
                    .owners
                    .iter()
                    .all(|owner| self.ensure(&path, *owner, entry.follow).is_ok());
                if !kept {
                    let owners = entry.owners;
                    self.unwatched.push(Unwatched { path, owners });
                }
            }
            return found;
        }
        // Deepest first, so that notify has less to scan.
        for path in paths.into_iter().rev() {
            if let Some(owners) = self.forget(&path) {
                found.push(Unwatched { path, owners });
            }
        }
        found
    }

    fn at_or_below(&self, path: &Path) -> Vec<PathBuf> {
        self.entries
            .range(path.to_path_buf()..)
            .map(|(below, _)| below)
            .take_while(|below| below.starts_with(path))
            .cloned()
            .collect()
    }

    /// Applies what the events invalidated, and sets the watches around repositories again.
    pub(super) fn settle(&mut self, left: Left) {
        if left.paths.is_empty() && !left.all {
            return;
        }
        let mut gone: BTreeSet<PathBuf> = BTreeSet::new();
        for path in &left.paths {
            gone.extend(self.at_or_below(path));
        }
        if left.all {
            self.generation += 1;
            let moved = self.entries.iter().filter(|(path, entry)| {
                let same = || identity(path, entry.follow).is_ok_and(|now| now == entry.identity);
                !entry.remote && !same()
            });
            gone.extend(moved.map(|(path, _)| path.clone()));
        }
        if gone.is_empty() && !left.all {
            return;
        }
        let mut unwatched = self.forget_all(gone);
        self.unwatched.append(&mut unwatched);
        for (repo, paths) in self.around.clone() {
            for path in paths {
                if self.entries.get(&path).is_some_and(|entry| entry.remote) {
                    continue;
                }
                let _ = self.ensure(&path, Owner::Around(repo), true);
            }
        }
    }

    pub(super) fn take_unwatched(&mut self) -> Vec<Unwatched> {
        std::mem::take(&mut self.unwatched)
    }

    /// Sets the folders around a repository. Skips those that cannot be watched; reports only a reached limit,
    /// because a poll of these folders fixes nothing else.
    pub(super) fn set_around(&mut self, repo: RepoId, paths: Vec<PathBuf>) -> Option<WatchError> {
        let paths_around: BTreeSet<PathBuf> = paths.into_iter().collect();
        let before = self
            .around
            .insert(repo, paths_around.clone())
            .unwrap_or_default();
        self.disown(before.difference(&paths_around).cloned(), |owner| {
            owner == Owner::Around(repo)
        });
        let mut limit = None;
        for path in &paths_around {
            if let Err(error @ WatchError::Limit { .. }) =
                self.ensure(path, Owner::Around(repo), true)
            {
                limit = Some(error);
            }
        }
        limit
    }

    /// The folders around a repository, each with the directory watched under its name.
    pub(super) fn around(&self, repo: RepoId) -> Vec<(PathBuf, Option<Identity>)> {
        let around = self.around.get(&repo).into_iter().flatten();
        let watched = |path: &PathBuf| self.entries.get(path).map(|entry| entry.identity);
        around.map(|path| (path.clone(), watched(path))).collect()
    }

    /// Removes some owners from paths, and ends the watches that have none left.
    fn disown(&mut self, paths: impl Iterator<Item = PathBuf>, from: impl Fn(Owner) -> bool) {
        let mut left = BTreeSet::new();
        for path in paths {
            if let Some(entry) = self.entries.get_mut(&path) {
                entry.owners.retain(|owner| !from(*owner));
                if entry.owners.is_empty() {
                    left.insert(path);
                }
            }
        }
        self.forget_all(left);
    }

    pub(super) fn remove_below(&mut self, path: &Path, owner: Owner) {
        let paths = self.at_or_below(path);
        self.disown(paths.into_iter(), |of| of == owner);
    }

    pub(super) fn is_removed(&self, repo: RepoId) -> bool {
        self.removed.contains(&repo)
    }

    pub(super) fn remove_repository(&mut self, repo: RepoId) {
        self.removed.insert(repo);
        self.around.remove(&repo);
        let paths: Vec<PathBuf> = self.entries.keys().cloned().collect();
        self.disown(paths.into_iter(), |owner| owner.repo() == Some(repo));
    }

    pub(super) fn count(&self, repo: RepoId) -> usize {
        let owned = |entry: &&Entry| entry.owners.iter().any(|owner| owner.repo() == Some(repo));
        self.entries.values().filter(owned).count()
    }
}

#[cfg(test)]
impl Watched {
    /// Sets how many watches are ended one by one.
    pub(super) fn end_singly(&mut self, most: usize) {
        self.most_ended_singly = most;
    }

    /// Ends a watch without updating the table.
    pub(super) fn drop_secretly(&mut self, path: &Path) {
        assert!(self.notify.unwatch(path).is_ok());
    }
}

/// The inode of a directory.
pub(super) fn identity(path: &Path, follow: bool) -> io::Result<Identity> {
    let metadata = if follow {
        fs::metadata(path)?
    } else {
        fs::symlink_metadata(path)?
    };
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok((metadata.dev(), metadata.ino()))
}
