//! `epitome mcp`: the map for coding agents.

use std::path::PathBuf;

use super::failure::Failure;
use super::{Context, output, paths, start};
use crate::mcp;
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder of the repository that the agent works in [default: the current folder]
    path: Option<PathBuf>,
    /// Watch that folder where nothing does, and start the daemon
    #[arg(long)]
    watch: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let folder = paths::absolute(arguments.path.as_deref())?;
    let serving = mcp::serve(context.places.socket.clone(), folder.clone());
    if !arguments.watch {
        return Ok(serving.await?);
    }
    // The handshake waits for nothing: what is asked before the daemon is there is told so.
    let watching = async {
        if let Err(failure) = watch(context, &folder).await {
            output::say(&failure.to_string());
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = serving => Ok(served?),
        () = watching => Ok(()),
    }
}

async fn watch(context: &Context, folder: &std::path::Path) -> Result<(), Failure> {
    let client = start::client(context).await?;
    let status = client.status().await?;
    let holds = |root: &String| folder.starts_with(root);
    if !status.repositories.iter().any(|one| holds(&one.path)) {
        client.watch(folder, true).await?;
    }
    Ok(())
}
