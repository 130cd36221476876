//! The daemon's status.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::daemon::answers::usage;
use crate::daemon::context::registry::{Entry, repository_topic};
use crate::daemon::context::shared::Shared;
use crate::daemon::context::{Context, today};
use crate::engine::status::{PacingStatus, RepositoryStatus};
use crate::model::path::RepoId;
use crate::wire::protocol::{
    DaemonPlaces, ExcludedFiles, HotFile, Progress, Repository, RepositoryState, Requests, Status,
    StoreStatus,
};
use crate::wire::shared::{NOTE, SharedEstimate, SharedStatus};

/// A time for people and programs, in whole seconds.
fn rfc3339(unix_ms: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(unix_ms)).to_string()
}

/// The daemon's status.
pub fn status(
    context: &Context,
    repositories: &[(RepoId, RepositoryStatus)],
    pacing: &PacingStatus,
) -> Status {
    let (summaries, bytes) = context.store.statistics();
    let used = context.store.usage(today()).unwrap_or_default();
    let counters = pacing.counters;
    let watch = context.watch.get();
    let repositories = repositories
        .iter()
        .filter_map(|(repo, status)| Some((context.registry.get(*repo)?, status)))
        .map(|(entry, status)| {
            let watches = watch.map_or(0, |watch| watch.watches(entry.repo) as u64);
            let notified = watch.is_some() && !entry.is_remote();
            repository(context, &entry, watches, notified, status, pacing)
        })
        .collect();
    let mut notes = context.store.notes();
    let until = pacing.paused_until_ms.map(rfc3339);
    notes.extend(pacing.trouble.as_ref().map(|trouble| match &until {
        Some(until) => format!("{trouble}; requests are paused until {until}"),
        None => trouble.clone(),
    }));
    for topic in [
        "notifications",
        "endpoint",
        "batch",
        "store",
        "export",
        "repos",
        "shared",
    ] {
        notes.extend(context.notes.about(topic));
    }
    notes.extend(shared_note(context));
    let config = context.places.get().map(|places| &places.config);
    notes.extend(config.and_then(|config| edited(config, context.started)));
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_seconds: (context.started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        provider: if context.uses_model() {
            "openai"
        } else {
            "offline"
        }
        .to_owned(),
        model: context
            .uses_model()
            .then(|| context.config.openai.model.clone()),
        repositories,
        requests: Requests {
            sent: counters.sent,
            succeeded: counters.succeeded,
            retried: counters.retried,
            failed: counters.failed,
            in_flight: pacing.in_flight as u64,
            limit: pacing.concurrency_limit as u64,
            batched: pacing.batched as u64,
            prompt_tokens: counters.prompt_tokens,
            completion_tokens: counters.completion_tokens,
            cached_tokens: counters.cached_tokens,
            today: used.requests,
            tokens_today: used.tokens(),
            unchanged: counters.unchanged,
            spared: counters.spared,
            cost: usage::cost(counters.cost_nanos, usage::is_priced(context)),
        },
        store: StoreStatus { summaries, bytes },
        usage: usage::by_day(context),
        budget: usage::budget(pacing).filter(|_| context.uses_model()),
        notes,
        paused_until: pacing.paused_until_ms.map(rfc3339),
        shared: context.shared.as_deref().map(shared),
        daemon: context.places.get().map(|places| DaemonPlaces {
            config: places.config.to_string_lossy().into_owned(),
            data_dir: places.data.to_string_lossy().into_owned(),
            socket: places.socket.to_string_lossy().into_owned(),
            key: key(context).to_owned(),
        }),
    }
}

/// Says that the configuration was changed after the start: the daemon reads it once.
fn edited(config: &Path, started: Instant) -> Option<String> {
    let age = fs::metadata(config).ok()?.modified().ok()?.elapsed().ok()?;
    (age < started.elapsed()).then(|| {
        let config = config.display();
        format!("{config} was changed after the daemon started; `epitome restart` applies it")
    })
}

fn shared(shared: &Shared) -> SharedStatus {
    let options = shared.client.options();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let counts = &shared.counts;
    SharedStatus {
        url: options.location.to_string(),
        namespace: options.namespace.clone(),
        mode: if options.writable {
            "read-write"
        } else {
            "read"
        }
        .to_owned(),
        reachable: shared.client.errors().0.is_none(),
        error: shared_error(shared),
        looked_up: count(&counts.looked_up),
        found: count(&counts.found),
        rejected: count(&counts.rejected),
        published: count(&counts.published),
        waiting: count(&counts.waiting),
        refused: shared.refusal().map_or(0, |(many, _)| many as u64),
    }
}

/// How to fix what a shared store answers: a part of the error, and the hint.
const HINTS: &[(&str, &str)] = &[
    (
        "OOM ",
        "the server is full: raise maxmemory, or set a maxmemory-policy such as allkeys-lru; ",
    ),
    (
        "MISCONF",
        "the server cannot save to its disk: see its log; ",
    ),
    (
        "READONLY",
        "the server is a replica: use the primary, or set [shared] mode = \"read\"; ",
    ),
    ("NOAUTH", "the server needs a password: set REDISCLI_AUTH; "),
    (
        "NOPERM",
        "the user may not do that: see the server's ACL, or set [shared] mode = \"read\"; ",
    ),
    ("507", "the store is full; "),
    ("No space left", "the store is full; "),
    (
        "permission denied",
        "grant the permission, or set [shared] mode = \"read\"; ",
    ),
    ("Read-only file system", "set [shared] mode = \"read\"; "),
];

/// What the user should know of the team's store.
pub fn shared_note(context: &Context) -> Option<String> {
    let error = shared_error(context.shared.as_deref()?)?;
    Some(format!("{NOTE}{error}"))
}

/// Why the team's store is not read, or else not written.
fn shared_error(shared: &Shared) -> Option<String> {
    let url = &shared.client.options().location;
    let hint = |error: &str| {
        let found = HINTS.iter().find(|(part, _)| error.contains(part));
        found.map_or("", |(_, hint)| hint)
    };
    match (shared.client.errors(), shared.refusal()) {
        ((Some(error), _), _) => Some(format!(
            "{url} cannot be read ({error}); {}summaries are requested without it",
            hint(&error)
        )),
        ((None, Some(error)), _) => Some(format!(
            "{url} cannot be written ({error}); {}summaries wait and are written later",
            hint(&error)
        )),
        ((None, None), Some((many, error))) => Some(format!(
            "{url} refuses {many} of the summaries ({error}); {}they are tried again later",
            hint(&error)
        )),
        ((None, None), None) => {
            let reservation = shared.client.reservation();
            reservation.map(|reservation| format!("{url}: {reservation}"))
        }
    }
}

/// What the team's store spared a dry run.
pub fn shared_estimate(shared: &Shared) -> SharedEstimate {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    SharedEstimate {
        summaries: count(&shared.counts.looked_up),
        found: count(&shared.counts.found),
        error: shared_error(shared),
    }
}

/// Whether the endpoint's key is in this process's environment or files.
fn key(context: &Context) -> &'static str {
    let openai = &context.config.openai;
    match openai.api_key() {
        _ if !context.uses_model() => "not needed",
        Ok(Some(_)) => "present",
        Ok(None) if openai.api_key_env.is_empty() => "not needed",
        _ => "absent",
    }
}

fn repository(
    context: &Context,
    entry: &Entry,
    watches: u64,
    notified: bool,
    status: &RepositoryStatus,
    pacing: &PacingStatus,
) -> Repository {
    let root = &entry.root;
    let excluded = entry.rules().excluded().into_iter();
    let open = status.files + status.directories - status.fresh - status.failed - status.off;
    let state = if status.unreachable {
        RepositoryState::Unreachable
    } else if status.scanning {
        RepositoryState::Scanning
    } else if status.awaiting.is_some() {
        RepositoryState::AwaitingConfirmation
    } else if status.settled {
        RepositoryState::Idle
    } else if pacing.trouble.is_some() {
        RepositoryState::Paused
    } else {
        RepositoryState::Summarizing
    };
    let mut notes = status.problems.clone();
    notes.extend(context.notes.about(&repository_topic(root, "")));
    notes.extend(status.awaiting.map(|requests| {
        format!(
            "{requests} requests await confirmation: run `epitome watch --yes {}`, or raise [budget] confirm_above",
            root.display()
        )
    }));
    let busy = !status.settled || status.scanning;
    if busy {
        notes.extend(git_lock(entry));
    }
    // The end of a batch, or of an endpoint's outage, cannot be predicted.
    let known = !status.scanning && pacing.batched == 0 && pacing.trouble.is_none();
    let seconds_left = (busy && context.uses_model() && known).then(|| {
        let (file_ms, directory_ms) = pacing.means_ms;
        let directories = open.saturating_sub(status.files_open);
        let work_ms = status.files_open * file_ms + directories * directory_ms;
        let work_ms = work_ms as f64 / pacing.concurrency_limit.max(1) as f64;
        let limited_ms = pacing.paces.map(|(free, each_ms)| {
            let waiting = (open as f64 - free).max(0.0);
            if waiting > 0.0 {
                waiting * each_ms
            } else {
                0.0
            }
        });
        limited_ms.into_iter().fold(work_ms, f64::max) / 1e3
    });
    Repository {
        path: root.to_string_lossy().into_owned(),
        state,
        files: status.files,
        directories: status.directories,
        fresh: status.fresh,
        stale: status.stale,
        pending: status.pending,
        failed: status.failed,
        off: status.off,
        watch: if notified { "native" } else { "poll" }.to_owned(),
        watches,
        last_change: status.last_change_ms.map(|ms| {
            let at = UNIX_EPOCH + Duration::from_millis(ms);
            humantime::format_rfc3339_millis(at).to_string()
        }),
        used: usage::used(status.used, usage::is_priced(context)),
        progress: Progress {
            to_read: status.to_read,
            to_summarize: if busy { open } else { 0 },
            done: status.fresh + status.failed + status.off,
            seconds_left,
        },
        notes,
        unreadable: status.problems.clone(),
        awaiting_confirmation: status.awaiting,
        hot: hot(status),
        excluded: excluded
            .map(|(rule, files)| ExcludedFiles {
                rule: rule.to_owned(),
                files,
            })
            .collect(),
    }
}

/// What git does, or left behind, that delays the reading of changes.
fn git_lock(entry: &Entry) -> Option<String> {
    let locks = entry.rules().lock_files();
    let lock = locks.into_iter().find(|lock| lock.exists())?;
    let lock = lock.strip_prefix(&entry.root).unwrap_or(&lock);
    Some(format!(
        "git is at work: {} exists; changes are read when it is gone, at the latest after 10 s; remove it if no git runs",
        lock.display()
    ))
}

fn hot(status: &RepositoryStatus) -> Vec<HotFile> {
    let named = status.hot.iter().map(|(path, requests)| HotFile {
        path: path.to_text(),
        requests_today: *requests,
    });
    named.collect()
}

/// The error of a wait that timed out: what is not settled yet.
pub fn still_waiting_for(status: &Status) -> String {
    let busy: Vec<String> = status
        .repositories
        .iter()
        .filter(|one| one.state != RepositoryState::Idle)
        .map(|one| {
            let progress = &one.progress;
            let looked_at = match one.state {
                RepositoryState::Scanning => "its folders are being looked at, ",
                _ => "",
            };
            let mut text = format!(
                "{}: {looked_at}{} to read, {} to summarize",
                one.path, progress.to_read, progress.to_summarize
            );
            if let Some(note) = one.notes.first() {
                text.push_str(&format!(" ({note})"));
            }
            text
        })
        .collect();
    let mut text = format!("not settled in time: {}", busy.join("; "));
    if busy.is_empty() {
        text = "not settled in time".to_owned();
    }
    if let Some(note) = status.notes.first() {
        text.push_str(&format!(" ({note})"));
    }
    text
}
