//! Counts the requests: one for each changed file, one for each directory whose children's summaries changed, no more.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use crate::harness::{
    API_KEY, FakeModel, Home, Kind, Reply, Repo, copy_folder, every, find, first_not_fresh, until,
};

/// A deep file of the sample package, and the number of directories above it, including the root.
const DEEP: &str = "src/shop/money/rates/table.py";
const ABOVE: usize = 5;

/// A model, a user, a repository and a daemon that has indexed it.
macro_rules! indexed {
    ($model:ident, $home:ident, $repo:ident, $daemon:ident) => {
        let $model = FakeModel::new();
        let ($home, $repo) = (Home::with_model(&$model, ""), Repo::package());
        let $daemon = $home.daemon(&[&$repo.at("")]);
        $home.wait(&$repo);
        let tree = $home.json(&["tree", &$repo.at(""), "--json"]);
        assert_eq!(first_not_fresh(&tree), None);
    };
}

#[test]
fn a_first_index_requests_each_file_and_directory_once() {
    indexed!(model, home, repo, _daemon);
    assert_eq!(model.since(0), (11, 7), "the empty file costs nothing");
    let requests = model.requests();
    let subjects: BTreeSet<String> = requests.iter().map(|request| request.subject()).collect();
    assert_eq!(subjects.len(), 18);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    let cart = find(&tree, "src/shop/cart.py");
    let request = requests
        .iter()
        .find(|request| request.content.contains("class Cart"))
        .unwrap();
    assert_eq!(
        cart["summary"],
        FakeModel::summary(Kind::File, &request.content)
    );
    assert_eq!(cart["model"], "fake-1");
    for request in &requests {
        assert_eq!(request.authorization, format!("Bearer {API_KEY}"));
        assert_eq!(request.body["model"], "fake-1");
    }
    let status = home.status();
    assert_eq!(
        (&status["provider"], &status["model"]),
        (&"openai".into(), &"fake-1".into())
    );
    let used = &status["requests"];
    assert_eq!(
        (&used["sent"], &used["succeeded"]),
        (&18.into(), &18.into())
    );
    assert_eq!(
        (&used["failed"], &used["in_flight"]),
        (&0.into(), &0.into())
    );
    assert_eq!(
        (&used["completion_tokens"], &used["today"]),
        (&360.into(), &18.into())
    );
}

#[test]
fn a_directory_is_requested_with_its_childrens_summaries() {
    indexed!(model, home, repo, _daemon);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    let requests = model.requests();
    for directory in every(&tree)
        .iter()
        .filter(|node| node["kind"] == "directory")
    {
        let summary = directory["summary"].as_str().unwrap();
        let request = requests
            .iter()
            .find(|request| FakeModel::summary(request.kind, &request.content) == summary)
            .unwrap_or_else(|| panic!("no request for {directory}"));
        for child in directory["children"].as_array().unwrap() {
            let name = child["path"].as_str().unwrap().rsplit('/').next().unwrap();
            let line = child["line"].as_str().unwrap();
            assert!(
                request.content.contains(name) && request.content.contains(line),
                "{child}"
            );
        }
    }
}

#[test]
fn equal_files_and_folders_share_one_request() {
    let model = FakeModel::new();
    model.latency(20);
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    for folder in ["a", "b", "c/d"] {
        repo.write(&format!("{folder}/same.py"), "def same():\n    return 1\n");
    }
    home.run(&["index", &repo.at("")]).expect(0);
    // One file; a, b and c/d in one; c; the root.
    assert_eq!(model.since(0), (1, 3));
}

#[test]
fn a_second_clone_costs_nothing() {
    indexed!(model, home, repo, _daemon);
    let clone = Repo::new();
    copy_folder(&repo.root(), &clone.root());
    home.run(&["watch", &clone.at("")]).expect(0);
    home.wait(&clone);
    assert_eq!(model.count(), 18);
    let trees = [&repo, &clone].map(|repo| home.run(&["tree", &repo.at(""), "--json"]).stdout);
    assert_eq!(trees[0], trees[1]);
}

#[test]
fn an_edit_requests_the_file_and_the_folders_above_it() {
    indexed!(model, home, repo, _daemon);
    repo.append(DEEP, "\n\ndef more():\n    return 2\n");
    home.wait(&repo);
    assert_eq!(model.since(18), (1, ABOVE));
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    let request = model.requests().pop().unwrap();
    assert_eq!(
        tree["summary"],
        FakeModel::summary(Kind::Directory, &request.content),
        "the root is requested last"
    );
}

#[test]
fn a_batch_of_edits_requests_each_folder_once() {
    indexed!(model, home, repo, _daemon);
    model.latency(40);
    for path in [
        DEEP,
        "src/shop/money/rates/fetch.py",
        "src/shop/money/amount.py",
        "src/shop/cart.py",
        "tests/test_cart.py",
    ] {
        repo.append(path, "\n\ndef more():\n    return 2\n");
    }
    home.wait(&repo);
    assert_eq!(model.since(18), (5, ABOVE + 1));
}

#[test]
fn saving_again_and_undoing_cost_nothing() {
    indexed!(model, home, repo, _daemon);
    let text = repo.read(DEEP);
    // The same bytes, a new time and a new inode.
    repo.write("src/shop/money/rates/new", &text);
    repo.rename("src/shop/money/rates/new", DEEP);
    home.wait(&repo);
    assert_eq!(model.count(), 18);
    repo.append(DEEP, "\nX = 1\n");
    home.wait(&repo);
    let edited = model.count();
    assert!(edited > 18);
    repo.write(DEEP, &text);
    home.wait(&repo);
    assert_eq!(model.count(), edited, "an undo costs nothing");
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
}

#[test]
fn white_space_costs_nothing_and_lines_move() {
    indexed!(model, home, repo, _daemon);
    let path = repo.at("src/shop/cart.py");
    let before = home.node(&path, 0);
    let text = repo.read("src/shop/cart.py");
    repo.write(
        "src/shop/cart.py",
        text.replace("\n\n\nclass", "\n\n\n\n\nclass")
            .replace(", ", ",  "),
    );
    home.wait(&repo);
    assert_eq!(model.count(), 18);
    let after = home.node(&path, 0);
    assert_eq!(after["freshness"], "fresh");
    assert_eq!(after["summary"], before["summary"]);
    assert_ne!(after["digest"], before["digest"]);
    let line = |node: &serde_json::Value| node["elements"][0]["line_start"].as_u64().unwrap();
    assert_eq!(line(&after), line(&before) + 2);
}

#[test]
fn a_rename_requests_no_file() {
    indexed!(model, home, repo, _daemon);
    repo.rename(DEEP, "src/shop/money/rates/sheet.py");
    home.wait(&repo);
    let (files, directories) = model.since(18);
    assert_eq!(files, 0);
    assert!((1..=ABOVE).contains(&directories), "{directories}");
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    assert!(find(&tree, "src/shop/money/rates/sheet.py")["summary"].is_string());
}

#[test]
fn a_renamed_folder_requests_nothing_in_it() {
    indexed!(model, home, repo, _daemon);
    repo.rename("src/shop/money", "src/shop/coins");
    home.wait(&repo);
    // shop, src and the root.
    assert_eq!(model.since(18), (0, 3));
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    find(&tree, "src/shop/coins/rates/table.py");
    // The new place is watched.
    repo.append("src/shop/coins/rates/table.py", "\nX = 1\n");
    home.wait(&repo);
    assert_eq!(model.since(21), (1, ABOVE));
}

#[test]
fn a_restart_costs_nothing() {
    indexed!(model, home, repo, daemon);
    let before = home.run(&["tree", &repo.at(""), "--json"]).stdout;
    daemon.terminate();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(model.count(), 18);
    assert_eq!(home.run(&["tree", &repo.at(""), "--json"]).stdout, before);
}

#[test]
fn after_a_restart_only_files_edited_meanwhile_are_requested() {
    indexed!(model, home, repo, daemon);
    daemon.terminate();
    repo.append(DEEP, "\nX = 1\n");
    repo.write("docs/new.md", "# New\n\nA page.\n");
    repo.remove("src/shop/cart.py");
    repo.rename("pyproject.toml", "setup.toml");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    // table.py and new.md; the five above the first, and docs.
    assert_eq!(model.since(18), (2, ABOVE + 1));
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    assert_eq!(
        (&tree["files"], &tree["directories"]),
        (&12.into(), &6.into())
    );
}

#[test]
fn an_equal_summary_requests_nothing_above() {
    let model = FakeModel::new();
    model.constant();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    for path in ["a/b/one.py", "a/two.py", "three.py"] {
        repo.write(path, format!("name = \"{path}\"\n"));
    }
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(model.since(0), (3, 3));
    repo.append("a/b/one.py", "more = 1\n");
    home.wait(&repo);
    assert_eq!(model.since(6), (1, 0));
}

#[test]
fn exactly_as_many_requests_are_in_flight_as_configured() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (Home::with_model(&model, "max_workers = 3"), Repo::new());
    for number in 0..20 {
        repo.write(
            &format!("{}/{number}.py", number % 4),
            format!("n = {number}\n"),
        );
    }
    let _daemon = home.daemon(&[&repo.at("")]);
    until("three at once", || model.in_flight() == 3);
    assert_eq!(home.status()["requests"]["in_flight"], 3);
    model.latency(5).release();
    home.wait(&repo);
    assert_eq!((model.max_in_flight(), model.count()), (3, 25));
}

#[test]
fn many_saves_in_a_row_cost_one_request_and_wait_ends_the_quiet_time() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "quiet_ms = 25000");
    let repo = Repo::package();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let path = repo.at(DEEP);
    let begun = Instant::now();
    for number in 0..5 {
        let before = home.node(&path, 0);
        repo.append(DEEP, &format!("X{number} = 1\n"));
        until("the save is seen", || {
            home.node(&path, 0)["digest"] != before["digest"]
        });
        assert_eq!(home.node(&path, 0)["freshness"], "stale");
    }
    if begun.elapsed().as_secs() < 20 {
        assert_eq!(
            model.count(),
            18,
            "requested before the quiet time was over"
        );
    }
    home.wait(&repo);
    assert_eq!(model.since(18), (1, ABOVE));
    assert!(
        begun.elapsed().as_secs() < 25,
        "the wait did not end the quiet time"
    );
}

#[test]
fn a_file_is_requested_after_its_quiet_time_without_a_wait() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "quiet_ms = 100");
    let repo = Repo::package();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    repo.append(DEEP, "X = 1\n");
    until("the requests are sent", || model.since(18) == (1, ABOVE));
    until("fresh", || {
        home.node(&repo.at(""), 0)["freshness"] == "fresh"
    });
}

#[test]
fn a_transient_failure_is_retried_and_nothing_is_lost() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    let pause = vec![("retry-after", "1".to_owned())];
    let failures = [
        (
            "overloaded",
            Reply::Status(500, vec![], "{\"error\":{\"message\":\"oops\"}}".into()),
        ),
        (
            "throttled",
            Reply::Status(429, pause, "{\"error\":{\"message\":\"slow down\"}}".into()),
        ),
        ("garbled", Reply::Garbled),
        ("empty", Reply::Empty),
        ("length", Reply::Length),
        ("dropped", Reply::Dropped),
    ];
    for (name, reply) in failures {
        repo.write(&format!("{name}.py"), format!("why = \"{name}\"\n"));
        model.fail(1, reply, move |request| {
            request.kind == Kind::File && request.content.contains(name)
        });
    }
    let done = home.run(&["index", &repo.at(""), "--json"]).expect(0);
    assert_eq!(first_not_fresh(&done.json()), None, "{}", done.stderr);
    assert_eq!(model.since(0), (12, 1), "each file twice");
    for node in every(&done.json()) {
        let summary = node["summary"].as_str().unwrap();
        assert!(
            summary.ends_with("bytes long.") || summary.ends_with("together."),
            "{node}"
        );
    }
}

#[test]
fn secrets_in_files_stay_on_this_machine() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    let token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let access = "AKIAQ3EGRZ7J5LX2WMTB";
    let private = "MIIEpAIBAAKCAQEA7bq3dmRmh8XzS9eYt0cJ1vZ4uK6wPq2LxNfVbGhTgRyUoIeW";
    repo.write(
        "client.py",
        format!("TOKEN = \"{token}\"\nACCESS = \"{access}\"\n"),
    );
    let (begin, end) = (
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
    );
    repo.write(
        "notes.md",
        format!("# Notes\n\n{begin}\n{private}\n{end}\n\nThe end of the notes.\n"),
    );
    repo.write(".env", format!("API_TOKEN={token}\n"));
    repo.write("plain.py", "x = 1\n");
    home.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(
        model.since(0),
        (3, 1),
        "a file of secrets is not sent at all"
    );
    for request in model.requests() {
        let body = request.body.to_string();
        for secret in [token, access, private] {
            assert!(!body.contains(secret), "{body}");
        }
    }
    assert!(
        model
            .requests()
            .iter()
            .any(|request| request.content.contains("The end of the notes."))
    );
}

#[test]
fn only_the_endpoint_sees_the_key() {
    let model = FakeModel::new();
    let bad = format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {API_KEY}\"}}}}");
    model.fail(1, Reply::Status(400, vec![], bad), |request| {
        request.content.contains("class Cart")
    });
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    let mut output = home.wait(&repo).stderr;
    for verb in ["status", "tree"] {
        output += &home.run(&[verb, "--json"]).stdout;
    }
    output += &home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    output += &daemon.log();
    daemon.terminate();
    assert!(!output.contains(API_KEY), "{output}");
    let kept = stored(&home.data());
    assert!(kept.len() > 1_000, "something is stored");
    let found = kept
        .windows(API_KEY.len())
        .any(|window| window == API_KEY.as_bytes());
    assert!(!found, "the key is in the store");
}

/// All bytes of all files in a folder.
fn stored(folder: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() {
            stored(&path)
        } else {
            fs::read(&path).unwrap()
        });
    }
    all
}
