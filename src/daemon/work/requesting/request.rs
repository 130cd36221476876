//! Composes the next request of a summary: large content goes in parts, and a dry run only counts.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use crate::daemon::contents::{Moved, decoded, outline, text_of};
use crate::daemon::context::dry_run::{ANSWER_TOKENS, Tally, placeholder};
use crate::daemon::context::{Context, Mode};
use crate::daemon::prompt::parts::{Next, Plan};
use crate::daemon::prompt::{self, ChildText, Style};
use crate::engine::effect::{Child, Subject, SummaryRequest};
use crate::engine::event::Usage;
use crate::model::key::Generator;
use crate::model::summary::{Summary, SummaryKey};
use crate::shell::classify;

use super::{MOST_REAFFIRMED, Requester};

/// Digits of a small model's marker word.
const SMALL_BOUNDARY: usize = 12;

impl Requester {
    /// Counts the requests of a summary, its parts included, without sending any. What equal content costs is counted once.
    pub(super) fn pretend(
        &self,
        request: &SummaryRequest,
        earlier: Option<&Summary>,
    ) -> Result<(Summary, Usage), Moved> {
        let Context {
            pretended, store, ..
        } = &*self.context;
        let known = |part| {
            let stored = || Some(store.summary(part).ok()??.text);
            pretended.text(part).or_else(stored)
        };
        let (mut sum, mut parts) = (Tally::default(), 0);
        loop {
            let next = self.next_with(request, earlier, &known)?;
            let (key, prompt, last) = match next {
                Next::Last(prompt) => (request.key, prompt, true),
                Next::Part(part, prompt) => (part, prompt, false),
            };
            let prompt_tokens = prompt::tokens(&prompt);
            let (text, first) = pretended.add(key, prompt_tokens);
            if first {
                sum.add(Tally {
                    requests: 1,
                    prompt_tokens,
                });
            }
            if last {
                let is_file = matches!(request.subject, Subject::File { .. });
                pretended.finish(&request.path, sum, is_file && parts == 0);
                let model = &self.context.config.openai.model;
                let usage = Usage {
                    sent: true,
                    prompt_tokens,
                    completion_tokens: ANSWER_TOKENS,
                    ..Usage::default()
                };
                return Ok((Summary::new(text, model), usage));
            }
            parts += 1;
        }
    }

    /// The next request of a summary, with the texts about its parts that the store has.
    pub(in crate::daemon) fn next(
        &self,
        request: &SummaryRequest,
        earlier: Option<&Summary>,
    ) -> Result<Next, Moved> {
        let store = &self.context.store;
        let parts = RefCell::new(Vec::new());
        let next = self.next_with(request, earlier, &|part| {
            let stored = store.summary(part).ok().flatten()?;
            parts.borrow_mut().push(part);
            Some(stored.text)
        });
        store.note_parts(request.key, &parts.into_inner());
        next
    }

    fn next_with(
        &self,
        request: &SummaryRequest,
        earlier: Option<&Summary>,
        known: &dyn Fn(SummaryKey) -> Option<String>,
    ) -> Result<Next, Moved> {
        compose(
            &self.context,
            &self.context.generator,
            request,
            earlier,
            known,
        )
    }
}

/// The next request of a summary: reads the content again, checks its digest. `known` returns
/// the text about a part.
pub fn compose(
    context: &Context,
    generator: &Generator,
    request: &SummaryRequest,
    earlier: Option<&Summary>,
    known: &dyn Fn(SummaryKey) -> Option<String>,
) -> Result<Next, Moved> {
    let style = context.style();
    let plan = Plan {
        generator,
        most: context.max_prompt_bytes.load(Ordering::Relaxed),
        // A small model does not follow the rule about it.
        earlier: earlier
            .map(|summary| summary.text.as_str())
            .filter(|_| !style.small),
        boundary: &boundary(request.key, &style),
        known,
    };
    let mut next = match &request.subject {
        Subject::File {
            digest,
            language,
            content_kind,
        } => {
            let text = text_of(context, request.repo, &request.path, *digest)?;
            let text = classify::head(*content_kind, text.as_bytes()).unwrap_or(text);
            let bytes = || {
                Some(
                    decoded(context, request.repo, &request.path, *digest)
                        .ok()?
                        .1,
                )
            };
            let outline = || {
                let found = outline(context, *language, *digest, bytes);
                found.map(|(_, outline)| outline).unwrap_or_default()
            };
            let language = language.map(|language| language.name());
            let changed = if plan.may_be_diffed(text.len()) {
                let before = before(context, request);
                context.recent.keep(request.key, &text);
                before.and_then(|before| plan.changed_file(language, &before, &text, outline))
            } else {
                None
            };
            changed.map_or_else(|| plan.file(language, &text, outline), Next::Last)
        }
        Subject::Directory { children } => plan.directory(&self::children(context, children)),
    };
    let (Next::Last(prompt) | Next::Part(_, prompt)) = &mut next;
    prompt.system = style.instructions();
    prompt.json = style.small;
    Ok(next)
}

/// The marker word of a request. Hexadecimal digits are a token each or two, so a small model gets fewer: the content still
/// cannot contain it, because then another one is derived.
pub fn boundary(key: SummaryKey, style: &Style) -> String {
    let mut word = key.0.to_string();
    if style.small {
        word.truncate(SMALL_BOUNDARY);
    }
    word
}

/// The summary from before the change. A text that was kept too often may have drifted from the content.
pub fn earlier(context: &Context, request: &SummaryRequest) -> Option<Summary> {
    let summary = context.store.summary(request.earlier?).ok()??;
    (summary.reaffirmed < MOST_REAFFIRMED && summary.model == context.config.openai.model)
        .then_some(summary)
}

/// The file's text from before the change, where a diff is worth a try: an estimate is an upper bound, and a request that
/// failed is sent again with the whole file.
fn before(context: &Context, request: &SummaryRequest) -> Option<String> {
    let earlier = request.earlier?;
    (context.mode != Mode::Dry && request.attempts == 0)
        .then(|| context.recent.get(earlier))
        .flatten()
}

/// A directory's children with their texts.
pub fn children(context: &Context, children: &[Child]) -> Vec<ChildText> {
    let pretended = || (context.mode == Mode::Dry).then(placeholder);
    let text_of = |key| {
        let stored = context.store.summary(key).ok().flatten();
        stored.map(|summary| summary.text).or_else(pretended)
    };
    let with_text = |child: &Child| ChildText {
        name: String::from_utf8_lossy(&child.name).into_owned(),
        kind: child.kind,
        summary: child.summary.and_then(text_of),
    };
    children.iter().map(with_text).collect()
}
