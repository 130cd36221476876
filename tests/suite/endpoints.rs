//! Any model behind any endpoint: reported refusals and responses of real endpoints, case by case over HTTP.

use serde_json::{Value, json};

use crate::harness::{
    CUT, FakeModel, Home, Kind, Reply, Repo, Style, every, find, first_not_fresh, until,
};

/// A repository with `files` different small files.
fn small(files: usize) -> Repo {
    let repo = Repo::new();
    for file in 0..files {
        let text = format!("def handler_{file}(request):\n    return {file}\n");
        repo.write(&format!("m{file}.py"), text);
    }
    repo
}

/// A file of about 60 kB in functions.
fn large() -> String {
    functions("handler", 750)
}

fn functions(name: &str, count: usize) -> String {
    let function = |n| {
        format!("def {name}_{n}(request, reply):\n    return reply.send(request, code={n})\n\n")
    };
    (0..count).map(function).collect()
}

fn error_body(message: &str) -> String {
    json!({"error": {"message": message}}).to_string()
}

fn refusal(status: u16, message: &str) -> Reply {
    Reply::Status(status, Vec::new(), error_body(message))
}

/// A whole body with status 200.
fn body(value: &Value) -> Reply {
    Reply::Status(200, Vec::new(), value.to_string())
}

fn answer(content: &str, finish: Value, prompt_tokens: u64) -> Value {
    json!({
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 12},
    })
}

fn refused(model: &FakeModel, status: u16) -> usize {
    let requests = model.requests();
    let refused = requests.iter().filter(|one| one.status == Some(status));
    refused.count()
}

#[test]
fn one_request_that_never_passes_does_not_block_the_others() {
    for (status, message) in [
        (429, "Rate limit reached"),
        (503, "The model is overloaded for this request"),
        (500, "internal error"),
    ] {
        let model = FakeModel::new();
        model.fail(usize::MAX, refusal(status, message), |request| {
            request.content.contains("never_passes")
        });
        let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), small(12));
        repo.write("big.py", "def never_passes():\n    pass\n");
        let _daemon = home.daemon(&[&repo.at("")]);
        until("all others are fresh", || {
            let tree = home.node(&repo.at(""), 9);
            let files = every(&tree);
            let fresh = files
                .iter()
                .filter(|node| node["kind"] == "file" && node["freshness"] == "fresh");
            fresh.count() == 12
        });
        // Edits continue.
        for edit in 0..3 {
            repo.append("m3.py", &format!("\n\ndef more_{edit}():\n    return 1\n"));
            until("the edit is fresh", || {
                let node = home.node(&repo.at("m3.py"), 0);
                let names = node["elements"].to_string();
                node["freshness"] == "fresh" && names.contains(&format!("more_{edit}"))
            });
        }
        assert!(refused(&model, status) <= 25, "{}", refused(&model, status));
    }
}

#[test]
fn a_request_above_the_limit_a_minute_is_sent_in_parts() {
    let model = FakeModel::new();
    let message = "Request too large for m on tokens per min (TPM): Limit 8000, Requested 16000. The input must be reduced.";
    model.fail(usize::MAX, refusal(429, message), |request| {
        request.content.len() > 20_000
    });
    let (home, repo) = (Home::with_model(&model, ""), small(3));
    repo.write("big.py", large());
    let tree = home
        .run(&["index", &repo.at(""), "--json"])
        .expect(0)
        .json();
    assert_eq!(first_not_fresh(&tree), None);
    assert!(refused(&model, 429) <= 2);

    // The limit is known before the first request.
    let model = FakeModel::new();
    let (home, repo) = (
        Home::with_model(&model, "tokens_per_minute = 12000"),
        Repo::new(),
    );
    repo.write("big.py", large());
    let _daemon = home.daemon(&[&repo.at("")]);
    until("the first part is sent", || model.count() > 0);
    let length = model.requests()[0].content.len();
    assert!((5_000..30_000).contains(&length), "{length}");
}

#[test]
fn a_refusal_of_all_requests_stops_the_rest_and_is_shown_once_with_its_text() {
    for (status, message) in [
        (400, "Request is missing x-session"),
        (412, "precondition of the gateway not met"),
        (400, "No connected db."),
        (422, "tenant header required"),
        (400, "Incorrect API key provided"),
        (400, "Your credit balance is too low to access the API"),
        (
            429,
            "You exceeded your current quota, please check your plan and billing details",
        ),
        (400, "Invalid model name passed in model=nope"),
    ] {
        let model = FakeModel::new();
        model.latency(10);
        model.fail(usize::MAX, refusal(status, message), |_| true);
        let (home, repo) = (Home::with_model(&model, "max_workers = 4"), small(60));
        let daemon = home.daemon(&[&repo.at("")]);
        until("the status reports it", || {
            home.status()["notes"].to_string().contains(message)
        });
        home.wait(&repo);
        assert!(model.count() <= 8, "{} for {message}", model.count());
        let log = daemon.log();
        assert_eq!(
            log.lines().filter(|line| line.contains(message)).count(),
            1,
            "{log}"
        );
        assert!(
            home.status()["paused_until"].is_string(),
            "{}",
            home.status()
        );
        // Once the cause is fixed, a new start is enough.
        daemon.terminate();
        model.heal();
        let tree = home
            .run(&["index", &repo.at(""), "--json"])
            .expect(0)
            .json();
        assert_eq!(first_not_fresh(&tree), None);
    }
}

/// An endpoint that refuses requests of one form: they are adapted once, and the same is known after a restart.
#[test]
fn requests_are_adapted_once_and_the_facts_survive_a_restart() {
    type Refused = fn(&Value) -> bool;
    let cases: [(u16, &str, Refused); 7] = [
        (400, "System role not supported", |body| {
            body["messages"][0]["role"] == "system"
        }),
        (500, "TemplateError: System role not supported", |body| {
            body["messages"][0]["role"] == "system"
        }),
        (
            400,
            "'max_tokens' is deprecated. Please use 'max_completion_tokens'",
            |body| body.get("max_tokens").is_some(),
        ),
        (
            400,
            "max_tokens is too large: 600. This model supports at most 256 completion tokens",
            |body| body["max_tokens"].as_u64() > Some(256),
        ),
        (
            400,
            "Invalid value: integer below minimum value. Expected max_tokens >= 2000",
            |body| body["max_tokens"].as_u64() < Some(2_000),
        ),
        (
            400,
            "parameter.enable_thinking must be set to false for non-streaming calls",
            |body| body["enable_thinking"] != false,
        ),
        (400, "`temperature` is deprecated for this model.", |body| {
            body.get("temperature").is_some()
        }),
    ];
    for (status, message, wrong) in cases {
        let model = FakeModel::new();
        model.fail(usize::MAX, refusal(status, message), move |request| {
            wrong(&request.body)
        });
        let openai = "max_workers = 2\nextra_body = { temperature = 0.2 }";
        let (home, repo) = (Home::with_model(&model, openai), small(8));
        let tree = home
            .run(&["index", &repo.at(""), "--json"])
            .expect(0)
            .json();
        assert_eq!(first_not_fresh(&tree), None, "{message}");
        assert!(
            (1..=4).contains(&refused(&model, status)),
            "{} for {message}",
            refused(&model, status)
        );
        let before = refused(&model, status);
        repo.append("m1.py", "\n\ndef other():\n    return 2\n");
        home.run(&["index", &repo.at("")]).expect(0);
        assert_eq!(
            refused(&model, status),
            before,
            "{message} again after a restart"
        );
    }
}

#[test]
fn doctor_shows_what_was_learnt() {
    let model = FakeModel::new();
    type Refused = fn(&Value) -> bool;
    let refusals: [(&str, Refused); 3] = [
        (
            "max_tokens is too large: 600. This model supports at most 256 completion tokens",
            |body| body["max_tokens"].as_u64() > Some(256),
        ),
        ("`temperature` is deprecated for this model.", |body| {
            body.get("temperature").is_some()
        }),
        ("System role not supported", |body| {
            body["messages"][0]["role"] == "system"
        }),
    ];
    for (message, wrong) in refusals {
        model.fail(usize::MAX, refusal(400, message), move |request| {
            wrong(&request.body)
        });
    }
    let openai = "max_workers = 1\nextra_body = { temperature = 0.2 }";
    let (home, repo) = (Home::with_model(&model, openai), small(1));
    assert!(home.json(&["doctor", "--json"])["learnt"].is_null());
    home.run(&["index", &repo.at("")]).expect(0);
    let learnt = home.json(&["doctor", "--json"])["learnt"].clone();
    assert_eq!(learnt["largest_cap"], 256, "{learnt}");
    assert_eq!(learnt["omitted"], json!(["temperature"]));
    assert_eq!(learnt["no_system_role"], true);
    assert_eq!(learnt["must_stream"], false);
    let seconds = |field: &str| learnt[field].as_u64().unwrap();
    assert_eq!(
        seconds("expires_unix") - seconds("learnt_unix"),
        14 * 86_400
    );
    let text = home.run(&["doctor"]).expect(0).stdout;
    let line = text.lines().find(|line| line.contains("learnt: ")).unwrap();
    for part in [
        "output cap of at most 256 tokens",
        "no system role",
        "refused parameters: temperature",
        "kept until 20",
        "endpoints.json",
    ] {
        assert!(text.contains(part), "{line}");
    }
}

/// A small model is held to a schema where the endpoint accepts one; a refusal is learnt once.
#[test]
fn the_small_profile_requests_json_and_falls_back() {
    const TEXT: &str = "Parses \"handlers\". Returns a number.";
    let json_answer = json!({"summary": TEXT}).to_string();
    let answers = [
        answer(&json_answer, json!("stop"), 0),
        answer(
            "{ \"summary\" : \"Parses \\\"handlers\\\". Returns a number. And the",
            json!("length"),
            0,
        ),
        answer(TEXT, json!("stop"), 0),
    ];
    for whole in answers {
        let model = FakeModel::new();
        model.fail(usize::MAX, body(&whole), |request| {
            request.body["response_format"]["type"] == "json_schema"
        });
        let (home, repo) = (Home::with_model(&model, "profile = \"small\""), small(1));
        let tree = home
            .run(&["index", &repo.at(""), "--json"])
            .expect(0)
            .json();
        assert_eq!(find(&tree, "m0.py")["summary"], TEXT, "{whole}");
        assert_eq!(model.count(), 2);
    }
    for (status, message) in [
        (400, "response_format is not supported by this model"),
        (
            400,
            "'response_format.type' must be 'text' or 'json_object'",
        ),
        (500, "failed to parse grammar"),
        (422, "json_schema: this model has no structured outputs"),
        (400, "This response_format type is unavailable now"),
    ] {
        let model = FakeModel::new();
        model.fail(usize::MAX, refusal(status, message), |request| {
            request.body.get("response_format").is_some()
        });
        let openai = "profile = \"small\"\nmax_workers = 1";
        let (home, repo) = (Home::with_model(&model, openai), small(3));
        for _ in 0..2 {
            let tree = home
                .run(&["index", &repo.at(""), "--json"])
                .expect(0)
                .json();
            assert_eq!(first_not_fresh(&tree), None, "{message}");
            assert_eq!(refused(&model, status), 1, "{message}");
            repo.append("m1.py", "\n\ndef other():\n    return 2\n");
        }
    }
    // A model that fills the schema with white space: once, then never again.
    let model = FakeModel::new();
    let padded = format!("{{{}", " \n".repeat(300));
    model.fail(
        usize::MAX,
        body(&answer(&padded, json!("length"), 0)),
        |request| request.body.get("response_format").is_some(),
    );
    let openai = "profile = \"small\"\nmax_workers = 1";
    let (home, repo) = (Home::with_model(&model, openai), small(3));
    for _ in 0..2 {
        let tree = home
            .run(&["index", &repo.at(""), "--json"])
            .expect(0)
            .json();
        assert_eq!(first_not_fresh(&tree), None);
        repo.append("m1.py", "\n\ndef other():\n    return 2\n");
    }
    let requests = model.requests();
    let with_schema = requests
        .iter()
        .filter(|request| request.body.get("response_format").is_some());
    assert_eq!(with_schema.count(), 1);
    // Hosted models get no schema.
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), small(1));
    home.run(&["index", &repo.at("")]).expect(0);
    assert!(model.requests()[0].body.get("response_format").is_none());
}

#[test]
fn a_prompt_that_is_too_long_goes_in_parts_whatever_the_error_text() {
    for (status, message) in [
        (
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000 `inputs` tokens and 600 `max_new_tokens`",
        ),
        (400, "Prompt too long"),
        (
            400,
            "Input length 9000 exceeds the maximum allowed input length 8192",
        ),
        (413, "Payload Too Large"),
        (
            500,
            "the request exceeds the available context size. try increasing the context size",
        ),
        (400, "输入长度超过模型最大长度限制"),
    ] {
        let model = FakeModel::new();
        model.fail(usize::MAX, refusal(status, message), |request| {
            request.content.len() > 7_000
        });
        let (home, repo) = (Home::with_model(&model, "max_workers = 2"), small(2));
        repo.write("big.py", large());
        let tree = home
            .run(&["index", &repo.at(""), "--json"])
            .expect(0)
            .json();
        assert_eq!(first_not_fresh(&tree), None, "{message}");
        assert!(
            refused(&model, status) <= 6,
            "{} for {message}",
            refused(&model, status)
        );
    }
}

/// Ollama truncates each prompt to 2,051 tokens and reports that only in the usage.
#[test]
fn a_prompt_that_is_cut_silently_is_never_fresh_and_goes_in_parts() {
    let model = FakeModel::new();
    let cut = answer("Handles requests. Sends replies.", json!("stop"), 2_051);
    model.fail(usize::MAX, body(&cut), |request| {
        request.content.len() > 8_200
    });
    let (home, repo) = (Home::with_model(&model, "max_workers = 1"), small(2));
    repo.write("big.py", large());
    let _daemon = home.watching(&repo);
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(first_not_fresh(&tree), None);
    assert_ne!(
        find(&tree, "big.py")["summary"],
        "Handles requests. Sends replies."
    );
    let notes = home.status()["notes"].to_string();
    assert!(
        notes.contains("2051") && notes.contains("context"),
        "{notes}"
    );
    // The window is known from now on: short instructions, and parts at once.
    let requests = model.requests();
    let last = requests
        .iter()
        .rfind(|request| request.kind == Kind::File)
        .unwrap();
    assert!(last.body["messages"][0]["content"].as_str().unwrap().len() < 1_000);
    let cuts = requests
        .iter()
        .filter(|request| request.content.len() > 8_200)
        .count();
    assert_eq!(cuts, 1);
}

/// Usual servers with usual windows: no summary of a cut prompt, at most one refusal ever, the same bill after a restart.
#[test]
fn each_server_with_each_window_is_indexed_without_waste() {
    const STYLES: [Style; 6] = [
        Style::Ollama,
        Style::LlamaCpp,
        Style::LmStudio,
        Style::Vllm,
        Style::Gateway,
        Style::Silent,
    ];
    std::thread::scope(|scope| {
        for style in STYLES {
            scope.spawn(move || {
                for window in [2_048, 4_096, 8_192, 32_768] {
                    // A window as small shows by refusals of small prompts, which do not go one at a time.
                    let shows_late = matches!(style, Style::Gateway | Style::Silent);
                    if !(shows_late && window == 2_048) {
                        check_server(style, window);
                    }
                }
            });
        }
    });
}

fn check_server(style: Style, window: u64) {
    const CAP: u64 = 600;
    let case = format!("{style:?} with {window} tokens");
    let model = FakeModel::new();
    model.serve(style, window);
    let (home, repo) = (Home::with_model(&model, ""), small(12));
    repo.write("talkative.py", "\"\"\"talkative\"\"\"\n");
    repo.write("sub/middle.py", functions("middle", 60));
    repo.write("sub/long.py", functions("long", 240));
    repo.write("sub/large.py", large());
    let index = || {
        let index = home.run(&["index", &repo.at(""), "--json"]);
        index.expect(0).json()
    };
    let tree = index();
    assert_eq!(first_not_fresh(&tree), None, "{case}");
    let nodes = every(&tree);
    assert!(nodes.iter().all(|node| node["summary"] != CUT), "{case}");
    let most = nodes.len() as u64 * CAP * 12 / 10;
    let output = model.output_tokens();
    assert!(output <= most, "{case}: {output} output tokens");
    let count = model.count();
    index();
    assert_eq!(model.count(), count, "{case}: requests after a restart");
    repo.write("sub/large.py", large().replace("handler_7", "handler_x"));
    assert_eq!(first_not_fresh(&index()), None, "{case}");
    let requests = model.requests();
    let cut = requests.iter().filter(|request| {
        let text = request.body["messages"].to_string();
        style == Style::Ollama && text.len() as u64 * 2 / 7 > window + 100
    });
    let wasted = refused(&model, 400) + cut.count();
    assert!(wasted <= 1, "{case}: {wasted} refused or cut");
}

/// One file whose output never fits raises its own cap up to the model's maximum, and no other's.
#[test]
fn one_hard_file_changes_no_cap_of_the_others() {
    const MESSAGE: &str =
        "max_tokens is too large: 4800. This model supports at most 4096 completion tokens";
    let model = FakeModel::new();
    model.fail(usize::MAX, refusal(400, MESSAGE), |request| {
        request.body["max_tokens"].as_u64() > Some(4_096)
    });
    model.fail(usize::MAX, Reply::Length, |request| {
        request.content.contains("HARD")
    });
    let (home, repo) = (Home::with_model(&model, ""), small(6));
    repo.write("hard.py", "HARD = 1\n");
    let index = |code| {
        let index = home.run(&["index", &repo.at(""), "--json"]);
        index.expect(code).json()
    };
    assert_eq!(find(&index(1), "hard.py")["freshness"], "failed");
    let before = model.count();
    for file in 0..3 {
        repo.append(&format!("m{file}.py"), "\n\ndef other():\n    return 2\n");
    }
    let tree = index(1);
    for file in 0..6 {
        assert_eq!(find(&tree, &format!("m{file}.py"))["freshness"], "fresh");
    }
    let requests = model.requests();
    let easy = requests[before..]
        .iter()
        .filter(|request| !request.content.contains("HARD"));
    assert!(
        easy.clone()
            .all(|request| request.body["max_tokens"] == 600)
    );
    assert_eq!(refused(&model, 400), 1);
}

/// A reasoning model refuses a cap that its reasoning used up: the same request gets a larger one.
#[test]
fn a_cap_that_reasoning_used_up_is_raised() {
    for message in [
        "Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.",
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    ] {
        let model = FakeModel::new();
        model.fail(usize::MAX, refusal(400, message), |request| {
            request.content.contains("HARD") && request.body["max_tokens"].as_u64() < Some(2_000)
        });
        let (home, repo) = (Home::with_model(&model, ""), small(3));
        repo.write("hard.py", "HARD = 1\n");
        let tree = home
            .run(&["index", &repo.at(""), "--json"])
            .expect(0)
            .json();
        assert_eq!(first_not_fresh(&tree), None, "{message}");
        assert_eq!(refused(&model, 400), 2, "{message}");
    }
}

/// Two large files begin alike and are requested at once: their common part is paid for once.
#[test]
fn a_part_that_two_files_share_is_sent_once() {
    let model = FakeModel::new();
    model.serve(Style::LlamaCpp, 4_096).latency(150);
    let (home, repo) = (Home::with_model(&model, "max_workers = 4"), Repo::new());
    let common = large();
    repo.write("one.py", format!("{common}\n{}", functions("one", 40)));
    repo.write("two.py", format!("{common}\n{}", functions("two", 40)));
    let _daemon = home.daemon(&[&repo.at("")]);
    until("several requests are sent", || model.count() >= 4);
    let firsts = |model: &FakeModel| {
        let requests = model.requests();
        let first = requests
            .iter()
            .filter(|one| one.content.contains("def handler_0(") && one.content.len() > 2_000);
        first.count()
    };
    assert_eq!(firsts(&model), 1);
}

#[test]
fn only_the_final_answer_becomes_the_summary() {
    const GOOD: &str = "Reads files. Writes none.";
    let sse = format!(
        "data: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        json!({"object": "chat.completion.chunk", "choices": [{"delta": {"content": "Reads files. "}}]}),
        json!({"choices": [{"delta": {"content": "Writes none."}, "finish_reason": "stop"}]}),
    );
    let text = |content: String| answer(&content, json!("stop"), 0).to_string();
    let cases = [
        ("harmony", text(format!("<|channel|>analysis<|message|>We must…<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}"))),
        ("stripped", text(format!("analysisWe must….assistantfinal{GOOD}"))),
        ("brackets", text(format!("[THINK]Hm.[/THINK]{GOOD}"))),
        ("bare", text(format!("Let me look… Let's write the answer.</think>{GOOD}"))),
        ("end", text(format!("{GOOD}<|im_end|>"))),
        ("channel", text(format!("<|channel>thought\nHm.<channel|>{GOOD}"))),
        ("role", text(format!("<|start_of_role|>assistant<|end_of_role|>{GOOD}<|end_of_text|>"))),
        ("box", text(format!("<think>Hm.</think>\n<|begin_of_box|>{GOOD}<|end_of_box|>"))),
        ("headed", text(format!("### Reasoning\nIt reads.\n\n### Answer\n{GOOD}"))),
        ("mark", format!("\u{feff}{}", text(GOOD.to_owned()))),
        ("lines", format!(
            "{}\n{}\n",
            json!({"message": {"content": "Reads files. "}, "done": false}),
            json!({"message": {"content": "Writes none."}, "done": true, "done_reason": "stop"}),
        )),
        ("label", text(format!("It reads.\n\nFinal answer: {GOOD}"))),
        ("stream", sse),
        ("length", answer(&format!("{GOOD} And it al"), json!("length"), 0).to_string()),
        ("remark", {
            let mut good = answer(GOOD, json!("stop"), 0);
            good["error"] = json!({});
            good.to_string()
        }),
        ("responses", json!({"output": [{"type": "message", "content": [{"type": "output_text", "text": GOOD}]}]}).to_string()),
    ];
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    for (name, body) in &cases {
        repo.write(&format!("{name}.py"), format!("CASE = \"{name}\"\n"));
        let wanted = format!("CASE = \"{name}\"");
        model.fail(
            1,
            Reply::Status(200, Vec::new(), body.clone()),
            move |request| request.content.contains(&wanted),
        );
    }
    let tree = home
        .run(&["index", &repo.at(""), "--json"])
        .expect(0)
        .json();
    for (name, _) in &cases {
        assert_eq!(
            find(&tree, &format!("{name}.py"))["summary"],
            GOOD,
            "{name}"
        );
    }
    assert_eq!(model.count(), cases.len() + 1);
}

#[test]
fn truncated_texts_are_retried_and_garbage_is_never_fresh() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    let half = |reason: Value| answer("Reads files. And wri", reason, 0).to_string();
    let retried = [
        ("broke", half(json!("error"))),
        ("null", half(json!(null))),
        ("aborted", half(json!("abort"))),
        ("inner", json!({"choices": [{"message": {"content": "Reads"}, "finish_reason": "error", "error": {"code": 502, "message": "gone"}}]}).to_string()),
        ("once", answer("Hello! How can I help you today?", json!("stop"), 0).to_string()),
    ];
    for (name, body) in &retried {
        repo.write(&format!("{name}.py"), format!("CASE = \"{name}\"\n"));
        let wanted = format!("CASE = \"{name}\"");
        model.fail(
            1,
            Reply::Status(200, Vec::new(), body.clone()),
            move |request| request.content.contains(&wanted),
        );
    }
    let rubbish = [
        (
            "loop",
            "It reads the file. It reads the file. It reads the file.",
            "repeats itself",
        ),
        (
            "code",
            "```python\nCASE = 1\n```\nand so on",
            "code or markup",
        ),
        (
            "sorry",
            "I'm sorry, but I cannot help with that.",
            "another question",
        ),
        (
            "rules",
            "State only what the content shows. Plain text: no Markdown, no headings, no lists, no quotes around it.",
            "repeats the instructions",
        ),
    ];
    for (name, text, _) in &rubbish {
        repo.write(&format!("{name}.py"), format!("CASE = \"{name}\"\n"));
        let wanted = format!("CASE = \"{name}\"");
        let reply = body(&answer(text, json!("stop"), 0));
        model.fail(usize::MAX, reply, move |request| {
            request.content.contains(&wanted)
        });
    }
    let tree = home
        .run(&["index", &repo.at(""), "--json"])
        .expect(1)
        .json();
    for (name, _) in &retried {
        assert_eq!(
            find(&tree, &format!("{name}.py"))["freshness"],
            "fresh",
            "{name}"
        );
    }
    for (name, _, reason) in &rubbish {
        let node = find(&tree, &format!("{name}.py"));
        assert_eq!(node["freshness"], "failed", "{node}");
        assert!(node["error"].as_str().unwrap().contains(reason), "{node}");
    }
    assert_eq!(model.since(0).0, 2 * retried.len() + 2 * rubbish.len());
}

#[test]
fn a_pause_named_in_the_error_text_is_kept_and_shown() {
    let model = FakeModel::new();
    model.fail(
        1,
        refusal(429, "Slow down. Please retry after 3 seconds."),
        |_| true,
    );
    let (home, repo) = (Home::with_model(&model, "max_workers = 1"), small(1));
    let _daemon = home.daemon(&[&repo.at("")]);
    until("the pause is shown", || {
        home.status()["paused_until"].is_string()
    });
    home.wait(&repo);
    let requests = model.requests();
    assert!(requests[1].at - requests[0].at >= std::time::Duration::from_secs(3));
    assert!(home.status()["paused_until"].is_null());
}

#[test]
fn instructions_follow_profile_and_language() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "profile = \"small\""), small(1));
    home.run(&["index", &repo.at("")]).expect(0);
    let system = |model: &FakeModel| {
        model.requests().pop().unwrap().body["messages"][0]["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let short = system(&model);
    assert!(
        short.split_whitespace().count() < 90 && !short.contains("UNCHANGED"),
        "{short}"
    );
    // Another language renews the summaries; the same one does not.
    let config = std::fs::read_to_string(home.config()).unwrap();
    home.configure(&config.replace(
        "provider = \"openai\"",
        "provider = \"openai\"\nlanguage = \"de\"",
    ));
    for renewed in [true, false] {
        let before = model.count();
        home.run(&["index", &repo.at("")]).expect(0);
        assert_eq!(model.count() > before, renewed);
    }
    assert!(system(&model).contains("German"));
}

#[test]
fn without_a_key_nothing_is_sent_to_another_machine() {
    let home = Home::with(
        "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = \"http://192.0.2.1/v1\"\nmodel = \"m\"\n",
    );
    let repo = small(1);
    let done = home.run(&["index", &repo.at("")]).expect(1);
    assert!(
        done.stderr.contains("OPENAI_API_KEY is not set"),
        "{}",
        done.stderr
    );
}
