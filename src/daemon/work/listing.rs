//! A look at directories: under the rules as they are now, with each watched before it is read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::daemon::context::Shared;
use crate::daemon::context::registry::{Entry, repository_topic, unreported};
use crate::daemon::mailbox::Input;
use crate::daemon::work::pool::threads;
use crate::engine::effect::Depth;
use crate::engine::event::Event;
use crate::model::listing::Listing;
use crate::model::path::{RelPath, RepoId};
use crate::model::stat::Stat;
use crate::shell::rules::Rules;
use crate::shell::watch::{Watch, WatchError, remote_kind};
use crate::shell::{lstat, scan};

/// How often a listing is repeated because rule files changed under it.
const RULE_ROUNDS: usize = 3;

/// Lists directories. Each is watched before it is read, so that no change falls between; a rule file that changed has
/// what it speaks of listed again.
pub(super) fn list(shared: &Shared, repo: RepoId, targets: &[(RelPath, Depth)]) -> Listing {
    let Some(entry) = shared.registry.get(repo) else {
        return Listing::default();
    };
    let watch = shared.watch.get().map(|watch| &**watch);
    let lost = || {
        let inputs = shared.inputs.clone();
        inputs.send_blocking(Input::Event(Event::Lost(repo)));
    };
    let is_all = |(path, depth): &(RelPath, Depth)| path.is_root() && *depth == Depth::Everything;
    let all = targets.iter().any(is_all);
    // A look at everything believes nothing from before, and one at what nobody notifies of neither.
    let polled = watch.is_none() || entry.is_polled();
    if (all || polled) && !entry.rules().is_current() {
        entry.reload_or_say_why();
        if !all {
            lost();
        }
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
        // What a rule file says matters for all that lies below it: everything below its folder is looked at.
        if !all {
            lost();
        }
        listing = list_once(watch, &entry, &entry.rules(), targets);
    }
    if all {
        shared.check_export(&entry);
    }
    if entry.follow_outside_after_look(watch, all) {
        lost();
    }
    if watch.is_some() {
        tell_what_is_polled(shared, &entry, &listing.gone);
    }
    listing
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
            // A watch there tells of what is done here, and of nothing that others do.
            Ok(()) if has_mounts => remote_kind(directory).map(unreported),
            // It is gone, or will be told of when its mode changes.
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

/// Tells the loop, and people, what nobody notifies of, where that has changed.
fn tell_what_is_polled(shared: &Shared, entry: &Entry, gone: &[RelPath]) {
    let mut unwatched = lock(&entry.unwatched);
    unwatched
        .directories
        .retain(|path| !gone.iter().any(|gone| path.is_within(gone)));
    unwatched.remote = remote_kind(&entry.root);
    let Some(polled) = unwatched.news() else {
        return;
    };
    let topic = repository_topic(&entry.root, "watch");
    match unwatched.note(shared.config.watch.poll_seconds) {
        Some(note) => {
            tracing::warn!("{}: {note}", entry.root.display());
            shared.notes.set(&topic, note);
        }
        None => shared.notes.clear(&topic),
    }
    drop(unwatched);
    let repo = entry.repo;
    if shared.registry.get(repo).is_none() {
        // It is watched no more, and there is nothing to say of it.
        return shared.notes.clear(&topic);
    }
    shared
        .inputs
        .send_blocking(Input::Event(Event::Polled { repo, polled }));
}

/// Whether the listing shows other rule files than were known. The first look only takes note of them. `look_closely`:
/// nobody notifies of some, and those that are ignored themselves are in no listing.
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
                .filter_map(|path| Some((path.clone(), lstat::look(&path.under(&entry.root))?)));
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

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
