//! Requests to a model: one request in, one event out.

mod limits;
pub mod request;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::daemon::contents::{Moved, moved};
use crate::daemon::context::{Context, Mode, NOT_REQUESTED, today};
use crate::daemon::prompt::parts::Next;
use crate::daemon::prompt::{self, Prompt};
use crate::daemon::provider::Response;
use crate::daemon::work::writer::{Write, Writer};
use crate::daemon::work::{local, sharing};
use crate::engine::effect::SummaryRequest;
use crate::engine::event::{Event, Usage};
use crate::model::failure::{Failure, Remedy};
use crate::model::summary::{Summary, SummaryKey};
use crate::model::usage::Usage as Used;
use crate::shell::redact;

/// How often in a row a model may keep the earlier text, or write one from a diff, before it has to write a new one from the
/// whole content.
const MOST_REAFFIRMED: u32 = 8;

/// Sends requests to the provider.
#[derive(Clone)]
pub struct Requester {
    pub(super) context: Arc<Context>,
    pub(super) writer: Writer,
    /// Requests whose response was UNCHANGED though no earlier summary was sent: they are sent again without that option.
    unasked: Arc<Mutex<HashSet<SummaryKey>>>,
    /// Parts that are requested now.
    parts: Arc<Mutex<HashMap<SummaryKey, Weak<PartLock>>>>,
}

/// Held while a part is requested: files that have it in common wait for its text.
type PartLock = tokio::sync::Mutex<()>;

impl Requester {
    /// Prepares requests; sends nothing.
    pub fn new(context: Arc<Context>, writer: Writer) -> Self {
        limits::set_known(&context);
        Self {
            context,
            writer,
            unasked: Arc::default(),
            parts: Arc::default(),
        }
    }

    /// Carries out a request; returns its event, also when the work panics.
    pub async fn carry_out(&self, request: SummaryRequest) -> Event {
        let key = request.key;
        let path = request.path.clone();
        let this = self.clone();
        let task = tokio::spawn(async move { this.request(request).await });
        let event = task.await.unwrap_or_else(|_| Event::Responded {
            key,
            result: Err(internal("sending the request")),
            usage: Usage::default(),
        });
        if let Event::Responded {
            result: Err(failure),
            ..
        } = &event
        {
            tracing::debug!("{path}: {}", failure.to_line());
        }
        event
    }

    fn unasked(&self, access: impl FnOnce(&mut HashSet<SummaryKey>) -> bool) -> bool {
        access(&mut self.unasked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn part_lock(&self, part: SummaryKey) -> Arc<PartLock> {
        let mut locks = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = locks.get(&part).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::new(PartLock::default());
        locks.insert(part, Arc::downgrade(&lock));
        lock
    }

    /// Sends one request; its response is the summary, or a text about one part of the content.
    async fn request(&self, request: SummaryRequest) -> Event {
        let request = Arc::new(request);
        let key = request.key;
        let without = |failure| Event::Responded {
            key,
            result: Err(failure),
            usage: Usage::default(),
        };
        if self.context.mode.sends_nothing() {
            return without(Failure::new(Remedy::Permanent, NOT_REQUESTED));
        }
        let earlier = request::earlier(&self.context, &request);
        let window = self.context.provider.context_tokens();
        let mut next = match self.composed(&request, earlier.as_ref()).await {
            Ok(next) => next,
            Err(event) => return event,
        };
        let (Next::Last(prompt) | Next::Part(_, prompt)) = &next;
        let provider = &self.context.provider;
        provider.look_up_window(prompt, self.answer_cap()).await;
        // Another request may have learned the window since this prompt was composed.
        if provider.context_tokens() != window {
            limits::set_known(&self.context);
            next = match self.composed(&request, earlier.as_ref()).await {
                Ok(next) => next,
                Err(event) => return event,
            };
        }
        if self.context.stopping.load(Ordering::Relaxed) {
            // It is sent after the next start.
            return without(Failure::new(Remedy::Unreachable, "the daemon is ending"));
        }
        let mut claim = None;
        while let Next::Part(part, _) = &next {
            let (part, lock) = (*part, self.part_lock(*part));
            claim = Some(lock.lock_owned().await);
            if !matches!(self.context.store.summary(part), Ok(Some(_))) {
                break;
            }
            // Another file's request brought it.
            claim = None;
            next = match self.composed(&request, earlier.as_ref()).await {
                Ok(next) => next,
                Err(event) => return event,
            };
        }
        let _claim = claim;
        let (part, prompt) = match next {
            Next::Last(prompt) => (None, prompt),
            Next::Part(part, prompt) => (Some(part), prompt),
        };
        let prompt = match &earlier {
            None if self.unasked(|keys| keys.contains(&key)) => prompt.without_unchanged(),
            _ => prompt,
        };
        let length = prompt.user.len();
        let mut response = provider.send(prompt.clone(), self.answer_cap()).await;
        limits::learn(&self.context, &response);
        let earlier = earlier.as_ref().filter(|_| part.is_none());
        let text = std::mem::replace(&mut response.text, Ok(String::new()));
        let asks_whole = prompt.is_diff && matches!(&text, Ok(text) if prompt::wants_whole(text));
        if prompt.is_diff && text.is_ok() {
            self.context.recent.count(asks_whole);
        }
        let result = match text {
            // Content made the model reply with an option that it was not given, twice: the first time it is asked again.
            Ok(text)
                if earlier.is_none() && request.attempts > 0 && prompt::is_unchanged(&text) =>
            {
                let (context, request) = (Arc::clone(&self.context), Arc::clone(&request));
                let written = move || local::fall_back(&context, &request);
                let written = tokio::task::spawn_blocking(written).await;
                written.unwrap_or_else(|_| Err(internal("writing a summary")))
            }
            Ok(text) => {
                if earlier.is_none() && prompt::is_unchanged(&text) {
                    self.unasked(|keys| keys.insert(key));
                }
                let model = &self.context.config.openai.model;
                self.checked(&text, &prompt, earlier, model)
            }
            Err(_) if response.too_long && limits::reduce(&self.context, length) => {
                Err(Failure::new(
                    Remedy::Retry,
                    "the prompt is longer than the model can read; it is sent in parts next",
                ))
            }
            Err(failure) => Err(failure),
        };
        let unchanged = earlier.zip(result.as_ref().ok());
        let unchanged = unchanged.is_some_and(|(earlier, summary)| earlier.text == summary.text);
        let usage = self.record_usage(&request, &response, unchanged).await;
        match (part, result) {
            _ if asks_whole => {
                request
                    .earlier
                    .inspect(|key| self.context.recent.forget(*key));
                Event::PartResponded { key, usage }
            }
            (Some(part), Ok(summary)) => {
                self.context.store.note_parts(key, &[part]);
                // The next request is made of it, and a crash must not cost it.
                self.writer
                    .write(Write::Summary { key: part, summary })
                    .await;
                self.writer.flush().await;
                Event::PartResponded { key, usage }
            }
            (_, result) => Event::Responded { key, result, usage },
        }
    }

    /// The next request of a summary, or the event that it ends with: the content moved, or a dry run counted it.
    async fn composed(
        &self,
        request: &Arc<SummaryRequest>,
        earlier: Option<&Summary>,
    ) -> Result<Next, Event> {
        let mut next = self.prepare(request, earlier).await?;
        while let Next::Part(part, _) = &next {
            // Each part that the team's store has leads to the next one.
            if !sharing::fetch(&self.context, *part).await {
                break;
            }
            next = self.prepare(request, earlier).await?;
        }
        Ok(next)
    }

    async fn prepare(
        &self,
        request: &Arc<SummaryRequest>,
        earlier: Option<&Summary>,
    ) -> Result<Next, Event> {
        let key = request.key;
        let this = self.clone();
        let (about, told) = (Arc::clone(request), earlier.cloned());
        let composed = tokio::task::spawn_blocking(move || match this.context.mode {
            Mode::Dry => this.pretend(&about, told.as_ref()).map(Err),
            _ => this.next(&about, told.as_ref()).map(Ok),
        });
        let (result, usage) = match composed.await {
            Ok(Ok(Ok(next))) => return Ok(next),
            Ok(Ok(Err((summary, usage)))) => (Ok(summary), usage),
            Ok(Err(Moved)) => (Err(moved()), Usage::default()),
            Err(_) => (Err(internal("composing the prompt")), Usage::default()),
        };
        Err(Event::Responded { key, result, usage })
    }

    /// Stores what a request used, before its response is stored; returns the same for the engine.
    async fn record_usage(
        &self,
        request: &SummaryRequest,
        response: &Response,
        unchanged: bool,
    ) -> Usage {
        let used = response.used;
        let delta = Used {
            retries: used.requests * u64::from(request.attempts > 0),
            cost_nanos: self.cost_nanos(&used, false),
            ..used
        };
        let root = self.context.root_of(request.repo);
        let day = today();
        self.writer.write(Write::Usage { day, root, delta }).await;
        Usage {
            // A request that never reached the endpoint was not sent.
            sent: used.requests > 0,
            prompt_tokens: used.prompt_tokens,
            completion_tokens: used.completion_tokens,
            cached_tokens: used.cached_tokens,
            unchanged,
            limits: response.limits,
        }
    }

    /// Stores what a batch's lines used, each with its repository's root.
    pub(super) async fn record_batch_usage<'r>(
        &self,
        lines: impl Iterator<Item = (&'r [u8], Used)>,
    ) {
        let mut sums: BTreeMap<PathBuf, Used> = BTreeMap::new();
        for (root, used) in lines {
            let sum = sums
                .entry(PathBuf::from(OsStr::from_bytes(root)))
                .or_default();
            *sum = sum.plus(used);
        }
        let day = today();
        for (root, delta) in sums {
            self.writer.write(Write::Usage { day, root, delta }).await;
        }
    }

    /// The cost by the configured prices; 0 without prices.
    pub(super) fn cost_nanos(&self, used: &Used, batched: bool) -> u64 {
        let prices = self.context.config.openai.prices();
        prices.map_or(0, |prices| prices.cost_nanos(used, batched))
    }

    /// The largest number of output tokens of one response.
    pub(super) fn answer_cap(&self) -> u32 {
        self.context.answer_cap()
    }

    /// The summary in a response, if it is one: alone or in a batch.
    pub(super) fn checked(
        &self,
        response: &str,
        prompt: &Prompt,
        earlier: Option<&Summary>,
        model: &str,
    ) -> Result<Summary, Failure> {
        match prompt::check::fault(response, prompt) {
            Some(fault) if !prompt::is_unchanged(response) => Err(Failure::new(
                Remedy::Useless,
                format!("the model's response is no summary: {fault}"),
            )),
            _ => self
                .summary_of(response, earlier, model)
                .map(|summary| match earlier {
                    Some(earlier) if prompt.is_diff => Summary {
                        reaffirmed: earlier.reaffirmed + 1,
                        ..summary
                    },
                    _ => summary,
                }),
        }
    }

    /// The summary that a response means: a new text, or the earlier one where the model says that it still holds.
    fn summary_of(
        &self,
        response: &str,
        earlier: Option<&Summary>,
        model: &str,
    ) -> Result<Summary, Failure> {
        // A model may make up a credential, or repeat one that the gate missed.
        let text = redact::redact_prose(response);
        match earlier {
            // A model that does not follow the rule about the word repeats the text.
            Some(earlier) if prompt::is_unchanged(response) || earlier.text == text => {
                Ok(Summary {
                    reaffirmed: earlier.reaffirmed + 1,
                    ..earlier.clone()
                })
            }
            None if prompt::is_unchanged(response) => Err(Failure::new(
                Remedy::Useless,
                "the model replied \"unchanged\" without an earlier text",
            )),
            _ => Ok(Summary::new(text, model)),
        }
    }
}

fn internal(during: &str) -> Failure {
    Failure::new(Remedy::Permanent, format!("internal error while {during}"))
}
