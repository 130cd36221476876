//! The Batch API: a large first index uses it, and each file is requested once, whatever happens in the meantime.

use std::collections::BTreeSet;

use crate::harness::{FakeModel, Home, Reply, Repo, find, first_not_fresh, until};

/// The number of files and directories of [`repository`].
const FILES: usize = 210;
const DIRECTORIES: usize = 8;

fn repository() -> Repo {
    let repo = Repo::new();
    for number in 0..FILES {
        repo.write(
            &format!("part{}/file{number}.py", number % 7),
            format!("\"\"\"Number {number}, done.\"\"\"\n\nVALUE = {number}\n"),
        );
    }
    repo
}

fn home(model: &FakeModel) -> Home {
    Home::with_model(model, "batch = \"auto\"\nbatch_poll_ms = 20")
}

/// Checks that the batches have these sizes and contain each file once.
fn check_batches(model: &FakeModel, sizes: &[usize]) {
    let batches = model.batches();
    let found: Vec<usize> = batches.iter().map(Vec::len).collect();
    assert_eq!(found, sizes);
    let subjects: BTreeSet<String> = batches
        .iter()
        .flatten()
        .map(|request| request.subject())
        .collect();
    assert_eq!(subjects.len(), sizes.iter().sum::<usize>());
}

fn notes(home: &Home) -> String {
    home.status()["notes"].to_string()
}

#[test]
fn a_large_first_index_uses_one_batch() {
    let model = FakeModel::new();
    model.with_batches();
    let (home, repo) = (home(&model), repository());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let tree = home.node(&repo.at(""), 99);
    assert_eq!(first_not_fresh(&tree), None);
    check_batches(&model, &[FILES]);
    assert_eq!(model.since(0), (0, DIRECTORIES));
    assert_eq!(
        (model.batch_calls("upload"), model.batch_calls("create")),
        (1, 1)
    );
    // Each response reached its file, although they came in another order.
    for request in model.batches().concat() {
        let number = request.content.split([' ', ',']).nth(1).unwrap();
        let part = number.parse::<usize>().unwrap() % 7;
        let node = find(&tree, &format!("part{part}/file{number}.py"));
        assert_eq!(
            node["summary"],
            FakeModel::summary(request.kind, &request.content)
        );
    }
    let used = &home.status()["requests"];
    let all = FILES + DIRECTORIES;
    assert_eq!(
        (&used["sent"], &used["succeeded"]),
        (&all.into(), &all.into())
    );
    assert_eq!(used["today"], all);
    assert_eq!(used["in_flight"], 0);
    assert!(
        used["tokens_today"].as_u64().unwrap() > 300 * all as u64,
        "{used}"
    );
    assert_eq!(notes(&home), "[]");
    // Stored summaries need no batch.
    daemon.terminate();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(model.batch_calls("upload"), 1);
}

#[test]
fn index_uses_a_batch_and_a_small_one_does_not() {
    let model = FakeModel::new();
    model.with_batches();
    let (home, repo) = (home(&model), repository());
    home.run(&["index", &repo.at("")]).expect(0);
    check_batches(&model, &[FILES]);
    let small = Repo::package();
    home.run(&["index", &small.at("")]).expect(0);
    assert_eq!(model.batch_calls("upload"), 1);
    let paid = Home::with_model(&model, "");
    paid.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(model.batch_calls("upload"), 1, "batches are off by default");
}

#[test]
fn failed_and_expired_lines_are_requested_one_by_one() {
    let model = FakeModel::new();
    model.with_batches();
    model.fail_lines(|request| request.content.contains("Number 5,"));
    model.fail_lines(|request| request.content.contains("Number 9,"));
    model.expire_lines(|request| request.content.contains("Number 11,"));
    let (home, repo) = (home(&model), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    check_batches(&model, &[FILES]);
    assert_eq!(model.since(0), (3, DIRECTORIES));
    let used = &home.status()["requests"];
    let all = FILES + DIRECTORIES;
    assert_eq!(
        (&used["sent"], &used["retried"]),
        (&(all + 3).into(), &3.into())
    );
    assert_eq!(used["succeeded"], all);
}

/// Answers of a batch are checked like all others, with the prompt at hand and after a restart without it.
#[test]
fn rubbish_in_a_batch_is_never_fresh() {
    const RUBBISH: [&str; 4] = [
        "It holds a value. It holds a value. It holds a value.",
        "State only what the content shows. Plain text: no Markdown, no headings, no lists, no quotes around it.",
        "```python\nVALUE = 1\n```\nand so on",
        "I'm sorry, but I can't help with that.",
    ];
    const LOOPS: &str = RUBBISH[0];
    for restarted in [false, true] {
        let model = FakeModel::new();
        model.with_batches();
        for (number, text) in RUBBISH.into_iter().enumerate() {
            let content = format!("Number {number},");
            model.answer_lines(text, move |request| request.content.contains(&content));
        }
        model.fail(usize::MAX, Reply::Text(LOOPS), |request| {
            request.content.contains("Number 0,")
        });
        let (home, repo) = (home(&model), repository());
        if restarted {
            model.hold_batches();
            let daemon = home.daemon(&[&repo.at("")]);
            until("the batch is polled", || model.batch_calls("poll") >= 1);
            daemon.kill9();
            model.release_batches();
        }
        let _daemon = home.daemon(&[&repo.at("")]);
        home.wait(&repo);
        let tree = home.node(&repo.at(""), 99);
        let lasting = find(&tree, "part0/file0.py");
        assert_eq!(lasting["freshness"], "failed", "{lasting}");
        let error = lasting["error"].as_str().unwrap();
        assert!(error.contains("repeats itself"), "{error}");
        for number in 1..RUBBISH.len() {
            let node = find(&tree, &format!("part{number}/file{number}.py"));
            assert_eq!(node["freshness"], "fresh", "{node}");
            let summary = node["summary"].as_str().unwrap();
            assert!(summary.starts_with("Holds piece"), "{summary}");
        }
        check_batches(&model, &[FILES]);
        // After a restart the batch may be read before the files: then its answers count as no attempts.
        let (files, directories) = model.since(0);
        let most = RUBBISH.len() + usize::from(restarted);
        assert!((RUBBISH.len()..=most).contains(&files), "{files}");
        assert_eq!(directories, DIRECTORIES);
    }
}

#[test]
fn an_endpoint_without_batches_is_detected_once() {
    let model = FakeModel::new();
    model.without_batches();
    let (home, repo) = (home(&model), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(model.since(0), (FILES, DIRECTORIES));
    // Requests that reached no batch were not sent before.
    assert_eq!(home.status()["requests"]["retried"], 0);
    assert!(notes(&home).contains("one by one"), "{}", notes(&home));
    let other = Repo::new();
    for number in 0..FILES {
        other.write(&format!("file{number}.py"), format!("OTHER = {number}\n"));
    }
    home.run(&["watch", &other.at("")]).expect(0);
    home.wait(&other);
    assert_eq!(model.since(0), (2 * FILES, DIRECTORIES + 1));
    assert_eq!(
        (model.batch_calls("upload"), model.batch_calls("create")),
        (1, 0)
    );
}

#[test]
fn a_batch_above_the_limit_is_split() {
    let model = FakeModel::new();
    model.with_batches().limit_lines(110);
    let (home, repo) = (home(&model), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    check_batches(&model, &[105, 105]);
    assert_eq!(model.batch_calls("create"), 3);
    assert_eq!(model.since(0), (0, DIRECTORIES));
}

#[test]
fn after_kill_9_a_batch_is_found_again_and_not_sent_twice() {
    let model = FakeModel::new();
    model.with_batches().hold_batches();
    let (home, repo) = (home(&model), repository());
    let daemon = home.daemon(&[&repo.at("")]);
    until("the batch is polled", || model.batch_calls("poll") >= 3);
    daemon.kill9();
    let polls = model.batch_calls("poll");
    let daemon = home.daemon(&[&repo.at("")]);
    until("the batch is polled after the restart", || {
        model.batch_calls("poll") > polls
    });
    until("the status names the batch", || {
        notes(&home).contains("a batch of 210 files is with the endpoint since")
    });
    assert!(notes(&home).contains(" UTC, 105 done"), "{}", notes(&home));
    until("the metrics count the batch", || {
        let metrics = home.http("GET", "/metrics", "").expect(200).body;
        metrics.contains("\nepitome_requests_batched 210\n")
    });
    let status = home.run(&["status"]).expect(0).stdout;
    assert!(status.contains(" 210 in batches "), "{status}");
    // Once more; this time the batch is done before a file is read.
    daemon.kill9();
    model.release_batches();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    check_batches(&model, &[FILES]);
    assert_eq!(
        (model.batch_calls("upload"), model.batch_calls("create")),
        (1, 1)
    );
    assert_eq!(model.since(0), (0, DIRECTORIES));
    // The usage counts for this repository, also from earlier runs.
    let usage = home.status()["usage"].clone();
    let mut requests = 0;
    for of_repository in usage
        .as_array()
        .unwrap()
        .iter()
        .map(|day| &day["repositories"])
    {
        assert_eq!(of_repository.as_array().unwrap().len(), 1, "{usage}");
        assert_eq!(of_repository[0]["path"], repo.at("").trim_end_matches('/'));
        requests += of_repository[0]["requests"].as_u64().unwrap();
    }
    assert_eq!(requests, (FILES + DIRECTORIES) as u64);
}

#[test]
fn a_batch_whose_creation_response_was_lost_is_found_by_its_name() {
    let model = FakeModel::new();
    model.with_batches().lose_created(1);
    let (home, repo) = (home(&model), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    check_batches(&model, &[FILES]);
    assert!(model.batch_calls("list") > 0);
    assert_eq!(model.since(0), (0, DIRECTORIES));
}

#[test]
fn a_batch_is_found_by_its_name_after_kill_9_during_its_creation() {
    let model = FakeModel::new();
    model.with_batches().mute_created(true);
    let (home, repo) = (home(&model), repository());
    let daemon = home.daemon(&[&repo.at("")]);
    until("made", || model.batches().len() == 1);
    daemon.kill9();
    model.mute_created(false);
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    check_batches(&model, &[FILES]);
    assert_eq!(model.since(0), (0, DIRECTORIES));
}

#[test]
fn an_edit_during_a_batch_is_requested_at_once() {
    let model = FakeModel::new();
    model.with_batches().hold_batches();
    let (home, repo) = (home(&model), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    until("the batch is polled", || model.batch_calls("poll") >= 3);
    let edited = repo.at("part3/file3.py");
    repo.write("part3/file3.py", "\"\"\"Another.\"\"\"\n\nTHREE = 3\n");
    home.run(&["wait", &edited, "--timeout", "35"]).expect(0);
    let summary = home.node(&edited, 0)["summary"].clone();
    assert_eq!(model.since(0), (1, 0));
    model.release_batches();
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    assert_eq!(home.node(&edited, 0)["summary"], summary);
    assert_eq!(model.since(0), (1, DIRECTORIES));
    check_batches(&model, &[FILES]);
}

#[test]
fn a_batch_is_no_larger_than_the_days_budget() {
    let model = FakeModel::new();
    model.with_batches();
    let home = Home::with_model(
        &model,
        "batch = \"auto\"\nbatch_poll_ms = 20\n\n[budget]\nconfirm_above = 0\nmax_requests_per_day = 204",
    );
    let repo = repository();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.run(&["wait", &repo.at(""), "--timeout", "35"]);
    check_batches(&model, &[204]);
    assert_eq!(model.since(0), (0, 0));
    assert_eq!(home.status()["requests"]["today"], 204);
}
