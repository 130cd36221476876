//! Kills at random moments: no stored response is lost, and none is requested twice.
//!
//! `EPITOME_KILLS` is the number of rounds; the default is small. The test reads the journal as the kill left it, so it
//! knows exactly which requests may be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::harness::{Alone, DEADLINE, FakeModel, Home, Repo, every, first_not_fresh, until};

const WORKERS: usize = 4;
const FILES: usize = 40;
/// A journal above this size is rewritten at the start if most of it is unused (bytes).
const LARGE: usize = (1 << 20) + (1 << 16);

/// When the kill comes.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// This long after the process began: while it opens the store, rewrites the journal, scans or sends requests.
    Time(u64),
    /// After this many more responses.
    Responses(usize),
    /// This long after the start of a garbage collection.
    Collecting(u64),
}

/// A process that is killed at the latest when the test ends.
struct Process {
    child: Child,
    log: std::path::PathBuf,
}

impl Process {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let log = home.temp().join("log");
        let child = home
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn_alone()
            .unwrap();
        Self { child, log }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let panicked = log.contains("panicked at");
        if std::thread::panicking() {
            println!("--- log:\n{log}");
        } else {
            assert!(!panicked, "the process panicked:\n{log}");
        }
    }
}

#[derive(Default)]
struct Figures {
    kills: usize,
    by_moment: BTreeMap<&'static str, usize>,
    /// Requests that were sent more than once.
    again: usize,
    most_again: usize,
    /// Responses that were not in the journal at the kill.
    unstored: usize,
    most_unstored: usize,
    rewritten: usize,
}

struct Rounds {
    model: FakeModel,
    home: Home,
    repo: Repo,
    rng: Rng,
    /// Whether files return to earlier content. Then nothing may be removed from the store.
    back: bool,
    earlier: Vec<Vec<String>>,
    number: usize,
    /// The marks of all summaries that were in the journal after a kill.
    stored: BTreeSet<String>,
    figures: Figures,
}

impl Rounds {
    fn new(seed: u64, back: bool) -> Self {
        let model = FakeModel::new();
        model.latency(4);
        let more = format!("max_workers = {WORKERS}\nquiet_ms = 0");
        let mut rounds = Self {
            home: Home::with_model(&model, &more),
            model,
            repo: Repo::new(),
            rng: Rng::with_seed(seed),
            back,
            earlier: vec![Vec::new(); FILES],
            number: 0,
            stored: BTreeSet::new(),
            figures: Figures::default(),
        };
        (0..FILES).for_each(|file| rounds.write(file));
        rounds
    }

    /// Writes a file: new content or, with `back`, earlier content.
    fn write(&mut self, file: usize) {
        let earlier = &mut self.earlier[file];
        let text = match self.back && earlier.len() > 1 && self.rng.u8(0..3) == 0 {
            true => earlier[self.rng.usize(..earlier.len())].clone(),
            false => {
                self.number += 1;
                let number = self.number;
                let text = format!("\"\"\"Number {number}.\"\"\"\n\nVALUE = {number}\n");
                earlier.push(text.clone());
                text
            }
        };
        let path = format!("part{}/sub{}/file{file}.py", file % 3, file % 2);
        self.repo.write(&path, text);
    }

    /// Runs one process until its kill.
    fn round(&mut self) {
        self.verify_sometimes();
        for _ in 0..self.rng.usize(2..9) {
            let file = self.rng.usize(..FILES);
            self.write(file);
        }
        let rewrite = self.rng.u8(0..4) == 0 && self.enlarge();
        let moment = match self.rng.u8(0..8) {
            0 => Moment::Time(self.rng.u64(0..120)),
            1 | 2 => Moment::Time(self.rng.u64(0..600)),
            3..=5 => Moment::Responses(self.rng.usize(1..25)),
            _ => Moment::Collecting(self.rng.u64(0..60)),
        };
        let (sent, responded) = (self.model.count(), self.model.responded());
        let at = self.repo.at("");
        let index = matches!(moment, Moment::Time(_)) && self.rng.bool();
        let verb = if index { "index" } else { "daemon" };
        let mut process = Process::start(&self.home, &[verb, &at]);
        let shown = self.run_until(&mut process, moment, responded);
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        drop(process);
        self.model.wait_idle();
        self.check(sent, &shown, rewrite, moment);
    }

    /// Waits for the moment of the kill. Returns the summaries shown before.
    fn run_until(
        &mut self,
        process: &mut Process,
        moment: Moment,
        responded: usize,
    ) -> BTreeSet<String> {
        let begun = Instant::now();
        match moment {
            Moment::Time(after) => {
                until("the moment of the kill", || {
                    begun.elapsed() >= Duration::from_millis(after)
                });
                return BTreeSet::new();
            }
            Moment::Responses(more) => {
                // There may be no more requests: then wait until everything is done.
                until("enough responses", || {
                    self.model.responded() >= responded + more || self.is_idle(process)
                });
            }
            Moment::Collecting(after) => {
                until("the daemon responds", || self.has_begun(process));
                let days = if self.back { 1 } else { 0 };
                let body = format!("{{\"max_age_days\":{days}}}");
                // Twice, so that the second collection has less to remove.
                let home = &self.home;
                std::thread::scope(|scope| {
                    let removing = scope.spawn(move || {
                        for _ in 0..2 {
                            let _ = home.try_http("POST", "/v1/cache/gc", &body);
                        }
                    });
                    let begun = Instant::now();
                    until("the moment of the kill", || {
                        removing.is_finished() || begun.elapsed() >= Duration::from_millis(after)
                    });
                    process.child.kill().unwrap();
                });
                return BTreeSet::new();
            }
        }
        self.shown()
    }

    fn has_begun(&self, process: &mut Process) -> bool {
        assert!(
            process.child.try_wait().unwrap().is_none(),
            "the process ended"
        );
        self.home.try_http("GET", "/v1/status", "").is_ok()
    }

    fn is_idle(&self, process: &mut Process) -> bool {
        assert!(
            process.child.try_wait().unwrap().is_none(),
            "the process ended"
        );
        let Ok(answer) = self.home.try_http("GET", "/v1/status", "") else {
            return false;
        };
        answer.status == 200 && answer.json()["repositories"][0]["state"] == "idle"
    }

    /// The marks of all summaries that the daemon serves.
    fn shown(&self) -> BTreeSet<String> {
        let target = format!("/v1/node?path={}&depth=99", self.repo.at(""));
        match self.home.try_http("GET", &target, "") {
            Ok(answer) if answer.status == 200 => {
                let tree = answer.json();
                let all = every(&tree);
                let texts = all.iter().filter_map(|node| node["summary"].as_str());
                texts.filter_map(mark).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// Stored summaries stay stored and are not requested again; shown summaries are stored.
    fn check(&mut self, sent: usize, shown: &BTreeSet<String>, rewrite: bool, moment: Moment) {
        let figures = &mut self.figures;
        figures.kills += 1;
        let kind = match moment {
            Moment::Time(_) => "by time",
            Moment::Responses(_) => "by responses",
            Moment::Collecting(_) => "while collecting",
        };
        *figures.by_moment.entry(kind).or_default() += 1;
        let requests = self.model.requests();
        let mark_of = |request: &crate::harness::Request| {
            mark(&FakeModel::summary(request.kind, &request.content)).unwrap()
        };
        for request in &requests[sent..] {
            assert!(
                !self.stored.contains(&mark_of(request)),
                "kill {}: stored, but requested again: {}",
                figures.kills,
                request.subject()
            );
        }
        let bytes = fs::read(self.home.data().join("answers.journal")).unwrap_or_default();
        figures.rewritten += usize::from(rewrite && bytes.len() < LARGE);
        let now: BTreeSet<String> = frames(&bytes)
            .filter_map(|frame| mark(&String::from_utf8_lossy(frame)))
            .collect();
        let unshown: Vec<_> = shown.difference(&now).collect();
        assert!(unshown.is_empty(), "shown, but not stored: {unshown:?}");
        if self.back {
            let lost: Vec<_> = self.stored.difference(&now).collect();
            assert!(lost.is_empty(), "kill {}: lost: {lost:?}", figures.kills);
        }
        let answers = requests[sent..]
            .iter()
            .filter(|request| request.status == Some(200) && !now.contains(&mark_of(request)));
        let unstored = answers.count();
        figures.unstored += unstored;
        figures.most_unstored = figures.most_unstored.max(unstored);
        let before: BTreeSet<String> = requests[..sent].iter().map(mark_of).collect();
        let again = requests[sent..]
            .iter()
            .filter(|request| before.contains(&mark_of(request)))
            .count();
        figures.again += again;
        figures.most_again = figures.most_again.max(again);
        self.stored.extend(now);
    }

    /// Repeats the journal's content until it is large enough to be rewritten. Returns whether that was possible.
    fn enlarge(&self) -> bool {
        let path = self.home.data().join("answers.journal");
        let bytes = fs::read(&path).unwrap_or_default();
        let whole: Vec<u8> = frames(&bytes).flatten().copied().collect();
        if whole.is_empty() {
            return false;
        }
        let mut file = File::options().append(true).open(&path).unwrap();
        // A torn end would become a damaged place in the middle.
        file.set_len(whole.len() as u64).unwrap();
        let mut length = whole.len();
        while length < LARGE.max(3 * whole.len()) {
            file.write_all(&whole).unwrap();
            length += whole.len();
        }
        true
    }

    /// Sometimes verifies the store while no daemon runs.
    fn verify_sometimes(&mut self) {
        if self.rng.u8(0..12) == 0 && self.figures.kills > 0 {
            let verified = self.home.json(&["cache", "verify", "--json"]);
            assert_eq!(verified["sound"], true, "{verified}");
        }
    }

    /// After the last round: everything is fresh and correct, and no needless request was sent.
    fn end(mut self) -> Figures {
        let sent = self.model.count();
        let daemon = self.home.daemon(&[&self.repo.at("")]);
        self.home.wait(&self.repo);
        let tree = self.home.node(&self.repo.at(""), 99);
        assert_eq!(first_not_fresh(&tree), None);
        let verified = self.home.json(&["cache", "verify", "--json"]);
        assert_eq!(verified["sound"], true, "{verified}");
        let shown = self.shown();
        daemon.terminate();
        self.check(sent, &shown, false, Moment::Responses(0));
        self.figures.kills -= 1;
        let other = FakeModel::new();
        let new = Home::with_model(&other, "quiet_ms = 0");
        let arguments = ["index", &self.repo.at(""), "--json"];
        let fresh = new.run(&arguments).expect(0).stdout;
        assert_eq!(self.home.run(&arguments).expect(0).stdout, fresh);
        self.figures
    }
}

/// The part of a summary that identifies it.
fn mark(text: &str) -> Option<String> {
    let (_, rest) = ["piece ", "pieces as "]
        .iter()
        .find_map(|before| text.split_once(before))?;
    rest.get(..16).map(str::to_owned)
}

/// The complete frames of a journal, up to the first torn one.
fn frames(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = rest.strip_prefix(b"EpJ1")?.first_chunk()?;
        let (frame, after) = rest.split_at_checked(16 + u32::from_le_bytes(*length) as usize)?;
        rest = after;
        Some(frame)
    })
}

fn run(seed: u64, back: bool, few: usize) {
    let rounds = std::env::var("EPITOME_KILLS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(few);
    let begun = Instant::now();
    let mut all = Rounds::new(seed, back);
    for _ in 0..rounds {
        all.round();
        assert!(rounds > few || begun.elapsed() < 3 * DEADLINE);
    }
    let (sent, responded) = (all.model.count(), all.model.responded());
    let figures = all.end();
    let line = format!(
        "{} kills ({:?}), {sent} requests, {responded} responses; repeated {} (at most {} after a kill), responded and \
         not stored at a kill {} (at most {}); journal rewritten {}; {:.0?}",
        figures.kills,
        figures.by_moment,
        figures.again,
        figures.most_again,
        figures.unstored,
        figures.most_unstored,
        figures.rewritten,
        begun.elapsed()
    );
    println!("{line}");
    assert!(figures.most_unstored <= 2 * WORKERS, "{line}");
    // The requests in flight at the previous kill, and the responses that were not stored.
    assert!(figures.most_again <= 3 * WORKERS, "{line}");
}

#[test]
fn kills_at_any_moment_lose_nothing_and_repeat_no_request() {
    run(1, true, 10);
}

#[test]
fn kills_during_a_collection_lose_nothing_in_use() {
    run(2, false, 10);
}
