//! Makes the next request: what is too large goes in parts, and in a dry run nothing goes at all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

use crate::daemon::Mode;
use crate::daemon::contents::{Moved, outline, text_of};
use crate::daemon::context::Shared;
use crate::daemon::prompt::parts::{Next, Plan, SMALLEST_PART};
use crate::daemon::prompt::{self, ChildText, Prompt};
use crate::engine::effect::{Child, Subject, SummaryRequest};
use crate::engine::event::Usage;
use crate::model::key::Generator;
use crate::model::summary::{Summary, SummaryKey};

use super::{ANSWER_TOKENS, MOST_REAFFIRMED, Requester};

impl Requester {
    /// Nobody is asked; what it would cost is added up, parts and all.
    pub(super) fn pretend(
        &self,
        ask: &SummaryRequest,
        earlier: Option<&Summary>,
    ) -> Result<(Summary, Usage), Moved> {
        let said = RefCell::new(HashMap::new());
        loop {
            let known = |part| said.borrow().get(&part).cloned();
            let (part, prompt) = match self.next_with(ask, earlier, &known)? {
                Next::Last(prompt) => (None, prompt),
                Next::Part(part, prompt) => (Some(part), prompt),
            };
            let (summary, usage) = self.pretend_once(&prompt);
            match part {
                None => {
                    let in_parts = !said.borrow().is_empty();
                    if !in_parts && matches!(ask.subject, Subject::File { .. }) {
                        self.shared.pretended.batchable.add(usage.prompt_tokens);
                    }
                    return Ok((summary, usage));
                }
                Some(part) => drop(said.borrow_mut().insert(part, summary.text)),
            }
        }
    }

    fn pretend_once(&self, prompt: &Prompt) -> (Summary, Usage) {
        let prompt_tokens = prompt::tokens(prompt);
        let number = self.shared.pretended.all.add(prompt_tokens);
        let summary = Summary::new(
            // As long as a real one, because a directory's prompt is made of such; and never the same twice.
            format!(
                "{number:>5} {}",
                "words ".repeat(ANSWER_TOKENS as usize * 2 / 3)
            ),
            &self.shared.config.openai.model,
        );
        let usage = Usage {
            sent: true,
            prompt_tokens,
            completion_tokens: ANSWER_TOKENS,
            ..Usage::default()
        };
        (summary, usage)
    }

    /// The next request on the way to a summary, with what the store has of its parts.
    pub(in crate::daemon) fn next(
        &self,
        ask: &SummaryRequest,
        earlier: Option<&Summary>,
    ) -> Result<Next, Moved> {
        let store = &self.shared.store;
        let parts = RefCell::new(Vec::new());
        let next = self.next_with(ask, earlier, &|part| {
            let stored = store.summary(part).ok().flatten()?;
            parts.borrow_mut().push(part);
            Some(stored.text)
        });
        store.note_parts(ask.key, &parts.into_inner());
        next
    }

    fn next_with(
        &self,
        ask: &SummaryRequest,
        earlier: Option<&Summary>,
        known: &dyn Fn(SummaryKey) -> Option<String>,
    ) -> Result<Next, Moved> {
        compose(&self.shared, &self.author, ask, earlier, known)
    }

    /// The endpoint refused a request of so many bytes as too long: smaller ones from now on. `false`: smaller ones
    /// are of no use.
    pub(super) fn reduce_prompt_limit(&self, length: usize) -> bool {
        let most = self.shared.most.load(Ordering::Relaxed);
        if length > most + most / 4 + SMALLEST_PART {
            // Another request found it out while this one was under way.
            return true;
        }
        let less = (most.min(length) / 2).max(SMALLEST_PART);
        self.shared.most.fetch_min(less, Ordering::Relaxed);
        less < most.min(length)
    }
}

/// The next request on the way to a summary: the content read again and checked. `known` tells what was
/// said about a part.
pub(in crate::daemon) fn compose(
    shared: &Shared,
    author: &Generator,
    ask: &SummaryRequest,
    earlier: Option<&Summary>,
    known: &dyn Fn(SummaryKey) -> Option<String>,
) -> Result<Next, Moved> {
    let plan = Plan {
        author,
        most: shared.most.load(Ordering::Relaxed),
        earlier: earlier.map(|summary| summary.text.as_str()),
        boundary: &ask.key.0.to_string(),
        known,
    };
    match &ask.subject {
        Subject::File {
            digest, language, ..
        } => {
            let text = text_of(shared, ask.repo, &ask.path, *digest)?;
            let bytes = || Some(text.as_bytes().to_vec());
            let outline = || {
                let found = outline(shared, *language, *digest, bytes);
                found.map(|(_, outline)| outline).unwrap_or_default()
            };
            let language = language.map(|language| language.name());
            Ok(plan.file(language, &text, outline))
        }
        Subject::Directory { children } => Ok(plan.directory(&self::children(shared, children))),
    }
}

/// The words from before the change, unless they were kept so often that they may have drifted from the truth.
pub(in crate::daemon) fn earlier(shared: &Shared, ask: &SummaryRequest) -> Option<Summary> {
    let summary = shared.store.summary(ask.earlier?).ok()??;
    (summary.reaffirmed < MOST_REAFFIRMED && summary.model == shared.config.openai.model)
        .then_some(summary)
}

/// A directory's children with their words.
pub(super) fn children(shared: &Shared, children: &[Child]) -> Vec<ChildText> {
    let pretended =
        || (shared.mode == Mode::Dry).then(|| "words ".repeat(ANSWER_TOKENS as usize * 2 / 3));
    let words = |key| {
        let stored = shared.store.summary(key).ok().flatten();
        stored.map(|summary| summary.text).or_else(pretended)
    };
    let text = |child: &Child| ChildText {
        name: String::from_utf8_lossy(&child.name).into_owned(),
        kind: child.kind,
        summary: child.words.and_then(words),
    };
    children.iter().map(text).collect()
}
