//! Kills at random moments, again and again: no answer that was stored is lost, and none is asked for twice.
//!
//! `EPITOME_KILLS` is the number of rounds; without it a few are run. What is stored is read from the journal itself,
//! as the kill left it: so what may be asked again is known exactly, and not guessed from times.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::harness::{Alone, DEADLINE, FakeModel, Home, Repo, every, first_not_fresh, until};

const WORKERS: usize = 4;
const FILES: usize = 40;
/// Bytes of a journal above which it is rewritten at the start, where most of it does not count.
const LARGE: usize = (1 << 20) + (1 << 16);

/// What happens beside the work, and when the kill comes.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after the process began: while it opens its store, rewrites its journal, scans, asks.
    Time(u64),
    /// When it has had so many more answers.
    Answers(usize),
    /// So long after the start of a collection of everything unused.
    Removing(u64),
}

/// A process that is killed, or that ends with the test.
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
            println!("--- it said:\n{log}");
        } else {
            assert!(!panicked, "it panicked:\n{log}");
        }
    }
}

#[derive(Default)]
struct Figures {
    kills: usize,
    by_moment: BTreeMap<&'static str, usize>,
    /// Questions that were asked more than once.
    again: usize,
    most_again: usize,
    /// Answers that the model had given and the journal did not hold when it was killed.
    unstored: usize,
    most_unstored: usize,
    rewritten: usize,
}

struct Rounds {
    model: FakeModel,
    home: Home,
    repo: Repo,
    rng: Rng,
    /// Whether files go back to what they held earlier. Then nothing may be removed from the store.
    back: bool,
    earlier: Vec<Vec<String>>,
    number: usize,
    /// What the journal held after any of the kills, by the mark of the answer.
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

    /// Writes a file: something new or, where that is wanted, what it was once.
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

    /// One process, and its end.
    fn round(&mut self) {
        self.check_store_is_whole_before();
        for _ in 0..self.rng.usize(2..9) {
            let file = self.rng.usize(..FILES);
            self.write(file);
        }
        let rewrite = self.rng.u8(0..4) == 0 && self.enlarge();
        let moment = match self.rng.u8(0..8) {
            0 => Moment::Time(self.rng.u64(0..120)),
            1 | 2 => Moment::Time(self.rng.u64(0..600)),
            3..=5 => Moment::Answers(self.rng.usize(1..25)),
            _ => Moment::Removing(self.rng.u64(0..60)),
        };
        let (asked, answered) = (self.model.count(), self.model.responded());
        let at = self.repo.at("");
        let index = matches!(moment, Moment::Time(_)) && self.rng.bool();
        let verb = if index { "index" } else { "daemon" };
        let mut process = Process::start(&self.home, &[verb, &at]);
        let shown = self.live_until(&mut process, moment, answered);
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        drop(process);
        self.model.wait_idle();
        self.judge(asked, &shown, rewrite, moment);
    }

    /// Waits for the moment of the kill; tells what was shown before.
    fn live_until(
        &mut self,
        process: &mut Process,
        moment: Moment,
        answered: usize,
    ) -> BTreeSet<String> {
        let begun = Instant::now();
        match moment {
            Moment::Time(after) => {
                until("the moment of the kill", || {
                    begun.elapsed() >= Duration::from_millis(after)
                });
                return BTreeSet::new();
            }
            Moment::Answers(more) => {
                // There may be nothing to ask about: then when all is done.
                until("so many answers", || {
                    self.model.responded() >= answered + more || self.is_idle(process)
                });
            }
            Moment::Removing(after) => {
                until("it answers", || self.has_begun(process));
                let days = if self.back { 1 } else { 0 };
                let body = format!("{{\"max_age_days\":{days}}}");
                // While it runs, and twice, so that the second has less to remove.
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
        assert!(process.child.try_wait().unwrap().is_none(), "it ended");
        self.home.try_http("GET", "/v1/status", "").is_ok()
    }

    fn is_idle(&self, process: &mut Process) -> bool {
        assert!(process.child.try_wait().unwrap().is_none(), "it ended");
        let Ok(answer) = self.home.try_http("GET", "/v1/status", "") else {
            return false;
        };
        answer.status == 200 && answer.json()["repositories"][0]["state"] == "idle"
    }

    /// The marks of all words that the daemon shows.
    fn shown(&self) -> BTreeSet<String> {
        let target = format!("/v1/node?path={}&depth=99", self.repo.at(""));
        match self.home.try_http("GET", &target, "") {
            Ok(answer) if answer.status == 200 => {
                let tree = answer.json();
                let all = every(&tree);
                let words = all.iter().filter_map(|node| node["summary"].as_str());
                words.filter_map(mark).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// What was stored before stays stored and is not asked for again; what was shown is stored.
    fn judge(&mut self, asked: usize, shown: &BTreeSet<String>, rewrite: bool, moment: Moment) {
        let figures = &mut self.figures;
        figures.kills += 1;
        let kind = match moment {
            Moment::Time(_) => "by time",
            Moment::Answers(_) => "by answers",
            Moment::Removing(_) => "while removing",
        };
        *figures.by_moment.entry(kind).or_default() += 1;
        let requests = self.model.requests();
        let said = |request: &crate::harness::Request| {
            mark(&FakeModel::summary(request.kind, &request.content)).unwrap()
        };
        for request in &requests[asked..] {
            assert!(
                !self.stored.contains(&said(request)),
                "kill {}: stored, and asked for again: {}",
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
        assert!(unshown.is_empty(), "shown, and not stored: {unshown:?}");
        if self.back {
            let lost: Vec<_> = self.stored.difference(&now).collect();
            assert!(lost.is_empty(), "kill {}: lost: {lost:?}", figures.kills);
        }
        let answers = requests[asked..]
            .iter()
            .filter(|request| request.status == Some(200) && !now.contains(&said(request)));
        let unstored = answers.count();
        figures.unstored += unstored;
        figures.most_unstored = figures.most_unstored.max(unstored);
        let before: BTreeSet<String> = requests[..asked].iter().map(said).collect();
        let again = requests[asked..]
            .iter()
            .filter(|request| before.contains(&said(request)))
            .count();
        figures.again += again;
        figures.most_again = figures.most_again.max(again);
        self.stored.extend(now);
    }

    /// Makes the journal so large that it is rewritten: what it holds, again and again. Whether that could be done.
    fn enlarge(&self) -> bool {
        let path = self.home.data().join("answers.journal");
        let bytes = fs::read(&path).unwrap_or_default();
        let whole: Vec<u8> = frames(&bytes).flatten().copied().collect();
        if whole.is_empty() {
            return false;
        }
        let mut file = File::options().append(true).open(&path).unwrap();
        // A torn end would be a damaged place, with whole frames behind it.
        file.set_len(whole.len() as u64).unwrap();
        let mut length = whole.len();
        while length < LARGE.max(3 * whole.len()) {
            file.write_all(&whole).unwrap();
            length += whole.len();
        }
        true
    }

    /// Now and then, all is looked through without a daemon.
    fn check_store_is_whole_before(&mut self) {
        if self.rng.u8(0..12) == 0 && self.figures.kills > 0 {
            let verified = self.home.json(&["cache", "verify", "--json"]);
            assert_eq!(verified["sound"], true, "{verified}");
        }
    }

    /// After all of them: everything is fresh, true, and was asked for as often as it had to be.
    fn end(mut self) -> Figures {
        let asked = self.model.count();
        let daemon = self.home.daemon(&[&self.repo.at("")]);
        self.home.wait(&self.repo);
        let tree = self.home.node(&self.repo.at(""), 99);
        assert_eq!(first_not_fresh(&tree), None);
        let verified = self.home.json(&["cache", "verify", "--json"]);
        assert_eq!(verified["sound"], true, "{verified}");
        let shown = self.shown();
        daemon.terminate();
        self.judge(asked, &shown, false, Moment::Answers(0));
        self.figures.kills -= 1;
        let other = FakeModel::new();
        let anew = Home::with_model(&other, "quiet_ms = 0");
        let arguments = ["index", &self.repo.at(""), "--json"];
        let fresh = anew.run(&arguments).expect(0).stdout;
        assert_eq!(self.home.run(&arguments).expect(0).stdout, fresh);
        self.figures
    }
}

/// What tells an answer of the model from all others.
fn mark(words: &str) -> Option<String> {
    let (_, rest) = ["piece ", "pieces as "]
        .iter()
        .find_map(|before| words.split_once(before))?;
    rest.get(..16).map(str::to_owned)
}

/// The whole frames of a journal, from its beginning to the first that is torn.
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
    let (asked, answered) = (all.model.count(), all.model.responded());
    let figures = all.end();
    let told = format!(
        "{} kills ({:?}), {asked} requests, {answered} answers; asked again {} (at most {} after a kill), answered and \
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
    println!("{told}");
    assert!(figures.most_unstored <= 2 * WORKERS, "{told}");
    // What was in flight at the kill before, and what was not stored then.
    assert!(figures.most_again <= 3 * WORKERS, "{told}");
}

#[test]
fn killed_at_any_moment_nothing_is_lost_and_nothing_asked_twice() {
    run(1, true, 10);
}

#[test]
fn killed_while_the_unused_is_removed_nothing_in_use_is_lost() {
    run(2, false, 10);
}
