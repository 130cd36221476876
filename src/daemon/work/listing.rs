//! Lists directories by the current rules. Each one is watched before it is read, so no change falls in between.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::daemon::context::Context;
use crate::daemon::context::registry::{Entry, repository_topic, unreported};
use crate::daemon::work::pool::threads;
use crate::engine::effect::Depth;
use crate::engine::event::Event;
use crate::model::listing::Listing;
use crate::model::path::{RelPath, RepoId};
use crate::model::stat::Stat;
use crate::shell::rules::Rules;
use crate::shell::watch::{Watch, WatchError, remote_kind};
use crate::shell::{lstat, scan};

/// How often a listing is repeated because rule files changed during it.
const RULE_ROUNDS: usize = 3;

/// Lists directories, and lists again what a changed rule file concerns. Returns `Listed`, behind the events that the
/// engine has to take before it. The watches of `forgotten` directories go first.
pub fn list(
    context: &Context,
    repo: RepoId,
    targets: &[(RelPath, Depth)],
    forgotten: &Forgotten,
) -> Vec<Event> {
    let Some(entry) = context.registry.get(repo) else {
        let listing = Listing::default();
        return vec![Event::Listed { repo, listing }];
    };
    let watch = context.watch.get().map(|watch| &**watch);
    forgotten.remove_watches(context, repo);
    let is_all = |(path, depth): &(RelPath, Depth)| path.is_root() && *depth == Depth::Everything;
    let all = targets.iter().any(is_all);
    let mut rules_changed = false;
    // A full rescan relies on nothing from before; neither does a scan of what sends no notifications.
    let polled = watch.is_none() || entry.is_polled();
    if (all || polled) && !entry.rules().is_current() {
        entry.reload_or_say_why();
        rules_changed = true;
    }
    if all {
        entry.note_mounts();
        entry.note_real();
    }
    let mut listing = list_once(watch, &entry, &entry.rules(), targets);
    for _ in 0..RULE_ROUNDS {
        if !rule_files_changed(&entry, &listing, polled) {
            break;
        }
        entry.reload_or_say_why();
        // A rule file concerns everything below its folder.
        rules_changed = true;
        listing = list_once(watch, &entry, &entry.rules(), targets);
    }
    let export_changed = match all {
        true => context.check_export(&entry),
        false => None,
    };
    let outside_changed = entry.follow_outside_after_look(watch, all);
    let lost = (rules_changed && !all) || outside_changed;
    let polled = watch.and_then(|_| newly_polled(context, &entry, &listing.gone));
    let mut events: Vec<Event> = lost.then_some(Event::Lost(repo)).into_iter().collect();
    events.extend(export_changed);
    events.extend(polled);
    events.push(Event::Listed { repo, listing });
    events
}

/// Directories that are gone and may still be watched.
///
/// Invariant: a watch that a listing sets is never removed for an earlier disappearance of its directory, because a
/// removal holds the lock, and a listing removes what is left before it watches anything.
#[derive(Default)]
pub struct Forgotten(Mutex<HashMap<RepoId, Vec<RelPath>>>);

impl Forgotten {
    /// Notes directories whose watches are to go.
    pub fn add(&self, repo: RepoId, paths: Vec<RelPath>) {
        lock(&self.0).entry(repo).or_default().extend(paths);
    }

    /// Removes the watches at and below the noted directories of a repository.
    pub fn remove_watches(&self, context: &Context, repo: RepoId) {
        let mut all = lock(&self.0);
        let paths = all.remove(&repo).unwrap_or_default();
        let (Some(watch), Some(entry)) = (context.watch.get(), context.registry.get(repo)) else {
            return;
        };
        if paths.is_empty() {
            return;
        }
        let is_kept = |known: &RelPath| !paths.iter().any(|path| known.is_within(path));
        lock(&entry.unwatched).directories.retain(is_kept);
        for path in &paths {
            watch.remove_directory(entry.repo, &path.under(&entry.root));
        }
    }
}

fn list_once(
    watch: Option<&Watch>,
    entry: &Entry,
    rules: &Rules,
    targets: &[(RelPath, Depth)],
) -> Listing {
    let has_mounts = entry.has_mounts();
    let before_listing = |path: &RelPath, directory: &Path| {
        let Some(watch) = watch else { return };
        let refused = match watch.add_directory(entry.repo, directory) {
            // A watch on a network file system reports local changes only.
            Ok(()) if has_mounts => remote_kind(directory).map(unreported),
            // It is gone, or will be reported when its mode changes.
            Ok(()) | Err(WatchError::Gone(_) | WatchError::Denied(_)) => None,
            Err(error) => Some(error.to_string()),
        };
        let mut unwatched = lock(&entry.unwatched);
        match refused {
            None => {
                unwatched.directories.remove(path);
            }
            Some(reason) => {
                tracing::debug!("{} is not watched: {reason}", directory.display());
                unwatched.directories.insert(path.clone());
                unwatched.reason = reason;
            }
        }
    };
    let mut listing = Listing::default();
    for (path, depth) in targets {
        let whole = *depth == Depth::Everything;
        let found = scan::scan(&entry.root, rules, path, whole, threads(), &before_listing);
        listing.directories.extend(found.directories);
        listing.gone.extend(found.gone);
        listing.closed.extend(found.closed);
    }
    listing
}

/// What has to be polled, if that changed; updates the note about it.
fn newly_polled(context: &Context, entry: &Entry, gone: &[RelPath]) -> Option<Event> {
    let mut unwatched = lock(&entry.unwatched);
    unwatched
        .directories
        .retain(|path| !gone.iter().any(|gone| path.is_within(gone)));
    unwatched.remote = remote_kind(&entry.root);
    let polled = unwatched.take_change()?;
    let topic = repository_topic(&entry.root, "watch");
    match unwatched.note(context.config.watch.poll_seconds) {
        Some(note) => {
            tracing::warn!("{}: {note}", entry.root.display());
            context.notes.set(&topic, note);
        }
        None => context.notes.clear(&topic),
    }
    drop(unwatched);
    let repo = entry.repo;
    if context.registry.get(repo).is_none() {
        // It was removed meanwhile, and so was its topic.
        context.notes.clear(&topic);
        return None;
    }
    Some(Event::Polled { repo, polled })
}

/// Whether the listing has other rule files than the last one. The first listing only records them. `look_closely`:
/// looks for ignored rule files as well, which are in no listing; needed where there are no notifications.
fn rule_files_changed(entry: &Entry, listing: &Listing, look_closely: bool) -> bool {
    let mut seen = lock(&entry.rule_files);
    let first = seen.is_none();
    let known = seen.get_or_insert_default();
    let mut changed = false;
    for directory in &listing.directories {
        let listed = directory
            .entries
            .iter()
            .filter(|entry| Rules::is_rule_file(&entry.name))
            .filter_map(|entry| Some((directory.path.join(&entry.name), entry.file?)));
        let mut here: HashMap<RelPath, Stat> = listed.collect();
        if look_closely {
            let paths = Rules::file_names().map(|name| directory.path.join(name.as_bytes()));
            let ignored = paths
                .into_iter()
                .filter_map(|path| Some((path.clone(), lstat::stat(&path.under(&entry.root))?)));
            here.extend(ignored);
        }
        known.retain(|path, _| {
            let gone = path.parent().as_ref() == Some(&directory.path) && !here.contains_key(path);
            changed |= gone;
            !gone
        });
        for (path, stat) in here {
            changed |= known.insert(path, stat) != Some(stat);
        }
    }
    changed && !first
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
