//! Why a summary could not be produced, sorted by what to do about it.

use serde::{Deserialize, Serialize};

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// Retry after a pause: the request may well succeed.
    Retry,
    /// No response in time: retry after a pause, with fewer concurrent requests.
    TimedOut,
    /// The same request cannot succeed now: give up, and retry later like a request that has used up its attempts.
    RetryLater,
    /// The endpoint is overloaded or rate-limited (429, 503): pause all requests; this does not count as an attempt.
    Throttled,
    /// The endpoint cannot be reached: pause all requests, one request probes.
    Unreachable,
    /// The input changed during the request: read it again.
    Changed,
    /// This request will never succeed, because of its content; others may.
    Permanent,
    /// Forbidden: if other requests succeed, this text is refused; if none does, all are.
    Forbidden,
    /// No request will succeed until a person fixes something (bad key, no quota, unknown model).
    Fatal,
    /// Refused for a reason that is not understood: several in a row mean that all requests are refused.
    Rejected,
    /// The response is no summary (repetition, our own instructions, …): retry once.
    Useless,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What to do about it.
    pub remedy: Remedy,
    /// The endpoint's minimum pause before the next attempt, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// What happened, in one line, without secrets.
    pub message: String,
    /// How a person can fix it, if it can be fixed.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with a message, without pause or hint.
    pub fn new(remedy: Remedy, message: impl Into<String>) -> Self {
        Self {
            remedy,
            retry_after_ms: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Message and hint in one line.
    pub fn to_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.message),
            None => self.message.clone(),
        }
    }
}
