//! Writes and stores summaries that cost nothing, in batches: by rule, or by a provider that writes from facts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::daemon::contents::{moved, outline, text_of};
use crate::daemon::context::Context;
use crate::daemon::provider::Facts;
use crate::daemon::work::requesting::request;
use crate::daemon::work::storing::until_written;
use crate::engine::effect::{Subject, SummaryRequest};
use crate::engine::event::Event;
use crate::model::contents::ContentKind;
use crate::model::failure::{Failure, Remedy};
use crate::model::summary::{Summary, SummaryKey};
use crate::shell::offline;

/// Writes and stores summaries.
pub fn describe(context: &Context, requests: &[SummaryRequest]) -> Event {
    let mut written = Vec::new();
    let mut results = Vec::new();
    for request in requests {
        let key = request.key;
        let job = AssertUnwindSafe(|| write(context, request));
        let result = catch_unwind(job).unwrap_or_else(|_| Err(internal_error()));
        results.push((
            key,
            result.as_ref().map(Summary::digest).map_err(Clone::clone),
        ));
        written.extend(result.ok().map(|summary| (key, summary)));
    }
    if context.mode.keeps() && !written.is_empty() {
        until_written(&context.notes, || {
            context.store.put_summaries(&written, false)
        });
    }
    Event::Described(results)
}

/// The event of a job that panicked.
pub fn failed(keys: Vec<SummaryKey>) -> Event {
    let results = keys.into_iter().map(|key| (key, Err(internal_error())));
    Event::Described(results.collect())
}

fn internal_error() -> Failure {
    Failure::new(Remedy::Permanent, "internal error while writing it")
}

fn write(context: &Context, request: &SummaryRequest) -> Result<Summary, Failure> {
    let text = match &request.subject {
        Subject::File {
            content_kind: kind @ (ContentKind::Empty | ContentKind::Binary),
            language,
            ..
        } => offline::rule(*kind, *language),
        Subject::File {
            digest, language, ..
        } => {
            let bytes = || {
                let text = text_of(context, request.repo, &request.path, *digest);
                text.ok().map(String::into_bytes)
            };
            let (_, outline) = outline(context, *language, *digest, bytes).ok_or_else(moved)?;
            let facts = Facts::File {
                language: *language,
                outline: &outline,
            };
            context.provider.describe(&facts)?
        }
        Subject::Directory { children } => {
            let children = request::children(context, children);
            let facts = Facts::Directory {
                children: &children,
            };
            context.provider.describe(&facts)?
        }
    };
    Ok(Summary::new(text, "offline"))
}
