//! The interface of a daemon. The server calls it, the client implements it over the socket, and a command need not know
//! which of the two it uses.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use super::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use super::estimate::Estimate;
use super::events::EventStream;
use super::prompt::Preview;
use super::protocol::{Node, Problem, Repository, Status, WaitOutcome};
use super::search::{Search, SearchResults};
use super::shared::{ExchangeRequest, Exchanged};

/// JSON in chunks, in order; an error is the last one.
pub type Chunks = tokio::sync::mpsc::Receiver<std::io::Result<Vec<u8>>>;

/// The requests. Paths are absolute and need not be canonical.
pub trait Access: Clone + Send + Sync + 'static {
    /// The daemon, its repositories, the use of the model.
    fn status(&self) -> impl Future<Output = Result<Status, Problem>> + Send;
    /// The node at `path` with `depth` levels of children below it.
    fn node(&self, path: &Path, depth: usize)
    -> impl Future<Output = Result<Node, Problem>> + Send;
    /// The same as JSON, streamed: the response about a large tree is never in memory as a whole. `within`: the root of
    /// the repository that is meant, if one contains another. Without `outlines`, files need not have theirs, which are
    /// most of the text.
    fn node_text(
        &self,
        path: &Path,
        depth: usize,
        _within: Option<&Path>,
        _outlines: bool,
    ) -> impl Future<Output = Result<Chunks, Problem>> + Send {
        async move {
            let node = self.node(path, depth).await?;
            let (sender, pieces) = tokio::sync::mpsc::channel(1);
            let text = serde_json::to_vec(&node).map_err(std::io::Error::from);
            // The channel has room for one.
            let _ = sender.try_send(text);
            Ok(pieces)
        }
    }
    /// The best matches of a query.
    fn search(
        &self,
        search: &Search,
    ) -> impl Future<Output = Result<SearchResults, Problem>> + Send;
    /// Events from now on, at and below `path` or everywhere; the first ones report the repositories' present states.
    fn events(
        &self,
        path: Option<&Path>,
    ) -> impl Future<Output = Result<EventStream, Problem>> + Send;
    /// Adds a repository; with `keep`, also across restarts. Adding a known one changes nothing.
    fn watch(
        &self,
        path: &Path,
        keep: bool,
    ) -> impl Future<Output = Result<Repository, Problem>> + Send;
    /// Lets the requests of a watched repository's first index be sent, however many they are.
    fn confirm(&self, path: &Path) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Removes a repository. Its stored summaries are kept.
    fn unwatch(&self, path: &Path) -> impl Future<Output = Result<(), Problem>> + Send;
    /// The requests that a model would get about the node at `path`. Nothing is sent.
    fn prompt(&self, path: &Path) -> impl Future<Output = Result<Preview, Problem>> + Send;
    /// What an index of `path` would cost, estimated without a request. With `first_only`, only if it would be a first
    /// index with a paid model; otherwise nothing is read.
    fn estimate(
        &self,
        path: &Path,
        first_only: bool,
    ) -> impl Future<Output = Result<Estimate, Problem>> + Send;
    /// The whole tree of a folder that is not watched, with the summaries that are stored or cost nothing. Nothing is sent.
    fn snapshot(&self, path: &Path) -> impl Future<Output = Result<Node, Problem>> + Send;
    /// What the store contains, and which of it is used. Reads everything.
    fn cache(&self) -> impl Future<Output = Result<CacheStatistics, Problem>> + Send;
    /// Removes what no watched repository uses, as far as the limits require, and frees the space.
    fn collect(
        &self,
        request: CollectRequest,
    ) -> impl Future<Output = Result<Collected, Problem>> + Send;
    /// Reads and checks everything that is stored.
    fn verify(&self) -> impl Future<Output = Result<Verified, Problem>> + Send;
    /// Moves summaries between the store and the one that the team shares, or removes old ones there.
    fn exchange(
        &self,
        request: ExchangeRequest,
    ) -> impl Future<Output = Result<Exchanged, Problem>> + Send;
    /// Returns when everything saved before the call is scanned, summarized and stored; with `None`, in all repositories.
    fn wait(
        &self,
        path: Option<&Path>,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<WaitOutcome, Problem>> + Send;
}
