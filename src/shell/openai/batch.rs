//! The Batch API: many requests in one file, processed within a day at half the price.
//!
//! Each call is one HTTP request; retries are decided elsewhere. No batch is cancelled: it is paid for.

use std::collections::HashMap;
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::traits::RequestOptionsBuilder;
use async_openai::types::InputSource;
use async_openai::types::files::{CreateFileRequest, FileInput, FilePurpose};
use axum::body::Bytes;
use serde_json::{Value, json};

use super::exchange::{Body, QUESTION, RequestForm};
use super::problem::Problem;
use super::reply::{self, Reply};
use super::{Endpoint, Prompt, at};
use crate::model::failure::{Failure, Remedy};
use crate::model::usage::Usage;

/// The most requests of one batch.
const MOST_LINES: usize = 50_000;
/// The most bytes of one batch's file: half of what endpoints accept, because all of it is held in memory.
const MOST_BYTES: usize = 100 << 20;
/// Pages of the list of batches that are searched, a hundred batches each.
const PAGES: usize = 20;
/// The metadata field with this program's name for a batch.
const NAME: &str = "epitome_batch";

/// Sends a whole file.
const UPLOAD: RequestForm = RequestForm {
    timeout: Some(Duration::from_secs(900)),
    ..QUESTION
};
/// Reads a whole file.
const DOWNLOAD: RequestForm = RequestForm {
    timeout: Some(Duration::from_secs(900)),
    longest: 512 << 20,
    json: false,
};

/// The file of a batch under construction.
#[derive(Debug, Default)]
pub struct BatchFile {
    bytes: Vec<u8>,
    lines: usize,
}

impl BatchFile {
    /// Adds a line, unless the file is full.
    pub fn add(&mut self, line: &str) -> bool {
        let fits =
            self.lines < MOST_LINES && self.bytes.len().saturating_add(line.len()) < MOST_BYTES;
        if fits {
            self.bytes.extend_from_slice(line.as_bytes());
            self.bytes.push(b'\n');
            self.lines += 1;
        }
        fits
    }
}

/// The state of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The endpoint works on it.
    Working,
    /// It is done; its results can be downloaded.
    Over,
    /// It was refused as a whole.
    Refused(Refusal),
}

/// A batch as the endpoint reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchState {
    /// The endpoint's name for it.
    pub id: String,
    /// Its state.
    pub stage: Stage,
    /// Lines that are done, failed ones too.
    pub done: u64,
    /// The files with results and errors.
    pub files: Vec<String>,
}

/// Why a call about a batch failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What to do about it.
    pub kind: RefusalKind,
    /// What happened, in one line.
    pub message: String,
}

/// What to do about a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The endpoint does not have it.
    Gone,
    /// The endpoint never accepts batches from this account.
    Never,
    /// It is too large: a smaller one may be accepted.
    TooMuch,
    /// A retry may succeed. Whether the request had an effect is not known.
    Later,
}

/// The result of one line of a batch.
#[derive(Clone, Debug)]
pub struct LineAnswer {
    /// The text, or why there is none.
    pub result: Result<String, Failure>,
    /// What it used.
    pub usage: Usage,
}

impl Endpoint {
    /// One line of a batch's file. Its result carries `name`.
    pub fn batch_line(&self, name: &str, prompt: &Prompt, max_output_tokens: u32) -> String {
        let mut body = self.request(prompt, max_output_tokens).body;
        if let Some(fields) = body.as_object_mut() {
            // A batch cannot be streamed.
            fields.remove("stream");
            fields.remove("stream_options");
        }
        json!({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body})
            .to_string()
    }

    /// Uploads a batch's file; returns the endpoint's name for it.
    ///
    /// # Errors
    /// Why it was not accepted.
    pub async fn upload(&self, file: BatchFile) -> Result<String, Refusal> {
        let request = CreateFileRequest {
            file: FileInput {
                source: InputSource::Bytes {
                    filename: "epitome-batch.jsonl".to_owned(),
                    bytes: Bytes::from(file.bytes),
                },
            },
            purpose: FilePurpose::Batch,
            expires_after: None,
        };
        let answer = self.answer(UPLOAD, async move |client| {
            client.files().create_byot(request).await
        });
        name_in(&answer.await?).map(str::to_owned)
    }

    /// Creates the batch of an uploaded file. `name` is this program's name for it.
    ///
    /// # Errors
    /// Why it was not created; after [`RefusalKind::Later`], search for it before a retry.
    pub async fn create_batch(&self, file: &str, name: &str) -> Result<BatchState, Refusal> {
        let request = json!({
            "input_file_id": file,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {NAME: name},
        });
        let answer = self.answer(QUESTION, async move |client| {
            client.batches().create_byot(request).await
        });
        state_of(&answer.await?)
    }

    /// The state of a batch.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn batch(&self, id: &str) -> Result<BatchState, Refusal> {
        let answer = self.answer(QUESTION, async |client| {
            client.batches().retrieve_byot(id).await
        });
        state_of(&answer.await?)
    }

    /// The batch with this name or of this file, if there is one.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn find_batch(&self, name: &str, file: &str) -> Result<Option<BatchState>, Refusal> {
        let mut after = String::new();
        for _ in 0..PAGES {
            let from = after.clone();
            let list = self.answer(QUESTION, async move |client| {
                let mut query = vec![("limit", "100")];
                if !from.is_empty() {
                    query.push(("after", &from));
                }
                client.batches().query(&query)?.list_byot().await
            });
            let list: Value = list.await?;
            let batches = list.pointer("/data").and_then(Value::as_array);
            let batches = batches.map(Vec::as_slice).unwrap_or_default();
            let ours = batches.iter().find(|batch| {
                text(batch, &format!("/metadata/{NAME}")) == Some(name)
                    || text(batch, "/input_file_id") == Some(file)
            });
            if let Some(batch) = ours {
                return state_of(batch).map(Some);
            }
            let more = list.pointer("/has_more").and_then(Value::as_bool) == Some(true);
            match batches.last().and_then(|batch| text(batch, "/id")) {
                Some(last) if more => last.clone_into(&mut after),
                _ => break,
            }
        }
        Ok(None)
    }

    /// The results in one of a batch's files, by the names of their lines. Unreadable lines are left out.
    ///
    /// # Errors
    /// Why the file could not be downloaded.
    pub async fn batch_answers(&self, file: &str) -> Result<HashMap<String, LineAnswer>, Refusal> {
        let content = self.answer(DOWNLOAD, async |client| client.files().content(file).await);
        let content = content.await?;
        let lines = content.split(|&byte| byte == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .filter_map(|line| self.line_answer(&line))
            .collect())
    }

    fn line_answer(&self, line: &Value) -> Option<(String, LineAnswer)> {
        let name = text(line, "/custom_id")?.to_owned();
        let failed = |problem: &Problem, status: Option<u16>| {
            let mut failure = problem.failure(status.unwrap_or(500), None);
            // It is retried alone; a permanent refusal shows then.
            failure.remedy = Remedy::Retry;
            failure
        };
        let status = at(line, "/response/status_code").and_then(Value::as_u64);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let body = at(line, "/response/body").unwrap_or(&Value::Null);
        let mut usage = reply::usage(body);
        // It was counted when the batch was created.
        usage.requests = 0;
        let result = if let Some(error) = at(line, "/error") {
            Err(failed(&Problem::of_json(error), status))
        } else if status.is_some_and(|status| !(200..300).contains(&status)) {
            Err(failed(&Problem::of_json(body), status))
        } else if let Some((status, problem)) = reply::error(body) {
            Err(failed(&problem, Some(status)))
        } else {
            match reply::read(body, u32::MAX) {
                Ok(Reply::Text(text)) => Ok(text),
                Ok(Reply::NoOutputLeft | Reply::NoContextLeft) => Err(Failure::new(
                    Remedy::Retry,
                    "the output ended at its cap of tokens without a sentence",
                )),
                Err(failure) => Err(failure),
            }
        };
        Some((name, LineAnswer { result, usage }))
    }

    async fn answer<T>(
        &self,
        form: RequestForm,
        call: impl AsyncFnOnce(
            async_openai::Client<async_openai::config::OpenAIConfig>,
        ) -> Result<T, OpenAIError>,
    ) -> Result<T, Refusal> {
        match self.exchange.run(form, call).await.0 {
            Ok(Body::Answer(answer)) => Ok(answer),
            Ok(Body::Refusal(status, problem)) => Err(refusal(status, &problem)),
            Err(failure) => Err(Refusal {
                kind: RefusalKind::Later,
                message: failure.to_line(),
            }),
        }
    }
}

fn refusal(status: u16, problem: &Problem) -> Refusal {
    let failure = problem.failure(status, None);
    let kind = if is_too_much(&problem.code, &problem.message) || status == 413 {
        RefusalKind::TooMuch
    } else if matches!(status, 404 | 405 | 410 | 501) {
        RefusalKind::Gone
    } else if matches!(failure.remedy, Remedy::Retry | Remedy::Throttled) {
        RefusalKind::Later
    } else {
        RefusalKind::Never
    };
    Refusal {
        kind,
        message: failure.message,
    }
}

/// Whether the tokens of all open batches are above the endpoint's limit.
fn is_too_much(code: &str, message: &str) -> bool {
    code == "token_limit_exceeded" || message.to_lowercase().contains("enqueued token")
}

/// The name of the created object. Some servers answer 200 to everything.
fn name_in(answer: &Value) -> Result<&str, Refusal> {
    if let Some((status, problem)) = reply::error(answer) {
        return Err(Refusal {
            kind: RefusalKind::Never,
            message: problem.failure(status, None).message,
        });
    }
    text(answer, "/id").ok_or_else(|| Refusal {
        kind: RefusalKind::Never,
        message: "the endpoint's answer has no id: it seems to have no Batch API".to_owned(),
    })
}

fn state_of(batch: &Value) -> Result<BatchState, Refusal> {
    // A batch that failed holds `errors`; an answer that is an error holds `error`, and no status.
    let id = match text(batch, "/status") {
        Some(_) => text(batch, "/id").unwrap_or("").to_owned(),
        None => name_in(batch)?.to_owned(),
    };
    let count = |which: &str| {
        let count = at(batch, &format!("/request_counts/{which}"));
        count.and_then(Value::as_u64).unwrap_or(0)
    };
    let stage = match text(batch, "/status") {
        Some("completed" | "expired" | "cancelled") => Stage::Over,
        Some("failed") => Stage::Refused(why_it_failed(batch)),
        _ => Stage::Working,
    };
    Ok(BatchState {
        id,
        stage,
        done: count("completed") + count("failed"),
        files: ["/output_file_id", "/error_file_id"]
            .iter()
            .filter_map(|place| text(batch, place))
            .map(str::to_owned)
            .collect(),
    })
}

fn why_it_failed(batch: &Value) -> Refusal {
    let errors = at(batch, "/errors/data").or_else(|| at(batch, "/errors"));
    let errors = errors.and_then(Value::as_array);
    let errors: Vec<Problem> = errors.into_iter().flatten().map(Problem::of_json).collect();
    let too_much = |error: &&Problem| is_too_much(&error.code, &error.message);
    let kind = match errors.iter().find(too_much) {
        Some(_) => RefusalKind::TooMuch,
        None => RefusalKind::Never,
    };
    let said = errors.first().map_or("", |error| &error.message);
    Refusal {
        kind,
        message: super::problem::one_line(&format!("the batch failed: {said}")),
    }
}

fn text<'v>(value: &'v Value, place: &str) -> Option<&'v str> {
    at(value, place)?.as_str().filter(|text| !text.is_empty())
}
