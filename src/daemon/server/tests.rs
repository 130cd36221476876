//! The server on a real socket, with the real client and with raw requests.

#![allow(clippy::unwrap_used)]

mod fuzz;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::client::Client;
use crate::client::fake::{self, Fake};
use crate::wire::access::Access as _;
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::protocol::*;

struct Served {
    socket: PathBuf,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    _folder: TempDir,
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn start_within(fake: &Fake, uid: u32, limits: Limits) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let server = tokio::spawn(serve_within(listener, fake.clone(), shutdown, uid, limits));
    Served {
        socket,
        stop,
        server,
        _folder: folder,
    }
}

fn start(fake: &Fake) -> Served {
    start_within(fake, me(), LIMITS)
}

fn small() -> Fake {
    Fake::new("/repo", fake::tree())
}

/// Sends bytes and reads until the server closes.
async fn raw(socket: &Path, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Sends a request; returns the status, the head and the body.
async fn exchange(served: &Served, method: &str, route: &str, body: &str) -> (u16, String, String) {
    let request = format!(
        "{method} {route} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = raw(&served.socket, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn the_client_gets_what_the_daemon_knows() {
    let fake = small();
    let served = start(&fake);
    let client = Client::connect(&served.socket).await.unwrap();
    let repo = Path::new("/repo");

    assert_eq!(client.status().await, fake.status().await);
    for depth in [0, 1, usize::MAX] {
        assert_eq!(client.node(repo, depth).await, fake.node(repo, depth).await);
    }
    let waited = client
        .wait(Some(repo), Some(Duration::from_millis(1_500)))
        .await;
    assert_eq!(
        waited,
        Ok(WaitOutcome {
            settled: true,
            failed: Vec::new()
        })
    );
    client.wait(None, None).await.unwrap();
    let added = client.watch(Path::new("/other"), false).await.unwrap();
    assert_eq!(added.path, "/other");
    client.watch(Path::new("/other"), true).await.unwrap();
    client.unwatch(Path::new("/other")).await.unwrap();
    assert_eq!(client.cache().await, fake.cache().await);
    assert_eq!(client.prompt(repo).await, fake.prompt(repo).await);
    let request = CollectRequest {
        max_age_days: Some(30),
        max_bytes: None,
    };
    assert_eq!(client.collect(request).await.unwrap().summaries, 1);
    let verified = client.verify().await.unwrap();
    assert_eq!((verified.sound, verified.lost), (false, 1));
    assert_eq!(
        fake.log(),
        [
            "wait Some(\"/repo\") Some(1.5s)",
            "wait None None",
            "watch \"/other\" false",
            "watch \"/other\" true",
            "unwatch \"/other\"",
            "collect Some(30) None",
            "verify",
        ]
    );
}

#[tokio::test]
async fn a_path_that_is_no_utf_8_arrives_byte_for_byte() {
    let name = b"caf\xe9 &=%+#?\n.py";
    let fake = Fake::new(
        "/repo",
        fake::directory("", "All.", vec![fake::file(name, "One.")]),
    );
    let served = start(&fake);
    let client = Client::connect(&served.socket).await.unwrap();
    let path = Path::new("/repo").join(OsStr::from_bytes(name));

    let node = client.node(&path, 0).await.unwrap();
    assert_eq!(node.common().line.as_deref(), Some("One."));
    client.watch(&path, true).await.unwrap();
    client.wait(Some(&path), None).await.unwrap();
    client.unwatch(&path).await.unwrap();
    assert_eq!(
        fake.log(),
        [
            format!("watch {path:?} true"),
            format!("wait {:?} None", Some(&path)),
            format!("unwatch {path:?}"),
        ]
    );
}

#[tokio::test]
async fn a_tree_deeper_than_a_json_reader_goes_is_whole() {
    let mut path = vec!["d"; 130].join("/");
    let mut node = fake::file(format!("{path}/f"), "The last.");
    while !path.is_empty() {
        let child = node;
        node = fake::directory(&path, "One of many.", vec![child]);
        path.truncate(path.rfind('/').unwrap_or(0));
    }
    let fake = Fake::new("/repo", fake::directory("", "Deep.", vec![node]));
    let served = start(&fake);
    let client = Client::connect(&served.socket).await.unwrap();
    for depth in [39, 40, 41, 80, 81, 131, 132, usize::MAX] {
        let reply = client.node(Path::new("/repo"), depth).await.unwrap();
        assert!(
            reply == fake.node(Path::new("/repo"), depth).await.unwrap(),
            "{depth}"
        );
    }
}

#[tokio::test]
async fn problems_arrive_as_they_were() {
    let fake = small();
    fake.world.lock().unwrap().waited = None;
    let served = start(&fake);
    let client = Client::connect(&served.socket).await.unwrap();
    let kind = |result: Result<Node, Problem>| result.unwrap_err().kind;

    assert_eq!(
        kind(client.node(Path::new("/else"), 0).await),
        PROBLEM_NOT_WATCHED
    );
    assert_eq!(
        kind(client.node(Path::new("/repo/x"), 0).await),
        PROBLEM_NO_NODE
    );
    assert_eq!(
        kind(client.node(Path::new("repo"), 0).await),
        PROBLEM_BAD_REQUEST
    );
    let late = client
        .wait(None, Some(Duration::from_millis(1)))
        .await
        .unwrap_err();
    assert_eq!(late.kind, PROBLEM_TIMEOUT);
    assert_eq!(late.status, 504);
    assert_eq!(late.detail, "2 files are still to be read");
    let unknown = client.unwatch(Path::new("/else")).await.unwrap_err();
    assert_eq!(unknown, Problem::new(PROBLEM_NOT_WATCHED, "not that one"));
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let served = start(&small());
    let large = format!("{{\"path\":\"/{}\"}}", "a".repeat(1_048_576));
    for (method, route, body, status, detail) in [
        ("GET", "/", "", 404, "no such route: /;"),
        ("GET", "/v1/nodes", "", 404, "no such route: /v1/nodes"),
        (
            "POST",
            "/v1/status",
            "",
            405,
            "/v1/status does not support POST",
        ),
        (
            "DELETE",
            "/v1/wait",
            "",
            405,
            "/v1/wait does not support DELETE",
        ),
        ("GET", "/v1/node", "", 400, "path is missing"),
        ("GET", "/v1/node?path=", "", 400, "path must be absolute"),
        (
            "GET",
            "/v1/node?path=a",
            "",
            400,
            "path must be absolute, not \"a\"",
        ),
        (
            "GET",
            "/v1/node?path=/repo&depth=-1",
            "",
            400,
            "depth must be a whole number",
        ),
        (
            "GET",
            "/v1/node?path=/repo&depth=",
            "",
            400,
            "depth must be a whole number",
        ),
        (
            "GET",
            "/v1/node?path=/repo&deep=1",
            "",
            400,
            "unknown key deep; known here: path, depth",
        ),
        (
            "GET",
            "/v1/node?path=/repo&path=/x",
            "",
            400,
            "path more than once",
        ),
        (
            "GET",
            "/v1/node?path=%2",
            "",
            400,
            "path is not percent-encoded",
        ),
        (
            "GET",
            "/v1/status?x",
            "",
            400,
            "unknown key x; known here: none",
        ),
        ("DELETE", "/v1/repositories", "", 400, "path is missing"),
        ("POST", "/v1/repositories", "", 400, "path is missing"),
        (
            "POST",
            "/v1/repositories",
            "{}",
            400,
            "not the expected JSON: missing field `path`",
        ),
        (
            "POST",
            "/v1/repositories",
            "{\"path\":\"x\"}",
            400,
            "path must be absolute",
        ),
        (
            "POST",
            "/v1/repositories",
            "{\"path\":",
            400,
            "not the expected JSON",
        ),
        ("POST", "/v1/wait", "[]x", 400, "not the expected JSON"),
        ("POST", "/v1/wait", "[]", 400, "not the expected JSON"),
        (
            "POST",
            "/v1/wait",
            "{\"pth\":\"/repo\"}",
            400,
            "unknown field `pth`",
        ),
        (
            "POST",
            "/v1/cache/gc",
            "{\"max_ages_days\":9}",
            400,
            "unknown field `max_ages_days`",
        ),
        (
            "POST",
            "/v1/wait",
            "{\"timeout_ms\":-1}",
            400,
            "not the expected JSON",
        ),
        (
            "POST",
            "/v1/repositories",
            &large,
            413,
            "larger than 1048576 bytes",
        ),
        (
            "GET",
            "/v1/node?path=/else",
            "",
            404,
            "/else: no repository",
        ),
        ("GET", "/v1/node?path=/repo/x", "", 404, "no node"),
    ] {
        let (got, head, body) = exchange(&served, method, route, body).await;
        assert_eq!(got, status, "{method} {route}: {body}");
        assert!(
            head.contains("content-type: application/problem+json"),
            "{head}"
        );
        let problem: Problem = serde_json::from_str(&body).unwrap();
        assert_eq!(problem.status, status);
        assert!(
            problem.detail.contains(detail),
            "{method} {route}: {}",
            problem.detail
        );
        assert!(!problem.detail.contains('\n'));
        assert_eq!(status == 405, head.contains("allow:"), "{head}");
    }
}

#[tokio::test]
async fn the_openapi_document_is_honest() {
    let served = start(&small());
    let (status, head, body) = exchange(&served, "GET", "/openapi.json", "").await;
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/json"), "{head}");
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));

    let mut routes = 0;
    for (route, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array();
            let needed: Vec<&str> = parameters
                .into_iter()
                .flatten()
                .filter(|one| one["required"] == true)
                .map(|one| match one["name"].as_str().unwrap() {
                    "path" => "path=/repo",
                    "q" => "q=words",
                    other => panic!("{route} needs {other}"),
                })
                .collect();
            let route = format!("{route}?{}", needed.join("&"));
            let body = match operation.get("requestBody") {
                Some(_) if route.contains("/gc") => "{\"max_age_days\":9}",
                Some(_) if route.contains("/shared") => "{\"action\":\"push\"}",
                Some(_) => "{\"path\":\"/repo\"}",
                None => "",
            };
            let method = method.to_uppercase();
            let (status, _, answer) = exchange(&served, &method, &route, body).await;
            let reply = operation["responses"].get(status.to_string());
            assert!(
                status < 300 && reply.is_some(),
                "{method} {route}: {status} {answer}"
            );
            routes += 1;
        }
    }
    assert_eq!(routes, 17);

    // Generators of clients find a node's kind by this.
    let kinds = &document["components"]["schemas"]["Node"]["discriminator"]["mapping"];
    assert_eq!(kinds["file"], "#/components/schemas/FileNode");
    assert_eq!(kinds["directory"], "#/components/schemas/DirectoryNode");

    let fake = small();
    let known = fake.status().await.unwrap();
    let file = fake.node(Path::new("/repo/main.py"), 0).await.unwrap();
    let folder = fake.node(Path::new("/repo"), 1).await.unwrap();
    let failed = FailedNode {
        path: "/repo/x".to_owned(),
        error: "no".to_owned(),
    };
    let preview = fake.prompt(Path::new("/repo")).await.unwrap();
    let Node::File(inner) = &file else {
        panic!("a file")
    };
    let json = |value: &dyn Fn() -> serde_json::Result<serde_json::Value>| value().unwrap();
    for (schema, value) in [
        (
            "Element",
            json(&|| serde_json::to_value(&inner.elements[0])),
        ),
        ("FileNode", json(&|| serde_json::to_value(&file))),
        ("DirectoryNode", json(&|| serde_json::to_value(&folder))),
        ("Status", json(&|| serde_json::to_value(&known))),
        (
            "Repository",
            json(&|| serde_json::to_value(&known.repositories[0])),
        ),
        (
            "Progress",
            json(&|| serde_json::to_value(known.repositories[0].progress)),
        ),
        ("Requests", json(&|| serde_json::to_value(&known.requests))),
        (
            "Used",
            json(&|| serde_json::to_value(known.repositories[0].used)),
        ),
        ("DayUsage", json(&|| serde_json::to_value(&known.usage[0]))),
        (
            "RepositoryUsage",
            json(&|| serde_json::to_value(&known.usage[0].repositories[0])),
        ),
        (
            "BudgetStatus",
            json(&|| serde_json::to_value(known.budget.as_ref().unwrap())),
        ),
        ("FailedNode", json(&|| serde_json::to_value(&failed))),
        ("Preview", json(&|| serde_json::to_value(&preview))),
        (
            "PromptRequest",
            json(&|| serde_json::to_value(&preview.requests[0])),
        ),
        (
            "Waited",
            json(&|| serde_json::to_value(WaitOutcome::default())),
        ),
        (
            "CacheStatistics",
            json(&|| serde_json::to_value(CacheStatistics::default())),
        ),
        (
            "Collected",
            json(&|| serde_json::to_value(Collected::default())),
        ),
        (
            "Verified",
            json(&|| serde_json::to_value(Verified::default())),
        ),
        (
            "Problem",
            json(&|| serde_json::to_value(Problem::new(PROBLEM_TIMEOUT, ""))),
        ),
    ] {
        let schema_of = &document["components"]["schemas"][schema];
        for key in value.as_object().unwrap().keys() {
            assert!(schema_of["properties"].get(key).is_some(), "{schema}.{key}");
        }
        for key in schema_of["required"].as_array().unwrap() {
            assert!(value.get(key.as_str().unwrap()).is_some(), "{schema}.{key}");
        }
    }
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let fake = small();
    fake.world.lock().unwrap().status.repositories[0].path = "/a \"b\"\n\\c".to_owned();
    let served = start(&fake);
    let (status, head, body) = exchange(&served, "GET", "/metrics", "").await;
    assert_eq!(status, 200);
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    let line = r#"epitome_nodes{repository="/a \"b\"\n\\c",freshness="fresh"} 4"#;
    assert!(body.lines().any(|found| found == line), "{body}");
    assert!(
        body.contains("epitome_requests_total{outcome=\"sent\"} 0\n"),
        "{body}"
    );
    let of_repository = r#"epitome_repository_requests_total{repository="/a \"b\"\n\\c"} 7"#;
    assert!(body.lines().any(|found| found == of_repository), "{body}");
    for line in [
        "epitome_budget_limit{resource=\"cost\"} 0.5",
        "epitome_budget_used{resource=\"requests\"} 7",
        "epitome_budget_spent 0",
    ] {
        assert!(body.lines().any(|found| found == line), "{line}: {body}");
    }
    assert!(!body.contains("resource=\"tokens\""), "no bound, no line");
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(body.contains(&format!("# TYPE {name} ")), "{line}");
    }
    assert!(body.ends_with('\n'));
}

#[tokio::test]
async fn another_user_gets_no_answer() {
    let fake = small();
    let served = start_within(&fake, me() + 1, LIMITS);
    let mut stream = UnixStream::connect(&served.socket).await.unwrap();
    // The write may fail already: the server has hung up.
    let _ = stream
        .write_all(b"DELETE /v1/repositories?path=/repo HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    let client = Client::connect(&served.socket).await.unwrap();
    assert!(client.status().await.is_err());
    assert!(fake.log().is_empty());
}

#[tokio::test]
async fn half_a_request_is_not_waited_for() {
    let limits = Limits {
        idle: Duration::from_millis(50),
        ..LIMITS
    };
    let served = start_within(&small(), me(), limits);
    for half in ["", "GET /v1/st", "GET /v1/status HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = UnixStream::connect(&served.socket).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(
            !String::from_utf8(answer).unwrap().contains("200 OK"),
            "{half}"
        );
    }
    let half = "POST /v1/wait HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
    let answer = raw(&served.socket, half.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_long_answer_is_no_silence_and_ends_with_its_client() {
    let fake = small();
    fake.world.lock().unwrap().waited = None;
    let limits = Limits {
        idle: Duration::from_millis(20),
        ..LIMITS
    };
    let served = start_within(&fake, me(), limits);
    let mut waits = fake.waits.subscribe();
    let client = Client::connect(&served.socket).await.unwrap();
    let waiting = client.wait(None, None);
    let patient = tokio::time::timeout(Duration::from_millis(200), waiting).await;
    assert!(patient.is_err(), "answered: {patient:?}");
    // The client was dropped with its question: the daemon's own wait ends too.
    waits.wait_for(|waits| *waits == 0).await.unwrap();
    assert_eq!(fake.log(), ["wait None None"]);
}

#[tokio::test]
async fn more_connections_than_there_are_places_wait_their_turn() {
    let limits = Limits {
        connections: 1,
        ..LIMITS
    };
    let fake = small();
    let served = start_within(&fake, me(), limits);
    let request = b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = UnixStream::connect(&served.socket).await.unwrap();
    first.write_all(request).await.unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    let mut second = UnixStream::connect(&served.socket).await.unwrap();
    second.write_all(request).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(50), second.read_exact(&mut byte)).await;
    assert!(early.is_err(), "the second was answered beside the first");
    drop(first);
    second.read_exact(&mut byte).await.unwrap();
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_waits() {
    let fake = small();
    fake.world.lock().unwrap().waited = None;
    let limits = Limits {
        drain: Duration::from_millis(20),
        ..LIMITS
    };
    let served = start_within(&fake, me(), limits);
    let client = Client::connect(&served.socket).await.unwrap();
    let waiting = tokio::spawn(async move { client.wait(None, None).await });
    fake.waits
        .subscribe()
        .wait_for(|waits| *waits == 1)
        .await
        .unwrap();
    served.stop.send(()).unwrap();
    served.server.await.unwrap();
    waiting.abort();
}

#[tokio::test]
async fn a_shutdown_with_nothing_under_way_is_at_once() {
    let served = start(&small());
    let client = Client::connect(&served.socket).await.unwrap();
    client.status().await.unwrap();
    served.stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(4), served.server).await;
    assert!(ended.is_ok(), "it waited for the drain's end");
}
