//! One batch that is with the endpoint, and how far it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::engine::effect::SummaryRequest;
use crate::model::batch::PendingBatch;

/// Endpoints promise a day. After two, nothing is waited for.
const LONGEST_LIFE: Duration = Duration::from_secs(48 * 60 * 60);

/// Looks in a row that failed, about an hour's: a machine may wake up long before its network does.
const MOST_TROUBLES: u32 = 60;

/// One batch that is with the endpoint, or may be.
pub(super) struct Active {
    /// As it is written down.
    pub pending: PendingBatch,
    /// What it was made of, where this run made it.
    pub asks: Vec<SummaryRequest>,
    /// Lines that are done.
    pub done: u64,
    /// Until the look after the next one.
    pub pause: Duration,
    /// When it is looked at next.
    pub due: Instant,
    /// Times in a row that it was looked for or at, and not found.
    pub missed: u32,
    /// Times in a row that looking failed.
    pub troubles: u32,
}

impl Active {
    /// Whether it should have been over long ago.
    pub fn is_too_old(&self) -> bool {
        let since = UNIX_EPOCH + Duration::from_millis(self.pending.since_ms);
        since.elapsed().is_ok_and(|age| age > LONGEST_LIFE)
    }

    /// Whether it is time for a look.
    pub fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// Whether the batch is so old, and the endpoint silent for so long, that no result will come.
    pub fn is_hopeless(&self) -> bool {
        self.is_too_old() && self.troubles >= MOST_TROUBLES
    }

    /// How far it is, for people.
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
