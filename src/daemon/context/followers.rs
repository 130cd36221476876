//! The fan-out of what happens to the clients that follow it.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::broadcast;

use crate::engine::effect::NodeChange;
use crate::model::path::{RelPath, RepoId};

/// What is kept for one who does not read just now.
const KEPT: usize = 4_096;

/// Something that happened, as the loop tells it.
#[derive(Debug)]
pub enum Told {
    NodeChange(RepoId, RelPath, NodeChange),
    Notice(String),
}

/// All who follow.
#[derive(Debug)]
pub struct Followers(broadcast::Sender<Arc<(SystemTime, Told)>>);

impl Default for Followers {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl Followers {
    /// Tells what happened to nodes.
    pub fn tell(&self, repo: RepoId, news: Vec<(RelPath, NodeChange)>) {
        if self.0.receiver_count() > 0 {
            for (path, news) in news {
                self.send(Told::NodeChange(repo, path, news));
            }
        }
    }

    /// Tells what people should know.
    pub fn notice(&self, text: &str) {
        self.send(Told::Notice(text.to_owned()));
    }

    /// What is sent from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<(SystemTime, Told)>> {
        self.0.subscribe()
    }

    fn send(&self, told: Told) {
        // Nobody may be listening.
        let _ = self.0.send(Arc::new((SystemTime::now(), told)));
    }
}
