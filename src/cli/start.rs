//! The daemon for a command that needs one: the running one, else one started now.
//!
//! Where systemd listens for it, systemd starts it. Else this process does, once, however many ask at a time.

mod spawn;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::failure::Failure;
use super::service::{self, systemctl};
use super::text::clean;
use super::{Context, output, reader, version};
use crate::client::{Client, ConnectError};
use crate::shell::regular;
use crate::wire::access::Access;

/// How long a daemon may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(20);
/// A larger log is set aside and a new one begun.
const LOG_BYTES: u64 = 4 * 1_048_576;
/// The end of the log that is searched for its last line.
const TAIL_BYTES: u64 = 4_096;

/// A daemon that answers.
///
/// # Errors
///
/// None runs, and none could be started, or EPITOME_NO_SPAWN forbids it.
pub async fn client(context: &Context) -> Result<Client, Failure> {
    let socket = &context.places.socket;
    if let Some(client) = running(socket).await? {
        version::compare(&client).await;
        return Ok(client);
    }
    if reader::is_spawn_forbidden() {
        return Err(ConnectError::NoDaemon.into());
    }
    // A mistake in the configuration is reported here, and not in a log.
    context.config()?;
    if service::is_installed(socket) {
        return by_systemd(socket).await;
    }
    by_this_process(context).await
}

async fn running(socket: &Path) -> Result<Option<Client>, Failure> {
    match Client::connect(socket).await {
        Ok(client) => Ok(Some(client)),
        Err(ConnectError::NoDaemon) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn by_systemd(socket: &Path) -> Result<Client, Failure> {
    // An explicit start forgives earlier failures. It fails only where there is nothing to forgive.
    let _ = systemctl::user(&["reset-failed", "epitome.service", "epitome.socket"]).await;
    // The second is for a unit that still listens on a socket whose file was removed.
    for verb in ["start", "restart"] {
        if let Err(failure) = systemctl::user(&[verb, "epitome.socket"]).await {
            return Err(Failure::NoDaemon(format!(
                "no daemon runs, and systemd did not start it: {failure}; see `epitome service status`"
            )));
        }
        if let Some(client) = running(socket).await? {
            return Ok(client);
        }
    }
    Err(Failure::NoDaemon(format!(
        "systemd listens, but nothing answers at {}; see `epitome service status`",
        socket.display()
    )))
}

async fn by_this_process(context: &Context) -> Result<Client, Failure> {
    let places = &context.places;
    let socket = &places.socket;
    let deadline = Instant::now() + PATIENCE;
    let lock = start_lock(&places.data).map_err(|error| cannot(&places.data, &error))?;
    // Of all processes that want a daemon, the one with the lock starts it; the others find it.
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(cannot(&places.data, &error)),
            Err(TryLockError::WouldBlock) => {}
        }
        if let Some(client) = running(socket).await? {
            return Ok(client);
        }
        // The process with the lock has as much time, and reports itself why it failed.
        if Instant::now() >= deadline + PATIENCE {
            return Err(ConnectError::NoDaemon.into());
        }
        sleep(PAUSE).await;
    }
    if let Some(client) = running(socket).await? {
        return Ok(client);
    }
    if let Some(command) = spawn::in_scope(context)? {
        match attempt(context, command).await {
            Ok(client) => return Ok(client),
            Err(Unstarted::Scope(reason)) => output::say(&format!(
                "no systemd scope for the daemon ({reason}): it may end with this login session; `epitome service install` keeps it"
            )),
            Err(Unstarted::Daemon(failure)) => return Err(failure),
        }
    } else if spawn::ends_with_session() {
        output::say(
            "the daemon belongs to this login session and may end with it; `epitome service install` keeps it",
        );
    }
    let command = spawn::plain(context)?;
    attempt(context, command)
        .await
        .map_err(|unstarted| match unstarted {
            Unstarted::Daemon(failure) => failure,
            Unstarted::Scope(reason) => Failure::NoDaemon(reason),
        })
}

/// Why an attempt gave no daemon.
enum Unstarted {
    /// systemd gave no scope, and the daemon was not even run.
    Scope(String),
    Daemon(Failure),
}

/// Runs `command`, which becomes a daemon, and waits until that answers.
async fn attempt(context: &Context, mut command: spawn::Start) -> Result<Client, Unstarted> {
    let (data, socket) = (&context.places.data, &context.places.socket);
    let log_file = data.join("daemon.log");
    let start = || -> io::Result<_> {
        let (log, begin) = open_log(&log_file)?;
        command.command.stdout(log.try_clone()?).stderr(log);
        Ok((command.command.spawn()?, begin))
    };
    let mut start = start;
    let (mut child, begin) =
        start().map_err(|error| Unstarted::Daemon(cannot(&log_file, &error)))?;
    let deadline = Instant::now() + PATIENCE;
    let mut refused = false;
    loop {
        if !refused && let Some(client) = running(socket).await.map_err(Unstarted::Daemon)? {
            // It listens before it is ready, and refuses requests where it cannot become so: its log says more.
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
            if command.in_scope && last.as_ref().is_none_or(|line| !line.contains("epitome")) {
                return Err(Unstarted::Scope(why(last, ended)));
            }
            return Err(Unstarted::Daemon(Failure::NoDaemon(format!(
                "the daemon did not start: {} (its log is {})",
                why(last, ended),
                log_file.display()
            ))));
        }
        sleep(PAUSE).await;
    }
}

/// Why it ended, or did not answer.
fn why(last: Option<String>, ended: Option<ExitStatus>) -> String {
    match (last, ended) {
        (Some(line), _) => line.trim_start_matches("epitome: ").to_owned(),
        (None, Some(status)) => format!("{status}"),
        (None, None) => format!("no answer within {} s", PATIENCE.as_secs()),
    }
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::NoDaemon(format!(
        "no daemon runs, and none can be started: {}: {error}",
        path.display()
    ))
}

/// The file whose lock the process that starts a daemon holds until it answers.
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
    fn only_the_new_daemon_s_lines_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        fs::write(&path, "earlier\n").unwrap();
        let (_log, begin) = open_log(&path).unwrap();
        assert_eq!(last_line(&path, begin), None);
        fs::write(&path, "earlier\none\nepitome: two\n\n").unwrap();
        assert_eq!(last_line(&path, begin).unwrap(), "epitome: two");
    }

    #[test]
    fn a_large_log_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        let log = File::create(&path).unwrap();
        log.set_len(LOG_BYTES + 1).unwrap();
        assert_eq!(open_log(&path).unwrap().1, 0);
        let before = folder.path().join("daemon.log.before");
        assert_eq!(fs::metadata(before).unwrap().len(), LOG_BYTES + 1);
    }
}
