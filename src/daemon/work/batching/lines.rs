//! What stands in a batch's file, and what comes back in its answers.

use std::collections::HashMap;
use std::os::unix::ffi::OsStringExt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::daemon::contents::moved;
use crate::daemon::prompt::parts::Next;
use crate::daemon::provider::openai::to_endpoint_prompt;
use crate::daemon::work::requesting::{Requester, request};
use crate::engine::effect::SummaryRequest;
use crate::model::batch::{BatchLine, PendingBatch};
use crate::model::digest::{Digest, Hasher};
use crate::model::failure::{Failure, Remedy};
use crate::model::summary::{Summary, SummaryKey};
use crate::model::usage::Usage as Used;
use crate::shell::openai::batch::{BatchFile, LineAnswer};

/// A batch's file, and what stands in it.
pub(super) struct Written {
    pub file: BatchFile,
    pub lines: Vec<BatchLine>,
    /// For which repositories the lines are: roots, and how many lines in a row are for each.
    pub roots: Vec<(Vec<u8>, u64)>,
    pub asks: Vec<SummaryRequest>,
    /// What the file had no room for.
    pub rest: Vec<SummaryRequest>,
    /// What has to go another way.
    pub unfit: Vec<(SummaryKey, Failure)>,
}

impl Written {
    /// Makes a file of as many as it has room for.
    pub fn of(requester: &Requester, asks: Vec<SummaryRequest>) -> Result<Self, Failure> {
        let endpoint = requester.context.provider.batch_api()?;
        let mut written = Self {
            file: BatchFile::default(),
            lines: Vec::new(),
            roots: Vec::new(),
            asks: Vec::new(),
            rest: Vec::new(),
            unfit: Vec::new(),
        };
        let mut asks = asks.into_iter();
        for ask in asks.by_ref() {
            let earlier = request::earlier(&requester.context, &ask);
            let prompt = match requester.next(&ask, earlier.as_ref()) {
                Ok(Next::Last(prompt)) => to_endpoint_prompt(prompt),
                Ok(Next::Part(..)) => {
                    let failure = Failure::new(Remedy::Retry, "it is too large for a batch");
                    written.unfit.push((ask.key, failure));
                    continue;
                }
                Err(_) => {
                    written.unfit.push((ask.key, moved()));
                    continue;
                }
            };
            let name = ask.key.0.to_string();
            let line = endpoint.batch_line(&name, &prompt, requester.answer_cap());
            if !written.file.add(&line) {
                written.rest.push(ask);
                break;
            }
            written.lines.push(BatchLine {
                key: ask.key,
                earlier: ask.earlier.filter(|_| earlier.is_some()),
            });
            let root = requester
                .context
                .root_of(ask.repo)
                .into_os_string()
                .into_vec();
            match written.roots.last_mut() {
                Some((last, lines)) if *last == root => *lines += 1,
                _ => written.roots.push((root, 1)),
            }
            written.asks.push(ask);
        }
        written.rest.extend(asks);
        Ok(written)
    }
}

pub(super) type Results = Vec<(SummaryKey, Result<Summary, Failure>, Used)>;

/// What a batch's lines came to. A line without an answer is asked about alone.
pub(super) fn read(
    requester: &Requester,
    pending: &PendingBatch,
    mut answers: HashMap<String, LineAnswer>,
) -> Results {
    let result = |line: &BatchLine| {
        let Some(answer) = answers.remove(&line.key.0.to_string()) else {
            let failure = Failure::new(Remedy::Retry, "the batch ended without an answer to it");
            return (line.key, Err(failure), Used::default());
        };
        let earlier = line
            .earlier
            .and_then(|key| requester.context.store.summary(key).ok().flatten());
        let words = answer
            .result
            .and_then(|text| requester.summary_of(&text, earlier.as_ref(), &pending.model));
        (line.key, words, answer.usage)
    };
    pending.lines.iter().map(result).collect()
}

/// A name that no other batch has.
pub(super) fn name_of(lines: &[BatchLine]) -> Digest {
    let mut hasher = Hasher::new("batch.1");
    hasher.number(u64::from(std::process::id()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    hasher.number(now.unwrap_or_default().as_nanos() as u64);
    lines.iter().for_each(|line| hasher.digest(line.key.0));
    hasher.finish()
}
