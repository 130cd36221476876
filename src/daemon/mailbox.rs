//! The inputs of the event loop: events of the workers, queries of clients, and the bounded channel that carries both.

use tokio::sync::{mpsc, oneshot};

use crate::engine::event::Event;
use crate::engine::status::{PacingStatus, RepositoryStatus};
use crate::engine::uses::References;
use crate::engine::view::NodeView;
use crate::model::path::{RelPath, RepoId};

/// Inputs that wait for the loop. A sender waits while it is full (back-pressure).
const CAPACITY: usize = 1_024;

/// The nodes that failed below a waited-for path, each with its error.
pub type Failed = Vec<(RelPath, String)>;

/// One input of the event loop.
pub enum Input {
    /// Something happened.
    Event(Event),
    /// The barrier's cookie came back: all notifications from before it have been delivered.
    Barrier(u64),
    /// The barrier's cookie file cannot be created.
    BarrierFailed(u64),
    /// The check for changes without notification is done.
    Checked(u64),
    /// A client's query.
    Query(Query),
    /// End the loop after the requests in flight, within a limit.
    Stop(oneshot::Sender<()>),
}

/// The result of looking up a node.
pub enum Lookup {
    /// The node.
    Found(Box<NodeView>),
    /// The tree has no such node.
    Missing,
    /// The first scan of the repository is not finished.
    NotScanned,
}

/// A query of the event loop's state.
pub enum Query {
    /// One node, with its children down to `depth` levels.
    Node {
        /// The repository.
        repo: RepoId,
        /// The node's path.
        path: RelPath,
        /// Levels of children.
        depth: usize,
        /// Receives the result.
        reply: oneshot::Sender<Lookup>,
    },
    /// Several nodes, without waiting for notifications: for a caller that has waited already.
    Nodes {
        /// The repository.
        repo: RepoId,
        /// The nodes' paths.
        paths: Vec<RelPath>,
        /// Levels of children.
        depth: usize,
        /// Receives each node, or `None` where there is none.
        reply: oneshot::Sender<Vec<Option<NodeView>>>,
    },
    /// The state of all repositories, after everything saved so far is seen.
    Status {
        /// Receives the result.
        reply: oneshot::Sender<(Vec<(RepoId, RepositoryStatus)>, PacingStatus)>,
    },
    /// A sign of life of the loop.
    Pulse {
        /// Wait until a notification has come through as well.
        watch: bool,
        /// Receives the result.
        reply: oneshot::Sender<()>,
    },
    /// Like `Status`, without waiting for notifications.
    Glance {
        /// Receives the result.
        reply: oneshot::Sender<(Vec<RepositoryStatus>, PacingStatus)>,
    },
    /// What all nodes refer to in the store.
    References {
        /// Receives the result.
        reply: oneshot::Sender<References>,
    },
    /// Wait until the node and everything below it is settled.
    Wait {
        /// The repository.
        repo: RepoId,
        /// The node's path.
        path: RelPath,
        /// Receives the failed nodes.
        reply: oneshot::Sender<Failed>,
    },
}

/// The sending end of the loop's channel.
#[derive(Clone)]
pub struct Inputs(mpsc::Sender<Input>);

/// Creates the loop's channel.
pub fn channel() -> (Inputs, mpsc::Receiver<Input>) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (Inputs(sender), receiver)
}

impl Inputs {
    /// Sends from a task. An input sent after the loop has ended is dropped.
    pub async fn send(&self, input: Input) {
        let _ = self.0.send(input).await;
    }

    /// Sends from a thread. An input sent after the loop has ended is dropped.
    pub fn send_blocking(&self, input: Input) {
        let _ = self.0.blocking_send(input);
    }

    /// Sends several events from a thread, in order.
    pub fn send_events(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.send_blocking(Input::Event(event));
        }
    }
}
