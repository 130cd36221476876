//! Reads the body of a refusal, in each shape that servers use.
//!
//! Invariant: a message contains at most one bounded line from the endpoint.

use std::time::SystemTime;

use serde_json::Value;

use super::{at, meaning, pause};
use crate::model::failure::{Failure, Remedy};

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 300;

/// A refusal, as far as it could be read. Missing fields are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Problem {
    pub message: String,
    /// `error.code`; numbers as text.
    pub code: String,
    /// `error.type`.
    pub kind: String,
    /// `error.param`, or the last part of a validator's `loc`.
    pub parameter: String,
    /// The target of a redirect.
    pub location: Option<String>,
    /// The pause that the text requests, in milliseconds.
    pub pause_ms: Option<u64>,
    /// `x-should-retry`.
    pub should_retry: Option<bool>,
    /// The context length in a field of its own (llama.cpp's `n_ctx`).
    pub window: Option<u32>,
    /// It came with status 200.
    pub inside_success: bool,
}

impl Problem {
    /// Reads the body of a refusal: OpenAI's shape, its looser relatives, plain text, a web page, or nothing.
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}');
        match serde_json::from_str::<Value>(text) {
            Ok(value) => Self::of_json(&value),
            Err(_) => {
                let message = readable(text);
                Self {
                    pause_ms: pause::pause_from_text_ms(&Value::Null, &message, SystemTime::now()),
                    message,
                    ..Self::default()
                }
            }
        }
    }

    /// The same, from JSON.
    pub fn of_json(value: &Value) -> Self {
        // Gemini wraps everything in a list.
        let value = match value {
            Value::Array(list) if list.len() == 1 => &list[0],
            other => other,
        };
        let error = ["/error", "/base_resp", "/errors/0", "/response/error"]
            .iter()
            .find_map(|place| at(value, place))
            .unwrap_or(value);
        // LiteLLM and others put the upstream's own error into the text.
        let message = message_of(error)
            .or_else(|| message_of(value))
            .unwrap_or_else(|| error.to_string());
        let field = |names: &[&str]| {
            let found = names
                .iter()
                .find_map(|name| at(error, name).or_else(|| at(value, name)));
            scalar(found)
        };
        // The last name of the place that a validator complains about.
        let place = at(error, "/detail/0/loc")
            .or_else(|| at(value, "/detail/0/loc"))
            .and_then(Value::as_array);
        let place = at(error, "/param").or_else(|| place.and_then(|names| names.last()));
        let window = ["/n_ctx", "/max_context_length", "/context_length", "/limit"]
            .iter()
            .find_map(|place| at(error, place));
        Self {
            pause_ms: pause::pause_from_text_ms(error, &message, SystemTime::now()),
            message: one_line(&message),
            code: field(&["/code", "/status_code", "/error_code", "/err_code"]),
            kind: field(&["/type", "/status", "/error_type", "/detail/0/type"]),
            parameter: scalar(place),
            window: window
                .and_then(Value::as_u64)
                .and_then(|window| u32::try_from(window).ok())
                .filter(|&window| window >= 128),
            ..Self::default()
        }
    }

    /// The failure, sorted by what to do about it.
    pub fn failure(&self, status: u16, retry_after_ms: Option<u64>) -> Failure {
        let (remedy, hint) = meaning::remedy(self, status);
        let mut failure = Failure::new(remedy, self.line(status));
        failure.hint = hint.map(str::to_owned);
        if matches!(remedy, Remedy::Retry | Remedy::Throttled) {
            failure.retry_after_ms = retry_after_ms.or(self.pause_ms);
        }
        failure
    }

    fn line(&self, status: u16) -> String {
        let reason = reqwest::StatusCode::from_u16(status).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        let mut line = match self.inside_success {
            true => "the endpoint answered 200 OK with an error".to_owned(),
            false => format!("the endpoint answered {status}"),
        };
        if let Some(reason) = reason.filter(|_| !self.inside_success) {
            line.push_str(&format!(" {reason}"));
        }
        if let Some(location) = &self.location {
            line.push_str(&format!(", pointing to {location}"));
        }
        if !self.message.is_empty() {
            line.push_str(&format!(": {}", self.message));
        }
        one_line(&line)
    }
}

/// The text of an error, from whichever field has one.
fn message_of(error: &Value) -> Option<String> {
    if let Value::String(text) = error {
        return Some(text.clone());
    }
    const PLACES: [&str; 12] = [
        "/message",
        "/msg",
        "/status_msg",
        "/error_msg",
        "/error_message",
        "/errorMessage",
        "/err_msg",
        "/detail",
        "/detail/0/msg",
        "/detail/message",
        "/detail/error",
        "/error_description",
    ];
    let text = PLACES
        .iter()
        .filter_map(|place| at(error, place))
        .find_map(Value::as_str)?;
    // OpenRouter says what the provider behind it answered in a place of its own.
    let behind = at(error, "/metadata/raw").and_then(Value::as_str);
    Some(match behind {
        Some(raw) if !raw.trim().is_empty() => format!("{text}: {raw}"),
        _ => text.to_owned(),
    })
}

/// On one line, without control characters, at most 300 characters.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_MESSAGE - 1) {
        Some((end, last)) if end + last.len_utf8() < line.len() => format!("{}…", &line[..end]),
        _ => line,
    }
}

/// The text of a body that is no JSON; of a web page, its title.
fn readable(text: &str) -> String {
    let text = text.trim();
    if !text.starts_with('<') {
        return one_line(text);
    }
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|tag| {
        let start = tag + lower[tag..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        text.get(start..end)
    });
    one_line(title.unwrap_or("a web page"))
}

fn scalar(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => one_line(text),
        Some(number @ Value::Number(_)) => number.to_string(),
        _ => String::new(),
    }
}
