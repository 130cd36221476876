//! Refusals by the endpoint and their messages, through the real program; and where the key is sent.

use crate::harness::{API_KEY, Alone, FakeModel, Home, Reply, Repo, find};

const DEEP: &str = "src/shop/money/rates/table.py";

fn error(message: &str, code: &str) -> String {
    format!("{{\"error\":{{\"message\":\"{message}\",\"type\":\"{code}\",\"code\":\"{code}\"}}}}")
}

/// A permanent refusal stops all requests at once, and one message says how to fix it.
#[test]
fn a_refusal_that_a_person_must_fix_stops_all_requests_and_is_reported_once() {
    for (status, code, message, hint) in [
        (
            401,
            "invalid_api_key",
            "Incorrect API key provided",
            "check the key",
        ),
        (
            429,
            "insufficient_quota",
            "You exceeded your current quota",
            "add credit",
        ),
        (
            402,
            "402",
            "This request requires more credits",
            "add credit",
        ),
        (
            404,
            "model_not_found",
            "The model `fake-1` does not exist",
            "base_url",
        ),
        (
            400,
            "unsupported_parameter",
            "Unsupported parameter: 'stream'",
            "check [openai] model",
        ),
    ] {
        let model = FakeModel::new();
        model.latency(20);
        let (home, repo) = (Home::with_model(&model, "max_workers = 3"), Repo::package());
        let refusal = Reply::Status(status, vec![], error(message, code));
        model.fail(usize::MAX, refusal, |_| true);
        let daemon = home.daemon(&[&repo.at("")]);
        let wait = home.wait(&repo);
        assert!(wait.stderr.contains(message), "{}", wait.stderr);
        assert!(model.count() <= 3, "{} for {code}", model.count());
        let notes = home.status().to_string();
        assert!(notes.contains(message) && notes.contains(hint), "{notes}");
        let shown = home.run(&["show", &repo.at(DEEP)]).expect(0);
        assert!(shown.stdout.contains(message), "{}", shown.stdout);
        assert!(shown.stdout.contains(hint), "{}", shown.stdout);
        let log = daemon.log();
        let shown = log.lines().filter(|line| line.contains(message)).count();
        assert_eq!(shown, 1, "{log}");
        daemon.terminate();
        // `index` fails, so that a script notices.
        let index = home.run(&["index", &repo.at("")]).expect(1);
        assert!(index.stderr.contains(message), "{}", index.stderr);
        // After the fix a restart is enough.
        model.heal();
        home.run(&["index", &repo.at("")]).expect(0);
    }
}

/// A provider's rules or a firewall may refuse one text. That does not block the others.
#[test]
fn one_forbidden_text_stops_nothing_and_several_in_a_row_stop_all_requests() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "max_workers = 1"), Repo::package());
    repo.write("src/odd.py", "def odd():\n    return 'drop the tables'\n");
    let refusal = || Reply::Status(403, vec![], "<title>Blocked</title>".to_owned());
    model.fail(usize::MAX, refusal(), |request| {
        request.subject().contains("drop the tables")
    });
    let _daemon = home.daemon(&[&repo.at("")]);
    let wait = home.wait(&repo);
    let lines: Vec<&str> = wait.stderr.lines().collect();
    assert!(
        matches!(lines[..], [line] if line.contains("src/odd.py: ") && line.contains("403 Forbidden: Blocked")
            && line.contains("the provider refuses this text")),
        "{lines:?}"
    );
    let tree = home.node(&repo.at(""), 9);
    assert_eq!(find(&tree, "src/odd.py")["freshness"], "failed");
    assert_eq!(find(&tree, DEEP)["freshness"], "fresh");
    assert!(home.status()["notes"].as_array().unwrap().is_empty());
    let count = model.count();
    home.wait(&repo);
    assert_eq!(model.count(), count, "it is not requested again at once");

    // If every text is forbidden, that is detected soon.
    model.fail(usize::MAX, refusal(), |_| true);
    for file in 0..9 {
        let text = format!("def other_{file}():\n    return {file}\n");
        repo.write(&format!("src/other_{file}.py"), text);
    }
    home.wait(&repo);
    assert_eq!(model.count(), count + 3);
    assert!(home.status()["notes"].to_string().contains("Blocked"));
}

/// Each server has its own form for errors; the message in it is shown.
#[test]
fn a_refusal_keeps_its_status_and_message_in_any_form() {
    let shapes = [
        ("openai", error("sent by openai", "invalid_request_error")),
        ("ollama", r#"{"error":"sent by ollama"}"#.to_owned()),
        (
            "vllm",
            r#"{"object":"error","message":"sent by vllm","type":"BadRequestError","param":null,"code":400}"#
                .to_owned(),
        ),
        ("fastapi", r#"{"detail":"sent by fastapi"}"#.to_owned()),
        (
            "pydantic",
            r#"{"detail":[{"loc":["body","messages"],"msg":"sent by pydantic","type":"x"}]}"#.to_owned(),
        ),
        (
            "gemini",
            r#"[{"error":{"code":400,"message":"sent by gemini","status":"INVALID_ARGUMENT"}}]"#.to_owned(),
        ),
        (
            "llamacpp",
            r#"{"error":{"code":400,"message":"sent by llamacpp","type":"invalid_request_error"}}"#.to_owned(),
        ),
        ("plain", "sent by plain\n".to_owned()),
        (
            "proxy",
            "<html><head><title>sent by proxy</title></head><body>nginx</body></html>".to_owned(),
        ),
        ("silent", String::new()),
    ];
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    for (name, body) in &shapes {
        repo.write(&format!("{name}.py"), format!("SHAPE = \"{name}\"\n"));
        let marker = format!("SHAPE = \"{name}\"");
        let refusal = Reply::Status(400, vec![], body.clone());
        model.fail(1, refusal, move |request| request.content.contains(&marker));
    }
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    for (name, body) in &shapes {
        let node = find(&tree, &format!("{name}.py"));
        let shown = match body.is_empty() {
            true => "the endpoint answered 400 Bad Request".to_owned(),
            false => format!("the endpoint answered 400 Bad Request: sent by {name}"),
        };
        assert_eq!(node["error"], shown);
        assert_eq!(node["freshness"], "failed");
    }
    assert_eq!(
        model.count(),
        shapes.len() + 1,
        "no refused request is repeated"
    );
}

#[test]
fn a_redirect_is_reported_and_not_followed() {
    let (model, elsewhere) = (FakeModel::new(), FakeModel::new());
    for status in [301, 307, 308] {
        let place = format!("{}/chat/completions", elsewhere.url());
        let moved = Reply::Status(status, vec![("location", place)], String::new());
        model.fail(usize::MAX, moved, |_| true);
        let (home, repo) = (Home::with_model(&model, "max_workers = 1"), Repo::package());
        let count = model.count();
        let failed = home.run(&["index", &repo.at("")]).expect(1).stderr;
        assert!(failed.contains(&elsewhere.url()), "{failed}");
        assert!(failed.contains("base_url"), "{failed}");
        assert_eq!((model.count(), elsewhere.count()), (count + 1, 0));
        model.heal();
    }
}

#[test]
fn a_key_in_the_environment_alone_causes_no_request() {
    let model = FakeModel::new();
    let (home, repo) = (Home::new(), Repo::package());
    let mut command = home.command(&["index", &repo.at("")]);
    // The variables that other programs use for the endpoint.
    for name in [
        "OPENAI_BASE_URL",
        "OPENAI_API_BASE",
        "HTTP_PROXY",
        "http_proxy",
    ] {
        command.env(name, model.url());
    }
    let done = command.output_alone().unwrap();
    assert!(done.status.success());
    assert_eq!(model.count(), 0);
}

#[test]
fn the_key_is_in_no_log_at_any_level() {
    let model = FakeModel::new();
    let repeated = error(&format!("Incorrect API key provided: {API_KEY}"), "x");
    model.fail(1, Reply::Status(500, vec![], repeated), |_| true);
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let mut command = home.command(&["index", &repo.at(""), "--json"]);
    let done = command.env("EPITOME_LOG", "trace").output_alone().unwrap();
    let shown = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(shown.contains("TRACE"), "{shown}");
    assert!(!shown.contains(API_KEY), "the key is in the log");
}

#[test]
fn the_key_from_a_file_is_sent_trimmed_to_the_configured_endpoint() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    home.use_model(
        &model,
        &format!("api_key_file = \"{}\"", home.temp().join("key").display()),
    );
    // With a line end, as an editor writes it.
    std::fs::write(home.temp().join("key"), "  sk-of-the-file \r\n\n").unwrap();
    home.run(&["index", &repo.at("")]).expect(0);
    let keys: Vec<String> = model
        .requests()
        .into_iter()
        .map(|request| request.authorization)
        .collect();
    assert_eq!(keys, vec!["Bearer sk-of-the-file"; 18]);
}
