//! `epitome index`: indexes everything once, through the daemon if one runs, else in this process.

mod cost;
mod progress;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::failure::Failure;
use super::failures;
use super::terminal::Terminal;
use super::text::{clean, count, money, number, tokens};
use super::{Context, consent, here, output, paths, preflight, reader, render};
use crate::client::{Client, ConnectError};
use crate::wire::access::Access;
use crate::wire::protocol::{Node, Repository, RepositoryState, Requests, Status, WaitOutcome};
use crate::wire::shared;
pub use progress::{Progress, repository_of};

/// Levels of the tree from which the largest folders are chosen.
const DEPTH: usize = 2;

/// How often the progress is updated.
const TICK: Duration = Duration::from_millis(100);

/// An endpoint that has not responded once is given up after this long. One that has responded is waited for as long
/// as it takes: an outage must not end a long index that was partly paid for.
const UNREACHED: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder [default: the current folder]
    path: Option<PathBuf>,
    /// Print the tree as one JSON document
    #[arg(long)]
    json: bool,
    /// Print what it would cost, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Send the requests of a first index without asking
    #[arg(long)]
    yes: bool,
}

/// The result of an index.
struct Indexed {
    tree: Node,
    waited: WaitOutcome,
    seconds: f64,
    /// What was used of the model meanwhile.
    used: Requests,
    /// The repository at the end.
    repository: Option<Repository>,
    notes: Vec<String>,
    /// Summaries that came from the team's store.
    shared: u64,
    /// Whether a model writes the summaries.
    paid: bool,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let path = match &arguments.path {
        Some(path) => paths::absolute(Some(path))?,
        None => here::here(context).await?.root,
    };
    reader::require_directory(&path)?;
    if arguments.dry_run {
        let estimate = match Client::connect(&context.places.socket).await {
            Ok(client) => client.estimate(&path, false).await?,
            Err(ConnectError::NoDaemon) => {
                let config = context.config()?;
                crate::daemon::estimate(&config, &context.places, &path).await?
            }
            Err(error) => return Err(error.into()),
        };
        if arguments.json {
            return output::print_json(&estimate);
        }
        return output::print(&Terminal::of_stdout().fold(&cost::table(&estimate)));
    }
    let mut progress = Progress::on_stderr();
    // Only what is printed is loaded: the outlines of a large tree are many times its first levels.
    let depth = match arguments.json {
        true => usize::MAX,
        false => DEPTH,
    };
    let indexed = match Client::connect(&context.places.socket).await {
        Ok(client) => {
            announce_cost(&client, &path).await;
            let how = How {
                temporary: true,
                yes: arguments.yes,
            };
            index(&client, &path, how, depth, &mut progress).await?.0
        }
        Err(ConnectError::NoDaemon) => {
            let config = context.config()?;
            preflight::require(context, &config, &path).await?;
            let local = crate::daemon::start_local(&config, &context.places).await?;
            announce_cost(&local, &path).await;
            let how = How {
                temporary: false,
                yes: arguments.yes,
            };
            let indexed = index(&local, &path, how, depth, &mut progress).await;
            // Stopped before a failure is reported: what was paid for has to be stored.
            local.stop().await;
            let mut indexed = indexed?.0;
            // The last writes may have met with something else.
            if let Some(late) = local.shared_note() {
                indexed.notes.retain(|note| !note.starts_with(shared::NOTE));
                indexed.notes.push(late);
            }
            indexed
        }
        Err(error) => return Err(error.into()),
    };
    report(&indexed, &path, arguments.json)
}

/// On a terminal, prints what a first index will cost, before anything is sent. The files are read once more for it; if
/// that fails, the index reports why.
async fn announce_cost<A: Access>(access: &A, path: &Path) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    if let Ok(estimate) = access.estimate(path, true).await
        && estimate.first
        && estimate.requests > 0
    {
        output::say(&cost::line(&estimate));
    }
}

/// How an index is made.
#[derive(Clone, Copy)]
struct How {
    /// A repository that was not watched before is removed again.
    temporary: bool,
    /// The requests of a first index are confirmed.
    yes: bool,
}

/// Indexes `path` and returns whether it was watched before. A `temporary` repository is removed again, also after an
/// interrupt.
async fn index<A: Access>(
    access: &A,
    path: &Path,
    how: How,
    depth: usize,
    progress: &mut Progress,
) -> Result<(Indexed, bool), Failure> {
    let started = Instant::now();
    let before = access.status().await?;
    let mut known = repository_of(&before, path).is_some();
    if !known {
        // It may be one of the watched repositories under another name, through a link.
        let added = access.watch(path, false).await?;
        known = before.repositories.iter().any(|one| one.path == added.path);
    }
    if how.yes {
        access.confirm(path).await?;
    }
    let result = tokio::select! {
        result = settle_confirmed(access, path, depth, &before.requests, progress) => result,
        () = interrupted() => Err(Failure::Failed(progress.interrupted())),
    };
    progress.end();
    if !known
        && how.temporary
        && let Err(problem) = access.unwatch(path).await
    {
        output::say(&format!("it is still watched: {problem}"));
    }
    let (tree, waited, status) = result?;
    let indexed = Indexed {
        tree,
        waited,
        seconds: started.elapsed().as_secs_f64(),
        used: difference(&before.requests, &status.requests),
        repository: repository_of(&status, path).cloned(),
        paid: status.model.is_some(),
        shared: found(&status).saturating_sub(found(&before)),
        notes: status.notes,
    };
    Ok((indexed, known))
}

/// The same, after the user confirmed the requests of a large first index.
async fn settle_confirmed<A: Access>(
    access: &A,
    path: &Path,
    depth: usize,
    before: &Requests,
    progress: &mut Progress,
) -> Result<(Node, WaitOutcome, Status), Failure> {
    let settled = settle(access, path, depth, before, progress).await?;
    let Some(requests) = consent::awaited(&settled.2, path) else {
        return Ok(settled);
    };
    progress.end();
    consent::obtain(access, path, requests).await?;
    settle(access, path, depth, before, progress).await
}

/// Waits until everything is summarized, showing progress, and returns `depth` levels of the tree. `before`: the
/// model's use before the index.
async fn settle<A: Access>(
    access: &A,
    path: &Path,
    depth: usize,
    before: &Requests,
    progress: &mut Progress,
) -> Result<(Node, WaitOutcome, Status), Failure> {
    let give_up = |status: &Status, waited| hopeless(status, path, before.sent, waited);
    let waited = wait_with_progress(access, path, None, progress, give_up).await?;
    let tree = access.node(path, depth).await?;
    let status = access.status().await?;
    Ok((tree, waited, status))
}

/// Waits until `path` is settled and shows the progress meanwhile. `give_up` may return a reason to stop.
pub async fn wait_with_progress<A: Access>(
    access: &A,
    path: &Path,
    timeout: Option<Duration>,
    progress: &mut Progress,
    give_up: impl Fn(&Status, Duration) -> Option<String>,
) -> Result<WaitOutcome, Failure> {
    let started = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut wait = std::pin::pin!(access.wait(Some(path), timeout));
    loop {
        tokio::select! {
            waited = &mut wait => return Ok(waited?),
            _ = ticks.tick() => {
                // If the status fails, so will the wait, and it says why.
                if let Ok(status) = access.status().await {
                    progress.update(&status, path);
                    if let Some(reason) = give_up(&status, started.elapsed()) {
                        return Err(Failure::Failed(reason));
                    }
                }
            }
        }
    }
}

/// Why an index is given up: no request has reached the endpoint since it began.
fn hopeless(status: &Status, path: &Path, sent: u64, waited: Duration) -> Option<String> {
    let paused = repository_of(status, path)?.state == RepositoryState::Paused;
    let reason = status.notes.first().filter(|_| paused)?;
    let given_up = waited >= UNREACHED && status.requests.sent == sent;
    given_up.then(|| format!("given up after {} s: {reason}", waited.as_secs()))
}

/// Completes on SIGINT or SIGTERM.
async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn found(status: &Status) -> u64 {
    status.shared.as_ref().map_or(0, |shared| shared.found)
}

fn difference(before: &Requests, after: &Requests) -> Requests {
    let cost = match (before.cost, after.cost) {
        (before, Some(after)) => Some((after - before.unwrap_or(0.0)).max(0.0)),
        (_, None) => None,
    };
    Requests {
        sent: after.sent.saturating_sub(before.sent),
        prompt_tokens: after.prompt_tokens.saturating_sub(before.prompt_tokens),
        completion_tokens: after
            .completion_tokens
            .saturating_sub(before.completion_tokens),
        cost,
        ..Requests::default()
    }
}

fn report(indexed: &Indexed, path: &Path, json: bool) -> Result<(), Failure> {
    if json {
        output::print_json(&indexed.tree)?;
    } else {
        let terminal = Terminal::of_stdout();
        output::print(&render::overview::overview(&indexed.tree, path, terminal))?;
    }
    let repository = indexed.repository.as_ref();
    let failures = failures::Failures::of(&indexed.waited, repository, path);
    for line in failures.lines() {
        output::say(&line);
    }
    let unreadable = repository.map_or(&[][..], |repository| &repository.unreadable);
    for folder in unreadable {
        output::say(&format!("not indexed: {folder}"));
    }
    for note in &indexed.notes {
        if !failures.mentions(note) {
            output::say(&format!("note: {note}"));
        }
    }
    output::say(&summary_line(indexed));
    match (failures.total(), unreadable.len() as u64) {
        (0, 0) => Ok(()),
        (0, many) => Err(Failure::Failed(format!(
            "{} could not be read",
            count(many, "folder")
        ))),
        (many, _) => Err(Failure::Failed(format!(
            "{} could not be summarized",
            count(many, "file or folder").replace("file or folders", "files and folders")
        ))),
    }
}

/// `372 files and 67 folders in 13.9 s · 439 requests · 1.26 M input + 8.3 k output tokens · 0.19`
fn summary_line(indexed: &Indexed) -> String {
    let (files, folders) = match &indexed.tree {
        Node::File(_) => (1, 0),
        Node::Directory(directory) => (directory.files, directory.directories),
    };
    let mut parts = vec![format!(
        "{} and {} in {:.1} s",
        count(files, "file"),
        count(folders, "folder"),
        indexed.seconds
    )];
    let used = &indexed.used;
    if indexed.paid || used.sent > 0 {
        parts.push(count(used.sent, "request"));
    }
    if indexed.shared > 0 {
        parts.push(format!("{} from the shared store", number(indexed.shared)));
    }
    if used.prompt_tokens + used.completion_tokens > 0 {
        parts.push(format!(
            "{} input + {} output tokens",
            tokens(used.prompt_tokens),
            tokens(used.completion_tokens)
        ));
    }
    if let Some(cost) = used.cost.filter(|cost| *cost > 0.0) {
        parts.push(format!("cost {}", money(cost)));
    }
    parts.join(" · ")
}
