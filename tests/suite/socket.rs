//! The socket: responses to HTTP clients, who may connect, and how a daemon starts and ends.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Alone, Answer, FakeModel, Home, Repo, paths, until, within};

#[track_caller]
fn problem(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{answer:?}"
    );
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{problem}");
    for key in ["type", "title", "detail"] {
        assert!(
            problem[key].as_str().is_some_and(|text| !text.is_empty()),
            "{problem}"
        );
    }
    problem
}

#[test]
fn status_describes_the_daemon_and_its_repositories() {
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let answer = home.http("GET", "/v1/status", "").expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let status = answer.json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["pid"], daemon.pid());
    assert!(status["uptime_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&status["provider"], &status["model"]),
        (&"offline".into(), &Value::Null)
    );
    let of = &status["repositories"][0];
    assert_eq!(of["path"], repo.at(""));
    assert_eq!(
        (&of["state"], &of["watch"]),
        (&"idle".into(), &"native".into())
    );
    assert_eq!(
        (&of["files"], &of["directories"], &of["fresh"]),
        (&12.into(), &7.into(), &19.into())
    );
    for key in ["stale", "pending", "failed"] {
        assert_eq!(of[key], 0, "{key}");
    }
    assert_eq!(
        (&of["last_change"], &of["notes"]),
        (&Value::Null, &json!([]))
    );
    for key in [
        "sent",
        "succeeded",
        "retried",
        "failed",
        "in_flight",
        "prompt_tokens",
        "today",
    ] {
        assert_eq!(status["requests"][key], 0, "{key}");
    }
    assert!(
        status["store"]["summaries"].as_u64().unwrap() > 0,
        "{status}"
    );
    assert!(status["store"]["bytes"].as_u64().unwrap() > 0, "{status}");
    repo.append("README.md", "More.\n");
    home.wait(&repo);
    let last = home.status()["repositories"][0]["last_change"].clone();
    let last = last.as_str().unwrap();
    assert!(
        last.starts_with("20") && last.ends_with('Z') && last.contains('T'),
        "{last}"
    );
}

#[test]
fn a_node_has_as_many_levels_as_requested() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let node = |depth: u32| home.node(&repo.at("src"), depth);
    assert_eq!(node(0).get("children"), None);
    assert_eq!(paths(&node(1)), ["src", "src/shop"]);
    assert_eq!(paths(&node(2)).len(), 6);
    let target = format!("/v1/node?path={}", repo.at("src"));
    assert_eq!(
        home.http("GET", &target, "").expect(200).json(),
        node(0),
        "depth 0 is the default"
    );
}

#[test]
fn repositories_are_listed_added_and_removed() {
    let (home, repo, other) = (Home::new(), Repo::package(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    let listed = || {
        let answer = home.http("GET", "/v1/repositories", "").expect(200).json();
        let mut paths: Vec<String> = within(&answer, "repositories", "path")
            .iter()
            .map(|path| path.as_str().unwrap().to_owned())
            .collect();
        paths.sort();
        paths
    };
    assert_eq!(listed(), [repo.at("")]);
    let body = json!({"path": other.at("")}).to_string();
    let added = home
        .http("POST", "/v1/repositories", &body)
        .expect(200)
        .json();
    assert_eq!(added["path"], other.at(""));
    home.http("POST", "/v1/repositories", &body).expect(200);
    let mut both = [repo.at(""), other.at("")];
    both.sort();
    assert_eq!(listed(), both);
    let waited = home.http("POST", "/v1/wait", &body).expect(200).json();
    assert_eq!(waited, json!({"settled": true, "failed": []}));
    let target = format!("/v1/repositories?path={}", other.at(""));
    home.http("DELETE", &target, "").expect(204);
    assert_eq!(listed(), [repo.at("")]);
    problem(&home.http("DELETE", &target, ""), 404);
    let none = json!({"path": "/nonexistent/folder"}).to_string();
    let answer = home.http("POST", "/v1/repositories", &none);
    assert!((400..500).contains(&answer.status), "{answer:?}");
    problem(&answer, answer.status);
}

#[test]
fn a_wait_is_200_when_settled_and_504_after_its_timeout() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    let wait = |milliseconds: u64| {
        let body = json!({"path": repo.at(""), "timeout_ms": milliseconds});
        home.http("POST", "/v1/wait", &body.to_string())
    };
    problem(&wait(50), 504);
    model.release();
    assert_eq!(wait(35_000).expect(200).json()["settled"], true);
    // Without a path: everywhere.
    home.http("POST", "/v1/wait", "{}").expect(200);
}

#[test]
fn errors_are_problem_documents() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let not_watched = problem(&home.http("GET", "/v1/node?path=/elsewhere", ""), 404);
    let no_node = problem(
        &home.http("GET", &format!("/v1/node?path={}", repo.at("none")), ""),
        404,
    );
    assert_ne!(
        not_watched["type"], no_node["type"],
        "two kinds of not found"
    );
    for (method, target, body, status) in [
        ("GET", "/v1/none", "", 404),
        ("PUT", "/v1/status", "", 405),
        ("GET", "/v1/node", "", 400),
        ("GET", "/v1/node?path=relative", "", 400),
        ("GET", "/v1/node?path=/a&depth=deep", "", 400),
        ("POST", "/v1/repositories", "{", 400),
        ("POST", "/v1/wait", "{\"timeout_ms\": \"soon\"}", 400),
    ] {
        problem(&home.http(method, target, body), status);
    }
    home.http("GET", "/v1/status", "").expect(200);
}

/// The head of the response to these bytes.
#[track_caller]
fn refused(home: &Home, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(home.socket()).unwrap();
    // A head that is too large is refused before all of it is read.
    let _ = stream.write_all(request);
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    let response = String::from_utf8(response).unwrap();
    let (head, _) = response
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{response:?}"));
    head.to_owned()
}

#[test]
fn malformed_http_gets_its_status_and_closes_the_connection() {
    let home = Home::new();
    let _daemon = home.daemon(&[]);
    let fields = "x: y\r\n".repeat(200);
    let long = "a".repeat(70_000);
    for (request, status) in [
        ("hello\r\n\r\n".to_owned(), 400),
        (
            "POST /v1/wait HTTP/1.1\r\nhost: x\r\ncontent-length: zz\r\n\r\n".to_owned(),
            400,
        ),
        (
            format!("GET /v1/search?q={long} HTTP/1.1\r\nhost: x\r\n\r\n"),
            414,
        ),
        (format!("GET /v1/status HTTP/1.1\r\n{fields}\r\n"), 431),
    ] {
        let head = refused(&home, request.as_bytes());
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains("connection: close"), "{head}");
    }
    home.http("GET", "/v1/status", "").expect(200);
}

#[test]
fn a_body_that_is_too_large_is_refused_after_it_was_sent() {
    let home = Home::new();
    let _daemon = home.daemon(&[]);
    let body = "x".repeat(8 << 20);
    problem(&home.http("POST", "/v1/repositories", &body), 413);
}

#[test]
fn only_its_user_may_connect() {
    let home = Home::new();
    let _daemon = home.daemon(&[]);
    let stat = std::fs::symlink_metadata(home.socket()).unwrap();
    assert!(stat.file_type().is_socket());
    assert_eq!(stat.permissions().mode() & 0o777, 0o600);
    let data = std::fs::metadata(home.data()).unwrap();
    assert_eq!(
        data.permissions().mode() & 0o077,
        0,
        "other users cannot read the store"
    );
}

#[test]
fn invalid_input_does_not_end_the_daemon() {
    let home = Home::new();
    let _daemon = home.daemon(&[]);
    for nonsense in [
        &b"\0\0\0\0"[..],
        b"GET\r\n\r\n",
        b"GET /v1/status HTTP/9.9\r\n\r\n",
    ] {
        let mut stream = UnixStream::connect(home.socket()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(500)))
            .unwrap();
        stream.write_all(nonsense).unwrap();
        let _ = stream.read(&mut [0; 1_000]);
    }
    home.http("GET", "/v1/status", "").expect(200);
}

#[test]
fn a_second_daemon_reports_the_first() {
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    let second = home.run(&["daemon"]).expect(1);
    let error = second.stderr.trim_end();
    assert_eq!(error.lines().count(), 1, "{second:?}");
    assert!(
        error.contains(&daemon.pid().to_string()),
        "the message names the other process: {second:?}"
    );
    // A daemon with another store at the same socket.
    let other = home.temp().join("other");
    let third = home
        .run(&["--data-dir", other.to_str().unwrap(), "daemon"])
        .expect(1);
    assert!(
        third.stderr.contains(home.socket().to_str().unwrap()),
        "{third:?}"
    );
    assert_eq!(
        home.status()["pid"],
        daemon.pid(),
        "the first one keeps running"
    );
}

#[test]
fn the_socket_of_a_dead_daemon_is_taken_over() {
    let home = Home::new();
    home.daemon(&[]).kill9();
    assert!(home.socket().exists(), "a killed daemon leaves its socket");
    home.run(&["status"]).expect(3);
    let daemon = home.daemon(&[]);
    assert_eq!(home.status()["pid"], daemon.pid());
}

#[test]
fn sigterm_and_sigint_end_it_and_remove_the_socket() {
    for signal in [Signal::TERM, Signal::INT] {
        let (home, repo) = (Home::new(), Repo::package());
        let mut daemon = home.daemon(&[&repo.at("")]);
        home.wait(&repo);
        daemon.signal(signal);
        assert_eq!(daemon.ended().code(), Some(0), "{signal:?}");
        assert!(!home.socket().exists(), "{signal:?}");
        home.run(&["status"]).expect(3);
    }
}

#[test]
fn a_wait_in_progress_gets_a_response_when_the_daemon_ends() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    let mut waiting = home.command(&["wait", &repo.at("")]).spawn_alone().unwrap();
    crate::harness::until("requests in flight", || model.in_flight() > 0);
    daemon.terminate();
    crate::harness::until("the wait ends", || waiting.try_wait().unwrap().is_some());
    assert_ne!(
        waiting.wait().unwrap().code(),
        Some(0),
        "nothing was settled"
    );
}

/// An estimate reads a whole tree, which may be large.
#[test]
fn an_estimate_ends_when_its_client_leaves() {
    let (home, repo, large) = (Home::new(), Repo::package(), Repo::new());
    for number in 0..2_000 {
        large.write(
            &format!("d{}/f{number}.py", number % 40),
            format!("def f{number}():\n    return {number}\n").repeat(20),
        );
    }
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let readers = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap();
        let names = tasks.flatten().map(|task| task.path().join("comm"));
        let names = names.filter_map(|comm| fs::read_to_string(comm).ok());
        names.filter(|name| name.starts_with("reader-")).count()
    };
    let before = readers();
    let mut stream = UnixStream::connect(home.socket()).unwrap();
    let target = format!("/v1/estimate?path={}", large.at(""));
    write!(stream, "GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    until("the estimate runs", || readers() > before);
    drop(stream);
    until("its threads are gone", || readers() == before);
    // Another estimate can run now.
    let target = format!("/v1/estimate?path={}", repo.at(""));
    home.http("GET", &target, "").expect(200);
}

#[test]
fn a_path_with_a_plus_is_found_encoded_or_not() {
    let (home, repo) = (Home::new(), Repo::new());
    repo.write("c++/a b%.py", "x = 1\n");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let root = repo.at("");
    for path in [
        "c++/a%20b%25.py",
        "c%2B%2B/a+b%25.py",
        "c%2b%2b/a%20b%25.py",
    ] {
        let target = format!("/v1/node?path={root}/{path}");
        let node = home.http("GET", &target, "");
        // A space and a plus in one name cannot both be guessed.
        let guessed = path.starts_with("c++");
        assert!(node.status == 200 || guessed, "{path}: {node:?}");
    }
    let target = format!("/v1/node?path={root}/c++");
    assert_eq!(
        home.http("GET", &target, "").expect(200).json()["path"],
        "c++"
    );
}
