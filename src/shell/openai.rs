//! One question to an OpenAI-compatible endpoint, and its answer: Chat Completions through `async-openai`.
//!
//! One call is one HTTP request, whatever happens: when to ask again is decided elsewhere. What the endpoint answers is
//! never trusted to have the right shape, and the key never leaves this room but in the one header that it is for.

pub mod batch;
mod caching;
mod clean;
mod exchange;
mod limits;
pub mod models;
mod pause;
mod problem;
mod reply;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};

pub use self::limits::Limits;

use self::caching::{Caching, Told};
use self::exchange::{Exchange, Secret};
use self::problem::Problem;
use self::reply::Reply;
use crate::model::failure::{Failure, Remedy};
use crate::model::usage::Usage;

/// How far the cap of an answer is raised for a model that needs more room: reasoning counts as output.
const LARGEST_FACTOR: u32 = 8;

/// Where to ask, as whom, and for how long.
#[derive(Clone)]
pub struct Options {
    /// The URL in front of `/chat/completions`; a trailing slash does no harm.
    pub base_url: String,
    /// The model's name, as the endpoint knows it.
    pub model: String,
    /// The key; without one no Authorization header is sent.
    pub api_key: Option<String>,
    /// How long one request may take, from the first byte sent to the last one read.
    pub timeout: Duration,
    /// The most tokens that an answer is ever given, however much room a model wants. 0: no such bound.
    pub max_output_tokens: u32,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("timeout", &self.timeout)
            .field("max_output_tokens", &self.max_output_tokens)
            .finish()
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The standing instructions.
    pub system: String,
    /// The question itself.
    pub user: String,
}

impl Prompt {
    /// The messages as they are sent: who speaks, and what.
    pub fn messages(&self) -> [(&'static str, &str); 2] {
        [("system", &self.system), ("user", &self.user)]
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Plain text: no reasoning, no markup around it, no invisible characters, at most about 2,000 characters.
    pub text: String,
    /// What it used up.
    pub usage: Usage,
    /// What the endpoint said about its limits.
    pub limits: Limits,
}

/// An endpoint, ready to be asked by many at once.
pub struct Endpoint {
    exchange: Exchange,
    options: Options,
    cap: CapParameter,
    caching: Caching,
    /// By how much the asked cap is multiplied: 1, 2, 4 or 8.
    factor: AtomicU32,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.options).finish()
    }
}

impl Endpoint {
    /// Prepares an endpoint; asks nothing yet.
    ///
    /// # Errors
    /// [`Remedy::Fatal`], with a hint: a URL or key that can never work, or no certificates on this machine to
    /// check an `https` endpoint with.
    pub fn new(options: Options) -> Result<Self, Failure> {
        let base_url = options.base_url.trim().trim_end_matches('/').to_owned();
        let url = checked(&base_url)?;
        let key = options.api_key.as_deref().map(str::trim).unwrap_or("");
        let exchange = Exchange::new(&base_url, &url, Secret::new(key)?, options.timeout)?;
        Ok(Self {
            exchange,
            cap: CapParameter::of(&url),
            caching: Caching::of(&url, &options.model),
            factor: AtomicU32::new(1),
            options: Options {
                base_url,
                api_key: (!key.is_empty()).then(|| key.to_owned()),
                ..options
            },
        })
    }

    /// Asks once: one HTTP request, no second try.
    ///
    /// # Errors
    /// The failure, sorted by what to do about it; and what the endpoint said about its limits, since refusals say
    /// most.
    pub async fn ask(
        &self,
        prompt: &Prompt,
        max_output_tokens: u32,
    ) -> Result<Answer, (Failure, Limits)> {
        let mut request = self.request(prompt, max_output_tokens);
        request.told = Some(self.caching.current());
        self.caching.add_to(&mut request.body);
        let body = request.body.take();
        let (answered, mut limits) = self.exchange.send(body).await;
        let outcome = answered.and_then(|body| self.read(&body, &mut limits, &request));
        match outcome {
            Ok(text) => Ok(Answer {
                text,
                usage: limits.spent,
                limits,
            }),
            Err(failure) => Err((failure, limits)),
        }
    }

    fn request(&self, prompt: &Prompt, max_output_tokens: u32) -> Request {
        let cap = self.cap.current();
        let factor = self.factor.load(Ordering::Relaxed);
        let ceiling = match self.options.max_output_tokens {
            0 => u32::MAX,
            bound => bound,
        };
        let tokens = max_output_tokens.max(1).saturating_mul(factor).min(ceiling);
        Request {
            body: json!({
                "model": self.options.model,
                "messages": prompt
                    .messages()
                    .map(|(role, content)| json!({"role": role, "content": content})),
                CAP_NAMES[cap]: tokens,
                "stream": false,
            }),
            cap,
            told: None,
            factor,
            room: factor < LARGEST_FACTOR && tokens < ceiling,
        }
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
        match reply::read(value, request.room)? {
            Reply::Text(text) => Ok(text),
            Reply::CutShort => {
                self.raise_factor(request.factor);
                Err(Failure::new(
                    Remedy::Retry,
                    "the answer was cut short at its cap of tokens; the next one gets more room",
                ))
            }
        }
    }

    /// Of many answers that were cut short at once, one raises the cap.
    fn raise_factor(&self, from: u32) {
        let relaxed = Ordering::Relaxed;
        let _ = self
            .factor
            .compare_exchange(from, from * 2, relaxed, relaxed);
    }

    fn refused(
        &self,
        status: u16,
        problem: &Problem,
        limits: &mut Limits,
        request: &Request,
    ) -> Failure {
        limits.too_long = problem.is_too_long(status);
        let cap = CAP_NAMES[request.cap];
        let told = request.told.as_ref();
        let taken_back = told.and_then(|told| self.caching.refused(status, problem, told));
        let switched = || {
            let refused = problem.names_parameter(status, cap);
            (refused && self.cap.switch_from(request.cap)).then_some(cap)
        };
        if let Some(name) = taken_back.or_else(switched) {
            return Failure::new(
                Remedy::Retry,
                format!("the endpoint takes no {name}; it is asked without it"),
            );
        }
        problem.failure(status, limits.retry_after_ms)
    }
}

/// One request as it is sent.
struct Request {
    body: Value,
    /// Which name the cap goes by.
    cap: usize,
    /// What it was told for the endpoint's cache.
    told: Option<Told>,
    factor: u32,
    /// Whether the next request could be given a larger cap.
    room: bool,
}

/// The two names of the cap on an answer's tokens. The new one is ignored in silence by some servers, the old one
/// refused by OpenAI's reasoning models: so each endpoint starts with the likely one, and may be switched once.
const CAP_NAMES: [&str; 2] = ["max_tokens", "max_completion_tokens"];

struct CapParameter {
    first: usize,
    /// 0 before the switch, 1 after it.
    switched: AtomicU8,
}

impl CapParameter {
    fn of(url: &Url) -> Self {
        Self {
            first: usize::from(url.host_str() == Some("api.openai.com")),
            switched: AtomicU8::new(0),
        }
    }

    /// Which of the names to send.
    fn current(&self) -> usize {
        self.first ^ usize::from(self.switched.load(Ordering::Relaxed))
    }

    /// Whether to ask again with the other name: this call switches, or another one has since `sent` was sent.
    fn switch_from(&self, sent: usize) -> bool {
        sent == self.first
            && (self.switched.swap(1, Ordering::Relaxed) == 0 || self.current() != sent)
    }
}

fn checked(base_url: &str) -> Result<Url, Failure> {
    let fatal = |message: &str| {
        Failure::new(Remedy::Fatal, message)
            .hint("set [openai] base_url to something like https://api.openai.com/v1")
    };
    let url =
        Url::parse(base_url).map_err(|error| fatal(&format!("base_url is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(fatal("base_url is no http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fatal("base_url holds a user name or password")
            .hint("name the key by [openai] api_key_env or api_key_file instead"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fatal("base_url has something behind its path"));
    }
    Ok(url)
}

/// The value at a path of names and numbers.
fn at<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    value.pointer(pointer).filter(|value| !value.is_null())
}
