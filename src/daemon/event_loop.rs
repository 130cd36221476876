//! The event loop, the only owner of the engine: one input, one step of the engine, its effects begun. Nothing here
//! blocks or touches the disk.
//!
//! Back-pressure: while the writer is full, the loop takes confirmations of writes and nothing else. Workers and clients
//! then wait in front of the bounded mailbox.

mod barrier;
mod options;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep_until, timeout};

use crate::daemon::context::Context;
use crate::daemon::mailbox::{Failed, Input, Inputs, Lookup, Query};
use crate::daemon::work::Executor;
use crate::daemon::work::sharing;
use crate::daemon::work::storing::WAITING;
use crate::daemon::work::writer::Confirmations;
use crate::engine::Engine;
use crate::engine::effect::Effect;
use crate::engine::event::{Event, WaitId};
use crate::model::path::RepoId;
use crate::model::time::Timestamp;

use barrier::{Barriers, Behind};

/// A turn of the loop that takes longer is a defect, and is logged.
const SLOW_TURN: Duration = Duration::from_millis(100);
/// How long the end waits for requests in flight.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);
/// How long the end waits for a store that cannot be written.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Starts the loop and its workers. The returned channel changes after each event.
///
/// # Errors
/// The system has no more threads.
pub fn start(
    context: Arc<Context>,
    inputs: Inputs,
    receiver: mpsc::Receiver<Input>,
) -> anyhow::Result<watch::Receiver<()>> {
    let notified = context.watch.get().is_some();
    let (mut executor, confirmations) = Executor::start(Arc::clone(&context), inputs.clone())?;
    let batched = executor.batched();
    let stirred = watch::Sender::new(());
    let changes = stirred.subscribe();
    let mut driver = EventLoop {
        engine: Engine::new(options::engine_options(&context, notified)),
        executor,
        inputs,
        receiver,
        confirmations,
        stirred,
        started: Instant::now(),
        barriers: Barriers::default(),
        waits: HashMap::new(),
        last_wait: 0,
        stopping: None,
        context,
    };
    driver.step(Event::Batched(batched));
    driver.step(Event::Used(driver.context.used_today()));
    tokio::spawn(driver.run());
    Ok(changes)
}

struct EventLoop {
    engine: Engine,
    executor: Executor,
    context: Arc<Context>,
    inputs: Inputs,
    receiver: mpsc::Receiver<Input>,
    confirmations: Confirmations,
    stirred: watch::Sender<()>,
    started: Instant,
    barriers: Barriers,
    waits: HashMap<WaitId, oneshot::Sender<Failed>>,
    last_wait: u64,
    /// Set while the loop ends: the waiting callers, and the deadline.
    stopping: Option<(oneshot::Sender<()>, tokio::time::Instant)>,
}

/// What woke the loop.
enum Wake {
    Input(Option<Input>),
    Confirmed(Option<Vec<crate::model::summary::SummaryKey>>),
    Deadline,
    Room,
}

impl EventLoop {
    async fn run(mut self) {
        loop {
            let deadline = self.deadline();
            let full = self.executor.is_full();
            let wake = tokio::select! {
                confirmed = self.confirmations.recv() => Wake::Confirmed(confirmed),
                () = self.executor.catch_up(), if full => Wake::Room,
                input = self.receiver.recv(), if !full => Wake::Input(input),
                () = until(deadline), if !full => Wake::Deadline,
            };
            let turn = Instant::now();
            match wake {
                Wake::Input(Some(input)) => self.turn(input),
                Wake::Input(None) | Wake::Confirmed(None) => break,
                Wake::Confirmed(Some(keys)) => {
                    for key in keys {
                        self.event(Event::Committed(key));
                    }
                }
                Wake::Deadline => {
                    self.expire_barriers();
                    self.event(Event::Tick);
                }
                Wake::Room => {}
            }
            if turn.elapsed() > SLOW_TURN {
                tracing::warn!("a turn of the loop took {:?}", turn.elapsed());
            }
            if self.is_drained() {
                break;
            }
        }
        self.end().await;
    }

    async fn end(mut self) {
        // The writer must not wait for confirmations that are no longer read.
        self.confirmations.close();
        while self.confirmations.try_recv().is_ok() {}
        let stored = self.all_is_stored().await;
        sharing::drain(&self.context).await;
        if stored && self.context.mode.keeps() {
            // A dry run ends beside a daemon that keeps running.
            let store = Arc::clone(&self.context.store);
            let left = tokio::task::spawn_blocking(move || store.leave()).await;
            if let Ok(Err(error)) = left {
                tracing::warn!("cannot close the store: {error}");
            }
        }
        if let Some((done, _)) = self.stopping.take() {
            let _ = done.send(());
        }
    }

    /// Waits until everything is written; `false` when it could not be. A full disk must not delay the end without
    /// limit: the process would be killed.
    async fn all_is_stored(&mut self) -> bool {
        let flush = self.executor.flush();
        tokio::pin!(flush);
        loop {
            if timeout(STORE_PATIENCE, &mut flush).await.is_ok() {
                return true;
            }
            if let Some(problem) = self.context.notes.about(WAITING).first() {
                tracing::error!("{problem}; what is not stored will be requested again");
                return false;
            }
        }
    }

    /// When there is something to do even if nothing happens.
    fn deadline(&self) -> Option<tokio::time::Instant> {
        let engine = self.engine.deadline_ms().map(|at_ms| {
            tokio::time::Instant::from_std(self.started + Duration::from_millis(at_ms))
        });
        let stop = self.stopping.as_ref().map(|(_, until)| *until);
        let barriers = self.barriers.deadline();
        engine.into_iter().chain(stop).chain(barriers).min()
    }

    fn is_drained(&self) -> bool {
        self.stopping.as_ref().is_some_and(|(_, until)| {
            self.engine.pace_status().in_flight == 0 || tokio::time::Instant::now() >= *until
        })
    }

    fn now(&self) -> Timestamp {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp {
            monotonic_ms: self.started.elapsed().as_millis() as u64,
            unix_ms: unix.as_millis() as u64,
        }
    }

    fn turn(&mut self, input: Input) {
        match input {
            Input::Event(event) => self.event(event),
            Input::Barrier(number) => self.barrier_returned(number),
            Input::BarrierFailed(number) => self.barrier_failed(number),
            Input::Checked(number) => self.checked(number),
            Input::Query(query) => self.query(query),
            Input::Stop(done) => {
                self.executor.stop_requests();
                self.context.stopping.store(true, Ordering::Relaxed);
                self.stopping = Some((done, tokio::time::Instant::now() + DRAIN_PATIENCE));
            }
        }
    }

    fn event(&mut self, event: Event) {
        self.step(event);
        self.stirred.send_replace(());
    }

    fn query(&mut self, query: Query) {
        // The query may overtake the event of a new repository.
        for entry in self.context.registry.all() {
            if !self.engine.knows(entry.repo) {
                self.step(Event::Watch(entry.repo));
            }
        }
        match query {
            Query::Wait { repo, path, reply } => {
                self.drop_left_waits();
                self.last_wait += 1;
                let id = WaitId(self.last_wait);
                self.waits.insert(id, reply);
                self.step(Event::Wait { id, repo, path });
            }
            query @ (Query::Glance { .. }
            | Query::Nodes { .. }
            | Query::References { .. }
            | Query::Pulse { watch: false, .. }) => self.answer(query),
            // Everything saved before the query must be in the response, or be stale in it.
            query => self.behind_barrier(Behind::Query(query)),
        }
    }

    /// A client that has left must not end quiet times.
    fn drop_left_waits(&mut self) {
        let left: Vec<WaitId> = self
            .waits
            .extract_if(|_, reply| reply.is_closed())
            .map(|(id, _)| id)
            .collect();
        for id in left {
            self.step(Event::WaitDropped(id));
        }
    }

    fn answer(&mut self, query: Query) {
        match query {
            Query::Node {
                repo,
                path,
                depth,
                reply,
            } => {
                let _ = reply.send(match self.engine.view(repo, &path, depth) {
                    Some(view) => Lookup::Found(Box::new(view)),
                    None if self.engine.is_unseen(repo) => Lookup::NotScanned,
                    None => Lookup::Missing,
                });
            }
            Query::Nodes {
                repo,
                paths,
                depth,
                reply,
            } => {
                let views = paths.iter().map(|path| self.engine.view(repo, path, depth));
                let _ = reply.send(views.collect());
            }
            Query::Status { reply } => {
                let entries = self.context.registry.all().into_iter();
                let repositories = entries
                    .filter_map(|entry| {
                        Some((entry.repo, self.engine.repository_status(entry.repo)?))
                    })
                    .collect();
                let _ = reply.send((repositories, self.engine.pace_status()));
            }
            Query::Glance { reply } => {
                let entries = self.context.registry.all().into_iter();
                let repositories = entries
                    .filter_map(|entry| self.engine.repository_status(entry.repo))
                    .collect();
                let _ = reply.send((repositories, self.engine.pace_status()));
            }
            Query::Pulse { reply, .. } => {
                let _ = reply.send(());
            }
            Query::References { reply } => {
                let _ = reply.send(self.engine.uses());
            }
            Query::Wait { .. } => {}
        }
    }

    fn step(&mut self, event: Event) {
        tracing::trace!(?event);
        for effect in self.engine.step(self.now(), event) {
            match effect {
                Effect::Barrier(id) => {
                    let repo = self.engine.repository_of(id).unwrap_or(RepoId(0));
                    self.behind_barrier(Behind::Wait(id, repo));
                }
                Effect::Settled { wait, failed } => {
                    if let Some(reply) = self.waits.remove(&wait) {
                        let _ = reply.send(failed);
                    }
                }
                effect => self.executor.begin(effect),
            }
        }
    }
}

async fn until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
