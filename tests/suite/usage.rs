//! The model's usage, counted by day and repository, and the daily budget.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::harness::{CACHED, FakeModel, Home, Reply, Repo, every, find, first_not_fresh, until};

const PRICES: &str = "price_per_million_input = 1000.0\nprice_per_million_cached = 500.0\n\
                      price_per_million_output = 2000.0\n";

/// Days begin at 00:00 UTC: waits until that has passed if it is near.
fn far_from_midnight() {
    const DAY: u64 = 86_400;
    let near = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_secs() % DAY >= DAY - 60
    };
    while near() {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// A repository with `files` files in its root.
fn flat(files: usize) -> Repo {
    let repo = Repo::new();
    for number in 0..files {
        repo.write(&format!("file{number}.py"), format!("N = {number}\n"));
    }
    repo
}

fn number(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or_else(|| panic!("{name}: {of}"))
}

fn of_repository<'v>(usage: &'v Value, repo: &Repo) -> &'v Value {
    let path = repo.at("");
    let all = usage[0]["repositories"].as_array().unwrap().iter();
    let mut found = all.filter(|one| one["path"] == path.trim_end_matches('/'));
    found.next().unwrap_or_else(|| panic!("{path}: {usage}"))
}

#[test]
fn usage_is_counted_by_day_and_repository_and_survives_kill_9() {
    far_from_midnight();
    let model = FakeModel::new();
    let boom = |reply: Reply, times| {
        model.fail(times, reply, |request| request.content.contains("boom"));
    };
    boom(Reply::Status(500, Vec::new(), "oops".to_owned()), 1);
    let home = Home::with_model(&model, PRICES);
    let (one, two) = (flat(2), flat(0));
    two.write("deep/er/boom.py", "boom = 1\n");
    let daemon = home.daemon(&[&one.at(""), &two.at("")]);
    home.wait(&one);
    home.wait(&two);
    // First repository: two files and the root. Second: a file, three folders, and one retry.
    let usage = home.status()["usage"].clone();
    assert_eq!(usage.as_array().unwrap().len(), 1);
    for (repo, requests, retried) in [(&one, 3, 0), (&two, 5, 1)] {
        let used = of_repository(&usage, repo);
        assert_eq!(
            (number(used, "requests"), number(used, "retried")),
            (requests, retried)
        );
        let answered = requests - retried;
        assert_eq!(number(used, "completion_tokens"), 20 * answered);
        assert_eq!(number(used, "cached_tokens"), CACHED as u64 * answered);
        let (prompt, cached) = (number(used, "prompt_tokens"), number(used, "cached_tokens"));
        assert!(prompt >= 300 * answered, "{used}");
        let micros = (prompt - cached) * 1_000 + cached * 500 + 20 * answered * 2_000;
        let cost = used["cost"].as_f64().unwrap();
        assert!((cost - micros as f64 / 1e6).abs() < 1e-9, "{used}");
    }
    assert_eq!(number(&usage[0], "requests"), 8);

    // The model keeps the earlier summary: nothing above is requested.
    boom(Reply::Text("UNCHANGED"), 1);
    two.append("deep/er/boom.py", "boom = 2\n");
    home.wait(&two);
    let usage = home.status()["usage"].clone();
    let used = of_repository(&usage, &two);
    assert_eq!((number(used, "unchanged"), number(used, "spared")), (1, 3));
    assert_eq!(number(used, "requests"), 6);

    let metrics = home.http("GET", "/metrics", "").expect(200).body;
    let path = two.at("");
    let path = path.trim_end_matches('/');
    for (name, value) in [
        ("requests_total", "6"),
        ("retries_total", "1"),
        ("unchanged_total", "1"),
        ("spared_directories_total", "3"),
    ] {
        let line = format!("epitome_repository_{name}{{repository=\"{path}\"}} {value}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    let line = format!(
        "epitome_repository_tokens_total{{repository=\"{path}\",kind=\"completion\"}} 100\n"
    );
    assert!(metrics.contains(&line), "{line}{metrics}");

    daemon.kill9();
    let _daemon = home.daemon(&[&one.at(""), &two.at("")]);
    let status = home.status();
    assert_eq!(status["usage"], usage, "over kill -9");
    assert_eq!(number(&status["requests"], "today"), 9);
    assert_eq!(
        number(&status["repositories"][0]["used"], "requests"),
        0,
        "since the start"
    );
    let text = home.run(&["status"]).expect(0).stdout;
    assert!(
        text.contains(&format!("{path}: 6 requests (1 retried)")),
        "{text}"
    );
    assert!(text.contains("3 folders skipped · cost "), "{text}");
    assert_eq!(model.count(), 9);
}

#[test]
fn an_index_that_spends_the_budget_shows_all_paid_summaries() {
    far_from_midnight();
    let model = FakeModel::new();
    let configured = "[budget]\nmax_requests_per_day = 4\n";
    let (home, repo) = (Home::with_model(&model, configured), flat(9));
    let done = home.run(&["index", &repo.at(""), "--json"]).expect(1);
    let tree = done.json();
    let paid = every(&tree);
    let paid = paid.iter().filter(|node| node["freshness"] == "fresh");
    assert_eq!((paid.count(), model.count()), (4, 4), "{done:?}");
}

#[test]
fn a_spent_budget_survives_restarts_and_outlines_stay_current() {
    far_from_midnight();
    for budget in [
        "max_requests_per_day = 4",
        // A request takes a little over 320 tokens and costs a little over 0.32.
        "max_tokens_per_day = 1000",
        "max_cost_per_day = 1.0",
    ] {
        let model = FakeModel::new();
        let prices = "price_per_million_input = 1000.0\nprice_per_million_output = 1000.0\n";
        let configured = format!("{prices}\n[budget]\n{budget}\n");
        let (home, repo) = (Home::with_model(&model, &configured), flat(9));
        let daemon = home.daemon(&[&repo.at("")]);
        let done = home.run(&["wait", &repo.at(""), "--timeout", "35"]);
        assert!(
            done.stderr.contains("budget is spent"),
            "{budget}: {done:?}"
        );
        // Requests in flight are not counted yet.
        until("four counted responses", || {
            home.status()["requests"]["today"] == 4 && model.in_flight() == 0
        });
        assert_eq!(model.count(), 4, "{budget}: exactly four requests");
        daemon.kill9();

        let daemon = home.daemon(&[&repo.at("")]);
        home.run(&["wait", &repo.at(""), "--timeout", "35"]);
        let tree = home.json(&["tree", &repo.at(""), "--json"]);
        let children = tree["children"].as_array().unwrap();
        let written = children
            .iter()
            .find(|node| node["freshness"] == "fresh")
            .unwrap();
        let path = written["path"].as_str().unwrap().to_owned();
        repo.append(&path, "MORE = 1\n");
        repo.write("new.py", "def new():\n    pass\n");
        home.run(&["wait", &repo.at(""), "--timeout", "35"]);
        let tree = home.json(&["tree", &repo.at(""), "--json"]);
        let edited = find(&tree, &path);
        assert_eq!(
            (&edited["freshness"], &edited["summary"]),
            (&"stale".into(), &written["summary"])
        );
        assert_ne!(edited["digest"], written["digest"]);
        let new = find(&tree, "new.py");
        assert_eq!(
            (&new["freshness"], &new["elements"][0]["name"]),
            (&"pending".into(), &"new".into())
        );
        let status = home.status();
        assert_eq!(status["budget"]["spent"], true, "{budget}: {status}");
        let until = status["budget"]["until"].as_str().unwrap();
        assert!(until.ends_with("T00:00:00Z"), "{until}");
        assert_eq!(status["repositories"][0]["state"], "paused");
        let key = budget.split(' ').next().unwrap();
        let notes = status["notes"].to_string();
        assert!(
            notes.contains(key) && notes.contains("00:00 UTC"),
            "{notes}"
        );
        let text = home.run(&["status"]).expect(0).stdout;
        assert!(text.contains("spent: requests resume in "), "{text}");
        assert_eq!(model.count(), 4, "{budget}: no request after the kill");

        daemon.terminate();
        home.use_model(&model, prices);
        let _daemon = home.daemon(&[&repo.at("")]);
        home.wait(&repo);
        assert_eq!(first_not_fresh(&home.node(&repo.at(""), 9)), None);
        assert_eq!(home.status()["budget"]["spent"], false);
    }
}

#[test]
fn money_without_prices_is_a_clear_error() {
    let home = Home::with("[budget]\n\nmax_cost_per_day = 2.5\n");
    let done = home.run(&["index", "--dry-run"]).expect(1);
    assert!(
        done.stderr
            .contains("config.toml:3: budget.max_cost_per_day"),
        "{done:?}"
    );
    assert!(
        done.stderr.contains("openai.price_per_million_input"),
        "{done:?}"
    );
}
