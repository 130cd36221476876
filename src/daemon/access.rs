//! The daemon's interface for the server, the command line and MCP: queries of the event loop, completed with data from the
//! store and the disk.

pub mod audit;
pub mod cache;
pub mod estimate;
mod exchange;
mod following;
pub mod indexing;
mod membership;
mod missing;
pub mod preview;
pub mod removed;
mod searching;
pub mod snapshot;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::config::Config;
use crate::config::places::Places;
use crate::daemon::answers;
use crate::daemon::answers::drafts::{self, Drafts};
use crate::daemon::answers::publishing;
use crate::daemon::contents::Moved;
use crate::daemon::context::{Context, Mode, open_store};
use crate::daemon::event_loop;
use crate::daemon::mailbox::{self, Input, Inputs, Lookup, Query};
use crate::daemon::search::Indexes;
use crate::engine::event::Event;
use crate::engine::status::{PacingStatus, RepositoryStatus};
use crate::engine::view::NodeView;
use crate::model::path::RepoId;
use crate::shell::store::Store;
use crate::wire::access::{Access, Chunks};
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::estimate::Estimate;
use crate::wire::events::EventStream;
use crate::wire::prompt::Preview;
use crate::wire::protocol::{
    FailedNode, Node, PROBLEM_INTERNAL, PROBLEM_NO_NODE, PROBLEM_NOT_WATCHED, PROBLEM_NOT_YET,
    PROBLEM_TIMEOUT, Problem, Repository, Status, WaitOutcome,
};
use crate::wire::search::{Search, SearchResults};
use crate::wire::shared::{ExchangeRequest, Exchanged};

pub(super) use membership::canonical_as_far_as_possible;

/// How long a preview waits for a file that keeps changing.
const PREVIEW_PATIENCE: Duration = Duration::from_secs(10);
/// How long a query of an unknown node waits for the first scan of its repository.
const FIRST_SCAN_PATIENCE: Duration = Duration::from_secs(10);
/// Searches in progress: each has the whole tree in memory and uses several threads.
const SEARCHES: usize = 2;
/// Estimates in progress: each reads a whole tree.
const ESTIMATES: usize = 1;

/// A client's handle of a running engine.
#[derive(Clone)]
pub struct Handle {
    pub(in crate::daemon) context: Arc<Context>,
    inputs: Inputs,
    /// Changes after each event of the loop.
    stirred: watch::Receiver<()>,
    searches: Arc<Semaphore>,
    /// The search index of each repository.
    indexes: Arc<Indexes>,
    estimates: Arc<Semaphore>,
}

/// Starts an engine. `prepare` runs before its loop: the daemon starts the watch there.
///
/// # Errors
/// The store's folder does not exist, or the system has no more threads.
pub fn start(
    config: &Config,
    data: &Path,
    store: Arc<Store>,
    mode: Mode,
    prepare: impl FnOnce(&Arc<Context>, &Inputs),
) -> anyhow::Result<Handle> {
    let (inputs, receiver) = mailbox::channel();
    let context = Arc::new(Context::new(config.clone(), store, data, mode)?);
    prepare(&context, &inputs);
    let stirred = event_loop::start(Arc::clone(&context), inputs.clone(), receiver)?;
    Ok(Handle {
        context,
        inputs,
        stirred,
        searches: Arc::new(Semaphore::new(SEARCHES)),
        indexes: Arc::default(),
        estimates: Arc::new(Semaphore::new(ESTIMATES)),
    })
}

/// Starts an engine without a watch, on a store of its own.
///
/// # Errors
/// The store cannot be opened, or another process holds it.
pub async fn start_once(config: &Config, places: &Places, mode: Mode) -> anyhow::Result<Handle> {
    let store = open_store(&places.data).await?;
    start(config, &places.data, Arc::new(store), mode, |_, _| ())
}

impl Handle {
    /// Ends the loop: waits a while for requests in flight, and writes everything.
    pub async fn stop(&self) {
        let store = &self.context.store;
        if self.context.mode == Mode::Local && store.is_counted() && store.is_overgrown() {
            // A daemon does this while it runs.
            if let Err(problem) = cache::collect(self, CollectRequest::default()).await {
                tracing::warn!("cannot collect what is unused in the store: {problem}");
            }
        }
        let (done, stopped) = oneshot::channel();
        self.inputs.send(Input::Stop(done)).await;
        let _ = stopped.await;
    }

    /// What the last writes to the team's store met with; for after [`Self::stop`].
    pub fn shared_note(&self) -> Option<String> {
        answers::status::shared_note(&self.context)
    }

    /// The state of all repositories, without waiting for notifications; `None` when the loop has ended.
    pub(super) async fn glance(&self) -> Option<(Vec<RepositoryStatus>, PacingStatus)> {
        let answer = self.query(|reply| Query::Glance { reply }).await.ok()?;
        Some(answer)
    }

    /// Returns when the loop has turned; with `watch`, when a notification has come through as well. `false` when the loop
    /// has ended.
    pub(super) async fn pulse(&self, watch: bool) -> bool {
        let answer = self.query(|reply| Query::Pulse { watch, reply });
        answer.await.is_ok()
    }

    /// Changes after each event of the loop.
    pub(super) fn stirred(&self) -> watch::Receiver<()> {
        let mut stirred = self.stirred.clone();
        stirred.mark_unchanged();
        stirred
    }

    /// The node at a path, and its repository.
    async fn view(&self, path: &Path, depth: usize) -> Result<(RepoId, NodeView), Problem> {
        self.view_within(path, depth, None).await
    }

    /// Like `view`, in the repository with this root.
    async fn view_within(
        &self,
        path: &Path,
        depth: usize,
        within: Option<&Path>,
    ) -> Result<(RepoId, NodeView), Problem> {
        let (entry, relative) = self.resolve_within(path, within)?;
        let repo = entry.repo;
        let until = tokio::time::Instant::now() + FIRST_SCAN_PATIENCE;
        loop {
            let mut stirred = self.stirred();
            let found = self.query(|reply| Query::Node {
                repo,
                path: relative.clone(),
                depth,
                reply,
            });
            let (kind, detail) = match found.await? {
                Lookup::Found(view) => return Ok((repo, *view)),
                Lookup::Missing => match membership::inner_repository(&entry.root, path) {
                    // A linked work tree, or a repository that this one ignores.
                    Some(inner) => (
                        PROBLEM_NOT_WATCHED,
                        format!(
                            "{} is in the repository {}, which is not watched: add it with `epitome watch`",
                            path.display(),
                            inner.display()
                        ),
                    ),
                    None => {
                        let shown = relative.to_text();
                        let entry = entry.clone();
                        let reason = blocking(move || missing::reason(&entry, &relative)).await?;
                        (PROBLEM_NO_NODE, format!("{shown}: {reason}"))
                    }
                },
                // Before the first scan, an unknown node may exist.
                Lookup::NotScanned => match tokio::time::timeout_at(until, stirred.changed()).await
                {
                    Ok(_) => continue,
                    Err(_) => (
                        PROBLEM_NOT_YET,
                        format!(
                            "{} is not known yet: the first scan of {} is in progress; try again, or run `epitome wait`",
                            path.display(),
                            entry.root.display()
                        ),
                    ),
                },
            };
            return Err(Problem::new(kind, detail));
        }
    }

    /// Drafts for what has no summary yet at and below a node.
    async fn drafts(
        &self,
        path: &Path,
        within: Option<&Path>,
        repo: RepoId,
        view: &NodeView,
    ) -> Result<Drafts, Problem> {
        if !Drafts::are_needed(&self.context, view) {
            return Ok(Drafts::default());
        }
        let view = match view.files {
            ..=drafts::MAX_FILES => self.view_within(path, usize::MAX, within).await?.1,
            _ => view.clone(),
        };
        let context = Arc::clone(&self.context);
        blocking(move || Drafts::of(&context, repo, &view)).await
    }

    pub(super) async fn query<T>(
        &self,
        query: impl FnOnce(oneshot::Sender<T>) -> Query,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        self.inputs.send(Input::Query(query(reply))).await;
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
        let (repositories, pacing) = self.query(|reply| Query::Status { reply }).await?;
        let context = Arc::clone(&self.context);
        blocking(move || answers::status::status(&context, &repositories, &pacing)).await
    }

    async fn node(&self, path: &Path, depth: usize) -> Result<Node, Problem> {
        let (repo, view) = self.view(path, depth).await?;
        let drafts = self.drafts(path, None, repo, &view).await?;
        let context = Arc::clone(&self.context);
        blocking(move || {
            let mut node = answers::node(&context, repo, &view);
            drafts.apply(&view, &mut node);
            node
        })
        .await
    }

    async fn node_text(
        &self,
        path: &Path,
        depth: usize,
        within: Option<&Path>,
        outlines: bool,
    ) -> Result<Chunks, Problem> {
        let (repo, view) = self.view_within(path, depth, within).await?;
        let drafts = self.drafts(path, within, repo, &view).await?;
        let context = Arc::clone(&self.context);
        Ok(publishing::stream(view, move |view| {
            let mut node = match outlines {
                true => answers::alone(&context, repo, view),
                false => answers::brief(&context, repo, view),
            };
            drafts.apply(view, &mut node);
            node
        }))
    }

    async fn prompt(&self, path: &Path) -> Result<Preview, Problem> {
        let until = Instant::now() + PREVIEW_PATIENCE;
        loop {
            let (repo, view) = self.view(path, 1).await?;
            let context = Arc::clone(&self.context);
            match blocking(move || preview::preview(&context, repo, &view)).await? {
                Ok(preview) => return Ok(preview),
                // It changed, and has not been read again.
                Err(Moved) if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(Moved) => {
                    let problem = "it keeps changing; try again later";
                    return Err(Problem::new(PROBLEM_INTERNAL, problem));
                }
            }
        }
    }

    async fn search(&self, search: &Search) -> Result<SearchResults, Problem> {
        self.find(search).await
    }

    async fn events(&self, path: Option<&Path>) -> Result<EventStream, Problem> {
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
        .map_err(|_| Problem::new(PROBLEM_INTERNAL, "internal error while adding the folder"))??;
        // The query may overtake the event of the addition.
        loop {
            let status = self.status().await?;
            let root = entry.root.to_string_lossy();
            if let Some(repository) = status.repositories.into_iter().find(|one| one.path == root) {
                return Ok(repository);
            }
            if self.context.registry.get(entry.repo).is_none() {
                let gone = format!("{root} was removed by another client at the same time");
                return Err(Problem::new(PROBLEM_INTERNAL, gone));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn estimate(&self, path: &Path, first_only: bool) -> Result<Estimate, Problem> {
        if first_only && self.resolve(path).is_ok() {
            // It is watched already, so its first index is expected.
            return Ok(Estimate::default());
        }
        let _turn = turn(&self.estimates).await?;
        estimate::estimate_with(
            &self.context.config,
            &self.context.own_folder,
            Arc::clone(&self.context.store),
            path,
            first_only,
        )
        .await
    }

    async fn snapshot(&self, path: &Path) -> Result<Node, Problem> {
        let _turn = turn(&self.estimates).await?;
        snapshot::read(&self.context, path).await
    }

    async fn cache(&self) -> Result<CacheStatistics, Problem> {
        cache::statistics(self).await
    }

    async fn collect(&self, request: CollectRequest) -> Result<Collected, Problem> {
        cache::collect(self, request).await
    }

    async fn verify(&self) -> Result<Verified, Problem> {
        cache::verify(self).await
    }

    async fn exchange(&self, request: ExchangeRequest) -> Result<Exchanged, Problem> {
        exchange::exchange(self, request).await
    }

    async fn confirm(&self, path: &Path) -> Result<(), Problem> {
        let (entry, _) = self.resolve_within(path, None)?;
        let confirmed = Input::Event(Event::Confirm(entry.repo));
        self.inputs.send(confirmed).await;
        Ok(())
    }

    async fn unwatch(&self, path: &Path) -> Result<(), Problem> {
        self.leave(path).await
    }

    async fn wait(
        &self,
        path: Option<&Path>,
        timeout: Option<Duration>,
    ) -> Result<WaitOutcome, Problem> {
        let paths: Vec<PathBuf> = match path {
            Some(path) => vec![path.to_path_buf()],
            None => self
                .context
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
            Ok(WaitOutcome {
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
                let mut status = self.status().await?;
                if let Some((entry, _)) = path.and_then(|path| self.resolve(path).ok()) {
                    let root = entry.root.to_string_lossy();
                    status.repositories.retain(|one| one.path == root);
                }
                Err(Problem::new(
                    PROBLEM_TIMEOUT,
                    answers::status::still_waiting_for(&status),
                ))
            }
        }
    }
}

/// Waits for a turn: only a few clients may read whole trees at a time.
async fn turn(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    let turn = Arc::clone(turns).acquire_owned().await;
    turn.map_err(|_| Problem::new(PROBLEM_INTERNAL, "the daemon is ending"))
}

pub(super) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(job)
        .await
        .map_err(|_| Problem::new(PROBLEM_INTERNAL, "internal error; see the daemon's log"))
}
