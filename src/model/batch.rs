//! A batch of requests at an endpoint, as stored across restarts.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::summary::SummaryKey;

/// One batch. It is stored before anything is sent, and again after each step, so that it is never sent twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingBatch {
    /// Our own identifier, sent as the batch's metadata so that the batch can be found again.
    pub name: Digest,
    /// The endpoint that received it.
    pub base_url: String,
    /// The model.
    pub model: String,
    /// When it was started, milliseconds since 1970.
    pub since_ms: u64,
    /// The endpoint's identifier of the uploaded requests; `None`: not uploaded yet, so not paid for.
    pub input_file: Option<String>,
    /// The endpoint's identifier of the batch; `None`: it is unknown whether there is one.
    pub batch: Option<String>,
    /// The requests in it.
    pub lines: Vec<BatchLine>,
    /// The repositories it serves: each root's bytes and the number of consecutive lines for it. Stored separately,
    /// because earlier versions did not have it; if missing, the lines belong to no repository.
    #[serde(skip)]
    pub roots: Vec<(Vec<u8>, u64)>,
}

impl PendingBatch {
    /// The root of each line's repository, in order; empty: none.
    pub fn root_of_each(&self) -> impl Iterator<Item = &[u8]> {
        let known = self.roots.iter().flat_map(|(root, lines)| {
            let lines = usize::try_from(*lines).unwrap_or(usize::MAX);
            std::iter::repeat_n(root.as_slice(), lines)
        });
        known
            .chain(std::iter::repeat(&[][..]))
            .take(self.lines.len())
    }
}

/// One request of a batch, identified by its key's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchLine {
    /// The key under which the response is stored.
    pub key: SummaryKey,
    /// The earlier summary that the model was shown and may have confirmed.
    pub earlier: Option<SummaryKey>,
}
