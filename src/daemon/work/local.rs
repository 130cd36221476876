//! Writes and stores summaries that cost nothing, in batches: by rule, or by a provider that writes from facts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::daemon::contents::{moved, outline, text_of};
use crate::daemon::context::Context;
use crate::daemon::provider::offline::Offline;
use crate::daemon::provider::{Facts, Provider};
use crate::daemon::work::requesting::request;
use crate::daemon::work::storing::store_free;
use crate::engine::effect::{Subject, SummaryRequest};
use crate::engine::event::Event;
use crate::model::contents::ContentKind;
use crate::model::failure::{Failure, Remedy};
use crate::model::language::Language;
use crate::model::outline::Outline;
use crate::model::summary::{Summary, SummaryKey};
use crate::shell::{classify, offline};

/// Writes and stores summaries.
pub fn describe(context: &Context, requests: &[SummaryRequest]) -> Event {
    let mut written = Vec::new();
    let mut results = Vec::new();
    for request in requests {
        let key = request.key;
        let job = AssertUnwindSafe(|| write(context, &*context.provider, request));
        let result = catch_unwind(job).unwrap_or_else(|_| Err(internal_error()));
        results.push((
            key,
            result.as_ref().map(Summary::digest).map_err(Clone::clone),
        ));
        written.extend(result.ok().map(|summary| (key, summary)));
    }
    if context.mode.keeps_contents() && !written.is_empty() {
        store_free(context, &[], &written);
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

/// Writes the summary from facts, for a node that the model gives no text about.
///
/// # Errors
/// The file changed since its digest was taken.
pub fn fall_back(context: &Context, request: &SummaryRequest) -> Result<Summary, Failure> {
    write(context, &Offline, request)
}

fn write(
    context: &Context,
    provider: &dyn Provider,
    request: &SummaryRequest,
) -> Result<Summary, Failure> {
    let text = match &request.subject {
        Subject::File {
            digest,
            language,
            content_kind,
        } => {
            let (language, kind) = (*language, *content_kind);
            let outline = match kind.is_text() {
                false => Outline::default(),
                true => {
                    let bytes = || {
                        let text = text_of(context, request.repo, &request.path, *digest);
                        text.ok().map(String::into_bytes)
                    };
                    let found = outline(context, language, *digest, bytes);
                    found.ok_or_else(moved)?.1
                }
            };
            file(provider, kind, language, &outline)?
        }
        Subject::Directory { children } => {
            let children = request::children(context, children);
            let facts = Facts::Directory {
                children: &children,
            };
            provider.describe(&facts)?
        }
    };
    Ok(Summary::new(text, "offline"))
}

/// The text about a file: by rule where the content is no text, a line where it is not to be summarized.
///
/// # Errors
/// The provider writes from prompts.
pub fn file(
    provider: &dyn Provider,
    kind: ContentKind,
    language: Option<Language>,
    outline: &Outline,
) -> Result<String, Failure> {
    if !kind.is_text() {
        return Ok(offline::rule(kind, language));
    }
    let facts = Facts::File { language, outline };
    match kind.is_summarized() {
        true => provider.describe(&facts),
        false => Ok(classify::described(kind, Offline.describe(&facts)?)),
    }
}
