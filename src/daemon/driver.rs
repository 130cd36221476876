//! The only loop: one input, one step of the engine, its effects begun; nothing in here may block.

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
use crate::engine::status::{PaceStatus, RepositoryStatus};
use crate::engine::uses::Uses;
use crate::engine::view::NodeView;
use crate::model::contents::Contents;
use crate::model::path::{RelPath, RepoId};
use crate::model::time::Timestamp;
use crate::shell::lstat;
use crate::shell::store::Store;
use crate::shell::watch::Watch;

use super::Mode;
use super::executor::Executor;
use super::handle::{Handle, Shared};
use super::writer::WAITING;

/// A turn of the loop that takes longer than this is a defect, and is logged as one.
const SLOW_TURN: Duration = Duration::from_millis(100);
/// How long a barrier may take to come back before the watch is not believed any more.
const BARRIER_PATIENCE: Duration = Duration::from_secs(2);
/// How long answers that were paid for are waited for when the daemon ends.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// How long a store that cannot be written is waited for at the end.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// What was found to be so of nodes that a wait names as failed.
pub type Failed = Vec<(RelPath, String)>;

/// What reaches the loop.
pub enum Input {
    /// Something happened.
    Event(Event),
    /// The notifications from before this barrier have been handed in.
    Barrier(u64),
    /// The barrier took too long.
    BarrierOverdue(u64),
    /// What is never notified of was looked at for those behind this barrier.
    Checked(u64),
    /// Somebody asks.
    Query(Query),
    /// The end: what is under way is waited for, a while.
    Stop(oneshot::Sender<()>),
}

/// What is known of a node.
pub enum Seen {
    /// This.
    Node(Box<NodeView>),
    /// There is none.
    Nothing,
    /// Its repository was not looked at yet.
    NotYet,
}

/// What can be asked of the loop.
pub enum Query {
    /// A node, with so many levels below it.
    Node {
        /// In which repository.
        repo: RepoId,
        /// Where in it.
        path: RelPath,
        /// Levels of children.
        depth: usize,
        /// The answer.
        reply: oneshot::Sender<Seen>,
    },
    /// What all repositories are doing.
    Status {
        /// The answer.
        reply: oneshot::Sender<(Vec<(RepoId, RepositoryStatus)>, PaceStatus)>,
    },
    /// Whether the loop turns, and with it the watch. Cheap: it looks at nothing else.
    Pulse {
        /// A notification must come through, too.
        watch: bool,
        /// The answer.
        reply: oneshot::Sender<()>,
    },
    /// The same as `Status`, of what is known now: no notification is waited for.
    Glance {
        /// The answer.
        reply: oneshot::Sender<(Vec<RepositoryStatus>, PaceStatus)>,
    },
    /// What all nodes use.
    Uses {
        /// The answer.
        reply: oneshot::Sender<Uses>,
    },
    /// Wait until all is settled.
    Wait {
        /// In which repository.
        repo: RepoId,
        /// Where in it.
        path: RelPath,
        /// The answer: what failed for good.
        reply: oneshot::Sender<Failed>,
    },
}

/// The loop's way in; bounded, so that who sends too much waits.
#[derive(Clone)]
pub struct Inputs(mpsc::Sender<Input>);

impl Inputs {
    /// Sends from a task.
    pub async fn send(&self, input: Input) {
        // After the loop has ended nobody needs it.
        let _ = self.0.send(input).await;
    }

    /// Sends from a thread.
    pub fn send_blocking(&self, input: Input) {
        let _ = self.0.blocking_send(input);
    }
}

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
    let watch = match cookies {
        Some(directory) => super::hints::start(&shared, &directory),
        None => None,
    };
    let mut executor = Executor::new(Arc::clone(&shared), watch.clone())?;
    let batched = executor.batched();
    let mut driver = Driver {
        engine: Engine::new(super::engine_options(config, mode, watch.is_some())),
        executor,
        shared: Arc::clone(&shared),
        watch: watch.clone(),
        receiver,
        started: Instant::now(),
        barriers: HashMap::new(),
        checks: HashMap::new(),
        waits: HashMap::new(),
        numbers: 0,
        stopping: None,
    };
    driver.step(Event::Batched(batched));
    driver.step(Event::Used(shared.used_today()));
    tokio::spawn(driver.run());
    Ok(Handle::new(shared, watch))
}

/// What a barrier is for.
enum Behind {
    Wait(WaitId, RepoId),
    Query(Query),
}

struct Driver {
    engine: Engine,
    executor: Executor,
    shared: Arc<Shared>,
    watch: Option<Arc<Watch>>,
    receiver: mpsc::Receiver<Input>,
    started: Instant,
    barriers: HashMap<u64, Behind>,
    checks: HashMap<u64, Behind>,
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
                // A file system that does not answer holds up what asks it, and nobody else.
                None => {
                    if let Some(behind) = self.checks.remove(&number) {
                        self.pass(behind);
                    }
                }
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
            | Query::Uses { .. }
            | Query::Pulse { watch: false, .. }) => self.answer(query),
            query @ Query::Pulse { .. } => self.pulse(query),
            // What was saved before the question must be in the answer, or be called stale in it.
            query => self.behind_barrier(Behind::Query(query)),
        }
    }

    /// Behind a barrier that only a notification opens: no patience ends, and no look at anything is caused.
    fn pulse(&mut self, query: Query) {
        self.barriers.retain(|_, behind| {
            !matches!(behind, Behind::Query(Query::Pulse { reply, .. }) if reply.is_closed())
        });
        self.numbers += 1;
        match &self.watch {
            Some(watch) if watch.cookie(self.numbers).is_ok() => {
                self.barriers.insert(self.numbers, Behind::Query(query));
            }
            // A full disk takes no barrier: the loop turns all the same.
            _ => self.answer(query),
        }
    }

    fn behind_barrier(&mut self, behind: Behind) {
        let Some(watch) = &self.watch else {
            return self.pass(behind);
        };
        self.numbers += 1;
        let number = self.numbers;
        self.barriers.insert(number, behind);
        let sent = watch.cookie(number);
        let inputs = self.shared.inputs.clone();
        tokio::spawn(async move {
            if sent.is_ok() {
                tokio::time::sleep(BARRIER_PATIENCE).await;
            }
            inputs.send(Input::BarrierOverdue(number)).await;
        });
    }

    fn pass(&mut self, behind: Behind) {
        match behind {
            Behind::Wait(id, _) => self.step(Event::Barrier(id)),
            Behind::Query(query) => self.answer(query),
        }
    }

    /// Behind the barrier: some changes are never notified of, such as those made under another name of the same file,
    /// and a root that went with a folder far above it. They are looked for now, and only then does it go on.
    fn check(&mut self, number: u64, behind: Behind) {
        let mut linked = Vec::new();
        let mut waits = false;
        let entries = match &behind {
            Behind::Wait(_, repo) | Behind::Query(Query::Node { repo, .. }) => {
                waits = matches!(behind, Behind::Wait(..));
                linked = self.engine.linked(*repo);
                self.shared.registry.get(*repo).into_iter().collect()
            }
            Behind::Query(Query::Status { .. }) => self.shared.registry.all(),
            Behind::Query(_) => return self.pass(behind),
        };
        let roots: Vec<_> = entries
            .iter()
            .filter_map(|entry| Some((entry.clone(), self.engine.expected_root(entry.repo)?)))
            .collect();
        if linked.is_empty() && roots.is_empty() {
            return self.pass(behind);
        }
        self.checks.insert(number, behind);
        let inputs = self.shared.inputs.clone();
        tokio::task::spawn_blocking(move || {
            for (entry, expected) in roots {
                if lstat::identity(&entry.root) != expected {
                    inputs.send_blocking(Input::Event(Event::Lost(entry.repo)));
                }
            }
            let Some(entry) = entries.first().filter(|_| !linked.is_empty()) else {
                return inputs.send_blocking(Input::Checked(number));
            };
            let repo = entry.repo;
            // Who waits wants proof; who only asks would hear "stale" of every file read within the clock's grain.
            let unchanged = |path: &RelPath, known: &Contents| {
                lstat::look(&path.under(&entry.root)).is_some_and(|now| {
                    known.stat.proves_unchanged(&now, known.observed_ms)
                        || (now == known.stat && !waits)
                })
            };
            let paths: Vec<RelPath> = linked
                .into_iter()
                .filter(|(path, known)| !unchanged(path, known))
                .map(|(path, _)| path)
                .collect();
            if !paths.is_empty() {
                inputs.send_blocking(Input::Event(Event::Touched { repo, paths }));
            }
            inputs.send_blocking(Input::Checked(number));
        });
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
            Query::Uses { reply } => {
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
