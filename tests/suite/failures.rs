//! Failures of the model, through the real program: transient ones are retried, permanent ones are reported once, and no
//! summary is lost.

use std::net::TcpListener;

use serde_json::Value;

use crate::harness::{FakeModel, Home, Kind, Reply, Repo, every, find, first_not_fresh, until};

/// A deep file of the sample package, and the number of directories above it, including the root.
const DEEP: &str = "src/shop/money/rates/table.py";
const ABOVE: u64 = 5;

fn error(message: &str, code: &str) -> String {
    format!("{{\"error\":{{\"message\":\"{message}\",\"type\":\"{code}\",\"code\":\"{code}\"}}}}")
}

/// The notes in the status.
fn notes(home: &Home) -> String {
    home.status()["notes"].to_string()
}

/// Indexes the sample package with these lines in `[openai]`; every node has to be fresh. Returns the tree.
#[track_caller]
fn indexed(model: &FakeModel, openai: &str) -> Value {
    let (home, repo) = (Home::with_model(model, openai), Repo::package());
    let done = home.run(&["index", &repo.at(""), "--json"]).expect(0);
    let tree = done.json();
    assert_eq!(first_not_fresh(&tree), None, "{}", done.stderr);
    tree
}

#[test]
fn an_outage_of_the_endpoint_leaves_no_node_without_a_summary() {
    let model = FakeModel::new();
    model.fail(40, Reply::Status(500, vec![], error("oops", "")), |_| true);
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    until("the status reports it", || notes(&home).contains("500"));
    until("enough requests were sent", || model.count() >= 12);
    // The cause is the endpoint, not one request: one request at a time tests when it recovers.
    until("one request at a time", || {
        home.status()["requests"]["limit"] == 1
    });
    model.heal();
    home.wait(&repo);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    assert_eq!(notes(&home), "[]");
}

#[test]
fn each_transient_status_is_retried() {
    const TRANSIENT: [u16; 8] = [408, 409, 425, 500, 502, 503, 504, 529];
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    for status in TRANSIENT {
        repo.write(&format!("s{status}.py"), format!("STATUS = {status}\n"));
        let refusal = Reply::Status(status, vec![], error("not now", ""));
        model.fail(1, refusal, move |request| {
            request.kind == Kind::File && request.content.contains(&status.to_string())
        });
    }
    let done = home.run(&["index", &repo.at(""), "--json"]).expect(0);
    assert_eq!(first_not_fresh(&done.json()), None, "{}", done.stderr);
    assert_eq!(model.since(0), (2 * TRANSIENT.len(), 1));
}

#[test]
fn a_response_marked_as_not_retryable_is_not_retried_and_blocks_no_other() {
    let model = FakeModel::new();
    let useless = vec![("x-should-retry", "false".to_owned())];
    let refusal = Reply::Status(500, useless, error("all upstream attempts failed", ""));
    model.fail(1, refusal, |request| request.content.contains("class Cart"));
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    let wait = home.wait(&repo);
    assert!(
        wait.stderr.contains("all upstream attempts failed"),
        "{wait:?}"
    );
    assert_eq!(model.count(), 18);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(find(&tree, "src/shop/cart.py")["freshness"], "failed");
    assert_eq!(find(&tree, "src/shop")["left_out"][0], "cart.py");
}

#[test]
fn a_request_without_a_response_in_time_is_retried() {
    let model = FakeModel::new();
    model.fail(3, Reply::Stalled, |request| request.kind == Kind::File);
    indexed(&model, "timeout_seconds = 1");
    assert_eq!(model.count(), 18 + 3);
}

#[test]
fn an_output_without_a_sentence_gets_a_larger_cap_for_its_own_retry_only() {
    let model = FakeModel::new();
    model.fail(2, Reply::Length, |request| {
        request.content.contains("class Cart")
    });
    indexed(&model, "max_workers = 1");
    let requests = model.requests();
    let caps = |about_cart: bool| -> Vec<u64> {
        let is_cart = |text: &str| text.contains("class Cart");
        let of = requests
            .iter()
            .filter(|request| is_cart(&request.content) == about_cart);
        of.filter_map(|request| request.body["max_tokens"].as_u64())
            .collect()
    };
    assert_eq!(caps(true), [600, 1_200, 2_400]);
    assert_eq!(caps(false), [600; 17]);
}

#[test]
fn reasoning_is_no_summary() {
    let model = FakeModel::new();
    let text =
        "<think>\nA cart? Let me see.\n\nYes.\n</think>\n\nHolds what is bought. Adds it up.";
    model.fail(1, Reply::Text(text), |request| {
        request.content.contains("class Cart")
    });
    // A response with only reasoning is empty.
    model.fail(1, Reply::Text("<think>Hm.</think>"), |request| {
        request.content.contains("class Amount")
    });
    let tree = indexed(&model, "");
    assert_eq!(
        find(&tree, "src/shop/cart.py")["summary"],
        "Holds what is bought. Adds it up."
    );
    assert!(every(&tree).iter().all(|node| {
        !node["summary"]
            .as_str()
            .unwrap_or_default()
            .contains("think")
    }));
    assert_eq!(model.count(), 18 + 1);
}

#[test]
fn the_parameter_for_the_output_cap_is_detected_once() {
    let model = FakeModel::new();
    let refusal = error(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
    );
    model.fail(usize::MAX, Reply::Status(400, vec![], refusal), |request| {
        request.body.get("max_tokens").is_some()
    });
    indexed(&model, "max_workers = 1");
    let requests = model.requests();
    assert_eq!(requests.len(), 18 + 1);
    for request in &requests[1..] {
        assert!(request.body.get("max_tokens").is_none());
        assert!(request.body["max_completion_tokens"].is_u64());
    }
}

#[test]
fn after_an_outage_everything_recovers_without_help() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let (home, repo) = (Home::new(), Repo::package());
    home.configure(&format!(
        "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = \"http://127.0.0.1:{port}/v1\"\nmodel = \"fake-1\"\n"
    ));
    let _daemon = home.daemon(&[&repo.at("")]);
    until("the status reports it", || {
        notes(&home).contains("cannot connect")
    });
    assert_eq!(home.status()["repositories"][0]["state"], "paused");
    // Everything that needs no model is available.
    let cart = home.node(&repo.at("src/shop/cart.py"), 0);
    assert_eq!(
        (&cart["freshness"], &cart["elements"][0]["name"]),
        (&"pending".into(), &"Cart".into())
    );
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| home.wait(&repo));
        let _model = FakeModel::at(port);
        wait.join().unwrap();
        let tree = home.json(&["tree", &repo.at(""), "--json"]);
        assert_eq!(first_not_fresh(&tree), None);
        assert_eq!(notes(&home), "[]");
    });
}

#[test]
fn an_unchanged_summary_skips_all_requests_above() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let before = home.node(&repo.at(DEEP), 0);
    assert_eq!(model.count(), 18);
    model.fail(1, Reply::Text("UNCHANGED"), |_| true);
    repo.append(DEEP, "\n\ndef more():\n    return 2\n");
    home.wait(&repo);
    assert_eq!(model.since(18), (1, 0));
    let request = model.requests().pop().unwrap();
    let earlier = before["summary"].as_str().unwrap();
    assert!(
        request.body.to_string().contains(earlier),
        "the earlier summary was sent"
    );
    let after = home.node(&repo.at(DEEP), 0);
    assert_eq!(after["summary"], before["summary"]);
    assert_ne!(after["digest"], before["digest"]);
    let requests = &home.status()["requests"];
    assert_eq!(
        (&requests["unchanged"], &requests["spared"]),
        (&1.into(), &ABOVE.into())
    );
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
}

#[test]
fn a_summary_that_was_kept_too_often_is_requested_without_the_earlier_one() {
    const SHOWN: &str = "Before its last change this was its paragraph";
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    // A lazy model: it keeps each earlier summary.
    model.fail(usize::MAX, Reply::Text("UNCHANGED"), |request| {
        request.body.to_string().contains(SHOWN)
    });
    let mut kept = 0;
    while kept < 30 {
        let before = model.count();
        repo.append(
            DEEP,
            &format!("\n\ndef more_{kept}():\n    return {kept}\n"),
        );
        home.wait(&repo);
        let request = &model.requests()[before];
        assert!(request.content.contains(&format!("more_{kept}")));
        if !request.body.to_string().contains(SHOWN) {
            break;
        }
        kept += 1;
        assert_eq!(model.count(), before + 1);
    }
    assert_eq!(kept, 8);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    let requests = model.requests();
    let file = requests.iter().rfind(|request| request.kind == Kind::File);
    let text = FakeModel::summary(Kind::File, &file.unwrap().content);
    assert_eq!(find(&tree, DEEP)["summary"], text);
}
