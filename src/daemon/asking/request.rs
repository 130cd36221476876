//! Makes the next request: what is too large goes in parts, and in a dry run nothing goes at all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

use crate::daemon::Mode;
use crate::daemon::executor::{outline, text_of};
use crate::engine::effect::{Ask, Child, Subject};
use crate::engine::event::Usage;
use crate::engine::parts::{Next, Plan, SMALLEST_PART};
use crate::engine::prompt::{self, ChildText, Prompt};
use crate::model::summary::{Summary, SummaryKey};
use crate::shell::redact;

use super::{ANSWER_TOKENS, Asking, Moved};

impl Asking {
    /// Nobody is asked; what it would cost is added up, parts and all.
    pub(super) fn pretend(
        &self,
        ask: &Ask,
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
                None => return Ok((summary, usage)),
                Some(part) => drop(said.borrow_mut().insert(part, summary.text)),
            }
        }
    }

    fn pretend_once(&self, prompt: &Prompt) -> (Summary, Usage) {
        let prompt_tokens = prompt::tokens(prompt);
        let number = self.shared.pretended.fetch_add(1, Ordering::Relaxed);
        let summary = Summary::new(
            // As long as a real one, because a directory's prompt is made of such; and never the same twice.
            format!(
                "{number:>5} {}",
                "words ".repeat(ANSWER_TOKENS as usize * 2 / 3)
            ),
            &self.shared.config.openai.model,
        );
        self.shared
            .pretended_tokens
            .fetch_add(prompt_tokens, Ordering::Relaxed);
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
        ask: &Ask,
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

    /// The request: read again, checked, secrets taken out.
    fn next_with(
        &self,
        ask: &Ask,
        earlier: Option<&Summary>,
        known: &dyn Fn(SummaryKey) -> Option<String>,
    ) -> Result<Next, Moved> {
        let plan = Plan {
            author: &self.author,
            most: self.most.load(Ordering::Relaxed),
            earlier: earlier.map(|summary| summary.text.as_str()),
            boundary: &ask.key.0.to_string(),
            known,
        };
        match &ask.subject {
            Subject::File {
                digest, language, ..
            } => {
                let text = text_of(&self.shared, ask.repo, &ask.path, *digest)?;
                let bytes = || Some(text.as_bytes().to_vec());
                let outline = || {
                    let found = outline(&self.shared, *language, *digest, bytes);
                    let mut outline = found.map(|(_, outline)| outline).unwrap_or_default();
                    for heading in &mut outline.headings {
                        *heading = redact::redact(heading).into_owned();
                    }
                    outline
                };
                let language = language.map(|language| language.name());
                Ok(plan.file(language, &redact::redact(&text), outline))
            }
            Subject::Directory { children } => Ok(plan.directory(&self.children(children))),
        }
    }

    /// The endpoint refused a request of so many bytes as too long: smaller ones from now on. `false`: smaller ones
    /// are of no use.
    pub(super) fn ask_less(&self, length: usize) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        if length > most + most / 4 + SMALLEST_PART {
            // Another request found it out while this one was under way.
            return true;
        }
        let less = (most.min(length) / 2).max(SMALLEST_PART);
        self.most.fetch_min(less, Ordering::Relaxed);
        less < most.min(length)
    }

    pub(super) fn children(&self, children: &[Child]) -> Vec<ChildText> {
        children
            .iter()
            .map(|child| ChildText {
                name: String::from_utf8_lossy(&child.name).into_owned(),
                kind: child.kind,
                summary: child.words.and_then(|key| {
                    let pretended = || {
                        (self.shared.mode == Mode::Dry)
                            .then(|| "words ".repeat(ANSWER_TOKENS as usize * 2 / 3))
                    };
                    let stored = self.shared.store.summary(key).ok().flatten();
                    stored.map(|summary| summary.text).or_else(pretended)
                }),
            })
            .collect()
    }
}
