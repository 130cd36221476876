//! A wrong clock.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::{is_fresh, skipped};
use crate::harness::{Alone, Daemon, FakeModel, Home, Repo, paths, until};

/// Seconds.
const DAY: i64 = 86_400;

/// A library to preload: it shifts the clock by as many seconds as a file says.
const WRONG_CLOCK: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int outcome = syscall(SYS_clock_gettime, clock, time);
    if (outcome == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        char text[32] = {0};
        int file = open(getenv("WRONG_BY"), O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            if (read(file, text, sizeof text - 1) > 0) time->tv_sec += atol(text);
            close(file);
        }
    }
    return outcome;
}
"#;

/// A daemon whose clock can be set.
struct Clock {
    library: PathBuf,
    wrong_by: PathBuf,
}

impl Clock {
    fn new(home: &Home) -> Option<Self> {
        let (source, library) = (home.temp().join("clock.c"), home.temp().join("clock.so"));
        fs::write(&source, WRONG_CLOCK).unwrap();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .output_alone();
        let clock = Self {
            library,
            wrong_by: home.temp().join("wrong_by"),
        };
        clock.set(0);
        compiled
            .is_ok_and(|done| done.status.success())
            .then_some(clock)
    }

    fn set(&self, seconds: i64) {
        // Atomically.
        let new = Path::new(&self.wrong_by).with_extension("new");
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(new, &self.wrong_by).unwrap();
    }

    fn daemon(&self, home: &Home, repo: &Repo) -> Daemon {
        let mut command = home.command(&["daemon", &repo.at("")]);
        command
            .env("LD_PRELOAD", &self.library)
            .env("WRONG_BY", &self.wrong_by);
        home.daemon_by(command)
    }
}

#[test]
fn a_clock_change_of_a_day_costs_nothing_and_hides_nothing() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let Some(clock) = Clock::new(&home) else {
        return skipped("a clock set back", "no C compiler");
    };
    let daemon = clock.daemon(&home, &repo);
    is_fresh(&home, &repo);
    let table = repo.read("src/shop/money/rates/table.py");
    let mut count = model.count();
    for (number, wrong_by) in [-DAY, 0, DAY, -400 * DAY, 0].into_iter().enumerate() {
        clock.set(wrong_by);
        let context = format!("{number}: wrong by {wrong_by} s");
        // A save is noticed although it is no longer than before and, by the clock, not newer.
        let new = table.replace("92", &(10 + number).to_string());
        repo.write("src/shop/money/rates/table.py", &new);
        is_fresh(&home, &repo);
        assert_eq!(
            model.count() - count,
            6,
            "{context}: the file and all above it"
        );
        count = model.count();
        // Known content is not requested again.
        repo.write("src/shop/money/rates/table.py", &table);
        is_fresh(&home, &repo);
        assert_eq!(model.count(), count, "{context}");
        if number < 4 {
            let collected = home.json(&["cache", "gc", "--max-age", "30", "--json"]);
            assert_eq!(collected["summaries"], 0, "{context}: {collected}");
        }
        assert_eq!(home.json(&["cache", "verify", "--json"])["sound"], true);
    }
    clock.set(-DAY);
    daemon.terminate();
    let daemon = clock.daemon(&home, &repo);
    is_fresh(&home, &repo);
    assert_eq!(model.count(), count, "{}", daemon.log());
}

#[test]
fn a_clock_set_back_a_day_gives_no_second_budget() {
    let model = FakeModel::new();
    let more = "quiet_ms = 0\n\n[budget]\nmax_requests_per_day = 20\n";
    let (home, repo) = (Home::with_model(&model, more), Repo::package());
    let Some(clock) = Clock::new(&home) else {
        return skipped("a budget and a clock set back", "no C compiler");
    };
    let _daemon = clock.daemon(&home, &repo);
    is_fresh(&home, &repo);
    let is_spent = || {
        repo.append("README.md", "\nMore.\n");
        let waited = home.run(&["wait", &repo.at(""), "--timeout", "1"]);
        waited.code != Some(0) || home.node(&repo.at(""), 0)["freshness"] != "fresh"
    };
    assert_eq!(model.count(), 18);
    until("the budget is spent", is_spent);
    assert_eq!(model.count(), 20);
    for wrong_by in [-DAY, 0, -DAY] {
        clock.set(wrong_by);
        assert!(is_spent());
        assert_eq!(model.count(), 20, "wrong by {wrong_by} s");
    }
    // The next day has a new budget.
    clock.set(DAY);
    until("there is a new budget", || {
        repo.append("README.md", "\nMore.\n");
        model.count() > 20
    });
}

/// A clock that was set back leaves such files.
#[test]
fn changes_of_files_dated_tomorrow_are_seen() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let date = |path: &str| {
        let file = File::options().write(true).open(repo.at(path)).unwrap();
        file.set_modified(tomorrow).unwrap();
    };
    let index = home.run(&["index", &repo.at(""), "--json"]);
    let tree = index.expect(0).json();
    let is_file = |path: &&str| repo.root().join(path).is_file();
    let all: Vec<&str> = paths(&tree).into_iter().filter(is_file).collect();
    assert_eq!(all.len(), 12);
    all.iter().for_each(|path| date(path));
    let count = model.count();
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    assert_eq!(model.count(), count, "the contents are the same");
    // The same length and the same date.
    let rates = repo.read("src/shop/money/rates/table.py");
    repo.write("src/shop/money/rates/table.py", rates.replace("92", "93"));
    date("src/shop/money/rates/table.py");
    is_fresh(&home, &repo);
    assert_eq!(model.count() - count, 6, "the file and all above it");
    daemon.terminate();
    repo.write("src/shop/money/rates/table.py", rates.replace("92", "94"));
    date("src/shop/money/rates/table.py");
    let _daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    assert_eq!(model.count() - count, 12);
}
