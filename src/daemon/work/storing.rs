//! Storing summaries on a disk that may be full.

use std::time::Duration;

use crate::daemon::contents::Parsed;
use crate::daemon::context::Context;
use crate::daemon::context::registry::Notes;
use crate::model::summary::{Summary, SummaryKey};

/// The pause before a failed write is repeated.
const PATIENCE: Duration = Duration::from_secs(2);

/// The topic of the note about summaries that cannot be stored.
pub const WAITING: &str = "store: waiting";

/// Repeats a write until it succeeds: a full disk may have space later. A note says so meanwhile.
pub fn until_written<E: std::fmt::Display>(
    notes: &Notes,
    mut write: impl FnMut() -> Result<(), E>,
) {
    let mut failed = false;
    while let Err(error) = write() {
        failed = true;
        tracing::error!("cannot write to the store, retrying: {error}");
        notes.set(WAITING, format!("summaries wait to be stored: {error}"));
        std::thread::sleep(PATIENCE);
    }
    if failed {
        notes.clear(WAITING);
        notes.clear("store");
    }
}

/// Stores what costs nothing, in one write. Summaries are repeated until they are written.
pub fn store_free(context: &Context, outlines: &[Parsed], summaries: &[(SummaryKey, Summary)]) {
    let outlines: Vec<_> = outlines
        .iter()
        .map(|parsed| (parsed.key, parsed.syntax, &parsed.outline))
        .collect();
    let put = || context.store.put_free(&outlines, summaries);
    if !summaries.is_empty() {
        until_written(&context.notes, put);
    } else if let Err(error) = put() {
        // An outline is made again when it is needed; paid work must not wait for it.
        let note = format!("cannot store outlines: {error}");
        context.notes.set("store", note);
    }
}
