//! The client's errors when nothing, or something else, listens. Its requests are tested against the real server.

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
        "no daemon runs: `epitome watch` in a repository starts one (or `epitome mcp --watch`, `epitome daemon`, `epitome service install`)"
    );
}

#[tokio::test]
async fn a_file_at_the_socket_path_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let nested = socket.join("below");
    std::fs::write(&socket, "").unwrap();
    let error = Client::connect(&nested).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unusable { .. }));
    assert!(error.to_string().contains("below"), "{error}");
}

/// A server that responds to every request with these bytes and closes.
async fn respond(socket: &Path, response: &'static [u8]) {
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            if stream.read(&mut request).await.unwrap() > 0 {
                stream.write_all(response).await.unwrap();
            }
        }
    });
}

#[tokio::test]
async fn a_malformed_response_becomes_a_problem_in_one_line() {
    for (response, expected) in [
        (
            &b""[..],
            "closed the connection before its response was complete",
        ),
        (
            b"220 ftp ready\r\n\r\n",
            "closed the connection before its response was complete",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "the daemon's response cannot be decoded",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
            "closed the connection before its response was complete",
        ),
        (
            b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nhm",
            "responded 500 Internal Server Error",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        respond(&socket, response).await;
        let client = Client::connect(&socket).await.unwrap();
        let problem = client.status().await.unwrap_err();
        assert!(problem.detail.contains(expected), "{}", problem.detail);
        assert!(!problem.detail.contains('\n'));
    }
}
