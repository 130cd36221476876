//! Reads files in batches. What costs nothing is described in the same job, from the outline in memory, and stored by
//! one write.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::daemon::contents::{self, Parsed};
use crate::daemon::context::Context;
use crate::daemon::work::local;
use crate::daemon::work::storing::store_free;
use crate::engine::event::{Event, FileRead, ReadProblem};
use crate::engine::tree::NodeId;
use crate::model::contents::{ContentKind, Contents};
use crate::model::outline::Outline;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::{Summary, SummaryKey, SummaryRef};

/// What a job stores at its end.
#[derive(Default)]
struct Results {
    outlines: Vec<Parsed>,
    summaries: Vec<(SummaryKey, Summary)>,
}

/// Reads files, and describes those that cost nothing.
pub fn read(context: &Context, repo: RepoId, files: Vec<(NodeId, RelPath)>) -> Event {
    let mut results = Results::default();
    let files = files.into_iter().map(|(node, path)| {
        let job = AssertUnwindSafe(|| read_one(context, repo, &path, &mut results));
        let (result, summary) = match catch_unwind(job) {
            Ok(Ok((contents, summary))) => (Ok(contents), summary),
            Ok(Err(problem)) => (Err(problem), None),
            Err(_) => (Err(internal_error()), None),
        };
        FileRead {
            node,
            result,
            summary,
        }
    });
    let files = files.collect();
    results.store(context);
    Event::Read { repo, files }
}

/// The event of a job that panicked.
pub fn failed(repo: RepoId, nodes: Vec<NodeId>) -> Event {
    let files = nodes.into_iter().map(|node| FileRead {
        node,
        result: Err(internal_error()),
        summary: None,
    });
    let files = files.collect();
    Event::Read { repo, files }
}

fn internal_error() -> ReadProblem {
    ReadProblem::Denied("internal error while reading it".to_owned())
}

fn read_one(
    context: &Context,
    repo: RepoId,
    path: &RelPath,
    results: &mut Results,
) -> Result<(Contents, Option<SummaryRef>), ReadProblem> {
    let (contents, parsed) = contents::read_file(context, repo, path)?;
    let outline = parsed.as_ref().map(|parsed| &parsed.outline);
    let summary = describe(context, &contents, outline);
    if let Some(parsed) = parsed.filter(|parsed| parsed.is_new) {
        results.outlines.push(parsed);
    }
    let reference = summary.map(|(key, summary)| {
        let digest = summary.digest();
        results.summaries.push((key, summary));
        SummaryRef { key, digest }
    });
    Ok((contents, reference))
}

/// The summary of a file, where it costs nothing.
fn describe(
    context: &Context,
    contents: &Contents,
    outline: Option<&Outline>,
) -> Option<(SummaryKey, Summary)> {
    let Contents {
        content_kind: kind,
        language,
        syntax,
        ..
    } = *contents;
    let paid = context.provider.capabilities().costs_money && kind.is_summarized();
    let off = matches!(kind, ContentKind::TooLarge | ContentKind::Secret);
    if !context.config.summaries.enabled || paid || off {
        return None;
    }
    let none = Outline::default();
    let text = local::file(&*context.provider, kind, language, outline.unwrap_or(&none)).ok()?;
    let offline = &context.offline;
    let key = context.generator.file_key(offline, kind, language, syntax);
    Some((key, Summary::new(text, "offline")))
}

impl Results {
    fn store(self, context: &Context) {
        if !context.mode.keeps_contents() {
            return;
        }
        store_free(context, &self.outlines, &self.summaries);
    }
}
