//! The size of the store and the daemon's memory after many changes.

use serde_json::Value;

use crate::harness::{Daemon, FakeModel, Home, Repo, first_not_fresh};

struct Turnover {
    home: Home,
    repo: Repo,
    model: FakeModel,
    files: usize,
}

impl Turnover {
    fn new(files: usize) -> Self {
        let model = FakeModel::new();
        let home = Home::with_model(&model, "quiet_ms = 0\nmax_workers = 16");
        let repo = Repo::new();
        let all = Self {
            home,
            repo,
            model,
            files,
        };
        (0..files).for_each(|file| all.write(file, 0));
        all
    }

    fn write(&self, file: usize, round: usize) {
        let functions: String = (0..6)
            .map(|n| format!("\n\ndef work_{n}(value, other={round}):\n    \"\"\"Does its part.\"\"\"\n    return value\n"))
            .collect();
        let text = format!("\"\"\"File {file}, round {round}.\"\"\"\n{functions}");
        let path = format!("part{}/sub{}/file{file}.py", file % 20, file % 7);
        self.repo.write(&path, text);
    }

    fn daemon(&self) -> Daemon {
        self.home.daemon(&[&self.repo.at("")])
    }

    /// Changes one file in `every`.
    fn change(&self, round: usize, every: usize) {
        (0..self.files)
            .filter(|file| file % every == round % every)
            .for_each(|file| self.write(file, round));
        self.home.wait(&self.repo);
    }

    fn statistics(&self) -> Value {
        self.home.json(&["cache", "stats", "--json"])
    }
}

/// Prints the figures and checks that the store is at most a few times as large as its live data.
#[track_caller]
fn check(when: &str, all: &Turnover, daemon: &Daemon) {
    let of = all.statistics();
    let bytes = |name: &str| of[name].as_u64().unwrap();
    let (live, journal, cache) = (
        bytes("live_bytes"),
        bytes("journal_bytes"),
        bytes("cache_bytes"),
    );
    println!(
        "{when}: {} requests, {} summaries ({} in use), {} KiB live, {} KiB journal, {} KiB cache: {:.1} times; peak memory {} MiB",
        all.model.count(),
        of["summaries"],
        of["used"],
        live / 1024,
        journal / 1024,
        cache / 1024,
        (journal + cache) as f64 / live as f64,
        daemon.peak_memory(),
    );
    assert!(journal + cache <= 4 * live + (1 << 20), "{when}: {of}");
}

fn run(files: usize, rounds: usize, every: usize) {
    let all = Turnover::new(files);
    let daemon = all.daemon();
    all.home.wait(&all.repo);
    check("first index", &all, &daemon);
    for round in 1..=rounds {
        all.change(round, every);
        if round % 5 == 0 {
            check(&format!("{round} rounds"), &all, &daemon);
        }
    }
    check("all rounds", &all, &daemon);
    all.home.run(&["cache", "gc"]).expect(0);
    check("after cache gc", &all, &daemon);
    all.home.run(&["cache", "gc", "--max-age", "0"]).expect(0);
    check("after cache gc --max-age 0", &all, &daemon);
    let count = all.model.count();
    daemon.terminate();
    let daemon = all.daemon();
    all.home.wait(&all.repo);
    let tree = all.home.node(&all.repo.at(""), 99);
    assert_eq!(first_not_fresh(&tree), None);
    check("after a restart", &all, &daemon);
    assert_eq!(all.model.count(), count);
}

/// `cargo test --release --test suite -- --ignored --nocapture size::`
#[test]
#[ignore = "a measurement"]
fn of_a_thousand_files_and_thousands_of_changes() {
    run(1_000, 40, 8);
}

#[test]
fn many_changes_take_little_space() {
    run(60, 12, 2);
}

/// Without a daemon there is no one else to remove the states that are gone.
#[test]
fn indexes_in_a_row_remove_the_states_that_are_gone() {
    let (home, repo) = (Home::new(), Repo::new());
    let mut random = fastrand::Rng::with_seed(5);
    let mut written = 0;
    for round in 0..7 {
        for file in 0..30 {
            let functions: String = (0..20)
                .map(|n| {
                    let words: String = (0..800).map(|_| random.alphanumeric()).collect();
                    format!("def f{n}():\n    \"\"\"{words}\"\"\"\n\n\n")
                })
                .collect();
            written += functions.len() as u64;
            repo.write(
                &format!("file{file}.py"),
                format!("ROUND = {round}\n\n\n{functions}"),
            );
        }
        home.run(&["index", &repo.at("")]).expect(0);
    }
    let statistics = home.json(&["cache", "stats", "--json"]);
    let bytes = statistics["cache_bytes"].as_u64().unwrap();
    // Twice what is live and 1 MiB.
    assert!(
        bytes < written / 7 * 2 + (1 << 20),
        "{statistics}, {written} written"
    );
}
