//! Random edits, renames, rule changes, kills, pauses of the daemon and model failures, all from one seed. Once everything
//! has settled, the tree equals that of a new index, and no needless request was sent.
//!
//! More seeds: `EPITOME_STORMS=100 cargo test --test suite storm`; one: `EPITOME_STORM=17 cargo test --test suite storm`.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Signal;

use crate::harness::{Daemon, FakeModel, Home, Reply, Repo, first_not_fresh};

const CONFIG: &str = "max_workers = 4\nquiet_ms = 30\n\n[export]\ndir = \"map\"";

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn after_a_storm_the_tree_equals_a_new_index() {
    let seeds = match number("EPITOME_STORM") {
        Some(seed) => seed..seed + 1,
        None => 0..number("EPITOME_STORMS").unwrap_or(3),
    };
    for seed in seeds {
        println!("seed {seed}");
        Storm::new(seed).run();
    }
}

struct Storm {
    random: fastrand::Rng,
    model: FakeModel,
    home: Home,
    repo: Repo,
    kills: usize,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let model = FakeModel::new();
        let mut random = fastrand::Rng::with_seed(seed);
        model.latency(random.u64(0..8));
        let repo = Repo::package();
        repo.init();
        Self {
            home: Home::with_model(&model, CONFIG),
            random,
            model,
            repo,
            kills: 0,
        }
    }

    fn run(mut self) {
        let root = self.repo.at("");
        let mut daemon = Some(self.home.daemon(&[&root]));
        for _ in 0..self.random.usize(3..7) {
            for _ in 0..self.random.usize(1..40) {
                self.change_disk();
            }
            daemon = self.change_daemon(daemon);
        }
        let daemon = daemon.unwrap_or_else(|| self.home.daemon(&[&root]));
        self.home.wait(&self.repo);
        let served = self.home.json(&["tree", &root, "--json"]);
        assert_eq!(first_not_fresh(&served), None);
        let exported = files(&self.repo.root().join("map"));
        daemon.terminate();

        self.check_requests();
        let model = FakeModel::new();
        fs::remove_dir_all(self.repo.root().join("map")).unwrap();
        let new = Home::with_model(&model, CONFIG).json(&["index", &root, "--json"]);
        assert_eq!(served, new);
        let fresh = files(&self.repo.root().join("map"));
        assert_eq!(
            exported.keys().collect::<Vec<_>>(),
            fresh.keys().collect::<Vec<_>>()
        );
        assert_eq!(exported, fresh);
    }

    fn path(&mut self) -> String {
        let random = &mut self.random;
        let folders = ["a", "b/c", "b/d", "src/shop", "src/shop/money", "docs"];
        let folder = folders[random.usize(..folders.len())];
        format!("{folder}/f{}.py", random.u8(..5))
    }

    fn change_disk(&mut self) {
        let path = self.path();
        match self.random.u8(..20) {
            0 => {
                let folder = ["a", "b", "src/shop/money", "docs"][self.random.usize(..4)];
                let _ = fs::remove_dir_all(self.repo.root().join(folder));
            }
            1 => {
                let folders = ["a", "b", "b/c", "docs", "src/shop/money"];
                let at = |at: usize| self.repo.root().join(folders[at]);
                let (from, to) = (self.random.usize(..5), self.random.usize(..5));
                let _ = fs::rename(at(from), at(to));
            }
            2..5 => {
                let _ = fs::remove_file(self.repo.root().join(path));
            }
            5..7 => {
                let to = self.path();
                let to = self.repo.root().join(to);
                if to.parent().is_some_and(std::path::Path::exists) {
                    let _ = fs::rename(self.repo.root().join(path), to);
                }
            }
            7 => {
                let rules = ["f1.py\n", "b/\n", "*.md\n", "/a/\n!f2.py\n", ""];
                let place = [".gitignore", "src/.gitignore", ".git/info/exclude"];
                let place = place[self.random.usize(..3)];
                self.repo.write(place, rules[self.random.usize(..5)]);
            }
            _ => {
                // Few different contents: copies and undone edits are common.
                let value = self.random.u8(..12);
                self.repo
                    .write(&path, format!("def f():\n    return {value}\n"));
            }
        }
    }

    fn change_daemon(&mut self, daemon: Option<Daemon>) -> Option<Daemon> {
        let root = self.repo.at("");
        let Some(daemon) = daemon else {
            return Some(self.home.daemon(&[&root]));
        };
        match self.random.u8(..8) {
            0..2 => {
                daemon.kill9();
                self.model.wait_idle();
                self.kills += 1;
                None
            }
            2 => {
                daemon.terminate();
                self.model.wait_idle();
                None
            }
            3 => {
                daemon.signal(Signal::STOP);
                for _ in 0..20 {
                    self.change_disk();
                }
                daemon.signal(Signal::CONT);
                Some(daemon)
            }
            4 => {
                let error = "{\"error\":{\"message\":\"busy\"}}".to_owned();
                let reply = match self.random.u8(..3) {
                    0 => Reply::Status(500, vec![], error),
                    1 => Reply::Garbled,
                    _ => Reply::Dropped,
                };
                self.model.fail(1, reply, |_| true);
                Some(daemon)
            }
            5 => Some(daemon),
            _ => {
                self.home.wait(&self.repo);
                Some(daemon)
            }
        }
    }

    /// Paid responses are kept, except those that were being stored when a daemon was killed.
    fn check_requests(&self) {
        let mut successes: BTreeMap<String, usize> = BTreeMap::new();
        for request in self.model.requests() {
            if request.status == Some(200) {
                *successes.entry(request.subject()).or_default() += 1;
            }
        }
        let again: usize = successes.values().map(|times| times - 1).sum();
        // A garbled and a dropped response have status 200, too.
        let allowed = self.kills * 3 * 4 + 6;
        assert!(
            again <= allowed,
            "{again} repeated requests after {} kills: {successes:?}",
            self.kills
        );
    }
}

/// The files of a folder, by path.
fn files(folder: &std::path::Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            );
        }
    }
    all
}
