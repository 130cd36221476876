//! What reaches the loop, and the one way in.

use tokio::sync::{mpsc, oneshot};

use crate::engine::event::Event;
use crate::engine::status::{PacingStatus, RepositoryStatus};
use crate::engine::uses::References;
use crate::engine::view::NodeView;
use crate::model::path::{RelPath, RepoId};

/// What was found to be so of nodes that a wait names as failed.
pub type Failed = Vec<(RelPath, String)>;

/// What reaches the loop.
pub enum Input {
    /// Something happened.
    Event(Event),
    /// The notifications from before this barrier have been handed in.
    Barrier(u64),
    /// The barrier took too long.
    BarrierOverdue(u64),
    /// What is never notified of was looked at for those behind this barrier.
    Checked(u64),
    /// Somebody asks.
    Query(Query),
    /// The end: what is under way is waited for, a while.
    Stop(oneshot::Sender<()>),
}

/// What is known of a node.
pub enum Seen {
    /// This.
    Node(Box<NodeView>),
    /// There is none.
    Nothing,
    /// Its repository was not looked at yet.
    NotYet,
}

/// What can be asked of the loop.
pub enum Query {
    /// A node, with so many levels below it.
    Node {
        /// In which repository.
        repo: RepoId,
        /// Where in it.
        path: RelPath,
        /// Levels of children.
        depth: usize,
        /// The answer.
        reply: oneshot::Sender<Seen>,
    },
    /// What all repositories are doing.
    Status {
        /// The answer.
        reply: oneshot::Sender<(Vec<(RepoId, RepositoryStatus)>, PacingStatus)>,
    },
    /// Whether the loop turns, and with it the watch. Cheap: it looks at nothing else.
    Pulse {
        /// A notification must come through, too.
        watch: bool,
        /// The answer.
        reply: oneshot::Sender<()>,
    },
    /// The same as `Status`, of what is known now: no notification is waited for.
    Glance {
        /// The answer.
        reply: oneshot::Sender<(Vec<RepositoryStatus>, PacingStatus)>,
    },
    /// What all nodes use.
    References {
        /// The answer.
        reply: oneshot::Sender<References>,
    },
    /// Wait until all is settled.
    Wait {
        /// In which repository.
        repo: RepoId,
        /// Where in it.
        path: RelPath,
        /// The answer: what failed for good.
        reply: oneshot::Sender<Failed>,
    },
}

/// The loop's way in; bounded, so that who sends too much waits.
#[derive(Clone)]
pub struct Inputs(pub(super) mpsc::Sender<Input>);

impl Inputs {
    /// Sends from a task.
    pub async fn send(&self, input: Input) {
        // After the loop has ended nobody needs it.
        let _ = self.0.send(input).await;
    }

    /// Sends from a thread.
    pub fn send_blocking(&self, input: Input) {
        let _ = self.0.blocking_send(input);
    }
}
