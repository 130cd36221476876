//! `epitome watch` and `epitome unwatch`: add and remove a repository. The first starts a daemon where none runs.

use std::path::PathBuf;

use super::failure::Failure;
use super::{Context, output, paths, start};
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The repository's folder [default: the current folder]
    path: Option<PathBuf>,
}

pub async fn watch(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let client = start::client(context).await?;
    let repository = client.watch(&path, true).await?;
    output::say(&format!("watching {}", repository.path));
    Ok(())
}

pub async fn unwatch(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let client = context.client().await?;
    client.unwatch(&path).await?;
    output::say(&format!("no longer watching {}", path.display()));
    Ok(())
}
