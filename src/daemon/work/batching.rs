//! Sends files through the Batch API: records, uploads, creates, polls and downloads batches, in one task.
//!
//! A batch is recorded in the store before it is sent, and the record is deleted after its results are stored, so a crash
//! never pays for it twice. Batches are never cancelled. Each key gets a result or is returned to the queue.

mod active;
mod lines;
mod outcome;
mod runner;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::engine::effect::SummaryRequest;
use crate::engine::event::Event;
use crate::model::batch::PendingBatch;
use crate::model::summary::SummaryKey;

use crate::daemon::mailbox::{Input, Inputs};
use crate::daemon::work::requesting::Requester;
use runner::BatchRunner;

/// The longest pause between two polls of a batch.
const LONGEST_POLL: Duration = Duration::from_secs(60);
/// The pause after a failure or a miss, in first pauses between polls. A missing batch may have been paid for, so the search
/// takes its time.
const RETRY_PAUSES: u32 = 20;

/// The capacity of the task's channel, in groups of requests. The engine sends few groups; one that does not fit is returned
/// to the queue.
const WAITING_GROUPS: usize = 64;

/// The keys without a result that were not returned to the queue.
type Open = Arc<Mutex<BTreeSet<SummaryKey>>>;

/// A handle to the task.
#[derive(Clone)]
pub struct Batching {
    requests: mpsc::Sender<Vec<SummaryRequest>>,
    open: Open,
}

/// The batches of earlier runs that the endpoint may have. Records of batches that were never sent are deleted.
pub fn left_over(requester: &Requester) -> Vec<PendingBatch> {
    let store = &requester.context.store;
    let base_url = &requester.context.config.openai.base_url;
    let (sent, unsent): (Vec<_>, Vec<_>) = store
        .batches()
        .into_iter()
        // Batches of another endpoint stay recorded, because it may be configured again.
        .filter(|batch| batch.base_url == *base_url && requester.context.uses_model())
        .partition(|batch| batch.input_file.is_some());
    for batch in unsent {
        if let Err(error) = store.end_batch(batch.name) {
            tracing::warn!("the record of an unsent batch cannot be deleted: {error}");
        }
    }
    sent
}

impl Batching {
    /// Starts the task, which continues with the batches of earlier runs.
    pub fn start(requester: Requester, inputs: Inputs, left: Vec<PendingBatch>) -> Self {
        let (requests, incoming) = mpsc::channel(WAITING_GROUPS);
        let open = Open::default();
        let keys = left.iter().flat_map(|batch| &batch.lines);
        lock(&open).extend(keys.map(|line| line.key));
        let still_open = Arc::clone(&open);
        let runner = BatchRunner::new(requester, inputs.clone(), incoming, left, Arc::clone(&open));
        tokio::spawn(async move {
            // A task of its own, so that a panic in it still returns the keys.
            if tokio::spawn(runner.run()).await.is_err() {
                tracing::error!("internal error in the batch task: files are requested one by one");
                let keys = std::mem::take(&mut *lock(&still_open));
                inputs.send(Input::Event(refused(keys, true))).await;
            }
        });
        Self { requests, open }
    }

    /// Sends these requests in batches; an event for each key follows. Returns that event at once if the task has ended or
    /// its channel is full.
    pub fn request(&self, requests: Vec<SummaryRequest>) -> Option<Event> {
        lock(&self.open).extend(requests.iter().map(|request| request.key));
        let unsent = self.requests.try_send(requests).err()?.into_inner();
        let keys: Vec<SummaryKey> = unsent.into_iter().map(|request| request.key).collect();
        let mut open = lock(&self.open);
        for key in &keys {
            open.remove(key);
        }
        Some(refused(keys, true))
    }
}

fn refused(keys: impl IntoIterator<Item = SummaryKey>, for_good: bool) -> Event {
    Event::BatchRefused {
        keys: keys.into_iter().collect(),
        for_good,
    }
}

fn lock(open: &Open) -> std::sync::MutexGuard<'_, BTreeSet<SummaryKey>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
