//! Takes files through the Batch API: writes down, uploads, creates, polls, downloads; one task for all batches.
//!
//! What a batch was asked is written down before it is sent and forgotten after its answers are stored, so that no
//! crash pays for it twice. Nothing is cancelled. Every key that comes in is answered, or given back.

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

/// The first pause between two looks at a batch; each further one is half as long again.
const FIRST_POLL: Duration = Duration::from_secs(10);
/// By how much the pause grows at most.
const LONGEST_POLL: u32 = 6;

/// Groups of requests that wait for the task. The engine gathers requests into few groups; one that does not fit is
/// given back.
const WAITING_GROUPS: usize = 64;

/// The keys that are neither answered nor given back.
type Open = Arc<Mutex<BTreeSet<SummaryKey>>>;

/// The way to the task.
#[derive(Clone)]
pub struct Batching {
    requests: mpsc::Sender<Vec<SummaryRequest>>,
    open: Open,
}

/// What earlier runs left: the batches that may be with the endpoint. Those that surely are not are forgotten here.
pub fn left_over(requester: &Requester) -> Vec<PendingBatch> {
    let store = &requester.context.store;
    let base_url = &requester.context.config.openai.base_url;
    let (sent, unsent): (Vec<_>, Vec<_>) = store
        .batches()
        .into_iter()
        // What another endpoint has is none of this one's business; it may be configured again.
        .filter(|batch| batch.base_url == *base_url && requester.context.uses_model())
        .partition(|batch| batch.input_file.is_some());
    for batch in unsent {
        if let Err(error) = store.end_batch(batch.name) {
            tracing::warn!("a batch that was never sent is not forgotten: {error}");
        }
    }
    sent
}

impl Batching {
    /// Starts the task, which goes on with what is left over.
    pub fn start(requester: Requester, inputs: Inputs, left: Vec<PendingBatch>) -> Self {
        let (requests, incoming) = mpsc::channel(WAITING_GROUPS);
        let open = Open::default();
        let keys = left.iter().flat_map(|batch| &batch.lines);
        lock(&open).extend(keys.map(|line| line.key));
        let still_open = Arc::clone(&open);
        let desk = BatchRunner::new(
            requester,
            inputs.clone(),
            incoming,
            left,
            Arc::clone(&open),
            poll(),
        );
        tokio::spawn(async move {
            // A task of its own, so that a panic in it is an answer, too.
            if tokio::spawn(desk.run()).await.is_err() {
                tracing::error!("an internal error in batches: files are asked about one by one");
                let keys = std::mem::take(&mut *lock(&still_open));
                inputs.send(Input::Event(given_back(keys, true))).await;
            }
        });
        Self { requests, open }
    }

    /// Sends these requests in batches; an event for each key follows. Returns the event at once when the task has ended
    /// or takes no more.
    pub fn request(&self, requests: Vec<SummaryRequest>) -> Option<Event> {
        lock(&self.open).extend(requests.iter().map(|request| request.key));
        let unsent = self.requests.try_send(requests).err()?.into_inner();
        let keys: Vec<SummaryKey> = unsent.into_iter().map(|request| request.key).collect();
        let mut open = lock(&self.open);
        for key in &keys {
            open.remove(key);
        }
        Some(given_back(keys, true))
    }
}

fn given_back(keys: impl IntoIterator<Item = SummaryKey>, for_good: bool) -> Event {
    Event::BatchRefused {
        keys: keys.into_iter().collect(),
        for_good,
    }
}

fn lock(open: &Open) -> std::sync::MutexGuard<'_, BTreeSet<SummaryKey>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first pause between two looks. EPITOME_BATCH_POLL_MS is for tests, which have no ten seconds.
fn poll() -> Duration {
    let given = std::env::var("EPITOME_BATCH_POLL_MS").ok();
    let given = given.and_then(|text| text.parse().ok());
    given.map_or(FIRST_POLL, |ms: u64| Duration::from_millis(ms.max(1)))
}
