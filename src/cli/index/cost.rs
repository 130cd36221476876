//! What an index would cost, for people.

use super::render::status::excluded;
use super::{clean, count, money, number, tokens};
use crate::wire::estimate::{Estimate, Post};
use crate::wire::shared::SharedEstimate;

/// All of it, for `--dry-run`.
pub fn table(estimate: &Estimate) -> String {
    let batched = match estimate.batched {
        0 => String::new(),
        batched => format!(", {} of them in batches", number(batched)),
    };
    let bound = match estimate.upper_bound && estimate.requests > 0 {
        true => "at most ",
        false => "",
    };
    let size = format!(
        "{}, {}",
        count(estimate.files, "file"),
        count(estimate.directories.saturating_sub(1), "folder")
    );
    if estimate.requests == 0 && estimate.model != "offline" {
        return format!("{size}\nnothing to request: all summaries are stored\n");
    }
    if estimate.model == "offline" {
        return format!("{size}\n{}\n", price(estimate));
    }
    let mut lines = vec![
        size,
        format!(
            "{bound}{} to {}{batched}",
            count(estimate.requests, "request"),
            clean(&estimate.model)
        ),
        amount(estimate),
        price(estimate),
    ];
    lines.extend(days(estimate));
    let shared = estimate.shared.as_ref();
    lines.extend(shared.map(|shared| self::shared(shared, estimate)));
    if !estimate.largest.is_empty() {
        lines.push("most expensive:".to_owned());
    }
    lines.extend(estimate.largest.iter().map(post));
    for (label, rules) in [
        ("left out", &estimate.excluded),
        ("no request", &estimate.by_rule),
    ] {
        if !rules.is_empty() {
            lines.push(format!("{label}: {}", excluded(rules)));
        }
    }
    lines.join("\n") + "\n"
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

/// `  48.2 k tokens  src/big.py (3 requests)`
fn post(post: &Post) -> String {
    let requests = match post.requests {
        1 => String::new(),
        many => format!(" ({})", count(many, "request")),
    };
    let path = match post.path.as_str() {
        "" => ".",
        path => path,
    };
    format!(
        "  {:>7} tokens  {}{requests}",
        tokens(post.prompt_tokens),
        clean(path)
    )
}

/// More requests than a day's budget has.
fn days(estimate: &Estimate) -> Option<String> {
    let limit = estimate.max_requests_per_day;
    (limit > 0 && estimate.requests > limit).then(|| {
        format!(
            "takes {} days: [budget] max_requests_per_day is {}",
            number(estimate.requests.div_ceil(limit)),
            number(limit)
        )
    })
}

/// `first index: 250 requests to gpt-4o-mini, ~400 k input + 30 k output tokens, ≈ $0.0780 …`
pub fn line(estimate: &Estimate) -> String {
    let days = days(estimate).map_or_else(String::new, |days| format!("; {days}"));
    format!(
        "first index: {} to {}, {}; {}{days}",
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
                configuration; a local model needs neither"
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
