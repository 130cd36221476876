//! From what the engine knows to what the outside is told: the words are fetched from the store here.

pub mod publishing;
pub mod usage;

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::engine::status::{PacingStatus, RepositoryStatus};
use crate::engine::view::NodeView;
use crate::model::contents::{ContentKind, Contents};
use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::Freshness;
use crate::wire::protocol::{
    Common, DirectoryNode, FileNode, Node, Progress, Repository, RepositoryState, Requests, Status,
    StoreStatus,
};

use crate::daemon::contents::{outline, text_of};
use crate::daemon::context::Shared;
use crate::daemon::context::registry::repository_topic;
use crate::daemon::context::today;

/// A node with its words, and all below it that the view has.
pub fn node(shared: &Shared, repo: RepoId, view: &NodeView) -> Node {
    let mut node = alone(shared, repo, view);
    if let (Node::Directory(directory), Some(children)) = (&mut node, &view.children) {
        let below = children.iter().map(|child| self::node(shared, repo, child));
        directory.children = Some(below.collect());
    }
    node
}

/// A node with its words, and no children.
pub fn alone(shared: &Shared, repo: RepoId, view: &NodeView) -> Node {
    let store = &shared.store;
    let stored = view
        .words
        .and_then(|words| store.summary(words.key).ok().flatten());
    // Words that are gone from the store cannot be vouched for, whatever the engine remembers of them.
    let freshness = match (view.freshness, &stored) {
        (Freshness::Fresh | Freshness::Stale, None) => Freshness::Pending,
        (freshness, _) => freshness,
    };
    let (path, path_base64) = text_and_bytes(&view.path);
    let common = Common {
        path,
        path_base64,
        digest: view.digest.map(|digest| digest.to_string()),
        line: stored.as_ref().map(|summary| summary.line().to_owned()),
        summary: stored.as_ref().map(|summary| summary.text.clone()),
        freshness,
        error: view.error.clone(),
        model: stored.map(|summary| summary.model),
    };
    match view.kind {
        Kind::File => {
            // Only text has an outline: a secret's or a huge file's content may stand under another name, too, and
            // what is known of that one is not this one's.
            let text = |contents: &&Contents| contents.content_kind == ContentKind::Text;
            let outline = view.contents.as_ref().filter(text).and_then(|contents| {
                // Made again where it is gone from the store (a cache that was lost, an unlucky removal).
                let bytes = || {
                    Some(
                        text_of(shared, repo, &view.path, contents.digest)
                            .ok()?
                            .into_bytes(),
                    )
                };
                outline(shared, contents.language, contents.digest, bytes)
            });
            let outline = outline.map(|(_, outline)| outline).unwrap_or_default();
            Node::File(FileNode {
                common,
                language: view
                    .contents
                    .as_ref()
                    .and_then(|contents| contents.language)
                    .or_else(|| Language::of_file(view.path.name()))
                    .map(|language| language.name().to_owned()),
                bytes: view
                    .contents
                    .as_ref()
                    .map_or(0, |contents| contents.stat.size),
                elements: outline.elements,
                imports: outline.imports,
                docstring: outline.docstring,
                partial: outline.partial,
                withheld: view
                    .contents
                    .as_ref()
                    .filter(|contents| contents.content_kind == ContentKind::Secret)
                    .map(|_| "a secret by its name".to_owned()),
            })
        }
        Kind::Directory => Node::Directory(DirectoryNode {
            common,
            files: view.files,
            directories: view.directories,
            left_out: view
                .left_out
                .iter()
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
            children: None,
        }),
    }
}

/// The path as text, and its bytes in base64 where that is not all of it.
pub fn text_and_bytes(path: &RelPath) -> (String, Option<String>) {
    let bytes = path.as_bytes();
    let base64 = std::str::from_utf8(bytes)
        .is_err()
        .then(|| STANDARD.encode(bytes));
    (path.to_text(), base64)
}

/// The daemon's status.
pub fn status(
    shared: &Shared,
    repositories: &[(RepoId, RepositoryStatus)],
    pace: &PacingStatus,
) -> Status {
    let (summaries, bytes) = shared.store.statistics();
    let used = shared.store.usage(today()).unwrap_or_default();
    let counters = pace.counters;
    let watch = shared.watch.get();
    let repositories = repositories
        .iter()
        .filter_map(|(repo, status)| Some((shared.registry.get(*repo)?, status)))
        .map(|(entry, status)| {
            let watches = watch.map_or(0, |watch| watch.watches(entry.repo) as u64);
            let notified = watch.is_some() && !entry.is_remote();
            repository(shared, &entry.root, watches, notified, status, pace)
        })
        .collect();
    let mut notes = shared.store.notes();
    notes.extend(pace.trouble.clone());
    for topic in ["notifications", "batch", "store", "export", "repos"] {
        notes.extend(shared.notes.about(topic));
    }
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_seconds: (shared.started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        provider: if shared.uses_model() {
            "openai"
        } else {
            "offline"
        }
        .to_owned(),
        model: shared
            .uses_model()
            .then(|| shared.config.openai.model.clone()),
        repositories,
        requests: Requests {
            sent: counters.sent,
            succeeded: counters.succeeded,
            retried: counters.retried,
            failed: counters.failed,
            in_flight: pace.in_flight as u64,
            limit: pace.width as u64,
            batched: pace.batched as u64,
            prompt_tokens: counters.prompt_tokens,
            completion_tokens: counters.completion_tokens,
            cached_tokens: counters.cached_tokens,
            today: used.requests,
            tokens_today: used.tokens(),
            unchanged: counters.unchanged,
            spared: counters.spared,
            cost: usage::cost(counters.cost_nanos, usage::is_priced(shared)),
        },
        store: StoreStatus { summaries, bytes },
        usage: usage::by_day(shared),
        budget: usage::budget(pace),
        notes,
    }
}

fn repository(
    shared: &Shared,
    root: &Path,
    watches: u64,
    notified: bool,
    status: &RepositoryStatus,
    pace: &PacingStatus,
) -> Repository {
    let open = status.files + status.directories - status.fresh - status.failed - status.off;
    let state = if status.unreachable {
        RepositoryState::Unreachable
    } else if status.scanning {
        RepositoryState::Scanning
    } else if status.settled {
        RepositoryState::Idle
    } else if pace.trouble.is_some() {
        RepositoryState::Paused
    } else {
        RepositoryState::Summarizing
    };
    let mut notes = status.problems.clone();
    notes.extend(shared.notes.about(&repository_topic(root, "")));
    let busy = !status.settled || status.scanning;
    // When a batch will be over nobody knows, nor when an endpoint that is down answers again.
    let known = !status.scanning && pace.batched == 0 && pace.trouble.is_none();
    let seconds_left = (busy && shared.uses_model() && known).then(|| {
        let (file_ms, directory_ms) = pace.means_ms;
        let directories = open.saturating_sub(status.files_open);
        let work_ms = status.files_open * file_ms + directories * directory_ms;
        (work_ms / pace.width.max(1) as u64) as f64 / 1e3
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
        used: usage::used(status.used, usage::is_priced(shared)),
        progress: Progress {
            to_read: status.to_read,
            to_summarize: if busy { open } else { 0 },
            done: status.fresh + status.failed + status.off,
            seconds_left,
        },
        notes,
        unreadable: status.problems.clone(),
    }
}

/// What is not settled yet, in words.
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
