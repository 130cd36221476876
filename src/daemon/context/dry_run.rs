//! The requests that a dry run would have sent.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::path::RelPath;
use crate::model::summary::SummaryKey;
use crate::model::usage::Usage;

/// The assumed output tokens of a summary: a short paragraph.
pub const ANSWER_TOKENS: u64 = 120;

/// How many posts are named.
const MOST_POSTS: usize = 10;

/// The counted requests.
#[derive(Debug, Default)]
pub struct Pretended(Mutex<Counted>);

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// All.
    pub all: Tally,
    /// Those that could go through the Batch API: files that fit into one request.
    pub batchable: Tally,
    /// The files and folders that cost most, most first.
    pub largest: Vec<(RelPath, Tally)>,
    /// The texts that stand for summaries: equal contents are paid for once.
    texts: HashMap<SummaryKey, String>,
}

/// Some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub requests: u64,
    pub prompt_tokens: u64,
}

impl Tally {
    /// Adds others.
    pub fn add(&mut self, other: Tally) {
        self.requests += other.requests;
        self.prompt_tokens += other.prompt_tokens;
    }

    /// The sum, with an assumed output.
    pub fn usage(&self) -> Usage {
        Usage {
            requests: self.requests,
            prompt_tokens: self.prompt_tokens,
            completion_tokens: self.requests.saturating_mul(ANSWER_TOKENS),
            ..Usage::default()
        }
    }
}

impl Pretended {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text that stands for a summary or a part's, if its request is counted.
    pub fn text(&self, key: SummaryKey) -> Option<String> {
        self.counted().texts.get(&key).cloned()
    }

    /// Counts the request of a summary or a part's; returns the text that stands for it, and whether it is counted here
    /// for the first time.
    pub fn add(&self, key: SummaryKey, prompt_tokens: u64) -> (String, bool) {
        let mut counted = self.counted();
        if let Some(text) = counted.texts.get(&key) {
            return (text.clone(), false);
        }
        // Unique, because equal texts would give equal keys.
        let text = format!("{:>5} {}", counted.all.requests, placeholder());
        counted.all.add(Tally {
            requests: 1,
            prompt_tokens,
        });
        counted.texts.insert(key, text.clone());
        (text, true)
    }

    /// Adds a file or folder that is complete. `batchable`: its request could be in a batch.
    pub fn finish(&self, path: &RelPath, sum: Tally, batchable: bool) {
        let mut counted = self.counted();
        if batchable {
            counted.batchable.add(sum);
        }
        let largest = &mut counted.largest;
        let at = largest.partition_point(|(_, one)| one.prompt_tokens >= sum.prompt_tokens);
        if sum.requests > 0 && at < MOST_POSTS {
            largest.insert(at, (path.clone(), sum));
            largest.truncate(MOST_POSTS);
        }
    }

    /// Everything that was counted.
    pub fn total(&self) -> Counted {
        self.counted().clone()
    }
}

/// A placeholder as long as a usual summary: a folder's prompt is made of such texts.
pub fn placeholder() -> String {
    "words ".repeat(ANSWER_TOKENS as usize * 2 / 3)
}
