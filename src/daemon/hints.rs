//! Turns the watch's hints into events of the engine, in their order.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::daemon::context::Context;
use crate::daemon::context::cookies::Cookies;
use crate::daemon::mailbox::{Input, Inputs};
use crate::engine::event::Event;
use crate::model::path::{RelPath, RepoId};
use crate::shell::watch::{Hints, Watch};

/// The probe's cookie number, which no barrier has.
const PROBE: u64 = u64::MAX;
/// How long the probe may take; a working watch needs a millisecond.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);
/// The longest pause between attempts to start the watch. Meanwhile everything is polled.
const LONGEST_RETRY: Duration = Duration::from_secs(120);
/// How long a hint waits for its file system.
const DISK_PATIENCE: Duration = Duration::from_secs(2);

/// Starts the watch and the task that forwards its hints. When the system refuses, everything is polled, a note says
/// why, and the start is retried.
pub fn start(context: &Arc<Context>, inputs: &Inputs, folder: &Path) {
    match try_to_start(folder) {
        Ok(started) => drop(install(context, inputs, started)),
        Err(reason) => {
            note_polling(context, &reason);
            let (context, inputs) = (Arc::clone(context), inputs.clone());
            tokio::spawn(start_later(context, inputs, folder.to_path_buf()));
        }
    }
}

/// A watch whose notifications arrive, and what it wakes; or why there is none.
fn try_to_start(folder: &Path) -> Result<(Watch, Arc<Notify>), String> {
    let woken = Arc::new(Notify::new());
    let waker = Arc::clone(&woken);
    let watch =
        Watch::start(folder, move || waker.notify_one()).map_err(|error| error.to_string())?;
    // Some kernels and file systems accept watches and report nothing. No repository is watched yet, so nothing is lost.
    let comes_back = comes_back(
        || watch.cookie(PROBE),
        || watch.drain().cookies,
        PROBE_PATIENCE,
    );
    match comes_back {
        true => Ok((watch, woken)),
        false => Err(format!(
            "no notification of a file created in {}; set XDG_DATA_HOME to a folder on a local file system and restart \
             the daemon",
            folder.display()
        )),
    }
}

fn note_polling(context: &Context, reason: &str) {
    tracing::warn!("no notifications: {reason}");
    let every = context.config.watch.poll_seconds;
    let note = format!("everything is polled every {every} s: {reason}");
    context.notes.set("notifications", note);
}

/// Makes the watch known, and starts its thread and the task that forwards its hints. `None` when there is one already.
fn install(
    context: &Arc<Context>,
    inputs: &Inputs,
    (watch, woken): (Watch, Arc<Notify>),
) -> Option<Arc<Watch>> {
    let watch = Arc::new(watch);
    let (cookies, requests) = Cookies::channel();
    let thread = std::thread::Builder::new().name("barriers".to_owned());
    let started = thread.spawn({
        let (watch, inputs) = (Arc::clone(&watch), inputs.clone());
        move || make_cookies(&watch, &requests, &inputs)
    });
    if let Err(error) = started {
        note_polling(context, &format!("cannot start a thread: {error}"));
        return None;
    }
    context.cookies.set(cookies).ok()?;
    context.watch.set(Arc::clone(&watch)).ok()?;
    let forwarder = Arc::new(HintForwarder {
        context: Arc::clone(context),
        inputs: inputs.clone(),
        watch: Arc::clone(&watch),
        hanging: Mutex::default(),
    });
    tokio::spawn(async move {
        loop {
            woken.notified().await;
            forwarder.forward(forwarder.watch.drain()).await;
        }
    });
    Some(watch)
}

/// Creates the cookie files of barriers, in a thread that may wait for the disk.
fn make_cookies(watch: &Watch, requests: &Receiver<u64>, inputs: &Inputs) {
    while let Ok(number) = requests.recv() {
        if let Err(error) = watch.cookie(number) {
            tracing::debug!("cannot create the cookie of a barrier: {error}");
            inputs.send_blocking(Input::BarrierFailed(number));
        }
    }
}

/// Retries the start of the watch at growing intervals.
async fn start_later(context: Arc<Context>, inputs: Inputs, folder: PathBuf) {
    let mut pause = Duration::from_secs(context.config.watch.poll_seconds).min(LONGEST_RETRY);
    let started = loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_RETRY);
        let folder = folder.clone();
        let tried = spawn_blocking(move || try_to_start(&folder)).await;
        if let Ok(Ok(started)) = tried {
            break started;
        }
    };
    let Some(watch) = install(&context, &inputs, started) else {
        return;
    };
    tracing::info!("changes are notified now; polling ends");
    context.notes.clear("notifications");
    // Repositories added from now on use the watch. For the others, the folders around them are watched here, and those
    // of the tree by the full rescan that follows.
    let around = move || {
        for entry in context.registry.all() {
            entry.follow_outside(Some(&watch), false);
        }
    };
    let _ = spawn_blocking(around).await;
    inputs.send(Input::Event(Event::Notified)).await;
}

/// Whether the probe that `send` makes is returned by `drain` within `patience`.
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

/// The hints about one repository.
#[derive(Default)]
struct RepositoryHints {
    touched: Vec<RelPath>,
    rules_changed: bool,
    outside_changed: bool,
    busy_changed: bool,
    lost: bool,
}

impl RepositoryHints {
    /// For hints that were skipped.
    fn everything() -> Self {
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
    context: Arc<Context>,
    inputs: Inputs,
    watch: Arc<Watch>,
    /// Repositories whose file system does not respond, and whether more hints came since its last query.
    hanging: Mutex<HashMap<RepoId, bool>>,
}

impl HintForwarder {
    async fn forward(self: &Arc<Self>, hints: Hints) {
        for (repo, hints) in self.by_repository(&hints) {
            for event in self.events(repo, hints).await {
                self.inputs.send(Input::Event(event)).await;
            }
        }
        for cookie in hints.cookies {
            self.inputs.send(Input::Barrier(cookie)).await;
        }
    }

    fn by_repository(&self, hints: &Hints) -> BTreeMap<RepoId, RepositoryHints> {
        let mut all: BTreeMap<RepoId, RepositoryHints> = BTreeMap::new();
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
            for entry in self.context.registry.all() {
                all.entry(entry.repo).or_default().lost = true;
            }
        }
        all
    }

    /// The events of some hints. They depend on the repository's file system; one that does not respond delays no other
    /// repository.
    async fn events(self: &Arc<Self>, repo: RepoId, hints: RepositoryHints) -> Vec<Event> {
        if let Some(more) = self.hanging().get_mut(&repo) {
            *more = true;
            return vec![Event::Lost(repo)];
        }
        let this = Arc::clone(self);
        let mut examined = spawn_blocking(move || this.examine(repo, hints));
        if let Ok(events) = timeout(DISK_PATIENCE, &mut examined).await {
            return events.unwrap_or_else(|_| vec![Event::Lost(repo)]);
        }
        self.hanging().insert(repo, true);
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let _ = examined.await;
            this.catch_up(repo).await;
        });
        vec![Event::Lost(repo)]
    }

    /// Examines everything that was skipped while a file system did not respond.
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
            let this = Arc::clone(&self);
            let examined =
                spawn_blocking(move || this.examine(repo, RepositoryHints::everything()));
            for event in examined.await.unwrap_or_default() {
                self.inputs.send(Input::Event(event)).await;
            }
        }
    }

    fn hanging(&self) -> MutexGuard<'_, HashMap<RepoId, bool>> {
        self.hanging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events of some hints. Blocks on the disk.
    fn examine(&self, repo: RepoId, hints: RepositoryHints) -> Vec<Event> {
        let Some(entry) = self.context.registry.get(repo) else {
            return Vec::new();
        };
        let mut events = Vec::new();
        if hints.busy_changed {
            let blocked = entry.rules().lock_files().iter().any(|lock| lock.exists());
            events.push(Event::Blocked { repo, blocked });
            // Git may have changed exported files, too.
            if !blocked && self.context.config.export.dir.is_some() {
                let (context, inputs) = (Arc::clone(&self.context), self.inputs.clone());
                let entry = entry.clone();
                spawn_blocking(move || inputs.send_events(context.check_export(&entry)));
            }
        }
        let mut lost = hints.lost || hints.rules_changed;
        if hints.rules_changed {
            entry.reload_or_say_why();
        }
        if hints.rules_changed || hints.outside_changed {
            lost |= entry.follow_outside(Some(&self.watch), false);
        }
        let rules = entry.rules();
        let mut paths = hints.touched;
        // Ignored paths cause no work, not even a listing of their folder. The kind of a path is unknown here, and a rule
        // may concern one kind only.
        paths.retain(|path| {
            !rules.is_ignored(path, false) || !rules.is_ignored(path, true) || rules.may_mark(path)
        });
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
