//! Connects the rooms: starts the loop that owns the engine, carries its effects out, answers those who ask.
//!
//! [`run`] is the daemon; [`start_local`] is the same without a watch and a socket, for `epitome index`;
//! [`estimate`] is the same without a model and a memory, for `index --dry-run`.

mod access;
mod answers;
mod contents;
mod context;
mod event_loop;
mod hints;
mod lifecycle;
mod mailbox;
pub(crate) mod prompt;
mod refusal;
pub(crate) mod search;
mod server;
mod socket;
mod systemd;
mod work;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use access::estimate::estimate_with;
pub use access::{Handle, audit, cache};
pub use lifecycle::{refuse, run};
use work::pool;

use crate::config::places::Places;
use crate::config::{Batch, Config, Provider};
use crate::engine::batch::BATCH_FROM;
use crate::engine::debounce::Window;
use crate::engine::pacing::{Bounds, Budget};
use crate::engine::{Options, TokenEstimate};
use crate::model::key::Generator;
use crate::model::path::RelPath;
use crate::model::price;
use crate::shell::store::{Store, StoreError};
use crate::shell::{export as files, offline, parse};
use crate::wire::access::Access;
use crate::wire::estimate::Estimate;
use crate::wire::index;
use crate::wire::prompt::Preview;
use crate::wire::protocol::Node;

/// How this run differs from a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Watches.
    Daemon,
    /// Looks once.
    Local,
    /// Looks once, asks nobody and keeps nothing: to know what it would cost.
    Dry,
    /// The same, and pretends no answer: to show what would be asked.
    Preview,
}

impl Mode {
    /// Whether what is learnt goes to the store.
    pub(crate) fn keeps(self) -> bool {
        !matches!(self, Self::Dry | Self::Preview)
    }
}

/// The longest wait for another process to let go of the store.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Starts an engine in this process that looks once at what it is given.
pub async fn start_local(config: &Config, places: &Places) -> anyhow::Result<Handle> {
    let store = open_store(&places.data).await?;
    event_loop::start(config, &places.data, Arc::new(store), Mode::Local, None)
}

/// The error of a node whose summary is unknown and is not requested by [`start_reader`].
pub const NOT_REQUESTED: &str = "not requested";

/// Starts an engine in this process for reading: it scans once what it is given, and never calls a model.
pub async fn start_reader(config: &Config, places: &Places) -> anyhow::Result<Handle> {
    let mode = match config.summaries.provider {
        Provider::Offline => Mode::Local,
        Provider::Openai => Mode::Preview,
    };
    let store = open_store(&places.data).await?;
    event_loop::start(config, &places.data, Arc::new(store), mode, None)
}

/// What a first index of `path` would cost, as far as that can be known before it is paid for. Asks no model.
pub async fn estimate(config: &Config, places: &Places, path: &Path) -> anyhow::Result<Estimate> {
    let store = open_store(&places.data).await?;
    estimate_with(config, &places.data, Arc::new(store), path, false)
        .await
        .map_err(Into::into)
}

/// What a model would be asked about `path`, as far as it is known without asking for anything. Nothing is sent.
pub async fn preview(config: &Config, places: &Places, path: &Path) -> anyhow::Result<Preview> {
    let folder = match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(path),
    };
    let store = Arc::new(open_store(&places.data).await?);
    let handle = event_loop::start(config, &places.data, store, Mode::Preview, None)?;
    let shown = async {
        handle.watch(folder, false).await?;
        handle.wait(Some(path), None).await?;
        handle.prompt(path).await
    };
    let shown = shown.await;
    handle.stop().await;
    Ok(shown?)
}

/// Writes an `index.json` for each directory of `tree` below `output`; tells how many.
///
/// # Errors
/// The first file that could not be written.
pub fn export(tree: &Node, output: &Path) -> anyhow::Result<u64> {
    let from = RelPath::new(&tree.common().path);
    let mut todo = vec![tree];
    let mut all = Vec::new();
    while let Some(node) = todo.pop() {
        let Node::Directory(directory) = node else {
            continue;
        };
        let path = match &directory.common.path_base64 {
            Some(bytes) => RelPath::new(STANDARD.decode(bytes)?),
            None => RelPath::new(&directory.common.path),
        };
        // Below the folder stands what was asked for, not the way to it.
        let below = RelPath::new(&path.as_bytes()[from.as_bytes().len()..]);
        all.push((below, index::render(directory)?));
        todo.extend(directory.children.iter().flatten());
    }
    let count = all.len() as u64;
    files::update(
        output,
        output,
        all.into_iter(),
        &[],
        &files::Known::default(),
    )?;
    Ok(count)
}

async fn open_store(data: &Path) -> anyhow::Result<Store> {
    let deadline = tokio::time::Instant::now() + STORE_PATIENCE;
    loop {
        let data = data.to_path_buf();
        let opened = tokio::task::spawn_blocking(move || Store::open(&data))
            .await
            .context("opening the store")?;
        match opened {
            Err(StoreError::Locked { .. }) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => bail!("{error}: {}", error.hint()),
            Ok(store) => return Ok(store),
        }
    }
}

/// Who writes the summaries.
fn author(config: &Config) -> Generator {
    match config.summaries.provider {
        Provider::Openai => model_author(config),
        Provider::Offline => Generator {
            provider: "offline".to_owned(),
            model: "offline".to_owned(),
            prompt_version: offline::VERSION,
            parameters: String::new(),
        },
    }
}

/// The model that the configuration names, whether it is asked or not.
fn model_author(config: &Config) -> Generator {
    Generator {
        provider: "openai".to_owned(),
        model: config.openai.model.clone(),
        prompt_version: prompt::VERSION,
        parameters: String::new(),
    }
}

/// What the engine has to know of the configuration.
fn engine_options(config: &Config, mode: Mode, notified: bool) -> Options {
    let paid = config.summaries.provider == Provider::Openai;
    let settle_ms = config.watch.settle_ms;
    Options {
        author: author(config),
        summaries: config.summaries.enabled,
        parser: parse::VERSION,
        paid,
        bounds: Bounds {
            max_workers: config.openai.max_workers as usize,
            free_workers: pool::threads(),
            requests_per_minute: config.openai.requests_per_minute,
            tokens_per_minute: config.openai.tokens_per_minute,
            budget: match mode.keeps() {
                // What it would cost is asked for just because the budget is small.
                false => Budget::default(),
                true => Budget {
                    requests: config.budget.max_requests_per_day,
                    tokens: config.budget.max_tokens_per_day,
                    cost_nanos: price::in_nanos(config.budget.max_cost_per_day),
                },
            },
            prices: config.openai.prices(),
            answer_tokens: u64::from(config.openai.max_output_tokens),
        },
        tokens: TokenEstimate {
            instructions: prompt::instruction_tokens(),
            answer: u64::from(config.openai.max_output_tokens),
            largest_input: prompt::PART_TOKENS,
        },
        readers: pool::threads(),
        settle: Window {
            quiet_ms: settle_ms,
            cap_ms: (settle_ms * 5).max(1_000),
        },
        quiet: Window {
            quiet_ms: config.openai.quiet_ms,
            cap_ms: 30_000,
        },
        batch_from: (paid && mode.keeps() && config.openai.batch == Batch::Auto)
            .then_some(BATCH_FROM),
        export: mode.keeps() && config.export.dir.is_some(),
        poll_ms: (mode == Mode::Daemon && !notified).then_some(config.watch.poll_seconds * 1_000),
        poll_rest_ms: config.watch.poll_seconds * 1_000,
    }
}
