//! The state of one batch at the endpoint.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::engine::effect::SummaryRequest;
use crate::model::batch::PendingBatch;

/// Endpoints promise results within a day. After two days the task stops waiting.
const LONGEST_LIFE: Duration = Duration::from_secs(48 * 60 * 60);

/// Failed polls in a row before an old batch is given up, about one hour: a machine may wake up before its network does.
const MAX_FAILED_POLLS: u32 = 60;

/// A batch that the endpoint has, or may have.
pub(super) struct Active {
    /// The record in the store.
    pub pending: PendingBatch,
    /// Its requests, if this run made it.
    pub requests: Vec<SummaryRequest>,
    /// The number of finished lines.
    pub done: u64,
    /// The pause after the next poll.
    pub pause: Duration,
    /// The time of the next poll.
    pub due: Instant,
    /// Polls in a row that did not find it.
    pub missed: u32,
    /// Failed polls in a row.
    pub failed_polls: u32,
}

impl Active {
    /// Whether it should have finished long ago.
    pub fn is_too_old(&self) -> bool {
        let since = UNIX_EPOCH + Duration::from_millis(self.pending.since_ms);
        since.elapsed().is_ok_and(|age| age > LONGEST_LIFE)
    }

    /// Whether it is time to poll it.
    pub fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// Whether the batch is so old, and the endpoint silent for so long, that no result will come.
    pub fn is_hopeless(&self) -> bool {
        self.is_too_old() && self.failed_polls >= MAX_FAILED_POLLS
    }

    /// Its progress, in one line for people.
    pub fn to_line(&self) -> String {
        let since = UNIX_EPOCH + Duration::from_millis(self.pending.since_ms);
        let since = humantime::format_rfc3339_seconds(since).to_string();
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let (day, time) = since.split_once('T').unwrap_or(("", &since));
        let time = time.get(..5).unwrap_or(time);
        let since = match now.starts_with(day) {
            true => format!("{time} UTC"),
            false => format!("{day} {time} UTC"),
        };
        let done = self.done;
        match self.pending.lines.len() {
            1 => format!("a batch of 1 file is with the endpoint since {since}"),
            files => {
                format!("a batch of {files} files is with the endpoint since {since}, {done} done")
            }
        }
    }
}
