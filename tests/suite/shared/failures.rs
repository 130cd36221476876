//! Stores that are full, read-only, denied or killed: nothing is lost, nothing stuck, and the reason is said once.

use serde_json::json;

use super::bucket::{Bucket, Refuse, nothing};
use super::services::{Service, skipped};
use super::{REQUESTS, home, index, run};
use crate::harness::{FakeModel, Home, Repo, until};
use std::time::Duration;

/// Makes a store fail, and heals it.
struct Case<'a> {
    name: &'static str,
    fail: &'a dyn Fn(),
    heal: &'a dyn Fn(),
    /// What the note contains.
    reason: &'static str,
}

fn check(service: &Service, case: &Case) {
    let (model, repo) = (FakeModel::new(), Repo::package());
    repo.write(
        "src/shop/case.py",
        format!("\"\"\"{}.\"\"\"\n\nCASE = 1\n", case.name),
    );
    let paid = REQUESTS + 1;
    let one = home(&model, &service.url, "");
    (case.fail)();
    let done = index(&one, service, &repo);
    assert_eq!(model.count(), paid, "{}", case.name);
    let notes: Vec<&str> = done
        .stderr
        .lines()
        .filter(|line| line.contains("shared store: "))
        .collect();
    assert_eq!(notes.len(), 1, "{}: said once: {}", case.name, done.stderr);
    assert!(notes[0].contains(case.reason), "{}: {notes:?}", case.name);
    (case.heal)();
    let done = index(&one, service, &repo);
    assert!(
        !done.stderr.contains("shared store: "),
        "{}: {}",
        case.name,
        done.stderr
    );
    index(&home(&model, &service.url, ""), service, &repo);
    assert_eq!(model.count(), paid, "{}: written later", case.name);
}

#[test]
fn what_a_bucket_refuses_is_written_when_it_heals() {
    let cases: [(&str, Refuse, &str); 4] = [
        (
            "full",
            |method, _, _| (method == "PUT").then_some((507, "InsufficientCapacity")),
            "the store is full",
        ),
        (
            "slow down",
            |method, _, _| (method == "PUT").then_some((503, "SlowDown")),
            "rate limited",
        ),
        (
            "read-only",
            |method, _, _| (method != "GET").then_some((403, "AccessDenied")),
            "mode = \"read\"",
        ),
        (
            "wrong key",
            |_, _, _| Some((403, "InvalidAccessKeyId")),
            "cannot be read",
        ),
    ];
    for (name, refuse, reason) in cases {
        let bucket = Bucket::new(Duration::ZERO);
        let (fail, heal) = (|| bucket.refuse(refuse), || bucket.refuse(nothing));
        let case = Case {
            name,
            fail: &fail,
            heal: &heal,
            reason,
        };
        check(&Service::bucket(&bucket), &case);
    }
}

#[test]
fn what_redis_refuses_is_written_when_it_heals() {
    let cases = [
        (
            "full",
            "CONFIG SET maxmemory 1",
            "CONFIG SET maxmemory 0",
            "raise maxmemory",
        ),
        (
            "a replica",
            "REPLICAOF 127.0.0.1 1",
            "REPLICAOF NO ONE",
            "use the primary",
        ),
    ];
    for (name, fail, heal, reason) in cases {
        let Some(redis) = Service::redis() else {
            return skipped("redis");
        };
        let (fail, heal) = (|| redis.command(fail), || redis.command(heal));
        let case = Case {
            name,
            fail: &fail,
            heal: &heal,
            reason,
        };
        check(&redis, &case);
    }
}

#[test]
fn a_folder_in_the_way_is_said_and_loses_nothing() {
    let service = Service::folder();
    let path = service.folder.path().join("v2-fake-1");
    let case = Case {
        name: "a file in place of a folder",
        fail: &|| std::fs::write(&path, "").unwrap(),
        heal: &|| std::fs::remove_file(&path).unwrap(),
        reason: "cannot be",
    };
    check(&service, &case);
}

/// A bucket whose permissions lack the one to list: a missing object is answered with 403.
#[test]
fn without_permission_to_list_a_missing_object_is_missing() {
    let bucket = Bucket::new(Duration::ZERO);
    bucket.refuse(|method, key, exists| {
        let reads = method == "GET" && (key.is_empty() || !exists);
        reads.then_some((403, "AccessDenied"))
    });
    let service = Service::bucket(&bucket);
    let (model, repo) = (FakeModel::new(), Repo::package());
    let done = index(&home(&model, &service.url, ""), &service, &repo);
    assert!(done.stderr.contains("s3:ListBucket"), "{}", done.stderr);
    let done = index(&home(&model, &service.url, ""), &service, &repo);
    assert_eq!(model.count(), REQUESTS);
    assert!(!done.stderr.contains("shared store: "), "{}", done.stderr);
}

#[test]
fn a_value_that_cannot_be_written_blocks_no_other() {
    let bucket = Bucket::new(Duration::ZERO);
    bucket.refuse(|method, key, _| {
        let name = key.rsplit('/').next().unwrap();
        let bad = method == "PUT" && !key.contains("/claims/") && name.ends_with(['0', '1', '2']);
        bad.then_some((400, "InvalidRequest"))
    });
    let service = Service::bucket(&bucket);
    let (model, repo) = (FakeModel::new(), Repo::package());
    for n in 0..30 {
        repo.write(&format!("src/n{n}.py"), format!("N = {n}\n"));
    }
    let one = home(&model, &service.url, "");
    let done = index(&one, &service, &repo);
    let paid = model.count();
    assert!(done.stderr.contains("InvalidRequest"), "{}", done.stderr);
    let is_value = |name: &&String| !name.contains("/claims/");
    let written = bucket.objects().keys().filter(is_value).count();
    assert!(written > paid / 2 && written < paid, "{written} of {paid}");
    let good = |name: &&String| is_value(name) && name.ends_with(|c: char| c > '2');
    assert_eq!(
        bucket.objects().keys().filter(good).count(),
        written,
        "no other is missing"
    );
    bucket.refuse(nothing);
    index(&one, &service, &repo);
    index(&home(&model, &service.url, ""), &service, &repo);
    assert_eq!(model.count(), paid);
}

#[test]
fn a_server_or_a_daemon_that_is_killed_loses_nothing() {
    let Some(mut redis) = Service::redis() else {
        return skipped("redis");
    };
    let (model, repo) = (FakeModel::new(), Repo::package());
    let one = home(&model, &redis.url, "");
    model.latency(100);
    let daemon = one.daemon(&[]);
    one.run(&["watch", &repo.at("")]).expect(0);
    until("some are requested", || model.count() > 3);
    let port = redis.port();
    redis.stop();
    one.wait(&repo);
    assert_eq!(model.count(), REQUESTS, "the server's end costs nothing");
    // The daemon is killed right after a summary is stored.
    model.latency(0);
    repo.append("src/shop/money/rates/table.py", "\n\nBASE = \"eur\"\n");
    one.wait(&repo);
    let paid = model.count();
    daemon.kill9();
    redis.start_redis(port).unwrap();
    let daemon = one.daemon(&[&repo.at("")]);
    until("all is written", || {
        one.status()["shared"]["waiting"] == json!(0)
    });
    assert_eq!(model.count(), paid);
    drop(daemon);
    index(&home(&model, &redis.url, ""), &redis, &repo);
    assert_eq!(model.count(), paid, "nothing is paid for again");
}

/// No such service can be started here: the requests are compared with the vendors' documentation.
#[test]
fn other_clouds_get_their_own_requests() {
    let bucket = Bucket::new(Duration::ZERO);
    let (model, repo) = (FakeModel::new(), Repo::package());
    let endpoint = bucket.endpoint();
    let account = format!(
        "DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=a2V5;BlobEndpoint={endpoint}/acc"
    );
    for (url, variable, expected) in [
        (
            "gs://team/epitome",
            ("STORAGE_EMULATOR_HOST", endpoint.clone()),
            [
                "GET /storage/v1/b/team/o/epitome%2Fv2-fake-1%2F",
                "ifGenerationMatch=0",
                "/upload/storage/v1/b/team/o",
            ],
        ),
        (
            "azblob://team/epitome",
            ("AZURE_STORAGE_CONNECTION_STRING", account),
            [
                "GET /acc/team/epitome/v2-fake-1/",
                "if-none-match: *",
                "authorization: SharedKey acc:",
            ],
        ),
    ] {
        let home: Home = home(&model, url, "");
        let mut service = Service::bucket(&bucket);
        service.variables = vec![variable];
        run(&home, &service, &["index", &repo.at("")]);
        let sent = bucket.requests();
        for part in expected {
            let has = |head: &String| {
                head.to_ascii_lowercase()
                    .contains(&part.to_ascii_lowercase())
            };
            assert!(
                sent.iter().any(has),
                "{url}: {part}: {:#?}",
                &sent[..sent.len().min(6)]
            );
        }
    }
}
