//! The main promise: a summary of an earlier state is never served as fresh.

use serde_json::Value;

use crate::harness::{
    FakeModel, Home, Kind, Reply, Repo, every, find, first_not_fresh, paths, until,
};

const DEEP: &str = "src/shop/money/rates/table.py";
const ABOVE: [&str; 5] = [
    "",
    "src",
    "src/shop",
    "src/shop/money",
    "src/shop/money/rates",
];

fn bad_request(content: &'static str) -> (Reply, impl Fn(&crate::harness::Request) -> bool) {
    let body =
        "{\"error\":{\"message\":\"this one is refused\",\"type\":\"invalid_request_error\"}}";
    (
        Reply::Status(400, vec![], body.to_owned()),
        move |request| request.kind == Kind::File && request.content.contains(content),
    )
}

#[test]
fn during_the_first_scan_no_existing_file_is_reported_as_missing() {
    let (home, repo) = (Home::new(), Repo::new());
    for number in 0..1_500 {
        repo.write(&format!("d{}/f{number}.txt", number % 150), "a note\n");
    }
    // The first start has an empty store, the second one has records.
    for _ in 0..2 {
        let _daemon = home.daemon(&[&repo.at("")]);
        assert_eq!(home.node(&repo.at("d149/f1499.txt"), 0)["kind"], "file");
        assert_eq!(home.node(&repo.at("d0"), 1)["files"], 10);
        home.run(&["show", &repo.at("none.txt")]).expect(1);
    }
}

#[test]
fn before_the_first_response_everything_is_pending() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    until("all is read", || {
        let status = home.status();
        let of = &status["repositories"][0];
        // The empty file needs no model.
        (&of["pending"], &of["fresh"], &of["state"])
            == (&18.into(), &1.into(), &"summarizing".into())
            // A directory is summarized once everything below it is.
            && home.node(&repo.at(""), 0)["digest"].is_string()
    });
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    for node in every(&tree)
        .iter()
        .filter(|node| node["path"] != "src/shop/py.typed")
    {
        // Offline text stands in for the model's.
        assert_eq!(
            (&node["freshness"], &node["draft"], &node["model"]),
            (&"pending".into(), &true.into(), &"offline".into())
        );
        assert!(node["line"].is_string(), "{node}");
        assert!(node["digest"].is_string(), "{node}");
    }
    model.release();
    home.wait(&repo);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    let status = home.status();
    let of = &status["repositories"][0];
    assert_eq!(
        (&of["state"], &of["fresh"], &of["pending"]),
        (&"idle".into(), &19.into(), &0.into())
    );
}

#[test]
fn a_saved_file_and_all_folders_above_it_are_stale_at_once() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let before = home.node(&repo.at(""), 99);
    assert_eq!(first_not_fresh(&before), None);
    model.hold();
    repo.append(DEEP, "\nX = 1\n");
    for path in [DEEP].iter().chain(&ABOVE) {
        until("it is seen", || {
            home.node(&repo.at(path), 0)["freshness"] != "fresh"
        });
    }
    until("it is requested", || {
        home.run(&["wait", &repo.at(""), "--timeout", "0.1"]).code == Some(5)
            && model.in_flight() == 1
    });
    let after = home.node(&repo.at(""), 99);
    for node in every(&after) {
        let path = node["path"].as_str().unwrap();
        let moved = path == DEEP || ABOVE.contains(&path);
        assert_eq!(
            node["freshness"],
            if moved { "stale" } else { "fresh" },
            "{path}"
        );
        assert_eq!(
            node["summary"],
            find(&before, path)["summary"],
            "the earlier summary is still served"
        );
        assert_eq!(
            node["digest"] == find(&before, path)["digest"],
            !moved,
            "{path}"
        );
    }
    assert_eq!(home.status()["repositories"][0]["stale"], 6);
    model.release();
    home.wait(&repo);
    let settled = home.node(&repo.at(""), 99);
    assert_eq!(first_not_fresh(&settled), None);
    assert_ne!(
        find(&settled, DEEP)["summary"],
        find(&before, DEEP)["summary"]
    );
}

#[test]
fn the_first_query_after_a_save_returns_stale() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    for round in 0..6 {
        model.hold();
        let path = if round % 2 == 0 { DEEP } else { "" };
        repo.append(DEEP, &format!("X{round} = 1\n"));
        let node = home.node(&repo.at(path), 0);
        assert_ne!(node["freshness"], "fresh", "round {round}: {node}");
        model.release();
        home.wait(&repo);
    }
}

#[test]
fn a_new_file_is_pending_and_a_deleted_one_is_gone() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    model.hold();
    repo.write("src/fresh/new.py", "x = 1\n");
    repo.remove("docs/guide.md");
    let mut tree = Value::Null;
    until("both are seen", || {
        tree = home.node(&repo.at(""), 99);
        let paths = paths(&tree);
        paths.contains(&"src/fresh/new.py") && !paths.contains(&"docs")
    });
    for (path, freshness) in [
        ("src/fresh/new.py", "pending"),
        ("src/fresh", "pending"),
        ("src", "stale"),
        ("", "stale"),
    ] {
        assert_eq!(find(&tree, path)["freshness"], freshness, "{path}");
    }
    model.release();
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
}

#[test]
fn a_response_for_earlier_content_is_not_shown_for_later_content() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    model.hold();
    repo.append(DEEP, "FIRST = 1\n");
    until("the first content is requested", || {
        model
            .requests()
            .iter()
            .any(|request| request.content.contains("FIRST"))
    });
    let path = repo.at(DEEP);
    let digest = home.node(&path, 0)["digest"].clone();
    repo.append(DEEP, "SECOND = 2\n");
    until("the second is seen", || {
        home.node(&path, 0)["digest"] != digest
    });
    model.release();
    home.wait(&repo);
    let node = home.node(&path, 0);
    assert_eq!(node["freshness"], "fresh");
    assert_eq!(
        node["summary"],
        FakeModel::summary(Kind::File, &repo.read(DEEP))
    );
}

#[test]
fn a_permanent_failure_is_named_and_blocks_no_other_file() {
    let model = FakeModel::new();
    let (reply, wanted) = bad_request("RATES");
    model.fail(usize::MAX, reply, wanted);
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    let waited = home.wait(&repo);
    assert!(waited.stderr.contains(&repo.at(DEEP)), "{waited:?}");
    assert!(waited.stderr.contains("this one is refused"), "{waited:?}");
    assert_eq!(model.since(0), (11, 7), "it is not tried again");
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    for node in every(&tree) {
        let path = node["path"].as_str().unwrap();
        if path == DEEP {
            assert_eq!(
                (&node["freshness"], &node["draft"]),
                (&"failed".into(), &true.into())
            );
            assert!(
                node["error"]
                    .as_str()
                    .unwrap()
                    .contains("this one is refused"),
                "{node}"
            );
            continue;
        }
        let above = ABOVE.contains(&path);
        assert_eq!(
            node["freshness"],
            if above { "stale" } else { "fresh" },
            "{path}"
        );
        assert!(node["summary"].is_string(), "{path} is written without it");
    }
    assert_eq!(
        find(&tree, "src/shop/money/rates")["left_out"],
        serde_json::json!(["table.py"])
    );
    assert_eq!(home.status()["repositories"][0]["failed"], 1);

    // Fixed: the next edit sends a request again.
    model.heal();
    repo.append(DEEP, "\nX = 1\n");
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    daemon.terminate();
}

#[test]
fn an_edit_that_fails_permanently_stays_stale_with_its_error() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let before = home.node(&repo.at(DEEP), 0);
    let (reply, wanted) = bad_request("POISON");
    model.fail(usize::MAX, reply, wanted);
    repo.append(DEEP, "POISON = 1\n");
    home.wait(&repo);
    let node = home.node(&repo.at(DEEP), 0);
    assert!(
        matches!(node["freshness"].as_str(), Some("stale" | "failed")),
        "{node}"
    );
    assert_eq!(node["summary"], before["summary"]);
    assert!(
        node["error"]
            .as_str()
            .unwrap()
            .contains("this one is refused"),
        "{node}"
    );
    assert_eq!(home.node(&repo.at(""), 0)["freshness"], "stale");
}

#[test]
fn a_bad_key_stops_all_requests_and_is_reported() {
    let model = FakeModel::new();
    let body =
        "{\"error\":{\"message\":\"Incorrect API key provided\",\"code\":\"invalid_api_key\"}}";
    model.fail(
        usize::MAX,
        Reply::Status(401, vec![], body.to_owned()),
        |_| true,
    );
    let (home, repo) = (Home::with_model(&model, "max_workers = 2"), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let sent = model.count();
    assert!((1..=2).contains(&sent), "{sent} requests with a bad key");
    let status = home.status();
    let mut notes = status["notes"].to_string();
    notes += &status["repositories"][0]["notes"].to_string();
    assert!(notes.contains("key"), "{status}");
    let shown = home.run(&["status"]).expect(0).stdout;
    assert!(shown.contains("key"), "{shown}");
    for node in every(&home.node(&repo.at(""), 99)) {
        let rule = node["path"] == "src/shop/py.typed";
        assert_eq!(node["freshness"] == "fresh", rule, "{node}");
    }
    // `index` fails.
    daemon.terminate();
    let done = home.run(&["index", &repo.at("")]).expect(1);
    assert!(done.stderr.contains("key"), "{done:?}");
    // With a valid key a restart continues.
    model.heal();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
}

#[test]
fn after_an_outage_of_the_endpoint_work_continues() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "max_workers = 4"), Repo::package());
    model.fail(
        2,
        Reply::Status(
            503,
            vec![],
            "{\"error\":{\"message\":\"overloaded\"}}".to_owned(),
        ),
        |_| true,
    );
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
    assert_eq!(model.count(), 20);
}

#[test]
fn a_missing_root_is_unreachable_and_its_return_costs_nothing() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    let (inside, away) = (repo.root().join("work"), repo.root().join("away"));
    crate::harness::copy_folder(&Repo::package().root(), &inside);
    let _daemon = home.daemon(&[&repo.at("work")]);
    home.run(&["wait", &repo.at("work"), "--timeout", "30"])
        .expect(0);
    assert_eq!(model.count(), 18);
    std::fs::rename(&inside, &away).unwrap();
    until("unreachable", || {
        home.status()["repositories"][0]["state"] == "unreachable"
    });
    let tree = home.node(&repo.at("work"), 99);
    assert!(
        every(&tree).iter().all(|node| node["freshness"] != "fresh"),
        "{tree}"
    );
    std::fs::rename(&away, &inside).unwrap();
    until("back", || {
        let status = home.status();
        let of = &status["repositories"][0];
        (&of["state"], &of["fresh"]) == (&"idle".into(), &19.into())
    });
    assert_eq!(model.count(), 18);
}
