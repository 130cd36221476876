//! The only loop: one input, one step of the engine, its effects begun; nothing in here may block.

mod barrier;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::config::Config;
use crate::engine::Engine;
use crate::engine::event::{Event, WaitId};
use crate::model::path::RepoId;
use crate::model::time::Timestamp;
use crate::shell::store::Store;

use crate::daemon::Mode;
use crate::daemon::access::Handle;
use crate::daemon::context::Shared;
use crate::daemon::work::Executor;
use crate::daemon::work::writer::WAITING;

use crate::daemon::mailbox::{Failed, Input, Inputs, Query, Seen};
use barrier::{Behind, Looking};

/// A turn of the loop that takes longer than this is a defect, and is logged as one.
const SLOW_TURN: Duration = Duration::from_millis(100);
/// How long answers that were paid for are waited for when the daemon ends.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// How long a store that cannot be written is waited for at the end.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Starts the loop and all that belongs to it.
pub fn start(
    config: &Config,
    data: &Path,
    store: Arc<Store>,
    mode: Mode,
    cookies: Option<PathBuf>,
) -> anyhow::Result<Handle> {
    let (sender, receiver) = mpsc::channel(1_024);
    let inputs = Inputs(sender);
    let shared = Arc::new(Shared::new(config.clone(), store, data, mode, inputs)?);
    if let Some(directory) = cookies {
        crate::daemon::hints::start(&shared, &directory);
    }
    let notified = shared.watch.get().is_some();
    let mut executor = Executor::new(Arc::clone(&shared))?;
    let batched = executor.batched();
    let mut driver = Driver {
        engine: Engine::new(crate::daemon::engine_options(config, mode, notified)),
        executor,
        shared: Arc::clone(&shared),
        receiver,
        started: Instant::now(),
        barriers: HashMap::new(),
        checks: HashMap::new(),
        looking: HashMap::new(),
        waits: HashMap::new(),
        numbers: 0,
        stopping: None,
    };
    driver.step(Event::Batched(batched));
    driver.step(Event::Used(shared.used_today()));
    tokio::spawn(driver.run());
    Ok(Handle::new(shared))
}

struct Driver {
    engine: Engine,
    executor: Executor,
    shared: Arc<Shared>,
    receiver: mpsc::Receiver<Input>,
    started: Instant,
    barriers: HashMap<u64, Behind>,
    checks: HashMap<u64, Behind>,
    looking: HashMap<u64, Looking>,
    waits: HashMap<WaitId, oneshot::Sender<Failed>>,
    numbers: u64,
    stopping: Option<(oneshot::Sender<()>, tokio::time::Instant)>,
}

impl Driver {
    async fn run(mut self) {
        loop {
            let wake = self.wake_at();
            let input = tokio::select! {
                input = self.receiver.recv() => input,
                () = sleep_until(wake) => Some(Input::Event(Event::Tick)),
            };
            let Some(input) = input else { break };
            let turn = Instant::now();
            self.turn(input);
            if turn.elapsed() > SLOW_TURN {
                tracing::warn!("a turn of the loop took {:?}", turn.elapsed());
            }
            if self.is_drained() {
                break;
            }
        }
        if self.all_is_stored().await && self.shared.mode.keeps() {
            // A dry run ends beside a daemon that goes on.
            let store = Arc::clone(&self.shared.store);
            let left = tokio::task::spawn_blocking(move || store.leave()).await;
            if let Ok(Err(error)) = left {
                tracing::warn!("the store could not be closed well: {error}");
            }
        }
        if let Some((done, _)) = self.stopping.take() {
            let _ = done.send(());
        }
    }

    /// Waits until all is written. A disk that takes nothing is not waited for without end: whoever ends the daemon
    /// would kill it. `false`: something is not written.
    async fn all_is_stored(&self) -> bool {
        let flush = self.executor.flush();
        tokio::pin!(flush);
        loop {
            if timeout(STORE_PATIENCE, &mut flush).await.is_ok() {
                return true;
            }
            if let Some(trouble) = self.shared.notes.about(WAITING).first() {
                tracing::error!("{trouble}: what could not be stored is asked for again");
                return false;
            }
        }
    }

    /// When something is to be done though nothing happens.
    fn wake_at(&self) -> Option<tokio::time::Instant> {
        let engine = self.engine.deadline_ms().map(|at_ms| {
            tokio::time::Instant::from_std(self.started + Duration::from_millis(at_ms))
        });
        let stop = self.stopping.as_ref().map(|(_, until)| *until);
        engine.into_iter().chain(stop).min()
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
            Input::Event(event) => {
                self.step(event);
                self.shared.stirred.send_replace(());
            }
            Input::Barrier(number) => match self.barriers.remove(&number) {
                Some(Behind::Query(query @ Query::Pulse { .. })) => self.answer(query),
                Some(behind) => self.check(number, behind),
                None => {}
            },
            Input::Checked(number) => {
                self.looking.remove(&number);
                if let Some(behind) = self.checks.remove(&number) {
                    self.pass(behind);
                }
            }
            Input::BarrierOverdue(number) => match self.barriers.remove(&number) {
                // The watch does not answer: only a look at everything tells the truth.
                Some(Behind::Wait(wait, repo)) => {
                    tracing::warn!("notifications are late: looking at everything");
                    self.step(Event::Lost(repo));
                    self.step(Event::Barrier(wait));
                }
                Some(Behind::Query(query)) => {
                    let repos = self.shared.registry.all();
                    repos
                        .iter()
                        .for_each(|entry| self.step(Event::Lost(entry.repo)));
                    self.answer(query);
                }
                // A file system that does not answer holds up those who wait for it, and nobody else.
                None => match self.checks.remove(&number) {
                    Some(wait @ Behind::Wait(..)) => {
                        self.checks.insert(number, wait);
                    }
                    Some(behind) => self.pass(behind),
                    None => {}
                },
            },
            Input::Query(query) => self.query(query),
            Input::Stop(done) => {
                self.executor.stop_asking();
                self.shared.stopping.store(true, Ordering::Relaxed);
                self.stopping = Some((done, tokio::time::Instant::now() + DRAIN_PATIENCE));
            }
        }
    }

    fn query(&mut self, query: Query) {
        // Whoever asks may be quicker than the word that there is a new repository.
        for entry in self.shared.registry.all() {
            if !self.engine.knows(entry.repo) {
                self.step(Event::Watch(entry.repo));
            }
        }
        match query {
            Query::Wait { repo, path, reply } => {
                self.numbers += 1;
                let id = WaitId(self.numbers);
                // Waiters that went are forgotten, so that nothing hurries for them.
                let gone: Vec<WaitId> = self
                    .waits
                    .extract_if(|_, reply| reply.is_closed())
                    .map(|(id, _)| id)
                    .collect();
                for id in gone {
                    self.step(Event::WaitDropped(id));
                }
                self.waits.insert(id, reply);
                self.step(Event::Wait { id, repo, path });
            }
            query @ (Query::Glance { .. }
            | Query::References { .. }
            | Query::Pulse { watch: false, .. }) => self.answer(query),
            query @ Query::Pulse { .. } => self.pulse(query),
            // What was saved before the question must be in the answer, or be called stale in it.
            query => self.behind_barrier(Behind::Query(query)),
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
                    Some(view) => Seen::Node(Box::new(view)),
                    None if self.engine.is_unseen(repo) => Seen::NotYet,
                    None => Seen::Nothing,
                });
            }
            Query::Status { reply } => {
                let repositories = self
                    .shared
                    .registry
                    .all()
                    .into_iter()
                    .filter_map(|entry| {
                        Some((entry.repo, self.engine.repository_status(entry.repo)?))
                    })
                    .collect();
                let _ = reply.send((repositories, self.engine.pace_status()));
            }
            Query::Glance { reply } => {
                let all = self.shared.registry.all().into_iter();
                let repositories = all
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
        use crate::engine::effect::Effect;

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

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
