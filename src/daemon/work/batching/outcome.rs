//! The end of a batch: its answers, or that there will be none. Each key of it is answered or given back.

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
use super::{given_back, lock};

/// How often in a row an endpoint may be in trouble before its Batch API is given up for this run.
const PATIENCE: u32 = 5;

impl BatchRunner {
    /// The batch is over: what it brought is stored, then told, then it is forgotten.
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
                    tracing::warn!("a batch's answers are gone: {}", refusal.message);
                }
                Err(refusal) => {
                    tracing::warn!("a batch's answers cannot be had yet: {}", refusal.message);
                    active.troubles += 1;
                    return self.again(active);
                }
            }
        }
        let name = active.pending.name;
        let pending = active.pending;
        let roots: Vec<Vec<u8>> = pending.root_of_each().map(<[u8]>::to_vec).collect();
        let keys: Vec<SummaryKey> = pending.lines.iter().map(|line| line.key).collect();
        let read = tokio::task::spawn_blocking(move || read(&requester, &pending, answers)).await;
        let results = read.unwrap_or_else(|_| {
            let failure = Failure::new(Remedy::Retry, "an internal error while a batch was read");
            let failed = |key| (key, Err(failure.clone()), Used::default());
            keys.into_iter().map(failed).collect()
        });
        // They come in the order of the batch's lines.
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
            self.answer(key, result, usage).await;
        }
        self.forget(name).await;
    }

    /// The batch was not taken as a whole.
    pub(super) async fn refused(
        &mut self,
        pending: PendingBatch,
        asks: Vec<SummaryRequest>,
        refusal: Refusal,
    ) {
        tracing::info!("a batch was refused: {}", refusal.message);
        self.forget(pending.name).await;
        let keys = pending.lines.iter().map(|line| line.key);
        match refusal.kind {
            RefusalKind::Gone | RefusalKind::Never => {
                self.give_up(keys.collect(), &refusal.message).await;
            }
            // Another run made it: it is made anew.
            _ if asks.is_empty() => self.give_back(keys.collect(), false).await,
            RefusalKind::TooMuch if asks.len() == 1 => {
                let failure = Failure::new(Remedy::Retry, refusal.message);
                for key in keys {
                    let failure = failure.clone();
                    self.answer(key, Err(failure), Usage::default()).await;
                }
            }
            RefusalKind::TooMuch => {
                // While others are under way it may have been them.
                let most = match self.active.is_empty() {
                    true => asks.len().div_ceil(2),
                    false => asks.len(),
                };
                self.at_once = Some(self.at_once.map_or(most, |known| known.min(most)));
                self.waiting.push_front(asks);
            }
            RefusalKind::Later => {
                self.troubles += 1;
                if self.troubles >= PATIENCE {
                    self.waiting.push_front(asks);
                    return self.give_up(Vec::new(), &refusal.message).await;
                }
                self.not_before = Instant::now() + self.poll * self.troubles;
                self.waiting.push_front(asks);
            }
        }
    }

    /// No batches in this run any more: what waits goes the other way.
    pub(super) async fn give_up(&mut self, mut keys: Vec<SummaryKey>, why: &str) {
        let text = format!("files are asked about one by one, not by batches: {why}");
        tracing::warn!("{text}");
        self.requester.context.notes.set("batches", text);
        let waiting = std::mem::take(&mut self.waiting);
        keys.extend(waiting.into_iter().flatten().map(|ask| ask.key));
        self.give_back(keys, true).await;
    }

    async fn give_back(&mut self, keys: Vec<SummaryKey>, for_good: bool) {
        {
            let mut open = lock(&self.open);
            for key in &keys {
                open.remove(key);
            }
        }
        let event = given_back(keys, for_good);
        self.inputs.send(Input::Event(event)).await;
    }

    pub(super) async fn answer(
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
            // It is looked at once more after the next start, for nothing.
            tracing::warn!("a batch that is over is not forgotten: {error}");
        }
    }
}
