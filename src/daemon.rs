//! Connects the rooms, starts and stops tasks.

pub mod server;

// Seam: everything below holds the place of the real daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Config, places::Places};
use crate::wire::access::Access;
use crate::wire::estimate::Estimate;
use crate::wire::protocol::{Node, PROBLEM_INTERNAL, Problem, Repository, Status, Waited};

/// Seam: runs the daemon until it is told to stop.
pub async fn run(_config: Config, _places: Places, _paths: Vec<PathBuf>) -> anyhow::Result<()> {
    anyhow::bail!("not wired")
}

/// Seam: an engine in this process.
#[derive(Clone)]
pub struct LocalAccess;

/// Seam: starts an engine in this process.
pub async fn start_local(_config: &Config, _places: &Places) -> anyhow::Result<LocalAccess> {
    anyhow::bail!("not wired")
}

impl LocalAccess {
    /// Seam: stores what was paid for, and ends the engine.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Seam: what an index would cost.
pub async fn estimate(_: &Config, _: &Places, _path: &Path) -> anyhow::Result<Estimate> {
    anyhow::bail!("not wired")
}

/// Seam: writes an index.json for each directory of `tree`, whose absolute path is `path`, below `output`; gives the
/// number of files written.
pub fn export(_tree: &Node, _path: &Path, _output: &Path) -> anyhow::Result<u64> {
    anyhow::bail!("not wired")
}

impl Access for LocalAccess {
    async fn status(&self) -> Result<Status, Problem> {
        Err(Problem::new(PROBLEM_INTERNAL, "not wired"))
    }
    async fn node(&self, _: &Path, _: usize) -> Result<Node, Problem> {
        Err(Problem::new(PROBLEM_INTERNAL, "not wired"))
    }
    async fn watch(&self, _: &Path, _: bool) -> Result<Repository, Problem> {
        Err(Problem::new(PROBLEM_INTERNAL, "not wired"))
    }
    async fn unwatch(&self, _: &Path) -> Result<(), Problem> {
        Err(Problem::new(PROBLEM_INTERNAL, "not wired"))
    }
    async fn wait(&self, _: Option<&Path>, _: Option<Duration>) -> Result<Waited, Problem> {
        Err(Problem::new(PROBLEM_INTERNAL, "not wired"))
    }
}
