//! What the system tells of changes, as hints: touched paths, or that something was lost.
//!
//! Each directory that is not ignored has a watch of its own, set before it is listed; the system's recursive watches
//! would take in all that is ignored. A hint says "look here", never what is there. Nothing is lost in silence: what
//! does not fit, and what the system says it dropped, comes back as `lost`, and whoever reads the hints looks at
//! everything again. It reads no file, and it never decides what a change means.
//!
//! A cookie is a file made in a folder that the same queue watches: when it comes back, everything that happened
//! before is in the hints.
//!
//! Locks: `watched` is held while the system is asked, `gathered` never is; the thread that brings the events takes
//! `gathered` only. The daemon's loop waits for `watched`: so nothing is asked under it of a file system that may not
//! answer, unless it has answered just before.

mod error;
mod pending;
mod remote;
mod watched;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::{Config, EventKindMask, RecommendedWatcher, Watcher};

pub use error::{Limits, WatchError, limits};
use pending::PendingChanges;
pub use remote::remote_kind;
use watched::{Owner, Watched};

use crate::model::path::{RelPath, RepoId};

/// Distinct paths kept for a repository between two drains; above it everything is looked at again.
const MOST_PATHS: usize = 20_000;
/// How often a drain settles what directories left before it lets the cookies wait for the next drain.
const SETTLING_ROUNDS: usize = 16;

/// Where hints come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The system's own notifications.
    #[default]
    Native,
    /// None: the daemon looks at everything from time to time.
    Poll,
}

/// What has gathered since the last drain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Paths that were made, changed, renamed or removed, or whose watch has to be set anew, in order of their
    /// repository and name. A path may be a file, a directory, or gone; ignored ones are among them. A directory is
    /// to be listed itself: it may be another one of the same name.
    pub touched: Vec<(RepoId, Vec<RelPath>)>,
    /// Something is missing here: look at everything.
    pub lost: bool,
    /// Repositories whose rules in the tree may have changed: open them anew.
    pub rules_changed: Vec<RepoId>,
    /// Repositories one of whose outside inputs was touched, or lost the watch on its folder.
    pub outside_changed: Vec<RepoId>,
    /// Repositories one of whose lock files came or went.
    pub busy_changed: Vec<RepoId>,
    /// Cookies that came back. All that happened before they were made is in these hints or in earlier ones.
    pub cookies: Vec<u64>,
    /// Repositories whose root was made, removed or renamed, or lies in a folder that was.
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
    /// Starts with no repository. `wake` is called, from a thread of the watch, when there is something to drain
    /// after there was nothing; it must be short and must not call the watch. `cookie_directory` is made if need be;
    /// it should lie outside of every repository.
    ///
    /// # Errors
    /// Where the system has no more queues, or the folder cannot be made.
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
        let (behind, bell) = (Arc::clone(&gathered), Arc::clone(&wake));
        // Opening and reading files must make no event, or this program would wake itself by its own readings.
        let config = Config::default()
            .with_follow_symlinks(false)
            .with_event_kinds(EventKindMask::CORE | EventKindMask::ACCESS_CLOSE);
        let start = Box::new(move |queue| {
            let (gathered, bell) = (Arc::clone(&behind), Arc::clone(&bell));
            let handler = move |event| {
                let news = lock(&gathered).take_event(queue, event);
                if news {
                    bell();
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

    /// Takes in a repository, or its new `outside_inputs`: files whose change changes its rules, whether they exist
    /// or not. Their folders and the root's parent are watched as far as they can be; the tree itself is not, until
    /// its directories are added. `locks`: files in those folders that stand there while others work on the tree.
    /// Answers with the limit that kept one of the folders from being watched, where one did.
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

    /// Whether one of the folders around a repository is there and not watched: it was made, or made anew, since they
    /// were named.
    pub fn lacks_around(&self, repo: RepoId) -> bool {
        let around = self.with_watched(|watched| watched.around(repo));
        around.into_iter().any(|(path, watched)| {
            watched::identity(&path, true).is_ok_and(|now| watched != Some(now))
        })
    }

    /// Forgets a repository for good; no watch of it is left behind, and none comes: whoever is still looking at it
    /// gets none.
    pub fn remove_repository(&self, repo: RepoId) {
        self.with_watched(|watched| watched.remove_repository(repo));
        lock(&self.gathered).remove_repository(repo);
    }

    /// Watches one directory, not what is below it. Does nothing where the same directory (by its inode) is watched
    /// under this path already. Call it before the directory is listed.
    ///
    /// # Errors
    /// See [`WatchError`]; the directory is then not watched.
    pub fn add_directory(&self, repo: RepoId, directory: &Path) -> Result<(), WatchError> {
        let follow = lock(&self.gathered).is_root(repo, directory);
        // A file system that does not answer keeps its own caller, and not the table.
        watched::identity(directory, follow)
            .map_err(|error| WatchError::of_io(directory, &error))?;
        self.with_watched(|watched| watched.ensure(directory, Owner::Tree(repo), follow))
    }

    /// Stops watching a directory and all watched below it.
    pub fn remove_directory(&self, repo: RepoId, directory: &Path) {
        self.with_watched(|watched| watched.remove_below(directory, Owner::Tree(repo)));
    }

    /// Takes what has gathered.
    pub fn drain(&self) -> Hints {
        let mut round = 0;
        loop {
            round += 1;
            // Taken while the table is locked: nobody else can be between taking what left and telling of it.
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
    /// Where the file cannot be made or its folder cannot be watched; the cookie does not come back then.
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

    /// How many directories are watched for a repository, those around it included.
    pub fn watches(&self, repo: RepoId) -> usize {
        self.with_watched(|watched| watched.count(repo))
    }

    /// The folder of the cookies may have been swept away by others.
    fn watch_cookies(&self) -> Result<(), WatchError> {
        fs::create_dir_all(&self.cookie_directory)
            .map_err(|error| WatchError::of_io(&self.cookie_directory, &error))?;
        self.with_watched(|watched| watched.ensure(&self.cookie_directory, Owner::Cookies, true))
    }

    /// Works with the table of watches, in line with the events so far. Directories that lost their watch, before or
    /// by this work, are among the hints when it ends.
    fn with_watched<T>(&self, work: impl FnOnce(&mut Watched) -> T) -> T {
        let mut watched = lock(&self.watched);
        let left = lock(&self.gathered).take_left();
        watched.settle(left);
        let mut news = self.tell(&mut watched);
        let result = work(&mut watched);
        news |= self.tell(&mut watched);
        drop(watched);
        if news {
            (self.wake)();
        }
        result
    }

    fn tell(&self, watched: &mut Watched) -> bool {
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
