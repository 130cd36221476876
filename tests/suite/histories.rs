//! Random histories of a folder against the real program: after each round, what the daemon tells must be, byte for
//! byte, what a program tells that has never seen the folder before; and nothing in between may be called fresh that
//! is not.
//!
//! `EPITOME_HISTORIES=500` runs so many seeds, from 0 or from `EPITOME_HISTORIES_FROM=1000000`; `EPITOME_HISTORY=21` runs one, and prints what happens. A seed that
//! found something is kept, with a word on what it found. Races belong to it: a seed decides what happens, not when
//! the daemon sees it.

mod chance;
mod disk;
mod history;
mod judge;
mod op;
mod setting;
mod wide;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chance::Chance;
use history::History;
use op::Op;
use setting::Setting;

/// Seeds that once found something.
const KEPT: &[u64] = &[
    10112,     // a file touched while an older look misses it: its folder was fresh without it
    10277,     // the root replaced by a copy: new folders around it were not watched
    10449,     // a second name of a file, written by that name: stale under the first
    10597,     // the same
    10827,     // the same
    1_001_018, // files of the export folder that git took away
    1_001_135, // others that git brought back as they had been
    1_001_095, // another excludes file in git's configuration
    1_002_062, // as no superuser: the root away during a look at everything, and back in the next one: no wait ended
    1_004_354, // the same as the superuser
    1_002_068, // as no superuser: a folder closed to all, and what lies below it forgotten
    1_010_024, // a folder 40 deep in a repository within another: told by the inner one
    1_022_050, // an unfinished file of the export folder that git committed and brought back
];

/// Seeds from this one on have more kinds of things happen, to more kinds of settings.
const WIDE: u64 = 1_000_000;
/// Seeds of each kind in a normal run, apart from those kept.
const SEEDS: u64 = 10;
const ROUNDS: usize = 5;
/// How long a failing history is made shorter.
const PATIENCE: Duration = Duration::from_secs(90);

/// What happened, and what was found.
struct Finding {
    setting: Setting,
    ops: Vec<Op>,
    problem: String,
}

fn guarded(work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// Lives through one seed.
fn live(seed: u64, rounds: usize, told: bool) -> Result<(), Finding> {
    let mut chance = Chance::new(seed, seed >= WIDE);
    let setting = Setting::of(seed, seed >= WIDE);
    if told {
        println!("{setting:?}");
    }
    let mut ops = Vec::new();
    let result = guarded(|| {
        let mut history = History::new(setting);
        history.told = told;
        let base = history.base();
        let mut happen = |op: Op, ops: &mut Vec<Op>| {
            if told {
                println!("{op:?}");
            }
            ops.push(op.clone());
            let done = history.apply(&op);
            if told && done.is_err() {
                println!("{}", history.log());
            }
            done
        };
        for _ in 0..rounds {
            let (count, before) = chance.round();
            for op in before {
                happen(op, &mut ops)?;
            }
            for _ in 0..count {
                happen(chance.next(&base), &mut ops)?;
            }
            happen(Op::Settle, &mut ops)?;
        }
        Ok(())
    });
    result.map_err(|problem| Finding {
        setting,
        ops,
        problem,
    })
}

/// Lives through the same again.
fn relive(setting: Setting, ops: &[Op]) -> Result<(), String> {
    guarded(|| {
        let mut history = History::new(setting);
        ops.iter().try_for_each(|op| history.apply(op))
    })
}

/// Leaves out what is not needed for something to be found.
fn shorten(finding: Finding) -> Finding {
    let start = Instant::now();
    let mut best = finding;
    let mut size = best.ops.len() / 2;
    let mut found_again = false;
    while size > 0 && start.elapsed() < PATIENCE {
        let mut at = 0;
        while at < best.ops.len() && start.elapsed() < PATIENCE {
            let mut fewer = best.ops.clone();
            fewer.drain(at..(at + size).min(best.ops.len()));
            if fewer.last() != Some(&Op::Settle) && fewer.last() != Some(&Op::ScanState) {
                fewer.push(Op::Settle);
            }
            let failed = fewer.len() < best.ops.len()
                && (0..2).any(|_| match relive(best.setting, &fewer) {
                    Ok(()) => false,
                    Err(problem) => {
                        best.problem = problem;
                        true
                    }
                });
            match failed {
                true => {
                    best.ops = fewer;
                    found_again = true;
                }
                false => at += size,
            }
        }
        size /= 2;
    }
    if !found_again {
        best.problem += "\n(it was not found again: a race)";
    }
    best
}

/// Lives through all the seeds, two at a time; panics with the first finding.
fn all(seeds: Vec<u64>) {
    let next = AtomicU64::new(0);
    let failures: Vec<(u64, Finding)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut failures = Vec::new();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(&seed) = seeds.get(index as usize) else {
                            return failures;
                        };
                        if let Err(finding) = live(seed, ROUNDS, false) {
                            println!("seed {seed}: {}", finding.problem);
                            failures.push((seed, finding));
                        }
                    }
                })
            })
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join().unwrap());
        joined.flatten().collect()
    });
    let count = failures.len();
    let seeds: Vec<u64> = failures.iter().map(|(seed, _)| *seed).collect();
    if let Some((seed, finding)) = failures.into_iter().next() {
        println!("{count} seeds failed: {seeds:?}");
        tell(seed, finding);
    }
}

fn tell(seed: u64, finding: Finding) {
    println!("seed {seed}: {}", finding.problem);
    let finding = shorten(finding);
    let lines: Vec<String> = finding.ops.iter().map(|op| format!("  {op:?}")).collect();
    panic!(
        "seed {seed}, {:?}, at its shortest:\n{}\n{}",
        finding.setting,
        lines.join("\n"),
        finding.problem
    );
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_tree_is_what_is_on_disk_whatever_happened() {
    if let Some(seed) = number("EPITOME_HISTORY") {
        if let Err(finding) = live(seed, ROUNDS, true) {
            tell(seed, finding);
        }
        return;
    }
    let seeds: Vec<u64> = match number("EPITOME_HISTORIES") {
        Some(count) => {
            let first = number("EPITOME_HISTORIES_FROM").unwrap_or(0);
            (first..first + count).collect()
        }
        None => (0..SEEDS).chain(WIDE..WIDE + SEEDS).collect(),
    };
    all(KEPT.iter().copied().chain(seeds).collect());
}
