//! A batch of requests that is with an endpoint, as it is remembered over restarts.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::summary::SummaryKey;

/// One batch. It is stored before anything is sent, and again after each step, so that it is never sent twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingBatch {
    /// Our own name for it; it goes along as the batch's metadata, so that it can be found again by it.
    pub name: Digest,
    /// The endpoint that has it.
    pub base_url: String,
    /// The model that writes it.
    pub model: String,
    /// When it was begun, milliseconds since 1970.
    pub since_ms: u64,
    /// The endpoint's name of the uploaded requests; `None`: not uploaded yet, so surely not paid for.
    pub input_file: Option<String>,
    /// The endpoint's name of the batch; `None`: whether there is one is not known.
    pub batch: Option<String>,
    /// What is asked in it.
    pub lines: Vec<BatchLine>,
    /// For which repositories: their roots' bytes, and how many lines in a row are for each. Stored by itself, since
    /// earlier versions did not know of it; where it is missing, nobody's.
    #[serde(skip)]
    pub roots: Vec<(Vec<u8>, u64)>,
}

impl PendingBatch {
    /// The root of each line's repository, in order; empty: nobody's.
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

/// One request of a batch. It goes by its key's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchLine {
    /// What its answer is stored under.
    pub key: SummaryKey,
    /// The words that the model was shown, and may have said still hold.
    pub earlier: Option<SummaryKey>,
}
