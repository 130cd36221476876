//! An answer's JSON, read loosely: only what is needed, in every form that servers give it.

use serde_json::Value;

use super::at;
use super::clean::{clean, whole_sentences};
use super::problem::Problem;
use crate::model::failure::{Failure, Remedy};
use crate::model::usage::Usage;

/// What an answer came to.
pub(super) enum Reply {
    /// The words.
    Text(String),
    /// It ended at the cap of tokens.
    CutShort,
}

/// An error that came as a success, as some servers send them once they have begun to answer: the status that it
/// should have had, and what it says.
pub(super) fn error(value: &Value) -> Option<(u16, Problem)> {
    let error = at(value, "/error").or_else(|| at(value, "/choices/0/error"))?;
    let problem = Problem::of_json(error);
    let status = match problem.code.parse() {
        Ok(status @ 400..=599) => status,
        _ if problem.code.contains("rate_limit") || problem.kind.contains("rate_limit") => 429,
        _ => 502,
    };
    Some((status, problem))
}

/// What the answer says that it used up; numbers that are missing count as 0.
pub(super) fn usage(value: &Value) -> Usage {
    let number = |place: &str| {
        let number = at(value, place);
        let whole = number.and_then(Value::as_u64);
        whole
            .or_else(|| number.and_then(Value::as_f64).map(|number| number as u64))
            .unwrap_or(0)
    };
    Usage {
        requests: 1,
        prompt_tokens: number("/usage/prompt_tokens"),
        completion_tokens: number("/usage/completion_tokens"),
        // Some say it in a place of their own.
        cached_tokens: number("/usage/prompt_tokens_details/cached_tokens")
            .max(number("/usage/prompt_cache_hit_tokens")),
        reasoning_tokens: number("/usage/completion_tokens_details/reasoning_tokens"),
        ..Usage::default()
    }
}

/// The answer's words. With `room`, one that was cut short is not used: the next may be longer.
///
/// # Errors
/// Where there are none, sorted by whether another try may bring some.
pub(super) fn read(value: &Value, room: bool) -> Result<Reply, Failure> {
    let retry = |message| Failure::new(Remedy::Retry, message);
    let choice = at(value, "/choices/0").ok_or_else(|| retry("the answer holds no choices"))?;
    let reason = at(choice, "/finish_reason")
        .and_then(Value::as_str)
        .unwrap_or("");
    if reason == "content_filter" {
        return Err(Failure::new(
            Remedy::Permanent,
            "the provider's content filter stopped the answer",
        ));
    }
    let cut_short = matches!(reason, "length" | "max_tokens");
    if cut_short && room {
        return Ok(Reply::CutShort);
    }
    let text = clean(&content(choice));
    if cut_short {
        // No more room is to be had. What is whole of it will do.
        return whole_sentences(&text, text.len())
            .map(|text| Reply::Text(text.to_owned()))
            .ok_or_else(|| {
                Failure::new(
                    Remedy::Permanent,
                    "the answer is cut short even at the largest cap of tokens",
                )
                .hint("take a model that reasons less")
            });
    }
    if !text.is_empty() {
        return Ok(Reply::Text(text));
    }
    match at(choice, "/message/refusal").and_then(Value::as_str) {
        Some(refusal) if !refusal.trim().is_empty() => Err(Failure::new(
            Remedy::Permanent,
            super::problem::one_line(&format!("the model refused: {refusal}")),
        )),
        _ => Err(retry("the answer is empty")),
    }
}

/// The text of a message: a string, or parts of which some are text. Reasoning has fields of its own and is left.
fn content(choice: &Value) -> String {
    let content = at(choice, "/message/content").or_else(|| at(choice, "/text"));
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter(|part| at(part, "/type").is_none_or(|kind| kind == "text"))
            .filter_map(|part| part.as_str().or_else(|| at(part, "/text")?.as_str()))
            .collect(),
        _ => String::new(),
    }
}
