//! What the workers share: configuration, store, provider, repositories, watch, notes, followers. It knows no loop and
//! no client.

pub mod cookies;
pub mod dry_run;
pub mod followers;
pub mod recent;
pub mod registry;
pub mod shared;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::sync::Notify;

use crate::config::places::Places;
use crate::config::{Config, Profile, Provider as Configured};
use crate::daemon::prompt::{PART_TOKENS, Style};
use crate::daemon::provider::offline::Offline;
use crate::daemon::provider::{self, Provider};
use crate::engine::event::Event;
use crate::engine::pacing::DayUse;
use crate::model::key::Generator;
use crate::model::path::RepoId;
use crate::model::summary::Summary;
use crate::shell::redact::redact_prose;
use crate::shell::rules::FileRules;
use crate::shell::store::{Store, StoreError};
use crate::shell::watch::Watch;

use cookies::Cookies;
use dry_run::Pretended;
use followers::Followers;
use recent::RecentTexts;
use registry::{Entry, Notes, Registry};
use shared::Shared;

/// How long to wait for another process to release the store.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// The error of a node whose summary is unknown in a run that sends no requests.
pub const NOT_REQUESTED: &str = "not requested";

/// Up to so many tokens a window is small: it gets short instructions.
const SMALL_WINDOW: u32 = 8_192;
/// Output tokens of a small model: a paragraph of three sentences with room to spare.
const SMALL_OUTPUT: u32 = 256;

/// Bytes of a token, as is usual for English and code.
const TOKEN_BYTES: usize = 4;

/// What a run of the engine is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Watch and keep summaries current.
    Daemon,
    /// Index once.
    Local,
    /// Estimate the cost: scan once, send and store nothing.
    Dry,
    /// Show the prompts: scan once, send and store nothing, and leave unsent summaries failed.
    Preview,
    /// Read an earlier state of a repository: send nothing, store only what is named by its content.
    Snapshot,
}

impl Mode {
    /// Whether results are stored.
    pub fn keeps(self) -> bool {
        matches!(self, Self::Daemon | Self::Local)
    }

    /// Whether outlines and free summaries are stored, which depend on no repository.
    pub fn keeps_contents(self) -> bool {
        self.keeps() || self == Self::Snapshot
    }

    /// Whether a summary that a model would write stays unwritten.
    pub fn sends_nothing(self) -> bool {
        matches!(self, Self::Preview | Self::Snapshot)
    }
}

/// What the workers share.
pub struct Context {
    pub config: Config,
    pub mode: Mode,
    pub file_rules: FileRules,
    pub store: Arc<Store>,
    /// The store's folder, canonical: never part of a repository.
    pub own_folder: PathBuf,
    /// What writes the summaries.
    pub provider: Arc<dyn Provider>,
    /// The provider's name in the keys of summaries.
    pub generator: Generator,
    /// The offline provider's name: it writes the lines about text that is not summarized.
    pub offline: Generator,
    /// The store that the team shares, where a model writes the summaries or the store alone is open.
    pub shared: Option<Arc<Shared>>,
    pub registry: Registry,
    pub notes: Notes,
    pub followers: Followers,
    /// Notified when the store has grown so much that it should be collected.
    pub overgrown: Arc<Notify>,
    /// The source of notifications. Set once, possibly after the start; unset while everything is polled.
    pub watch: OnceLock<Arc<Watch>>,
    /// Requests barrier cookies of the watch; set before it.
    pub cookies: OnceLock<Cookies>,
    /// Set when the daemon ends: no new request is sent.
    pub stopping: AtomicBool,
    /// When the process started its engine.
    pub started: Instant,
    /// The largest content of one request, in bytes. It shrinks when the model turns out to read less.
    pub max_prompt_bytes: AtomicUsize,
    /// Tokens that the model reads; 0: not known.
    pub context_tokens: AtomicU32,
    /// What the daemon was started with; unset in a run without a socket.
    pub places: OnceLock<Places>,
    /// The requests of a dry run.
    pub pretended: Pretended,
    /// The texts of files that were sent, for diffs.
    pub recent: RecentTexts,
}

impl Context {
    /// Prepares a run.
    ///
    /// # Errors
    /// The store's folder does not exist.
    pub fn new(
        config: Config,
        store: Arc<Store>,
        data: &Path,
        mode: Mode,
    ) -> anyhow::Result<Context> {
        let provider = provider::open(&config, data);
        Self::with_provider(config, store, data, mode, provider)
    }

    /// Prepares a run with another provider than the configured one.
    ///
    /// # Errors
    /// The store's folder does not exist.
    pub fn with_provider(
        config: Config,
        store: Arc<Store>,
        data: &Path,
        mode: Mode,
        provider: Arc<dyn Provider>,
    ) -> anyhow::Result<Context> {
        let largest = provider.capabilities().largest_input.min(PART_TOKENS);
        let largest = largest as usize * TOKEN_BYTES;
        let notes = Notes::default();
        let shared = match Shared::open(&config, mode) {
            Ok(shared) => shared.filter(|_| mode != Mode::Preview).map(Arc::new),
            Err(problem) => {
                let text = format!("the shared store is not used: {problem}");
                tracing::warn!("{text}");
                notes.set("shared", text);
                None
            }
        };
        Ok(Self {
            file_rules: registry::file_rules(&config),
            own_folder: std::fs::canonicalize(data)?,
            config,
            mode,
            store,
            generator: provider.generator(),
            offline: Offline.generator(),
            provider,
            shared,
            registry: Registry::default(),
            notes,
            followers: Followers::default(),
            overgrown: Arc::default(),
            watch: OnceLock::new(),
            cookies: OnceLock::new(),
            stopping: AtomicBool::new(false),
            started: Instant::now(),
            max_prompt_bytes: AtomicUsize::new(largest),
            context_tokens: AtomicU32::new(0),
            places: OnceLock::new(),
            pretended: Pretended::default(),
            recent: RecentTexts::default(),
        })
    }

    /// Length and language of the instructions.
    pub fn style(&self) -> Style {
        let mut style = provider::openai::style(&self.config);
        let window = self.context_tokens.load(Ordering::Relaxed);
        if self.config.openai.profile == Profile::Auto {
            style.small |= (1..=SMALL_WINDOW).contains(&window);
        }
        style
    }

    /// The largest number of output tokens of one response. A small model often fills all that it gets.
    pub fn answer_cap(&self) -> u32 {
        let cap = self.config.openai.max_output_tokens;
        match self.style().small {
            true => cap.min(SMALL_OUTPUT),
            false => cap,
        }
    }

    /// Compares the exported files with what this process wrote; returns the event that has the changed ones written
    /// again. Blocks on the disk.
    pub fn check_export(&self, entry: &Entry) -> Option<Event> {
        let folder = entry.root.join(self.config.export.dir.as_ref()?);
        let paths = entry.exported.changed(&entry.root, &folder);
        let repo = entry.repo;
        (!paths.is_empty() && self.mode != Mode::Dry)
            .then_some(Event::ExportTouched { repo, paths })
    }

    /// The model's use today, including earlier runs.
    pub fn used_today(&self) -> DayUse {
        let day = today();
        let used = self.store.usage(day).unwrap_or_default();
        DayUse {
            day,
            requests: used.requests,
            tokens: used.tokens(),
            cost_nanos: used.cost_nanos,
        }
    }

    /// A repository's root; empty when it is no longer watched.
    pub fn root_of(&self, repo: RepoId) -> PathBuf {
        let entry = self.registry.get(repo);
        entry.map(|entry| entry.root).unwrap_or_default()
    }

    /// Whether a model writes the summaries.
    pub fn uses_model(&self) -> bool {
        self.config.summaries.provider == Configured::Openai
    }
}

/// A summary without credentials: the rules of an earlier version knew fewer.
fn cleaned(summary: Summary) -> Summary {
    match redact_prose(&summary.text) {
        Cow::Borrowed(_) => summary,
        Cow::Owned(text) => Summary { text, ..summary },
    }
}

/// Opens the store, and waits a while for another process to release it.
///
/// # Errors
/// The store cannot be opened, or is still locked.
pub async fn open_store(data: &Path) -> anyhow::Result<Store> {
    let deadline = tokio::time::Instant::now() + STORE_PATIENCE;
    loop {
        let data = data.to_path_buf();
        let opened = tokio::task::spawn_blocking(move || Store::open(&data))
            .await
            .context("opening the store")?;
        match opened {
            Err(StoreError::Locked { .. } | StoreError::Shared { .. })
                if tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => bail!("{error}: {}", error.hint()),
            Ok(store) => return Ok(store.cleaned_by(cleaned)),
        }
    }
}

/// The day's number since 1970, UTC.
pub fn today() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() / 86_400)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Store, open_store};
    use crate::model::digest::Digest;
    use crate::model::summary::{Summary, SummaryKey};

    #[tokio::test]
    async fn what_an_earlier_version_stored_is_read_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let key = SummaryKey(Digest([7; 16]));
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        let stored = Summary::new(format!("Calls the server with {token}."), "test-model");
        let raw = Store::open(folder.path()).unwrap();
        raw.put_paid(&[(key, stored.clone())]).unwrap();
        // The store itself has it as it was written.
        assert_eq!(raw.summary(key).unwrap(), Some(stored));
        drop(raw);

        let store = open_store(folder.path()).await.unwrap();
        let read = store.summary(key).unwrap().unwrap();
        assert_eq!(read.text, "Calls the server with [redacted: GitHub token].");
        assert_eq!(read.model, "test-model");
    }
}
