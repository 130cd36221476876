//! From the watch's hints to the engine's events, in their order.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::engine::event::Event;
use crate::model::path::RepoId;
use crate::shell::watch::{Hints, Watch};

use super::driver::Input;
use super::handle::Shared;

/// The number of the probe, which no barrier has.
const PROBE: u64 = u64::MAX;
/// How long the probe may take; it comes within a millisecond where anything is notified of.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// Starts the watch, and the task that hands its hints on; `None` where the system gives none: then all is polled,
/// and people are told why.
pub fn start(shared: &Arc<Shared>, cookies: &Path) -> Option<Arc<Watch>> {
    let woken = Arc::new(Notify::new());
    let waker = Arc::clone(&woken);
    let polled = |reason: &str| {
        tracing::warn!("nothing is notified: {reason}");
        let every = shared.config.watch.poll_seconds;
        let note = format!("all is polled, every {every} s: {reason}; then start the daemon anew");
        shared.notes.set("notifications", note);
    };
    let watch = match Watch::start(cookies, move || waker.notify_one()) {
        Ok(watch) => Arc::new(watch),
        Err(error) => {
            polled(&error.to_string());
            return None;
        }
    };
    // Some kernels and file systems take watches and tell nothing. No repository is watched yet: nothing is lost here.
    if !comes_back(
        || watch.cookie(PROBE),
        || watch.drain().cookies,
        PROBE_PATIENCE,
    ) {
        let folder = cookies.display();
        polled(&format!(
            "a file made in {folder} was not notified of: set XDG_RUNTIME_DIR to a folder on a local file system"
        ));
        return None;
    }
    let shared = Arc::clone(shared);
    let source = Arc::clone(&watch);
    tokio::spawn(async move {
        loop {
            woken.notified().await;
            hand_on(&shared, &source, source.drain()).await;
        }
    });
    Some(watch)
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

async fn hand_on(shared: &Arc<Shared>, watch: &Watch, hints: Hints) {
    for repo in hints.busy_changed {
        if let Some(entry) = shared.registry.get(repo) {
            let held = entry.rules().lock_files().iter().any(|lock| lock.exists());
            shared
                .inputs
                .send(Input::Event(Event::Held { repo, held }))
                .await;
            // Git may have changed what was written out, too.
            if !held && shared.config.export.dir.is_some() {
                let shared = Arc::clone(shared);
                tokio::task::spawn_blocking(move || shared.look_after_export(&entry));
            }
        }
    }
    let mut rules_changed = hints.rules_changed;
    for repo in &rules_changed {
        if let Some(entry) = shared.registry.get(*repo) {
            entry.reload_or_say_why();
            entry.follow_outside(Some(watch), false);
        }
    }
    for repo in hints.outside_changed {
        if let Some(entry) = shared.registry.get(repo)
            && entry.follow_outside(Some(watch), false)
        {
            rules_changed.push(repo);
        }
    }
    let everywhere = hints.lost.then(|| shared.registry.all());
    let mut lost: Vec<RepoId> = everywhere
        .into_iter()
        .flatten()
        .map(|entry| entry.repo)
        .collect();
    lost.extend(rules_changed);
    lost.extend(&hints.root_changed);
    lost.sort_unstable();
    lost.dedup();
    for (repo, mut paths) in hints.touched {
        let Some(entry) = shared.registry.get(repo) else {
            continue;
        };
        let rules = entry.rules();
        // What is ignored causes no work, not even a look at its folder. Nobody knows here whether a path is a folder,
        // and rules may speak of one kind only.
        paths.retain(|path| !rules.is_ignored(path, false) || !rules.is_ignored(path, true));
        if !paths.is_empty() {
            tracing::debug!("touched: {paths:?}");
            shared
                .inputs
                .send(Input::Event(Event::Touched { repo, paths }))
                .await;
        }
    }
    for repo in lost {
        shared.inputs.send(Input::Event(Event::Lost(repo))).await;
    }
    for cookie in hints.cookies {
        shared.inputs.send(Input::Barrier(cookie)).await;
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
