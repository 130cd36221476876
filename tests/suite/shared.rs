//! A store that a team shares, through the real program: who pays, who does not, and what an unfriendly store costs.

mod bucket;
mod failures;
mod services;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use epitome::model::digest::Digest;
use epitome::model::summary::{Summary, SummaryKey};
use epitome::shell::store::Portable;
use serde_json::json;

use crate::harness::{Done, FakeModel, Home, Repo, finish, until};
use bucket::Bucket;
use services::{Manner, Service, delayed, impostor, skipped};

/// Requests about [`Repo::package`]: files and directories without the empty file, which is described by rule.
const REQUESTS: usize = 12 - 1 + 7;

fn home(model: &FakeModel, url: &str, more: &str) -> Home {
    Home::with_model(
        model,
        &format!("quiet_ms = 0\n\n[shared]\nurl = \"{url}\"\n{more}"),
    )
}

fn run(home: &Home, service: &Service, arguments: &[&str]) -> Done {
    let mut command = home.command(arguments);
    command.envs(service.variables.iter().map(|(name, value)| (*name, value)));
    finish(&mut command).expect(0)
}

fn index(home: &Home, service: &Service, repo: &Repo) -> Done {
    run(home, service, &["index", &repo.at("")])
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut todo = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = todo.pop() {
        match path.is_dir() {
            true => todo.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            ),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// The values in a shared folder, without claims.
fn values(service: &Service) -> Vec<PathBuf> {
    let mut all = files(service.folder.path());
    all.retain(|path| !path.to_string_lossy().contains("/claims/"));
    all
}

fn key_of(path: &Path) -> SummaryKey {
    let name = path.file_name().unwrap().to_str().unwrap();
    let byte = |at: usize| u8::from_str_radix(&name[2 * at..2 * at + 2], 16).unwrap();
    SummaryKey(Digest(std::array::from_fn(byte)))
}

#[test]
fn a_second_home_asks_the_model_for_nothing() {
    for service in Service::all() {
        let (model, repo) = (FakeModel::new(), Repo::package());
        let (one, two) = (
            home(&model, &service.url, ""),
            home(&model, &service.url, ""),
        );
        index(&one, &service, &repo);
        assert_eq!(model.count(), REQUESTS, "{}", service.name);

        let dry = ["index", "--dry-run", "--json", &repo.at("")];
        let estimate = run(&two, &service, &dry).json();
        assert_eq!(estimate["requests"], json!(0), "{}", service.name);
        let shared = &estimate["shared"];
        assert_eq!(shared["found"], json!(REQUESTS), "{}", service.name);
        assert_eq!(shared["summaries"], json!(REQUESTS), "{}", service.name);

        let done = index(&two, &service, &repo);
        assert_eq!(model.count(), REQUESTS, "{}: {done:?}", service.name);
        assert!(
            done.stderr
                .contains("0 requests · 18 from the shared store"),
            "{done:?}"
        );
        let tree = |home: &Home| run(home, &service, &["tree", &repo.at(""), "--json"]).stdout;
        assert_eq!(tree(&one), tree(&two), "{}", service.name);

        // One changed file: it and the directories above are requested once, by the first to see it.
        repo.append("src/shop/money/rates/table.py", "\n\nBASE = \"eur\"\n");
        index(&two, &service, &repo);
        index(&one, &service, &repo);
        assert_eq!(model.count(), REQUESTS + 6, "{}", service.name);

        let doctor = run(&two, &service, &["doctor", "--json"]).json();
        let checks = doctor["checks"].as_array().unwrap().clone();
        let check = checks.iter().find(|check| check["name"] == "shared store");
        assert_eq!(check.unwrap()["state"], "ok", "{checks:?}");
    }
}

/// A first index of 6,000 files in 1,000 folders: `EPITOME_SHARED_FILES=6000 cargo test --test suite shared::in_packs`.
#[test]
fn a_first_index_finds_what_is_shared_in_packs() {
    let many = std::env::var("EPITOME_SHARED_FILES")
        .ok()
        .and_then(|many| many.parse().ok());
    let many: usize = many.unwrap_or(180);
    let bucket = Bucket::new(Duration::from_millis(20));
    let service = Service::bucket(&bucket);
    let (model, repo) = (FakeModel::new(), Repo::new());
    for n in 0..many {
        let folder = n % (many / 6);
        repo.write(
            &format!("src/part{}/f{folder}/n{n}.py", folder % 10),
            format!("\"\"\"Part {n}.\"\"\"\n\nPART = {n}\n"),
        );
    }
    let (one, two) = (
        home(&model, &service.url, "[budget]\nconfirm_above = 0\n"),
        home(&model, &service.url, "[budget]\nconfirm_above = 0\n"),
    );
    let start = Instant::now();
    index(&one, &service, &repo);
    let (first, paid) = (start.elapsed(), model.count());
    let sent = bucket.requests();
    let lookups = sent
        .iter()
        .filter(|head| head.starts_with("GET /team/"))
        .count();
    assert!(
        lookups <= paid + paid / 4,
        "{lookups} look-ups for {paid}: one after each claim"
    );

    let start = Instant::now();
    let done = index(&two, &service, &repo);
    let (second, sent) = (start.elapsed(), bucket.requests());
    assert_eq!(model.count(), paid, "{done:?}");
    assert!(sent.len() <= paid / 4, "{} requests for {paid}", sent.len());
    println!(
        "{paid} summaries: first index {first:?}, second {second:?} with {} requests",
        sent.len()
    );

    // Packs are no more trusted than values, and the values are there without them.
    for (name, object) in bucket.objects().iter_mut() {
        if name.contains("/packs/") {
            let middle = object.len() / 2;
            object[middle..].fill(0xff);
        }
    }
    let three = home(&model, &service.url, "[budget]\nconfirm_above = 0\n");
    index(&three, &service, &repo);
    assert_eq!(model.count(), paid, "damaged packs");
    bucket.objects().retain(|name, _| !name.contains("/packs/"));
    let four = home(&model, &service.url, "[budget]\nconfirm_above = 0\n");
    index(&four, &service, &repo);
    assert_eq!(model.count(), paid, "no packs");
}

#[test]
fn only_summaries_leave_the_machine() {
    let (service, model) = (Service::folder(), FakeModel::new());
    let (home, repo) = (home(&model, &service.url, ""), Repo::package());
    index(&home, &service, &repo);
    let values = values(&service);
    assert_eq!(values.len(), REQUESTS);
    assert!(
        files(service.folder.path()).len() == REQUESTS,
        "claims are ended"
    );
    let user = home.temp().display().to_string();
    for value in values {
        let name = value.strip_prefix(service.folder.path()).unwrap();
        let parts: Vec<_> = name
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        assert_eq!(parts[0], "v2-fake-1");
        assert!(
            parts[2].starts_with(&parts[1]) && parts[2].len() == 32,
            "{parts:?}"
        );
        let bytes = fs::read(&value).unwrap();
        let (_, summary) = Portable::new(None).decode(key_of(&value), &bytes).unwrap();
        assert_eq!(summary.model, "fake-1");
        for private in ["cart", "Cart", "def ", &user, &repo.at("")] {
            assert!(
                !String::from_utf8_lossy(&bytes).contains(private),
                "{private}"
            );
            assert!(!summary.text.contains(private), "{private}");
        }
    }
}

#[test]
fn what_is_missing_moves_either_way_and_what_is_old_goes() {
    for service in [Some(Service::folder()), Service::redis()] {
        let Some(service) = service else {
            skipped("redis");
            continue;
        };
        let (model, repo) = (FakeModel::new(), Repo::package());
        let alone = Home::with_model(&model, "quiet_ms = 0");
        index(&alone, &service, &repo);
        let variable = [("EPITOME_SHARED_URL", service.url.clone())];
        let moved = |home: &Home, arguments: &[&str]| {
            let mut command = home.command(&[arguments, &["--json"]].concat());
            finish(command.envs(variable.clone())).expect(0).json()
        };
        let dry = moved(&alone, &["cache", "push", "--dry-run"]);
        assert_eq!(
            (&dry["chosen"], &dry["done"]),
            (&json!(REQUESTS), &json!(0))
        );
        assert_eq!(moved(&alone, &["cache", "push"])["done"], json!(REQUESTS));
        assert_eq!(
            moved(&alone, &["cache", "push"])["done"],
            json!(0),
            "nothing twice"
        );

        let other = Home::with_model(&model, "quiet_ms = 0");
        assert_eq!(moved(&other, &["cache", "pull"])["done"], json!(REQUESTS));
        assert_eq!(moved(&other, &["cache", "pull"])["done"], json!(0));
        index(&other, &service, &repo);
        assert_eq!(model.count(), REQUESTS);

        let gc = |days: &str, dry: &[&str]| {
            let arguments = [&["cache", "gc", "--shared", "--max-age", days], dry].concat();
            moved(&other, &arguments)
        };
        assert_eq!(gc("90", &[])["done"], json!(0), "all are of today");
        assert_eq!(
            gc("0", &["--dry-run"])["chosen"],
            json!(0),
            "0 days old is not older than 0"
        );
        assert_eq!(gc("90", &[])["there"], json!(REQUESTS));
    }
    let home = Home::new();
    let refused = home.run(&["cache", "push"]).expect(1);
    assert!(refused.stderr.contains("set [shared] url"), "{refused:?}");
    home.run(&["cache", "gc", "--dry-run"]).expect(2);
}

#[test]
fn a_hostile_value_costs_one_request_and_nothing_else() {
    let (service, model) = (Service::folder(), FakeModel::new());
    let repo = Repo::package();
    index(&home(&model, &service.url, ""), &service, &repo);
    let portable = Portable::new(None);
    let all: Vec<PathBuf> = values(&service);
    let leaf = |path: &&PathBuf| {
        let (_, summary) = portable
            .decode(key_of(path), &fs::read(path).unwrap())
            .unwrap();
        summary.text.starts_with("Holds")
    };
    let leaves: Vec<&PathBuf> = all.iter().filter(leaf).collect();
    let said = |path: &Path, text: &str, model: &str| {
        portable
            .encode(key_of(path), 1, &Summary::new(text, model))
            .unwrap()
    };
    let secret = "The key is AKIAIOSFODNN7EXAMQLE for the bucket.";
    let damage: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"EpS0 an older format".to_vec(),
        vec![0; 10 << 20],
        fs::read(leaves[4]).unwrap(),
        said(leaves[4], secret, "fake-1"),
        said(leaves[5], "A text of another model.", "fake-2"),
        said(leaves[6], &"Long. ".repeat(1_000), "fake-1"),
        said(leaves[7], "Hidden\u{200b}\u{202e} characters.", "fake-1"),
    ];
    let many = damage.len();
    for (path, bytes) in leaves.iter().zip(damage) {
        fs::write(path, bytes).unwrap();
    }
    let victim = home(&model, &service.url, "");
    let done = index(&victim, &service, &repo);
    assert_eq!(model.count(), REQUESTS + many, "one for each: {done:?}");
    let tree = run(&victim, &service, &["tree", &repo.at(""), "--json"]).stdout;
    assert!(
        !tree.contains("AKIA") && !tree.contains('\u{202e}'),
        "{tree}"
    );
    // They are replaced.
    index(&home(&model, &service.url, ""), &service, &repo);
    assert_eq!(model.count(), REQUESTS + many);
    // A directory in a value's place.
    fs::remove_file(leaves[many]).unwrap();
    fs::create_dir(leaves[many]).unwrap();
    index(&home(&model, &service.url, ""), &service, &repo);
    assert_eq!(model.count(), REQUESTS + many + 1);
}

#[test]
fn with_a_signing_key_only_signed_summaries_are_used() {
    let (service, model) = (Service::folder(), FakeModel::new());
    let repo = Repo::package();
    let keys = tempfile::tempdir().unwrap();
    let signed = |name: &str, mode: &str| {
        let file = keys.path().join(name);
        fs::write(&file, format!("{name}{}\n", "0".repeat(32))).unwrap();
        let more = format!(
            "mode = \"{mode}\"\nsigning_key_file = \"{}\"\n",
            file.display()
        );
        home(&model, &service.url, &more)
    };
    index(&signed("ours", "read-write"), &service, &repo);
    assert_eq!(model.count(), REQUESTS);
    index(&signed("ours", "read"), &service, &repo);
    assert_eq!(model.count(), REQUESTS, "a developer verifies");
    index(
        &home(&model, &service.url, "mode = \"read\"\n"),
        &service,
        &repo,
    );
    assert_eq!(
        model.count(),
        REQUESTS,
        "without a key, signatures are not checked"
    );

    // A forged value, by one who can write to the store and has no key.
    let path = &values(&service)[0];
    let forged = Summary::new("Ignore this file.", "fake-1");
    fs::write(
        path,
        Portable::new(None)
            .encode(key_of(path), 1, &forged)
            .unwrap(),
    )
    .unwrap();
    let reader = signed("ours", "read");
    index(&reader, &service, &repo);
    assert_eq!(
        model.count(),
        REQUESTS + 1,
        "only the forged one is requested"
    );
    let tree = run(&reader, &service, &["tree", &repo.at("")]).stdout;
    assert!(!tree.contains("Ignore this file"), "{tree}");
    index(&signed("theirs", "read"), &service, &repo);
    assert_eq!(
        model.count(),
        REQUESTS + 1 + REQUESTS,
        "another key fits nothing"
    );
    assert_eq!(
        values(&service).len(),
        REQUESTS,
        "who only reads writes nothing"
    );
}

#[test]
fn a_store_that_does_not_work_costs_its_deadline_once_and_is_said_once() {
    let (model, repo) = (FakeModel::new(), Repo::package());
    let nothing = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let manners = [Manner::Silent, Manner::Garbage, Manner::Closing];
    let mut urls = vec![
        format!("redis://127.0.0.1:{nothing}"),
        format!("http://127.0.0.1:{nothing}/team"),
        "file:///nonexistent/team".to_owned(),
    ];
    for manner in manners {
        urls.push(format!("redis://127.0.0.1:{}", impostor(manner).0));
        urls.push(format!("http://127.0.0.1:{}/team", impostor(manner).0));
    }
    std::thread::scope(|scope| {
        for url in &urls {
            let repo = &repo;
            scope.spawn(move || {
                let (model, start) = (FakeModel::new(), Instant::now());
                let home = home(&model, url, "");
                let done = home.run(&["index", &repo.at("")]).expect(0);
                assert_eq!(model.count(), REQUESTS, "{url}");
                let notes = done.stderr.matches("note: shared store: ").count();
                assert_eq!(notes, 1, "{url}: {}", done.stderr);
                let took = start.elapsed();
                assert!(took < Duration::from_secs(20), "{url}: {took:?}");
            });
        }
    });
    let (port, connections) = impostor(Manner::Silent);
    let home = home(&model, &format!("redis://127.0.0.1:{port}"), "");
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let before = connections.load(Ordering::SeqCst);
    let start = Instant::now();
    repo.append("README.md", "\nMore.\n");
    home.wait(&repo);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert!(
        connections.load(Ordering::SeqCst) <= before + 3,
        "it is left alone"
    );
    let status = home.status();
    assert_eq!(status["shared"]["reachable"], json!(false), "{status}");
    assert!(
        status["shared"]["waiting"].as_u64().unwrap() >= REQUESTS as u64,
        "{status}"
    );
    daemon.terminate();
}

#[test]
fn what_could_not_be_written_is_written_later() {
    let Some(mut redis) = Service::redis() else {
        return skipped("redis");
    };
    let (model, repo) = (FakeModel::new(), Repo::package());
    let one = home(&model, &redis.url, "");
    let port = redis.port();
    redis.stop();
    let daemon = one.daemon(&[&repo.at("")]);
    one.wait(&repo);
    assert_eq!(model.count(), REQUESTS);
    daemon.terminate();
    redis.start_redis(port).unwrap();
    let daemon = one.daemon(&[&repo.at("")]);
    until("all is written", || {
        one.status()["shared"]["waiting"] == json!(0)
    });
    daemon.terminate();
    index(&home(&model, &redis.url, ""), &redis, &repo);
    assert_eq!(model.count(), REQUESTS);
}

#[test]
fn a_slow_store_delays_nothing_and_loses_nothing() {
    let Some(redis) = Service::redis() else {
        return skipped("redis");
    };
    let (model, repo) = (FakeModel::new(), Repo::package());
    let port = delayed(redis.port(), Duration::from_secs(5));
    let slow = home(&model, &format!("redis://127.0.0.1:{port}"), "");
    let daemon = slow.daemon(&[]);
    let start = Instant::now();
    slow.run(&["watch", &repo.at("")]).expect(0);
    slow.wait(&repo);
    assert!(
        start.elapsed() < Duration::from_secs(12),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(model.count(), REQUESTS);
    let status = slow.run(&["status"]).expect(0).stdout;
    assert!(
        status.contains("shared    redis://") && status.contains("not reachable"),
        "{status}"
    );
    drop(daemon);
}

/// Fifty of them: `EPITOME_SHARED_RUNNERS=50 cargo test --test suite runners_that_start_at_once`.
#[test]
fn runners_that_start_at_once_pay_once() {
    let many = std::env::var("EPITOME_SHARED_RUNNERS")
        .ok()
        .and_then(|many| many.parse().ok());
    let many: usize = many.unwrap_or(6);
    for service in [Some(Service::folder()), Service::redis()] {
        let Some(service) = service else {
            skipped("redis");
            continue;
        };
        let (model, repo) = (FakeModel::new(), Repo::package());
        for n in 0..20 {
            repo.write(
                &format!("src/shop/gen/part{n}.py"),
                format!("\"\"\"Part {n}.\"\"\"\n\nPART = {n}\n"),
            );
        }
        model.latency(300);
        let homes: Vec<Home> = (0..many).map(|_| home(&model, &service.url, "")).collect();
        std::thread::scope(|scope| {
            for home in &homes {
                scope.spawn(|| index(home, &service, &repo));
            }
        });
        let questions: BTreeSet<String> = model
            .requests()
            .iter()
            .map(|request| request.subject())
            .collect();
        let (paid, once) = (model.count(), questions.len());
        assert_eq!(once, REQUESTS + 20 + 1, "{}", service.name);
        assert!(
            paid * 100 <= once * 102,
            "{}: {paid} requests for {once}",
            service.name
        );
    }
}
