//! The model's Batch API: files, batches, and lines that finish in any order.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::responding::{Broken, completion, respond, understand, unexpected};
use super::{FakeModel, Filter, Request, Server};

/// Whether the endpoint has a Batch API.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Presence {
    /// A call is unexpected and fails the test.
    #[default]
    Unknown,
    /// It exists.
    Present,
    /// Calls return 404.
    Missing,
}

#[derive(Clone, Default)]
struct Batch {
    file: String,
    metadata: Value,
    lines: Vec<(String, Request)>,
    polls: usize,
    failed: bool,
    done: bool,
}

#[derive(Default)]
pub(super) struct Batches {
    presence: Presence,
    /// All calls, in order.
    calls: Vec<&'static str>,
    files: BTreeMap<String, String>,
    batches: Vec<Batch>,
    held: bool,
    /// The largest number of lines in unfinished batches.
    max_lines: Option<usize>,
    failing: Vec<Filter>,
    /// Texts of lines instead of the usual summaries.
    texts: Vec<(Filter, &'static str)>,
    expiring: Vec<Filter>,
    /// This many responses to `create` are lost, although the batch is made.
    lost: usize,
    /// `create` makes the batch and never responds.
    mute: bool,
}

impl FakeModel {
    /// Offers a Batch API.
    pub fn with_batches(&self) -> &Self {
        self.server.lock().batches.presence = Presence::Present;
        self
    }

    /// Offers none; calls are allowed and return 404.
    pub fn without_batches(&self) -> &Self {
        self.server.lock().batches.presence = Presence::Missing;
        self
    }

    /// Stops work on batches.
    pub fn hold_batches(&self) -> &Self {
        self.server.lock().batches.held = true;
        self
    }

    /// Resumes work on batches.
    pub fn release_batches(&self) {
        self.server.lock().batches.held = false;
    }

    /// Limits the lines of unfinished batches.
    pub fn limit_lines(&self, lines: usize) -> &Self {
        self.server.lock().batches.max_lines = Some(lines);
        self
    }

    /// Lets the matching lines fail.
    pub fn fail_lines(&self, filter: impl Fn(&Request) -> bool + Send + 'static) -> &Self {
        self.server.lock().batches.failing.push(Box::new(filter));
        self
    }

    /// Gives the matching lines this text.
    pub fn answer_lines(
        &self,
        text: &'static str,
        filter: impl Fn(&Request) -> bool + Send + 'static,
    ) -> &Self {
        let mut inner = self.server.lock();
        inner.batches.texts.push((Box::new(filter), text));
        drop(inner);
        self
    }

    /// Lets the matching lines expire.
    pub fn expire_lines(&self, filter: impl Fn(&Request) -> bool + Send + 'static) -> &Self {
        self.server.lock().batches.expiring.push(Box::new(filter));
        self
    }

    /// Makes the next `times` batches and cuts the connection before the response.
    pub fn lose_created(&self, times: usize) -> &Self {
        self.server.lock().batches.lost = times;
        self
    }

    /// Whether batches are made without ever a response.
    pub fn mute_created(&self, mute: bool) -> &Self {
        self.server.lock().batches.mute = mute;
        self
    }

    /// The number of calls of `upload`, `create`, `list`, `poll` or `download`.
    pub fn batch_calls(&self, name: &str) -> usize {
        let inner = self.server.lock();
        let calls = inner.batches.calls.iter();
        calls.filter(|call| **call == name).count()
    }

    /// The lines of all batches that were not refused.
    pub fn batches(&self) -> Vec<Vec<Request>> {
        let inner = self.server.lock();
        let made = inner.batches.batches.iter().filter(|batch| !batch.failed);
        made.map(|batch| batch.lines.iter().map(|(_, line)| line.clone()).collect())
            .collect()
    }
}

pub(super) fn routes(router: Router<Arc<Server>>) -> Router<Arc<Server>> {
    router
        .route("/v1/files", post(upload))
        .route("/v1/files/{id}/content", get(download))
        .route("/v1/batches", post(create).get(list))
        .route("/v1/batches/{id}", get(poll))
        .layer(DefaultBodyLimit::disable())
}

/// Records the call; returns the response if there is no Batch API.
async fn enter(server: &Arc<Server>, name: &'static str) -> Result<(), Response> {
    let presence = {
        let mut inner = server.lock();
        inner.batches.calls.push(name);
        inner.batches.presence
    };
    match presence {
        Presence::Present => Ok(()),
        Presence::Missing => Err(respond(404, &[], "not found".to_owned())),
        Presence::Unknown => {
            let uri = Uri::from_static("/v1/batches");
            Err(unexpected(State(Arc::clone(server)), Method::POST, uri).await)
        }
    }
}

fn refuse(server: &Server, why: &str) -> Response {
    server.lock().unexpected.push(why.to_owned());
    respond(400, &[], json!({"error": {"message": why}}).to_string())
}

fn missing(what: &str) -> Response {
    respond(404, &[], json!({"error": {"message": what}}).to_string())
}

async fn upload(State(server): State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(response) = enter(&server, "upload").await {
        return response;
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    if !headers.contains_key("content-length") {
        return refuse(&server, "an upload without its length");
    }
    if !text.contains("name=\"purpose\"\r\n\r\nbatch\r\n") {
        return refuse(&server, "an upload with another purpose");
    }
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let content = lines.collect::<Vec<_>>().join("\n");
    let mut inner = server.lock();
    let id = format!("file-{}", inner.batches.files.len() + 1);
    inner.batches.files.insert(id.clone(), content);
    respond(200, &[], json!({"id": id, "object": "file"}).to_string())
}

async fn create(State(server): State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(response) = enter(&server, "create").await {
        return response;
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let file = request["input_file_id"].as_str().unwrap_or_default();
    let content = server.lock().batches.files.get(file).cloned();
    let Some(content) = content else {
        return refuse(&server, "a batch without a file");
    };
    if request["endpoint"] != "/v1/chat/completions" || !request["metadata"].is_object() {
        return refuse(&server, &format!("an unexpected batch: {request}"));
    }
    let mut lines = Vec::new();
    for line in content.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let name = line["custom_id"].as_str().unwrap_or_default().to_owned();
        match understand(&headers, line["body"].to_string().as_bytes()) {
            Ok(request) if !name.is_empty() => lines.push((name, request)),
            _ => return refuse(&server, &format!("an unexpected line: {line}")),
        }
    }
    let (number, lost, mute) = {
        let batches = &mut server.lock().batches;
        let busy = batches
            .batches
            .iter()
            .filter(|batch| !batch.done && !batch.failed);
        let busy: usize = busy.map(|batch| batch.lines.len()).sum();
        let failed = batches
            .max_lines
            .is_some_and(|max| busy + lines.len() > max);
        batches.batches.push(Batch {
            file: file.to_owned(),
            metadata: request["metadata"].clone(),
            lines,
            failed,
            ..Batch::default()
        });
        let lost = batches.lost > 0;
        batches.lost = batches.lost.saturating_sub(1);
        (batches.batches.len() - 1, lost, batches.mute)
    };
    if mute {
        std::future::pending::<()>().await;
    }
    if lost {
        let response = Response::builder().header("content-length", 1_000);
        return response.body(Body::new(Broken)).unwrap_or_default();
    }
    let made = json!({"id": format!("batch-{number}"), "status": "validating"});
    respond(200, &[], made.to_string())
}

async fn list(
    State(server): State<Arc<Server>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Err(response) = enter(&server, "list").await {
        return response;
    }
    let batches = &server.lock().batches;
    // Newest first, two on each page, whatever the query says.
    let all: Vec<usize> = (0..batches.batches.len()).rev().collect();
    let place = |after: &String| all.iter().position(|id| *after == format!("batch-{id}"));
    let from = query.get("after").and_then(place);
    let rest = &all[from.map_or(0, |at| at + 1)..];
    let page: Vec<Value> = rest
        .iter()
        .take(2)
        .map(|&number| state(batches, number))
        .collect();
    let answer = json!({"object": "list", "data": page, "has_more": rest.len() > 2});
    respond(200, &[], answer.to_string())
}

async fn poll(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Response {
    if let Err(response) = enter(&server, "poll").await {
        return response;
    }
    let batches = &mut server.lock().batches;
    let number = id.strip_prefix("batch-").and_then(|id| id.parse().ok());
    let Some(number) = number.filter(|&number: &usize| number < batches.batches.len()) else {
        return missing("no such batch");
    };
    let held = batches.held;
    let batch = &mut batches.batches[number];
    batch.polls += 1;
    // It is validated first, then processed.
    if !held && !batch.failed && !batch.done && batch.polls > 2 {
        batch.done = true;
        finish(batches, number);
    }
    respond(200, &[], state(batches, number).to_string())
}

fn state(batches: &Batches, number: usize) -> Value {
    let batch = &batches.batches[number];
    let file = |what: &str| {
        let id = format!("{what}-{number}");
        batches.files.contains_key(&id).then_some(id)
    };
    let total = batch.lines.len();
    let is_expired = |request: &Request| batches.expiring.iter().any(|filter| filter(request));
    let status = match batch {
        Batch { failed: true, .. } => "failed",
        Batch {
            done: true, lines, ..
        } if lines.iter().any(|(_, line)| is_expired(line)) => "expired",
        Batch { done: true, .. } => "completed",
        Batch { polls: 0..=1, .. } => "validating",
        _ => "in_progress",
    };
    let problem = json!({"object": "list", "data": [
        {"code": "token_limit_exceeded", "message": "Enqueued token limit reached for fake-1."}]});
    json!({
        "id": format!("batch-{number}"), "object": "batch", "status": status,
        "input_file_id": batch.file, "metadata": batch.metadata,
        "errors": if batch.failed { problem } else { Value::Null },
        "output_file_id": file("output"), "error_file_id": file("errors"),
        "request_counts": {
            "total": total, "failed": 0, "completed": if batch.done { total } else { total / 2 },
        },
    })
}

/// Writes the files of responses and errors, the last line first.
fn finish(batches: &mut Batches, number: usize) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    for (name, request) in batches.batches[number].lines.iter().rev() {
        let is = |list: &[Filter]| list.iter().any(|filter| filter(request));
        if is(&batches.expiring) {
            let error = json!({"code": "batch_expired", "message": "It was not done in time."});
            errors.push(json!({"custom_id": name, "response": null, "error": error}).to_string());
        } else if is(&batches.failing) {
            let body =
                json!({"error": {"message": "The server had an error.", "type": "server_error"}});
            let response = json!({"status_code": 500, "body": body});
            errors
                .push(json!({"custom_id": name, "response": response, "error": null}).to_string());
        } else {
            let text = batches.texts.iter().find(|(filter, _)| filter(request));
            let summary = FakeModel::summary(request.kind, &request.content);
            let text = text.map_or(summary.as_str(), |(_, text)| text);
            let body = completion(request, Some(text), "stop");
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            let response = json!({"status_code": 200, "request_id": "r", "body": body});
            let line = json!({"id": "x", "custom_id": name, "response": response, "error": null});
            output.push(line.to_string());
        }
    }
    for (what, lines) in [("output", output), ("errors", errors)] {
        if !lines.is_empty() {
            let id = format!("{what}-{number}");
            batches.files.insert(id, lines.join("\n"));
        }
    }
}

async fn download(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Response {
    if let Err(response) = enter(&server, "download").await {
        return response;
    }
    match server.lock().batches.files.get(&id) {
        Some(content) => respond(200, &[], content.clone()),
        None => missing("no such file"),
    }
}
