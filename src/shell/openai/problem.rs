//! What an endpoint says when it refuses, in any of the shapes that are met, and what to do about it.
//!
//! It must never put more than one bounded line of what was said into a message.

use serde_json::Value;

use super::at;
use crate::model::failure::{Failure, Remedy};

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 300;

/// A refusal, as far as it could be read. What was not said is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Problem {
    pub message: String,
    /// `error.code`, numbers too.
    pub code: String,
    /// `error.type`.
    pub kind: String,
    /// `error.param`.
    pub parameter: String,
    /// Where a redirect points.
    pub location: Option<String>,
}

impl Problem {
    /// Reads the body of a refusal: OpenAI's shape, its looser relatives, `detail` or `message` alone, plain text,
    /// a web page, or nothing.
    pub fn read(body: &[u8], location: Option<String>) -> Self {
        let text = String::from_utf8_lossy(body);
        let mut problem = match serde_json::from_str::<Value>(&text) {
            Ok(value) => Self::of_json(&value),
            Err(_) => Self {
                message: readable(&text),
                ..Self::default()
            },
        };
        problem.location = location;
        problem
    }

    /// The same of JSON that was read already.
    pub fn of_json(value: &Value) -> Self {
        // One server wraps everything in a list.
        let value = match value {
            Value::Array(list) if list.len() == 1 => &list[0],
            other => other,
        };
        let error = at(value, "/error").unwrap_or(value);
        let message = match error {
            Value::String(text) => Some(text.clone()),
            _ => ["/message", "/detail", "/detail/0/msg", "/detail/message"]
                .iter()
                .filter_map(|place| at(error, place).or_else(|| at(value, place)))
                .find_map(|said| said.as_str().map(str::to_owned)),
        };
        Self {
            message: one_line(&message.unwrap_or_else(|| error.to_string())),
            code: scalar(at(error, "/code")),
            kind: scalar(at(error, "/type")),
            parameter: scalar(at(error, "/param")),
            location: None,
        }
    }

    /// Whether it complains about that parameter of the request.
    pub fn names_parameter(&self, name: &str) -> bool {
        let says = |word: &str| self.message.to_lowercase().contains(word);
        let complains = self.code == "unsupported_parameter"
            || [
                "unsupported",
                "not supported",
                "unrecognized",
                "unknown",
                "extra",
            ]
            .iter()
            .any(|word| says(word));
        // `max_tokens` is no part of `max_completion_tokens`.
        complains && (self.parameter == name || says(name))
    }

    /// What to do about it.
    pub fn failure(&self, status: u16, retry_after_ms: Option<u64>) -> Failure {
        let (remedy, hint) = self.remedy(status);
        let mut failure = Failure::new(remedy, self.line(status));
        failure.hint = hint.map(str::to_owned);
        if matches!(remedy, Remedy::Retry | Remedy::Slow) {
            failure.retry_after_ms = retry_after_ms;
        }
        failure
    }

    fn remedy(&self, status: u16) -> (Remedy, Option<&'static str>) {
        const CREDIT: &str = "add credit or raise the spending limit at the provider";
        const KEY: &str = "check the key that [openai] api_key_env or api_key_file names";
        const PLACE: &str = "check [openai] base_url, which mostly ends in /v1, and model";
        const LONG: &str = "it is longer than the model can read: take a model that reads more, or lower [files] max_bytes";
        match status {
            402 => (Remedy::Fatal, Some(CREDIT)),
            429 if self.is_billing() => (Remedy::Fatal, Some(CREDIT)),
            429 | 503 | 529 => (Remedy::Slow, None),
            _ if self.code == "server_is_overloaded" || self.kind == "overloaded_error" => {
                (Remedy::Slow, None)
            }
            401 => (Remedy::Fatal, Some(KEY)),
            403 if self.is_moderation() => (Remedy::Permanent, None),
            403 => (
                Remedy::Fatal,
                Some(
                    "check that this key may use this model, and that the provider serves this country",
                ),
            ),
            404 | 405 => (Remedy::Fatal, Some(PLACE)),
            300..=399 => (
                Remedy::Fatal,
                Some("set [openai] base_url to the address that it points to"),
            ),
            400 if self.is_unknown_model() => (Remedy::Fatal, Some(PLACE)),
            408 | 409 | 425 | 500..=599 => (Remedy::Retry, None),
            _ if self.is_too_long(status) => (Remedy::Permanent, Some(LONG)),
            _ => (Remedy::Permanent, None),
        }
    }

    fn is_billing(&self) -> bool {
        let names = [self.code.as_str(), self.kind.as_str()];
        names.iter().any(|name| {
            matches!(
                *name,
                "insufficient_quota"
                    | "credit_balance_exhausted"
                    | "organization_usage_limit_exceeded"
                    | "billing_hard_limit_reached"
                    | "billing_not_active"
            ) || name.ends_with("_spend_limit_exceeded")
        })
    }

    fn is_moderation(&self) -> bool {
        let message = self.message.to_lowercase();
        message.contains("moderation") || message.contains("flagged")
    }

    fn is_unknown_model(&self) -> bool {
        let message = self.message.to_lowercase();
        self.code == "model_not_found"
            || message.contains("not a valid model")
            || (message.contains("model") && message.contains("does not exist"))
    }

    /// Whether the request is longer than the model can read.
    pub fn is_too_long(&self, status: u16) -> bool {
        if !matches!(status, 400 | 413 | 422) {
            return false;
        }
        let message = self.message.to_lowercase();
        status == 413
            || self.code == "context_length_exceeded"
            || self.kind == "exceed_context_size_error"
            || [
                "context length",
                "context size",
                "context window",
                "too many tokens",
            ]
            .iter()
            .any(|words| message.contains(words))
    }

    fn line(&self, status: u16) -> String {
        let reason = reqwest::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason());
        let mut line = format!("the endpoint answered {status}");
        if let Some(reason) = reason {
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

/// On one line, without what a terminal would obey, at most 300 characters.
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

/// The words of a body that is no JSON: of a web page, its title.
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
