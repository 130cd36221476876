//! The engine's options, from the configuration, the provider and the run's mode.

use crate::config::{Batch, Config, Generated};
use crate::daemon::context::{Context, Mode};
use crate::daemon::prompt;
use crate::daemon::provider::Provider as _;
use crate::daemon::provider::offline::Offline;
use crate::daemon::provider::openai;
use crate::daemon::work::pool;
use crate::engine::batch::BATCH_FROM;
use crate::engine::debounce::Window;
use crate::engine::pacing::{Bounds, Budget};
use crate::engine::{Options, TokenEstimate};
use crate::model::price;
use crate::shell::{classify, openai as endpoint, parse};

/// How many times longer a directory rests than a file before a paid request.
const DIRECTORY_REST: u64 = 15;

/// The version of everything that decides what reading a file finds, the configuration included.
fn reading_version(config: &Config) -> u32 {
    let summarizes = config.files.generated == Generated::Summarize;
    parse::VERSION * 1_000 + classify::VERSION * 2 + u32::from(summarizes)
}

/// A small model on this machine runs on its processor, as a rule: more requests only wait in the server until they
/// time out.
fn max_workers(config: &Config) -> usize {
    const SMALL: usize = 2;
    let configured = config.openai.max_workers as usize;
    let is_local = endpoint::models::is_local(&config.openai.base_url);
    match openai::style(config).small && is_local {
        true => configured.min(SMALL),
        false => configured,
    }
}

/// The engine's options. `notified`: the system reports changes.
pub(super) fn engine_options(context: &Context, notified: bool) -> Options {
    let Context { config, mode, .. } = context;
    let (mode, provider) = (*mode, context.provider.capabilities());
    let paid = provider.costs_money;
    let settle_ms = config.watch.settle_ms;
    let output_tokens = u64::from(config.openai.max_output_tokens);
    Options {
        generator: context.provider.generator(),
        offline: Offline.generator(),
        summaries: config.summaries.enabled,
        parser: reading_version(config),
        paid,
        bounds: Bounds {
            max_workers: max_workers(config),
            requests_per_minute: config.openai.requests_per_minute,
            tokens_per_minute: config.openai.tokens_per_minute,
            budget: match mode.keeps() {
                // An estimate ignores the budget: a small budget is a reason to want one.
                false => Budget::default(),
                true => Budget {
                    requests: config.budget.max_requests_per_day,
                    tokens: config.budget.max_tokens_per_day,
                    cost_nanos: price::in_nanos(config.budget.max_cost_per_day),
                },
            },
            prices: config.openai.prices(),
            answer_tokens: output_tokens,
        },
        tokens: TokenEstimate {
            instructions: prompt::instruction_tokens(&openai::style(config)),
            answer: output_tokens,
            largest_input: provider.largest_input,
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
        directory_quiet: Window {
            quiet_ms: config.openai.quiet_ms * DIRECTORY_REST,
            cap_ms: 60_000,
        },
        sharing: match &context.shared {
            Some(shared) if paid => Some(shared.sharing(mode, config.openai.batch == Batch::Auto)),
            _ => None,
        },
        confirm_above: match config.budget.confirm_above {
            limit if limit > 0 && paid && mode.keeps() => Some(limit),
            _ => None,
        },
        batch_from: (provider.batches && mode.keeps() && config.openai.batch == Batch::Auto)
            .then_some(BATCH_FROM),
        export: mode.keeps() && config.export.dir.is_some(),
        poll_ms: (mode == Mode::Daemon && !notified).then_some(config.watch.poll_seconds * 1_000),
        poll_rest_ms: config.watch.poll_seconds * 1_000,
    }
}
