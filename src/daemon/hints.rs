//! From the watch's hints to the engine's events, in their order.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::engine::event::Event;
use crate::model::path::{RelPath, RepoId};
use crate::shell::watch::{Hints, Watch};

use crate::daemon::context::Shared;
use crate::daemon::mailbox::Input;

/// The number of the probe, which no barrier has.
const PROBE: u64 = u64::MAX;
/// How long the probe may take; it comes within a millisecond where anything is notified of.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);
/// How long notifications that were refused are not tried for again, at most; at first it is as long as between two
/// looks. All is polled meanwhile, so that this wakes nobody who sleeps.
const LONGEST_RETRY: Duration = Duration::from_secs(120);
/// How long a file system is waited for that is asked about a hint.
const DISK_PATIENCE: Duration = Duration::from_secs(2);

/// Starts the watch, and the task that hands its hints on. Where the system gives none, all is polled, and people are
/// told why; it is tried for again until it comes.
pub fn start(shared: &Arc<Shared>, cookies: &Path) {
    match try_to_start(cookies) {
        Ok((watch, woken)) => {
            let watch = Arc::new(watch);
            if shared.watch.set(Arc::clone(&watch)).is_ok() {
                tokio::spawn(follow(Arc::clone(shared), watch, woken));
            }
        }
        Err(reason) => {
            tell_all_is_polled(shared, &reason);
            tokio::spawn(start_later(Arc::clone(shared), cookies.to_path_buf()));
        }
    }
}

/// A watch that tells, or why there is none.
fn try_to_start(cookies: &Path) -> Result<(Watch, Arc<Notify>), String> {
    let woken = Arc::new(Notify::new());
    let waker = Arc::clone(&woken);
    let watch =
        Watch::start(cookies, move || waker.notify_one()).map_err(|error| error.to_string())?;
    // Some kernels and file systems take watches and tell nothing. No repository is watched yet: nothing is lost here.
    let comes_back = comes_back(
        || watch.cookie(PROBE),
        || watch.drain().cookies,
        PROBE_PATIENCE,
    );
    match comes_back {
        true => Ok((watch, woken)),
        false => Err(format!(
            "a file made in {} was not notified of; set XDG_DATA_HOME to a folder on a local file system, then start the daemon anew",
            cookies.display()
        )),
    }
}

fn tell_all_is_polled(shared: &Shared, reason: &str) {
    tracing::warn!("nothing is notified: {reason}");
    let every = shared.config.watch.poll_seconds;
    let note = format!("all is polled, every {every} s: {reason}");
    shared.notes.set("notifications", note);
}

async fn follow(shared: Arc<Shared>, watch: Arc<Watch>, woken: Arc<Notify>) {
    let teller = Arc::new(HintForwarder {
        shared,
        watch,
        hanging: Mutex::default(),
    });
    loop {
        woken.notified().await;
        teller.hand_on(teller.watch.drain()).await;
    }
}

/// Tries for the watch until it comes, less and less often.
async fn start_later(shared: Arc<Shared>, cookies: PathBuf) {
    let mut pause = Duration::from_secs(shared.config.watch.poll_seconds).min(LONGEST_RETRY);
    let (watch, woken) = loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_RETRY);
        let cookies = cookies.clone();
        let tried = spawn_blocking(move || try_to_start(&cookies)).await;
        if let Ok(Ok(started)) = tried {
            break started;
        }
    };
    tracing::info!("changes are notified now: nothing is polled any more");
    let watch = Arc::new(watch);
    if shared.watch.set(Arc::clone(&watch)).is_err() {
        return;
    }
    shared.notes.clear("notifications");
    tokio::spawn(follow(Arc::clone(&shared), Arc::clone(&watch), woken));
    // Who is added from here on sees the watch; what stands around the others gets its watches now, and each look at
    // everything that follows sets those of the tree.
    let all = Arc::clone(&shared);
    let around = move || {
        for entry in all.registry.all() {
            entry.follow_outside(Some(&watch), false);
        }
    };
    let _ = spawn_blocking(around).await;
    shared.inputs.send(Input::Event(Event::Notified)).await;
}

/// Whether the probe that `send` makes is among what `drain` gives within `patience`.
fn comes_back(
    send: impl FnOnce() -> io::Result<()>,
    mut drain: impl FnMut() -> Vec<u64>,
    patience: Duration,
) -> bool {
    // A full disk takes no probe and says nothing about notifications.
    if send().is_err() {
        return true;
    }
    let until = Instant::now() + patience;
    loop {
        if drain().contains(&PROBE) {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What one drain says of one repository.
#[derive(Default)]
struct NodeChange {
    touched: Vec<RelPath>,
    rules_changed: bool,
    outside_changed: bool,
    busy_changed: bool,
    lost: bool,
}

impl NodeChange {
    /// Of what was passed over.
    fn anything() -> Self {
        Self {
            touched: Vec::new(),
            rules_changed: true,
            outside_changed: true,
            busy_changed: true,
            lost: true,
        }
    }
}

struct HintForwarder {
    shared: Arc<Shared>,
    watch: Arc<Watch>,
    /// Repositories whose file system does not answer, and whether something was told of them since they were last
    /// asked about.
    hanging: Mutex<HashMap<RepoId, bool>>,
}

impl HintForwarder {
    async fn hand_on(self: &Arc<Self>, hints: Hints) {
        for (repo, news) in self.by_repository(&hints) {
            for event in self.events(repo, news).await {
                self.shared.inputs.send(Input::Event(event)).await;
            }
        }
        for cookie in hints.cookies {
            self.shared.inputs.send(Input::Barrier(cookie)).await;
        }
    }

    fn by_repository(&self, hints: &Hints) -> BTreeMap<RepoId, NodeChange> {
        let mut all: BTreeMap<RepoId, NodeChange> = BTreeMap::new();
        for (repo, paths) in &hints.touched {
            all.entry(*repo).or_default().touched.clone_from(paths);
        }
        for repo in &hints.rules_changed {
            all.entry(*repo).or_default().rules_changed = true;
        }
        for repo in &hints.outside_changed {
            all.entry(*repo).or_default().outside_changed = true;
        }
        for repo in &hints.busy_changed {
            all.entry(*repo).or_default().busy_changed = true;
        }
        for repo in &hints.root_changed {
            all.entry(*repo).or_default().lost = true;
        }
        if hints.lost {
            for entry in self.shared.registry.all() {
                all.entry(entry.repo).or_default().lost = true;
            }
        }
        all
    }

    /// What the engine is to hear. What it takes to know that is asked of the repository's file system, and one that
    /// does not answer holds up nobody else.
    async fn events(self: &Arc<Self>, repo: RepoId, news: NodeChange) -> Vec<Event> {
        if let Some(more) = self.hanging().get_mut(&repo) {
            *more = true;
            return vec![Event::Lost(repo)];
        }
        let teller = Arc::clone(self);
        let mut asked = spawn_blocking(move || teller.ask(repo, news));
        if let Ok(answer) = timeout(DISK_PATIENCE, &mut asked).await {
            return answer.unwrap_or_else(|_| vec![Event::Lost(repo)]);
        }
        self.hanging().insert(repo, true);
        let teller = Arc::clone(self);
        tokio::spawn(async move {
            let _ = asked.await;
            teller.catch_up(repo).await;
        });
        vec![Event::Lost(repo)]
    }

    /// Asks about all that was passed over while a file system did not answer.
    async fn catch_up(self: Arc<Self>, repo: RepoId) {
        loop {
            {
                let mut hanging = self.hanging();
                match hanging.get_mut(&repo) {
                    Some(more) if *more => *more = false,
                    _ => {
                        hanging.remove(&repo);
                        return;
                    }
                }
            }
            let teller = Arc::clone(&self);
            let asked = spawn_blocking(move || teller.ask(repo, NodeChange::anything()));
            for event in asked.await.unwrap_or_default() {
                self.shared.inputs.send(Input::Event(event)).await;
            }
        }
    }

    fn hanging(&self) -> MutexGuard<'_, HashMap<RepoId, bool>> {
        self.hanging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same; blocks on the disk.
    fn ask(&self, repo: RepoId, news: NodeChange) -> Vec<Event> {
        let Some(entry) = self.shared.registry.get(repo) else {
            return Vec::new();
        };
        let mut events = Vec::new();
        if news.busy_changed {
            let held = entry.rules().lock_files().iter().any(|lock| lock.exists());
            events.push(Event::Held { repo, held });
            // Git may have changed what was written out, too.
            if !held && self.shared.config.export.dir.is_some() {
                let (shared, entry) = (Arc::clone(&self.shared), entry.clone());
                spawn_blocking(move || shared.check_export(&entry));
            }
        }
        let mut lost = news.lost || news.rules_changed;
        if news.rules_changed {
            entry.reload_or_say_why();
        }
        if news.rules_changed || news.outside_changed {
            lost |= entry.follow_outside(Some(&self.watch), false);
        }
        let rules = entry.rules();
        let mut paths = news.touched;
        // What is ignored causes no work, not even a look at its folder. Nobody knows here whether a path is a folder,
        // and rules may speak of one kind only.
        paths.retain(|path| !rules.is_ignored(path, false) || !rules.is_ignored(path, true));
        if !paths.is_empty() {
            tracing::debug!("touched: {paths:?}");
            events.push(Event::Touched { repo, paths });
        }
        events.extend(lost.then_some(Event::Lost(repo)));
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_tells_nothing_is_found_out() {
        let soon = Duration::from_millis(20);
        let mut later = [vec![], vec![7], vec![PROBE]].into_iter();
        assert!(comes_back(
            || Ok(()),
            || later.next().unwrap_or_default(),
            PROBE_PATIENCE
        ));
        assert!(!comes_back(|| Ok(()), Vec::new, soon));
        let full = || Err(io::ErrorKind::StorageFull.into());
        assert!(comes_back(full, Vec::new, soon));
    }
}
