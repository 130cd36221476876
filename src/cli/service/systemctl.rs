//! The user's systemd, through its own program.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tokio::time::timeout;

use crate::cli::failure::Failure;

/// How long systemd may take: longer than a service may take to stop.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs `systemctl --user` and returns its output.
///
/// # Errors
///
/// There is no systemd, or it refuses; its own message.
pub async fn user(arguments: &[&str]) -> Result<String, Failure> {
    let output = run(&[&["--user"], arguments].concat()).await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().map(str::trim).collect();
    Err(Failure::Failed(format!(
        "`systemctl --user {}` failed: {}",
        arguments.join(" "),
        said.join(" ").trim()
    )))
}

/// systemd's version, if it prints one.
///
/// # Errors
///
/// There is no systemd.
pub async fn version() -> Result<Option<u32>, Failure> {
    let output = run(&["--version"]).await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split_whitespace().nth(1);
    Ok(number.and_then(|word| word.split('.').next()?.parse().ok()))
}

/// The folder that `%t` means in a user's units.
pub fn runtime_folder() -> PathBuf {
    let set = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    set.filter(|folder| folder.is_absolute())
        .unwrap_or_else(|| format!("/run/user/{}", rustix::process::getuid().as_raw()).into())
}

async fn run(arguments: &[&str]) -> Result<Output, Failure> {
    let mut command = Command::new("systemctl");
    command
        .args(arguments)
        // Unset in cron and in a bare ssh command, it would not find the user's systemd.
        .env("XDG_RUNTIME_DIR", runtime_folder())
        .env("SYSTEMD_COLORS", "0")
        .env("SYSTEMD_PAGER", "")
        .stdin(Stdio::null());
    let running = tokio::task::spawn_blocking(move || command.output());
    let ended = timeout(PATIENCE, running).await.map_err(|_| {
        Failure::Failed(format!(
            "systemctl did not respond within {} s; see `systemctl --user status epitome`",
            PATIENCE.as_secs()
        ))
    })?;
    match ended.map_err(io::Error::other).flatten() {
        Ok(output) => Ok(output),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::Failed(
            "systemctl is not installed; without systemd, `epitome watch` starts the daemon, or run `epitome daemon`"
                .to_owned(),
        )),
        Err(error) => Err(Failure::Failed(format!("systemctl cannot be run: {error}"))),
    }
}
