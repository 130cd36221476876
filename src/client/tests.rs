//! What a client says where nobody, or the wrong one, answers. Its questions are tested against the real server.

#![allow(clippy::unwrap_used)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::*;

#[tokio::test]
async fn without_a_socket_or_a_listener_no_daemon_runs() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    assert!(matches!(
        Client::connect(&socket).await,
        Err(ConnectError::NoDaemon)
    ));
    drop(UnixListener::bind(&socket).unwrap());
    assert!(matches!(
        Client::connect(&socket).await,
        Err(ConnectError::NoDaemon)
    ));
    let client = Client { socket };
    let problem = client.status().await.unwrap_err();
    assert_eq!(problem.kind, PROBLEM_NO_DAEMON);
    assert_eq!(
        problem.detail,
        "no daemon runs: `epitome watch` in a repository starts one (or `epitome daemon`, or `epitome service install`)"
    );
}

#[tokio::test]
async fn a_file_in_the_socket_s_place_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let nested = socket.join("below");
    std::fs::write(&socket, "").unwrap();
    let error = Client::connect(&nested).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unusable { .. }));
    assert!(error.to_string().contains("below"), "{error}");
}

/// A server that answers every request with these bytes and closes.
async fn answers(socket: &Path, answer: &'static [u8]) {
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            if stream.read(&mut request).await.unwrap() > 0 {
                stream.write_all(answer).await.unwrap();
            }
        }
    });
}

#[tokio::test]
async fn nonsense_becomes_a_problem_in_one_line() {
    for (answer, expected) in [
        (&b""[..], "ended the connection before it had answered"),
        (
            b"220 ftp ready\r\n\r\n",
            "ended the connection before it had answered",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "the daemon's answer cannot be read",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
            "ended the connection before it had answered",
        ),
        (
            b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nhm",
            "answered 500 Internal Server Error",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        answers(&socket, answer).await;
        let client = Client::connect(&socket).await.unwrap();
        let problem = client.status().await.unwrap_err();
        assert!(problem.detail.contains(expected), "{}", problem.detail);
        assert!(!problem.detail.contains('\n'));
    }
}
