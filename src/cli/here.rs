//! The folder of a verb that got no path: the current one, where it is part of its repository's map.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::text::tilde;
use super::{Context, paths};
use crate::client::Client;
use crate::client::locate::{Located, canonical, is_work_tree, locate};
use crate::daemon::file_rules;
use crate::model::path::RelPath;
use crate::shell::rules::{FileRules, Rules};
use crate::wire::access::Access;

/// A folder and the root of its repository.
pub struct Here {
    pub folder: PathBuf,
    pub root: PathBuf,
}

/// `path` made absolute, or the current folder.
///
/// # Errors
///
/// As [`here`].
pub async fn or_here(context: &Context, path: Option<&Path>) -> Result<PathBuf, Failure> {
    match path {
        Some(path) => paths::absolute(Some(path)),
        None => Ok(here(context).await?.folder),
    }
}

/// The current folder.
///
/// # Errors
///
/// A rule leaves it out of its repository: it has no summaries, and what is around it is not what was meant. Or it is
/// gone.
pub async fn here(context: &Context) -> Result<Here, Failure> {
    let folder = paths::absolute(None)?;
    if is_work_tree(&folder) {
        let root = folder.clone();
        return Ok(Here { folder, root });
    }
    let repositories = match Client::connect(&context.places.socket).await {
        Ok(client) => client.status().await.map(|status| status.repositories),
        Err(_) => Ok(Vec::new()),
    };
    let root = match locate(&folder, &repositories.unwrap_or_default()) {
        Located::Watched(root) => canonical(Path::new(&root)),
        Located::Unwatched(root) => root,
    };
    match left_out(&root, &folder, &rules(context)) {
        None => Ok(Here { folder, root }),
        Some(reason) => Err(Failure::Failed(format!(
            "{folder}: {reason} in the repository {root}; name a path in {root}, or run `epitome watch {folder}` to summarize the folder itself",
            folder = tilde(&folder),
            root = tilde(&root)
        ))),
    }
}

/// Why a folder below a repository's root is left out of its map; `None` if no rule does that.
pub fn left_out(root: &Path, folder: &Path, rules: &FileRules) -> Option<String> {
    let below = RelPath::below(root, folder).filter(|below| !below.is_root())?;
    let rules = Rules::open(root, rules).ok()?;
    rules
        .explain_folder(&below)
        .map(|reason| reason.to_string())
}

/// The rules of this user's configuration; the defaults where it cannot be read, which other verbs report.
pub fn rules(context: &Context) -> FileRules {
    let config = context.config();
    config.map_or_else(|_| FileRules::default(), |config| file_rules(&config))
}
