//! `epitome mcp`: the handshake, the six tools, their limits, and the errors an agent gets when something is missing.

use std::io::BufRead;

use serde_json::{Value, json};

use crate::harness::{Agent, FakeModel, Home, Repo, encode, until};

#[test]
fn an_agent_learns_a_repository() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    // From a folder in it, as agents are started.
    let mut agent = Agent::start(&home, &repo.at("src"));

    let tools = agent.request("tools/list", json!({}));
    let tools = tools["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "get_overview",
            "get_summary",
            "list_tree",
            "search",
            "list_changes",
            "get_status"
        ]
    );
    for tool in tools {
        assert!(
            tool["description"]
                .as_str()
                .unwrap()
                .starts_with("Call this"),
            "{tool}"
        );
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
    }

    let overview = agent.good("get_overview", json!({}));
    assert!(overview.contains("\nsrc/  "), "{overview}");
    assert!(
        overview.contains("all 19 summaries are fresh"),
        "{overview}"
    );
    assert!(
        overview.contains("## Entry points\nREADME.md  "),
        "{overview}"
    );

    let summary = agent.good(
        "get_summary",
        json!({"paths": ["src/shop/cart.py", "/src/shop/", ""], "detail": "full"}),
    );
    assert!(
        summary.contains("# src/shop/cart.py (python, "),
        "{summary}"
    );
    assert!(summary.contains("4-12 class Cart"), "{summary}");
    assert!(summary.contains("# src/shop/ ("), "{summary}");
    assert!(summary.contains("\nmoney/  "), "{summary}");
    assert!(summary.contains("# ./ ("), "{summary}");
    let line = agent.good("get_summary", json!({"paths": ["src"], "detail": "line"}));
    assert!(line.starts_with("src/  "), "{line}");

    let tree = agent.good("list_tree", json!({"path": "src", "depth": 3}));
    assert!(
        tree.contains("\n  money/  ") && tree.contains("\n    amount.py  "),
        "{tree}"
    );
    let found = agent.good("search", json!({"query": "exchange rates", "kind": "file"}));
    assert!(found.starts_with("src/shop/money/rates/"), "{found}");
    let status = agent.good("get_status", json!({"wait_fresh_ms": 30_000}));
    assert!(
        status.contains("failures: 0") && status.contains(": idle"),
        "{status}"
    );
}

#[test]
fn answers_keep_their_bounds_and_name_what_they_leave_out() {
    let (home, repo) = (Home::new(), Repo::new());
    for folder in 0..20 {
        for file in 0..10 {
            repo.write(
                &format!("folder{folder}/file{file}.py"),
                format!("\"\"\"Number {file} of many that take their room.\"\"\"\n\ndef f{folder}_{file}():\n    return 1\n"),
            );
        }
    }
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut agent = Agent::start(&home, &repo.at(""));
    for (tool, arguments) in [
        ("get_overview", json!({"max_tokens": 300})),
        ("list_tree", json!({"depth": 9, "max_tokens": 300})),
        (
            "get_summary",
            json!({"paths": ["", "folder1"], "detail": "full", "max_tokens": 300}),
        ),
        (
            "search",
            json!({"query": "number", "limit": 100, "max_tokens": 300}),
        ),
        ("list_changes", json!({"since": "1h", "max_tokens": 300})),
        ("list_changes", json!({"since": "1h", "max_tokens": 200})),
    ] {
        let text = agent.good(tool, arguments);
        // Three bytes a token: a bound that holds for any tokenizer on such text.
        assert!(
            text.len() <= 300 * 4,
            "{tool}: {} bytes\n{text}",
            text.len()
        );
        assert!(!text.contains("left out: nothing"), "{tool}: {text}");
    }
    // Optional arguments may be null, as some clients send them.
    let nothing = json!({"wait_fresh_ms": null, "max_tokens": 200});
    let status = agent.good("get_status", nothing);
    assert!(status.len() <= 200 * 4, "{status}");
    let all = agent.good("list_tree", json!({"depth": 9, "max_tokens": 50_000}));
    assert!(all.contains("left out: nothing"), "{all}");
    assert_eq!(all.matches("\n  file").count(), 200);
}

#[test]
fn summaries_that_are_not_fresh_are_marked() {
    let model = FakeModel::new();
    let (home, repo) = (
        Home::with_model(&model, "quiet_ms = 30000"),
        Repo::package(),
    );
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut agent = Agent::start(&home, &repo.at(""));
    repo.write("src/shop/cart.py", "class Basket:\n    pass\n");
    let stale = agent.good("get_summary", json!({"paths": ["src/shop/cart.py"]}));
    assert!(stale.contains(" ~ stale"), "{stale}");
    assert!(!stale.contains("summaries are fresh\n"), "{stale}");
    // A wait ends the quiet time.
    let fresh = agent.good("get_status", json!({"wait_fresh_ms": 60_000}));
    assert!(fresh.contains("all 19 summaries are fresh"), "{fresh}");
    model.hold();
    repo.write("src/shop/cart.py", "class Trolley:\n    pass\n");
    let late = agent.good("get_status", json!({"wait_fresh_ms": 50}));
    assert!(late.contains("not settled in time"), "{late}");
    model.release();
}

#[test]
fn a_waiting_call_returns_when_standard_input_ends() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    model.hold();
    let _daemon = home.daemon(&[&repo.at("")]);
    until("a request is in flight", || model.in_flight() > 0);
    let mut agent = Agent::start(&home, &repo.at(""));
    let call = json!({"name": "get_status", "arguments": {"wait_fresh_ms": 60_000}});
    agent.send(json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}));
    drop(agent.input.take());
    let mut answer = String::new();
    agent.output.read_line(&mut answer).unwrap();
    assert!(
        answer.contains("\"id\":7") && answer.contains("standard input ended"),
        "{answer:?}"
    );
    assert!(answer.contains(" pending"), "{answer:?}");
    model.release();
}

#[test]
fn only_an_ambiguous_argument_is_an_error() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut agent = Agent::start(&home, &repo.at(""));
    for (tool, arguments, named) in [
        ("list_tree", json!({"depth": 2.5}), "depth: 2.5"),
        ("list_tree", json!({"depth": "two"}), "depth: \"two\""),
        ("search", json!({"query": "cart", "limit": -1}), "limit: -1"),
        ("search", json!({"limit": 1}), "missing field `query`"),
        (
            "search",
            json!({"query": "cart", "kind": "symbolic"}),
            "kind: \"symbolic\"",
        ),
        (
            "search",
            json!({"query": "cart", "path_glob": "src/[a"}),
            "the glob \"src/[a\" cannot be read",
        ),
        (
            "search",
            json!({"query": "cart", "path_glob": "!src"}),
            "names no paths",
        ),
    ] {
        let text = agent.bad(tool, arguments);
        assert!(text.contains(named), "{tool}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn sloppy_arguments_are_accepted() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut agent = Agent::start(&home, &repo.at(""));
    let cart = "src/shop/cart.py (python, ";
    for (tool, arguments, contains) in [
        (
            "list_tree",
            json!({"path": "src", "depth": "3"}),
            "    amount.py",
        ),
        (
            "list_tree",
            json!({"path": "src", "depth": 3.0}),
            "    amount.py",
        ),
        ("list_tree", json!({"path": "", "depth": ""}), "\nsrc/  "),
        ("get_summary", json!({"paths": "src/shop/cart.py"}), cart),
        ("get_summary", json!({"path": "src/shop/cart.py"}), cart),
        (
            "get_summary",
            json!({"paths": "[\"src/shop/cart.py\",\"src\"]"}),
            "# src/ (",
        ),
        (
            "get_summary",
            json!({"paths": ["src/shop/cart.py"], "detail": "FULL"}),
            "4-12 class Cart",
        ),
        (
            "search",
            json!({"query": "cart", "limit": "1", "kind": "", "path_glob": ""}),
            "cart.py",
        ),
        ("search", json!({"query": 404}), "No results"),
        ("search", json!({"query": ["cart", "total"]}), "cart.py"),
        ("Get-Status", json!({}), "failures: 0"),
        ("getStatus", json!({}), "failures: 0"),
        (
            "list_tree",
            json!({"path": "/", "depth": {"value": 1}}),
            "src/",
        ),
        (
            "list_tree",
            json!({"args": {"path": {"path": "src"}}}),
            "shop/",
        ),
        (
            "search",
            json!({"query": {"text": "cart"}, "kind": "files only", "repository": "null"}),
            "cart.py",
        ),
        (
            "get_summary",
            json!({"path": "src/shop/cart.py", "line": 9}),
            "7-9",
        ),
        (
            "get_summary",
            json!({"paths": [{"path": "src/shop/cart.py", "symbol": "Cart.total"}]}),
            "11-12",
        ),
        ("get_summary", json!({"symbol": "Cart.total"}), "11-12"),
        (
            "get_overview",
            json!({"max_tokens": "1500", "paths": null}),
            "## Top folders",
        ),
        ("get_status", json!({"wait_fresh_ms": "10"}), "failures: 0"),
    ] {
        let text = agent.good(tool, arguments.clone());
        assert!(text.contains(contains), "{tool} {arguments}: {text}");
    }
    let extra = agent.good(
        "search",
        json!({"query": "cart", "toolCallId": "call_1", "sessionId": 1}),
    );
    assert!(extra.contains("src/shop/cart.py"), "{extra}");
    assert!(
        extra.contains("note: unknown arguments ignored: sessionId, toolCallId"),
        "{extra}"
    );
    let text = json!({"name": "list_tree", "arguments": "{\"path\": \"src\"}"});
    let answer = agent.request("tools/call", text);
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    for arguments in [
        json!([{"path": "src"}]),
        json!("\"{\\\"path\\\": \\\"src\\\"}\""),
    ] {
        let call = json!({"name": "list_tree", "arguments": arguments});
        let answer = agent.request("tools/call", call);
        assert!(answer.to_string().contains("shop/"), "{answer}");
    }
    let answer = agent.request("tools/call", json!({"arguments": {}}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
}

#[test]
fn a_path_has_many_names_and_a_glob_too() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let alias = home.temp().join("alias");
    std::os::unix::fs::symlink(repo.at(""), &alias).unwrap();
    let alias = alias.to_str().unwrap();
    let root = repo.at("");
    let root = root.trim_end_matches('/');
    let mut agent = Agent::start(&home, alias);
    for path in [
        "src/shop/cart.py".to_owned(),
        "./src/shop/cart.py".to_owned(),
        "src/../src/shop/cart.py".to_owned(),
        "src\\shop\\cart.py".to_owned(),
        "@src/shop/cart.py".to_owned(),
        "/src/shop/cart.py".to_owned(),
        "src/shop/cart.py/".to_owned(),
        format!("{root}/src/shop/cart.py"),
        format!("{alias}/src/shop/cart.py"),
        format!("file://{root}/src/shop/cart.py"),
    ] {
        let text = agent.good("get_summary", json!({"paths": [path]}));
        assert!(
            text.starts_with("# src/shop/cart.py (python, "),
            "{path}: {text}"
        );
    }
    for (path, definition) in [
        ("src/shop/cart.py:9", "7-9"),
        ("src/shop/cart.py#L4", "4-12 class Cart"),
        ("src/shop/cart.py:Cart", "4-12 class Cart"),
        ("src/shop/cart.py:Cart.total", "11-12"),
        ("src/shop/cart.py::total", "11-12"),
        ("src/shop/cart.py(9)", "7-9"),
        ("src/shop/cart.py:9, README.md", "7-9"),
        ("src/shop/c%61rt.py:9", "7-9"),
        ("src/shop/cart.py:9:", "7-9"),
        ("\"src/shop/cart.py\", line 9", "7-9"),
        ("src/shop/cart.py:Cart.total(self)", "11-12"),
        ("src/shop/cart.py:0", "no definition holds line 0"),
        ("b/src/shop/cart.py:9", "7-9"),
        ("file://src/shop/cart.py#L9", "7-9"),
        ("Cart.total", "11-12"),
        ("Cart#total", "11-12"),
        ("Cart", "4-12 class Cart"),
        ("shop.cart.Cart.total", "11-12"),
        ("src.shop.cart.Cart", "4-12 class Cart"),
    ] {
        let text = agent.good("get_summary", json!({"paths": [path]}));
        let second = text.lines().nth(2).unwrap_or_default();
        assert!(second.trim().starts_with(definition), "{path}: {text}");
    }
    let none = agent.good(
        "get_summary",
        json!({"paths": ["src/shop/cart.py:Trolley"]}),
    );
    assert!(none.contains("no definition is called Trolley"), "{none}");
    for outside in ["/etc/passwd", "../x", "~/.ssh/id", "file:///etc/passwd"] {
        let text = agent.bad("get_summary", json!({"paths": [outside]}));
        assert!(
            text.contains("outside of the repository"),
            "{outside}: {text}"
        );
    }
    for glob in [
        "src/**".to_owned(),
        "./src/**".to_owned(),
        format!("{root}/src/**"),
        format!("{alias}/src/"),
        "@src/**".to_owned(),
        "src\\**".to_owned(),
    ] {
        let text = agent.good("search", json!({"query": "cart", "path_glob": glob}));
        assert!(text.contains("src/shop/cart.py"), "{glob}: {text}");
        assert!(!text.contains("tests/"), "{glob}: {text}");
    }
    let none = agent.good("search", json!({"query": "cart", "path_glob": "*.zig"}));
    assert!(none.contains("path_glob *.zig matches no file"), "{none}");
    let outside = agent.bad(
        "search",
        json!({"query": "cart", "path_glob": "/etc/**/*.conf"}),
    );
    assert!(outside.contains("outside of the repository"), "{outside}");
    let hit = agent.good("search", json!({"query": "Cart"}));
    assert!(hit.contains("src/shop/cart.py:4-12 class Cart"), "{hit}");
}

#[test]
fn a_target_means_the_same_for_the_command_line_the_socket_and_an_agent() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.init();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let root = repo.at("");
    let root = root.trim_end_matches('/');
    let mut agent = Agent::start(&home, root);
    let file = "src/shop/cart.py";
    let whole: &[&str] = &["Cart", "Cart.add", "Cart.total"];
    // What follows the file, or the whole target, and the definitions that are left.
    let rows: [(String, &[&str]); 18] = [
        (file.to_owned(), whole),
        (format!("./{file}"), whole),
        ("src/money/../shop/cart.py".to_owned(), whole),
        ("src\\shop\\cart.py".to_owned(), whole),
        (format!("@{file}"), whole),
        (format!("{file}/"), whole),
        (format!("file://{root}/{file}"), whole),
        (format!("vscode://file{root}/{file}"), whole),
        (format!("{root}/{file}"), whole),
        (format!("{file}:12"), &["Cart.total"]),
        (format!("{root}/{file}:12"), &["Cart.total"]),
        (format!("{file}:12:5"), &["Cart.total"]),
        (format!("{file}#L7-L9"), &["Cart.add"]),
        (format!("file://{root}/{file}#L9"), &["Cart.add"]),
        (format!("{file}:Cart.add"), &["Cart.add"]),
        (format!("{file}::total"), &["Cart.total"]),
        (format!("{root}/{file}:Cart.add"), &["Cart.add"]),
        (format!("{file}:1"), &[]),
    ];
    let names = |node: &Value| -> Vec<String> {
        let elements = node["elements"].as_array().unwrap();
        let name = |one: &Value| one["qualified_name"].as_str().unwrap().to_owned();
        elements.iter().map(name).collect()
    };
    for (target, expected) in rows {
        let shown = home.run_in(root.as_ref(), &["show", "--json", &target]);
        let shown = shown.expect(0).json();
        assert_eq!(shown["path"], file, "{target}");
        assert_eq!(names(&shown), expected, "{target}");
        let absolute = match target.starts_with('/') || target.contains("://") {
            true => target.clone(),
            false => format!("{root}/{}", target.trim_start_matches('@')),
        };
        let query = format!("/v1/node?path={}", encode(&absolute));
        let answer = home.http("GET", &query, "").expect(200).json();
        assert_eq!(answer["path"], file, "{target}");
        assert_eq!(names(&answer), expected, "{target}");
        let text = agent.good("get_summary", json!({"paths": [target], "detail": "full"}));
        assert!(text.starts_with("# src/shop/cart.py ("), "{target}: {text}");
        for name in whole {
            let last = name.rsplit('.').next().unwrap();
            let word = if *name == "Cart" { "class" } else { "def" };
            let is_there = text.contains(&format!("{word} {last}"));
            // A class is shown with its methods.
            let meant = expected.contains(name);
            assert!(is_there || !meant, "{target}: {text}");
        }
    }
    // A definition by its name alone belongs to no address.
    let shown = home.run_in(root.as_ref(), &["show", "--json", "Cart.total"]);
    assert_eq!(names(&shown.expect(0).json()), ["Cart.total"]);
    let text = agent.good("get_summary", json!({"paths": ["Cart.total"]}));
    assert!(text.contains("11-12"), "{text}");
}

#[test]
fn status_compares_usage_with_the_budget_and_bounds_the_failures() {
    let model = FakeModel::new();
    let (home, repo) = (
        Home::with_model(
            &model,
            "max_workers = 1\n[budget]\nmax_requests_per_day = 4",
        ),
        Repo::package(),
    );
    let _daemon = home.daemon(&[&repo.at("")]);
    let mut agent = Agent::start(&home, &repo.at(""));
    let whole = agent.good("get_status", json!({"wait_fresh_ms": 60_000}));
    assert!(whole.contains("4 of 4 requests, spent: "), "{whole}");
    assert!(whole.contains("no summary: "), "{whole}");
    assert!(!whole.contains("s left\n"), "{whole}");
    let bounded = json!({"wait_fresh_ms": 60_000, "max_tokens": 300});
    let short = agent.good("get_status", bounded);
    assert!(
        short.len() < whole.len() && short.len() <= 300 * 4,
        "{short}"
    );
    assert!(short.contains("(more max_tokens)"), "{short}");
}

#[test]
fn disabled_summaries_are_not_reported_as_fresh() {
    let home = Home::with("[summaries]\nenabled = false\n");
    let repo = Repo::package();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut agent = Agent::start(&home, &repo.at(""));
    for (tool, arguments) in [
        ("get_status", json!({})),
        ("get_summary", json!({"paths": ["src/shop/cart.py"]})),
    ] {
        let text = agent.good(tool, arguments);
        let note = "freshness: summaries are switched off\n";
        assert!(text.contains(note) && !text.contains("not yet"), "{text}");
    }
}

#[test]
fn changes_are_listed_by_revision_and_by_time() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.init();
    repo.commit("first");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    repo.write(
        "src/shop/cart.py",
        "class Basket:\n    \"\"\"Holds things.\"\"\"\n",
    );
    repo.write("src/shop/new.py", "def new():\n    return 1\n");
    std::fs::remove_file(repo.at("docs/guide.md")).unwrap();
    let mut agent = Agent::start(&home, &repo.at(""));
    agent.good("get_status", json!({"wait_fresh_ms": 60_000}));
    let changes = agent.good("list_changes", json!({"since": "HEAD"}));
    assert!(
        changes.starts_with("3 files changed since HEAD."),
        "{changes}"
    );
    for line in [
        "modified src/shop/cart.py  ",
        "added src/shop/new.py  ",
        "deleted docs/guide.md\n",
        "\nsrc/shop/  ",
        "\n./  ",
    ] {
        assert!(changes.contains(line), "{line}: {changes}");
    }
    let recent = agent.good("list_changes", json!({"since": "1h"}));
    assert!(
        recent.contains("added src/shop/new.py") && recent.contains("deleted docs/guide.md"),
        "{recent}"
    );
    let (refusal, is_error) = agent.call("list_changes", json!({"since": "no-such-branch"}));
    assert!(
        is_error && refusal.contains("neither a revision"),
        "{refusal}"
    );
}

#[test]
fn the_handshake_needs_no_daemon_and_errors_say_how_to_fix_them() {
    let (home, repo) = (Home::new(), Repo::package());
    let mut agent = Agent::start(&home, &repo.at(""));
    let (text, is_error) = agent.call("get_overview", json!({}));
    assert!(is_error && text.contains("epitome daemon"), "{text}");
    // A daemon that is started later is found.
    let other = Repo::package();
    let _daemon = home.daemon(&[&other.at("")]);
    let (text, is_error) = agent.call("get_overview", json!({}));
    assert!(is_error && text.contains("epitome watch"), "{text}");
    home.run(&["watch", &repo.at("")]).expect(0);
    agent.good("get_overview", json!({}));
    for (tool, arguments, says) in [
        ("get_summary", json!({}), "missing field `paths`"),
        ("get_summary", json!({"paths": []}), "1 to 50"),
        ("get_summary", json!({"paths": ["none.py"]}), "no such file"),
        ("search", json!({"query": "?"}), "no word"),
        (
            "search",
            json!({"query": "a ".repeat(100_000)}),
            "longer than 1000 bytes",
        ),
        (
            "list_tree",
            json!({"depth": -1}),
            "expected a whole number, 0 or more",
        ),
        ("list_changes", json!({}), "is in no git repository"),
    ] {
        let (text, is_error) = agent.call(tool, arguments);
        assert!(is_error && text.contains(says), "{tool}: {text}");
    }
    let unknown = agent.request("tools/call", json!({"name": "delete_all", "arguments": {}}));
    assert!(
        unknown["error"]["message"]
            .as_str()
            .unwrap()
            .contains("delete_all"),
        "{unknown}"
    );
}
