//! Reports file system changes as hints: touched paths, or that events were lost.
//!
//! Each directory that is not ignored has its own watch, set before it is listed; a recursive watch would include
//! everything that is ignored. A hint says "look here", never what changed. No loss is silent: queue overflows and
//! dropped events set `lost`, and the reader of the hints then rescans everything. This module reads no file and
//! never decides what a change means.
//!
//! A cookie is a file created in a folder that the same queue watches. When its event arrives, everything that
//! happened before it is in the hints.
//!
//! Locks: `watched` is held during system calls, `gathered` never is; the event thread takes only `gathered`. The
//! daemon's loop waits for `watched`, so no call is made under it to a file system that may hang, unless it responded
//! just before.

mod error;
mod pending;
mod remote;
mod watched;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::{Config, EventKindMask, RecommendedWatcher, Watcher};

pub use error::WatchError;
use pending::PendingChanges;
pub use remote::{is_overlay, remote_kind};
use watched::{Owner, Watched};

use crate::model::path::{RelPath, RepoId};

/// Distinct paths kept for a repository between two drains; above it a full rescan follows.
const MOST_PATHS: usize = 20_000;
/// How many rounds a drain settles moved directories before cookies wait for the next drain.
const SETTLING_ROUNDS: usize = 16;

/// What was collected since the last drain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Paths that were created, changed, renamed or removed, or whose watch must be set again, in order of repository
    /// and name. A path may be a file, a directory, or gone; ignored paths are included. List a directory itself:
    /// another one may have taken its name.
    pub touched: Vec<(RepoId, Vec<RelPath>)>,
    /// Events were lost: rescan everything.
    pub lost: bool,
    /// Repositories whose rule files in the tree may have changed: open new rules.
    pub rules_changed: Vec<RepoId>,
    /// Repositories with a touched outside input, or with an unwatched folder of one.
    pub outside_changed: Vec<RepoId>,
    /// Repositories whose lock files appeared or disappeared.
    pub busy_changed: Vec<RepoId>,
    /// Cookies that came back. Everything that happened before they were created is in these hints or in earlier
    /// ones.
    pub cookies: Vec<u64>,
    /// Repositories whose root was created, removed or renamed, or whose ancestor was.
    pub root_changed: Vec<RepoId>,
}

type Wake = Arc<dyn Fn() + Send + Sync>;

/// The watches of all repositories, in one queue of the system.
pub struct Watch {
    watched: Mutex<Watched>,
    gathered: Arc<Mutex<PendingChanges>>,
    wake: Wake,
    cookie_directory: PathBuf,
}

impl Watch {
    /// Starts without repositories. `wake` is called from a thread of the watch when there is something to drain
    /// after there was nothing; it must be short and must not call the watch. Creates `cookie_directory` if needed;
    /// it should be outside every repository.
    ///
    /// # Errors
    /// The system has no more queues, or the folder cannot be created.
    pub fn start(
        cookie_directory: &Path,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Watch, WatchError> {
        Self::start_with(cookie_directory, wake, MOST_PATHS)
    }

    fn start_with(
        cookie_directory: &Path,
        wake: impl Fn() + Send + Sync + 'static,
        most_paths: usize,
    ) -> Result<Watch, WatchError> {
        let failed = |error: &io::Error| WatchError::of_io(cookie_directory, error);
        fs::create_dir_all(cookie_directory).map_err(|error| failed(&error))?;
        let cookie_directory =
            std::path::absolute(cookie_directory).map_err(|error| failed(&error))?;
        let wake: Wake = Arc::new(wake);
        let gathered = Arc::new(Mutex::new(PendingChanges::new(
            cookie_directory.clone(),
            most_paths,
        )));
        let (behind, waker) = (Arc::clone(&gathered), Arc::clone(&wake));
        // Opening and reading files must not cause events, or this program would wake itself.
        let config = Config::default()
            .with_follow_symlinks(false)
            .with_event_kinds(EventKindMask::CORE | EventKindMask::ACCESS_CLOSE);
        let start = Box::new(move |queue| {
            let (gathered, waker) = (Arc::clone(&behind), Arc::clone(&waker));
            let handler = move |event| {
                let news = lock(&gathered).take_event(queue, event);
                if news {
                    waker();
                }
            };
            RecommendedWatcher::new(handler, config)
        });
        let watched =
            Watched::new(start).map_err(|error| WatchError::of_start(&cookie_directory, &error))?;
        let watch = Watch {
            watched: Mutex::new(watched),
            gathered,
            wake,
            cookie_directory,
        };
        watch.watch_cookies()?;
        Ok(watch)
    }

    /// Adds a repository, or updates its `outside_inputs`: files whose change changes its rules, whether they exist
    /// or not. Watches their folders and the root's parent where possible, but not the tree itself until its
    /// directories are added. `locks`: files in those folders that exist while others change the tree. Returns the
    /// limit that prevented a folder from being watched, if any.
    pub fn add_repository(
        &self,
        repo: RepoId,
        root: &Path,
        outside_inputs: &[PathBuf],
        locks: &[PathBuf],
    ) -> Option<WatchError> {
        let mut around: Vec<PathBuf> = outside_inputs
            .iter()
            .filter_map(|file| file.parent().map(Path::to_path_buf))
            .collect();
        around.extend(root.parent().map(Path::to_path_buf));
        self.with_watched(|watched| {
            if watched.is_removed(repo) {
                return None;
            }
            lock(&self.gathered).add_repository(repo, root, outside_inputs, locks);
            watched.set_around(repo, around)
        })
    }

    /// Whether one of the folders around a repository exists and is not watched, because it was created after it was
    /// named.
    pub fn lacks_around(&self, repo: RepoId) -> bool {
        let around = self.with_watched(|watched| watched.around(repo));
        around.into_iter().any(|(path, watched)| {
            watched::identity(&path, true).is_ok_and(|now| watched != Some(now))
        })
    }

    /// Removes a repository and all its watches. A scan still in progress cannot add one.
    pub fn remove_repository(&self, repo: RepoId) {
        self.with_watched(|watched| watched.remove_repository(repo));
        lock(&self.gathered).remove_repository(repo);
    }

    /// Watches one directory, without those below it. Does nothing if the same directory (by inode) is already
    /// watched under this path. Call it before listing the directory.
    ///
    /// # Errors
    /// See [`WatchError`]; the directory is then not watched.
    pub fn add_directory(&self, repo: RepoId, directory: &Path) -> Result<(), WatchError> {
        let follow = lock(&self.gathered).is_root(repo, directory);
        // A file system that hangs blocks only this caller, not the table.
        watched::identity(directory, follow)
            .map_err(|error| WatchError::of_io(directory, &error))?;
        self.with_watched(|watched| watched.ensure(directory, Owner::Tree(repo), follow))
    }

    /// Stops watching a directory and everything below it.
    pub fn remove_directory(&self, repo: RepoId, directory: &Path) {
        self.with_watched(|watched| watched.remove_below(directory, Owner::Tree(repo)));
    }

    /// Takes the collected hints.
    pub fn drain(&self) -> Hints {
        let mut round = 0;
        loop {
            round += 1;
            // Taken while the table is locked, so that no other thread is between taking the moved paths and
            // reporting them.
            let taken = self.with_watched(|_| {
                let mut gathered = lock(&self.gathered);
                let settled = !gathered.has_unsettled();
                (settled || round == SETTLING_ROUNDS).then(|| gathered.take())
            });
            let Some((hints, more)) = taken else {
                continue;
            };
            if more {
                (self.wake)();
            }
            return hints;
        }
    }

    /// Sends a cookie: `id` comes back in [`Hints::cookies`] after everything that happened before this call.
    ///
    /// # Errors
    /// The file cannot be created or its folder cannot be watched; the cookie does not come back then.
    pub fn cookie(&self, id: u64) -> io::Result<()> {
        self.watch_cookies().map_err(io::Error::other)?;
        lock(&self.gathered).expect_cookie(id);
        let file = self.cookie_directory.join(id.to_string());
        let made = fs::File::create(&file).and_then(|_| fs::remove_file(&file));
        if made.is_err() {
            lock(&self.gathered).forget_cookie(id);
        }
        made
    }

    /// Number of directories watched for a repository, those around it included.
    pub fn watches(&self, repo: RepoId) -> usize {
        self.with_watched(|watched| watched.count(repo))
    }

    /// The cookie folder may have been removed by another program.
    fn watch_cookies(&self) -> Result<(), WatchError> {
        fs::create_dir_all(&self.cookie_directory)
            .map_err(|error| WatchError::of_io(&self.cookie_directory, &error))?;
        self.with_watched(|watched| watched.ensure(&self.cookie_directory, Owner::Cookies, true))
    }

    /// Works with the table of watches, after it has caught up with the events so far. Directories that lost their
    /// watch, before or during this work, are among the hints when it returns.
    fn with_watched<T>(&self, work: impl FnOnce(&mut Watched) -> T) -> T {
        let mut watched = lock(&self.watched);
        let left = lock(&self.gathered).take_left();
        watched.settle(left);
        let mut news = self.report_unwatched(&mut watched);
        let result = work(&mut watched);
        news |= self.report_unwatched(&mut watched);
        drop(watched);
        if news {
            (self.wake)();
        }
        result
    }

    fn report_unwatched(&self, watched: &mut Watched) -> bool {
        let unwatched = watched.take_unwatched();
        let mut gathered = lock(&self.gathered);
        let restarted = gathered.use_queue(watched.queue());
        restarted | gathered.take_unwatched(unwatched)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
