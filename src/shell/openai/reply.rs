//! Reads the JSON of a response leniently: only the needed fields, in each form that servers send.

use serde_json::{Value, json};

use super::clean::{clean, whole_sentences};
use super::problem::{Problem, one_line};
use super::words::Hints;
use super::{at, meaning};
use crate::model::failure::{Failure, Remedy};
use crate::model::usage::Usage;

/// What an answer contains.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The text.
    Text(String),
    /// No whole sentence: the output ended at its cap.
    NoOutputLeft,
    /// No whole sentence: prompt and output together filled the context.
    NoContextLeft,
}

/// The field of an answer by the schema.
const FIELD: &str = "summary";

/// Reasons of an end that the model chose.
const FINISHED: [&str; 12] = [
    "stop",
    "eos",
    "eos_token",
    "end_turn",
    "stop_sequence",
    "endoftext",
    "end",
    "complete",
    "completed",
    "finished",
    "done",
    "stop_token",
];
/// Parts of the reasons of an end at a limit.
const CUT: Hints = &[
    "length",
    "max_",
    "limit",
    "incomplete",
    "truncat",
    "context",
    "exceed",
];
/// Parts of the reasons of an end by a filter.
const FILTERED: Hints = &[
    "filter",
    "safety",
    "recitation",
    "refus",
    "sensitive",
    "prohibit",
    "block",
    "spii",
    "moderat",
    "policy",
];
/// Parts of the reasons of an end in the middle, by a fault.
const BROKEN: Hints = &[
    "error",
    "abort",
    "cancel",
    "insufficient",
    "network",
    "repetition",
    "timeout",
    "timed_out",
    "fail",
    "malformed",
    "unexpected",
    "disconnect",
    "interrupt",
    "unavailable",
    "overload",
    "preempt",
    "killed",
];

/// Whether an `error` field says nothing: "", {}, [], false, null, 0.
pub(super) fn is_trivial(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty() || text == "null" || text == "none",
        Value::Array(list) => list.iter().all(is_trivial),
        Value::Object(fields) => fields.values().all(is_trivial),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}

/// An error that came as a success: the status that it should have had, and its text.
pub(super) fn error(value: &Value) -> Option<(u16, Problem)> {
    let named = ["/error", "/choices/0/error", "/errors", "/response/error"];
    let named = named
        .iter()
        .filter_map(|place| at(value, place))
        .find(|error| !is_trivial(error));
    let has_text = !content(value).trim().is_empty();
    let refused = || {
        let fields = [
            "/base_resp",
            "/code",
            "/msg",
            "/message",
            "/detail",
            "/error_msg",
            "/status_msg",
            "/success",
        ];
        let says = fields.iter().any(|place| at(value, place).is_some());
        (!has_text && says && at(value, "/choices/0").is_none()).then_some(value)
    };
    // An error beside a whole answer is a remark.
    let whole = has_text && FINISHED.contains(&finish_reason(value).as_str());
    let error = named.filter(|_| !whole).or_else(refused)?;
    let error = match error {
        Value::Array(list) => list.first()?,
        other => other,
    };
    let mut problem = Problem::of_json(error);
    problem.inside_success = true;
    let status = match problem.code.parse() {
        Ok(status @ 400..=599) => status,
        _ if meaning::is_rate(&problem) => 429,
        _ if meaning::is_decisive(&problem) => 400,
        _ => 502,
    };
    Some((status, problem))
}

/// The usage that the answer reports; missing numbers count as 0.
pub(super) fn usage(value: &Value) -> Usage {
    let number = |places: &[&str]| {
        places
            .iter()
            .filter_map(|place| {
                let number = at(value, place)?;
                number
                    .as_u64()
                    .or_else(|| number.as_f64().map(|number| number as u64))
            })
            .max()
            .unwrap_or(0)
    };
    Usage {
        requests: 1,
        prompt_tokens: number(&[
            "/usage/prompt_tokens",
            "/usage/input_tokens",
            "/usage/prompt_eval_count",
            "/prompt_eval_count",
        ]),
        completion_tokens: number(&[
            "/usage/completion_tokens",
            "/usage/output_tokens",
            "/usage/eval_count",
            "/eval_count",
        ]),
        // DeepSeek reports it in a place of its own.
        cached_tokens: number(&[
            "/usage/prompt_tokens_details/cached_tokens",
            "/usage/prompt_cache_hit_tokens",
        ]),
        reasoning_tokens: number(&["/usage/completion_tokens_details/reasoning_tokens"]),
        ..Usage::default()
    }
}

/// Reads the answer to a request with a cap of `cap` output tokens.
///
/// # Errors
/// Why there is no text, sorted by whether a retry may bring one.
pub(super) fn read(value: &Value, cap: u32) -> Result<Reply, Failure> {
    let retry = |message| Failure::new(Remedy::Retry, message);
    let raw = content(value);
    if raw.is_empty()
        && at(value, "/choices/0").is_none()
        && at(value, "/message").is_none()
        && at(value, "/output").is_none()
    {
        return Err(retry("the answer holds no choices".to_owned()));
    }
    let reason = finish_reason(value);
    let has = |parts: Hints| parts.iter().any(|part| reason.contains(part));
    if has(FILTERED) {
        return Err(Failure::new(
            Remedy::Permanent,
            "the provider's content filter stopped the answer",
        ));
    }
    if has(BROKEN) {
        let reason = one_line(&reason);
        return Err(retry(format!(
            "the answer broke off (finish_reason {reason:?})"
        )));
    }
    let text = clean(&raw);
    let text = field(&text).map_or(text, |field| clean(&field));
    if has(CUT) {
        // The whole sentences are good: a summary is bounded anyway.
        return Ok(match whole_sentences(&text, text.len()) {
            Some(text) => Reply::Text(text.to_owned()),
            None if fills_context(value, cap) => Reply::NoContextLeft,
            None => Reply::NoOutputLeft,
        });
    }
    if text.is_empty() {
        return Err(
            match at(value, "/choices/0/message/refusal").and_then(Value::as_str) {
                Some(refusal) if !refusal.trim().is_empty() => Failure::new(
                    Remedy::Permanent,
                    one_line(&format!("the model refused: {refusal}")),
                ),
                _ if !raw.trim().is_empty() => {
                    retry("the answer is nothing but reasoning or markup".to_owned())
                }
                _ => retry("the answer is empty".to_owned()),
            },
        );
    }
    if !FINISHED.contains(&reason.as_str()) && !is_finished(&text) {
        return Err(retry(
            "the answer ends in the middle of a sentence".to_owned(),
        ));
    }
    Ok(Reply::Text(text))
}

/// The schema of an answer: an object with the text in one field.
pub(super) fn schema() -> Value {
    json!({"type": "json_schema", "json_schema": {"name": FIELD, "strict": true, "schema": {
        "type": "object",
        "properties": {FIELD: {"type": "string"}},
        "required": [FIELD],
        "additionalProperties": false,
    }}})
}

/// Whether an answer by the schema ends with white space, written out or escaped, that is not part of any text.
pub(super) fn is_padded(value: &Value) -> bool {
    /// Longer white space ends no usual answer, in bytes.
    const LONGEST: usize = 64;
    let raw = content(value);
    let rest =
        raw.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '\\' | 'n' | 't' | 'r'));
    raw.len() - rest.len() > LONGEST
}

/// The text in an answer by the schema, also where the answer was cut; `None`: it is no such object.
fn field(text: &str) -> Option<String> {
    let inner = text.strip_prefix('{')?.trim_start();
    let inner = inner.strip_prefix('"')?.strip_prefix(FIELD)?;
    let inner = inner.strip_prefix('"')?.trim_start().strip_prefix(':')?;
    let inner = inner.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let inner = match end {
        Some(end) => &inner[..end],
        // The cut may be within an escape sequence.
        None => inner
            .rfind('\\')
            .filter(|at| at + 6 > inner.len())
            .map_or(inner, |at| &inner[..at]),
    };
    serde_json::from_str(&format!("\"{inner}\"")).ok()
}

/// Whether a text ends like a sentence.
fn is_finished(text: &str) -> bool {
    let end = text.trim_end_matches(['"', '\'', '”', '’', ')', ']', '*', '_', '`', '»', '」']);
    end.ends_with(['.', '!', '?', '…', ':', ';', '。', '！', '？', '।', '؟'])
        || end.len() < text.len()
}

/// Whether the output ended before its cap because prompt and output fill the context: their sum is a usual window.
fn fills_context(value: &Value, cap: u32) -> bool {
    let used = usage(value);
    let total = used.prompt_tokens + used.completion_tokens;
    let near = |window: u64| total.abs_diff(window) <= 4;
    let is_window = (9..=20).any(|power| near(1 << power))
        || total >= 1_024 && (total % 1_024 <= 2 || total % 1_024 >= 1_022);
    used.prompt_tokens > 0 && is_window && used.completion_tokens < u64::from(cap)
}

/// Why the output ended, in lower case; empty where that is not said.
fn finish_reason(value: &Value) -> String {
    let places = [
        "/choices/0/finish_reason",
        "/done_reason",
        "/incomplete_details/reason",
        "/stop_reason",
        "/choices/0/stop_reason",
        "/candidates/0/finishReason",
    ];
    let reason = places
        .iter()
        .filter_map(|place| at(value, place))
        .find_map(Value::as_str);
    reason.unwrap_or("").trim().to_lowercase()
}

/// The text of an answer: a string, or parts. Reasoning in fields of its own is ignored.
fn content(value: &Value) -> String {
    let places = [
        "/choices/0/message/content",
        "/choices/0/text",
        "/message/content",
        "/choices/0/delta/content",
        "/output_text",
        "/response",
    ];
    let found = places
        .iter()
        .filter_map(|place| at(value, place))
        .find(|content| content.is_string() || content.is_array());
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(parts @ Value::Array(_)) => parts_text(parts),
        _ => at(value, "/output").map(output_text).unwrap_or_default(),
    }
}

fn parts_text(parts: &Value) -> String {
    let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
    parts
        .iter()
        .filter(|part| at(part, "/type").is_none_or(|kind| kind == "text" || kind == "output_text"))
        .filter_map(|part| part.as_str().or_else(|| at(part, "/text")?.as_str()))
        .collect()
}

/// The text of the Responses API's `output`.
pub(super) fn output_text(output: &Value) -> String {
    let items = output.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter(|item| at(item, "/type").is_none_or(|kind| kind == "message"))
        .filter_map(|item| at(item, "/content"))
        .map(parts_text)
        .collect()
}
