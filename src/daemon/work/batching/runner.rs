//! The task: requests that wait for a batch, batches at the endpoint, and when to poll them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::daemon::mailbox::Inputs;
use crate::daemon::work::requesting::Requester;
use crate::engine::effect::SummaryRequest;
use crate::engine::event::Usage;
use crate::model::batch::PendingBatch;
use crate::model::summary::SummaryKey;
use crate::model::usage::Usage as Used;
use crate::shell::openai::Endpoint;
use crate::shell::openai::batch::{BatchFile, BatchState, Refusal, RefusalKind, Stage};

use super::active::Active;
use super::lines::{Written, name_of};
use super::{LONGEST_POLL, Open, RETRY_PAUSES};

/// After this many searches without a result a batch does not exist: the endpoint's list may lag behind.
const MAX_MISSES: u32 = 3;

pub(super) struct BatchRunner {
    pub(super) requester: Requester,
    pub(super) inputs: Inputs,
    incoming: mpsc::Receiver<Vec<SummaryRequest>>,
    pub(super) open: Open,
    pub(super) waiting: VecDeque<Vec<SummaryRequest>>,
    pub(super) active: Vec<Active>,
    /// The limit of lines that the endpoint showed. With a limit, one batch is sent at a time.
    pub(super) max_lines: Option<usize>,
    pub(super) failures: u32,
    pub(super) not_before: Instant,
    /// The topics of the current notes.
    topics: Vec<String>,
}

impl BatchRunner {
    pub fn new(
        requester: Requester,
        inputs: Inputs,
        incoming: mpsc::Receiver<Vec<SummaryRequest>>,
        left: Vec<PendingBatch>,
        open: Open,
    ) -> Self {
        let mut runner = Self {
            requester,
            inputs,
            incoming,
            open,
            waiting: VecDeque::new(),
            active: Vec::new(),
            max_lines: None,
            failures: 0,
            not_before: Instant::now(),
            topics: Vec::new(),
        };
        for pending in left {
            runner.activate(pending, Vec::new(), Instant::now());
        }
        runner
    }

    /// The first pause between two polls; each further pause is half as long again.
    pub(super) fn first_pause(&self) -> Duration {
        Duration::from_millis(self.requester.context.config.openai.batch_poll_ms)
    }

    pub async fn run(mut self) {
        loop {
            let polls = self.active.iter().map(|active| active.due);
            let send = self.may_send().then_some(self.not_before);
            let next = polls.chain(send).min();
            tokio::select! {
                requests = self.incoming.recv() => match requests {
                    Some(requests) => self.waiting.push_back(requests),
                    None => return,
                },
                () = until(next) => {}
            }
            if self.requester.context.stopping.load(Ordering::Relaxed) {
                // Everything is recorded in the store.
                return;
            }
            while let Some(index) = self.active.iter().position(Active::is_due) {
                let active = self.active.swap_remove(index);
                self.poll(active).await;
            }
            if self.may_send() && Instant::now() >= self.not_before {
                self.send_next().await;
            }
            self.update_notes();
        }
    }

    fn may_send(&self) -> bool {
        !self.waiting.is_empty() && (self.max_lines.is_none() || self.active.is_empty())
    }

    fn activate(&mut self, pending: PendingBatch, requests: Vec<SummaryRequest>, due: Instant) {
        self.active.push(Active {
            pending,
            requests,
            done: 0,
            pause: self.first_pause(),
            due,
            missed: 0,
            failed_polls: 0,
        });
    }

    /// Records, uploads and creates the next batch.
    async fn send_next(&mut self) {
        let Some(mut requests) = self.waiting.pop_front() else {
            return;
        };
        if let Some(limit) = self.max_lines
            && requests.len() > limit
        {
            self.waiting.push_front(requests.split_off(limit));
        }
        let keys: Vec<SummaryKey> = requests.iter().map(|request| request.key).collect();
        let requester = self.requester.clone();
        let written = tokio::task::spawn_blocking(move || Written::of(&requester, requests)).await;
        let written = match written {
            Ok(Ok(written)) => written,
            Ok(Err(failure)) => return self.give_up(keys, &failure.to_line()).await,
            Err(_) => return self.give_up(keys, "an internal error").await,
        };
        if !written.rest.is_empty() {
            self.waiting.push_front(written.rest);
        }
        for (key, failure) in written.unfit {
            self.respond(key, Err(failure), Usage::default()).await;
        }
        if written.lines.is_empty() {
            return;
        }
        let mut pending = PendingBatch {
            name: name_of(&written.lines),
            base_url: self.requester.context.config.openai.base_url.clone(),
            model: self.requester.context.config.openai.model.clone(),
            since_ms: unix_ms(),
            input_file: None,
            batch: None,
            lines: written.lines,
            roots: written.roots,
        };
        let sent = self.send(&mut pending, written.file).await;
        match sent {
            // The endpoint has it, or polling shows whether it does.
            Ok(()) => self.activate(
                pending,
                written.requests,
                Instant::now() + self.first_pause(),
            ),
            Err(refusal) => self.refused(pending, written.requests, refusal).await,
        }
    }

    /// Sends a batch and records each step before the next. After success the endpoint has it, or may have it.
    async fn send(&mut self, pending: &mut PendingBatch, file: BatchFile) -> Result<(), Refusal> {
        let requester = self.requester.clone();
        let endpoint = endpoint(&requester)?;
        self.record(pending).await?;
        pending.input_file = Some(endpoint.upload(file).await?);
        self.record(pending).await?;
        let name = pending.name.to_string();
        let input = pending.input_file.as_deref().unwrap_or_default();
        match endpoint.create_batch(input, &name).await {
            Ok(state) => self.created(pending, state).await,
            Err(refusal) if refusal.kind == RefusalKind::Later => {
                tracing::warn!("a batch may not have been created: {}", refusal.message);
                Ok(())
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The endpoint has the batch: it has to be paid for.
    async fn created(
        &mut self,
        pending: &mut PendingBatch,
        state: BatchState,
    ) -> Result<(), Refusal> {
        if let Stage::Refused(refusal) = state.stage {
            return Err(refusal);
        }
        self.failures = 0;
        pending.batch = Some(state.id);
        let one = Used {
            requests: 1,
            ..Used::default()
        };
        let lines = pending.root_of_each().map(|root| (root, one));
        self.requester.record_batch_usage(lines).await;
        // It can also be found by its name, so a failure here costs one search.
        let _ = self.record(pending).await;
        Ok(())
    }

    /// Polls a batch that the endpoint has, or may have.
    async fn poll(&mut self, mut active: Active) {
        let requester = self.requester.clone();
        let polled = match (endpoint(&requester), &active.pending.batch) {
            (Err(refusal), _) => Err(refusal),
            (Ok(endpoint), Some(id)) => endpoint.batch(id).await.map(Some),
            (Ok(endpoint), None) => {
                let name = active.pending.name.to_string();
                let file = active.pending.input_file.as_deref().unwrap_or_default();
                endpoint.find_batch(&name, file).await
            }
        };
        match polled {
            Ok(Some(state)) => {
                active.missed = 0;
                if active.pending.batch.is_none() {
                    let found = self.created(&mut active.pending, state.clone()).await;
                    if let Err(refusal) = found {
                        return self.refused(active.pending, active.requests, refusal).await;
                    }
                }
                active.done = state.done;
                match state.stage {
                    Stage::Working if active.is_too_old() => {
                        self.harvest(active, &state.files).await;
                    }
                    Stage::Working => {
                        active.failed_polls = 0;
                        self.poll_again(active);
                    }
                    Stage::Refused(refusal) => {
                        self.refused(active.pending, active.requests, refusal).await;
                    }
                    Stage::Over => self.harvest(active, &state.files).await,
                }
            }
            Ok(None) => self.missed(active, "no such batch").await,
            Err(refusal) if refusal.kind == RefusalKind::Gone => {
                self.missed(active, &refusal.message).await;
            }
            Err(refusal) if active.is_hopeless() => {
                tracing::warn!("a batch is given up: {}", refusal.message);
                self.harvest(active, &[]).await;
            }
            Err(refusal) => {
                // It is paid for, and the cause may be temporary.
                tracing::warn!("a batch cannot be polled: {}", refusal.message);
                active.failed_polls += 1;
                self.poll_again(active);
            }
        }
    }

    pub(super) fn poll_again(&mut self, mut active: Active) {
        active.due = Instant::now() + active.pause;
        let longest = LONGEST_POLL.max(self.first_pause());
        active.pause = (active.pause * 3 / 2).min(longest);
        self.active.push(active);
    }

    async fn missed(&mut self, mut active: Active, why: &str) {
        active.missed += 1;
        if active.missed < MAX_MISSES {
            active.due = Instant::now() + self.first_pause() * RETRY_PAUSES;
            self.active.push(active);
            return;
        }
        tracing::warn!("a batch is lost: {why}");
        if active.pending.batch.is_none() {
            let refusal = Refusal {
                kind: RefusalKind::Later,
                message: why.to_owned(),
            };
            return self.refused(active.pending, active.requests, refusal).await;
        }
        self.harvest(active, &[]).await;
    }

    async fn record(&self, pending: &PendingBatch) -> Result<(), Refusal> {
        let store = Arc::clone(&self.requester.context.store);
        let pending = pending.clone();
        let kept = tokio::task::spawn_blocking(move || store.put_batch(&pending)).await;
        let problem = match kept {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "internal error in the store".to_owned(),
        };
        Err(Refusal {
            kind: RefusalKind::Later,
            message: problem,
        })
    }

    /// Shows the progress of the batches in the status.
    fn update_notes(&mut self) {
        let notes = &self.requester.context.notes;
        for topic in std::mem::take(&mut self.topics) {
            notes.clear(&topic);
        }
        for active in &self.active {
            let topic = format!("batch {}", active.pending.name);
            notes.set(&topic, active.to_line());
            self.topics.push(topic);
        }
        let waiting: usize = self.waiting.iter().map(Vec::len).sum();
        if waiting > 0 {
            let topic = "batch: waiting";
            notes.set(topic, format!("{waiting} files wait for the next batch"));
            self.topics.push(topic.to_owned());
        }
    }
}

pub(super) fn endpoint(requester: &Requester) -> Result<&Endpoint, Refusal> {
    let provider = &requester.context.provider;
    provider.batch_api().map_err(|failure| Refusal {
        kind: RefusalKind::Later,
        message: failure.to_line(),
    })
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_millis() as u64
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
