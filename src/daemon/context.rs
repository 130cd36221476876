//! What all parts of a running daemon have in common.

pub mod followers;
pub mod registry;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::sync::{Semaphore, watch};

use crate::config::{Config, Provider};
use crate::daemon::Mode;
use crate::daemon::access::estimate::Pretended;
use crate::daemon::mailbox::{Input, Inputs};

use crate::daemon::prompt::PART_TOKENS;
use crate::daemon::search::Indexes;
use crate::engine::event::Event;
use crate::engine::pacing::DayUse;
use crate::model::path::RepoId;
use crate::shell::rules::FileRules;
use crate::shell::store::Store;
use crate::shell::watch::Watch;
use followers::Followers;
use registry::{Entry, Notes, Registry};

/// Bytes of a token, as is usual for English and code.
const TOKEN_BYTES: usize = 4;

/// Searches that are under way at once, at most: each has the whole tree before it and works with several threads.
const SEARCHES: usize = 2;
/// Estimates that are under way at once, at most: each reads a whole tree.
const ESTIMATES: usize = 1;

/// What the loop, its workers and those who ask have in common.
pub struct Shared {
    pub(in crate::daemon) config: Config,
    pub(in crate::daemon) file_rules: FileRules,
    pub(in crate::daemon) store: Arc<Store>,
    /// The store's folder, canonical: never part of a repository.
    pub(in crate::daemon) own_folder: PathBuf,
    pub(in crate::daemon) registry: Registry,
    pub(in crate::daemon) notes: Notes,
    pub(in crate::daemon) inputs: Inputs,
    /// What is notified of changes; it may come late, and stays.
    pub(in crate::daemon) watch: OnceLock<Arc<Watch>>,
    pub(in crate::daemon) mode: Mode,
    pub(in crate::daemon) stopping: AtomicBool,
    pub(in crate::daemon) followers: Followers,
    /// Changes when something happens.
    pub(in crate::daemon) stirred: watch::Sender<()>,
    pub(in crate::daemon) started: Instant,
    pub(in crate::daemon) searches: Arc<Semaphore>,
    pub(in crate::daemon) indexes: Indexes,
    pub(in crate::daemon) estimates: Arc<Semaphore>,
    /// The largest content of one request, in bytes: less where the endpoint's model reads less.
    pub(in crate::daemon) most: AtomicUsize,
    /// In a dry run: what would have been sent.
    pub(in crate::daemon) pretended: Pretended,
}

impl Shared {
    /// Compares what was written out with what stands there now, and has the loop write again what others changed.
    /// Blocks on the disk.
    pub(in crate::daemon) fn check_export(&self, entry: &Entry) {
        let Some(folder) = self.config.export.dir.as_ref() else {
            return;
        };
        let folder = entry.root.join(folder);
        let paths = entry.exported.changed(&entry.root, &folder);
        if !paths.is_empty() && self.mode != Mode::Dry {
            let repo = entry.repo;
            self.inputs
                .send_blocking(Input::Event(Event::ExportTouched { repo, paths }));
        }
    }

    pub(in crate::daemon) fn new(
        config: Config,
        store: Arc<Store>,
        data: &Path,
        mode: Mode,
        inputs: Inputs,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            file_rules: registry::file_rules(&config),
            own_folder: std::fs::canonicalize(data)?,
            config,
            store,
            registry: Registry::default(),
            notes: Notes::default(),
            inputs,
            watch: OnceLock::new(),
            mode,
            stopping: AtomicBool::new(false),
            followers: Followers::default(),
            stirred: watch::Sender::new(()),
            started: Instant::now(),
            searches: Arc::new(Semaphore::new(SEARCHES)),
            indexes: Indexes::default(),
            estimates: Arc::new(Semaphore::new(ESTIMATES)),
            most: AtomicUsize::new(PART_TOKENS as usize * TOKEN_BYTES),
            pretended: Pretended::default(),
        })
    }

    /// What was used today, by earlier runs too.
    pub(in crate::daemon) fn used_today(&self) -> DayUse {
        let day = today();
        let used = self.store.usage(day).unwrap_or_default();
        DayUse {
            day,
            requests: used.requests,
            tokens: used.tokens(),
            cost_nanos: used.cost_nanos,
        }
    }

    /// A repository's root; empty where it is watched no more.
    pub(in crate::daemon) fn root_of(&self, repo: RepoId) -> PathBuf {
        self.registry
            .get(repo)
            .map(|entry| entry.root)
            .unwrap_or_default()
    }

    /// Whether summaries are asked of a model over the network.
    pub(in crate::daemon) fn uses_model(&self) -> bool {
        self.config.summaries.provider == Provider::Openai
    }
}

/// The day's number since 1970, UTC.
pub fn today() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() / 86_400)
}
