//! Carries out the engine's effects: one effect in, one event out, also when the work panics.

pub mod batching;
pub mod checking;
mod exporting;
mod listing;
mod loading;
mod local;
pub mod pool;
mod reading;
pub mod requesting;
pub mod sharing;
pub mod storing;
pub mod writer;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::daemon::context::{Context, today};
use crate::daemon::mailbox::{Input, Inputs};
use crate::engine::effect::{Effect, SummaryRequest};
use crate::engine::event::Event;
use crate::model::listing::Listing;
use crate::model::summary::{Summary, SummaryDigest, SummaryKey};
use crate::model::usage::Usage;

use batching::Batching;
use listing::Forgotten;
use pool::Pool;
use requesting::Requester;
use writer::{Confirmations, Write, Writer};

/// Carries out effects. It never blocks: the event loop owns it.
pub struct Executor {
    context: Arc<Context>,
    inputs: Inputs,
    pool: Pool,
    writer: Writer,
    requester: Requester,
    batching: Batching,
    /// Keys in batches of earlier runs, which the endpoint may still have.
    batched: Vec<SummaryKey>,
    /// Directories that are gone, whose watches a job or the next listing removes.
    forgotten: Arc<Forgotten>,
    /// Writes that the writer has no room for.
    unwritten: VecDeque<Write>,
}

impl Executor {
    /// Starts the threads that do the work.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn start(
        context: Arc<Context>,
        inputs: Inputs,
    ) -> anyhow::Result<(Executor, Confirmations)> {
        let (writer, confirmations) = Writer::start(&context)?;
        let requester = Requester::new(Arc::clone(&context), writer.clone());
        let left = match context.mode.keeps() {
            false => Vec::new(),
            true => batching::left_over(&requester),
        };
        let lines = left.iter().flat_map(|batch| &batch.lines);
        let batched = lines.map(|line| line.key).collect();
        sharing::start(&context);
        let batching = Batching::start(requester.clone(), inputs.clone(), left);
        let executor = Self {
            context,
            inputs,
            pool: Pool::start()?,
            writer,
            requester,
            batching,
            batched,
            forgotten: Arc::default(),
            unwritten: VecDeque::new(),
        };
        Ok((executor, confirmations))
    }

    /// The keys in batches of earlier runs: the engine has to know them before anything else.
    pub fn batched(&mut self) -> Vec<SummaryKey> {
        std::mem::take(&mut self.batched)
    }

    /// Sends no further requests.
    pub fn stop_requests(&self) {
        self.context.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether writes wait for the writer: then the loop must take no further input.
    pub fn is_full(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Hands the waiting writes over, as far as the writer has room; returns when it may have more.
    pub async fn catch_up(&mut self) {
        while let Some(write) = self.unwritten.pop_front() {
            if let Err(write) = self.writer.try_write(write) {
                self.unwritten.push_front(write);
                return self.writer.room().await;
            }
        }
    }

    /// Returns when everything is written.
    pub async fn flush(&mut self) {
        while self.is_full() {
            self.catch_up().await;
        }
        self.writer.flush().await;
    }

    /// Begins an effect; its event follows.
    pub fn begin(&mut self, effect: Effect) {
        tracing::trace!(?effect);
        let dry = !self.context.mode.keeps();
        let context = Arc::clone(&self.context);
        match effect {
            Effect::Load(repo) => self.run(
                move || loading::load(&context, repo),
                move || {
                    let records = Vec::new();
                    vec![Event::Loaded { repo, records }]
                },
            ),
            Effect::List { repo, targets } => {
                let forgotten = Arc::clone(&self.forgotten);
                self.run(
                    move || listing::list(&context, repo, &targets, &forgotten),
                    // Nothing is known of the directories: they stay suspect until the next notification.
                    move || {
                        let listing = Listing::default();
                        vec![Event::Listed { repo, listing }]
                    },
                );
            }
            Effect::AwaitConfirmation { repo, requests } => {
                if let Some(entry) = context.registry.get(repo) {
                    let root = entry.root.display();
                    tracing::warn!(
                        "{root}: {requests} requests await confirmation; run `epitome watch --yes {root}`, \
                         or raise [budget] confirm_above"
                    );
                }
            }
            Effect::Forget { repo, paths } => {
                self.forgotten.add(repo, paths);
                let forgotten = Arc::clone(&self.forgotten);
                self.run(
                    move || {
                        forgotten.remove_watches(&context, repo);
                        Vec::new()
                    },
                    Vec::new,
                );
            }
            Effect::Read { repo, files } => {
                let nodes: Vec<_> = files.iter().map(|(node, _)| *node).collect();
                self.run(
                    move || vec![reading::read(&context, repo, files)],
                    move || vec![reading::failed(repo, nodes)],
                );
            }
            Effect::Describe(requests) => {
                let keys: Vec<_> = requests.iter().map(|request| request.key).collect();
                self.run(
                    move || vec![local::describe(&context, &requests)],
                    move || vec![local::failed(keys)],
                );
            }
            Effect::LookUp(keys) => {
                let unknown: Vec<_> = keys.iter().map(|&key| (key, None)).collect();
                self.run(
                    move || {
                        let found = keys.into_iter();
                        let found = found.map(|key| (key, digest_of(&context, key)));
                        vec![Event::LookedUp(found.collect())]
                    },
                    move || vec![Event::LookedUp(unknown)],
                );
            }
            Effect::LookUpShared { keys, again } => {
                self.spawn(async move { Some(sharing::look_up(&context, keys, again).await) });
            }
            Effect::Claim { keys, batch } => {
                self.spawn(async move { Some(sharing::claim(&context, keys, batch).await) });
            }
            Effect::Release(keys) => self.spawn(async move {
                if let Some(shared) = &context.shared {
                    shared.client.release(&keys).await;
                }
                None
            }),
            Effect::SummaryRequest(request) => self.request(*request),
            Effect::RequestBatch(requests) => {
                if let Some(event) = self.batching.request(requests) {
                    self.send(event);
                }
            }
            Effect::Commit { key, .. } if dry => self.send(Event::Committed(key)),
            Effect::Commit { key, summary } => self.write(Write::Summary { key, summary }),
            Effect::Record { .. } if dry => {}
            Effect::Record { repo, records } => {
                if let Some(entry) = context.registry.get(repo) {
                    let root = entry.root;
                    self.write(Write::Records { root, records });
                }
            }
            Effect::Export {
                repo,
                directories,
                removed,
            } => self.run(
                move || {
                    let written = exporting::export(&context, repo, directories, &removed);
                    vec![Event::Exported { repo, written }]
                },
                move || {
                    let written = false;
                    vec![Event::Exported { repo, written }]
                },
            ),
            Effect::Spared { .. } if dry => {}
            Effect::Spared {
                repo,
                unchanged,
                spared,
            } => self.write(Write::Usage {
                day: today(),
                root: context.root_of(repo),
                delta: Usage {
                    unchanged,
                    spared,
                    ..Usage::default()
                },
            }),
            Effect::Publish { repo, changes } => context.followers.publish(repo, changes),
            Effect::Notice(text) => {
                tracing::error!("{text}");
                context.followers.notice(&text);
                context.notes.set("model", text);
            }
            // The loop's own.
            Effect::Barrier(_) | Effect::Settled { .. } => {}
        }
    }

    fn request(&self, request: SummaryRequest) {
        let requester = self.requester.clone();
        self.spawn(async move { Some(requester.carry_out(request).await) });
    }

    /// Sends the event that the work brings, if any.
    fn spawn(&self, work: impl Future<Output = Option<Event>> + Send + 'static) {
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            if let Some(event) = work.await {
                inputs.send(Input::Event(event)).await;
            }
        });
    }

    fn write(&mut self, write: Write) {
        if self.is_full() {
            return self.unwritten.push_back(write);
        }
        if let Err(write) = self.writer.try_write(write) {
            self.unwritten.push_back(write);
        }
    }

    fn send(&self, event: Event) {
        self.spawn(async { Some(event) });
    }

    /// Runs a job in the pool; sends its events, or those of `panicked` when it panics.
    fn run(
        &self,
        job: impl FnOnce() -> Vec<Event> + Send + 'static,
        panicked: impl FnOnce() -> Vec<Event> + Send + 'static,
    ) {
        let inputs = self.inputs.clone();
        self.pool.spawn(move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            inputs.send_events(outcome.unwrap_or_else(|_| panicked()));
        });
    }
}

/// The digest of a stored summary, or of the text that stands for one in a dry run.
fn digest_of(context: &Context, key: SummaryKey) -> Option<SummaryDigest> {
    let stored = context.store.summary(key).ok().flatten();
    let pretended = || {
        let text = context.pretended.text(key)?;
        Some(Summary::new(text, &context.config.openai.model))
    };
    stored.or_else(pretended).map(|summary| summary.digest())
}
