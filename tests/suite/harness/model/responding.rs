//! Parses requests and writes responses.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::{CACHED, FakeModel, Kind, Reply, Request, Server};

/// Counts a request as in flight until it is dropped, which a closed connection causes, too.
struct InFlight {
    server: Arc<Server>,
    subject: String,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut inner = self.server.lock();
        inner.in_flight -= 1;
        if let Some(count) = inner.in_flight_by_subject.get_mut(&self.subject) {
            *count -= 1;
        }
    }
}

/// Everything else. A client may look up the model's context window, which only some servers report.
pub(super) async fn unexpected(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
) -> Response {
    let mut inner = server.lock();
    let window = inner.window.as_mut();
    if let Some(document) = window.and_then(|served| served.document(&method, uri.path())) {
        return respond(200, &[], document.to_string());
    }
    let lookups = ["/v1/models", "/props", "/api/ps", "/api/show"];
    if !lookups.contains(&uri.path()) {
        inner.unexpected.push(uri.to_string());
    }
    respond(404, &[], "not found".to_owned())
}

pub(super) async fn complete(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = match understand(&headers, &body) {
        Ok(request) => request,
        Err(why) => {
            server.lock().unexpected.push(why);
            return respond(400, &[], "not understood".to_owned());
        }
    };
    let subject = request.subject();
    let (id, latency, headers, in_flight) = {
        let mut inner = server.lock();
        let others = inner.in_flight;
        let (headers, refusal) = inner.gate.enter(&request, others);
        let id = inner.requests.len();
        inner.requests.push(request.clone());
        inner.in_flight += 1;
        inner.max_in_flight = inner.max_in_flight.max(inner.in_flight);
        let count = inner
            .in_flight_by_subject
            .entry(subject.clone())
            .or_default();
        *count += 1;
        if *count > 1 {
            inner.duplicates.push(subject.clone());
        }
        let in_flight = InFlight {
            server: Arc::clone(&server),
            subject,
        };
        if let Some(refusal) = refusal {
            inner.requests[id].status = Some(429);
            drop(inner);
            drop(in_flight);
            return refusal;
        }
        (id, inner.latency, headers, in_flight)
    };
    tokio::time::sleep(latency).await;
    loop {
        let opened = server.opened.notified();
        let allowed = match &mut server.lock().allowed {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        };
        if allowed {
            break;
        }
        opened.await;
    }
    let failure = server.lock().failure(&request);
    if matches!(failure, Some(Reply::Stalled)) {
        return std::future::pending().await;
    }
    let mut inner = server.lock();
    let content = if inner.constant { "" } else { &request.content };
    let summary = FakeModel::summary(request.kind, content);
    let served = inner.window.as_mut().filter(|_| failure.is_none());
    let served = served.map(|served| served.complete(&request));
    let response = match failure {
        None if served.is_some() => {
            let (status, body) = served.unwrap_or_default();
            let usage: Value = serde_json::from_str(&body).unwrap_or_default();
            inner.output_tokens += usage["usage"]["completion_tokens"].as_u64().unwrap_or(0);
            respond(status, &[], body)
        }
        None => respond(200, &headers, completion(&request, Some(&summary), "stop")),
        Some(Reply::Text(text)) => respond(200, &[], completion(&request, Some(text), "stop")),
        Some(Reply::Status(status, headers, body)) => respond(status, &headers, body),
        Some(Reply::Garbled) => respond(200, &[], "<html>bad gateway</html>".to_owned()),
        Some(Reply::Empty) => respond(200, &[], completion(&request, None, "stop")),
        Some(Reply::Length) => respond(200, &[], completion(&request, Some("Cut o"), "length")),
        Some(Reply::Dropped) => Response::builder()
            .header("content-type", "application/json")
            .header("content-length", 1_000)
            .body(Body::new(Broken))
            .unwrap_or_default(),
        Some(Reply::Stalled) => unreachable!("handled above"),
    };
    inner.requests[id].status = Some(response.status().as_u16());
    drop(inner);
    drop(in_flight);
    response
}

pub(super) fn understand(headers: &HeaderMap, body: &[u8]) -> Result<Request, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
    let user = body["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|message| message["role"] == "user")
        .map(|message| text_of(&message["content"]))
        .ok_or_else(|| format!("no user message: {body}"))?;
    let kind = match &user {
        text if text.starts_with("A file") => Kind::File,
        text if text.starts_with("A directory") => Kind::Directory,
        text => return Err(format!("neither a file nor a directory: {text}")),
    };
    let content = between_markers(&user).ok_or_else(|| format!("no markers: {user}"))?;
    Ok(Request {
        kind,
        content,
        authorization: headers
            .get("authorization")
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default(),
        body,
        status: None,
        at: Instant::now(),
    })
}

/// A message's text, from a string or from several parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

fn between_markers(user: &str) -> Option<String> {
    let (_, rest) = user.split_once("<content ")?;
    let (boundary, rest) = rest.split_once(">\n")?;
    let (content, _) = rest.rsplit_once(&format!("</content {boundary}>"))?;
    Some(content.strip_suffix('\n').unwrap_or(content).to_owned())
}

pub(super) fn completion(request: &Request, text: Option<&str>, finish: &str) -> String {
    let tokens = request.content.len() / 4 + 300;
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": request.body["model"],
        "choices": [{
            "index": 0, "finish_reason": finish,
            "message": {"role": "assistant", "content": text.unwrap_or("")},
        }],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 20, "total_tokens": tokens + 20,
                  "prompt_tokens_details": {"cached_tokens": CACHED}},
    })
    .to_string()
}

pub(super) fn respond(status: u16, headers: &[(&str, String)], body: String) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(body)).unwrap_or_default()
}

/// A body that ends in an error, so that the connection is cut.
pub(super) struct Broken;

impl axum::body::HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())))
    }
}
