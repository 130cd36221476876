//! What an index would cost, for people.

use super::{clean, count, money, number, tokens};
use crate::wire::estimate::Estimate;
use crate::wire::shared::SharedEstimate;

/// All of it, for `--dry-run`.
pub fn table(estimate: &Estimate) -> String {
    let batched = match estimate.batched {
        0 => String::new(),
        batched => format!(", {} of them in batches", number(batched)),
    };
    let shared = estimate.shared.as_ref();
    let shared = shared.map(|shared| self::shared(shared, estimate) + "\n");
    format!(
        "{}, {}\n{} to {}{batched}\n{}\n{}\n{}",
        count(estimate.files, "file"),
        count(estimate.directories.saturating_sub(1), "folder"),
        count(estimate.requests, "request"),
        clean(&estimate.model),
        amount(estimate),
        price(estimate),
        shared.unwrap_or_default(),
    )
}

/// `3,940 of 4,012 summaries are in the shared store: 72 requests, about $0.03`
fn shared(shared: &SharedEstimate, estimate: &Estimate) -> String {
    if let Some(error) = &shared.error {
        return format!("the shared store was not looked up: {}", clean(error));
    }
    let sign = if estimate.listed { "$" } else { "" };
    let price = estimate
        .price
        .map(|price| format!(", about {sign}{}", money(price)));
    format!(
        "{} of {} are in the shared store: {}{}",
        number(shared.found),
        count(shared.summaries, "summary"),
        count(estimate.requests, "request"),
        price.unwrap_or_default()
    )
}

/// `first index: 250 requests to gpt-4o-mini, ~400 k input + 30 k output tokens, ≈ $0.0780 …`
pub fn line(estimate: &Estimate) -> String {
    format!(
        "first index: {} to {}, {}; {}",
        count(estimate.requests, "request"),
        clean(&estimate.model),
        amount(estimate),
        price(estimate),
    )
}

fn amount(estimate: &Estimate) -> String {
    format!(
        "~{} input + {} output tokens",
        tokens(estimate.prompt_tokens),
        tokens(estimate.completion_tokens)
    )
}

fn price(estimate: &Estimate) -> String {
    let Some(price) = estimate.price else {
        return "price unknown: set openai.price_per_million_input and openai.price_per_million_output in the \
                configuration"
            .to_owned();
    };
    let batched = match estimate.price_with_batch {
        Some(less) if less < price => format!("; {} with batch = \"auto\"", money(less)),
        _ => String::new(),
    };
    match (estimate.listed, estimate.model.as_str()) {
        (_, "offline") => "free: the offline provider sends nothing".to_owned(),
        (true, _) => format!(
            "≈ ${} (list prices of 2025, may be out of date{batched})",
            money(price)
        ),
        (false, _) => format!(
            "≈ {} (prices from the configuration{batched})",
            money(price)
        ),
    }
}
