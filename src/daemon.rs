//! The daemon: an event loop that owns the engine, workers that carry out its effects, a server for clients.
//!
//! Imports inside point one way, from the right to the left; a test enforces it:
//!
//! ```text
//! mailbox <- prompt <- provider <- context <- contents <- {answers, search} <- work <- event_loop <- access
//!         <- {hints, server, socket, refusal, systemd} <- lifecycle
//! ```
//!
//! - `mailbox`: inputs and queries of the loop. `prompt`: what a model is sent. `provider`: what writes summaries.
//! - `context`: what workers share. `contents`: content, outline and text of a file. `answers`, `search`: answers to clients.
//! - `work`: one effect in, one event out. `event_loop`: one input, one step of the engine. `access`: what clients call.
//!
//! [`run`] is the daemon. [`start_local`] is an engine without watch and socket, for `epitome index`; [`start_reader`] one
//! that sends no requests, for reading without a daemon; [`estimate`] one that only counts them, for `index --dry-run`.

mod access;
mod answers;
mod contents;
mod context;
mod event_loop;
mod hints;
mod lifecycle;
mod mailbox;
pub(crate) mod prompt;
mod provider;
mod refusal;
pub(crate) mod search;
mod server;
mod socket;
mod systemd;
#[cfg(test)]
mod tests;
mod work;

use std::path::Path;
use std::sync::Arc;

use crate::config::places::Places;
use crate::config::{Config, Provider};
use crate::wire::access::Access;
use crate::wire::estimate::Estimate;
use crate::wire::prompt::Preview;

use access::estimate::estimate_with;
pub use context::registry::file_rules;
use context::shared::Shared;
use context::{Mode, open_store};

pub use access::snapshot::forget_unrequested;
pub use access::{Handle, audit, cache};
pub use lifecycle::{refuse, run};

/// Starts an engine in this process that indexes once what it is given.
///
/// # Errors
/// The store cannot be opened, or another process holds it.
pub async fn start_local(config: &Config, places: &Places) -> anyhow::Result<Handle> {
    access::start_once(config, places, Mode::Local).await
}

/// Starts an engine in this process for reading: it scans once what it is given, and never calls a model.
///
/// # Errors
/// The store cannot be opened, or another process holds it.
pub async fn start_reader(config: &Config, places: &Places) -> anyhow::Result<Handle> {
    let mode = match config.summaries.provider {
        Provider::Offline => Mode::Local,
        Provider::Openai => Mode::Preview,
    };
    access::start_once(config, places, mode).await
}

/// Estimates the cost of a first index of `path`, without calling a model.
///
/// # Errors
/// The store cannot be opened, or the folder cannot be indexed.
pub async fn estimate(config: &Config, places: &Places, path: &Path) -> anyhow::Result<Estimate> {
    let store = Arc::new(open_store(&places.data).await?);
    let estimate = estimate_with(config, &places.data, store, path, false);
    estimate.await.map_err(Into::into)
}

/// Whether the configured store of the team can be read from this process; returns its URL.
///
/// # Errors
/// Why not, in one line.
pub async fn check_shared(config: &Config) -> Result<String, String> {
    let Some(shared) = Shared::open(config, Mode::Local)? else {
        return Err("no [shared] url is set".to_owned());
    };
    let url = shared.client.options().location.to_string();
    match shared.client.check().await {
        Ok(()) => Ok(match shared.client.reservation() {
            Some(reservation) => format!("{url} ({reservation})"),
            None => url,
        }),
        Err(trouble) => Err(format!("{url}: {trouble}")),
    }
}

/// The requests that a summary of `path` would take, without sending any.
///
/// # Errors
/// The store cannot be opened, or the path is no file or folder.
pub async fn preview(config: &Config, places: &Places, path: &Path) -> anyhow::Result<Preview> {
    let folder = match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(path),
    };
    let handle = access::start_once(config, places, Mode::Preview).await?;
    let shown = async {
        handle.watch(folder, false).await?;
        handle.wait(Some(path), None).await?;
        handle.prompt(path).await
    };
    let shown = shown.await;
    handle.stop().await;
    Ok(shown?)
}
