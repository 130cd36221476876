//! The configuration: a TOML file parsed into checked options, one struct per section.
//!
//! Code outside this module may trust the values. Nothing is guessed: an unknown key or a bad value is an error that
//! names the file, the line and the key. The locations of files are in [`places`].

mod check;
mod load;
pub mod places;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::model::price::Prices;

pub use load::ConfigError;

/// All options, checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Config {
    /// Folders to watch, absolute.
    pub repos: Vec<PathBuf>,
    /// What generates summaries.
    pub summaries: Summaries,
    /// The endpoint, for [`Provider::Openai`].
    pub openai: Openai,
    /// Spending limits.
    pub budget: Budget,
    /// How changes are noticed.
    pub watch: Watch,
    /// Which files are in the tree.
    pub files: Files,
    /// Copies of the summaries inside the repositories.
    pub export: Export,
    /// How long unused entries are kept.
    pub store: Store,
    /// A store that a team shares.
    pub shared: Shared,
}

/// `[summaries]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summaries {
    /// `false`: outlines and digests only.
    pub enabled: bool,
    /// What generates summaries.
    pub provider: Provider,
    /// The language of summaries that a model writes: a code (`de`) or a name.
    pub language: String,
}

/// What generates summaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// This machine, by rules, without network.
    Offline,
    /// An OpenAI-compatible endpoint.
    Openai,
}

/// `[openai]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Openai {
    /// `http` or `https`, without trailing slash and credentials.
    pub base_url: String,
    /// The model's name at the endpoint; never empty.
    pub model: String,
    /// The environment variable that holds the key; empty: none.
    pub api_key_env: String,
    /// A file that contains the key; takes precedence over the variable.
    pub api_key_file: Option<PathBuf>,
    /// The header that carries the key without `Bearer`; empty: `Authorization`.
    pub api_key_header: String,
    /// Further headers; a value `$NAME` is read from the environment.
    pub headers: BTreeMap<String, String>,
    /// Further query parameters.
    pub query: BTreeMap<String, String>,
    /// Further fields of each request.
    pub extra_body: serde_json::Map<String, serde_json::Value>,
    /// How much a reasoning model is to reason; empty: its default.
    pub reasoning_effort: String,
    /// Length and form of the instructions.
    pub profile: Profile,
    /// Whether the key may be sent over `http://` to another machine.
    pub allow_http: bool,
    /// Maximum concurrent requests, 1 to 1000.
    pub max_workers: u32,
    /// 0: learned from the endpoint's responses.
    pub requests_per_minute: u64,
    /// 0: learned from the endpoint's responses.
    pub tokens_per_minute: u64,
    /// Request timeout in seconds, 1 to 3600.
    pub timeout_seconds: u64,
    /// Maximum output tokens of a response, 1 to 100000.
    pub max_output_tokens: u32,
    /// Whether large first indexes go through the Batch API.
    pub batch: Batch,
    /// Milliseconds before a batch is polled for the first time; later pauses are longer, up to a minute.
    pub batch_poll_ms: u64,
    /// Milliseconds without a change before a changed file is requested, at most 30000.
    pub quiet_ms: u64,
    /// Price per million input tokens, in any currency; 0: unknown.
    pub price_per_million_input: f64,
    /// Price per million output tokens; 0: unknown.
    pub price_per_million_output: f64,
    /// Price per million cached input tokens; 0: the same as for others.
    pub price_per_million_cached: f64,
    /// The price of a batched request relative to a single one, 0 to 1.
    pub batch_price_factor: f64,
}

/// Length and form of the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Short where the model is known to read 8,192 tokens or less.
    Auto,
    /// Long, and good for a prompt cache.
    Full,
    /// Short, for small models.
    Small,
}

/// The use of the Batch API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Batch {
    /// Never.
    Off,
    /// For large first indexes.
    Auto,
}

/// `[budget]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// Requests per day (UTC), by default 10,000; 0: unlimited.
    pub max_requests_per_day: u64,
    /// Tokens per day (UTC), input and output; 0: unlimited.
    pub max_tokens_per_day: u64,
    /// Cost per day (UTC), in the currency of the prices; 0: unlimited.
    pub max_cost_per_day: f64,
    /// Requests of a first index that are not sent without confirmation; 0: no confirmation is needed.
    pub confirm_above: u64,
}

/// `[watch]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watch {
    /// Milliseconds without a change before a changed file is read, at most 60000.
    pub settle_ms: u64,
    /// How changes are noticed.
    pub backend: Backend,
    /// Seconds between two scans of [`Backend::Poll`], 1 to 3600.
    pub poll_seconds: u64,
    /// Seconds between two comparisons of the tree with the disk; 0: never.
    pub audit_seconds: u64,
}

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The system's notifications (inotify).
    Native,
    /// The folders are scanned periodically.
    Poll,
}

/// `[files]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Files {
    /// Globs. If there are any, only matching files are in the tree.
    pub include: Vec<String>,
    /// Globs. Matching files and folders are not in the tree.
    pub exclude: Vec<String>,
    /// Larger files are in the tree without a summary.
    pub max_bytes: u64,
    /// Whether virtual environments, installed packages and the like are left out without any rule.
    pub defaults: bool,
    /// What describes generated files and data.
    pub generated: Generated,
}

/// What describes lock files, generated and minified code, vendored files and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Generated {
    /// A line made by rules, without a request.
    Line,
    /// The provider, like any other text.
    Summarize,
}

/// `[export]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Export {
    /// A folder relative to each repository's root, kept up to date; `None`: nothing is written there.
    pub dir: Option<PathBuf>,
    /// What is written there.
    pub formats: Vec<Format>,
}

/// A document of each directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `index.json`.
    Index,
    /// `README.md`.
    Markdown,
}

impl Default for Export {
    fn default() -> Self {
        Self {
            dir: None,
            formats: vec![Format::Index],
        }
    }
}

/// `[store]`
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Store {
    /// Entries unused for this many days are removed; 0: paid ones are kept. Free ones are removed after 30 days.
    pub max_age_days: u64,
    /// Above this size on disk, the least recently used entries are removed; 0: unlimited.
    pub max_bytes: u64,
}

/// `[shared]`
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shared {
    /// Its URL, without credentials; empty: none. `EPITOME_SHARED_URL` takes precedence.
    pub url: String,
    /// Whether summaries are written to it.
    pub mode: SharedMode,
    /// The folder of all keys; empty: made of the prompt's version and the model.
    pub namespace: String,
    /// A file with the secret that signs summaries; with one, only signed ones are used.
    pub signing_key_file: Option<PathBuf>,
}

/// The use of a shared store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedMode {
    /// Summaries are only taken from it.
    Read,
    /// Summaries that were paid for are also written to it.
    #[default]
    ReadWrite,
}

impl Default for Summaries {
    fn default() -> Self {
        Self {
            enabled: true,
            provider: Provider::Offline,
            language: "en".to_owned(),
        }
    }
}

impl Default for Openai {
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            model: "gpt-4o-mini".to_owned(),
            api_key_env: "OPENAI_API_KEY".to_owned(),
            api_key_file: None,
            api_key_header: String::new(),
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            extra_body: serde_json::Map::new(),
            reasoning_effort: String::new(),
            profile: Profile::Auto,
            allow_http: false,
            max_workers: 10,
            requests_per_minute: 0,
            tokens_per_minute: 0,
            timeout_seconds: 60,
            max_output_tokens: 600,
            batch: Batch::Off,
            batch_poll_ms: 1_000,
            quiet_ms: 2_000,
            price_per_million_input: 0.0,
            price_per_million_output: 0.0,
            price_per_million_cached: 0.0,
            batch_price_factor: 0.5,
        }
    }
}

impl Openai {
    /// The prices, if configured.
    pub fn prices(&self) -> Option<Prices> {
        let (input, output) = (self.price_per_million_input, self.price_per_million_output);
        (input > 0.0 || output > 0.0).then(|| self.prices_of(input, output))
    }

    /// The prices for these rates per million tokens, with the configured rates for cached input and batches.
    pub fn prices_of(&self, input: f64, output: f64) -> Prices {
        let cached = match self.price_per_million_cached {
            0.0 => input,
            cached => cached,
        };
        Prices::per_million(input, cached, output, self.batch_price_factor)
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            settle_ms: 200,
            backend: Backend::Native,
            poll_seconds: 5,
            audit_seconds: 86_400,
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            max_bytes: 1_048_576,
            defaults: true,
            generated: Generated::Line,
        }
    }
}

/// Requests per day: more than a first index of 8,000 files, or a month of edits. A loop that renews files without end costs
/// no more than that.
const DEFAULT_REQUESTS_PER_DAY: u64 = 10_000;

impl Default for Budget {
    fn default() -> Self {
        Self {
            max_requests_per_day: DEFAULT_REQUESTS_PER_DAY,
            max_tokens_per_day: 0,
            max_cost_per_day: 0.0,
            confirm_above: 200,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline => "offline",
            Self::Openai => "openai",
        })
    }
}

impl fmt::Display for SharedMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::ReadWrite => "read-write",
        })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Poll => "poll",
        })
    }
}
