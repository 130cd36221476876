//! Previews the requests about a node: composed like real ones, and not sent.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::daemon::prompt;
use crate::daemon::prompt::parts::Next;
use crate::engine::effect::{Child, Subject, SummaryRequest};
use crate::engine::view::NodeView;
use crate::model::contents::{ContentKind, Contents};
use crate::model::key::{ChildSummary, Generator, Kind};
use crate::model::path::RepoId;
use crate::model::summary::{Freshness, SummaryKey, SummaryRef};
use crate::shell::classify;
use crate::wire::prompt::{Preview, PromptMessage, PromptRequest};

use crate::daemon::contents::Moved;
use crate::daemon::context::Context;
use crate::daemon::provider::openai::{self, to_endpoint_prompt};
use crate::daemon::work::requesting::request::{compose, earlier};

/// The requests about a node; the view has one level of children.
pub fn preview(context: &Context, repo: RepoId, view: &NodeView) -> Result<Preview, Moved> {
    let generator = openai::generator(&context.config);
    let key_and_subject = match (view.kind, &view.contents) {
        (Kind::File, Some(contents)) => key_of_file(&generator, contents),
        (Kind::File, None) => Err("it is not read yet, or unreadable".to_owned()),
        (Kind::Directory, _) => Ok(directory(&generator, view)),
    };
    let (requests, obstacle) = match key_and_subject {
        Err(why) => (Vec::new(), Some(why)),
        Ok((key, subject)) => {
            let request = SummaryRequest {
                key,
                repo,
                path: view.path.clone(),
                subject,
                earlier: view
                    .summary
                    .map(|summary| summary.key)
                    .filter(|&of| of != key),
                attempts: 0,
            };
            (
                requests(context, &generator, &request, exactly(context, view))?,
                None,
            )
        }
    };
    let not_now = obstacle.or_else(|| not_sent(context, view));
    let to_be_sent = not_now.is_none();
    let unfinished = || {
        let open = requests.iter().any(|request| !request.exact);
        open.then(|| "some of the summaries it is made of are not written yet".to_owned())
    };
    Ok(Preview {
        path: view.path.to_text(),
        kind: view.kind,
        provider: context.config.summaries.provider.to_string(),
        model: context.config.openai.model.clone(),
        base_url: context.config.openai.base_url.clone(),
        to_be_sent,
        note: not_now
            .map(|why| format!("nothing will be sent: {why}"))
            .or_else(unfinished),
        requests,
    })
}

/// The key and the subject of a file, or why no request is ever sent about it.
fn key_of_file(
    generator: &Generator,
    contents: &Contents,
) -> Result<(SummaryKey, Subject), String> {
    let why = match contents.content_kind {
        kind if kind.is_summarized() => {
            let Contents {
                digest,
                language,
                content_kind,
                ..
            } = *contents;
            let key = generator.file_key(generator, content_kind, language, contents.syntax);
            let subject = Subject::File {
                digest,
                language,
                content_kind,
            };
            return Ok((key, subject));
        }
        ContentKind::Empty => "it is empty, and a rule describes it",
        ContentKind::Binary => "it is binary, and a rule describes it",
        ContentKind::TooLarge => "it is larger than [files] max_bytes",
        ContentKind::Secret => "it is a secret by its name",
        ContentKind::Withheld => "an AI-ignore file keeps its content from models",
        kind => match classify::label(kind) {
            Some(label) => return Err(format!("a rule describes it: {label}")),
            None => "a rule describes it",
        },
    };
    Err(why.to_owned())
}

/// The summary of a child that a model is shown.
fn shown(child: &NodeView) -> Option<SummaryRef> {
    let withheld = |contents: &Contents| contents.content_kind == ContentKind::Withheld;
    child
        .summary
        .filter(|_| !child.contents.as_ref().is_some_and(withheld))
}

fn directory(generator: &Generator, view: &NodeView) -> (SummaryKey, Subject) {
    let children = view.children.as_deref().unwrap_or_default();
    let key = generator.directory_key(children.iter().map(|child| {
        let summary = match shown(child) {
            Some(summary) => ChildSummary::Present(summary.digest),
            None => ChildSummary::LeftOut,
        };
        (child.path.name(), child.kind, summary)
    }));
    let children = children.iter().map(|child| Child {
        name: child.path.name().into(),
        kind: child.kind,
        summary: shown(child).map(|summary| summary.key),
    });
    let children = children.collect();
    (key, Subject::Directory { children })
}

/// Whether the request is exact: a directory's children may get new summaries first.
fn exactly(context: &Context, view: &NodeView) -> bool {
    let children = view.children.as_deref().unwrap_or_default();
    let waits = |child: &NodeView| match child.freshness {
        Freshness::Pending | Freshness::Stale => true,
        // A preview leaves unsent summaries failed.
        Freshness::Failed => context.mode.sends_nothing(),
        Freshness::Fresh | Freshness::Off => false,
    };
    !children.iter().any(waits)
}

fn not_sent(context: &Context, view: &NodeView) -> Option<String> {
    if !context.uses_model() {
        let why = "the provider is \"offline\"; with \"openai\" it would be this";
        return Some(why.to_owned());
    }
    match view.freshness {
        _ if !context.config.summaries.enabled => Some("summaries are off".to_owned()),
        Freshness::Fresh => Some("its summary is fresh".to_owned()),
        Freshness::Off => Some("its summary is off".to_owned()),
        _ => None,
    }
}

/// All requests of the summary. A placeholder stands for each text that is not written yet.
fn requests(
    context: &Context,
    generator: &Generator,
    request: &SummaryRequest,
    exactly: bool,
) -> Result<Vec<PromptRequest>, Moved> {
    let texts: RefCell<HashMap<SummaryKey, String>> = RefCell::default();
    let earlier = earlier(context, request);
    let mut requests = Vec::new();
    // The placeholders.
    let mut unwritten: Vec<String> = Vec::new();
    loop {
        let known = |part| texts.borrow().get(&part).cloned();
        let next = compose(context, generator, request, earlier.as_ref(), &known)?;
        let (part, prompt) = match next {
            Next::Last(prompt) => (None, prompt),
            Next::Part(part, prompt) => (Some(part), prompt),
        };
        let stored = part.and_then(|part| context.store.summary(part).ok().flatten());
        let tokens = prompt::tokens(&prompt);
        let exact = exactly && !unwritten.iter().any(|text| prompt.user.contains(text));
        // The same conversion as for a real request.
        let sent = to_endpoint_prompt(prompt);
        let message = |(role, content): (&str, &str)| PromptMessage {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        requests.push(PromptRequest {
            messages: sent.messages().map(message).to_vec(),
            prompt_tokens: tokens,
            max_output_tokens: u64::from(context.answer_cap()),
            answered: stored.is_some(),
            exact,
        });
        let Some(part) = part else {
            return Ok(requests);
        };
        let text = stored.map(|summary| summary.text).unwrap_or_else(|| {
            let text = format!("(text that is not written yet: {})", part.0);
            unwritten.push(text.clone());
            text
        });
        texts.borrow_mut().insert(part, text);
    }
}
