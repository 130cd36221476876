//! Server-sent events, decoded as they arrive.

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;

use super::{Client, broken, decode, decode_problem, internal};
use crate::wire::events::{EventStream, StreamEvent};
use crate::wire::protocol::Problem;

/// The most bytes of one event.
const MAX_EVENT_BYTES: usize = 1_048_576;

impl Client {
    /// Subscribes to events; the connection lives until the receiver is dropped.
    pub(super) async fn follow(&self, route: &str) -> Result<EventStream, Problem> {
        let stream = TokioIo::new(self.open().await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
            .await
            .map_err(broken)?;
        tokio::spawn(connection);
        let request = Request::builder()
            .uri(route)
            .header(HOST, "localhost")
            .body(Empty::<Bytes>::new())
            .map_err(|error| internal(format!("the request cannot be built: {error}")))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let mut body = response.into_body();
        if !status.is_success() {
            let body = body.collect().await.map_err(broken)?;
            return Err(decode_problem(status, &body.to_bytes()));
        }
        let (ready, events) = mpsc::channel(1);
        tokio::spawn(async move {
            // Without the sender the connection would close.
            let _sender = sender;
            tokio::select! {
                () = read(&mut body, &ready) => {}
                () = ready.closed() => {}
            }
        });
        Ok(events)
    }
}

async fn read(body: &mut Incoming, ready: &mpsc::Sender<Result<StreamEvent, Problem>>) {
    let mut events = Events::default();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        for event in events.take(&data) {
            if ready.send(decode(&event)).await.is_err() {
                return;
            }
        }
        if events.open.len() > MAX_EVENT_BYTES {
            let _ = ready
                .send(Err(internal(
                    "the daemon sent an event larger than 1 MiB".to_owned(),
                )))
                .await;
            return;
        }
    }
}

/// Splits a stream into events: the data lines between two empty lines.
#[derive(Default)]
struct Events {
    open: Vec<u8>,
}

impl Events {
    /// The data of the events that these bytes complete.
    fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.open.extend_from_slice(bytes);
        let mut whole = Vec::new();
        while let Some(end) = self.open.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = self.open.drain(..end + 2).collect();
            let mut data = Vec::new();
            for line in event.split(|&byte| byte == b'\n') {
                if let Some(text) = line.strip_prefix(b"data:") {
                    data.extend_from_slice(text.strip_prefix(b" ").unwrap_or(text));
                }
            }
            if !data.is_empty() {
                whole.push(data);
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_put_together_from_pieces() {
        let mut events = Events::default();
        assert!(events.take(b"data: {\"a\"").is_empty());
        assert_eq!(
            events.take(b":1}\n\n: a comment\n\ndata:x\n\nda"),
            [&b"{\"a\":1}"[..], b"x"]
        );
        assert_eq!(events.take(b"ta: y\n\n"), [b"y"]);
    }
}
