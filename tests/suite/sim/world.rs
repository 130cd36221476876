//! The simulated world around the engine: a clock, a disk, a watcher that loses events, a model that fails, a store that
//! crashes.

mod judge;
mod model;
mod outage;
mod shared;
mod shell;
mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::AddAssign;

use epitome::engine::debounce::Window;
use epitome::engine::effect::Effect;
use epitome::engine::event::{Event, WaitId};
use epitome::engine::pacing::Bounds;
use epitome::engine::sharing::Sharing;
use epitome::engine::{Engine, Options, TokenEstimate};
use epitome::model::key::Generator;
use epitome::model::path::{RelPath, RepoId};
use epitome::model::record::NodeRecord;
use epitome::model::summary::{Summary, SummaryKey};
use epitome::model::time::Timestamp;

use self::model::Conditions;
use self::shared::Team;
use super::disk::{Disk, Text};

const REPO: RepoId = RepoId(1);
/// The wall clock's start: far enough from 0 for the racily-clean rule.
const EPOCH_MS: u64 = 1_000_000;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// The watcher loses events without reporting the loss.
    LossIsSilent,
    /// The store reports a summary as stored before it is.
    ShownBeforeStored,
    /// A response about content that has changed since the request is accepted.
    OutdatedResponseCounts,
    /// The barrier arrives before earlier notifications.
    BarrierOvertakesHints,
    /// A changed file is listed with its old stat.
    ListsWithoutReading,
    /// A restart forgets the keys in batches.
    BatchesForgotten,
    /// A key that another daemon claimed is requested all the same.
    ClaimsAreIgnored,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub steps: u64,
    pub requests: u64,
    pub failures: u64,
    pub crashes: u64,
    pub lost: u64,
    pub waits: u64,
    pub batched: u64,
    pub shared: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.requests += other.requests;
        self.failures += other.failures;
        self.crashes += other.crashes;
        self.lost += other.lost;
        self.waits += other.waits;
        self.batched += other.batched;
        self.shared += other.shared;
    }
}

/// A scheduled event.
enum Pending {
    Deliver(Event),
    /// The disk is read now; the result arrives later.
    Sample(Effect),
    /// The summary is stored now; the engine is notified later.
    Store(SummaryKey, Summary),
    /// A line of a batch is done: its summary is stored now, and the engine is notified later.
    Batch(SummaryKey),
    /// The second daemon publishes a summary.
    Other(SummaryKey),
}

struct Promise {
    written: BTreeMap<String, u64>,
}

pub struct World {
    random: fastrand::Rng,
    sabotage: Sabotage,
    conditions: Conditions,
    now_ms: u64,
    disk: Disk,
    engine: Engine,
    /// Scheduled events by time; at equal times, in order of the second number.
    agenda: BTreeMap<(u64, u64), Pending>,
    order: u64,
    /// When the last notification is delivered: they keep their order whatever their delay.
    last_hint_ms: u64,
    stored: HashMap<SummaryKey, Summary>,
    records: BTreeMap<RelPath, NodeRecord>,
    unflushed: Vec<(RelPath, Option<NodeRecord>)>,
    in_flight: BTreeSet<SummaryKey>,
    /// Whether files may be requested in batches.
    batches: bool,
    /// Whether summaries cost requests; otherwise they are written when a file is read.
    paid: bool,
    /// How the team's store is used, if there is one, and what it holds.
    sharing: Option<Sharing>,
    team: Team,
    /// The keys in the endpoint's batches, with their results. They survive a crash of the daemon.
    in_batch: BTreeMap<SummaryKey, String>,
    promises: HashMap<WaitId, Promise>,
    waits: u64,
    /// Some contents are always refused, each in its own form; nothing else fails permanently.
    refusing: bool,
    /// From now on nothing fails, so that everything can settle.
    calm: bool,
    tally: Tally,
}

/// Longer than any pause of the engine: a file that changed constantly is paused for up to an hour.
const QUIET_MS: u64 = 120 * 60_000;

/// The quiet time before a paid request.
const QUIET: Window = Window {
    quiet_ms: 300,
    cap_ms: 2_000,
};

/// Seeds with this remainder modulo 8 have a provider that costs nothing.
const FREE: u64 = 3;

fn options(batches: bool, paid: bool, sharing: Option<Sharing>) -> Options {
    Options {
        generator: Generator {
            provider: "openai".to_owned(),
            model: "made".to_owned(),
            prompt_version: 1,
            parameters: String::new(),
        },
        offline: Generator {
            provider: "openai".to_owned(),
            model: "made".to_owned(),
            prompt_version: 1,
            parameters: String::new(),
        },
        summaries: true,
        parser: 1,
        paid,
        bounds: Bounds {
            max_workers: 4,
            ..Bounds::default()
        },
        tokens: TokenEstimate {
            instructions: 10,
            answer: 10,
            largest_input: 48_000,
        },
        readers: 2,
        settle: Window {
            quiet_ms: 50,
            cap_ms: 500,
        },
        quiet: QUIET,
        directory_quiet: QUIET,
        export: false,
        confirm_above: None,
        sharing,
        batch_from: batches.then_some(1),
        poll_ms: None,
        poll_rest_ms: 5_000,
    }
}

impl World {
    pub fn new(seed: u64, sabotage: Sabotage) -> Self {
        let paid = seed % 8 != FREE;
        let sharing = (paid && seed % 5 < 2).then(|| shared::sharing(seed));
        let mut world = Self {
            random: fastrand::Rng::with_seed(seed),
            sabotage,
            conditions: Conditions::default(),
            now_ms: 0,
            disk: Disk::new(),
            engine: Engine::new(options(seed.is_multiple_of(2) && paid, paid, sharing)),
            agenda: BTreeMap::new(),
            order: 0,
            last_hint_ms: 0,
            stored: HashMap::new(),
            records: BTreeMap::new(),
            unflushed: Vec::new(),
            in_flight: BTreeSet::new(),
            batches: seed.is_multiple_of(2) && paid,
            paid,
            sharing,
            team: Team::default(),
            in_batch: BTreeMap::new(),
            promises: HashMap::new(),
            waits: 0,
            refusing: seed % 3 == 1,
            calm: false,
            tally: Tally::default(),
        };
        for _ in 0..world.random.usize(0..12) {
            world.edit(false);
        }
        // Files written long before the start are not racily clean.
        world.now_ms = 10_000;
        world
    }

    pub fn run(&mut self) -> Result<Tally, String> {
        self.start()?;
        let rounds = self.random.usize(3..25);
        for _ in 0..rounds {
            match self.random.u8(0..20) {
                0 => self.crash()?,
                1 => {
                    self.disk.root_is_there = !self.disk.root_is_there;
                    self.lose();
                }
                2..=4 => self.begin_wait()?,
                _ => {
                    for _ in 0..self.random.usize(1..6) {
                        self.edit(true);
                    }
                }
            }
            let until = self.now_ms + self.random.u64(0..1_500);
            self.pass_until(until)?;
        }
        self.calm = true;
        if !self.disk.root_is_there {
            self.disk.root_is_there = true;
            self.lose();
        }
        let requests = self.tally.requests;
        self.pass_until(self.now_ms + QUIET_MS)?;
        self.judge()?;
        self.judge_others(self.tally.requests - requests)?;
        // A restart with nothing changed sends no request.
        let requests = self.tally.requests;
        let status = self.engine.repository_status(REPO).unwrap();
        let permanent = status.failed + status.stale;
        self.flush();
        self.crash()?;
        self.pass_until(self.now_ms + QUIET_MS)?;
        self.judge()?;
        if permanent == 0 && self.tally.requests != requests {
            return Err(format!(
                "a restart with nothing changed sent {} requests",
                self.tally.requests - requests
            ));
        }
        Ok(self.tally)
    }

    fn schedule(&mut self, delay_ms: u64, pending: Pending) {
        self.order += 1;
        self.agenda
            .insert((self.now_ms + delay_ms, self.order), pending);
    }

    fn start(&mut self) -> Result<(), String> {
        self.engine = Engine::new(options(self.batches, self.paid, self.sharing));
        self.team.restart();
        let keys: Vec<SummaryKey> = self.in_batch.keys().copied().collect();
        for &key in &keys {
            // Some finish while the keys are being looked up.
            let longest = if self.random.bool() { 200 } else { 3_000 };
            let delay = self.random.u64(0..longest);
            self.schedule(delay, Pending::Batch(key));
        }
        if self.sabotage != Sabotage::BatchesForgotten {
            self.step(Event::Batched(keys))?;
        }
        self.step(Event::Watch(REPO))
    }

    /// The process is killed: everything in progress is lost, and only part of the unflushed records survives.
    fn crash(&mut self) -> Result<(), String> {
        self.tally.crashes += 1;
        let survives = self.random.usize(0..=self.unflushed.len());
        self.unflushed.truncate(survives);
        self.flush();
        self.agenda.clear();
        self.in_flight.clear();
        self.promises.clear();
        if self.sabotage == Sabotage::ShownBeforeStored {
            let keys: Vec<SummaryKey> = self
                .stored
                .keys()
                .copied()
                .filter(|_| self.random.bool())
                .collect();
            for key in keys {
                self.stored.remove(&key);
            }
        }
        self.last_hint_ms = 0;
        for _ in 0..self.random.usize(0..3) {
            if !self.calm {
                self.edit(false);
            }
        }
        self.start()
    }

    fn flush(&mut self) {
        for (path, record) in std::mem::take(&mut self.unflushed) {
            match record {
                Some(record) => self.records.insert(path, record),
                None => self.records.remove(&path),
            };
        }
    }

    fn pass_until(&mut self, until_ms: u64) -> Result<(), String> {
        loop {
            let next = self.agenda.keys().next().map(|&(at, _)| at);
            let tick = self.engine.deadline_ms().map(|at| at.max(self.now_ms));
            let Some(at) = next
                .into_iter()
                .chain(tick)
                .min()
                .filter(|&at| at <= until_ms)
            else {
                self.now_ms = until_ms;
                return Ok(());
            };
            self.now_ms = at;
            if next == Some(at) {
                let ((_, _), pending) = self.agenda.pop_first().unwrap();
                match pending {
                    Pending::Deliver(event) => self.step(event)?,
                    Pending::Sample(effect) => self.sample(effect),
                    Pending::Batch(key) => self.line_done(key),
                    Pending::Other(key) => self.other_publishes(key),
                    Pending::Store(key, summary) => {
                        self.publish(key, &summary);
                        self.stored.insert(key, summary);
                        let delay = self.random.u64(0..20);
                        self.schedule(delay, Pending::Deliver(Event::Committed(key)));
                    }
                }
            } else {
                let steps = self.tally.steps;
                self.step(Event::Tick)?;
                if self
                    .engine
                    .deadline_ms()
                    .is_some_and(|next| next <= self.now_ms)
                    && self.tally.steps > steps + 1_000
                {
                    return Err("the engine wakes up without work".to_owned());
                }
                if self.tally.steps > self.conditions.max_steps {
                    return Err("the engine does not settle".to_owned());
                }
            }
        }
    }

    fn step(&mut self, event: Event) -> Result<(), String> {
        self.tally.steps += 1;
        if std::env::var_os("EPITOME_SIM_TRACE").is_some() {
            eprintln!("{} {event:?}", self.now_ms);
        }
        if let Event::Responded { key, .. } | Event::PartResponded { key, .. } = &event {
            self.in_flight.remove(key);
            self.in_batch.remove(key);
        }
        if let Event::Described(results) = &event {
            for (key, _) in results {
                self.in_flight.remove(key);
            }
        }
        if let Event::BatchRefused { keys, .. } = &event {
            self.in_flight.retain(|key| !keys.contains(key));
        }
        let now = Timestamp {
            monotonic_ms: self.now_ms,
            unix_ms: EPOCH_MS + self.now_ms,
        };
        for effect in self.engine.step(now, event) {
            if std::env::var_os("EPITOME_SIM_TRACE").is_some() {
                eprintln!("    {effect:?}");
            }
            self.begin(effect)?;
        }
        if self.random.u32(0..self.conditions.check_one_in) == 0 {
            self.check_fresh()?;
        }
        Ok(())
    }
}
