//! Each kind of response, from a scripted server that records its requests.
#![allow(clippy::unwrap_used)]

mod adapting;
mod batches;
mod refusals;
mod tls;
mod wordings;

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::model::limits::Limit;

const KEY: &str = "sk-test-0123456789";

/// What the server does with one connection.
enum Act {
    /// Sends these bytes and closes.
    Say(String),
    /// Closes without a response.
    HangUp,
    /// Sends nothing until the client gives up.
    Wait,
}

struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Plays the acts in order; the last one again and again.
    async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for turn in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = Vec::new();
                while !is_whole(&bytes) {
                    if stream.read_buf(&mut bytes).await.unwrap() == 0 {
                        break;
                    }
                }
                let text = String::from_utf8(bytes).unwrap();
                seen.lock().unwrap().push(text);
                match &acts[turn.min(acts.len() - 1)] {
                    Act::Say(reply) => {
                        // The client may have hung up on what is too long.
                        let _ = stream.write_all(reply.as_bytes()).await;
                    }
                    Act::HangUp => {}
                    Act::Wait => {
                        let _ = stream.read_buf(&mut Vec::new()).await;
                    }
                }
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn body(&self, n: usize) -> Value {
        let request = &self.requests()[n];
        serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    body.len() >= length
}

fn reply(status: &str, headers: &[&str], body: &str) -> Act {
    let mut text = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    Act::Say(text)
}

fn chat(content: &str, finish: &str) -> Act {
    let body = json!({
        "choices": [{"message": {"content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 50, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 20}},
    });
    reply("200 OK", &[], &body.to_string())
}

fn options(url: &str) -> Options {
    Options {
        base_url: url.to_owned(),
        model: "m".to_owned(),
        api_key: Some(KEY.to_owned()),
        timeout: Duration::from_secs(20),
        ..Options::default()
    }
}

fn prompt() -> Prompt {
    Prompt {
        system: "Be brief.".to_owned(),
        user: "What is it?".to_owned(),
        json: false,
    }
}

async fn ask_once(act: Act) -> (Result<Answer, (Failure, Limits)>, Server) {
    let server = Server::start(vec![act]).await;
    let endpoint = Endpoint::new(options(&server.url)).unwrap();
    let answer = endpoint.complete(&prompt(), 100).await;
    let requests = server.requests();
    let chats = requests
        .iter()
        .filter(|request| request.contains("/chat/completions"));
    assert_eq!(chats.count(), 1, "one ask is one chat request");
    if let Err((failure, _)) = &answer {
        assert!(!failure.to_line().contains(KEY), "{failure:?}");
        assert!(!failure.message.contains('\n'));
        assert!(failure.message.chars().count() <= 300, "{failure:?}");
    }
    (answer, server)
}

#[tokio::test]
async fn an_answer_comes_with_its_usage_and_limits() {
    let body = json!({
        "object": "odd", "created": 1.5, "service_tier": "standard",
        "choices": [{"message": {"content": [{"type": "text", "text": "<think>x</think>Reads"}, {"type": "text", "text": " files."}]},
                     "finish_reason": "eos"}],
        "usage": {"prompt_tokens": 50.0, "completion_tokens": 7,
                  "completion_tokens_details": {"reasoning_tokens": 3}},
    });
    let headers = [
        "x-ratelimit-limit-requests: 500",
        "x-ratelimit-remaining-requests: 499",
        "x-ratelimit-reset-requests: 120ms",
        "x-ratelimit-limit-tokens: 30000",
        "x-ratelimit-remaining-tokens: nonsense",
    ];
    let (answer, server) = ask_once(reply("200 OK", &headers, &body.to_string())).await;
    let answer = answer.unwrap();
    assert_eq!(answer.text, "Reads files.");
    assert_eq!(
        answer.usage,
        Usage {
            requests: 1,
            prompt_tokens: 50,
            completion_tokens: 7,
            cached_tokens: 0,
            reasoning_tokens: 3,
            ..Usage::default()
        }
    );
    assert_eq!(
        answer.limits.requests,
        Limit {
            limit: Some(500),
            remaining: Some(499),
            reset_ms: Some(120)
        }
    );
    assert_eq!(answer.limits.tokens.limit, Some(30_000));
    assert_eq!(answer.limits.tokens.remaining, None);

    let request = server.requests()[0].to_lowercase();
    assert!(
        request.starts_with("post /v1/chat/completions http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains(&format!("authorization: bearer {KEY}\r\n")));
    assert!(!request.contains("openai-organization"));
    let body = server.body(0);
    assert_eq!(body["model"], "m");
    assert_eq!(body["max_tokens"], 100);
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "Be brief."})
    );
    assert_eq!(body["messages"][1]["content"], "What is it?");
    for absent in ["temperature", "max_completion_tokens"] {
        assert!(body.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent() {
    for key in [None, Some(String::new()), Some(" \n".to_owned())] {
        let server = Server::start(vec![chat("Reads.", "stop")]).await;
        let endpoint = Endpoint::new(Options {
            api_key: key,
            ..options(&format!("{}//", server.url))
        });
        endpoint.unwrap().complete(&prompt(), 100).await.unwrap();
        let request = server.requests()[0].to_lowercase();
        assert!(!request.contains("authorization"), "{request}");
        assert!(request.starts_with("post /v1/chat/completions "));
    }
}

#[tokio::test]
async fn an_output_at_its_cap_keeps_its_whole_sentences() {
    let server = Server::start(vec![chat("Half of it. And th", "length")]).await;
    let endpoint = Endpoint::new(options(&server.url)).unwrap();
    let answer = endpoint.complete(&prompt(), 100).await.unwrap();
    assert_eq!(answer.text, "Half of it.");
    assert_eq!(server.body(0)["max_tokens"], 100);
}

#[tokio::test]
async fn the_cap_is_raised_up_to_eight_times_for_one_prompt_only() {
    let server = Server::start(vec![chat("Half of i", "length")]).await;
    let endpoint = Endpoint::new(options(&server.url)).unwrap();
    let other = Prompt {
        user: "And that?".to_owned(),
        ..prompt()
    };
    for _ in 0..3 {
        let (failure, _) = endpoint.complete(&prompt(), 100).await.unwrap_err();
        assert_eq!(failure.remedy, Remedy::Retry);
    }
    let (failure, _) = endpoint.complete(&prompt(), 100).await.unwrap_err();
    assert_eq!(
        failure.remedy,
        Remedy::Permanent,
        "no sentence at the largest cap"
    );
    endpoint.complete(&other, 100).await.unwrap_err();
    let caps: Vec<_> = (0..5)
        .map(|n| server.body(n)["max_tokens"].clone())
        .collect();
    assert_eq!(caps, [100, 200, 400, 800, 100]);

    let server = Server::start(vec![chat("", "length")]).await;
    let bound = Options {
        max_output_tokens: 150,
        ..options(&server.url)
    };
    let endpoint = Endpoint::new(bound).unwrap();
    let remedies = [
        endpoint
            .complete(&prompt(), 100)
            .await
            .unwrap_err()
            .0
            .remedy,
        endpoint
            .complete(&prompt(), 100)
            .await
            .unwrap_err()
            .0
            .remedy,
    ];
    assert_eq!(remedies, [Remedy::Retry, Remedy::Permanent]);
    assert_eq!(server.body(1)["max_tokens"], 150);
}

#[tokio::test]
async fn the_name_of_the_cap_is_switched_once() {
    let no = |name: &str| {
        let body = format!(
            r#"{{"error":{{"message":"Unsupported parameter: '{name}'.","param":"{name}","code":"unsupported_parameter"}}}}"#
        );
        reply("400 Bad Request", &[], &body)
    };
    let server = Server::start(vec![
        no("max_tokens"),
        chat("Reads.", "stop"),
        no("max_completion_tokens"),
    ])
    .await;
    let endpoint = Endpoint::new(options(&server.url)).unwrap();
    let (failure, _) = endpoint.complete(&prompt(), 100).await.unwrap_err();
    assert_eq!(failure.remedy, Remedy::Retry);
    assert_eq!(
        endpoint.complete(&prompt(), 100).await.unwrap().text,
        "Reads."
    );
    assert_eq!(server.body(1)["max_completion_tokens"], 100);
    assert!(server.body(1).get("max_tokens").is_none());
    // It takes neither: then no request can succeed.
    let (failure, _) = endpoint.complete(&prompt(), 100).await.unwrap_err();
    assert_eq!(failure.remedy, Remedy::Fatal);
    assert!(failure.hint.is_some());
}

#[tokio::test]
async fn a_validators_error_switches_the_caps_name_too() {
    let no = r#"{"detail":[{"type":"extra_forbidden","loc":["body","max_tokens"],"msg":"Extra inputs are not permitted"}]}"#;
    let refusal = reply("422 Unprocessable Entity", &[], no);
    let server = Server::start(vec![refusal, chat("Reads.", "stop")]).await;
    let endpoint = Endpoint::new(options(&server.url)).unwrap();
    let (failure, _) = endpoint.complete(&prompt(), 100).await.unwrap_err();
    assert_eq!(failure.remedy, Remedy::Retry);
    assert_eq!(
        endpoint.complete(&prompt(), 100).await.unwrap().text,
        "Reads."
    );
    assert_eq!(server.body(1)["max_completion_tokens"], 100);
}

#[test]
fn openai_gets_the_new_name_of_the_cap() {
    let first = |url| {
        Endpoint::new(options(url))
            .unwrap()
            .request(&prompt(), 9)
            .sent
            .cap_name
    };
    assert_eq!(first("https://api.openai.com/v1"), "max_completion_tokens");
    assert_eq!(first("https://api.openai.com.example/v1"), "max_tokens");
}

#[test]
fn settings_that_can_never_work_are_refused_at_once() {
    for (url, key) in [
        ("", KEY),
        ("api.openai.com/v1", KEY),
        ("ftp://a/v1", KEY),
        ("http://user:pass@a/v1", KEY),
        ("http://a/v1#key", KEY),
        ("http://a/v1", "two\nlines"),
        ("http://a/v1", "ünïcode\u{0}"),
    ] {
        let failure = Endpoint::new(Options {
            api_key: Some(key.to_owned()),
            ..options(url)
        })
        .unwrap_err();
        assert_eq!(failure.remedy, Remedy::Fatal, "{url}");
        assert!(failure.hint.is_some(), "{url}");
        assert!(!failure.to_line().contains(key), "{failure:?}");
        assert!(!failure.to_line().contains("pass@"), "{failure:?}");
    }
}

#[test]
fn nothing_prints_the_key() {
    let options = options("http://127.0.0.1:1/v1");
    let printed = format!("{options:?} {:?}", Endpoint::new(options.clone()).unwrap());
    assert!(!printed.contains(KEY), "{printed}");
}

/// Runs one of these tests in a process with another environment; says whether it passed.
fn passes_with(test: &str, environment: &[(&str, &str)]) -> bool {
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("shell::openai::tests::{test}"),
            "--include-ignored",
        ])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(said.contains("running 1 test"), "{said}");
    run.status.success()
}

#[test]
fn the_environment_changes_neither_key_nor_place() {
    let environment = [
        ("OPENAI_API_KEY", "sk-of-another-server"),
        ("OPENAI_ADMIN_KEY", "sk-of-another-server"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1"),
        ("OPENAI_ORG_ID", "org"),
        ("OPENAI_PROJECT_ID", "project"),
        // Nothing listens there.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ];
    for test in [
        "without_a_key_no_authorization_is_sent",
        "an_answer_comes_with_its_usage_and_limits",
    ] {
        assert!(passes_with(test, &environment), "{test}");
    }
}

#[test]
fn a_machine_without_certificates_is_reported() {
    let environment = [
        ("SSL_CERT_FILE", "/nonexistent"),
        ("SSL_CERT_DIR", "/nonexistent"),
    ];
    for test in [
        "https_needs_certificates",
        "without_a_key_no_authorization_is_sent",
    ] {
        assert!(passes_with(test, &environment), "{test}");
    }
}

#[test]
#[ignore = "run without certificates by a_machine_without_certificates_is_reported"]
fn https_needs_certificates() {
    let failure = Endpoint::new(options("https://127.0.0.1/v1")).unwrap_err();
    assert_eq!(failure.remedy, Remedy::Fatal);
    assert!(failure.hint.unwrap().contains("ca-certificates"));
}
