//! The made world around the engine: a clock, a disk, a watcher that loses, a model that fails, a store that crashes.

mod judge;
mod model;
mod night;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::AddAssign;

use epitome::engine::debounce::Window;
use epitome::engine::effect::{Ask, Effect, Subject};
use epitome::engine::event::{Event, ReadProblem, Usage, WaitId};
use epitome::engine::pace::Bounds;
use epitome::engine::{Engine, Options, TokenEstimate};
use epitome::model::failure::{Failure, Remedy};
use epitome::model::path::{RelPath, RepoId};
use epitome::model::recipe::Author;
use epitome::model::record::NodeRecord;
use epitome::model::summary::{Freshness, Summary, SummaryKey};
use epitome::model::time::Timestamp;

use self::model::Weather;
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
    /// After a restart nobody remembers what is in batches.
    BatchesAreForgotten,
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
    /// What the endpoint has in batches, and what it will say. It survives a crash of ours.
    in_batch: BTreeMap<SummaryKey, String>,
    promises: HashMap<WaitId, Promise>,
    waits: u64,
    /// From now on the world behaves, so that all can settle.
    calm: bool,
    tally: Tally,
}

fn options(batches: bool) -> Options {
    Options {
        author: Author {
            provider: "openai".to_owned(),
            model: "made".to_owned(),
            prompt_version: 1,
            parameters: String::new(),
        },
        summaries: true,
        parser: 1,
        paid: true,
        bounds: Bounds {
            max_workers: 4,
            free_workers: 2,
            ..Bounds::default()
        },
        tokens: TokenEstimate {
            instructions: 10,
            answer: 10,
        },
        readers: 2,
        settle: Window {
            quiet_ms: 50,
            cap_ms: 500,
        },
        quiet: Window {
            quiet_ms: 300,
            cap_ms: 2_000,
        },
        export: false,
        batch_from: batches.then_some(1),
        poll_ms: None,
        poll_rest_ms: 5_000,
    }
}

impl World {
    pub fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut world = Self {
            random: fastrand::Rng::with_seed(seed),
            sabotage,
            weather: Weather::default(),
            now_ms: 0,
            disk: Disk::new(),
            engine: Engine::new(options(seed.is_multiple_of(2))),
            agenda: BTreeMap::new(),
            order: 0,
            last_hint_ms: 0,
            stored: HashMap::new(),
            records: BTreeMap::new(),
            unflushed: Vec::new(),
            asking: BTreeSet::new(),
            batches: seed.is_multiple_of(2),
            in_batch: BTreeMap::new(),
            promises: HashMap::new(),
            waits: 0,
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
        self.pass_until(self.now_ms + 40 * 60_000)?;
        self.judge()?;
        // A restart with nothing changed asks for nothing.
        let asks = self.tally.asks;
        let status = self.engine.repository_status(REPO).unwrap();
        let permanent = status.failed + status.stale;
        self.flush();
        self.crash()?;
        self.pass_until(self.now_ms + 40 * 60_000)?;
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
        self.engine = Engine::new(options(self.batches));
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

    /// Somebody changes the disk; with `watched`, the watcher sees it, or loses it.
    fn edit(&mut self, watched: bool) {
        const NAMES: [&str; 5] = ["a", "b", "c", "d", "e.py"];
        let mut path = String::new();
        for _ in 0..self.random.usize(1..4) {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(NAMES[self.random.usize(0..NAMES.len())]);
        }
        let mut touched = vec![path.clone()];
        let text = Text {
            meaning: self.random.u8(0..12).into(),
            layout: self.random.u8(0..3),
        };
        let now_ms = EPOCH_MS + self.now_ms;
        match self.random.u8(0..10) {
            0 => self.disk.remove(&path),
            1 => {
                self.disk.make_directory(&path);
                touched = path
                    .match_indices('/')
                    .map(|(end, _)| path[..end].to_owned())
                    .chain([path.clone()])
                    .collect();
            }
            2 => {
                let from = self
                    .random
                    .choice(self.disk.files.keys())
                    .cloned()
                    .unwrap_or_default();
                if from.is_empty() || !self.disk.rename(&from, &path, now_ms) {
                    return;
                }
                touched.push(from);
            }
            3 => {
                let from = self
                    .random
                    .choice(self.disk.directories.keys())
                    .cloned()
                    .unwrap_or_default();
                if from.is_empty() || !self.disk.rename(&from, &path, now_ms) {
                    return;
                }
                touched.push(from);
            }
            4..=5 => {
                // An edit of what is there.
                let Some(file) = self.random.choice(self.disk.files.keys()).cloned() else {
                    return;
                };
                touched = vec![file.clone()];
                self.disk.write(&file, text, now_ms);
            }
            _ => {
                if !self.disk.write(&path, text, now_ms) {
                    return;
                }
            }
        }
        if !watched {
            return;
        }
        if self.random.u8(0..15) == 0 && !self.calm {
            self.lose();
            return;
        }
        let paths = touched.iter().map(RelPath::new).collect();
        self.notify(Event::Touched { repo: REPO, paths });
    }

    /// Somebody writes a file, and the watcher sees it or loses it.
    fn write_seen(&mut self, path: &str, text: Text) {
        if !self.disk.write(path, text, EPOCH_MS + self.now_ms) {
            return;
        }
        if self.random.u8(0..200) == 0 {
            return self.lose();
        }
        let paths = vec![RelPath::new(path)];
        self.notify(Event::Touched { repo: REPO, paths });
    }

    fn lose(&mut self) {
        self.tally.lost += 1;
        if self.sabotage != Sabotage::LossIsSilent {
            self.notify(Event::Lost(REPO));
        }
    }

    fn notify(&mut self, event: Event) {
        let at = (self.now_ms + self.random.u64(0..40)).max(self.last_hint_ms);
        self.last_hint_ms = at;
        self.later(at - self.now_ms, Pending::Deliver(event));
    }

    fn begin_wait(&mut self) -> Result<(), String> {
        self.waits += 1;
        self.tally.waits += 1;
        let id = WaitId(self.waits);
        let written = self
            .disk
            .files
            .iter()
            // What is not there when the wait begins was not saved before it.
            .filter(|_| self.disk.root_is_there)
            .map(|(path, file)| (path.clone(), file.written_ms))
            .collect();
        self.promises.insert(id, Promise { written });
        self.step(Event::Wait {
            id,
            repo: REPO,
            path: RelPath::root(),
        })
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
                    Pending::Store(key, summary) => {
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
        if let Event::Answered { key, .. } | Event::AnsweredPart { key, .. } = &event {
            self.asking.remove(key);
            self.in_batch.remove(key);
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

    /// Most things take a moment, some take long.
    fn delay_ms(&mut self) -> u64 {
        let longest = if self.random.u8(0..8) == 0 { 1_500 } else { 60 };
        self.random.u64(0..longest)
    }

    /// At any moment at which all notifications have been handed in: what is called fresh is what is on disk.
    fn glance(&mut self) -> Result<(), String> {
        let told = |pending: &Pending| {
            !matches!(
                pending,
                Pending::Deliver(Event::Touched { .. } | Event::Lost(_))
            )
        };
        if !self.disk.root_is_there || !self.agenda.values().all(told) {
            return Ok(());
        }
        let Some(view) = self.engine.view(REPO, &RelPath::root(), usize::MAX) else {
            return Ok(());
        };
        let mut todo = vec![view];
        while let Some(view) = todo.pop() {
            let path = view.path.to_text();
            let real = self.disk.read(&path, 0).map(|contents| contents.digest);
            if view.children.is_none() && view.freshness == Freshness::Fresh && view.digest != real
            {
                return Err(format!("{path} is called fresh in passing, and is not"));
            }
            todo.extend(view.children.into_iter().flatten());
        }
        Ok(())
    }

    fn begin(&mut self, effect: Effect) -> Result<(), String> {
        let delay = self.delay_ms();
        match effect {
            Effect::Load(_) => {
                let records = self.records.clone().into_iter().map(|(path, mut record)| {
                    // As the store does: words that it does not have are no words.
                    record.words = record
                        .words
                        .filter(|words| self.stored.contains_key(&words.key));
                    (path, record)
                });
                let event = Event::Loaded {
                    repo: REPO,
                    records: records.collect(),
                };
                self.later(delay, Pending::Deliver(event));
            }
            Effect::LookUp(keys) => {
                let found = keys
                    .into_iter()
                    .map(|key| (key, self.stored.get(&key).map(Summary::digest)))
                    .collect();
                self.later(delay, Pending::Deliver(Event::LookedUp(found)));
            }
            Effect::Ask(ask) => {
                self.check_ask(&ask)?;
                self.later(delay, Pending::Sample(Effect::Ask(ask)));
            }
            Effect::AskBatch(asks) => {
                self.tally.batched += asks.len() as u64;
                for ask in &asks {
                    self.check_ask(ask)?;
                }
                if self.random.u8(0..6) == 0 {
                    let event = Event::BatchRefused {
                        keys: asks.iter().map(|ask| ask.key).collect(),
                        for_good: self.random.bool(),
                    };
                    self.later(delay, Pending::Deliver(event));
                } else {
                    self.later(delay, Pending::Sample(Effect::AskBatch(asks)));
                }
            }
            Effect::Commit { key, summary, .. } => {
                if self.sabotage == Sabotage::ShownBeforeStored && self.random.bool() {
                    self.later(delay, Pending::Deliver(Event::Committed(key)));
                } else {
                    self.later(delay, Pending::Store(key, summary));
                }
            }
            Effect::Record { records, .. } => {
                self.unflushed.extend(records);
                if self.random.u8(0..4) == 0 {
                    self.flush();
                }
            }
            Effect::Barrier(id) => {
                if self.sabotage == Sabotage::BarrierOvertakes {
                    self.later(0, Pending::Deliver(Event::Barrier(id)));
                } else {
                    self.notify(Event::Barrier(id));
                }
            }
            Effect::Settled { wait, failed } => self.settled(wait, &failed)?,
            Effect::Export { repo, .. } => self.later(
                delay,
                Pending::Deliver(Event::Exported {
                    repo,
                    written: true,
                }),
            ),
            Effect::Forget { .. }
            | Effect::Spared { .. }
            | Effect::Tell { .. }
            | Effect::Notice(_) => {}
            sampled @ (Effect::List { .. } | Effect::Read { .. }) => {
                self.later(delay, Pending::Sample(sampled))
            }
        }
        Ok(())
    }

    fn check_ask(&mut self, ask: &Ask) -> Result<(), String> {
        if !self.asking.insert(ask.key) {
            return Err(format!("{} is asked about twice at once", ask.path));
        }
        if self.stored.contains_key(&ask.key) {
            return Err(format!(
                "{} is asked about though its words are stored",
                ask.path
            ));
        }
        if self.in_batch.contains_key(&ask.key) {
            return Err(format!(
                "{} is asked about though it is in a batch",
                ask.path
            ));
        }
        self.tally.asks += u64::from(ask.paid);
        Ok(())
    }

    /// The batch is with the endpoint from now on; its lines are done in any order.
    fn make_batch(&mut self, asks: Vec<Ask>) {
        for ask in asks {
            let Subject::File { digest, .. } = ask.subject else {
                continue;
            };
            let now = self.disk.read(&ask.path.to_text(), 0);
            let delay = self.random.u64(0..3_000);
            match now.filter(|contents| contents.digest == digest) {
                Some(contents) => {
                    let words = format!("File {}.", contents.syntax);
                    self.in_batch.insert(ask.key, words);
                    self.later(delay, Pending::Batch(ask.key));
                }
                None => {
                    let event = Event::Answered {
                        key: ask.key,
                        result: Err(Failure::new(Remedy::Changed, "changed meanwhile")),
                        usage: Usage::default(),
                    };
                    self.later(delay, Pending::Deliver(event));
                }
            }
        }
    }

    fn line_done(&mut self, key: SummaryKey) {
        let Some(words) = self.in_batch.get(&key) else {
            return;
        };
        let result = match self.random.u8(0..8) {
            _ if self.stored.contains_key(&key) => Ok(Summary::new(words, "made")),
            0 => Err(Failure::new(Remedy::Retry, "the line failed")),
            1 if !self.calm && !self.weather.night => {
                Err(Failure::new(Remedy::Permanent, "the line failed for good"))
            }
            _ => Ok(Summary::new(words, "made")),
        };
        if let Ok(summary) = &result {
            self.stored.insert(key, summary.clone());
        }
        let usage = Usage {
            sent: true,
            ..Usage::default()
        };
        let delay = self.random.u64(0..50);
        self.later(
            delay,
            Pending::Deliver(Event::Answered { key, result, usage }),
        );
    }

    fn sample(&mut self, effect: Effect) {
        let delay = self.delay_ms();
        let event = match effect {
            Effect::List { repo, targets } => {
                let mut listing = self.disk.list(&targets);
                if self.sabotage == Sabotage::ListsWithoutReading {
                    for directory in &mut listing.directories {
                        for stat in directory
                            .entries
                            .iter_mut()
                            .filter_map(|entry| entry.file.as_mut())
                        {
                            (stat.mtime_ns, stat.ctime_ns, stat.size) = (0, 0, 0);
                        }
                    }
                }
                Event::Listed { repo, listing }
            }
            Effect::Read { repo, node, path } => {
                let result = match self.disk.read(&path.to_text(), EPOCH_MS + self.now_ms) {
                    Some(_) if !self.calm && self.random.u8(0..20) == 0 => Err(ReadProblem::Moving),
                    Some(mut contents) => {
                        if self.sabotage == Sabotage::ListsWithoutReading {
                            (
                                contents.stat.mtime_ns,
                                contents.stat.ctime_ns,
                                contents.stat.size,
                            ) = (0, 0, 0);
                        }
                        Ok(contents)
                    }
                    None => Err(ReadProblem::Gone),
                };
                Event::Read { repo, node, result }
            }
            Effect::AskBatch(asks) => {
                self.make_batch(asks);
                return;
            }
            Effect::Ask(ask) if ask.paid && self.random.u8(0..12) == 0 => {
                let usage = Usage {
                    sent: true,
                    ..Usage::default()
                };
                let key = ask.key;
                let delay = self.random.u64(0..800);
                let event = Event::AnsweredPart { key, usage };
                self.later(delay, Pending::Deliver(event));
                return;
            }
            Effect::Ask(ask) => {
                let result = self.answer(&ask);
                let key = ask.key;
                let sent = ask.paid
                    && !matches!(&result, Err(failure) if failure.remedy == Remedy::Changed);
                let usage = Usage {
                    sent,
                    ..Usage::default()
                };
                let delay = self.random.u64(0..800);
                self.later(
                    delay,
                    Pending::Deliver(Event::Answered { key, result, usage }),
                );
                return;
            }
            _ => return,
        };
        self.later(delay, Pending::Deliver(event));
    }

    /// A wait ended: whatever was saved before it, and not since, must be known, fresh or named as failed.
    fn settled(&mut self, wait: WaitId, failed: &[(RelPath, String)]) -> Result<(), String> {
        let Some(promise) = self.promises.remove(&wait) else {
            return Err("a wait was answered twice".to_owned());
        };
        if !self.disk.root_is_there {
            return Ok(());
        }
        for (path, written_ms) in promise.written {
            let Some(file) = self
                .disk
                .files
                .get(&path)
                .filter(|file| file.written_ms == written_ms)
            else {
                continue;
            };
            let digest = file.text.digest();
            let path = RelPath::new(&path);
            let Some(view) = self.engine.view(REPO, &path, 0) else {
                // Moved here since, with the directory that holds it: not saved here before the call.
                continue;
            };
            let told = failed.iter().any(|(failed, _)| *failed == path);
            if view.digest != Some(digest) || (view.freshness == Freshness::Pending && !told) {
                return Err(format!(
                    "after a wait, {path} is {} with digest {:?}, and on disk {digest}",
                    view.freshness, view.digest
                ));
            }
        }
        Ok(())
    }
}
