//! SIGTERM and SIGKILL at any moment: paid summaries are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Alone, FakeModel, Home, Repo, every, first_not_fresh, until};

const WORKERS: usize = 4;
/// The number of files and directories of [`repository`].
const NODES: usize = 48 + 10;

fn repository() -> Repo {
    let repo = Repo::new();
    for number in 0..48 {
        let path = format!("part{}/sub{}/file{number}.py", number % 3, number % 2);
        repo.write(
            &path,
            format!("\"\"\"Number {number}.\"\"\"\n\nVALUE = {number}\n"),
        );
    }
    repo
}

fn home(model: &FakeModel) -> Home {
    Home::with_model(model, &format!("max_workers = {WORKERS}"))
}

/// The number of requests for each subject.
fn request_counts(model: &FakeModel) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for request in model.requests() {
        *times.entry(request.subject()).or_default() += 1;
    }
    times
}

/// All summaries that the daemon serves.
fn shown(home: &Home, repo: &Repo) -> BTreeSet<String> {
    let target = repo.at("");
    let Ok(answer) = home.try_http("GET", &format!("/v1/node?path={target}&depth=99"), "") else {
        return BTreeSet::new();
    };
    if answer.status != 200 {
        return BTreeSet::new();
    }
    every(&answer.json())
        .iter()
        .filter(|node| node["draft"] != true)
        .filter_map(|node| node["summary"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn after_kill_9_only_requests_in_flight_are_repeated() {
    let model = FakeModel::new();
    model.hold_after(20);
    let (home, repo) = (home(&model), repository());
    let daemon = home.daemon(&[&repo.at("")]);
    until("twenty responses, all shown, and four in flight", || {
        model.responded() == 20 && model.in_flight() == WORKERS && shown(&home, &repo).len() == 20
    });
    daemon.kill9();
    model.wait_idle();
    let in_flight: BTreeSet<String> = model
        .requests()
        .iter()
        .filter(|request| request.status.is_none())
        .map(|request| request.subject())
        .collect();
    assert_eq!(in_flight.len(), WORKERS);
    model.release();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    let times = request_counts(&model);
    assert_eq!(times.len(), NODES);
    for (question, times) in times {
        let allowed = if in_flight.contains(&question) { 2 } else { 1 };
        assert_eq!(times, allowed, "{question}");
    }
}

#[test]
fn summaries_that_were_shown_survive_kill_9_at_any_moment() {
    for seed in 0..5 {
        let mut random = fastrand::Rng::with_seed(seed);
        let model = FakeModel::new();
        model.latency(12);
        let (home, repo) = (home(&model), repository());
        // The summaries shown before each kill, and the number of requests by then.
        let mut kills: Vec<(usize, BTreeSet<String>)> = Vec::new();
        // Twice, because a store that was repaired once has to survive again.
        for _ in 0..2 {
            let daemon = home.daemon(&[&repo.at("")]);
            let moment = (model.responded() + random.usize(1..25)).min(NODES - 4);
            until("the moment of the kill", || model.responded() >= moment);
            let shown = shown(&home, &repo);
            daemon.kill9();
            model.wait_idle();
            kills.push((model.count(), shown));
        }
        let _daemon = home.daemon(&[&repo.at("")]);
        home.wait(&repo);
        let tree = home.node(&repo.at(""), 99);
        assert_eq!(first_not_fresh(&tree), None, "seed {seed}");
        let summaries: Vec<String> = model
            .requests()
            .iter()
            .map(|request| FakeModel::summary(request.kind, &request.content))
            .collect();
        for (count, shown) in &kills {
            assert!(
                *count < summaries.len(),
                "the kill came too late to test anything"
            );
            for later in &summaries[*count..] {
                assert!(
                    !shown.contains(later),
                    "seed {seed}: shown before, but requested again: {later}"
                );
            }
        }
        assert!(
            kills.iter().any(|(_, shown)| shown.len() > 1),
            "seed {seed}"
        );
        // Each kill also costs the requests in flight and the few responses that were being stored.
        let distinct: BTreeSet<&String> = summaries.iter().collect();
        assert_eq!(distinct.len(), NODES, "seed {seed}");
        let again = summaries.len() - NODES;
        assert!(
            again <= kills.len() * 3 * WORKERS,
            "seed {seed}: {again} repeated requests"
        );
    }
}

#[test]
fn sigterm_loses_no_response() {
    for (moment, signal) in [(7, Signal::TERM), (31, Signal::INT)] {
        let model = FakeModel::new();
        model.latency(40);
        let (home, repo) = (home(&model), repository());
        let mut daemon = home.daemon(&[&repo.at("")]);
        until("the moment of the end", || model.responded() >= moment);
        let begun = Instant::now();
        daemon.signal(signal);
        assert_eq!(daemon.ended().code(), Some(0));
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        assert!(
            model.count() < NODES,
            "the end came too late to test anything"
        );
        let _daemon = home.daemon(&[&repo.at("")]);
        home.wait(&repo);
        let times = request_counts(&model);
        assert_eq!(times.len(), NODES);
        for (question, times) in times {
            assert_eq!(times, 1, "{question}");
        }
    }
}

#[test]
fn sigterm_does_not_wait_for_a_model_that_never_responds() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (home(&model), repository());
    let mut daemon = home.daemon(&[&repo.at("")]);
    until("requests in flight", || model.in_flight() == WORKERS);
    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_killed_index_resumes() {
    let model = FakeModel::new();
    model.latency(60).hold_after(20);
    let (home, repo) = (home(&model), repository());
    let mut index = home
        .command(&["index", &repo.at("")])
        .spawn_alone()
        .unwrap();
    until("twenty responses and four in flight", || {
        model.responded() == 20 && model.in_flight() == WORKERS
    });
    index.kill().unwrap();
    index.wait().unwrap();
    model.wait_idle();
    model.release();
    home.run(&["index", &repo.at("")]).expect(0);
    let again = model.count() - NODES;
    // The four in flight, and at most as many that were being stored.
    assert!(
        (WORKERS..=2 * WORKERS).contains(&again),
        "{again} repeated requests"
    );
}

#[test]
fn after_a_kill_and_a_restart_the_tree_is_correct() {
    let (home, repo) = (Home::new(), repository());
    for round in 0..4 {
        let daemon = home.daemon(&[&repo.at("")]);
        repo.write(&format!("part0/new{round}.py"), format!("NEW = {round}\n"));
        repo.append("part1/sub1/file1.py", &format!("# {round}\n"));
        if round % 2 == 0 {
            home.wait(&repo);
        }
        daemon.kill9();
    }
    repo.remove("part2");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let served = home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    let new_index = Home::new()
        .run(&["index", &repo.at(""), "--json"])
        .expect(0)
        .stdout;
    assert_eq!(served, new_index);
}
