//! The made world around the engine: a clock, a disk, a watcher that loses, a model that fails, a store that crashes.

mod judge;
mod model;
mod night;
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

use self::model::Weather;
use self::shared::Team;
use super::disk::{Disk, Text};

const REPO: RepoId = RepoId(1);
/// The wall clock's start: far enough from 0 that the racily-clean rule has room.
const EPOCH_MS: u64 = 1_000_000;

/// A bug that is put there on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// The watcher loses and says nothing.
    LossIsSilent,
    /// The store says "done" before it is.
    ShownBeforeStored,
    /// An answer about a content that changed meanwhile is taken for one about the content asked for.
    TornAnswerCounts,
    /// The barrier comes in before the notifications from before it.
    BarrierOvertakes,
    /// A file that changed is reported with its old stat.
    ListsWithoutReading,
    /// After a restart the keys in batches are not known.
    BatchesAreForgotten,
    /// A key that another daemon claimed is requested all the same.
    ClaimsAreIgnored,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub steps: u64,
    pub asks: u64,
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
        self.asks += other.asks;
        self.failures += other.failures;
        self.crashes += other.crashes;
        self.lost += other.lost;
        self.waits += other.waits;
        self.batched += other.batched;
        self.shared += other.shared;
    }
}

/// What is still to happen.
enum Pending {
    Deliver(Event),
    /// The disk is looked at now, and the answer comes later.
    Sample(Effect),
    /// The summary reaches the disk now, and the engine is told later.
    Store(SummaryKey, Summary),
    /// A line of a batch is done: its words reach the disk now, and the engine is told later.
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
    weather: Weather,
    now_ms: u64,
    disk: Disk,
    engine: Engine,
    /// What happens when: at equal times in the order of the second number.
    agenda: BTreeMap<(u64, u64), Pending>,
    order: u64,
    /// Notifications are delivered in their order, whatever their delay.
    last_hint_ms: u64,
    stored: HashMap<SummaryKey, Summary>,
    records: BTreeMap<RelPath, NodeRecord>,
    unflushed: Vec<(RelPath, Option<NodeRecord>)>,
    asking: BTreeSet<SummaryKey>,
    /// Whether files may go by batches.
    batches: bool,
    /// Whether summaries cost requests; otherwise they are written when a file is read.
    paid: bool,
    /// How the team's store is used, if there is one, and what it holds.
    sharing: Option<Sharing>,
    team: Team,
    /// What the endpoint has in batches, and what it will say. It survives a crash of ours.
    in_batch: BTreeMap<SummaryKey, String>,
    promises: HashMap<WaitId, Promise>,
    waits: u64,
    /// Some texts are refused for ever, each in a form of its own; nothing else fails for good.
    refusing: bool,
    /// From now on the world behaves, so that all can settle.
    calm: bool,
    tally: Tally,
}

/// Longer than any pause of the engine: a file that changed without end rests for an hour.
const QUIET_MS: u64 = 120 * 60_000;

/// The quiet time before a paid request.
const QUIET: Window = Window {
    quiet_ms: 300,
    cap_ms: 2_000,
};

/// The remainder of the seeds, divided by eight, whose provider costs nothing.
const FREE: u64 = 3;

fn options(batches: bool, paid: bool, sharing: Option<Sharing>) -> Options {
    Options {
        author: Generator {
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
            free_workers: 2,
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
            weather: Weather::default(),
            now_ms: 0,
            disk: Disk::new(),
            engine: Engine::new(options(seed.is_multiple_of(2) && paid, paid, sharing)),
            agenda: BTreeMap::new(),
            order: 0,
            last_hint_ms: 0,
            stored: HashMap::new(),
            records: BTreeMap::new(),
            unflushed: Vec::new(),
            asking: BTreeSet::new(),
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
        // What was there long before the start is not racily clean.
        world.now_ms = 10_000;
        world
    }

    pub fn run(&mut self) -> Result<Tally, String> {
        self.start()?;
        let storms = self.random.usize(3..25);
        for _ in 0..storms {
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
        let asks = self.tally.asks;
        self.pass_until(self.now_ms + QUIET_MS)?;
        self.judge()?;
        self.judge_others(self.tally.asks - asks)?;
        // A restart with nothing changed asks for nothing.
        let asks = self.tally.asks;
        let status = self.engine.repository_status(REPO).unwrap();
        let permanent = status.failed + status.stale;
        self.flush();
        self.crash()?;
        self.pass_until(self.now_ms + QUIET_MS)?;
        self.judge()?;
        if permanent == 0 && self.tally.asks != asks {
            return Err(format!(
                "a restart with nothing changed asked {} times",
                self.tally.asks - asks
            ));
        }
        Ok(self.tally)
    }

    fn later(&mut self, delay_ms: u64, pending: Pending) {
        self.order += 1;
        self.agenda
            .insert((self.now_ms + delay_ms, self.order), pending);
    }

    fn start(&mut self) -> Result<(), String> {
        self.engine = Engine::new(options(self.batches, self.paid, self.sharing));
        self.team.restart();
        let keys: Vec<SummaryKey> = self.in_batch.keys().copied().collect();
        for &key in &keys {
            // Some are over just while all is looked up.
            let longest = if self.random.bool() { 200 } else { 3_000 };
            let delay = self.random.u64(0..longest);
            self.later(delay, Pending::Batch(key));
        }
        if self.sabotage != Sabotage::BatchesAreForgotten {
            self.step(Event::Batched(keys))?;
        }
        self.step(Event::Watch(REPO))
    }

    /// The process dies: what was under way and what was not flushed is gone; part of the unflushed made it.
    fn crash(&mut self) -> Result<(), String> {
        self.tally.crashes += 1;
        let survives = self.random.usize(0..=self.unflushed.len());
        self.unflushed.truncate(survives);
        self.flush();
        self.agenda.clear();
        self.asking.clear();
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
                        self.later(delay, Pending::Deliver(Event::Committed(key)));
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
                    return Err("the engine is busy with nothing".to_owned());
                }
                if self.tally.steps > self.weather.most_steps {
                    return Err("does not come to rest".to_owned());
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
            self.asking.remove(key);
            self.in_batch.remove(key);
        }
        if let Event::Described(results) = &event {
            for (key, _) in results {
                self.asking.remove(key);
            }
        }
        if let Event::BatchRefused { keys, .. } = &event {
            self.asking.retain(|key| !keys.contains(key));
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
        if self.random.u32(0..self.weather.glance_one_in) == 0 {
            self.glance()?;
        }
        Ok(())
    }
}
