//! `epitome watch` and `epitome unwatch`: add and remove a repository. `watch` starts a daemon if none runs.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::index::repository_of;
use super::text::{count, tilde};
use super::{Context, consent, here, output, paths, preflight, reader, start, wait};
use crate::client::locate::{Located, canonical, locate, work_tree};
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct WatchArguments {
    /// The repository's folder [default: the current folder]
    path: Option<PathBuf>,
    /// On a terminal, return at once and do not wait for the first index
    #[arg(long)]
    no_wait: bool,
    /// Send the requests of a first index without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
pub struct UnwatchArguments {
    /// The repository's folder [default: the current folder]
    path: Option<PathBuf>,
}

pub async fn watch(context: &Context, arguments: &WatchArguments) -> Result<(), Failure> {
    let here = paths::absolute(arguments.path.as_deref())?;
    let path = match &arguments.path {
        Some(_) => here.clone(),
        None => {
            let here = here::here(context).await?.folder;
            work_tree(&here).unwrap_or(here)
        }
    };
    // Checked before a daemon is started for it.
    reader::require_directory(&path)?;
    let client = start::client(context).await?;
    let before = client.status().await?;
    let part_of = match locate(&here, &before.repositories) {
        Located::Watched(root) if arguments.path.is_none() => canonical(Path::new(&root)),
        _ => path.clone(),
    };
    let repository = client.watch(&part_of, true).await?;
    if arguments.yes {
        client.confirm(&part_of).await?;
    }
    let name = tilde(Path::new(&repository.path));
    let root = canonical(Path::new(&repository.path));
    let known = before
        .repositories
        .iter()
        .any(|one| one.path == repository.path);
    output::say(&match (known, here == root) {
        (true, false) => format!("already watched as part of {name}"),
        (true, true) => format!("already watching {name}"),
        (false, _) => format!("watching {name}"),
    });
    // The daemon retries by itself; a person at the terminal should know now.
    if let Some(problem) = preflight::check(&context.config()?).await {
        output::say(&format!("note: {}; {}", problem.what, problem.hint));
    }
    if arguments.no_wait || !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        return Ok(());
    }
    let root = PathBuf::from(&repository.path);
    let mut waited = wait::wait(&client, &root, None).await?;
    let mut status = client.status().await?;
    if let Some(requests) = consent::awaited(&status, &root) {
        consent::obtain(&client, &root, requests).await?;
        waited = wait::wait(&client, &root, None).await?;
        status = client.status().await?;
    }
    let repository = repository_of(&status, &root);
    wait::report(&waited, repository, &root);
    if let Some(repository) = repository {
        output::say(&format!(
            "{} and {} are up to date and stay so; `epitome status` shows the state",
            count(repository.files, "file"),
            count(repository.directories.saturating_sub(1), "folder")
        ));
    }
    Ok(())
}

pub async fn unwatch(context: &Context, arguments: &UnwatchArguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let client = context.client().await?;
    client.unwatch(&path).await?;
    output::say(&format!("no longer watching {}", tilde(&path)));
    Ok(())
}
