//! The Batch API: a large first index goes by it, once, whatever happens meanwhile.

use std::collections::BTreeSet;

use crate::harness::{FakeModel, Home, Repo, find, first_not_fresh, until};

/// Files and directories of [`repository`].
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
    Home::with_model(model, "batch = \"auto\"")
}

/// What the batches were asked, which has to be everything once.
fn check_batches(model: &FakeModel, sizes: &[usize]) {
    let batches = model.batches();
    let found: Vec<usize> = batches.iter().map(Vec::len).collect();
    assert_eq!(found, sizes);
    let questions: BTreeSet<String> = batches
        .iter()
        .flatten()
        .map(|request| request.subject())
        .collect();
    assert_eq!(questions.len(), sizes.iter().sum::<usize>());
}

fn notes(home: &Home) -> String {
    home.status()["notes"].to_string()
}

#[test]
fn a_large_first_index_goes_by_one_batch() {
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
    // Each line's answer went where it belongs, though they came in no order.
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
    // What is stored needs no batch.
    daemon.terminate();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(model.batch_calls("upload"), 1);
}

#[test]
fn index_goes_by_a_batch_too_and_a_small_one_does_not() {
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
    assert_eq!(
        model.batch_calls("upload"),
        1,
        "it is off unless it is asked for"
    );
}

#[test]
fn failed_and_expired_lines_are_asked_about_alone() {
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

#[test]
fn an_endpoint_without_batches_is_found_out_once() {
    let model = FakeModel::new();
    model.without_batches();
    let (home, repo) = (home(&model), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(model.since(0), (FILES, DIRECTORIES));
    // What reached no batch was never sent before.
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
fn what_is_too_much_at_once_goes_by_halves() {
    let model = FakeModel::new();
    model.with_batches().most_lines(110);
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
    until("looked at", || model.batch_calls("look") >= 3);
    daemon.kill9();
    let looks = model.batch_calls("look");
    let daemon = home.daemon(&[&repo.at("")]);
    until("found again", || model.batch_calls("look") > looks);
    until("told", || {
        notes(&home).contains("a batch of 210 files is with the endpoint since")
    });
    assert!(notes(&home).contains(" UTC, 105 done"), "{}", notes(&home));
    until("told to machines", || {
        let metrics = home.http("GET", "/metrics", "").expect(200).body;
        metrics.contains("\nepitome_requests_batched 210\n")
    });
    let status = home.run(&["status"]).expect(0).stdout;
    assert!(status.contains(" 210 in batches "), "{status}");
    // Once more, and this time it is over before anybody has read a file.
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
    // What it used is this repository's, whoever wrote it down and when.
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
fn a_batch_whose_making_was_not_heard_of_is_found_by_its_name() {
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
fn after_kill_9_while_a_batch_is_made_it_is_found_by_its_name() {
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
fn an_edit_meanwhile_is_answered_at_once() {
    let model = FakeModel::new();
    model.with_batches().hold_batches();
    let (home, repo) = (home(&model), repository());
    let _daemon = home.daemon(&[&repo.at("")]);
    until("looked at", || model.batch_calls("look") >= 3);
    let edited = repo.at("part3/file3.py");
    repo.write("part3/file3.py", "\"\"\"Another.\"\"\"\n\nTHREE = 3\n");
    home.run(&["wait", &edited, "--timeout", "35"]).expect(0);
    let words = home.node(&edited, 0)["summary"].clone();
    assert_eq!(model.since(0), (1, 0));
    model.release_batches();
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    assert_eq!(home.node(&edited, 0)["summary"], words);
    assert_eq!(model.since(0), (1, DIRECTORIES));
    check_batches(&model, &[FILES]);
}

#[test]
fn a_batch_is_no_larger_than_the_days_budget() {
    let model = FakeModel::new();
    model.with_batches();
    let home = Home::with_model(
        &model,
        "batch = \"auto\"\n\n[budget]\nconfirm_above = 0\nmax_requests_per_day = 204",
    );
    let repo = repository();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.run(&["wait", &repo.at(""), "--timeout", "35"]);
    check_batches(&model, &[204]);
    assert_eq!(model.since(0), (0, 0));
    assert_eq!(home.status()["requests"]["today"], 204);
}
