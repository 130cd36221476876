//! From the watch's hints to the engine's events, in their order.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::engine::event::Event;
use crate::model::path::RepoId;
use crate::shell::watch::{Hints, Watch};

use super::driver::Input;
use super::handle::Shared;

/// Starts the watch, and the task that hands its hints on; `None` where the system gives none: then all is polled,
/// and people are told why.
pub fn start(shared: &Arc<Shared>, cookies: &Path) -> Option<Arc<Watch>> {
    let woken = Arc::new(Notify::new());
    let waker = Arc::clone(&woken);
    let watch = match Watch::start(cookies, move || waker.notify_one()) {
        Ok(watch) => Arc::new(watch),
        Err(error) => {
            tracing::warn!("nothing is notified: {error}");
            let every = shared.config.watch.poll_seconds;
            let note = format!("all is polled, every {every} s: {error}");
            shared.notes.set("notifications", note);
            return None;
        }
    };
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

async fn hand_on(shared: &Shared, watch: &Watch, hints: Hints) {
    for repo in hints.busy_changed {
        if let Some(entry) = shared.registry.get(repo) {
            let held = entry.rules().lock_files().iter().any(|lock| lock.exists());
            shared
                .inputs
                .send(Input::Event(Event::Held { repo, held }))
                .await;
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
