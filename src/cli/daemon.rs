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

/// How the C library is told how many heaps it may have.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// Starts this program anew in the same process, with few heaps. The C library of Linux gives threads heaps of their own,
/// eight for each core, and hardly gives any of them back: with 100,000 files five searches took 690 MB for good, with
/// two heaps 300. It reads its setting when a program starts, and nowhere else without unsafe code. Where this cannot be
/// done, or people have a setting of their own, all goes on as it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn have_few_heaps() {
    use std::os::unix::process::CommandExt;

    let (name, value) = HEAPS;
    if std::env::var_os(name).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let mut words = std::env::args_os();
        let mut command = std::process::Command::new(program);
        words.next().map(|own| command.arg0(own));
        let _not_done = command.args(words).env(name, value).exec();
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn have_few_heaps() {}

pub async fn run(context: Context, arguments: Arguments) -> Result<(), Failure> {
    have_few_heaps();
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
