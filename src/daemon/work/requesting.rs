//! Has summaries written: by rule or offline on a thread of the pool, by a model over the network in a task.

pub(in crate::daemon) mod request;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::config::Provider;
use crate::daemon::prompt::parts::Next;
use crate::daemon::prompt::{self, Prompt};
use crate::engine::effect::{Subject, SummaryRequest};
use crate::engine::event::{Event, Usage};
use crate::model::contents::ContentKind;
use crate::model::failure::{Failure, Remedy};
use crate::model::key::Generator;
use crate::model::limits::Limits;
use crate::model::summary::Summary;
use crate::model::usage::Usage as Used;
use crate::shell::openai::{self, Endpoint};
use crate::shell::{offline, redact};

use crate::daemon::Mode;
use crate::daemon::contents::{Moved, outline, text_of};
use crate::daemon::context::{Shared, today};
use crate::daemon::mailbox::Input;
use crate::daemon::work::pool::Pool;
use crate::daemon::work::writer::{Write, Writer};

/// How often in a row a model may say that the earlier words hold, before it is asked without them.
const MOST_REAFFIRMED: u32 = 8;

/// What an answer is expected to cost, where it has to be guessed: tokens of a short paragraph.
pub const ANSWER_TOKENS: u64 = 120;

/// Has summaries written.
#[derive(Clone)]
pub struct Requester {
    pub(super) shared: Arc<Shared>,
    pool: Pool,
    pub(super) writer: Writer,
    pub(super) endpoint: Arc<Result<Endpoint, Failure>>,
    author: Arc<Generator>,
}

impl Requester {
    /// The endpoint is made ready here, and asked later.
    pub fn new(shared: Arc<Shared>, pool: Pool, writer: Writer) -> Self {
        let endpoint = endpoint(&shared);
        let author = crate::daemon::author(&shared.config);
        if let (Err(failure), Provider::Openai) = (&endpoint, shared.config.summaries.provider) {
            tracing::error!("{}", failure.to_line());
        }
        Self {
            shared,
            pool,
            writer,
            endpoint: Arc::new(endpoint),
            author: Arc::new(author),
        }
    }

    /// Begins; the event `Responded` follows.
    pub fn ask(&self, ask: SummaryRequest) {
        let this = self.clone();
        if !ask.paid {
            self.pool.spawn(move || {
                let key = ask.key;
                let job = std::panic::AssertUnwindSafe(|| this.write_here(&ask));
                let result = std::panic::catch_unwind(job)
                    .unwrap_or_else(|_| Err(internal("it was written")));
                let usage = Usage::default();
                this.shared
                    .inputs
                    .send_blocking(Input::Event(Event::Responded { key, result, usage }));
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
            let event = asked.await.unwrap_or_else(|_| Event::Responded {
                key,
                result: Err(internal("it was asked about")),
                usage: Usage::default(),
            });
            if let Event::Responded {
                result: Err(failure),
                ..
            } = &event
            {
                tracing::debug!("{path}: {}", failure.to_line());
            }
            this.shared.inputs.send(Input::Event(event)).await;
        });
    }

    /// By rule, or offline.
    fn write_here(&self, ask: &SummaryRequest) -> Result<Summary, Failure> {
        let text = match &ask.subject {
            Subject::File {
                content_kind: content_kind @ (ContentKind::Empty | ContentKind::Binary),
                language,
                ..
            } => offline::rule(*content_kind, *language),
            Subject::File {
                digest, language, ..
            } => {
                let bytes = || {
                    text_of(&self.shared, ask.repo, &ask.path, *digest)
                        .ok()
                        .map(String::into_bytes)
                };
                let (_, outline) =
                    outline(&self.shared, *language, *digest, bytes).ok_or_else(moved)?;
                offline::file(*language, &outline, 0)
            }
            Subject::Directory { children } => {
                let children = request::children(&self.shared, children);
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

    /// One request, whose answer is the summary or one about a part of it.
    async fn ask_model(&self, ask: SummaryRequest) -> Event {
        let ask = Arc::new(ask);
        let key = ask.key;
        let without = |failure| Event::Responded {
            key,
            result: Err(failure),
            usage: Usage::default(),
        };
        if self.shared.mode == Mode::Preview {
            return without(Failure::new(
                Remedy::Permanent,
                crate::daemon::NOT_REQUESTED,
            ));
        }
        let earlier = self.earlier(&ask);
        let this = self.clone();
        let told = earlier.clone();
        let about = Arc::clone(&ask);
        let prepared = tokio::task::spawn_blocking(move || match this.shared.mode {
            Mode::Dry => this.pretend(&about, told.as_ref()).map(Err),
            _ => this.next(&about, told.as_ref()).map(Ok),
        });
        let next = match prepared.await {
            Ok(Ok(Ok(next))) => next,
            Ok(Ok(Err((summary, usage)))) => {
                let result = Ok(summary);
                return Event::Responded { key, result, usage };
            }
            Ok(Err(Moved)) => return without(moved()),
            Err(_) => return without(internal("the prompt was made")),
        };
        if self.shared.stopping.load(Ordering::Relaxed) {
            // The daemon ends: it is asked about after the next start.
            return without(Failure::new(Remedy::Unreachable, "the daemon is ending"));
        }
        let endpoint = match &*self.endpoint {
            Ok(endpoint) => endpoint,
            Err(failure) => return without(failure.clone()),
        };
        let (part, request) = match next {
            Next::Last(prompt) => (None, prompt),
            Next::Part(part, prompt) => (Some(part), prompt),
        };
        let length = request.user.len();
        let (answer, said) = match endpoint
            .ask(&to_endpoint_prompt(request), self.answer_cap())
            .await
        {
            Ok(answer) => (Ok(answer.text), answer.limits),
            Err((failure, limits)) => (Err(failure), limits),
        };
        let told = earlier.as_ref().filter(|_| part.is_none());
        let result = match answer {
            Ok(text) => self.words(&text, told, &self.shared.config.openai.model),
            Err(_) if said.too_long && self.reduce_prompt_limit(length) => Err(Failure::new(
                Remedy::Retry,
                "it is longer than the model can read: it is asked about in parts",
            )),
            Err(failure) => Err(failure),
        };
        let usage = self.usage(&ask, said, &result);
        match (part, result) {
            (Some(part), Ok(summary)) => {
                self.shared.store.note_parts(key, &[part]);
                // What the next request is made of, and what a crash must not cost.
                self.writer.write(Write::Summary {
                    key: part,
                    summary,
                    paid: true,
                });
                self.writer.flush().await;
                Event::PartResponded { key, usage }
            }
            (_, result) => Event::Responded { key, result, usage },
        }
    }

    /// What a request used, for the engine; and written down, before its answer is.
    fn usage(
        &self,
        ask: &SummaryRequest,
        said: openai::Limits,
        result: &Result<Summary, Failure>,
    ) -> Usage {
        let used = said.spent;
        self.writer.write(Write::Usage {
            day: today(),
            root: self.shared.root_of(ask.repo),
            delta: Used {
                retries: used.requests * u64::from(ask.attempts > 0),
                cost_nanos: self.cost_nanos(&used, false),
                ..used
            },
        });
        Usage {
            // What could not even be connected was not sent.
            sent: used.requests > 0,
            prompt_tokens: used.prompt_tokens,
            completion_tokens: used.completion_tokens,
            cached_tokens: used.cached_tokens,
            unchanged: matches!(result, Ok(summary) if summary.reaffirmed > 0),
            limits: Limits {
                requests: said.requests,
                tokens: said.tokens,
            },
        }
    }

    /// Writes down what a batch's lines used, each with its repository's root.
    pub(super) fn used_in_batch<'r>(&self, lines: impl Iterator<Item = (&'r [u8], Used)>) {
        let mut sums: BTreeMap<&[u8], Used> = BTreeMap::new();
        for (root, used) in lines {
            let sum = sums.entry(root).or_default();
            *sum = sum.plus(used);
        }
        for (root, delta) in sums {
            self.writer.write(Write::Usage {
                day: today(),
                root: PathBuf::from(OsStr::from_bytes(root)),
                delta,
            });
        }
    }

    /// What that cost by the configured prices; 0 where there are none.
    pub(super) fn cost_nanos(&self, used: &Used, batched: bool) -> u64 {
        let prices = self.shared.config.openai.prices();
        prices.map_or(0, |prices| prices.cost_nanos(used, batched))
    }

    /// The most tokens of an answer.
    pub(super) fn answer_cap(&self) -> u32 {
        self.shared.config.openai.max_output_tokens
    }

    pub(super) fn earlier(&self, ask: &SummaryRequest) -> Option<Summary> {
        request::earlier(&self.shared, ask)
    }

    /// What an answer says: new words, or the earlier ones.
    pub(super) fn words(
        &self,
        answer: &str,
        earlier: Option<&Summary>,
        model: &str,
    ) -> Result<Summary, Failure> {
        match earlier {
            Some(earlier) if prompt::is_unchanged(answer) => Ok(Summary {
                reaffirmed: earlier.reaffirmed + 1,
                ..earlier.clone()
            }),
            None if prompt::is_unchanged(answer) => Err(Failure::new(
                Remedy::Retry,
                "the model says that nothing changed, and was not told of anything earlier",
            )),
            // A model may make up a credential, or repeat one that the gate missed.
            _ => Ok(Summary::new(redact::redact_prose(answer), model)),
        }
    }
}

/// The content is no longer the one that was to be asked about.
pub(super) fn moved() -> Failure {
    Failure::new(Remedy::Changed, "it changed before it was asked about")
}

fn internal(during: &str) -> Failure {
    Failure::new(
        Remedy::Permanent,
        format!("an internal error while {during}"),
    )
}

/// The same request in the words of the room that sends it.
pub(in crate::daemon) fn to_endpoint_prompt(prompt: Prompt) -> openai::Prompt {
    openai::Prompt {
        system: prompt.system,
        user: prompt.user,
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
