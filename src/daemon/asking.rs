//! Has summaries written: by rule or offline on a thread of the pool, by a model over the network in a task.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::config::Provider;
use crate::engine::effect::{Ask, Child, Subject};
use crate::engine::event::{Event, Usage};
use crate::engine::prompt::{self, ChildText, Prompt};
use crate::model::contents::Matter;
use crate::model::failure::{Failure, Remedy};
use crate::model::limits::{Limit, Limits};
use crate::model::summary::Summary;
use crate::shell::openai::{self, Endpoint};
use crate::shell::{offline, redact};

use super::Mode;
use super::driver::Input;
use super::executor::{outline, text_of};
use super::handle::Shared;
use super::pool::Pool;
use super::writer::{Write, Writer};

/// The content is no longer the one that was to be asked about.
pub struct Moved;

/// How often in a row a model may say that the earlier words hold, before it is asked without them.
const MOST_REAFFIRMED: u32 = 8;

/// What an answer is expected to cost, where it has to be guessed: tokens of a short paragraph.
pub const ANSWER_TOKENS: u64 = 120;

/// Has summaries written.
#[derive(Clone)]
pub struct Asking {
    shared: Arc<Shared>,
    pool: Pool,
    writer: Writer,
    endpoint: Arc<Result<Endpoint, Failure>>,
}

impl Asking {
    /// The endpoint is made ready here, and asked later.
    pub fn new(shared: Arc<Shared>, pool: Pool, writer: Writer) -> Self {
        let endpoint = endpoint(&shared);
        if let (Err(failure), Provider::Openai) = (&endpoint, shared.config.summaries.provider) {
            tracing::error!("{}", failure.to_line());
        }
        Self {
            shared,
            pool,
            writer,
            endpoint: Arc::new(endpoint),
        }
    }

    /// Begins; the event `Answered` follows.
    pub fn ask(&self, ask: Ask) {
        let this = self.clone();
        if !ask.paid {
            self.pool.spawn(move || {
                let key = ask.key;
                let job = std::panic::AssertUnwindSafe(|| this.write_here(&ask));
                let result = std::panic::catch_unwind(job).unwrap_or_else(|_| {
                    Err(Failure::new(
                        Remedy::Permanent,
                        "an internal error while it was written",
                    ))
                });
                let usage = Usage::default();
                this.shared
                    .inputs
                    .send_blocking(Input::Event(Event::Answered { key, result, usage }));
            });
            return;
        }
        tokio::spawn(async move {
            let key = ask.key;
            let path = ask.path.clone();
            // A task of its own, so that a panic in it is an answer, too.
            let asked = tokio::spawn({
                let this = this.clone();
                async move { this.ask_model(ask).await }
            });
            let (result, usage) = asked.await.unwrap_or_else(|_| {
                let failure = Failure::new(
                    Remedy::Permanent,
                    "an internal error while it was asked about",
                );
                (Err(failure), Usage::default())
            });
            if let Err(failure) = &result {
                tracing::debug!("{path}: {}", failure.to_line());
            }
            this.shared
                .inputs
                .send(Input::Event(Event::Answered { key, result, usage }))
                .await;
        });
    }

    /// By rule, or offline.
    fn write_here(&self, ask: &Ask) -> Result<Summary, Failure> {
        let changed = || Failure::new(Remedy::Changed, "it changed meanwhile");
        let text = match &ask.subject {
            Subject::File {
                matter: matter @ (Matter::Empty | Matter::Binary),
                language,
                ..
            } => offline::rule(*matter, *language),
            Subject::File {
                digest, language, ..
            } => {
                let bytes = || {
                    text_of(&self.shared, ask.repo, &ask.path, *digest)
                        .ok()
                        .map(String::into_bytes)
                };
                let (_, outline) =
                    outline(&self.shared, *language, *digest, bytes).ok_or_else(changed)?;
                offline::file(*language, &outline, 0)
            }
            Subject::Directory { children } => {
                let children = self.children(children);
                let told: Vec<offline::Child<'_>> = children
                    .iter()
                    .map(|child| offline::Child {
                        name: &child.name,
                        kind: child.kind,
                        summary: child.summary.as_deref(),
                    })
                    .collect();
                offline::directory(&told)
            }
        };
        Ok(Summary::new(text, "offline"))
    }

    async fn ask_model(&self, ask: Ask) -> (Result<Summary, Failure>, Usage) {
        let earlier = self.earlier(&ask);
        let this = self.clone();
        let told = earlier.clone();
        let prepared = tokio::task::spawn_blocking(move || this.prompt(&ask, told.as_ref())).await;
        let prompt = match prepared {
            Ok(Ok(prompt)) => prompt,
            Ok(Err(Moved)) => {
                let failure = Failure::new(Remedy::Changed, "it changed before it was asked about");
                return (Err(failure), Usage::default());
            }
            Err(_) => {
                let failure = Failure::new(
                    Remedy::Permanent,
                    "an internal error while the prompt was made",
                );
                return (Err(failure), Usage::default());
            }
        };
        if self.shared.mode == Mode::Dry {
            return self.pretend(&prompt);
        }
        if self.shared.stopping.load(Ordering::Relaxed) {
            // The daemon ends: it is asked about after the next start.
            let failure = Failure::new(Remedy::Unreachable, "the daemon is ending");
            return (Err(failure), Usage::default());
        }
        let endpoint = match &*self.endpoint {
            Ok(endpoint) => endpoint,
            Err(failure) => return (Err(failure.clone()), Usage::default()),
        };
        let request = openai::Prompt {
            system: prompt.system,
            user: prompt.user,
        };
        let cap = self.shared.config.openai.max_output_tokens;
        let (result, said) = match endpoint.ask(&request, cap).await {
            Ok(answer) => (self.words(&answer.text, earlier.as_ref()), answer.limits),
            Err((failure, limits)) => (Err(failure), limits),
        };
        let used = said.spent;
        let limits = Limits {
            requests: limit(said.requests),
            tokens: limit(said.tokens),
        };
        let usage = Usage {
            sent: true,
            prompt_tokens: used.prompt_tokens,
            completion_tokens: used.completion_tokens,
            cached_tokens: used.cached_tokens,
            unchanged: matches!(&result, Ok(summary) if summary.reaffirmed > 0),
            limits,
        };
        self.writer.write(Write::Usage {
            day: today(),
            delta: crate::model::usage::Usage {
                requests: 1,
                ..used
            },
        });
        (result, usage)
    }

    /// Nobody is asked; what it would cost is added up.
    fn pretend(&self, prompt: &Prompt) -> (Result<Summary, Failure>, Usage) {
        let prompt_tokens = prompt::tokens(prompt);
        let number = self.shared.pretended.fetch_add(1, Ordering::Relaxed);
        let summary = Summary {
            reaffirmed: 0,
            // As long as a real one, because a directory's prompt is made of such; and never the same twice.
            text: format!(
                "{number:>5} {}",
                "words ".repeat(ANSWER_TOKENS as usize * 2 / 3)
            ),
            model: self.shared.config.openai.model.clone(),
        };
        let usage = Usage {
            sent: true,
            prompt_tokens,
            completion_tokens: ANSWER_TOKENS,
            ..Usage::default()
        };
        self.shared
            .pretended_tokens
            .fetch_add(prompt_tokens, Ordering::Relaxed);
        (Ok(summary), usage)
    }

    /// The request: read again, checked, secrets taken out.
    fn prompt(&self, ask: &Ask, earlier: Option<&Summary>) -> Result<Prompt, Moved> {
        let boundary = ask.key.0.to_string();
        let earlier = earlier.map(|summary| summary.text.as_str());
        match &ask.subject {
            Subject::File {
                digest, language, ..
            } => {
                let text = text_of(&self.shared, ask.repo, &ask.path, *digest)?;
                let text = redact::redact(&text);
                Ok(prompt::file(
                    language.map(|language| language.name()),
                    &text,
                    earlier,
                    &boundary,
                ))
            }
            Subject::Directory { children } => Ok(prompt::directory(
                &self.children(children),
                earlier,
                &boundary,
            )),
        }
    }

    /// The words from before the change, unless they were kept so often that they may have drifted from the truth.
    fn earlier(&self, ask: &Ask) -> Option<Summary> {
        let summary = self.shared.store.summary(ask.earlier?).ok()??;
        (summary.reaffirmed < MOST_REAFFIRMED && summary.model == self.shared.config.openai.model)
            .then_some(summary)
    }

    /// What an answer says: new words, or the earlier ones.
    fn words(&self, answer: &str, earlier: Option<&Summary>) -> Result<Summary, Failure> {
        match earlier {
            Some(earlier) if prompt::is_unchanged(answer) => Ok(Summary {
                reaffirmed: earlier.reaffirmed + 1,
                ..earlier.clone()
            }),
            None if prompt::is_unchanged(answer) => Err(Failure::new(
                Remedy::Retry,
                "the model says that nothing changed, and was not told of anything earlier",
            )),
            // What a model repeats of a secret is cut here once more.
            _ => Ok(Summary::new(
                redact::redact(answer),
                &self.shared.config.openai.model,
            )),
        }
    }

    fn children(&self, children: &[Child]) -> Vec<ChildText> {
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

/// The day's number since 1970, UTC.
pub fn today() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() / 86_400)
}

fn limit(said: openai::Limit) -> Limit {
    Limit {
        limit: said.limit,
        remaining: said.remaining,
        reset_ms: said.reset_ms,
    }
}

fn endpoint(shared: &Shared) -> Result<Endpoint, Failure> {
    let config = &shared.config;
    let key = match config.summaries.provider {
        Provider::Openai => config
            .openai
            .api_key()
            .map_err(|problem| Failure::new(Remedy::Fatal, problem))?,
        // The key is not even read where nothing is to be sent.
        Provider::Offline => {
            return Err(Failure::new(Remedy::Fatal, "the provider is \"offline\""));
        }
    };
    Endpoint::new(openai::Options {
        base_url: config.openai.base_url.clone(),
        model: config.openai.model.clone(),
        api_key: key,
        timeout: std::time::Duration::from_secs(config.openai.timeout_seconds),
        // The cap given with each request may be raised as far as the room itself thinks right.
        max_output_tokens: 0,
    })
}
