//! Floods of connections, half-sent and oversized requests, and too few file descriptors.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{MEMORY, is_fresh};
use crate::harness::{DEADLINE, Home, Repo};

/// A client that floods, and its open connections.
struct Flood(Vec<UnixStream>);

impl Flood {
    /// Opens connections that send nothing, half a head, or half a body.
    fn of(home: &Home, many: usize) -> Self {
        let open = |number: usize| {
            let mut stream = UnixStream::connect(home.socket()).ok()?;
            let half: &[u8] = match number % 4 {
                0 => b"",
                1 => b"GET /v1/st",
                2 => b"GET /v1/status HTTP/1.1\r\nhost: x\r\n",
                _ => b"\x16\x03\x01\x02\x00\x01\x00",
            };
            stream.write_all(half).ok()?;
            Some(stream)
        };
        Self((0..many).filter_map(open).collect())
    }
}

#[track_caller]
fn responds_within(home: &Home, limit: Duration) -> Value {
    let begun = Instant::now();
    let status = home.status();
    assert!(
        begun.elapsed() < limit,
        "a response took {:?}",
        begun.elapsed()
    );
    status
}

#[test]
fn a_flood_does_not_block_other_clients() {
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    let flood = Flood::of(&home, 600);
    assert!(flood.0.len() > 400);
    // An idle connection is closed after a second while others wait.
    responds_within(&home, Duration::from_secs(20));
    repo.append("src/shop/cart.py", "\n\nMORE = 1\n");
    is_fresh(&home, &repo);
    // The daemon waits for the rest of a body.
    let bodies: Vec<UnixStream> = (0..60)
        .map(|_| {
            let mut stream = UnixStream::connect(home.socket()).unwrap();
            let head = b"POST /v1/wait HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{\"pa";
            stream.write_all(head).unwrap();
            stream
        })
        .collect();
    responds_within(&home, Duration::from_secs(20));
    drop((flood, bodies));
    responds_within(&home, Duration::from_secs(20));
    // Clients that connect and disconnect.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    home.http("GET", "/v1/status", "").expect(200);
                }
            });
        }
    });
    is_fresh(&home, &repo);
    assert!(
        daemon.peak_memory() < MEMORY,
        "{} MiB",
        daemon.peak_memory()
    );
}

#[test]
fn oversized_requests_are_rejected_without_buffering() {
    const LARGE: usize = 64 << 20;
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    let before = daemon.peak_memory();
    let post = format!(
        "POST /v1/wait HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {LARGE}\r\n\r\n"
    );
    let chunked = "POST /v1/wait HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4000000\r\n";
    for (head, status) in [
        (post.as_str(), "413"),
        (chunked, "413"),
        ("GET /v1/status?", "4"),
        ("GET /v1/status HTTP/1.1\r\nhost: x\r\nx-long: ", "4"),
    ] {
        let mut stream = UnixStream::connect(home.socket()).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b'a'; 1 << 16];
        for _ in 0..LARGE / piece.len() {
            // It may close the connection before everything was sent.
            if stream.write_all(&piece).is_err() {
                break;
            }
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let expected = format!("HTTP/1.1 {status}");
        assert!(
            answer.is_empty() || answer.starts_with(&expected),
            "{head:?}: {answer}"
        );
        responds_within(&home, Duration::from_secs(20));
    }
    let grown = daemon.peak_memory() - before;
    assert!(
        grown < 32,
        "memory grew by {grown} MiB for refused requests"
    );
    assert!(
        daemon.peak_memory() < MEMORY,
        "{} MiB",
        daemon.peak_memory()
    );
}

#[test]
fn sixty_four_file_descriptors_are_enough_for_an_index_and_a_flood() {
    let (home, repo) = (Home::new(), Repo::new());
    for n in 0..300 {
        repo.write(
            &format!("part{}/sub{}/file{n}.py", n % 12, n % 5),
            format!("VALUE = {n}\n"),
        );
    }
    let before = ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"];
    let daemon = home.daemon_by(home.command_by(&before, &["daemon", &repo.at("")]));
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    assert!(
        files.unwrap().split_whitespace().any(|word| word == "64"),
        "{limits}"
    );
    let flood = Flood::of(&home, 200);
    is_fresh(&home, &repo);
    for n in 0..40 {
        repo.write(&format!("part{}/new{n}.py", n % 12), format!("NEW = {n}\n"));
    }
    is_fresh(&home, &repo);
    responds_within(&home, Duration::from_secs(20));
    drop(flood);
    repo.remove("part3");
    is_fresh(&home, &repo);
    let served = home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    let new_index = Home::new().run(&["index", &repo.at(""), "--json"]);
    assert_eq!(served, new_index.expect(0).stdout);
    assert!(
        daemon.peak_memory() < MEMORY,
        "{} MiB",
        daemon.peak_memory()
    );
    daemon.terminate();
}
