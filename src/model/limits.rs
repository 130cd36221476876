//! What an endpoint says about how much it may be asked.

/// One of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// So many in each minute.
    pub limit: Option<u64>,
    /// So many are left now.
    pub remaining: Option<u64>,
    /// In so many milliseconds all are left again.
    pub reset_ms: Option<u64>,
}

/// Both of its limits, as one answer tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests.
    pub requests: Limit,
    /// Tokens, of prompts and answers together.
    pub tokens: Limit,
}
