//! The way to ask the loop from anywhere in the process; what the server serves and `epitome index` uses.

pub mod audit;
pub mod cache;
pub mod estimate;
mod following;
mod membership;
pub mod preview;
mod searching;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::engine::status::{PacingStatus, RepositoryStatus};
use crate::engine::view::NodeView;
use crate::model::path::RepoId;
use crate::wire::access::{Access, Chunks};
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::estimate::Estimate;
use crate::wire::events::EventStream;
use crate::wire::prompt::Preview;
use crate::wire::protocol::{
    FailedNode, Node, PROBLEM_INTERNAL, PROBLEM_NO_NODE, PROBLEM_NOT_YET, PROBLEM_TIMEOUT, Problem,
    Repository, Status, WaitOutcome,
};
use crate::wire::search::{Search, SearchResults};

use crate::daemon::answers;
use crate::daemon::answers::publishing;
use crate::daemon::contents::Moved;
use crate::daemon::context::Shared;
use crate::daemon::mailbox::{Input, Query, Seen};

pub(super) use membership::canonical_as_far_as_possible;

/// How long a file that is being changed is waited for, to show what would be asked about it.
const PREVIEW_PATIENCE: Duration = Duration::from_secs(10);

/// How long a question about what is not known waits for the first look at its repository.
const FIRST_LOOK_PATIENCE: Duration = Duration::from_secs(10);

/// Asks the loop.
#[derive(Clone)]
pub struct Handle {
    pub(in crate::daemon) shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Ends the loop: what was paid for is waited for, a while, and all is written.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        self.shared.inputs.send(Input::Stop(done)).await;
        let _ = stopped.await;
    }

    /// What all repositories are doing as far as the loop knows, without a look at the watch; `None` at the end.
    pub(super) async fn glance(&self) -> Option<(Vec<RepositoryStatus>, PacingStatus)> {
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

    /// What is known of the node at a path, and in which repository it is.
    async fn view(&self, path: &Path, depth: usize) -> Result<(RepoId, NodeView), Problem> {
        self.view_within(path, depth, None).await
    }

    /// The same in the repository with that root.
    async fn view_within(
        &self,
        path: &Path,
        depth: usize,
        within: Option<&Path>,
    ) -> Result<(RepoId, NodeView), Problem> {
        let (entry, relative) = self.resolve_within(path, within)?;
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
        blocking(move || answers::status(&shared, &repositories, &pace)).await
    }

    async fn node(&self, path: &Path, depth: usize) -> Result<Node, Problem> {
        let (repo, view) = self.view(path, depth).await?;
        let shared = Arc::clone(&self.shared);
        blocking(move || answers::node(&shared, repo, &view)).await
    }

    async fn node_text(
        &self,
        path: &Path,
        depth: usize,
        within: Option<&Path>,
    ) -> Result<Chunks, Problem> {
        let (repo, view) = self.view_within(path, depth, within).await?;
        let shared = Arc::clone(&self.shared);
        Ok(publishing::tell(view, move |view| {
            answers::alone(&shared, repo, view)
        }))
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
            if self.shared.registry.get(entry.repo).is_none() {
                let gone = format!("{root} was let go by somebody else at the same time");
                return Err(Problem::new(PROBLEM_INTERNAL, gone));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn estimate(&self, path: &Path, first_only: bool) -> Result<Estimate, Problem> {
        if first_only && self.resolve(path).is_ok() {
            // It is watched: whatever it cost is being paid, or was.
            return Ok(Estimate::default());
        }
        let _turn = turn(&self.shared.estimates).await?;
        estimate::estimate_with(
            &self.shared.config,
            &self.shared.own_folder,
            Arc::clone(&self.shared.store),
            path,
            first_only,
        )
        .await
    }

    async fn cache(&self) -> Result<CacheStatistics, Problem> {
        cache::statistics(&self.shared).await
    }

    async fn collect(&self, request: CollectRequest) -> Result<Collected, Problem> {
        cache::collect(&self.shared, request).await
    }

    async fn verify(&self) -> Result<Verified, Problem> {
        cache::verify(&self.shared).await
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
                    answers::still_waiting_for(&status),
                ))
            }
        }
    }
}

/// Waits for one's turn, where only so many may look at whole trees at a time.
async fn turn(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    let turn = Arc::clone(turns).acquire_owned().await;
    turn.map_err(|_| Problem::new(PROBLEM_INTERNAL, "the daemon is ending"))
}

pub(super) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(job)
        .await
        .map_err(|_| Problem::new(PROBLEM_INTERNAL, "an internal error; the log may tell more"))
}
