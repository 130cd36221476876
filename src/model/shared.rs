//! What a store that a team shares says about a key that is about to be paid for.

use super::summary::SummaryDigest;

/// The result of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The request may be sent: the claim is ours, or the store cannot tell.
    Granted,
    /// Another process claimed it; the claim ends after so many milliseconds.
    Held {
        /// Milliseconds.
        left_ms: u64,
    },
    /// The store has the summary; it is stored here now.
    Found(SummaryDigest),
}
