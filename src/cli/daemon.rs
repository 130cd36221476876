//! `epitome daemon`: watches in the foreground.

use std::path::PathBuf;

use super::Context;
use super::failure::Failure;
use super::paths;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folders to watch beside those of the configuration and those added earlier
    paths: Vec<PathBuf>,
    /// Leave the terminal: for who starts a daemon in the background
    #[arg(long, hide = true)]
    detached: bool,
}

pub async fn run(context: Context, arguments: Arguments) -> Result<(), Failure> {
    if arguments.detached {
        // It fails only where the session is this process's own already.
        let _ = rustix::process::setsid();
    }
    let config = match context.config() {
        Ok(config) => config,
        Err(failure) => {
            crate::daemon::refuse(&failure.to_string()).await;
            return Err(failure);
        }
    };
    let mut folders = Vec::new();
    for path in &arguments.paths {
        folders.push(paths::absolute(Some(path))?);
    }
    crate::daemon::run(&config, &context.places, &folders).await?;
    Ok(())
}
