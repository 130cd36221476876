//! The model's Batch API: files, batches, and lines that are done in no order.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::answering::{Broken, completion, respond, strange, understand};
use super::{BatchRunner, FakeModel, Request, Wanted};

/// Whether there is one.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Presence {
    /// Asking for it is strange.
    #[default]
    Unknown,
    /// It is there.
    There,
    /// It answers 404.
    Missing,
}

#[derive(Clone, Default)]
struct Batch {
    file: String,
    metadata: Value,
    lines: Vec<(String, Request)>,
    looks: usize,
    failed: bool,
    over: bool,
}

#[derive(Default)]
pub(super) struct Batches {
    presence: Presence,
    /// What came, in order.
    calls: Vec<&'static str>,
    files: BTreeMap<String, String>,
    batches: Vec<Batch>,
    held: bool,
    /// Lines of all batches that are not over, at most.
    most: Option<usize>,
    failing: Vec<Wanted>,
    expiring: Vec<Wanted>,
    /// So many answers to `create` are lost, though the batch is made.
    lost: usize,
    /// `create` makes the batch, and its answer never comes.
    mute: bool,
}

impl FakeModel {
    /// There is a Batch API.
    pub fn with_batches(&self) -> &Self {
        self.desk.book().batches.presence = Presence::There;
        self
    }

    /// There is none, and asking for it is not strange.
    pub fn without_batches(&self) -> &Self {
        self.desk.book().batches.presence = Presence::Missing;
        self
    }

    /// Batches are not worked on.
    pub fn hold_batches(&self) -> &Self {
        self.desk.book().batches.held = true;
        self
    }

    /// They are again.
    pub fn release_batches(&self) {
        self.desk.book().batches.held = false;
    }

    /// No more lines than these at once.
    pub fn most_lines(&self, lines: usize) -> &Self {
        self.desk.book().batches.most = Some(lines);
        self
    }

    /// These lines of batches fail.
    pub fn fail_lines(&self, wanted: impl Fn(&Request) -> bool + Send + 'static) -> &Self {
        self.desk.book().batches.failing.push(Box::new(wanted));
        self
    }

    /// These lines of batches are not done in time.
    pub fn expire_lines(&self, wanted: impl Fn(&Request) -> bool + Send + 'static) -> &Self {
        self.desk.book().batches.expiring.push(Box::new(wanted));
        self
    }

    /// The next so many batches are made, and the connection breaks before the answer.
    pub fn lose_created(&self, times: usize) -> &Self {
        self.desk.book().batches.lost = times;
        self
    }

    /// Whether batches are made and the answer never comes.
    pub fn mute_created(&self, mute: bool) -> &Self {
        self.desk.book().batches.mute = mute;
        self
    }

    /// How often something was called: `upload`, `create`, `list`, `look`, `download`.
    pub fn batch_calls(&self, what: &str) -> usize {
        let book = self.desk.book();
        let calls = book.batches.calls.iter();
        calls.filter(|call| **call == what).count()
    }

    /// The lines of the batches that were made and not refused.
    pub fn batches(&self) -> Vec<Vec<Request>> {
        let book = self.desk.book();
        let made = book.batches.batches.iter().filter(|batch| !batch.failed);
        made.map(|batch| batch.lines.iter().map(|(_, line)| line.clone()).collect())
            .collect()
    }
}

pub(super) fn routes(router: Router<Arc<BatchRunner>>) -> Router<Arc<BatchRunner>> {
    router
        .route("/v1/files", post(upload))
        .route("/v1/files/{id}/content", get(download))
        .route("/v1/batches", post(create).get(list))
        .route("/v1/batches/{id}", get(look))
        .layer(DefaultBodyLimit::disable())
}

/// Notes the call; gives the answer where there is no Batch API.
async fn enter(desk: &Arc<BatchRunner>, what: &'static str) -> Result<(), Response> {
    let presence = {
        let mut book = desk.book();
        book.batches.calls.push(what);
        book.batches.presence
    };
    match presence {
        Presence::There => Ok(()),
        Presence::Missing => Err(respond(404, &[], "not found".to_owned())),
        Presence::Unknown => {
            let uri = Uri::from_static("/v1/batches");
            Err(strange(State(Arc::clone(desk)), uri).await)
        }
    }
}

fn refuse(desk: &BatchRunner, why: &str) -> Response {
    desk.book().strange.push(why.to_owned());
    respond(400, &[], json!({"error": {"message": why}}).to_string())
}

fn missing(what: &str) -> Response {
    respond(404, &[], json!({"error": {"message": what}}).to_string())
}

async fn upload(State(desk): State<Arc<BatchRunner>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(response) = enter(&desk, "upload").await {
        return response;
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    if !headers.contains_key("content-length") {
        return refuse(&desk, "an upload without its length");
    }
    if !text.contains("name=\"purpose\"\r\n\r\nbatch\r\n") {
        return refuse(&desk, "an upload for another purpose");
    }
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let content = lines.collect::<Vec<_>>().join("\n");
    let mut book = desk.book();
    let id = format!("file-{}", book.batches.files.len() + 1);
    book.batches.files.insert(id.clone(), content);
    respond(200, &[], json!({"id": id, "object": "file"}).to_string())
}

async fn create(State(desk): State<Arc<BatchRunner>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(response) = enter(&desk, "create").await {
        return response;
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let file = request["input_file_id"].as_str().unwrap_or_default();
    let content = desk.book().batches.files.get(file).cloned();
    let Some(content) = content else {
        return refuse(&desk, "a batch of no file");
    };
    if request["endpoint"] != "/v1/chat/completions" || !request["metadata"].is_object() {
        return refuse(&desk, &format!("a strange batch: {request}"));
    }
    let mut lines = Vec::new();
    for line in content.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let name = line["custom_id"].as_str().unwrap_or_default().to_owned();
        match understand(&headers, line["body"].to_string().as_bytes()) {
            Ok(request) if !name.is_empty() => lines.push((name, request)),
            _ => return refuse(&desk, &format!("a strange line: {line}")),
        }
    }
    let (number, lost, mute) = {
        let batches = &mut desk.book().batches;
        let busy = batches
            .batches
            .iter()
            .filter(|batch| !batch.over && !batch.failed);
        let busy: usize = busy.map(|batch| batch.lines.len()).sum();
        let failed = batches.most.is_some_and(|most| busy + lines.len() > most);
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
    State(desk): State<Arc<BatchRunner>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Err(response) = enter(&desk, "list").await {
        return response;
    }
    let batches = &desk.book().batches;
    // Newest first, two a page, whatever is asked for.
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

async fn look(State(desk): State<Arc<BatchRunner>>, Path(id): Path<String>) -> Response {
    if let Err(response) = enter(&desk, "look").await {
        return response;
    }
    let batches = &mut desk.book().batches;
    let number = id.strip_prefix("batch-").and_then(|id| id.parse().ok());
    let Some(number) = number.filter(|&number: &usize| number < batches.batches.len()) else {
        return missing("no such batch");
    };
    let held = batches.held;
    let batch = &mut batches.batches[number];
    batch.looks += 1;
    // First it is validated, then it is worked on.
    if !held && !batch.failed && !batch.over && batch.looks > 2 {
        batch.over = true;
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
    let is_late = |request: &Request| batches.expiring.iter().any(|wanted| wanted(request));
    let status = match batch {
        Batch { failed: true, .. } => "failed",
        Batch {
            over: true, lines, ..
        } if lines.iter().any(|(_, line)| is_late(line)) => "expired",
        Batch { over: true, .. } => "completed",
        Batch { looks: 0..=1, .. } => "validating",
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
            "total": total, "failed": 0, "completed": if batch.over { total } else { total / 2 },
        },
    })
}

/// Writes the files of answers and errors, the last line first.
fn finish(batches: &mut Batches, number: usize) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    for (name, request) in batches.batches[number].lines.iter().rev() {
        let is = |list: &[Wanted]| list.iter().any(|wanted| wanted(request));
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
            let words = FakeModel::words(request.kind, &request.content);
            let body = completion(request, Some(&words), "stop");
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

async fn download(State(desk): State<Arc<BatchRunner>>, Path(id): Path<String>) -> Response {
    if let Err(response) = enter(&desk, "download").await {
        return response;
    }
    match desk.book().batches.files.get(&id) {
        Some(content) => respond(200, &[], content.clone()),
        None => missing("no such file"),
    }
}
