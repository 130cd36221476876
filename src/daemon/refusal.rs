//! A daemon that cannot start responds to the clients that caused its start with the reason.
//!
//! Otherwise systemd would start it again for the same connections until it gives up on the socket, too.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::wire::protocol::{PROBLEM_INTERNAL, Problem};

/// How long to wait for the next client.
const PATIENCE: Duration = Duration::from_millis(200);
/// The time limit for reading one request and sending its response.
const EXCHANGE: Duration = Duration::from_secs(2);
/// The time limit for all clients together.
const ALL: Duration = Duration::from_secs(10);
/// The longest request head, in bytes.
const HEAD_BYTES: usize = 65_536;

/// Sends the reason to all waiting clients.
pub(super) async fn refuse(listener: UnixListener, reason: &str) {
    let problem = Problem::new(
        PROBLEM_INTERNAL,
        format!("the daemon cannot start: {reason}"),
    );
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let uid = rustix::process::geteuid().as_raw();
    let end = Instant::now() + ALL;
    let mut exchanges = JoinSet::new();
    while let Ok(Ok((stream, _))) =
        timeout_at(end.min(Instant::now() + PATIENCE), listener.accept()).await
    {
        if stream.peer_cred().is_ok_and(|peer| peer.uid() == uid) {
            let answer = answer.clone();
            exchanges.spawn(timeout(EXCHANGE, exchange(stream, answer)));
        }
    }
    while exchanges.join_next().await.is_some() {}
}

async fn exchange(mut stream: UnixStream, answer: String) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") && head.len() < HEAD_BYTES {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // Closing a connection with unread data would discard the response.
    let mut rest = tokio::io::sink();
    tokio::io::copy(&mut stream, &mut rest).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::client::Client;
    use crate::wire::access::Access;

    #[tokio::test]
    async fn all_who_ask_hear_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let refusal = tokio::spawn(async move { refuse(listener, "config.toml:2: no").await });
        let _silent = UnixStream::connect(&path).await.unwrap();
        let client = Client::connect(&path).await.unwrap();
        let long = folder.path().join("x".repeat(100));
        let problems = [
            client.status().await.unwrap_err(),
            client.watch(&long, true).await.unwrap_err(),
        ];
        for problem in problems {
            assert_eq!(problem.detail, "the daemon cannot start: config.toml:2: no");
        }
        timeout(ALL, refusal).await.expect("it ends").unwrap();
    }
}
