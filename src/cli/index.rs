//! `epitome index`: everything once, by the daemon where one runs, and in this process where none does.

mod progress;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::failure::Failure;
use super::terminal::Terminal;
use super::text::{clean, count, money, number, wrap};
use super::wait::name_failed;
use super::{Context, output, paths, render};
use crate::client::{Client, ConnectError};
use crate::wire::access::Access;
use crate::wire::estimate::Estimate;
use crate::wire::protocol::{Node, RepositoryState, Status, WaitOutcome};
use progress::{Progress, repository_of};

/// Levels of the tree that are printed without `--json`.
const DEPTH: usize = 2;

/// How often the progress is looked at.
const TICK: Duration = Duration::from_millis(100);

/// How long an endpoint is tried that cannot be reached even once. One that has answered is waited for as long as it
/// takes: what a long index has paid for is not given up for an outage.
const UNREACHED: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder [default: the current folder]
    path: Option<PathBuf>,
    /// Print the tree as one JSON document
    #[arg(long)]
    json: bool,
    /// Say what it would cost, and call no model
    #[arg(long)]
    dry_run: bool,
}

/// What an index came to.
struct Indexed {
    tree: Node,
    waited: WaitOutcome,
    seconds: f64,
    requests: u64,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    if !path.is_dir() {
        let reason = format!("{}: is no folder that can be read", path.display());
        return Err(Failure::Failed(reason));
    }
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
        return output::print(&costs(&estimate));
    }
    let mut progress = Progress::on_stderr();
    // What is not printed is not read: the outlines of a large tree are many times its first levels.
    let depth = match arguments.json {
        true => usize::MAX,
        false => DEPTH,
    };
    let (indexed, hint) = match Client::connect(&context.places.socket).await {
        Ok(client) => {
            say_what_it_costs(&client, &path).await;
            let (indexed, known) = index(&client, &path, true, depth, &mut progress).await?;
            let hint = match known {
                true => "more: `epitome tree`, `epitome show PATH`",
                false => "more: `epitome index --json`; to keep it true: `epitome watch`",
            };
            (indexed, hint)
        }
        Err(ConnectError::NoDaemon) => {
            let config = context.config()?;
            let local = crate::daemon::start_local(&config, &context.places).await?;
            say_what_it_costs(&local, &path).await;
            let indexed = index(&local, &path, false, depth, &mut progress).await;
            // Closed before a failure is told: what was paid for has to be stored.
            local.stop().await;
            let hint = "more: `epitome index --json`; to keep it true: `epitome daemon PATH`";
            (indexed?.0, hint)
        }
        Err(error) => return Err(error.into()),
    };
    tell(&indexed, &path, arguments.json, hint)
}

/// Before a first index that somebody pays for, whoever sits at the terminal is told what it will cost: nothing is sent
/// yet. The files are read once more for it; where that fails, the index will say why.
async fn say_what_it_costs<A: Access>(access: &A, path: &Path) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    if let Ok(estimate) = access.estimate(path, true).await
        && estimate.first
        && estimate.requests > 0
    {
        output::say(&costs_in_a_line(&estimate));
    }
}

/// Indexes through any access, and says whether the path was watched before. A `temporary` repository is removed
/// again, even where it was interrupted.
async fn index<A: Access>(
    access: &A,
    path: &Path,
    temporary: bool,
    depth: usize,
    progress: &mut Progress,
) -> Result<(Indexed, bool), Failure> {
    let begun = Instant::now();
    let before = access.status().await?;
    let mut known = repository_of(&before, path).is_some();
    if !known {
        // By the other end of a link it may be one of those.
        let added = access.watch(path, false).await?;
        known = before.repositories.iter().any(|one| one.path == added.path);
    }
    let result = tokio::select! {
        result = settle(access, path, depth, before.requests.sent, progress) => result,
        () = interrupted() => Err(Failure::Failed("interrupted".to_owned())),
    };
    progress.end();
    if !known
        && temporary
        && let Err(problem) = access.unwatch(path).await
    {
        output::say(&format!("it is still watched: {problem}"));
    }
    let (tree, waited, sent) = result?;
    let indexed = Indexed {
        tree,
        waited,
        seconds: begun.elapsed().as_secs_f64(),
        requests: sent.saturating_sub(before.requests.sent),
    };
    Ok((indexed, known))
}

/// Waits until everything is summarized, shows how far it is meanwhile, and reads the tree, so
/// many levels of it. `sent`: requests before it began.
async fn settle<A: Access>(
    access: &A,
    path: &Path,
    depth: usize,
    sent: u64,
    progress: &mut Progress,
) -> Result<(Node, WaitOutcome, u64), Failure> {
    let begun = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut wait = std::pin::pin!(access.wait(Some(path), None));
    let waited = loop {
        tokio::select! {
            waited = &mut wait => break waited?,
            _ = ticks.tick() => {
                // A status that fails is left to the wait, which will fail too, and say why.
                if let Ok(status) = access.status().await {
                    progress.update(&status, path);
                    if let Some(reason) = hopeless(&status, path, sent, begun.elapsed()) {
                        return Err(Failure::Failed(reason));
                    }
                }
            }
        }
    };
    let tree = access.node(path, depth).await?;
    let sent = access.status().await?.requests.sent;
    Ok((tree, waited, sent))
}

/// Why an index is given up: since it began, no request has got as far as the endpoint.
fn hopeless(status: &Status, path: &Path, sent: u64, waited: Duration) -> Option<String> {
    let paused = repository_of(status, path)?.state == RepositoryState::Paused;
    let reason = status.notes.first().filter(|_| paused)?;
    let given_up = waited >= UNREACHED && status.requests.sent == sent;
    given_up.then(|| format!("given up after {} s: {reason}", waited.as_secs()))
}

/// Ready when somebody wants it to end.
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

fn tell(indexed: &Indexed, path: &Path, json: bool, hint: &str) -> Result<(), Failure> {
    if json {
        output::print_json(&indexed.tree)?;
    } else {
        let terminal = Terminal::of_stdout();
        output::print(&digest(&indexed.tree, path, hint, terminal))?;
    }
    name_failed(&indexed.waited.failed);
    output::say(&closing(indexed));
    verdict(&indexed.waited)
}

/// An index with nodes that failed for good has failed.
fn verdict(waited: &WaitOutcome) -> Result<(), Failure> {
    match waited.failed.len() as u64 {
        0 => Ok(()),
        many => Err(Failure::Failed(format!(
            "{} could not be summarized",
            count(many, "node")
        ))),
    }
}

/// The root's words and the upper levels of the tree.
fn digest(tree: &Node, path: &Path, hint: &str, terminal: Terminal) -> String {
    let mut text = String::new();
    if let Some(summary) = &tree.common().summary {
        text += &wrap(summary, terminal.width.unwrap_or(80));
        text += "\n\n";
    }
    text += &render::tree(tree, path, DEPTH, terminal);
    text + "\n" + hint + "\n"
}

/// `219 nodes, 188 files in 3.1 s, 219 requests`
fn closing(indexed: &Indexed) -> String {
    let (files, directories) = match &indexed.tree {
        Node::File(_) => (1, 0),
        Node::Directory(directory) => (directory.files, directory.directories + 1),
    };
    format!(
        "{}, {} in {:.1} s, {}",
        count(files + directories, "node"),
        count(files, "file"),
        indexed.seconds,
        count(indexed.requests, "request")
    )
}

fn costs(estimate: &Estimate) -> String {
    let batched = match estimate.batched {
        0 => String::new(),
        batched => format!(", {} of them in batches", number(batched)),
    };
    format!(
        "{}, {}\n{} to {}{batched}\nabout {} tokens asked, {} answered\n{}\n",
        count(estimate.files, "file"),
        count(estimate.directories, "directory"),
        count(estimate.requests, "request"),
        clean(&estimate.model),
        number(estimate.prompt_tokens),
        number(estimate.completion_tokens),
        price(estimate),
    )
}

/// `first index: 250 requests to gpt-4o-mini, about 400,000 tokens asked, 30,000 answered; about 0.0780, …`
fn costs_in_a_line(estimate: &Estimate) -> String {
    format!(
        "first index: {} to {}, about {} tokens asked, {} answered; {}",
        count(estimate.requests, "request"),
        clean(&estimate.model),
        number(estimate.prompt_tokens),
        number(estimate.completion_tokens),
        price(estimate),
    )
}

fn price(estimate: &Estimate) -> String {
    let Some(price) = estimate.price else {
        return "the price is not known: set openai.price_per_million_input and \
                openai.price_per_million_output in the configuration"
            .to_owned();
    };
    let mut text = match (estimate.listed, estimate.model.as_str()) {
        (_, "offline") => return "0: it is written on this machine".to_owned(),
        (true, _) => format!(
            "about {} dollars, by the vendor's prices of 2025",
            money(price)
        ),
        (false, _) => format!("about {}, by the configured prices", money(price)),
    };
    if let Some(less) = estimate.price_with_batch
        && less < price
    {
        text += &format!(" ({} with batch = \"auto\")", money(less));
    }
    text
}
