//! What can be asked of a daemon, whether through the socket or in the same process: the server answers with it,
//! the client offers it, and a verb of the command line need not know which of them it holds.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use super::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use super::estimate::Estimate;
use super::events::EventStream;
use super::prompt::Preview;
use super::protocol::{Node, Problem, Repository, Status, WaitOutcome};
use super::search::{Search, SearchResults};

/// JSON in pieces, in their order; an error is the last of them.
pub type Chunks = tokio::sync::mpsc::Receiver<std::io::Result<Vec<u8>>>;

/// The questions. Paths are absolute, and need not be canonical.
pub trait Access: Clone + Send + Sync + 'static {
    /// The daemon, its repositories, the model's use.
    fn status(&self) -> impl Future<Output = Result<Status, Problem>> + Send;
    /// The node at `path` with `depth` levels of children below it.
    fn node(&self, path: &Path, depth: usize)
    -> impl Future<Output = Result<Node, Problem>> + Send;
    /// The same as JSON, as it is read: the answer about a large tree never stands in memory whole. `within`: the root
    /// of the repository that is meant, where one lies in another.
    fn node_text(
        &self,
        path: &Path,
        depth: usize,
        _within: Option<&Path>,
    ) -> impl Future<Output = Result<Chunks, Problem>> + Send {
        async move {
            let node = self.node(path, depth).await?;
            let (sender, pieces) = tokio::sync::mpsc::channel(1);
            let text = serde_json::to_vec(&node).map_err(std::io::Error::from);
            // There is room for one.
            let _ = sender.try_send(text);
            Ok(pieces)
        }
    }
    /// The nodes that answer a query best.
    fn search(
        &self,
        search: &Search,
    ) -> impl Future<Output = Result<SearchResults, Problem>> + Send;
    /// What happens from now on, at and below `path`, or everywhere; first, how the repositories are.
    fn events(
        &self,
        path: Option<&Path>,
    ) -> impl Future<Output = Result<EventStream, Problem>> + Send;
    /// Adds a repository; with `keep`, over restarts too. Adding a known one changes nothing.
    fn watch(
        &self,
        path: &Path,
        keep: bool,
    ) -> impl Future<Output = Result<Repository, Problem>> + Send;
    /// Removes a repository. What was paid for is kept.
    fn unwatch(&self, path: &Path) -> impl Future<Output = Result<(), Problem>> + Send;
    /// What a model would be asked about the node at `path`. Nothing is sent.
    fn prompt(&self, path: &Path) -> impl Future<Output = Result<Preview, Problem>> + Send;
    /// What an index of `path` would cost, as far as that can be known before it is paid for. Asks no model. With
    /// `first_only` only where that would be a first index that a model is paid for: else nothing is looked at.
    fn estimate(
        &self,
        path: &Path,
        first_only: bool,
    ) -> impl Future<Output = Result<Estimate, Problem>> + Send;
    /// What the store holds, and who uses it. Reads everything.
    fn cache(&self) -> impl Future<Output = Result<CacheStatistics, Problem>> + Send;
    /// Removes what no watched repository uses, as far as the limits want it, and gives the space back.
    fn collect(
        &self,
        request: CollectRequest,
    ) -> impl Future<Output = Result<Collected, Problem>> + Send;
    /// Reads all that is stored and checks it.
    fn verify(&self) -> impl Future<Output = Result<Verified, Problem>> + Send;
    /// Returns when all that was saved before the call is seen, summarized and stored; with `None`, everywhere.
    fn wait(
        &self,
        path: Option<&Path>,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<WaitOutcome, Problem>> + Send;
}
