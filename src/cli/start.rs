//! A daemon for `epitome watch`: the one that runs, else one started now.
//!
//! Where systemd listens for it, systemd starts it; else this does, once, however many ask at a time.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::failure::Failure;
use super::service::{self, systemctl};
use super::text::clean;
use super::{Context, output};
use crate::client::{Client, ConnectError};
use crate::shell::regular;
use crate::wire::access::Access;

/// How long a daemon may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);
/// A log that is larger begins anew; the one before is kept.
const LOG_BYTES: u64 = 4 * 1_048_576;
/// As much of the log is looked at for its last line.
const TAIL_BYTES: u64 = 4_096;

/// A daemon that answers.
///
/// # Errors
///
/// None runs, and none could be started or may be (EPITOME_NO_SPAWN).
pub async fn client(context: &Context) -> Result<Client, Failure> {
    let socket = &context.places.socket;
    if let Some(client) = running(socket).await? {
        return Ok(client);
    }
    if std::env::var_os("EPITOME_NO_SPAWN").is_some_and(|value| !value.is_empty()) {
        return Err(ConnectError::NoDaemon.into());
    }
    // What is wrong with the configuration is said here, and not in a log.
    context.config()?;
    if service::is_installed(socket) {
        return by_systemd(socket).await;
    }
    by_ourselves(context).await
}

async fn running(socket: &Path) -> Result<Option<Client>, Failure> {
    match Client::connect(socket).await {
        Ok(client) => Ok(Some(client)),
        Err(ConnectError::NoDaemon) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn by_systemd(socket: &Path) -> Result<Client, Failure> {
    // Who asks for it by name has mended whatever made it fall; it fails only where there is nothing to forgive.
    let _ = systemctl::user(&["reset-failed", "epitome.service", "epitome.socket"]).await;
    // The second, where the unit still listens on a socket whose file was removed.
    for verb in ["start", "restart"] {
        if let Err(failure) = systemctl::user(&[verb, "epitome.socket"]).await {
            return Err(Failure::NoDaemon(format!(
                "no daemon runs, and systemd, which is to start it, does not: {failure}; see `epitome service status`"
            )));
        }
        if let Some(client) = running(socket).await? {
            return Ok(client);
        }
    }
    Err(Failure::NoDaemon(format!(
        "systemd says that it listens, and nobody answers at {}; see `epitome service status`",
        socket.display()
    )))
}

async fn by_ourselves(context: &Context) -> Result<Client, Failure> {
    let places = &context.places;
    let socket = &places.socket;
    let deadline = Instant::now() + PATIENCE;
    let lock = start_lock(&places.data).map_err(|error| cannot(&places.data, &error))?;
    // One of all who want a daemon starts it; the others find it.
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(cannot(&places.data, &error)),
            Err(TryLockError::WouldBlock) => {}
        }
        if let Some(client) = running(socket).await? {
            return Ok(client);
        }
        // The one who starts it has as much time, and says itself why it failed.
        if Instant::now() >= deadline + PATIENCE {
            return Err(ConnectError::NoDaemon.into());
        }
        sleep(PAUSE).await;
    }
    if let Some(client) = running(socket).await? {
        return Ok(client);
    }
    let log_file = places.data.join("daemon.log");
    let (log, begin) = open_log(&log_file).map_err(|error| cannot(&log_file, &error))?;
    let mut child = spawn(context, log)?;
    let deadline = Instant::now() + PATIENCE;
    let mut refused = false;
    loop {
        if !refused && let Some(client) = running(socket).await? {
            // It listens before it is there, and refuses whoever asks where it cannot be: then its log tells more.
            refused = client.status().await.is_err();
            if !refused {
                output::say(&format!(
                    "started the daemon (process {}); its log is {}",
                    child.id(),
                    log_file.display()
                ));
                return Ok(client);
            }
        }
        let ended = child.try_wait().ok().flatten();
        if ended.is_some() || Instant::now() >= deadline {
            let last = last_line(&log_file, begin);
            let last = match (last, ended) {
                (Some(line), _) => line.trim_start_matches("epitome: ").to_owned(),
                (None, Some(status)) => format!("{status}"),
                (None, None) => format!("no answer within {} s", PATIENCE.as_secs()),
            };
            return Err(Failure::NoDaemon(format!(
                "the daemon did not start: {last} (its log is {})",
                log_file.display()
            )));
        }
        sleep(PAUSE).await;
    }
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::NoDaemon(format!(
        "no daemon runs, and none can be started: {}: {error}",
        path.display()
    ))
}

/// The file that whoever starts a daemon holds a lock on, until it answers.
fn start_lock(data: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    regular::open_private(&data.join("start.lock"))
}

/// The log, and where in it the new daemon's part begins.
fn open_log(path: &Path) -> io::Result<(File, u64)> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LOG_BYTES) {
        fs::rename(path, path.with_extension("log.before"))?;
    }
    let log = regular::append_private(path)?;
    let begin = log.metadata()?.len();
    Ok((log, begin))
}

fn spawn(context: &Context, log: File) -> Result<Child, Failure> {
    let places = &context.places;
    let start = || -> io::Result<Child> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(&places.data);
        command.arg("--socket").arg(&places.socket);
        if places.config_named {
            command.arg("--config").arg(&places.config);
        }
        // It makes a session of its own, so that it outlives this terminal.
        command.args(["daemon", "--detached"]).current_dir("/");
        command.stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        command.spawn()
    };
    start().map_err(|error| {
        Failure::NoDaemon(format!(
            "no daemon runs, and none can be started: {error}; run `epitome daemon`"
        ))
    })
}

/// The last line that was written after `begin`.
fn last_line(path: &Path, begin: u64) -> Option<String> {
    let mut log = regular::open(path).ok()?;
    let end = log.metadata().ok()?.len();
    let from = begin.max(end.saturating_sub(TAIL_BYTES));
    log.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    log.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let last = text.lines().rfind(|line| !line.trim().is_empty())?;
    Some(clean(last.trim()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_what_this_daemon_said_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        fs::write(&path, "earlier\n").unwrap();
        let (_log, begin) = open_log(&path).unwrap();
        assert_eq!(last_line(&path, begin), None);
        fs::write(&path, "earlier\none\nepitome: two\n\n").unwrap();
        assert_eq!(last_line(&path, begin).unwrap(), "epitome: two");
    }

    #[test]
    fn a_large_log_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        let log = File::create(&path).unwrap();
        log.set_len(LOG_BYTES + 1).unwrap();
        assert_eq!(open_log(&path).unwrap().1, 0);
        let before = folder.path().join("daemon.log.before");
        assert_eq!(fs::metadata(before).unwrap().len(), LOG_BYTES + 1);
    }
}
