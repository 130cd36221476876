//! The way to ask the loop from anywhere in the process; what the server serves and `epitome index` uses.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::config::{Config, Provider};
use crate::engine::event::Event;
use crate::engine::pace::DayUse;
use crate::engine::prompt::PART_TOKENS;
use crate::engine::status::{PaceStatus, RepositoryStatus};
use crate::engine::view::NodeView;
use crate::model::path::{RelPath, RepoId};
use crate::shell::rules::FileRules;
use crate::shell::store::Store;
use crate::shell::watch::Watch;
use crate::wire::access::Access;
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::estimate::Estimate;
use crate::wire::events::Happenings;
use crate::wire::prompt::Preview;
use crate::wire::protocol::{
    FailedNode, Node, PROBLEM_BAD_REQUEST, PROBLEM_INTERNAL, PROBLEM_NO_NODE, PROBLEM_NOT_WATCHED,
    PROBLEM_NOT_YET, PROBLEM_TIMEOUT, Problem, Repository, Status, Waited,
};
use crate::wire::search::{Found, Search};

use super::Mode;
use super::answers;
use super::asking::Moved;
use super::driver::{Input, Inputs, Query, Seen};
use super::estimate::Pretended;
use super::following::Followers;
use super::preview;
use super::registry::{self, Entry, Notes, Registry};
use super::search::{self, Question};

/// How long a file that is being changed is waited for, to show what would be asked about it.
const PREVIEW_PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of a token, as is usual for English and code.
const TOKEN_BYTES: usize = 4;

/// What the loop, its workers and those who ask have in common.
pub struct Shared {
    pub(super) config: Config,
    pub(super) file_rules: FileRules,
    pub(super) store: Arc<Store>,
    /// The store's folder, canonical: never part of a repository.
    pub(super) own_folder: PathBuf,
    pub(super) registry: Registry,
    pub(super) notes: Notes,
    pub(super) inputs: Inputs,
    pub(super) mode: Mode,
    pub(super) stopping: AtomicBool,
    pub(super) followers: Followers,
    /// Changes when something happens.
    pub(super) stirred: watch::Sender<()>,
    pub(super) started: Instant,
    /// The largest content of one request, in bytes: less where the endpoint's model reads less.
    pub(super) most: AtomicUsize,
    /// In a dry run: what would have been sent.
    pub(super) pretended: Pretended,
}

impl Shared {
    pub(super) fn new(
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
            mode,
            stopping: AtomicBool::new(false),
            followers: Followers::default(),
            stirred: watch::Sender::new(()),
            started: Instant::now(),
            most: AtomicUsize::new(PART_TOKENS as usize * TOKEN_BYTES),
            pretended: Pretended::default(),
        })
    }
}

/// How long a question about what is not known waits for the first look at its repository.
const FIRST_LOOK_PATIENCE: Duration = Duration::from_secs(10);

/// Asks the loop.
#[derive(Clone)]
pub struct Handle {
    pub(super) shared: Arc<Shared>,
    watch: Option<Arc<Watch>>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>, watch: Option<Arc<Watch>>) -> Self {
        Self { shared, watch }
    }

    /// Ends the loop: what was paid for is waited for, a while, and all is written.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        self.shared.inputs.send(Input::Stop(done)).await;
        let _ = stopped.await;
    }

    /// What all repositories are doing as far as the loop knows, without a look at the watch; `None` at the end.
    pub(super) async fn glance(&self) -> Option<(Vec<RepositoryStatus>, PaceStatus)> {
        let answer = self.query(|reply| Query::Glance { reply }).await.ok()?;
        Some(answer)
    }

    /// Returns when the loop has turned, and `watch`: when a notification has come through besides. `false` at the end.
    pub(super) async fn pulse(&self, watch: bool) -> bool {
        let answer = self.query(|reply| Query::Pulse { watch, reply });
        answer.await.is_ok()
    }

    /// Changes when something happens.
    pub(super) fn stirred(&self) -> watch::Receiver<()> {
        self.shared.stirred.subscribe()
    }

    /// Adds the folders of the configuration and those added by `watch` before.
    ///
    /// # Errors
    /// One of `more` is no folder. The others are kept though they may be missing: a disk may be mounted later.
    pub(super) fn watch_known(&self, more: &[PathBuf]) -> Result<(), Problem> {
        let kept = self.shared.store.repositories().unwrap_or_default();
        for path in self.shared.config.repos.iter().chain(&kept) {
            if let Err(problem) = self.enter(&canonical_as_far_as_possible(path), false) {
                tracing::warn!("{problem}");
                let topic = format!("repos {}", path.display());
                self.shared.notes.set(&topic, problem.detail);
            }
        }
        more.iter()
            .try_for_each(|path| self.add(path, false).map(drop))
    }

    /// Adds a folder that is there.
    fn add(&self, path: &Path, keep: bool) -> Result<Entry, Problem> {
        let bad = |reason: String| Problem::new(PROBLEM_BAD_REQUEST, reason);
        let root = std::fs::canonicalize(path).map_err(|error| {
            let reason = reason(&error);
            bad(format!("{} cannot be watched: {reason}", path.display()))
        })?;
        if !root.is_dir() {
            let path = path.display();
            return Err(bad(format!(
                "{path} is no folder: name the folder that holds it"
            )));
        }
        self.enter(&root, keep)
    }

    /// Adds a repository by its canonical root.
    fn enter(&self, root: &Path, keep: bool) -> Result<Entry, Problem> {
        let bad = |reason: String| Problem::new(PROBLEM_BAD_REQUEST, reason);
        let (entry, new) = self
            .shared
            .registry
            .add(root, &self.shared.file_rules, &self.shared.own_folder)
            .map_err(|error| bad(error.to_string()))?;
        if keep {
            self.shared
                .store
                .add_repository(root)
                .map_err(|error| Problem::new(PROBLEM_INTERNAL, error.to_string()))?;
        }
        if new {
            entry.follow_outside(self.watch.as_deref(), false);
            let inputs = self.shared.inputs.clone();
            let repo = entry.repo;
            tokio::spawn(async move { inputs.send(Input::Event(Event::Watch(repo))).await });
        }
        Ok(entry)
    }

    /// The repository and node that a path means.
    pub(super) fn resolve(&self, path: &Path) -> Result<(Entry, RelPath), Problem> {
        if let Some(found) = self.shared.registry.holding(path) {
            return Ok(found);
        }
        // By another way: through a symbolic link, or with `..` in it.
        let canonical = canonical_as_far_as_possible(path);
        self.shared.registry.holding(&canonical).ok_or_else(|| {
            Problem::new(
                PROBLEM_NOT_WATCHED,
                format!(
                    "{} is in no watched repository: add it with `epitome watch`",
                    path.display()
                ),
            )
        })
    }

    /// What is known of the node at a path, and in which repository it is.
    async fn view(&self, path: &Path, depth: usize) -> Result<(RepoId, NodeView), Problem> {
        let (entry, relative) = self.resolve(path)?;
        let repo = entry.repo;
        let until = tokio::time::Instant::now() + FIRST_LOOK_PATIENCE;
        loop {
            let mut stirred = self.stirred();
            let seen = self.query(|reply| Query::Node {
                repo,
                path: relative.clone(),
                depth,
                reply,
            });
            let (kind, detail) = match seen.await? {
                Seen::Node(view) => return Ok((repo, *view)),
                Seen::Nothing => (
                    PROBLEM_NO_NODE,
                    format!(
                        "{} is no node of {}: it does not exist, is ignored, or holds no file",
                        path.display(),
                        entry.root.display()
                    ),
                ),
                // Just after a start nobody can say that it is not there.
                Seen::NotYet => match tokio::time::timeout_at(until, stirred.changed()).await {
                    Ok(_) => continue,
                    Err(_) => (
                        PROBLEM_NOT_YET,
                        format!(
                            "{} is not known yet: {} is being looked at for the first time since the start; ask again, or `epitome wait`",
                            path.display(),
                            entry.root.display()
                        ),
                    ),
                },
            };
            return Err(Problem::new(kind, detail));
        }
    }

    pub(super) async fn query<T>(
        &self,
        query: impl FnOnce(oneshot::Sender<T>) -> Query,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        self.shared.inputs.send(Input::Query(query(reply))).await;
        answer
            .await
            .map_err(|_| Problem::new(PROBLEM_INTERNAL, "the daemon is ending"))
    }

    async fn wait_for(&self, path: &Path) -> Result<Vec<FailedNode>, Problem> {
        let (entry, relative) = self.resolve(path)?;
        let repo = entry.repo;
        let failed = self
            .query(|reply| Query::Wait {
                repo,
                path: relative,
                reply,
            })
            .await?;
        let named = failed.into_iter().map(|(path, error)| FailedNode {
            path: path.under(&entry.root).to_string_lossy().into_owned(),
            error,
        });
        Ok(named.collect())
    }
}

impl Access for Handle {
    async fn status(&self) -> Result<Status, Problem> {
        let (repositories, pace) = self.query(|reply| Query::Status { reply }).await?;
        let shared = Arc::clone(&self.shared);
        let watch = self.watch.clone();
        blocking(move || answers::status(&shared, watch.as_deref(), &repositories, &pace)).await
    }

    async fn node(&self, path: &Path, depth: usize) -> Result<Node, Problem> {
        let (repo, view) = self.view(path, depth).await?;
        let shared = Arc::clone(&self.shared);
        blocking(move || answers::node(&shared, repo, view)).await
    }

    async fn prompt(&self, path: &Path) -> Result<Preview, Problem> {
        let until = Instant::now() + PREVIEW_PATIENCE;
        loop {
            let (repo, view) = self.view(path, 1).await?;
            let shared = Arc::clone(&self.shared);
            match blocking(move || preview::preview(&shared, repo, &view)).await? {
                Ok(preview) => return Ok(preview),
                // It was changed, and is not read anew yet.
                Err(Moved) if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(Moved) => {
                    let problem = "it keeps changing: ask again when it is left alone";
                    return Err(Problem::new(PROBLEM_INTERNAL, problem));
                }
            }
        }
    }

    async fn search(&self, search: &Search) -> Result<Found, Problem> {
        let question = Question::new(search)?;
        let places: Vec<(PathBuf, PathBuf)> = match &search.path {
            Some(path) => vec![(self.resolve(path)?.0.root, path.clone())],
            None => {
                let all = self.shared.registry.all().into_iter();
                all.map(|entry| (entry.root.clone(), entry.root)).collect()
            }
        };
        let mut trees = Vec::new();
        for (root, path) in places {
            match self.node(&path, usize::MAX).await {
                Ok(node) => trees.push((root, node)),
                // Of all repositories, one may hold nothing or be gone just now.
                Err(problem) if search.path.is_none() && problem.status == 404 => {}
                Err(problem) => return Err(problem),
            }
        }
        blocking(move || search::search(&question, &trees)).await
    }

    async fn events(&self, path: Option<&Path>) -> Result<Happenings, Problem> {
        self.follow(path).await
    }

    async fn watch(&self, path: &Path, keep: bool) -> Result<Repository, Problem> {
        let this = self.clone();
        let path = path.to_path_buf();
        let entry = tokio::runtime::Handle::current();
        let entry = tokio::task::spawn_blocking(move || {
            let _guard = entry.enter();
            this.add(&path, keep)
        })
        .await
        .map_err(|_| {
            Problem::new(
                PROBLEM_INTERNAL,
                "an internal error while the folder was added",
            )
        })??;
        // The loop has taken the addition before it takes this question only if it was sent before: ask until it has.
        loop {
            let status = self.status().await?;
            let root = entry.root.to_string_lossy();
            if let Some(repository) = status.repositories.into_iter().find(|one| one.path == root) {
                return Ok(repository);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn estimate(&self, path: &Path, first_only: bool) -> Result<Estimate, Problem> {
        if first_only && self.resolve(path).is_ok() {
            // It is watched: whatever it cost is being paid, or was.
            return Ok(Estimate::default());
        }
        super::estimate_with(
            &self.shared.config,
            &self.shared.own_folder,
            Arc::clone(&self.shared.store),
            path,
            first_only,
        )
        .await
    }

    async fn cache(&self) -> Result<CacheStatistics, Problem> {
        super::cache::statistics(&self.shared).await
    }

    async fn collect(&self, request: CollectRequest) -> Result<Collected, Problem> {
        super::cache::collect(&self.shared, request).await
    }

    async fn verify(&self) -> Result<Verified, Problem> {
        super::cache::verify(&self.shared).await
    }

    async fn unwatch(&self, path: &Path) -> Result<(), Problem> {
        let (entry, relative) = self.resolve(path)?;
        if !relative.is_root() {
            return Err(Problem::new(
                PROBLEM_NOT_WATCHED,
                format!(
                    "{} is inside the watched folder {}: name that one",
                    path.display(),
                    entry.root.display()
                ),
            ));
        }
        if self.shared.config.repos.contains(&entry.root) {
            return Err(Problem::new(
                PROBLEM_BAD_REQUEST,
                format!(
                    "{} stands in `repos` of the configuration: take it out there",
                    entry.root.display()
                ),
            ));
        }
        if let Some(watch) = &self.watch {
            watch.remove_repository(entry.repo);
        }
        self.shared.registry.remove(entry.repo);
        let topics = registry::repository_topic(&entry.root, "");
        self.shared.notes.clear_all(&topics);
        let store = Arc::clone(&self.shared.store);
        let root = entry.root.clone();
        let forget = move || match store.repositories()?.contains(&root) {
            // What was looked at once, for `index`, is remembered for the next time.
            false => Ok(()),
            true => store.remove_repository(&root),
        };
        blocking(forget)
            .await?
            .map_err(|error| Problem::new(PROBLEM_INTERNAL, error.to_string()))?;
        self.shared
            .inputs
            .send(Input::Event(Event::Unwatch(entry.repo)))
            .await;
        Ok(())
    }

    async fn wait(
        &self,
        path: Option<&Path>,
        timeout: Option<Duration>,
    ) -> Result<Waited, Problem> {
        let paths: Vec<PathBuf> = match path {
            Some(path) => vec![path.to_path_buf()],
            None => self
                .shared
                .registry
                .all()
                .into_iter()
                .map(|entry| entry.root)
                .collect(),
        };
        let all = async {
            let mut failed = Vec::new();
            for path in &paths {
                failed.extend(self.wait_for(path).await?);
            }
            Ok(Waited {
                settled: true,
                failed,
            })
        };
        let Some(timeout) = timeout else {
            return all.await;
        };
        match tokio::time::timeout(timeout, all).await {
            Ok(done) => done,
            Err(_) => {
                let status = self.status().await?;
                Err(Problem::new(
                    PROBLEM_TIMEOUT,
                    answers::still_waiting_for(&status),
                ))
            }
        }
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(job)
        .await
        .map_err(|_| Problem::new(PROBLEM_INTERNAL, "an internal error; the log may tell more"))
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// The path without links and dots, as far as it exists.
pub(super) fn canonical_as_far_as_possible(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let Ok(canonical) = std::fs::canonicalize(above)
            && let Ok(rest) = path.strip_prefix(above)
        {
            // Joined with nothing, a path gets a slash at its end.
            return if rest.as_os_str().is_empty() {
                canonical
            } else {
                canonical.join(rest)
            };
        }
    }
    path.to_path_buf()
}

impl Shared {
    /// What was used today, by earlier runs too.
    pub(super) fn used_today(&self) -> DayUse {
        let day = super::asking::today();
        let used = self.store.usage(day).unwrap_or_default();
        DayUse {
            day,
            requests: used.requests,
            tokens: used.tokens(),
            cost_nanos: used.cost_nanos,
        }
    }

    /// A repository's root; empty where it is watched no more.
    pub(super) fn root_of(&self, repo: RepoId) -> PathBuf {
        self.registry
            .get(repo)
            .map(|entry| entry.root)
            .unwrap_or_default()
    }

    /// Whether summaries are asked of a model over the network.
    pub(super) fn asks_a_model(&self) -> bool {
        self.config.summaries.provider == Provider::Openai
    }
}
