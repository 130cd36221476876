//! The task: what waits to be sent, what is with the endpoint, and when to look at it again.

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
use super::{LONGEST_POLL, Open};

/// How often a batch must be looked for in vain before it is believed that there is none: the list may lag behind.
const LOOKS: u32 = 3;

pub(super) struct BatchRunner {
    pub(super) requester: Requester,
    pub(super) inputs: Inputs,
    incoming: mpsc::Receiver<Vec<SummaryRequest>>,
    pub(super) open: Open,
    pub(super) poll: Duration,
    pub(super) waiting: VecDeque<Vec<SummaryRequest>>,
    pub(super) active: Vec<Active>,
    /// The endpoint took no more at once: only one batch at a time, and of so many lines.
    pub(super) at_once: Option<usize>,
    pub(super) troubles: u32,
    pub(super) not_before: Instant,
    /// Topics of what was told last.
    told: Vec<String>,
}

impl BatchRunner {
    pub fn new(
        requester: Requester,
        inputs: Inputs,
        incoming: mpsc::Receiver<Vec<SummaryRequest>>,
        left: Vec<PendingBatch>,
        open: Open,
        poll: Duration,
    ) -> Self {
        let mut desk = Self {
            requester,
            inputs,
            incoming,
            open,
            poll,
            waiting: VecDeque::new(),
            active: Vec::new(),
            at_once: None,
            troubles: 0,
            not_before: Instant::now(),
            told: Vec::new(),
        };
        for pending in left {
            desk.activate(pending, Vec::new(), Instant::now());
        }
        desk
    }

    pub async fn run(mut self) {
        loop {
            let looks = self.active.iter().map(|active| active.due);
            let send = self.may_send().then_some(self.not_before);
            let next = looks.chain(send).min();
            tokio::select! {
                asks = self.incoming.recv() => match asks {
                    Some(asks) => self.waiting.push_back(asks),
                    None => return,
                },
                () = until(next) => {}
            }
            if self.requester.context.stopping.load(Ordering::Relaxed) {
                // All that matters is written down.
                return;
            }
            while let Some(index) = self.active.iter().position(Active::is_due) {
                let active = self.active.swap_remove(index);
                self.look(active).await;
            }
            if self.may_send() && Instant::now() >= self.not_before {
                self.send_next().await;
            }
            self.tell();
        }
    }

    fn may_send(&self) -> bool {
        !self.waiting.is_empty() && (self.at_once.is_none() || self.active.is_empty())
    }

    fn activate(&mut self, pending: PendingBatch, asks: Vec<SummaryRequest>, due: Instant) {
        self.active.push(Active {
            pending,
            asks,
            done: 0,
            pause: self.poll,
            due,
            missed: 0,
            troubles: 0,
        });
    }

    /// Writes down, uploads and creates the next batch.
    async fn send_next(&mut self) {
        let Some(mut asks) = self.waiting.pop_front() else {
            return;
        };
        if let Some(most) = self.at_once
            && asks.len() > most
        {
            self.waiting.push_front(asks.split_off(most));
        }
        let keys: Vec<SummaryKey> = asks.iter().map(|ask| ask.key).collect();
        let requester = self.requester.clone();
        let written = tokio::task::spawn_blocking(move || Written::of(&requester, asks)).await;
        let written = match written {
            Ok(Ok(written)) => written,
            Ok(Err(failure)) => return self.give_up(keys, &failure.to_line()).await,
            Err(_) => return self.give_up(keys, "an internal error").await,
        };
        if !written.rest.is_empty() {
            self.waiting.push_front(written.rest);
        }
        for (key, failure) in written.unfit {
            self.answer(key, Err(failure), Usage::default()).await;
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
            // Either it is there, or it has to be found out whether it is.
            Ok(()) => self.activate(pending, written.asks, Instant::now() + self.poll),
            Err(refusal) => self.refused(pending, written.asks, refusal).await,
        }
    }

    /// Sends a batch, each step written down before the next. On success it is there, or it may be.
    async fn send(&mut self, pending: &mut PendingBatch, file: BatchFile) -> Result<(), Refusal> {
        let requester = self.requester.clone();
        let endpoint = endpoint(&requester)?;
        self.keep(pending).await?;
        pending.input_file = Some(endpoint.upload(file).await?);
        self.keep(pending).await?;
        let name = pending.name.to_string();
        let input = pending.input_file.as_deref().unwrap_or_default();
        match endpoint.create_batch(input, &name).await {
            Ok(state) => self.created(pending, state).await,
            Err(refusal) if refusal.kind == RefusalKind::Later => {
                tracing::warn!(
                    "whether a batch was begun is not known: {}",
                    refusal.message
                );
                Ok(())
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The batch is there: from now on it is paid for.
    async fn created(
        &mut self,
        pending: &mut PendingBatch,
        state: BatchState,
    ) -> Result<(), Refusal> {
        if let Stage::Refused(refusal) = state.stage {
            return Err(refusal);
        }
        self.troubles = 0;
        pending.batch = Some(state.id);
        let one = Used {
            requests: 1,
            ..Used::default()
        };
        let lines = pending.root_of_each().map(|root| (root, one));
        self.requester.record_batch_usage(lines).await;
        // It can be found by its name as well: a failure here costs a look.
        let _ = self.keep(pending).await;
        Ok(())
    }

    /// Looks at a batch that is with the endpoint, or may be.
    async fn look(&mut self, mut active: Active) {
        let requester = self.requester.clone();
        let looked = match (endpoint(&requester), &active.pending.batch) {
            (Err(refusal), _) => Err(refusal),
            (Ok(endpoint), Some(id)) => endpoint.batch(id).await.map(Some),
            (Ok(endpoint), None) => {
                let name = active.pending.name.to_string();
                let file = active.pending.input_file.as_deref().unwrap_or_default();
                endpoint.find_batch(&name, file).await
            }
        };
        match looked {
            Ok(Some(state)) => {
                active.missed = 0;
                if active.pending.batch.is_none() {
                    let found = self.created(&mut active.pending, state.clone()).await;
                    if let Err(refusal) = found {
                        return self.refused(active.pending, active.asks, refusal).await;
                    }
                }
                active.done = state.done;
                match state.stage {
                    Stage::Working if active.is_too_old() => {
                        self.harvest(active, &state.files).await;
                    }
                    Stage::Working => {
                        active.troubles = 0;
                        self.again(active);
                    }
                    Stage::Refused(refusal) => {
                        self.refused(active.pending, active.asks, refusal).await;
                    }
                    Stage::Over => self.harvest(active, &state.files).await,
                }
            }
            Ok(None) => self.missed(active, "there is no such batch").await,
            Err(refusal) if refusal.kind == RefusalKind::Gone => {
                self.missed(active, &refusal.message).await;
            }
            Err(refusal) if active.is_hopeless() => {
                tracing::warn!("a batch is given up: {}", refusal.message);
                self.harvest(active, &[]).await;
            }
            Err(refusal) => {
                // It is paid for, and the cause may be fixed.
                tracing::warn!("a batch cannot be looked at: {}", refusal.message);
                active.troubles += 1;
                self.again(active);
            }
        }
    }

    pub(super) fn again(&mut self, mut active: Active) {
        active.due = Instant::now() + active.pause;
        active.pause = (active.pause * 3 / 2).min(self.poll * LONGEST_POLL);
        self.active.push(active);
    }

    async fn missed(&mut self, mut active: Active, why: &str) {
        active.missed += 1;
        if active.missed < LOOKS {
            return self.again(active);
        }
        tracing::warn!("a batch is lost: {why}");
        if active.pending.batch.is_none() {
            let refusal = Refusal {
                kind: RefusalKind::Later,
                message: why.to_owned(),
            };
            return self.refused(active.pending, active.asks, refusal).await;
        }
        self.harvest(active, &[]).await;
    }

    async fn keep(&self, pending: &PendingBatch) -> Result<(), Refusal> {
        let store = Arc::clone(&self.requester.context.store);
        let pending = pending.clone();
        let kept = tokio::task::spawn_blocking(move || store.put_batch(&pending)).await;
        let problem = match kept {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "an internal error in the store".to_owned(),
        };
        Err(Refusal {
            kind: RefusalKind::Later,
            message: problem,
        })
    }

    /// Says how far the batches are.
    fn tell(&mut self) {
        let notes = &self.requester.context.notes;
        for topic in std::mem::take(&mut self.told) {
            notes.clear(&topic);
        }
        for active in &self.active {
            let topic = format!("batch {}", active.pending.name);
            notes.set(&topic, active.to_line());
            self.told.push(topic);
        }
        let waiting: usize = self.waiting.iter().map(Vec::len).sum();
        if waiting > 0 {
            let topic = "batch: waiting";
            notes.set(topic, format!("{waiting} files wait for the next batch"));
            self.told.push(topic.to_owned());
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
