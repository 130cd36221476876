//! The service manager's interface: socket activation, readiness, the status line, the watchdog.
//!
//! Without systemd all of it does nothing. The watchdog is fed only after a request went through the event loop.

use std::os::unix::net::UnixListener as StdListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use sd_notify::NotifyState;
use tokio::net::UnixListener;
use tokio::time::{sleep, timeout};

use crate::engine::status::{PacingStatus, RepositoryStatus};

use crate::daemon::access::Handle;

/// The shortest time between two status lines.
const STATUS_PAUSE: Duration = Duration::from_secs(1);
/// The longest status line, in characters.
const STATUS_LENGTH: usize = 200;

/// The socket that systemd passed, and its path.
///
/// # Errors
/// The passed descriptor is not a Unix socket with a path.
pub(super) fn inherited() -> anyhow::Result<Option<(UnixListener, PathBuf)>> {
    // listenfd also accepts descriptors without LISTEN_PID; systemd always sets it.
    if std::env::var_os("LISTEN_PID").is_none_or(|pid| pid.is_empty()) {
        return Ok(None);
    }
    let context =
        "cannot use the socket that systemd passed; see `systemctl --user cat epitome.socket`";
    let mut passed = listenfd::ListenFd::from_env();
    if passed.len() > 1 {
        tracing::warn!("systemd passes {} sockets: the first is used", passed.len());
    }
    let Some(listener) = passed.take_unix_listener(0).context(context)? else {
        return Ok(None);
    };
    let path = path_of(&listener).context(context)?;
    listener.set_nonblocking(true).context(context)?;
    Ok(Some((
        UnixListener::from_std(listener).context(context)?,
        path,
    )))
}

fn path_of(listener: &StdListener) -> anyhow::Result<PathBuf> {
    let address = listener.local_addr()?;
    let path = address.as_pathname().context("it has no path")?;
    Ok(path.to_path_buf())
}

/// Reports that the socket responds.
pub(super) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Reports that the daemon is ending.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("ending")]);
}

/// Reports what the daemon does, in one line.
pub(super) fn status(line: &str) {
    notify(&[NotifyState::Status(&one_line(line))]);
}

fn notify(states: &[NotifyState<'_>]) {
    // A failure cannot be reported anywhere, and the work continues.
    let _ = sd_notify::notify(states);
}

fn is_listening() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| !socket.is_empty())
}

/// Keeps the status line current. Sleeps while nothing happens.
pub(super) async fn update_status(handle: Handle) {
    if !is_listening() {
        return;
    }
    let mut stirred = handle.stirred();
    let mut last = String::new();
    while let Some((repositories, pacing)) = handle.glance().await {
        let line = line(&repositories, &pacing);
        if line != last {
            status(&line);
            last = line;
        }
        sleep(STATUS_PAUSE).await;
        if stirred.changed().await.is_err() {
            return;
        }
    }
}

/// Feeds the watchdog each time a request went through the event loop. If something happened since the last time, a
/// notification must have come through as well; while nothing happens the disk is not touched.
pub(super) async fn feed_watchdog(handle: Handle) {
    let Some(period) = sd_notify::watchdog_enabled() else {
        return;
    };
    // Leaves time for a second attempt.
    let pause = period / 3;
    let mut stirred = handle.stirred();
    loop {
        sleep(pause).await;
        let something = stirred.has_changed().unwrap_or(false);
        stirred.mark_unchanged();
        match timeout(pause, handle.pulse(something)).await {
            Ok(true) => notify(&[NotifyState::Watchdog]),
            Ok(false) => return,
            Err(_) => {
                tracing::error!("the event loop did not respond within {pause:?}");
                if timeout(pause, handle.pulse(something)).await == Ok(true) {
                    notify(&[NotifyState::Watchdog]);
                }
            }
        }
    }
}

fn line(repositories: &[RepositoryStatus], pacing: &PacingStatus) -> String {
    let total = |count: fn(&RepositoryStatus) -> u64| repositories.iter().map(count).sum::<u64>();
    let nodes = total(|one| one.files + one.directories);
    let done = total(|one| one.fresh + one.failed + one.off);
    let count = match repositories.len() {
        0 => return "no repository is watched".to_owned(),
        1 => "1 repository".to_owned(),
        many => format!("{many} repositories"),
    };
    let mut line = if repositories.iter().any(|one| one.scanning) {
        format!("{count}: scanning, {done} of {nodes} files and folders are done")
    } else if repositories.iter().all(|one| one.settled) {
        format!("{count}, {nodes} files and folders: all done")
    } else {
        format!("{count}: {done} of {nodes} files and folders are done")
    };
    let failed = total(|one| one.failed);
    if failed > 0 {
        line += &format!(", {failed} failed");
    }
    let unreachable = repositories.iter().filter(|one| one.unreachable).count();
    if unreachable > 0 {
        line += &format!(", {unreachable} not reachable");
    }
    if let Some(trouble) = &pacing.trouble {
        line += &format!("; {trouble}");
    }
    line
}

/// A line break would start another assignment.
fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(STATUS_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(fresh: u64, pending: u64) -> RepositoryStatus {
        RepositoryStatus {
            files: fresh + pending - 1,
            directories: 1,
            fresh,
            pending,
            settled: pending == 0,
            ..RepositoryStatus::default()
        }
    }

    #[test]
    fn the_status_line_shows_progress() {
        let pacing = PacingStatus::default();
        assert_eq!(line(&[], &pacing), "no repository is watched");
        assert_eq!(
            line(&[repository(3, 0)], &pacing),
            "1 repository, 3 files and folders: all done"
        );
        assert_eq!(
            line(&[repository(3, 0), repository(1, 4)], &pacing),
            "2 repositories: 4 of 8 files and folders are done"
        );
        let scanning = RepositoryStatus {
            scanning: true,
            failed: 1,
            ..repository(1, 4)
        };
        assert_eq!(
            line(&[scanning], &pacing),
            "1 repository: scanning, 2 of 5 files and folders are done, 1 failed"
        );
    }

    #[test]
    fn an_error_message_stays_inside_the_status_line() {
        let pacing = PacingStatus {
            trouble: Some(format!("refused\nREADY=1{}", "!".repeat(500))),
            ..PacingStatus::default()
        };
        let line = one_line(&line(&[repository(1, 1)], &pacing));
        assert!(line.contains("; refused READY=1!"), "{line}");
        assert!(!line.contains('\n') && line.len() <= STATUS_LENGTH);
    }
}
