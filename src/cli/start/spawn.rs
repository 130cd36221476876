//! The command line of a background daemon: in a systemd scope of its own where the user's systemd answers.
//!
//! Without that it belongs to the scope of the login session, terminal or editor that started it, and systemd may end it
//! with that.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::service::systemctl;

/// A command that becomes a daemon.
pub(super) struct Start {
    pub command: Command,
    /// Whether systemd runs it.
    pub in_scope: bool,
}

/// The daemon, run by `systemd-run` in a scope; `None` where there is no user's systemd.
pub(super) fn in_scope(context: &Context) -> Result<Option<Start>, Failure> {
    let runtime = systemctl::runtime_folder();
    let Some(systemd_run) = found("systemd-run") else {
        return Ok(None);
    };
    if !runtime.join("systemd/private").exists() {
        return Ok(None);
    }
    let mut command = Command::new(systemd_run);
    command
        .args(["--user", "--scope", "--quiet", "--collect"])
        .arg(format!("--unit=epitome-daemon-{}", std::process::id()))
        .arg("--description=Epitome, started by hand")
        .arg("--")
        .args(words(context)?)
        .env("XDG_RUNTIME_DIR", runtime);
    Ok(Some(Start {
        command: detached(command),
        in_scope: true,
    }))
}

/// The daemon in the scope of this process.
pub(super) fn plain(context: &Context) -> Result<Start, Failure> {
    let words = words(context)?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    Ok(Start {
        command: detached(command),
        in_scope: false,
    })
}

/// Whether this process is in the scope of a login session, which systemd may end with all that is in it.
pub(super) fn ends_with_session() -> bool {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let in_session = |line: &str| {
        let last = line.rsplit('/').next().unwrap_or_default();
        last.starts_with("session-") && last.ends_with(".scope")
    };
    groups.lines().any(in_session)
}

fn words(context: &Context) -> Result<Vec<OsString>, Failure> {
    let places = &context.places;
    let program = std::env::current_exe().map_err(|error| {
        Failure::NoDaemon(format!(
            "no daemon runs, and none can be started: the program's own path cannot be found: {error}"
        ))
    })?;
    let mut words = vec![program.into_os_string()];
    let mut add = |flag: &str, path: &Path| words.extend([flag.into(), path.into()]);
    add("--data-dir", &places.data);
    add("--socket", &places.socket);
    if places.config_named {
        add("--config", &places.config);
    }
    // It makes a session of its own, so that it outlives the terminal.
    words.extend(["daemon".into(), "--detached".into()]);
    Ok(words)
}

fn detached(mut command: Command) -> Command {
    command.current_dir("/").stdin(Stdio::null());
    // git sets these for hooks and rebases: none of them may lead the daemon to one repository.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command
}

/// A program of the PATH.
fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
