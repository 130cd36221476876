//! Requests to an OpenAI-compatible endpoint: Chat Completions through `async-openai`.
//!
//! One call is one HTTP request; retries are decided elsewhere. A response is never trusted to have the right shape, and
//! the key leaves this module in one header only. Refusals show what an endpoint does not accept, and further requests are
//! adapted: see [`adapt`].

pub mod adapt;
pub mod batch;
mod caching;
mod clean;
mod exchange;
mod length;
mod limits;
mod meaning;
pub mod models;
mod pause;
mod problem;
mod reasoning;
mod reply;
mod stream;
#[cfg(test)]
mod tests;
mod truncation;
mod window;
mod words;

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;
use serde_json::{Map, Value, json};

pub use self::exchange::is_loopback;
pub use self::limits::Limits;

/// The text that a model's output is reduced to: without markup, invisible characters and excess length.
pub fn cleaned(text: &str) -> String {
    clean::clean(text)
}

use self::adapt::{Adaptations, Adapted, CAP_NAMES, Facts, RESPONSE_FORMAT, Sent};
use self::caching::{Caching, SentFields};
use self::exchange::{Exchange, Secret};
use self::problem::Problem;
use self::reply::Reply;
use self::truncation::Counting;
use crate::model::failure::{Failure, Remedy};
use crate::model::usage::Usage;

/// The largest factor by which the output cap is raised for a reasoning model: reasoning counts as output.
const LARGEST_FACTOR: u32 = 8;
/// The maximum number of raised caps that are remembered.
const RAISED_CAPS: usize = 4_096;
/// The longest pause after a refusal of too many requests at once, in milliseconds.
const CROWDED_PAUSE_MS: u64 = 500;
/// While a window is not known, prompts above this many tokens, and longer than all that passed, go one at a time.
const LONG: u64 = 3_000;
/// Where a refusal names no number and nothing passed, further prompts have this share of the refused one: another refusal
/// takes more time than the instructions that smaller parts repeat.
const UNNAMED_SHARE: usize = 8;
/// A small window does not lower the cap below this many tokens.
const SMALLEST_CAP: u32 = 96;

/// An endpoint, and how requests to it are made.
#[derive(Clone, Default)]
pub struct Options {
    /// The URL in front of `/chat/completions`; a trailing slash and a query are accepted.
    pub base_url: String,
    /// The model's name, as the endpoint knows it.
    pub model: String,
    /// The key; without one no Authorization header is sent.
    pub api_key: Option<String>,
    /// The header that carries the key without `Bearer`; `None`: Authorization.
    pub api_key_header: Option<String>,
    /// Further headers; their values are treated as secrets.
    pub headers: Vec<(String, String)>,
    /// Further query parameters.
    pub query: Vec<(String, String)>,
    /// Additional fields of each request; they override the usual ones.
    pub extra_body: Map<String, Value>,
    /// How much a reasoning model is to reason; `None`: its default.
    pub reasoning_effort: Option<String>,
    /// The time limit of one request, from the first byte sent to the last one read.
    pub timeout: Duration,
    /// The largest cap on the output tokens of a request. 0: none.
    pub max_output_tokens: u32,
    /// The folder for learnt facts about endpoints; `None`: they are not stored.
    pub facts_file: Option<PathBuf>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("timeout", &self.timeout)
            .field("max_output_tokens", &self.max_output_tokens)
            .finish_non_exhaustive()
    }
}

/// The messages of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Prompt {
    /// The standing instructions.
    pub system: String,
    /// The content and the task.
    pub user: String,
    /// Whether the endpoint is to hold the model to a JSON schema, where it can.
    pub json: bool,
}

impl Prompt {
    /// The messages as they are sent: role and content.
    pub fn messages(&self) -> [(&'static str, &str); 2] {
        [("system", &self.system), ("user", &self.user)]
    }
}

/// A response with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Plain text: no reasoning, no markup around it, no invisible characters, at most about 2,000 characters.
    pub text: String,
    /// What it used.
    pub usage: Usage,
    /// The endpoint's limits.
    pub limits: Limits,
}

/// An endpoint; many requests may use it at once.
pub struct Endpoint {
    exchange: Exchange,
    options: Options,
    /// Which of the two names of the cap is tried first.
    first_cap_name: usize,
    caching: Caching,
    adaptations: Adaptations,
    counting: Mutex<Counting>,
    /// Raised caps of prompts whose output did not fit.
    caps: Mutex<HashMap<u64, u32>>,
    /// Whether the server is likely one of the user's own: its URL is not encrypted.
    self_hosted: bool,
    /// When the server's window was last looked up before a prompt.
    looked_up: tokio::sync::Mutex<Option<Instant>>,
    /// Bytes of the longest prompt that was answered.
    passed: AtomicU64,
    /// Held by a longer one while it is tried.
    trial: tokio::sync::Mutex<()>,
    /// Whether it was looked up after a prompt was too long.
    window_asked: AtomicBool,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.options).finish()
    }
}

impl Endpoint {
    /// Prepares an endpoint; sends nothing yet.
    ///
    /// # Errors
    /// [`Remedy::Fatal`], with a hint: a URL, key or header that can never work, or no certificates on this machine to
    /// check an `https` endpoint with.
    pub fn new(options: Options) -> Result<Self, Failure> {
        let (base_url, url, query) = parsed(options.base_url.trim())?;
        let key = options.api_key.as_deref().map(str::trim).unwrap_or("");
        let secret = Secret::new(key, options.api_key_header.as_deref(), &options.headers)?;
        let query = query
            .into_iter()
            .chain(options.query.iter().cloned())
            .collect();
        let exchange = Exchange::new(&base_url, &url, query, secret, options.timeout)?;
        Ok(Self {
            exchange,
            first_cap_name: usize::from(url.host_str() == Some("api.openai.com")),
            caching: Caching::of(&url, &options.model),
            adaptations: Adaptations::load(options.facts_file.clone(), &base_url, &options.model),
            counting: Mutex::default(),
            caps: Mutex::default(),
            self_hosted: url.scheme() == "http",
            looked_up: tokio::sync::Mutex::default(),
            passed: AtomicU64::new(0),
            trial: tokio::sync::Mutex::default(),
            window_asked: AtomicBool::new(false),
            options: Options {
                base_url,
                api_key: (!key.is_empty()).then(|| key.to_owned()),
                ..options
            },
        })
    }

    /// The facts learnt about the endpoint so far.
    pub fn facts(&self) -> Facts {
        self.adaptations.facts()
    }

    /// Sends one request; no retry.
    ///
    /// # Errors
    /// The failure with its remedy, and the endpoint's limits, which refusals report best.
    pub async fn complete(
        &self,
        prompt: &Prompt,
        max_output_tokens: u32,
    ) -> Result<Answer, (Failure, Limits)> {
        let length = truncation::Length::of(prompt);
        let is_new = || {
            length.bytes() > self.passed.load(Ordering::Relaxed)
                && self.adaptations.facts().context_tokens.is_none()
        };
        let longest = self.adaptations.facts().longest_prompt;
        let waits = self.self_hosted && length.tokens() > LONG && is_new();
        // Several would be refused or cut to learn the same.
        let alone = if waits {
            Some(self.trial.lock().await)
        } else {
            None
        };
        let _alone = alone.filter(|_| is_new());
        let mut request = self.request(prompt, max_output_tokens);
        let window = request.sent.facts.context_tokens.map(u64::from);
        // Another request may have learned the window since this prompt was composed.
        let above_window = window.is_some_and(|window| length.tokens() > window);
        let now = request.sent.facts.longest_prompt;
        let above_longest = now != longest && now.is_some_and(|most| prompt.user.len() > most * 2);
        if self.self_hosted && length.tokens() > LONG && (above_window || above_longest) {
            let limits = Limits {
                too_long: true,
                ..Limits::default()
            };
            return Err((too_long(), limits));
        }
        request.cache_fields = Some(self.caching.current());
        self.caching.add_to(&mut request.body);
        request.sent.fields = names(&request.body);
        let body = request.body.take();
        let (answered, mut limits) = self.exchange.send(body).await;
        let outcome = answered.and_then(|body| self.read(&body, &mut limits, &request));
        if limits.too_long {
            self.learn_window(&mut limits, prompt).await;
        }
        match outcome {
            Ok(text) => {
                self.passed.fetch_max(length.bytes(), Ordering::Relaxed);
                self.lock_caps().remove(&request.prompt);
                Ok(Answer {
                    text,
                    usage: limits.spent,
                    limits,
                })
            }
            Err(failure) => Err((failure, limits)),
        }
    }

    fn request(&self, prompt: &Prompt, max_output_tokens: u32) -> Request {
        let facts = self.adaptations.facts();
        let id = id_of(prompt);
        let name = self.first_cap_name ^ usize::from(facts.other_cap_name);
        let ceiling = self.ceiling(&facts);
        let wanted = self
            .lock_caps()
            .get(&id)
            .copied()
            .unwrap_or(max_output_tokens);
        let cap = wanted
            .max(1)
            .max(facts.smallest_cap.unwrap_or(1))
            .min(ceiling);
        let mut body = json!({
            "model": self.options.model,
            "messages": messages(prompt, facts.no_system_role),
            CAP_NAMES[name]: cap,
            "stream": facts.must_stream,
        });
        if let Some(fields) = body.as_object_mut() {
            if facts.must_stream {
                fields.insert("stream_options".to_owned(), json!({"include_usage": true}));
            }
            if prompt.json {
                fields.insert(RESPONSE_FORMAT.to_owned(), reply::schema());
            }
            if let Some(effort) = &self.options.reasoning_effort {
                fields.insert("reasoning_effort".to_owned(), json!(effort));
            }
            let added = facts.added.iter().chain(&self.options.extra_body);
            fields.extend(added.map(|(name, value)| (name.clone(), value.clone())));
            fields.retain(|name, _| !facts.omitted.contains(name));
        }
        Request {
            body,
            cache_fields: None,
            prompt: id,
            prompt_length: truncation::Length::of(prompt),
            largest: max_output_tokens
                .saturating_mul(LARGEST_FACTOR)
                .min(ceiling),
            sent: Sent {
                cap_name: CAP_NAMES[name],
                cap,
                fields: Vec::new(),
                facts,
            },
        }
    }

    /// The largest output cap that may be sent.
    fn ceiling(&self, facts: &Facts) -> u32 {
        let configured = Some(self.options.max_output_tokens).filter(|&bound| bound > 0);
        // A quarter of a small window is reserved for the output.
        let of_window = facts
            .context_tokens
            .map(|tokens| (tokens / 4).max(SMALLEST_CAP));
        let bounds = [configured, facts.largest_cap, of_window];
        bounds.into_iter().flatten().min().unwrap_or(u32::MAX)
    }

    fn read(
        &self,
        body: &exchange::Body,
        limits: &mut Limits,
        request: &Request,
    ) -> Result<String, Failure> {
        let value = match body {
            exchange::Body::Answer(value) => value,
            exchange::Body::Refusal(status, problem) => {
                return Err(self.refused(*status, problem, limits, request));
            }
        };
        limits.spent = reply::usage(value);
        if let Some((status, problem)) = reply::error(value) {
            return Err(self.refused(status, &problem, limits, request));
        }
        let read = limits.spent.prompt_tokens;
        let counted = self
            .counting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_cut(request.prompt_length, read);
        if let Some(whole) = counted {
            limits.too_long = true;
            limits.truncated = Some((read, whole));
            return Err(Failure::new(
                Remedy::Permanent,
                format!(
                    "the endpoint cut the prompt silently: it read {read} of about {whole} tokens"
                ),
            )
            .hint("raise the model's context (Ollama: OLLAMA_CONTEXT_LENGTH or num_ctx)"));
        }
        // Held to a schema, a small model may add white space until the cap.
        let is_padded = request
            .sent
            .fields
            .iter()
            .any(|name| name == RESPONSE_FORMAT)
            && reply::is_padded(value);
        if is_padded {
            self.adaptations.omit(RESPONSE_FORMAT);
        }
        match reply::read(value, request.sent.cap)? {
            Reply::NoOutputLeft if is_padded => Err(Failure::new(
                Remedy::Retry,
                "the model filled the schema with white space; further requests are sent without it",
            )),
            Reply::Text(text) => Ok(text),
            Reply::NoContextLeft => {
                limits.too_long = true;
                Err(Failure::new(
                    Remedy::Permanent,
                    "prompt and output together fill the model's context",
                )
                .hint("raise the model's context"))
            }
            Reply::NoOutputLeft if self.raise_cap(request) => Err(Failure::new(
                Remedy::Retry,
                "the output ended at its cap of tokens without a sentence; the retry gets a larger cap",
            )),
            Reply::NoOutputLeft => Err(Failure::new(
                Remedy::Permanent,
                "the output ends without a sentence even at the largest cap of tokens",
            )
            .hint("use a model that reasons less, or set [openai] reasoning_effort")),
        }
    }

    /// Doubles the cap of this prompt. Returns `false` if it is at its maximum.
    fn raise_cap(&self, request: &Request) -> bool {
        let raised = request.sent.cap.saturating_mul(2).min(request.largest);
        if raised <= request.sent.cap {
            return false;
        }
        self.set_cap(request, raised);
        true
    }

    fn set_cap(&self, request: &Request, cap: u32) {
        let mut caps = self.lock_caps();
        if caps.len() >= RAISED_CAPS {
            caps.clear();
        }
        caps.insert(request.prompt, cap);
    }

    fn lock_caps(&self) -> std::sync::MutexGuard<'_, HashMap<u64, u32>> {
        self.caps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(
        &self,
        status: u16,
        problem: &Problem,
        limits: &mut Limits,
        request: &Request,
    ) -> Failure {
        let taken_back = request
            .cache_fields
            .as_ref()
            .and_then(|sent| self.caching.refused(status, problem, sent));
        let adapted = match taken_back {
            Some(name) => Some(Adapted::ForAll(name.to_owned())),
            None => self.adaptations.refused(status, problem, &request.sent),
        };
        let retry = |message: String| Failure::new(Remedy::Retry, message);
        match adapted {
            Some(Adapted::ForAll(what)) => {
                return retry(format!(
                    "the endpoint does not accept {what}; further requests are sent without it"
                ));
            }
            Some(Adapted::Cap(cap)) => {
                self.set_cap(request, cap);
                return retry(format!(
                    "prompt and cap exceed the context; the retry is capped at {cap} output tokens"
                ));
            }
            Some(Adapted::MoreOutput) if self.raise_cap(request) => {
                return retry(
                    "the output ended at its cap of tokens; the retry gets a larger cap".to_owned(),
                );
            }
            Some(Adapted::MoreOutput) | None => {}
        }
        limits.too_long = length::is_too_long(problem, status);
        if limits.too_long
            && let Some(tokens) = length::accepted_tokens(problem)
            && u64::from(tokens) < request.prompt_length.most_tokens()
        {
            self.adaptations
                .learn(|facts| facts.context_tokens = Some(least(facts.context_tokens, tokens)));
        }
        // A slot is free as soon as another request has returned, whatever pause was requested.
        let crowded = limits.crowded
            || limits.parallel.is_some()
                && limits::is_about_parallel(&problem.message.to_lowercase());
        if status == 429 && crowded {
            limits.retry_after_ms = limits
                .retry_after_ms
                .map(|pause_ms| pause_ms.min(CROWDED_PAUSE_MS));
        }
        problem.failure(status, limits.retry_after_ms)
    }

    /// Looks up the model's window if it is still unknown after a prompt was too long.
    async fn learn_window(&self, limits: &mut Limits, prompt: &Prompt) {
        let facts = self.adaptations.facts();
        if facts.context_tokens.is_some() && limits.truncated.is_none() {
            return;
        }
        let served = match self.window_asked.swap(true, Ordering::Relaxed) {
            true => None,
            false => self.served_window(false).await,
        };
        let below = truncation::Length::of(prompt).most_tokens();
        let served = served.filter(|&tokens| u64::from(tokens) < below);
        let read = limits
            .truncated
            .and_then(|(read, _)| u32::try_from(read).ok());
        let Some(tokens) = served
            .filter(|&tokens| read.is_none_or(|read| tokens >= read))
            .or(read)
        else {
            // Further prompts are about as long as one that passed, and never as long as this one.
            let refused = prompt.user.len();
            let passed = self.passed.load(Ordering::Relaxed) as usize;
            let passed = passed.saturating_sub(prompt.system.len()) * 3 / 4;
            let bytes = passed.clamp(refused / UNNAMED_SHARE, refused / 2);
            self.adaptations.learn(|facts| {
                facts.longest_prompt =
                    Some(facts.longest_prompt.map_or(bytes, |known| known.min(bytes)));
            });
            return;
        };
        self.adaptations.learn(|facts| {
            facts.cuts_silently |= read.is_some();
            facts.context_tokens = Some(least(facts.context_tokens, tokens));
        });
    }
}

/// The failure of a prompt that is not sent because the window turned out to be smaller.
fn too_long() -> Failure {
    Failure::new(
        Remedy::Permanent,
        "the prompt is longer than the model's context",
    )
    .hint("raise the model's context")
}

fn least(known: Option<u32>, tokens: u32) -> u32 {
    known.map_or(tokens, |known| known.min(tokens))
}

/// One request as it is sent.
struct Request {
    body: Value,
    /// The fields for the endpoint's cache.
    cache_fields: Option<SentFields>,
    /// A hash that identifies the prompt.
    prompt: u64,
    prompt_length: truncation::Length,
    /// The largest cap that it may get.
    largest: u32,
    sent: Sent,
}

fn id_of(prompt: &Prompt) -> u64 {
    let mut hasher = DefaultHasher::new();
    prompt.hash(&mut hasher);
    hasher.finish()
}

fn names(body: &Value) -> Vec<String> {
    let fields = body.as_object();
    fields
        .map(|fields| fields.keys().cloned().collect())
        .unwrap_or_default()
}

/// The messages of a request. Without a system role the instructions follow the content.
fn messages(prompt: &Prompt, no_system_role: bool) -> Value {
    if no_system_role {
        let content = format!(
            "{}\n\nRules for the answer:\n\n{}",
            prompt.user, prompt.system
        );
        return json!([{"role": "user", "content": content}]);
    }
    let messages = prompt.messages();
    json!(messages.map(|(role, content)| json!({"role": role, "content": content})))
}

/// The URL without its query, parsed, and the query.
#[allow(clippy::type_complexity)]
fn parsed(base_url: &str) -> Result<(String, Url, Vec<(String, String)>), Failure> {
    let fatal = |message: &str| {
        Failure::new(Remedy::Fatal, message)
            .hint("set [openai] base_url to something like https://api.openai.com/v1")
    };
    let mut url =
        Url::parse(base_url).map_err(|error| fatal(&format!("base_url is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(fatal("base_url is no http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fatal("base_url holds a user name or password")
            .hint("name the key by [openai] api_key_env or api_key_file instead"));
    }
    if url.fragment().is_some() {
        return Err(fatal("base_url has a fragment (#…)"));
    }
    let query = url.query_pairs().into_owned().collect();
    url.set_query(None);
    let base = base_url
        .split('?')
        .next()
        .unwrap_or(base_url)
        .trim_end_matches('/')
        .to_owned();
    Ok((base, url, query))
}

/// The value at a path of names and numbers; `null` is none.
fn at<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    value.pointer(pointer).filter(|value| !value.is_null())
}
