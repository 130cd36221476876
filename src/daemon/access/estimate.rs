//! Estimates the cost of an index: runs the engine without sending requests, and adds them up.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::config::{Batch, Config, Provider};
use crate::engine::batch::BATCH_FROM;
use crate::model::price::{self, Prices};
use crate::shell::store::Store;
use crate::wire::access::Access;
use crate::wire::estimate::Estimate;
use crate::wire::protocol::{Node, PROBLEM_INTERNAL, Problem};

use crate::daemon::access::{self, Handle};
use crate::daemon::answers::status;
use crate::daemon::context::Mode;
use crate::daemon::context::dry_run::Pretended;

/// Dollars per million input and output tokens of widely used models (the vendor's list, 2025). No reasoning model is
/// listed: reasoning is billed as output and cannot be predicted.
const PRICES: [(&str, f64, f64); 5] = [
    ("gpt-4o-mini", 0.15, 0.60),
    ("gpt-4o", 2.50, 10.00),
    ("gpt-4.1", 2.00, 8.00),
    ("gpt-4.1-mini", 0.40, 1.60),
    ("gpt-4.1-nano", 0.10, 0.40),
];

/// Estimates an index of `path`, given what is stored. With `first_only`, returns an empty estimate unless this would
/// be a first index with a paid provider.
pub async fn estimate_with(
    config: &Config,
    data: &Path,
    store: Arc<Store>,
    path: &Path,
    first_only: bool,
) -> Result<Estimate, Problem> {
    let internal = |error: anyhow::Error| Problem::new(PROBLEM_INTERNAL, format!("{error:#}"));
    let first = is_paid(config) && {
        let store = Arc::clone(&store);
        let path = path.to_path_buf();
        access::blocking(move || is_new(&store, &path)).await?
    };
    if first_only && !first {
        return Ok(Estimate::default());
    }
    let handle = access::start(config, data, store, Mode::Dry, |_, _| ()).map_err(internal)?;
    // The client may disconnect; the estimate of a large tree is abandoned then.
    let (asker, left) = oneshot::channel::<()>();
    let path = path.to_path_buf();
    let work = tokio::spawn(async move {
        let outcome = tokio::select! {
            outcome = whole(&handle, &path) => outcome,
            _ = left => Err(Problem::new(PROBLEM_INTERNAL, "the client disconnected")),
        };
        handle.stop().await;
        (outcome, handle)
    });
    let joined = work.await;
    drop(asker);
    let (outcome, handle) = joined.map_err(|error| internal(error.into()))?;
    let shared = handle.context.shared.as_ref().filter(|_| is_paid(config));
    outcome.map(|node| Estimate {
        first,
        shared: shared.map(|shared| status::shared_estimate(shared)),
        ..added_up(config, &node, &handle.context.pretended)
    })
}

/// Indexes a whole folder.
async fn whole(handle: &Handle, path: &Path) -> Result<Node, Problem> {
    handle.watch(path, false).await?;
    handle.wait(Some(path), None).await?;
    handle.node(path, 0).await
}

fn is_paid(config: &Config) -> bool {
    config.summaries.enabled && config.summaries.provider == Provider::Openai
}

/// Whether nothing is stored about the folder.
fn is_new(store: &Store, path: &Path) -> bool {
    let root = std::fs::canonicalize(path);
    root.is_ok_and(|root| store.records(&root).is_ok_and(|records| records.is_empty()))
}

fn added_up(config: &Config, node: &Node, pretended: &Pretended) -> Estimate {
    let openai = &config.openai;
    let paid = is_paid(config);
    let all = pretended.all.usage();
    let batchable = pretended.batchable.usage();
    let is_batch = batchable.requests >= BATCH_FROM as u64;
    let listed = || {
        let found = PRICES.iter().find(|(model, ..)| *model == openai.model);
        found.map(|&(_, input, output)| openai.prices_of(input, output))
    };
    let configured = openai.prices();
    let prices = configured.or_else(listed).filter(|_| paid);
    let cost = |batches: bool| {
        prices.map(|prices: Prices| {
            let whole = prices.cost_nanos(&all, false);
            let saved = prices.cost_nanos(&batchable, false) - prices.cost_nanos(&batchable, true);
            price::in_currency(whole - if batches { saved } else { 0 })
        })
    };
    let batches = is_batch && openai.batch == Batch::Auto;
    let (files, directories) = match node {
        Node::File(_) => (1, 0),
        Node::Directory(directory) => (directory.files, directory.directories + 1),
    };
    Estimate {
        model: if paid { &openai.model } else { "offline" }.to_owned(),
        files,
        directories,
        requests: all.requests,
        prompt_tokens: all.prompt_tokens,
        completion_tokens: all.completion_tokens,
        price: if paid { cost(batches) } else { Some(0.0) },
        price_with_batch: is_batch.then(|| cost(true)).flatten(),
        batched: if batches { batchable.requests } else { 0 },
        listed: prices.is_some() && configured.is_none(),
        first: false,
        shared: None,
    }
}
