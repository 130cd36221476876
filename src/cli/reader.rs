//! Reading without a daemon: through the daemon if one runs, else from the store, checked against the disk.
//!
//! Without a daemon the repository is scanned once in this process. Summaries that cost nothing are written; a model is
//! never called.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::{Context, version};
use crate::client::locate::{Located, locate, work_tree};
use crate::client::{Client, ConnectError};
use crate::config::Provider;
use crate::daemon::{self, Handle};
use crate::wire::access::Access;
use crate::wire::protocol::{Node, PROBLEM_BAD_REQUEST};
use crate::wire::search::{Search, SearchResults};

/// Answers about files and folders.
pub enum Reader {
    /// A running daemon.
    Daemon(Client),
    /// An engine in this process that has scanned one repository.
    Local {
        /// The engine.
        handle: Handle,
        /// The repository's root.
        root: PathBuf,
        /// Whether summaries cost money and are not requested here.
        paid: bool,
    },
}

impl Reader {
    /// The daemon, or the repository that contains `path`, scanned now.
    ///
    /// # Errors
    ///
    /// No daemon runs and EPITOME_NO_SPAWN forbids to do without one; or the repository cannot be read.
    pub async fn open(context: &Context, path: &Path) -> Result<Self, Failure> {
        if is_spawn_forbidden() {
            return Ok(Self::Daemon(context.client().await?));
        }
        Self::open_always(context, path).await
    }

    /// The same whatever EPITOME_NO_SPAWN says.
    ///
    /// # Errors
    ///
    /// The daemon cannot be reached, or the repository cannot be read.
    pub async fn open_always(context: &Context, path: &Path) -> Result<Self, Failure> {
        Self::open_without(context, path, None).await
    }

    /// The same without the folder `excluded`, if it is in the repository and no daemon runs.
    ///
    /// # Errors
    ///
    /// As [`Self::open_always`].
    pub async fn open_without(
        context: &Context,
        path: &Path,
        excluded: Option<&Path>,
    ) -> Result<Self, Failure> {
        match Client::connect(&context.places.socket).await {
            Ok(client) => {
                version::compare(&client).await;
                return Ok(Self::Daemon(client));
            }
            Err(ConnectError::NoDaemon) => {}
            Err(error) => return Err(error.into()),
        }
        let mut config = context.config()?;
        let paid = config.summaries.provider != Provider::Offline;
        let root = root_of(path)?;
        let below = excluded.and_then(|folder| folder.strip_prefix(&root).ok()?.to_str());
        if let Some(below) = below.filter(|below| !below.is_empty()) {
            config.files.exclude.push(format!("/{below}/"));
        }
        let handle = daemon::start_reader(&config, &context.places).await?;
        let scanned = async {
            handle.watch(&root, false).await?;
            // The root first: only then a path that does not exist is known not to.
            handle.wait(Some(&root), None).await
        };
        if let Err(problem) = scanned.await {
            handle.stop().await;
            return Err(problem.into());
        }
        Ok(Self::Local { handle, root, paid })
    }

    /// The node at `path` with `depth` levels of children.
    pub async fn node(&self, path: &Path, depth: usize) -> Result<Node, Failure> {
        match self {
            Self::Daemon(client) => Ok(client.node(path, depth).await?),
            Self::Local { handle, paid, .. } => {
                let mut node = handle.node(path, depth).await?;
                if *paid {
                    daemon::forget_unrequested(&mut node);
                }
                Ok(node)
            }
        }
    }

    /// The whole tree of another folder, with the summaries that are stored or cost nothing.
    pub async fn snapshot(&self, folder: &Path) -> Result<Node, Failure> {
        match self {
            Self::Daemon(client) => Ok(client.snapshot(folder).await?),
            Self::Local { handle, .. } => Ok(handle.snapshot(folder).await?),
        }
    }

    /// The best matches.
    pub async fn search(&self, search: &Search) -> Result<SearchResults, Failure> {
        let found = match self {
            Self::Daemon(client) => client.search(search).await,
            Self::Local { handle, .. } => handle.search(search).await,
        };
        found.map_err(|problem| match problem.kind == PROBLEM_BAD_REQUEST {
            // A search is refused only for what the query and the options say.
            true => Failure::Usage(problem.detail),
            false => problem.into(),
        })
    }

    /// The root of the repository that contains `path`, if one does.
    pub async fn root(&self, path: &Path) -> Result<Option<PathBuf>, Failure> {
        match self {
            Self::Daemon(client) => {
                let status = client.status().await?;
                match locate(path, &status.repositories) {
                    Located::Watched(root) => Ok(Some(PathBuf::from(root))),
                    // A work tree in a watched repository is another one: nothing may answer for it.
                    Located::Unwatched(root) if work_tree(path).is_some() => Ok(Some(root)),
                    Located::Unwatched(_) => Ok(None),
                }
            }
            Self::Local { root, .. } => Ok(Some(root.clone())),
        }
    }

    /// Stores what was learned and ends the engine.
    pub async fn close(self) {
        if let Self::Local { handle, .. } = self {
            handle.stop().await;
        }
    }
}

/// Whether EPITOME_NO_SPAWN is set.
pub fn is_spawn_forbidden() -> bool {
    std::env::var_os("EPITOME_NO_SPAWN").is_some_and(|value| !value.is_empty())
}

/// Fails unless `path` is a folder.
pub fn require_directory(path: &Path) -> Result<(), Failure> {
    let problem = match path.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => "not a directory".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "no such directory".to_owned()
        }
        Err(error) => error.to_string(),
    };
    Err(Failure::Failed(format!("{}: {problem}", path.display())))
}

/// The path, or the nearest folder above it that exists: it may name what is deleted.
pub fn existing(path: &Path) -> &Path {
    let mut above = path.ancestors();
    above
        .find(|above| above.symlink_metadata().is_ok())
        .unwrap_or(path)
}

/// The root of the repository that `path` belongs to: the nearest git work tree, else the folder itself.
pub fn root_of(path: &Path) -> Result<PathBuf, Failure> {
    if path.symlink_metadata().is_err() {
        return Err(Failure::Failed(format!(
            "{}: no such file or directory",
            path.display()
        )));
    }
    let folder = match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(path),
    };
    Ok(work_tree(folder).unwrap_or_else(|| folder.to_path_buf()))
}
