//! Summaries that cost nothing: by rule, or by a provider that writes from facts.

use std::sync::Arc;

use crate::daemon::contents::{moved, outline, text_of};
use crate::daemon::context::Context;
use crate::daemon::provider::offline::Offline;
use crate::daemon::provider::{Facts, Provider as _};
use crate::daemon::work::requesting::request;
use crate::engine::effect::{Subject, SummaryRequest};
use crate::model::contents::ContentKind;
use crate::model::failure::Failure;
use crate::model::summary::Summary;
use crate::shell::{classify, offline};

/// Writes a summary on this machine.
///
/// # Errors
/// The file changed since its digest was taken.
pub fn write(context: &Arc<Context>, request: &SummaryRequest) -> Result<Summary, Failure> {
    described(context, request, |facts| context.provider.describe(facts))
}

/// Writes the summary from facts, for a node that the model gives no text about.
///
/// # Errors
/// The file changed since its digest was taken.
pub fn fall_back(context: &Arc<Context>, request: &SummaryRequest) -> Result<Summary, Failure> {
    described(context, request, |facts| Offline.describe(facts))
}

fn described(
    context: &Arc<Context>,
    request: &SummaryRequest,
    describe: impl Fn(&Facts<'_>) -> Result<String, Failure>,
) -> Result<Summary, Failure> {
    let text = match &request.subject {
        Subject::File {
            content_kind: kind @ (ContentKind::Empty | ContentKind::Binary),
            language,
            ..
        } => offline::rule(*kind, *language),
        Subject::File {
            digest,
            language,
            content_kind,
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
            match content_kind.is_summarized() {
                true => describe(&facts)?,
                false => classify::described(*content_kind, Offline.describe(&facts)?),
            }
        }
        Subject::Directory { children } => {
            let children = request::children(context, children);
            let facts = Facts::Directory {
                children: &children,
            };
            describe(&facts)?
        }
    };
    Ok(Summary::new(text, "offline"))
}
