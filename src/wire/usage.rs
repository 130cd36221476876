//! Use of the model and its daily limits, as `status --json` prints them.

use serde::{Deserialize, Serialize};

/// What requests used, and what was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// Requests sent, including retries.
    pub requests: u64,
    /// Requests among them that were sent again after a failure.
    pub retried: u64,
    /// Input tokens, as the endpoint counted them.
    pub prompt_tokens: u64,
    /// Input tokens that the endpoint had in its cache.
    pub cached_tokens: u64,
    /// Output tokens, including reasoning.
    pub completion_tokens: u64,
    /// Responses that kept the earlier summary.
    pub unchanged: u64,
    /// Directories that were skipped because of that.
    pub spared: u64,
    /// Money at the prices of that time, in their currency; `None` if no prices are configured.
    pub cost: Option<f64>,
}

/// Use on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayUsage {
    /// The day, UTC: `2026-01-31`.
    pub day: String,
    /// The total.
    #[serde(flatten)]
    pub used: Used,
    /// By repository, ordered by path.
    pub repositories: Vec<RepositoryUsage>,
}

/// Use on one day for one repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepositoryUsage {
    /// The root's absolute path; `None` for repositories that were removed.
    pub path: Option<String>,
    /// Its use.
    #[serde(flatten)]
    pub used: Used,
}

/// The daily limits and the day's use so far.
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
    /// Whether a limit is reached: requests are paused.
    pub spent: bool,
    /// When the next day begins and requests resume (RFC 3339, UTC).
    pub until: String,
}
