//! The requests that a dry run would have sent.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::usage::Usage;

/// The assumed output tokens of a summary: a short paragraph.
pub const ANSWER_TOKENS: u64 = 120;

/// The counted requests.
#[derive(Debug, Default)]
pub struct Pretended {
    /// All.
    pub all: Tally,
    /// Those that could go through the Batch API: files that fit into one request.
    pub batchable: Tally,
}

/// Some requests.
#[derive(Debug, Default)]
pub struct Tally {
    requests: AtomicU64,
    prompt_tokens: AtomicU64,
}

impl Tally {
    /// Adds one request; returns how many there were before.
    pub fn add(&self, prompt_tokens: u64) -> u64 {
        self.prompt_tokens
            .fetch_add(prompt_tokens, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// The sum, with an assumed output.
    pub fn usage(&self) -> Usage {
        let requests = self.requests.load(Ordering::Relaxed);
        Usage {
            requests,
            prompt_tokens: self.prompt_tokens.load(Ordering::Relaxed),
            completion_tokens: requests.saturating_mul(ANSWER_TOKENS),
            ..Usage::default()
        }
    }
}

/// A placeholder as long as a usual summary: a folder's prompt is made of such texts.
pub fn placeholder() -> String {
    "words ".repeat(ANSWER_TOKENS as usize * 2 / 3)
}
