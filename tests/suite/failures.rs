//! Every way in which a model fails, through the real program: what passes is tried again, what does not is said
//! once, and nothing that was had is lost.

use std::net::TcpListener;

use serde_json::Value;

use crate::harness::{FakeModel, Home, Kind, Reply, Repo, every, find, first_not_fresh, until};

/// A deep file of the made package, and how many directories hold it, the root among them.
const DEEP: &str = "src/shop/money/rates/table.py";
const ABOVE: u64 = 5;

fn error(message: &str, code: &str) -> String {
    format!("{{\"error\":{{\"message\":\"{message}\",\"type\":\"{code}\",\"code\":\"{code}\"}}}}")
}

/// What the status has to say.
fn notes(home: &Home) -> String {
    home.status()["notes"].to_string()
}

/// The package with a model, indexed with `openai` in the configuration; every node has to be fresh.
#[track_caller]
fn indexed(model: &FakeModel, openai: &str) -> Value {
    let (home, repo) = (Home::asking(model, openai), Repo::package());
    let done = home.run(&["index", &repo.at(""), "--json"]).expect(0);
    let tree = done.json();
    assert_eq!(first_not_fresh(&tree), None, "{}", done.stderr);
    tree
}

#[test]
fn an_endpoint_that_answers_nobody_for_a_while_costs_no_node_its_summary() {
    let model = FakeModel::new();
    model.fail(40, Reply::Status(500, vec![], error("oops", "")), |_| true);
    let (home, repo) = (Home::asking(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    until("it is said", || notes(&home).contains("500"));
    until("asked often enough", || model.count() >= 12);
    // It is broken and not one of the requests: one at a time finds out when that is over.
    until("one probes", || home.status()["requests"]["limit"] == 1);
    model.heal();
    home.wait(&repo);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    assert_eq!(notes(&home), "[]");
}

#[test]
fn each_status_that_passes_is_tried_again() {
    const PASSING: [u16; 8] = [408, 409, 425, 500, 502, 503, 504, 529];
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, ""), Repo::new());
    for status in PASSING {
        repo.write(&format!("s{status}.py"), format!("STATUS = {status}\n"));
        let refusal = Reply::Status(status, vec![], error("not now", ""));
        model.fail(1, refusal, move |request| {
            request.kind == Kind::File && request.content.contains(&status.to_string())
        });
    }
    let done = home.run(&["index", &repo.at(""), "--json"]).expect(0);
    assert_eq!(first_not_fresh(&done.json()), None, "{}", done.stderr);
    assert_eq!(model.since(0), (2 * PASSING.len(), 1));
}

#[test]
fn what_the_endpoint_calls_useless_is_not_asked_again_and_holds_nothing_up() {
    let model = FakeModel::new();
    let useless = vec![("x-should-retry", "false".to_owned())];
    let refusal = Reply::Status(500, useless, error("all my own tries failed", ""));
    model.fail(1, refusal, |request| request.content.contains("class Cart"));
    let (home, repo) = (Home::asking(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    let wait = home.wait(&repo);
    assert!(wait.stderr.contains("all my own tries failed"), "{wait:?}");
    assert_eq!(model.count(), 18);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(find(&tree, "src/shop/cart.py")["freshness"], "failed");
    assert_eq!(find(&tree, "src/shop")["left_out"][0], "cart.py");
}

#[test]
fn what_is_not_answered_in_time_is_asked_again() {
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
    let words =
        "<think>\nA cart? Let me see.\n\nYes.\n</think>\n\nHolds what is bought. Adds it up.";
    model.fail(1, Reply::SummaryRef(words), |request| {
        request.content.contains("class Cart")
    });
    // Nothing but thoughts is nothing.
    model.fail(1, Reply::SummaryRef("<think>Hm.</think>"), |request| {
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
fn the_name_of_the_cap_that_an_endpoint_wants_is_found_out_once() {
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
fn an_endpoint_that_is_down_is_waited_for_and_all_heals_by_itself() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let (home, repo) = (Home::new(), Repo::package());
    home.configure(&format!(
        "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = \"http://127.0.0.1:{port}/v1\"\nmodel = \"fake-1\"\n"
    ));
    let _daemon = home.daemon(&[&repo.at("")]);
    until("it is said", || notes(&home).contains("cannot connect"));
    assert_eq!(home.status()["repositories"][0]["state"], "paused");
    // What needs no model is there.
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
fn words_that_still_hold_spare_all_above() {
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let before = home.node(&repo.at(DEEP), 0);
    assert_eq!(model.count(), 18);
    model.fail(1, Reply::SummaryRef("UNCHANGED"), |_| true);
    repo.append(DEEP, "\n\ndef more():\n    return 2\n");
    home.wait(&repo);
    assert_eq!(model.since(18), (1, 0));
    let asked = model.requests().pop().unwrap();
    let earlier = before["summary"].as_str().unwrap();
    assert!(asked.body.to_string().contains(earlier), "it was told");
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
fn words_that_are_kept_too_often_are_asked_for_anew() {
    const SHOWN: &str = "Before its last change this was its paragraph";
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    // A lazy one: whatever it may keep, it keeps.
    model.fail(usize::MAX, Reply::SummaryRef("UNCHANGED"), |request| {
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
        let asked = &model.requests()[before];
        assert!(asked.content.contains(&format!("more_{kept}")));
        if !asked.body.to_string().contains(SHOWN) {
            break;
        }
        kept += 1;
        assert_eq!(model.count(), before + 1);
    }
    assert_eq!(kept, 8);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    let asked = model.requests();
    let file = asked.iter().rfind(|request| request.kind == Kind::File);
    let words = FakeModel::words(Kind::File, &file.unwrap().content);
    assert_eq!(find(&tree, DEEP)["summary"], words);
}
