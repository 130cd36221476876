//! The rate limits that an endpoint reports.

/// One limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// The limit per minute.
    pub limit: Option<u64>,
    /// What remains of it now.
    pub remaining: Option<u64>,
    /// Milliseconds until the full limit is available again.
    pub reset_ms: Option<u64>,
}

/// Both limits, as reported in one response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests.
    pub requests: Limit,
    /// Tokens, input and output together.
    pub tokens: Limit,
    /// Requests at once, where the endpoint bounds them.
    pub parallel: Option<u32>,
}
