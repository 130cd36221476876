//! Writes the lines of a batch's file and reads the lines of its results.

use std::collections::HashMap;
use std::os::unix::ffi::OsStringExt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::daemon::contents::moved;
use crate::daemon::prompt::parts::Next;
use crate::daemon::prompt::{self, Prompt};
use crate::daemon::provider::openai::to_endpoint_prompt;
use crate::daemon::work::requesting::{Requester, request};
use crate::engine::effect::SummaryRequest;
use crate::model::batch::{BatchLine, PendingBatch};
use crate::model::digest::{Digest, Hasher};
use crate::model::failure::{Failure, Remedy};
use crate::model::summary::{Summary, SummaryKey};
use crate::model::usage::Usage as Used;
use crate::shell::openai::batch::{BatchFile, LineAnswer};

/// A batch's file and its lines.
pub(super) struct Written {
    pub file: BatchFile,
    pub lines: Vec<BatchLine>,
    /// The repositories of the lines, in order: roots, each with its number of lines.
    pub roots: Vec<(Vec<u8>, u64)>,
    pub requests: Vec<SummaryRequest>,
    /// Requests that do not fit into the file.
    pub rest: Vec<SummaryRequest>,
    /// Requests that cannot be in a batch, and why.
    pub unfit: Vec<(SummaryKey, Failure)>,
}

impl Written {
    /// Writes a file with as many requests as fit.
    pub fn of(requester: &Requester, requests: Vec<SummaryRequest>) -> Result<Self, Failure> {
        let endpoint = requester.context.provider.batch_api()?;
        let mut written = Self {
            file: BatchFile::default(),
            lines: Vec::new(),
            roots: Vec::new(),
            requests: Vec::new(),
            rest: Vec::new(),
            unfit: Vec::new(),
        };
        let mut requests = requests.into_iter();
        for request in requests.by_ref() {
            let earlier = request::earlier(&requester.context, &request);
            // A second request, for the whole file, would not be in this batch.
            let recent = &requester.context.recent;
            request.earlier.inspect(|key| recent.forget(*key));
            let prompt = match requester.next(&request, earlier.as_ref()) {
                Ok(Next::Last(prompt)) => to_endpoint_prompt(prompt),
                Ok(Next::Part(..)) => {
                    let failure = Failure::new(Remedy::Retry, "it is too large for a batch");
                    written.unfit.push((request.key, failure));
                    continue;
                }
                Err(_) => {
                    written.unfit.push((request.key, moved()));
                    continue;
                }
            };
            let name = request.key.0.to_string();
            let line = endpoint.batch_line(&name, &prompt, requester.answer_cap());
            if !written.file.add(&line) {
                written.rest.push(request);
                break;
            }
            written.lines.push(BatchLine {
                key: request.key,
                earlier: request.earlier.filter(|_| earlier.is_some()),
            });
            let root = requester
                .context
                .root_of(request.repo)
                .into_os_string()
                .into_vec();
            match written.roots.last_mut() {
                Some((last, lines)) if *last == root => *lines += 1,
                _ => written.roots.push((root, 1)),
            }
            written.requests.push(request);
        }
        written.rest.extend(requests);
        Ok(written)
    }
}

pub(super) type Results = Vec<(SummaryKey, Result<Summary, Failure>, Used)>;

/// The results of a batch's lines. A line without a result is requested alone. `requests` are those of this run.
pub(super) fn read(
    requester: &Requester,
    pending: &PendingBatch,
    requests: &[SummaryRequest],
    mut answers: HashMap<String, LineAnswer>,
) -> Results {
    let requests: HashMap<SummaryKey, &SummaryRequest> = requests
        .iter()
        .map(|request| (request.key, request))
        .collect();
    let result = |line: &BatchLine| {
        let Some(answer) = answers.remove(&line.key.0.to_string()) else {
            let failure = Failure::new(Remedy::Retry, "the batch ended without a result for it");
            return (line.key, Err(failure), Used::default());
        };
        let earlier = line
            .earlier
            .and_then(|key| requester.context.store.summary(key).ok().flatten());
        let summary = answer.result.and_then(|text| {
            let request = requests.get(&line.key).copied();
            let prompt = prompt_of(requester, line, request, earlier.as_ref());
            requester.checked(&text, &prompt, earlier.as_ref(), &pending.model)
        });
        (line.key, summary, answer.usage)
    };
    pending.lines.iter().map(result).collect()
}

/// The prompt of a line, to check its response against. If its request or its content is gone, the frame of the prompt.
fn prompt_of(
    requester: &Requester,
    line: &BatchLine,
    request: Option<&SummaryRequest>,
    earlier: Option<&Summary>,
) -> Prompt {
    match request.map(|request| requester.next(request, earlier)) {
        Some(Ok(Next::Last(prompt) | Next::Part(_, prompt))) => prompt,
        _ => {
            let style = requester.context.style();
            let boundary = request::boundary(line.key, &style);
            let earlier = earlier.map(|summary| summary.text.as_str());
            Prompt {
                system: style.instructions(),
                ..prompt::file(None, "", earlier, &boundary)
            }
        }
    }
}

/// A unique name for a batch.
pub(super) fn name_of(lines: &[BatchLine]) -> Digest {
    let mut hasher = Hasher::new("batch.1");
    hasher.number(u64::from(std::process::id()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    hasher.number(now.unwrap_or_default().as_nanos() as u64);
    lines.iter().for_each(|line| hasher.digest(line.key.0));
    hasher.finish()
}
