//! The Batch API: what goes over the wire, and what is made of what comes back.

use super::*;
use crate::shell::openai::batch::{BatchFile, RefusalKind, Stage};

fn json_reply(body: &Value) -> Act {
    reply("200 OK", &[], &body.to_string())
}

async fn endpoint_of(act: Act) -> (Endpoint, Server) {
    let server = Server::start(vec![act]).await;
    let endpoint = Endpoint::new(options(&server.url)).unwrap();
    (endpoint, server)
}

#[tokio::test]
async fn a_file_is_uploaded_with_its_length_and_the_key() {
    let (endpoint, server) = endpoint_of(json_reply(&json!({"id": "file-1"}))).await;
    let mut file = BatchFile::default();
    let line = endpoint.batch_line("k1", &prompt(), 90);
    assert!(!line.contains('\n') && file.add(&line));
    assert_eq!(endpoint.upload(file).await.unwrap(), "file-1");
    let request = server.requests()[0].clone();
    let lower = request.to_lowercase();
    assert!(lower.starts_with("post /v1/files "), "{request}");
    assert!(lower.contains("\r\ncontent-length: ") && !lower.contains("chunked"));
    assert!(request.contains(&format!("Bearer {KEY}")));
    assert!(
        request.contains("name=\"purpose\"\r\n\r\nbatch\r\n"),
        "{request}"
    );
    let line = request.lines().find(|line| line.starts_with('{')).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["custom_id"], "k1");
    assert_eq!(
        (&line["method"], &line["url"]),
        (&json!("POST"), &json!("/v1/chat/completions"))
    );
    assert_eq!(line["body"]["messages"][1]["content"], "What is it?");
    assert_eq!(line["body"]["max_tokens"], 90);
}

#[tokio::test]
async fn a_batch_is_created_with_our_name_and_nothing_that_is_null() {
    let state = json!({"id": "batch-1", "object": "batch", "status": "validating", "errors": null,
                       "output_file_id": null, "request_counts": {"total": 0, "completed": 0, "failed": 0}});
    let (endpoint, server) = endpoint_of(json_reply(&state)).await;
    let state = endpoint.create_batch("file-1", "ours").await.unwrap();
    assert_eq!(
        (state.id.as_str(), state.stage),
        ("batch-1", Stage::Working)
    );
    assert_eq!(
        server.body(0),
        json!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h",
               "metadata": {"epitome_batch": "ours"}})
    );
}

#[tokio::test]
async fn states_are_read_loosely() {
    let too_much = json!({"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]});
    for (answer, wanted) in [
        (
            json!({"id": "b", "status": "in_progress", "request_counts": {"completed": 3, "failed": 1}}),
            "working",
        ),
        (json!({"id": "b", "status": "cancelling"}), "working"),
        (
            json!({"id": "b", "status": "completed", "output_file_id": "o"}),
            "over",
        ),
        (
            json!({"id": "b", "status": "expired", "output_file_id": "o", "error_file_id": "e"}),
            "over",
        ),
        (
            json!({"id": "b", "status": "failed", "errors": too_much}),
            "too much",
        ),
        (
            json!({"id": "b", "status": "failed", "errors": {"data": [{"code": "x", "message": "Bad."}]}}),
            "never",
        ),
        (
            json!({"id": "b", "status": "failed", "errors": null}),
            "never",
        ),
    ] {
        let (endpoint, server) = endpoint_of(json_reply(&answer)).await;
        let state = endpoint.batch("b").await.unwrap();
        let found = match &state.stage {
            Stage::Working => "working",
            Stage::Over => "over",
            Stage::Refused(refusal) if refusal.kind == RefusalKind::TooMuch => "too much",
            Stage::Refused(_) => "never",
        };
        assert_eq!(found, wanted, "{answer}");
        assert!(server.requests()[0].starts_with("GET /v1/batches/b "));
        if wanted == "over" {
            assert_eq!(state.files[0], "o");
        }
    }
}

#[tokio::test]
async fn refusals_say_whether_a_batch_may_come_to_be() {
    use RefusalKind::{Gone, Later, Never, TooMuch};
    let error = |code: &str| json!({"error": {"message": "Said so.", "code": code}}).to_string();
    for (act, kind) in [
        (reply("404 Not Found", &[], "nothing here"), Gone),
        (reply("405 Method Not Allowed", &[], ""), Gone),
        (reply("501 Not Implemented", &[], ""), Gone),
        (reply("400 Bad Request", &[], &error("x")), Never),
        (reply("401 Unauthorized", &[], &error("x")), Never),
        (
            reply("429 Too Many Requests", &[], &error("insufficient_quota")),
            Never,
        ),
        (
            reply("429 Too Many Requests", &[], &error("rate_limit_exceeded")),
            Later,
        ),
        (
            reply("429 Too Many Requests", &[], &error("token_limit_exceeded")),
            TooMuch,
        ),
        (reply("413 Payload Too Large", &[], ""), TooMuch),
        (reply("503 Service Unavailable", &[], ""), Later),
        (Act::HangUp, Later),
        // Some servers answer 200 to everything.
        (
            reply(
                "200 OK",
                &[],
                r#"{"error":"Unexpected endpoint or method."}"#,
            ),
            Never,
        ),
        (reply("200 OK", &[], "{}"), Never),
    ] {
        let (endpoint, _server) = endpoint_of(act).await;
        let refusal = endpoint.create_batch("f", "n").await.unwrap_err();
        assert_eq!(refusal.kind, kind, "{refusal:?}");
        assert!(!refusal.message.is_empty() && !refusal.message.contains('\n'));
    }
}

#[tokio::test]
async fn a_batch_is_found_by_our_name_or_its_file_on_any_page() {
    let page = |ids: &[&str], more: bool| {
        let data: Vec<Value> = ids
            .iter()
            .map(|id| {
                json!({"id": id, "status": "in_progress", "input_file_id": format!("file-{id}"),
                       "metadata": {"epitome_batch": format!("name-{id}")}})
            })
            .collect();
        json_reply(&json!({"object": "list", "data": data, "has_more": more}))
    };
    let acts = || vec![page(&["a", "b"], true), page(&["c"], false)];
    for (name, file, found) in [
        ("name-c", "x", Some("c")),
        ("x", "file-b", Some("b")),
        ("x", "y", None),
    ] {
        let server = Server::start(acts()).await;
        let endpoint = Endpoint::new(options(&server.url)).unwrap();
        let state = endpoint.find_batch(name, file).await.unwrap();
        assert_eq!(state.map(|state| state.id).as_deref(), found);
        assert!(server.requests()[0].starts_with("GET /v1/batches?limit=100 "));
        if found != Some("b") {
            assert!(server.requests()[1].starts_with("GET /v1/batches?limit=100&after=b "));
        }
    }
}

#[tokio::test]
async fn lines_are_read_like_single_answers_and_failed_ones_may_be_tried_alone() {
    let answer = |id: &str, content: &str, finish: &str| {
        json!({"custom_id": id, "error": null, "response": {"status_code": 200, "body": {
            "choices": [{"message": {"content": content}, "finish_reason": finish}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 7}}}})
    };
    let lines = [
        answer(
            "good",
            "<think>Hm.</think>**Summary:** Reads\u{200b} files.",
            "stop",
        ),
        answer("short", "Reads f", "length"),
        answer("empty", "", "stop"),
        json!({"custom_id": "expired", "response": null,
               "error": {"code": "batch_expired", "message": "This request expired."}}),
        json!({"custom_id": "failed", "error": null,
               "response": {"status_code": 400, "body": {"error": {"message": "No.", "code": "context_length_exceeded"}}}}),
        json!({"custom_id": null, "response": null}),
    ];
    let mut body: Vec<String> = lines.iter().map(Value::to_string).collect();
    body.push("{torn".to_owned());
    let (endpoint, server) = endpoint_of(reply("200 OK", &[], &body.join("\n"))).await;
    let answers = endpoint.batch_answers("file-1").await.unwrap();
    assert!(server.requests()[0].starts_with("GET /v1/files/file-1/content "));
    assert_eq!(answers.len(), 5);
    let good = &answers["good"];
    assert_eq!(good.result.as_deref().unwrap(), "Reads files.");
    assert_eq!((good.usage.requests, good.usage.prompt_tokens), (0, 50));
    for name in ["short", "empty", "expired", "failed"] {
        let failure = answers[name].result.as_ref().unwrap_err();
        assert_eq!(failure.remedy, Remedy::Retry, "{name}: {failure:?}");
    }
}

#[test]
fn a_file_is_full_at_the_endpoints_bound() {
    let mut file = BatchFile::default();
    let added = (0..50_001).filter(|_| file.add("{}")).count();
    assert_eq!(added, 50_000);
    let mut file = BatchFile::default();
    let line = "x".repeat(30 << 20);
    let added = (0..8).filter(|_| file.add(&line)).count();
    assert_eq!(added, 3);
}
