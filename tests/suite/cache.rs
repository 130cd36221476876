//! `epitome cache`: statistics, garbage collection and verification of the store.

use std::fs;

use serde_json::json;

use crate::harness::{FakeModel, Home, Repo, first_not_fresh, until};

/// Requests for [`Repo::package`]: its files and directories without the empty file, which is described by rule.
const REQUESTS: usize = 12 - 1 + 7;

fn tree(home: &Home, repo: &Repo) -> String {
    home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout
}

#[test]
fn unused_summaries_are_removed_and_used_ones_are_never_requested_again() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let daemon = home.daemon(&[]);
    home.run(&["watch", &repo.at("")]).expect(0);
    home.wait(&repo);
    let sent = model.count();
    let first = home.json(&["cache", "stats", "--json"]);
    assert_eq!(first["paid"], json!(sent));
    assert_eq!(
        (&first["free"], &first["used"]),
        (&json!(1), &first["summaries"])
    );
    assert_eq!(first["oldest"], json!(null));
    assert_eq!(first["records"], first["summaries"]);

    repo.append("src/shop/cart.py", "\n\ndef empty():\n    return Cart()\n");
    home.wait(&repo);
    let again = model.count() - sent;
    assert_eq!(again, 4, "the file, shop, src and the root");
    let before = tree(&home, &repo);
    let changed = home.json(&["cache", "stats", "--json"]);
    assert_eq!(changed["used"], first["used"]);
    assert_eq!(changed["paid"], json!(model.count()));
    assert_ne!(changed["oldest"], json!(null));
    // No entry is that old, and no age is configured.
    for limit in [&["--max-age", "2"][..], &[]] {
        let arguments = [&["cache", "gc", "--json"], limit].concat();
        assert_eq!(home.json(&arguments)["summaries"], json!(0));
    }
    let collected = home.json(&["cache", "gc", "--max-age", "0", "--json"]);
    assert_eq!(collected["summaries"], json!(again), "{collected}");
    assert_eq!(collected["outlines"], json!(1), "{collected}");
    let left = home.json(&["cache", "stats", "--json"]);
    assert_eq!(
        (&left["summaries"], &left["used"]),
        (&first["used"], &first["used"])
    );
    assert_eq!(tree(&home, &repo), before);
    let verified = home.json(&["cache", "verify", "--json"]);
    assert_eq!(
        (&verified["sound"], &verified["lost"]),
        (&json!(true), &json!(0))
    );
    daemon.terminate();

    // Without a daemon the command uses the same store.
    assert_eq!(
        home.json(&["cache", "stats", "--json"])["used"],
        first["used"]
    );
    let none = home.json(&[
        "cache",
        "gc",
        "--max-age",
        "0",
        "--max-bytes",
        "0",
        "--json",
    ]);
    assert_eq!(none["summaries"], json!(0), "{none}");
    let count = model.count();
    let _daemon = home.daemon(&[]);
    home.wait(&repo);
    assert_eq!(tree(&home, &repo), before);
    assert_eq!(model.count(), count);
    // Data of repositories that are no longer watched may be removed.
    home.run(&["unwatch", &repo.at("")]).expect(0);
    let collected = home.json(&["cache", "gc", "--max-bytes", "0", "--json"]);
    assert_eq!(collected["summaries"], first["summaries"], "{collected}");
    home.run(&["cache", "stats"]).expect(0);
}

#[test]
fn an_indexed_repository_is_kept_until_it_is_old() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    home.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(model.count(), REQUESTS);
    let statistics = home.json(&["cache", "stats", "--json"]);
    assert_eq!(
        (&statistics["unwatched"], &statistics["used"]),
        (&json!(1), &json!(0))
    );
    home.run(&["cache", "gc", "--max-age", "1"]).expect(0);
    home.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(model.count(), REQUESTS);
    let output = home
        .run(&["cache", "gc", "--max-age", "0"])
        .expect(0)
        .stdout;
    assert!(output.starts_with("removed 19 summaries, "), "{output}");
    home.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(model.count(), 2 * REQUESTS);
}

#[test]
fn collecting_during_changes_removes_nothing_in_use() {
    let model = FakeModel::new();
    model.latency(3);
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::new());
    let old = |n: usize| format!("\"\"\"Old {n}.\"\"\"\n\nVALUE = {n}\n");
    let new = |n: usize| format!("\"\"\"New {n}.\"\"\"\n\nVALUE = -{n}\n");
    for n in 0..40 {
        repo.write(&format!("part{}/file{n}.py", n % 4), old(n));
    }
    let _daemon = home.daemon(&[&repo.at("")]);
    // Changed and changed back: an entry may be looked up while it is being removed.
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let mut removed = 0;
            while repo.root().join("part0/going").exists() || removed == 0 {
                let collected = home.http("POST", "/v1/cache/gc", "{\"max_age_days\": 0}");
                removed += collected.expect(200).json()["summaries"].as_u64().unwrap();
            }
            removed
        });
        repo.write("part0/going", "on\n");
        for round in 0..6 {
            for n in (round % 2..40).step_by(2) {
                let text = if round % 4 < 2 { new(n) } else { old(n) };
                repo.write(&format!("part{}/file{n}.py", n % 4), text);
            }
            home.wait(&repo);
            assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
        }
        repo.remove("part0/going");
        home.wait(&repo);
        until("the collector has finished", || collector.is_finished());
        assert!(collector.join().unwrap() > 0);
    });
    home.wait(&repo);
    let served = tree(&home, &repo);
    let new = Home::with_model(&model, "");
    let fresh = new.run(&["index", &repo.at(""), "--json"]).expect(0);
    assert_eq!(served, fresh.stdout);
}

#[test]
fn damage_is_detected_reported_and_repaired_if_possible() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    home.daemon(&[&repo.at("")]).terminate();
    home.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(model.count(), REQUESTS);
    let journal = home.data().join("answers.journal");
    let hurt = || {
        let mut bytes = fs::read(&journal).unwrap();
        let at = bytes.windows(12).position(|some| some == b"Holds piece ");
        bytes[at.unwrap() + 14] ^= 0x20;
        fs::write(&journal, bytes).unwrap();
    };
    hurt();
    let verified = home.json(&["cache", "verify", "--json"]);
    assert_eq!(
        (&verified["restored"], &verified["lost"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(verified["sound"], json!(false));
    let verified = home.json(&["cache", "verify", "--json"]);
    assert_eq!(
        (&verified["sound"], &verified["summaries"]),
        (&json!(true), &json!(19))
    );
    // Now without the copy in the cache.
    hurt();
    for entry in fs::read_dir(home.data()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("cache-") {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    let failed = home.run(&["cache", "verify"]).expect(1);
    assert!(
        failed
            .stdout
            .contains("damaged: the journal has 1 damaged place"),
        "{failed:?}"
    );
    assert_eq!(failed.stderr, "epitome: 1 summary was lost\n");
    // Only the lost summary is requested again.
    home.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(model.count(), REQUESTS + 1);
    home.run(&["cache", "verify"]).expect(0);
}
