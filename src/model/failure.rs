//! Why a summary could not be had, sorted by what to do about it.

use serde::{Deserialize, Serialize};

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// Ask again after a pause: the request may well succeed.
    Retry,
    /// No answer came in time: as above, and with fewer requests at once.
    TimedOut,
    /// The same request is of no use now: it is given up, and tried again as what used all of its tries is.
    RetryLater,
    /// The endpoint is full or asks for patience (429, 503): everybody waits, and the request does not lose a try.
    Throttled,
    /// The endpoint cannot be reached: everybody waits, one request probes.
    Unreachable,
    /// The input moved under the request: read it again.
    Changed,
    /// This request will never succeed; others may.
    Permanent,
    /// Forbidden: where others are answered, it is this text that is refused; where none is, all of them are.
    Forbidden,
    /// No request will succeed until a person mends something (bad key, no quota, unknown model).
    Fatal,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What to do about it.
    pub remedy: Remedy,
    /// The endpoint's own least pause before the next try, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// What happened, in one line, without secrets.
    pub message: String,
    /// How a person can mend it, where there is something to mend.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with a message and neither pause nor hint.
    pub fn new(remedy: Remedy, message: impl Into<String>) -> Self {
        Self {
            remedy,
            retry_after_ms: None,
            message: message.into(),
            hint: None,
        }
    }

    /// The same with advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Message and advice in one line.
    pub fn to_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.message),
            None => self.message.clone(),
        }
    }
}
