//! Refusals and failures, sorted by what to do about them.

use super::*;

async fn failure_of(act: Act) -> (Failure, Limits) {
    ask_once(act).await.0.unwrap_err()
}

#[tokio::test]
async fn refusals_are_sorted_by_what_to_do() {
    use Remedy::{Fatal, Forbidden, Permanent, Rejected, Retry, Throttled, Unreachable};
    let openai = |kind: &str, code: &str| {
        format!(
            r#"{{"error":{{"message":"Said so.","type":"{kind}","param":null,"code":"{code}"}}}}"#
        )
    };
    let page = "<html><head><title>Bad\n gateway</title></head><body>no</body></html>";
    let cases: Vec<(&str, String, Remedy, &str)> = vec![
        (
            "408 Request Timeout",
            String::new(),
            Retry,
            "408 Request Timeout",
        ),
        ("409 Conflict", openai("a", "b"), Retry, "Said so."),
        (
            "500 Internal Server Error",
            page.into(),
            Retry,
            "Bad gateway",
        ),
        (
            "502 Bad Gateway",
            "oops\nagain".into(),
            Retry,
            ": oops again",
        ),
        (
            "503 Service Unavailable",
            openai("server_error", "server_is_overloaded"),
            Throttled,
            "503",
        ),
        (
            "500 Internal Server Error",
            openai("overloaded_error", ""),
            Throttled,
            "500",
        ),
        ("529 Overloaded", String::new(), Throttled, "answered 529"),
        (
            "429 Too Many Requests",
            openai("tokens", "rate_limit_exceeded"),
            Throttled,
            "Said so.",
        ),
        (
            "429 Too Many Requests",
            r#"{"error":{"code":429,"message":"slow"}}"#.into(),
            Throttled,
            ": slow",
        ),
        (
            "429 Too Many Requests",
            "not json".into(),
            Throttled,
            "not json",
        ),
        (
            "429 Too Many Requests",
            openai("insufficient_quota", "x"),
            Fatal,
            "Said so.",
        ),
        (
            "429 Too Many Requests",
            openai("x", "credit_balance_exhausted"),
            Fatal,
            "Said so.",
        ),
        (
            "429 Too Many Requests",
            openai("x", "project_spend_limit_exceeded"),
            Fatal,
            "Said so.",
        ),
        (
            "402 Payment Required",
            r#"{"error":{"code":402,"message":"no credits"}}"#.into(),
            Fatal,
            "no credits",
        ),
        (
            "401 Unauthorized",
            r#"{"detail":"Invalid API key"}"#.into(),
            Fatal,
            "Invalid API key",
        ),
        (
            "401 Unauthorized",
            format!(r#"{{"error":{{"message":"bad key {KEY}"}}}}"#),
            Fatal,
            "bad key [the key]",
        ),
        (
            "403 Forbidden",
            r#"{"message":"not for you"}"#.into(),
            Forbidden,
            "not for you",
        ),
        (
            "403 Forbidden",
            r#"{"error":{"message":"Input was flagged"}}"#.into(),
            Permanent,
            "flagged",
        ),
        (
            "403 Forbidden",
            r#"{"error":{"message":"No.","code":"content_policy_violation"}}"#.into(),
            Permanent,
            "No.",
        ),
        (
            "403 Forbidden",
            "<html><title>Attention Required!</title></html>".into(),
            Forbidden,
            "Attention Required!",
        ),
        (
            "404 Not Found",
            r#"{"error":"model \"m\" not found"}"#.into(),
            Fatal,
            "model \"m\" not found",
        ),
        (
            "400 Bad Request",
            openai("x", "model_not_found"),
            Fatal,
            "Said so.",
        ),
        (
            "400 Bad Request",
            openai("x", "context_length_exceeded"),
            Permanent,
            "Said so.",
        ),
        (
            "400 Bad Request",
            r#"{"error":{"code":400,"type":"exceed_context_size_error","message":"n"}}"#.into(),
            Permanent,
            "n",
        ),
        (
            "422 Unprocessable Entity",
            r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#.into(),
            Rejected,
            "field required",
        ),
        ("413 Payload Too Large", String::new(), Permanent, "413"),
        (
            "400 Bad Request",
            openai("invalid_request_error", "unsupported_parameter"),
            Fatal,
            "Said so.",
        ),
        (
            "422 Unprocessable Entity",
            r#"{"detail":[{"loc":["body","stream"],"msg":"Extra inputs are not permitted"}]}"#
                .into(),
            Fatal,
            "not permitted",
        ),
        (
            "400 Bad Request",
            r#"{"object":"error","message":"the prompt holds an unknown token","code":400}"#.into(),
            Rejected,
            "unknown token",
        ),
        (
            "400 Bad Request",
            r#"[{"error":{"code":400,"message":"in a list"}}]"#.into(),
            Rejected,
            "in a list",
        ),
        (
            "400 Bad Request",
            r#"{"odd":true}"#.into(),
            Rejected,
            r#"{"odd":true}"#,
        ),
        ("400 Bad Request", "x".repeat(5000), Rejected, "xxx…"),
        (
            "200 OK",
            r#"{"error":{"code":429,"message":"late"}}"#.into(),
            Throttled,
            "late",
        ),
        (
            "200 OK",
            r#"{"error":{"code":"weird","message":"late"}}"#.into(),
            Retry,
            "late",
        ),
        (
            "200 OK",
            r#"{"choices":[{"error":{"code":502,"message":"broke"}}]}"#.into(),
            Retry,
            "broke",
        ),
        ("200 OK", r#"{"choices":[]}"#.into(), Retry, "no choices"),
        ("200 OK", r#"{"choices":[{"#.into(), Retry, "no JSON"),
        ("200 OK", "data: nonsense".into(), Retry, "no JSON"),
        ("200 OK", "[1,2]".into(), Retry, "no choices"),
        ("200 OK", String::new(), Retry, "no JSON"),
        ("200 OK", page.into(), Unreachable, "web page"),
    ];
    for (status, body, remedy, said) in cases {
        let (failure, limits) = failure_of(reply(status, &[], &body)).await;
        assert_eq!(failure.remedy, remedy, "{status} {body}: {failure:?}");
        assert!(failure.message.contains(said), "{said}: {failure:?}");
        assert_eq!(limits.spent.requests, 1);
        let wants_hint = matches!(remedy, Fatal | Unreachable);
        assert!(!wants_hint || failure.hint.is_some(), "{failure:?}");
    }
}

#[tokio::test]
async fn a_retry_carries_the_pause_that_the_endpoint_asks_for() {
    let slow = reply(
        "429 Too Many Requests",
        &["retry-after-ms: 1500", "x-ratelimit-remaining-requests: 0"],
        "",
    );
    let (failure, limits) = failure_of(slow).await;
    assert_eq!(
        (failure.remedy, failure.retry_after_ms),
        (Remedy::Throttled, Some(1500))
    );
    assert_eq!(limits.requests.remaining, Some(0));
    let broken = reply("500 Internal Server Error", &["Retry-After: 7200"], "");
    let (failure, _) = failure_of(broken).await;
    assert_eq!(failure.retry_after_ms, Some(7_200_000));
    let refused = reply("400 Bad Request", &["Retry-After: 7"], "");
    assert_eq!(failure_of(refused).await.0.retry_after_ms, None);
}

#[tokio::test]
async fn pauses_are_found_in_bodies_too() {
    let said = |body: &str| reply("429 Too Many Requests", &[], body);
    for (act, wanted) in [
        (
            said(r#"{"error":{"message":"Please try again in 1.5s. See the guide."}}"#),
            1_500,
        ),
        (
            said(r#"[{"error":{"code":429,"details":[{"retryDelay":"34s"}]}}]"#),
            34_000,
        ),
        (
            said(r#"{"error":{"code":429,"metadata":{"headers":{"Retry-After":"7"}}}}"#),
            7_000,
        ),
        (
            reply(
                "200 OK",
                &[],
                r#"{"error":{"code":429,"message":"retry in 2s"}}"#,
            ),
            2_000,
        ),
    ] {
        assert_eq!(failure_of(act).await.0.retry_after_ms, Some(wanted));
    }
}

#[tokio::test]
async fn x_should_retry_is_obeyed() {
    use Remedy::{Fatal, Permanent, Rejected, Retry, RetryLater, Throttled};
    for (status, said, remedy) in [
        ("429 Too Many Requests", "false", Fatal),
        ("429 Too Many Requests", "true", Throttled),
        ("429 Too Many Requests", "perhaps", Throttled),
        ("500 Internal Server Error", "false", RetryLater),
        ("500 Internal Server Error", "true", Retry),
        ("400 Bad Request", "true", Retry),
        ("400 Bad Request", "false", Rejected),
        ("413 Payload Too Large", "true", Permanent),
        ("401 Unauthorized", "true", Fatal),
    ] {
        let header = format!("x-should-retry: {said}");
        let (failure, _) = failure_of(reply(status, &[&header], "")).await;
        assert_eq!(failure.remedy, remedy, "{status}: {said}");
        assert!(remedy != Fatal || failure.hint.is_some());
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start(vec![chat("Reads.", "stop")]).await;
    let moved = reply(
        "307 Temporary Redirect",
        &[&format!("location: {}/chat/completions", other.url)],
        "",
    );
    let (failure, _) = failure_of(moved).await;
    assert_eq!(failure.remedy, Remedy::Fatal);
    assert!(failure.message.contains(&other.url), "{failure:?}");
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn broken_connections_and_timeouts_are_retried() {
    let (failure, limits) = failure_of(Act::HangUp).await;
    assert_eq!(failure.remedy, Remedy::Retry, "{failure:?}");
    assert_eq!(limits.spent.requests, 1);
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"choices\"".to_owned();
    assert_eq!(failure_of(Act::Say(half)).await.0.remedy, Remedy::Retry);
    let noise = "\u{1}\u{2}\r\n\r\n".to_owned();
    assert_eq!(failure_of(Act::Say(noise)).await.0.remedy, Remedy::Retry);

    let server = Server::start(vec![Act::Wait]).await;
    let endpoint = Endpoint::new(Options {
        timeout: Duration::from_millis(200),
        ..options(&server.url)
    });
    let (failure, _) = endpoint
        .unwrap()
        .complete(&prompt(), 100)
        .await
        .unwrap_err();
    assert_eq!(failure.remedy, Remedy::TimedOut);
    assert!(failure.message.contains("in time"), "{failure:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_body_without_end_is_given_up() {
    let long = reply("200 OK", &[], &" ".repeat(5 << 20));
    let (failure, _) = failure_of(long).await;
    assert_eq!(failure.remedy, Remedy::Retry);
    assert!(failure.message.contains("4 MiB"), "{failure:?}");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for url in [
        format!("http://{address}/v1"),
        "http://nowhere.invalid/v1".to_owned(),
    ] {
        let endpoint = Endpoint::new(options(&url)).unwrap();
        let (failure, limits) = endpoint.complete(&prompt(), 100).await.unwrap_err();
        assert_eq!(failure.remedy, Remedy::Unreachable, "{failure:?}");
        assert!(failure.hint.is_some());
        assert_eq!(limits.spent.requests, 0);
    }
}

#[tokio::test]
async fn answers_without_a_text_are_failures() {
    let of = |message: Value, finish: &str| {
        let body = json!({"choices": [{"message": message, "finish_reason": finish}],
                          "usage": {"prompt_tokens": 9}});
        reply("200 OK", &[], &body.to_string())
    };
    for (act, remedy) in [
        (of(json!({"content": ""}), "stop"), Remedy::Retry),
        (
            of(json!({"content": null, "reasoning": "Hm."}), "stop"),
            Remedy::Retry,
        ),
        (
            of(json!({"content": "<think>Hm.</think>"}), "stop"),
            Remedy::Retry,
        ),
        (
            of(json!({"content": "So"}), "content_filter"),
            Remedy::Permanent,
        ),
        (
            of(json!({"content": null, "refusal": "I cannot."}), "stop"),
            Remedy::Permanent,
        ),
        (of(json!({}), "tool_calls"), Remedy::Retry),
    ] {
        let (failure, limits) = failure_of(act).await;
        assert_eq!(failure.remedy, remedy, "{failure:?}");
        assert_eq!(limits.spent.prompt_tokens, 9, "usage of a failure counts");
    }
}

#[tokio::test]
async fn a_repeated_key_is_removed_wherever_it_stands() {
    for filling in 200..300 {
        let body = format!("{} {KEY} was refused", "x".repeat(filling));
        let (failure, _) = failure_of(reply("401 Unauthorized", &[], &body)).await;
        assert!(!failure.message.contains("sk-"), "{failure:?}");
    }
    let place = format!("location: https://elsewhere/?key={KEY}");
    let (failure, _) = failure_of(reply("302 Found", &[&place], "")).await;
    assert!(failure.message.contains("key=[the key]"), "{failure:?}");
}

/// A cache field that an older model refuses is left out from then on.
#[tokio::test]
async fn cache_fields_that_are_refused_are_left_out() {
    let no = |name: &str| {
        let error = json!({"error": {"message": format!("Unknown parameter: '{name}'."), "type": "invalid_request_error",
                                     "param": name, "code": "unknown_parameter"}});
        reply("400 Bad Request", &[], &error.to_string())
    };
    let acts = vec![
        no("prompt_cache_options"),
        no("prompt_cache_key"),
        chat("Reads files.", "stop"),
    ];
    let server = Server::start(acts).await;
    let endpoint = Endpoint {
        caching: Caching::for_model(true, "gpt-5.6"),
        ..Endpoint::new(options(&server.url)).unwrap()
    };
    for name in ["prompt_cache_options", "prompt_cache_key"] {
        let (failure, _) = endpoint.complete(&prompt(), 100).await.unwrap_err();
        assert_eq!(failure.remedy, Remedy::Retry);
        assert!(failure.message.contains(name), "{failure:?}");
    }
    endpoint.complete(&prompt(), 100).await.unwrap();
    let keys = |n: usize| {
        let body = server.body(n);
        let has = |name: &str| body.get(name).is_some();
        (has("prompt_cache_options"), has("prompt_cache_key"))
    };
    assert_eq!(
        [keys(0), keys(1), keys(2)],
        [(true, true), (false, true), (false, false)]
    );
    let content = |n: usize| server.body(n)["messages"][0]["content"].clone();
    assert_eq!(content(0)[0]["text"], content(1), "the same text, marked");
    assert_eq!(server.body(0)["messages"][1], server.body(1)["messages"][1]);
}
