//! The configuration: a TOML file made into checked options, a struct for each section.
//!
//! Everything after this file may trust the values. It never guesses: an unknown key or a bad value is an error that
//! names the file, the line and the key. The places where things are kept are in [`places`].

mod check;
mod load;
pub mod places;
mod table;
#[cfg(test)]
mod tests;

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
    /// Who writes.
    pub summaries: Summaries,
    /// The endpoint, for [`Provider::Openai`].
    pub openai: Openai,
    /// What may be spent.
    pub budget: Budget,
    /// How changes are noticed.
    pub watch: Watch,
    /// Which files are nodes.
    pub files: Files,
    /// Copies of the summaries inside the repositories.
    pub export: Export,
    /// What is kept of what nobody uses.
    pub store: Store,
}

/// `[summaries]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summaries {
    /// `false`: outlines and digests only.
    pub enabled: bool,
    /// Who writes the summaries.
    pub provider: Provider,
}

/// Who writes the summaries.
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
    /// `http` or `https`, without a slash at the end and without credentials.
    pub base_url: String,
    /// The model's name, as the endpoint knows it; never empty.
    pub model: String,
    /// The environment variable that holds the key; empty: none.
    pub api_key_env: String,
    /// A file that holds the key; where it is given, it goes before the variable.
    pub api_key_file: Option<PathBuf>,
    /// Requests in flight at most, 1 to 1000.
    pub max_workers: u32,
    /// 0: learnt from the endpoint's answers.
    pub requests_per_minute: u64,
    /// 0: learnt from the endpoint's answers.
    pub tokens_per_minute: u64,
    /// Seconds until a request is given up, 1 to 3600.
    pub timeout_seconds: u64,
    /// Tokens that an answer may have at most, 1 to 100000.
    pub max_output_tokens: u32,
    /// Whether large first indexes go through the Batch API.
    pub batch: Batch,
    /// Milliseconds that a changed file must be left alone before it is asked about, at most 30000.
    pub quiet_ms: u64,
    /// Money for a million prompt tokens, in any currency; 0: not known.
    pub price_per_million_input: f64,
    /// Money for a million tokens of answers; 0: not known.
    pub price_per_million_output: f64,
    /// Money for a million prompt tokens that the endpoint had in its cache; 0: as much as for others.
    pub price_per_million_cached: f64,
    /// What a request costs in a batch, of what it costs alone, 0 to 1.
    pub batch_price_factor: f64,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Budget {
    /// Requests a day (UTC); 0: as many as it takes.
    pub max_requests_per_day: u64,
    /// Tokens a day (UTC), prompts and answers; 0: as many as it takes.
    pub max_tokens_per_day: u64,
    /// Money a day (UTC), in the currency of the prices; 0: as much as it takes.
    pub max_cost_per_day: f64,
}

/// `[watch]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watch {
    /// Milliseconds of quiet before a changed file is read, at most 60000.
    pub settle_ms: u64,
    /// How changes are noticed.
    pub backend: Backend,
    /// Seconds between two looks of [`Backend::Poll`], 1 to 3600.
    pub poll_seconds: u64,
}

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The system tells (inotify).
    Native,
    /// The folders are looked through again and again.
    Poll,
}

/// `[files]`
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Files {
    /// Globs; where there are some, only files that one of them matches are nodes.
    pub include: Vec<String>,
    /// Globs; files and folders that one of them matches are no nodes.
    pub exclude: Vec<String>,
    /// Larger files get a node and no summary.
    pub max_bytes: u64,
}

/// `[export]`
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Export {
    /// A folder relative to each repository's root, kept current; `None`: nothing is written there.
    pub dir: Option<PathBuf>,
}

/// `[store]`
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Store {
    /// What was unused for so many days is removed; 0: nothing that was paid for. What costs nothing goes after 30.
    pub max_age_days: u64,
    /// Above so many bytes on disk, what is unused for longest is removed; 0: nothing for its size.
    pub max_bytes: u64,
}

impl Default for Summaries {
    fn default() -> Self {
        Self {
            enabled: true,
            provider: Provider::Offline,
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
            max_workers: 10,
            requests_per_minute: 0,
            tokens_per_minute: 0,
            timeout_seconds: 60,
            max_output_tokens: 600,
            batch: Batch::Off,
            quiet_ms: 2_000,
            price_per_million_input: 0.0,
            price_per_million_output: 0.0,
            price_per_million_cached: 0.0,
            batch_price_factor: 0.5,
        }
    }
}

impl Openai {
    /// What tokens cost, where the configuration says it.
    pub fn prices(&self) -> Option<Prices> {
        let (input, output) = (self.price_per_million_input, self.price_per_million_output);
        (input > 0.0 || output > 0.0).then(|| self.prices_of(input, output))
    }

    /// What tokens cost by these prices for a million of each, with what else the configuration says.
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
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            max_bytes: 1_048_576,
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

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Poll => "poll",
        })
    }
}
