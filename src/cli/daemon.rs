//! `epitome daemon`: watches repositories in the foreground.

use std::path::PathBuf;

use super::Context;
use super::failure::Failure;
use super::paths;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folders to watch, in addition to those of the configuration and of `epitome watch`
    paths: Vec<PathBuf>,
    /// Leave the terminal's session, for a daemon in the background
    #[arg(long, hide = true)]
    detached: bool,
}

/// The setting of glibc that limits the number of heaps.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// Executes this program again in the same process, with fewer heaps. glibc gives each thread its own heap, up to eight
/// for each core, and returns little of them to the system: with 100,000 files five searches kept 690 MB, with two heaps
/// 300 MB. glibc reads the setting only at the start of a program. An existing setting of the user stays.
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
        let _error = command.args(words).env(name, value).exec();
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn have_few_heaps() {}

pub async fn run(context: Context, arguments: Arguments) -> Result<(), Failure> {
    have_few_heaps();
    if arguments.detached {
        // It fails only if this process already leads its session.
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
