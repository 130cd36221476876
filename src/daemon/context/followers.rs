//! The fan-out of events to the clients that follow them. A client that reads too slowly misses events, and receives
//! their number.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::broadcast;

use crate::engine::effect::NodeChange;
use crate::model::path::{RelPath, RepoId};

/// Events kept for a client that does not read at the moment.
const KEPT: usize = 4_096;

/// One event.
#[derive(Debug)]
pub enum Published {
    NodeChange(RepoId, RelPath, NodeChange),
    Notice(String),
}

/// The sending end for all followers.
#[derive(Debug)]
pub struct Followers(broadcast::Sender<Arc<(SystemTime, Published)>>);

impl Default for Followers {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl Followers {
    /// Publishes changes of nodes.
    pub fn publish(&self, repo: RepoId, changes: Vec<(RelPath, NodeChange)>) {
        if self.0.receiver_count() > 0 {
            for (path, change) in changes {
                self.send(Published::NodeChange(repo, path, change));
            }
        }
    }

    /// Publishes a notice to people.
    pub fn notice(&self, text: &str) {
        self.send(Published::Notice(text.to_owned()));
    }

    /// Receives all events from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<(SystemTime, Published)>> {
        self.0.subscribe()
    }

    fn send(&self, happening: Published) {
        // Without followers there is no receiver.
        let _ = self.0.send(Arc::new((SystemTime::now(), happening)));
    }
}
