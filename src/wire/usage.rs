//! What was used of the model, and what may be, as `status --json` tells it.

use serde::{Deserialize, Serialize};

/// What some requests used up, and what was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// Requests sent, retries among them.
    pub requests: u64,
    /// Requests among them that were sent again after a failure.
    pub retried: u64,
    /// Tokens of prompts, as the endpoint counted them.
    pub prompt_tokens: u64,
    /// Prompt tokens that the endpoint had in its cache.
    pub cached_tokens: u64,
    /// Tokens of answers, reasoning included.
    pub completion_tokens: u64,
    /// Answers that said "the earlier words still hold".
    pub unchanged: u64,
    /// Directories that were not asked about because of that.
    pub spared: u64,
    /// Money, in the currency of the configured prices, by those of the time; `None` where there are none.
    pub cost: Option<f64>,
}

/// What was used on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayUsage {
    /// The day, UTC: `2026-01-31`.
    pub day: String,
    /// All of it.
    #[serde(flatten)]
    pub used: Used,
    /// By repository, in the order of their paths.
    pub repositories: Vec<RepositoryUsage>,
}

/// What was used on one day for one repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepositoryUsage {
    /// The root's absolute path; `None`: for repositories that are not known any more.
    pub path: Option<String>,
    /// What it used.
    #[serde(flatten)]
    pub used: Used,
}

/// What a day may use, and has used so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// Requests a day; 0: no limit.
    pub max_requests: u64,
    /// Tokens a day; 0: no limit.
    pub max_tokens: u64,
    /// Money a day; 0: no limit.
    pub max_cost: f64,
    /// Requests used on this day.
    pub requests: u64,
    /// Tokens used on this day.
    pub tokens: u64,
    /// Money used on this day.
    pub cost: f64,
    /// Whether it is spent: nothing more is asked.
    pub spent: bool,
    /// When the next day begins, RFC 3339, UTC: what is spent is spent until then.
    pub until: String,
}
