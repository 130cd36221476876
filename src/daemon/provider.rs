//! What writes the summaries: one interface, one module and one table row for each provider.
//!
//! A provider that costs nothing writes from facts, on this machine, at once. One that costs money gets a prompt and
//! sends one request; retries, rate limiting and budgets belong to the engine.

pub mod offline;
pub mod openai;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use crate::config::{Config, Provider as Name};
use crate::daemon::prompt::{ChildText, Prompt};
use crate::model::failure::{Failure, Remedy};
use crate::model::key::Generator;
use crate::model::language::Language;
use crate::model::limits::Limits;
use crate::model::outline::Outline;
use crate::model::usage::Usage;
use crate::shell::openai::Endpoint;

/// What the rest of the program has to know of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Each summary costs a request. Otherwise it is written on this machine, from facts.
    pub costs_money: bool,
    /// It has a Batch API.
    pub batches: bool,
    /// It caches the beginning of a prompt.
    pub prompt_cache: bool,
    /// The largest content of one request, in tokens; larger content goes in parts.
    pub largest_input: u64,
}

/// What a provider that costs nothing writes from.
pub enum Facts<'a> {
    /// A text file.
    File {
        language: Option<Language>,
        outline: &'a Outline,
    },
    /// A directory's children, in order of name.
    Directory { children: &'a [ChildText] },
}

/// The response to one request.
pub struct Response {
    /// The text, or why there is none.
    pub text: Result<String, Failure>,
    /// What the request used.
    pub used: Usage,
    /// The rate limits that the endpoint reported.
    pub limits: Limits,
    /// The model cannot read a prompt of this length.
    pub too_long: bool,
    /// Tokens that the endpoint read of the prompt and tokens that the prompt has, where it cut the prompt silently.
    pub truncated: Option<(u64, u64)>,
}

/// A request in flight.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// A lookup in progress.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The interface of a provider.
pub trait Provider: Send + Sync {
    /// Names provider, model and version: part of every summary's key.
    fn generator(&self) -> Generator;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Writes a summary from facts.
    ///
    /// # Errors
    /// A provider that costs money does not write from facts.
    fn describe(&self, _facts: &Facts<'_>) -> Result<String, Failure> {
        Err(Failure::new(
            Remedy::Permanent,
            "this provider writes from prompts",
        ))
    }

    /// Sends one request.
    fn send(&self, _prompt: Prompt, _max_output_tokens: u32) -> Sending<'_> {
        let failure = Failure::new(Remedy::Fatal, "this provider sends no requests");
        Box::pin(std::future::ready(Response {
            text: Err(failure),
            used: Usage::default(),
            limits: Limits::default(),
            too_long: false,
            truncated: None,
        }))
    }

    /// Looks up how many tokens its model reads, if this prompt may have too many.
    fn look_up_window<'a>(&'a self, _prompt: &'a Prompt, _max_output_tokens: u32) -> Lookup<'a> {
        Box::pin(std::future::ready(()))
    }

    /// Tokens that its model reads, as far as that was learnt.
    fn context_tokens(&self) -> Option<u32> {
        None
    }

    /// Bytes of content that a request may have, as far as refusals without a number showed.
    fn longest_prompt(&self) -> Option<usize> {
        None
    }

    /// Its Batch API.
    ///
    /// # Errors
    /// It has none, or cannot work as configured.
    fn batch_api(&self) -> Result<&Endpoint, Failure> {
        Err(Failure::new(
            Remedy::Fatal,
            "this provider has no Batch API",
        ))
    }
}

/// One provider of the table.
pub struct Row {
    /// Its name in the configuration.
    pub name: Name,
    /// Prepares it, with the folder of the store; sends nothing.
    pub open: fn(&Config, &Path) -> Arc<dyn Provider>,
}

/// All providers.
const PROVIDERS: [Row; 2] = [
    Row {
        name: Name::Offline,
        open: |_, _| Arc::new(offline::Offline),
    },
    Row {
        name: Name::Openai,
        open: |config, data| Arc::new(openai::OpenAi::new(config, data)),
    },
];

/// Prepares the configured provider.
pub fn open(config: &Config, data: &Path) -> Arc<dyn Provider> {
    let name = config.summaries.provider;
    let row = PROVIDERS.iter().find(|row| row.name == name);
    (row.unwrap_or(&PROVIDERS[0]).open)(config, data)
}
