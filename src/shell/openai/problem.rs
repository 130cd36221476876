//! What an endpoint says when it refuses, in any of the shapes that are met, and what to do about it.
//!
//! It must never put more than one bounded line of what was said into a message.

use std::time::SystemTime;

use serde_json::Value;

use super::{CAP_NAMES, at, pause};
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
    /// The pause that the words ask for, in milliseconds.
    pub pause_ms: Option<u64>,
    /// What the endpoint itself says about asking again.
    pub should_retry: Option<bool>,
}

impl Problem {
    /// Reads the body of a refusal: OpenAI's shape, its looser relatives, `detail` or `message` alone, plain text,
    /// a web page, or nothing.
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => Self::of_json(&value),
            Err(_) => Self {
                message: readable(&text),
                ..Self::default()
            },
        }
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
        let message = message.unwrap_or_else(|| error.to_string());
        // The last name of the place that a validator complains about.
        let place = at(error, "/detail/0/loc").and_then(Value::as_array);
        let place = at(error, "/param").or_else(|| place.and_then(|names| names.last()));
        Self {
            pause_ms: pause::pause_from_text_ms(error, &message, SystemTime::now()),
            message: one_line(&message),
            code: scalar(at(error, "/code")),
            kind: scalar(at(error, "/type")),
            parameter: scalar(place),
            ..Self::default()
        }
    }

    /// Whether it complains about that parameter of the request.
    pub fn names_parameter(&self, status: u16, name: &str) -> bool {
        // `max_tokens` is no part of `max_completion_tokens`.
        self.is_about_a_parameter(status) && (self.parameter == name || self.says(name))
    }

    fn says(&self, word: &str) -> bool {
        self.message.to_lowercase().contains(word)
    }

    /// Whether it wants no such parameter, whatever its value.
    fn is_about_a_parameter(&self, status: u16) -> bool {
        matches!(status, 400 | 422)
            && (matches!(
                self.code.as_str(),
                "unsupported_parameter" | "unknown_parameter"
            ) || [
                "unsupported",
                "not supported",
                "unrecognized",
                "unknown",
                "extra",
            ]
            .iter()
            .any(|word| self.says(word)))
    }

    /// Whether it wants one of the parameters not that every request has: then no request can succeed.
    fn refuses_all(&self, status: u16) -> bool {
        let ours = |name: &&str| self.parameter == **name;
        matches!(
            self.code.as_str(),
            "unsupported_parameter" | "unknown_parameter"
        ) || self.is_about_a_parameter(status) && ["stream"].iter().chain(&CAP_NAMES).any(ours)
    }

    /// What to do about it.
    pub fn failure(&self, status: u16, retry_after_ms: Option<u64>) -> Failure {
        let (remedy, hint) = self.advised(status);
        let mut failure = Failure::new(remedy, self.line(status));
        failure.hint = hint.map(str::to_owned);
        if matches!(remedy, Remedy::Retry | Remedy::Throttled) {
            failure.retry_after_ms = retry_after_ms.or(self.pause_ms);
        }
        failure
    }

    /// The remedy, where the endpoint itself says nothing else about asking again.
    fn advised(&self, status: u16) -> (Remedy, Option<&'static str>) {
        const USELESS: &str = "the provider says that asking again is of no use: look at its page on usage and limits";
        let (remedy, hint) = self.remedy(status);
        match (remedy, self.should_retry) {
            (Remedy::Throttled, Some(false)) => (Remedy::Fatal, Some(USELESS)),
            (Remedy::Retry, Some(false)) => (Remedy::RetryLater, hint),
            (Remedy::Permanent, Some(true)) if !self.is_too_long(status) => (Remedy::Retry, hint),
            _ => (remedy, hint),
        }
    }

    fn remedy(&self, status: u16) -> (Remedy, Option<&'static str>) {
        const CREDIT: &str = "add credit or raise the spending limit at the provider";
        const KEY: &str = "check the key that [openai] api_key_env or api_key_file names";
        const MODEL: &str =
            "check [openai] model and base_url: it takes no request of the kind that it is sent";
        const FORBIDDEN: &str = "where others are answered, the provider refuses this text; else check that this key may \
                                 use this model, and that the provider serves this country";
        const PLACE: &str = "check [openai] base_url, which mostly ends in /v1, and model";
        const LONG: &str = "it is longer than the model can read: take a model that reads more, or lower [files] max_bytes";
        match status {
            402 => (Remedy::Fatal, Some(CREDIT)),
            429 if self.is_billing() => (Remedy::Fatal, Some(CREDIT)),
            429 | 503 | 529 => (Remedy::Throttled, None),
            _ if self.code == "server_is_overloaded" || self.kind == "overloaded_error" => {
                (Remedy::Throttled, None)
            }
            401 => (Remedy::Fatal, Some(KEY)),
            403 if self.is_moderation() => (Remedy::Permanent, None),
            403 => (Remedy::Forbidden, Some(FORBIDDEN)),
            404 | 405 => (Remedy::Fatal, Some(PLACE)),
            300..=399 => (
                Remedy::Fatal,
                Some("set [openai] base_url to the address that it points to"),
            ),
            400 if self.is_unknown_model() => (Remedy::Fatal, Some(PLACE)),
            400 | 422 if self.refuses_all(status) => (Remedy::Fatal, Some(MODEL)),
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
        let names = [self.code.as_str(), self.kind.as_str()];
        ["moderation", "flagged", "content policy", "content filter"]
            .iter()
            .any(|words| message.contains(words))
            || names.iter().any(|name| name.starts_with("content_"))
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
