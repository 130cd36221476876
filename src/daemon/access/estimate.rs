//! Estimates the cost of an index: runs the engine without sending requests, and adds them up.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::config::{Batch, Config, Provider};
use crate::engine::batch::BATCH_FROM;
use crate::engine::view::NodeView;
use crate::model::contents::ContentKind;
use crate::model::key::Kind;
use crate::model::path::RepoId;
use crate::model::price::{self, Prices};
use crate::shell::classify;
use crate::shell::store::Store;
use crate::wire::access::Access;
use crate::wire::estimate::{Estimate, Post};
use crate::wire::protocol::{ExcludedFiles, PROBLEM_INTERNAL, Problem};

use crate::daemon::access::{self, Handle};
use crate::daemon::answers::status;
use crate::daemon::context::Mode;
use crate::daemon::context::dry_run::Counted;

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
    let (repo, view) = outcome?;
    let entry = handle.context.registry.get(repo);
    let excluded = entry.map(|entry| entry.rules().excluded());
    let mut kinds = BTreeMap::new();
    count_kinds(&view, &mut kinds);
    let shared = handle.context.shared.as_deref();
    Ok(Estimate {
        first,
        shared: shared
            .filter(|_| is_paid(config))
            .map(status::shared_estimate),
        upper_bound: is_paid(config) && !first,
        excluded: named(excluded.unwrap_or_default()),
        by_rule: named(kinds),
        ..added_up(config, &view, &handle.context.pretended.total())
    })
}

/// Indexes a whole folder.
async fn whole(handle: &Handle, path: &Path) -> Result<(RepoId, NodeView), Problem> {
    handle.watch(path, false).await?;
    handle.wait(Some(path), None).await?;
    handle.view(path, usize::MAX).await
}

fn named(counts: impl IntoIterator<Item = (&'static str, u64)>) -> Vec<ExcludedFiles> {
    let mut named: Vec<ExcludedFiles> = counts
        .into_iter()
        .map(|(rule, files)| ExcludedFiles {
            rule: rule.to_owned(),
            files,
        })
        .collect();
    named.sort_by_key(|one| Reverse(one.files));
    named
}

/// Counts the files that a rule describes, by the rule.
fn count_kinds(view: &NodeView, kinds: &mut BTreeMap<&'static str, u64>) {
    let kind = view.contents.as_ref().map(|contents| contents.content_kind);
    let label = kind
        .filter(|kind| !kind.is_summarized())
        .map(|kind| match kind {
            ContentKind::Empty => "empty",
            ContentKind::Binary => "binary",
            ContentKind::TooLarge => "larger than [files] max_bytes",
            ContentKind::Secret => "secret",
            ContentKind::Withheld => "kept from models by an AI-ignore file",
            kind => classify::label(kind).unwrap_or("other"),
        });
    if let Some(label) = label {
        *kinds.entry(label).or_default() += 1;
    }
    for child in view.children.iter().flatten() {
        count_kinds(child, kinds);
    }
}

fn is_paid(config: &Config) -> bool {
    config.summaries.enabled && config.summaries.provider == Provider::Openai
}

/// Whether nothing is stored about the folder.
fn is_new(store: &Store, path: &Path) -> bool {
    let root = std::fs::canonicalize(path);
    root.is_ok_and(|root| store.records(&root).is_ok_and(|records| records.is_empty()))
}

fn added_up(config: &Config, view: &NodeView, counted: &Counted) -> Estimate {
    let openai = &config.openai;
    let paid = is_paid(config);
    let all = counted.all.usage();
    let batchable = counted.batchable.usage();
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
    let (files, directories) = match view.kind {
        Kind::File => (1, 0),
        Kind::Directory => (view.files, view.directories + 1),
    };
    let largest = counted.largest.iter().map(|(path, sum)| Post {
        path: path.to_text(),
        requests: sum.requests,
        prompt_tokens: sum.prompt_tokens,
    });
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
        max_requests_per_day: if paid {
            config.budget.max_requests_per_day
        } else {
            0
        },
        largest: largest.collect(),
        ..Estimate::default()
    }
}
