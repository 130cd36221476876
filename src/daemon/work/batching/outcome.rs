//! The end of a batch: results, a refusal, or the loss of the batch. Each key gets a result or is returned to the queue.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use crate::daemon::mailbox::Input;
use crate::daemon::work::writer::Write;
use crate::engine::effect::SummaryRequest;
use crate::engine::event::{Event, Usage};
use crate::model::batch::PendingBatch;
use crate::model::digest::Digest;
use crate::model::failure::{Failure, Remedy};
use crate::model::summary::{Summary, SummaryKey};
use crate::model::usage::Usage as Used;
use crate::shell::openai::batch::{Refusal, RefusalKind};

use super::active::Active;
use super::lines::read;
use super::runner::{BatchRunner, endpoint};
use super::{RETRY_PAUSES, lock, refused};

/// After this many failures in a row the Batch API is not used any more in this run.
const MAX_FAILURES: u32 = 5;

impl BatchRunner {
    /// The batch is done: stores its results, reports them, and deletes its record.
    pub(super) async fn harvest(&mut self, mut active: Active, files: &[String]) {
        let requester = self.requester.clone();
        let mut answers = HashMap::new();
        for file in files {
            let found = match endpoint(&requester) {
                Ok(endpoint) => endpoint.batch_answers(file).await,
                Err(refusal) => Err(refusal),
            };
            match found {
                Ok(found) => answers.extend(found),
                Err(refusal) if refusal.kind == RefusalKind::Gone || active.is_hopeless() => {
                    tracing::warn!("the results of a batch are gone: {}", refusal.message);
                }
                Err(refusal) => {
                    tracing::warn!(
                        "the results of a batch cannot be downloaded yet: {}",
                        refusal.message
                    );
                    active.failed_polls += 1;
                    return self.poll_again(active);
                }
            }
        }
        let name = active.pending.name;
        let (pending, requests) = (active.pending, active.requests);
        let roots: Vec<Vec<u8>> = pending.root_of_each().map(<[u8]>::to_vec).collect();
        let keys: Vec<SummaryKey> = pending.lines.iter().map(|line| line.key).collect();
        let read = move || read(&requester, &pending, &requests, answers);
        let read = tokio::task::spawn_blocking(read).await;
        let results = read.unwrap_or_else(|_| {
            let failure = Failure::new(
                Remedy::Retry,
                "internal error while reading the results of a batch",
            );
            let failed = |key| (key, Err(failure.clone()), Used::default());
            keys.into_iter().map(failed).collect()
        });
        // The results are in the order of the batch's lines.
        let used = results.iter().map(|(_, _, used)| Used {
            cost_nanos: self.requester.cost_nanos(used, true),
            ..*used
        });
        let lines = roots.iter().map(Vec::as_slice).zip(used);
        self.requester.record_batch_usage(lines).await;
        for (key, result, _) in &results {
            if let Ok(summary) = result {
                let write = Write::Summary {
                    key: *key,
                    summary: summary.clone(),
                };
                self.requester.writer.write(write).await;
            }
        }
        self.requester.writer.flush().await;
        for (key, result, used) in results {
            let usage = Usage {
                sent: true,
                prompt_tokens: used.prompt_tokens,
                completion_tokens: used.completion_tokens,
                cached_tokens: used.cached_tokens,
                unchanged: matches!(&result, Ok(summary) if summary.reaffirmed > 0),
                ..Usage::default()
            };
            self.respond(key, result, usage).await;
        }
        self.forget(name).await;
    }

    /// The endpoint refused the whole batch.
    pub(super) async fn refused(
        &mut self,
        pending: PendingBatch,
        requests: Vec<SummaryRequest>,
        refusal: Refusal,
    ) {
        tracing::info!("a batch was refused: {}", refusal.message);
        self.forget(pending.name).await;
        let keys = pending.lines.iter().map(|line| line.key);
        match refusal.kind {
            RefusalKind::Gone | RefusalKind::Never => {
                self.give_up(keys.collect(), &refusal.message).await;
            }
            // An earlier run made it, so its requests are not known here: they return to the queue.
            _ if requests.is_empty() => self.return_keys(keys.collect(), false).await,
            RefusalKind::TooMuch if requests.len() == 1 => {
                let failure = Failure::new(Remedy::Retry, refusal.message);
                for key in keys {
                    let failure = failure.clone();
                    self.respond(key, Err(failure), Usage::default()).await;
                }
            }
            RefusalKind::TooMuch => {
                // Other batches in progress may be the cause.
                let limit = match self.active.is_empty() {
                    true => requests.len().div_ceil(2),
                    false => requests.len(),
                };
                self.max_lines = Some(self.max_lines.map_or(limit, |known| known.min(limit)));
                self.waiting.push_front(requests);
            }
            RefusalKind::Later => {
                self.failures += 1;
                if self.failures >= MAX_FAILURES {
                    self.waiting.push_front(requests);
                    return self.give_up(Vec::new(), &refusal.message).await;
                }
                self.not_before =
                    Instant::now() + self.first_pause() * (RETRY_PAUSES * self.failures);
                self.waiting.push_front(requests);
            }
        }
    }

    /// Uses no batches any more in this run: waiting requests return to the queue.
    pub(super) async fn give_up(&mut self, mut keys: Vec<SummaryKey>, why: &str) {
        let text = format!("files are requested one by one, not in batches: {why}");
        tracing::warn!("{text}");
        self.requester.context.notes.set("batches", text);
        let waiting = std::mem::take(&mut self.waiting);
        keys.extend(waiting.into_iter().flatten().map(|request| request.key));
        self.return_keys(keys, true).await;
    }

    async fn return_keys(&mut self, keys: Vec<SummaryKey>, for_good: bool) {
        {
            let mut open = lock(&self.open);
            for key in &keys {
                open.remove(key);
            }
        }
        let event = refused(keys, for_good);
        self.inputs.send(Input::Event(event)).await;
    }

    pub(super) async fn respond(
        &mut self,
        key: SummaryKey,
        result: Result<Summary, Failure>,
        usage: Usage,
    ) {
        lock(&self.open).remove(&key);
        let event = Event::Responded { key, result, usage };
        self.inputs.send(Input::Event(event)).await;
    }

    async fn forget(&self, name: Digest) {
        let store = Arc::clone(&self.requester.context.store);
        let forgotten = tokio::task::spawn_blocking(move || store.end_batch(name)).await;
        if let Ok(Err(error)) = forgotten {
            // After a restart it is polled once more, without effect.
            tracing::warn!("the record of a finished batch cannot be deleted: {error}");
        }
    }
}
