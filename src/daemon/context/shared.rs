//! The store that the team shares: how it is set up, what of it is trusted, and what was done with it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Notify;

use crate::config::{Config, SharedMode};
use crate::daemon::context::{Mode, today};
use crate::daemon::prompt;
use crate::engine::sharing::Sharing;
use crate::model::summary::{Summary, SummaryKey};
use crate::shell::shared::location::Location;
use crate::shell::shared::{Client, Options, namespace};
use crate::shell::store::Portable;
use crate::shell::{openai, redact};

/// How long a claim outlives the time limit of its request.
const MARGIN: Duration = Duration::from_secs(15);
/// The lease of a claim whose request goes by a batch.
const BATCH_LEASE: Duration = Duration::from_secs(60 * 60);
/// A value that is older is written anew when it is found, so that `cache gc` keeps what is used.
pub const RENEWED_AFTER_DAYS: u32 = 30;
/// A summary that was refused so often is left alone for so long.
const MAX_REFUSALS: u32 = 3;
const REFUSED_FOR: Duration = Duration::from_secs(10 * 60);
/// A shorter secret can be guessed.
const SHORTEST_SECRET: usize = 16;

/// The team's store.
pub struct Shared {
    pub client: Client,
    pub counts: Counts,
    /// Notified when a summary waits to be written, and when the process ends.
    pub wake: Notify,
    /// Notified after each round of writes.
    pub written: Notify,
    /// Summaries that the store refused while it took others: how often, when at last, and why.
    refused: Mutex<HashMap<SummaryKey, Refusal>>,
    portable: Portable,
    model: String,
    lease: Duration,
}

/// A summary that the store refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    times: u32,
    at: Instant,
    why: String,
}

impl Refusal {
    /// Whether it is not tried for now.
    fn is_final(&self, now: Instant) -> bool {
        self.times >= MAX_REFUSALS && now < self.at + REFUSED_FOR
    }
}

/// What was done since the start.
#[derive(Debug, Default)]
pub struct Counts {
    pub looked_up: AtomicU64,
    pub found: AtomicU64,
    pub rejected: AtomicU64,
    pub published: AtomicU64,
    /// Summaries that wait to be written.
    pub waiting: AtomicU64,
}

impl Shared {
    /// Prepares the configured store; connects later. `None` without one.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open(config: &Config, mode: Mode) -> Result<Option<Self>, String> {
        let shared = &config.shared;
        if shared.url.is_empty() {
            return Ok(None);
        }
        let secret = shared.signing_key_file.as_deref().map(secret).transpose()?;
        let model = &config.openai.model;
        let space = match shared.namespace.is_empty() {
            true => format!("v{}-{model}", prompt::VERSION),
            false => shared.namespace.clone(),
        };
        let client = Client::open(Options {
            location: Location::parse(&shared.url)?,
            namespace: namespace(&space),
            writable: shared.mode == SharedMode::ReadWrite && mode.keeps(),
            token: format!("{:016x}", random()),
        })?;
        Ok(Some(Self {
            client,
            counts: Counts::default(),
            wake: Notify::new(),
            written: Notify::new(),
            refused: Mutex::default(),
            portable: Portable::new(secret.as_deref()),
            model: model.clone(),
            lease: Duration::from_secs(config.openai.timeout_seconds) + MARGIN,
        }))
    }

    /// The store took some summaries and refused others.
    pub fn note_refused(&self, keys: impl Iterator<Item = SummaryKey>, why: &str) {
        let mut refused = self.refusals();
        for key in keys {
            let times = refused.get(&key).map_or(1, |refusal| refusal.times + 1);
            let (at, why) = (Instant::now(), why.to_owned());
            refused.insert(key, Refusal { times, at, why });
        }
    }

    /// The store took summaries; some of them it may have refused before.
    pub fn note_stored(&self, keys: &[SummaryKey]) {
        let mut refused = self.refusals();
        for key in keys {
            refused.remove(key);
        }
    }

    /// The summaries that are not written for now, so that they do not block others.
    pub fn refused(&self) -> HashSet<SummaryKey> {
        let now = Instant::now();
        let refused = self.refusals();
        let is_final = |entry: &(&SummaryKey, &Refusal)| entry.1.is_final(now);
        refused
            .iter()
            .filter(is_final)
            .map(|(key, _)| *key)
            .collect()
    }

    /// How many summaries the store refused and has not taken since, and why one of them.
    pub fn refusal(&self) -> Option<(usize, String)> {
        let refused = self.refusals();
        let why = refused.values().next()?.why.clone();
        Some((refused.len(), why))
    }

    fn refusals(&self) -> MutexGuard<'_, HashMap<SummaryKey, Refusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the engine uses it. `batch`: this process and its peers may use batches.
    pub fn sharing(&self, mode: Mode, batch: bool) -> Sharing {
        Sharing {
            claims: mode.keeps(),
            patience_ms: (self.lease(batch) * 2).as_millis() as u64,
            salt: random(),
        }
    }

    /// How long a claim holds.
    pub fn lease(&self, batch: bool) -> Duration {
        if batch { BATCH_LEASE } else { self.lease }
    }

    /// The value of a summary; `None` if it is not shared.
    pub fn encode(&self, key: SummaryKey, summary: &Summary) -> Option<Vec<u8>> {
        let day = u32::try_from(today()).unwrap_or(u32::MAX);
        let shareable = summary.model == self.model && is_clean(&summary.text);
        shareable.then(|| self.portable.encode(key, day, summary))?
    }

    /// The summary in a value, and the value's age in days. A teammate's text is untrusted as a model's is: it is accepted
    /// only if the checks of a response would leave it as it is.
    pub fn decode(&self, key: SummaryKey, value: &[u8]) -> Option<(Summary, u32)> {
        let checked = self.portable.decode(key, value).and_then(|(day, summary)| {
            match summary.model == self.model && is_clean(&summary.text) {
                true => Ok((day, summary)),
                false => Err("a text that no response would be"),
            }
        });
        match checked {
            Ok((day, summary)) => {
                let today = u32::try_from(today()).unwrap_or(u32::MAX);
                Some((summary, today.saturating_sub(day)))
            }
            Err(problem) => {
                self.counts.rejected.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(
                    "{}: a value of the shared store is not used: {problem}",
                    key.0
                );
                None
            }
        }
    }
}

fn is_clean(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
        && !prompt::is_unchanged(text)
        && openai::cleaned(text) == text
        && redact::redact_prose(text) == text
}

fn secret(file: &Path) -> Result<Vec<u8>, String> {
    let secret = std::fs::read(file)
        .map_err(|error| format!("shared.signing_key_file: {}: {error}", file.display()))?;
    let secret = secret.trim_ascii();
    match secret.len() < SHORTEST_SECRET {
        true => Err(format!(
            "shared.signing_key_file: {}: a key has at least {SHORTEST_SECRET} bytes; `openssl rand -hex 32` makes one",
            file.display()
        )),
        false => Ok(secret.to_vec()),
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness, processes that start together compete for the same keys.
    let _ = SystemRandom::new().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
