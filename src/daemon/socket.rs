//! The socket's file: claims it if nothing listens on it, restores it if it is removed, removes it at the end.
//!
//! Invariant: a socket that something listens on is never touched.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Instant, sleep};

use crate::shell::regular;

/// A daemon that was just killed may still hold its lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// Between two checks of the file where the system reports no changes of it.
#[cfg_attr(target_os = "linux", allow(dead_code))]
const POLL_PAUSE: Duration = Duration::from_secs(60);

/// The socket's file.
pub(super) struct Socket {
    path: PathBuf,
    /// The file that was created; `None` if it is unknown.
    identity: Option<Identity>,
    /// Held while the socket is ours, so that no other daemon creates one of this name. `None` for systemd's socket.
    lock: Option<File>,
}

/// The state of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It exists and is ours.
    Ours,
    /// It is gone, or a dead socket is in its place.
    Lost,
    /// Another process listens on it.
    Taken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
        })
    }
}

impl Socket {
    /// Reserves the path.
    ///
    /// # Errors
    /// Another daemon listens there or is about to; or the folder cannot be used.
    pub(super) async fn claim(path: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let lock = lock(path).await?;
        if is_answered(path).await {
            bail!("{}", taken(path));
        }
        Ok(Self {
            path: path.to_path_buf(),
            identity: None,
            lock: Some(lock),
        })
    }

    /// The socket that systemd created and passed.
    pub(super) fn inherited(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            identity: Identity::of(path).ok(),
            lock: None,
        }
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the file and listens. Replaces a dead one.
    pub(super) fn bind(&mut self) -> anyhow::Result<UnixListener> {
        let path = &self.path;
        // Created under another name and renamed, so that it is never visible with open permissions.
        let private = path.with_extension(format!("sock-{}", std::process::id()));
        let bind = || -> io::Result<(UnixListener, Identity)> {
            match fs::remove_file(&private) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&private)?;
            fs::set_permissions(&private, fs::Permissions::from_mode(0o600))?;
            let identity = Identity::of(&private)?;
            fs::rename(&private, path)?;
            Ok((listener, identity))
        };
        let bound = bind().inspect_err(|_| {
            let _ = fs::remove_file(&private);
        });
        let (listener, identity) =
            bound.with_context(|| format!("listening at {}", path.display()))?;
        self.identity = Some(identity);
        Ok(listener)
    }

    /// Recreates the file after it was lost. From then on it is ours, even if systemd created the first one.
    pub(super) async fn bind_again(&mut self) -> anyhow::Result<UnixListener> {
        // The lock file may be gone too, and one process cannot lock a file twice.
        self.lock = None;
        *self = Self::claim(&self.path).await?;
        self.bind()
    }

    /// The state of the file.
    pub(super) async fn state(&self) -> State {
        match Identity::of(&self.path) {
            Ok(found) if Some(found) == self.identity => State::Ours,
            Ok(_) if is_answered(&self.path).await => State::Taken,
            _ => State::Lost,
        }
    }

    /// Returns when something may have happened to the file.
    pub(super) async fn touched(&self) {
        #[cfg(target_os = "linux")]
        if let Ok(events) = events_of(&self.path) {
            // Changes before the watch are not reported.
            if Identity::of(&self.path).ok() == self.identity {
                let _ = events.readable().await;
            }
            return;
        }
        // The file is gone, or no inotify watch is left.
        if Identity::of(&self.path).ok() == self.identity {
            sleep(POLL_PAUSE).await;
        }
    }

    /// Removes the file, if it is ours and not systemd's.
    pub(super) fn remove(&self) {
        let found = Identity::of(&self.path).ok();
        if self.lock.is_some() && found.is_some() && found == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The inotify events of one file: links, renames, removal. Nothing else in its folder wakes the daemon.
#[cfg(target_os = "linux")]
fn events_of(path: &Path) -> io::Result<tokio::net::unix::pipe::Receiver> {
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

    let descriptor = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let events = WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
    inotify::add_watch(&descriptor, path, events | WatchFlags::DONT_FOLLOW)?;
    // Awaited like a pipe: AsyncFd would need unsafe code.
    tokio::net::unix::pipe::Receiver::from_owned_fd_unchecked(descriptor)
}

/// Whether something listens. A full queue belongs to a daemon, too.
async fn is_answered(path: &Path) -> bool {
    match UnixStream::connect(path).await {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// The lock file beside the socket. It stays when the daemon ends: a lock file that is removed guards nothing.
async fn lock(socket: &Path) -> anyhow::Result<File> {
    let path = lock_path(socket);
    let context = || format!("locking {}", path.display());
    let file = regular::open_private(&path).with_context(context)?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => {
                // For people only: the lock itself shows whether a daemon runs.
                let _ = file.set_len(0);
                let _ = (&file).write_all(std::process::id().to_string().as_bytes());
                return Ok(file);
            }
            Err(TryLockError::Error(error)) => bail!(
                "cannot lock {}: {error}; name a socket in a folder on a local disk with --socket",
                path.display()
            ),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                bail!("{}", taken(socket))
            }
            Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(20)).await,
        }
    }
}

fn lock_path(socket: &Path) -> PathBuf {
    let mut path = socket.as_os_str().to_owned();
    path.push(".lock");
    PathBuf::from(path)
}

fn taken(path: &Path) -> String {
    let process = regular::read(&lock_path(path), 64).unwrap_or_default();
    let process = match String::from_utf8_lossy(&process).trim().parse::<u32>() {
        Ok(process) => format!(" (process {process})"),
        Err(_) => String::new(),
    };
    format!(
        "another daemon already runs at {}{process}: use it, or name another place with --socket",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    async fn bound(path: &Path) -> (Socket, UnixListener) {
        let mut socket = Socket::claim(path).await.unwrap();
        let listener = socket.bind().unwrap();
        (socket, listener)
    }

    #[tokio::test]
    async fn a_live_socket_is_never_taken_over_and_a_dead_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let (socket, listener) = bound(&path).await;
        let error = Socket::claim(&path).await.err().unwrap().to_string();
        assert!(error.starts_with("another daemon already runs"), "{error}");
        let mode = fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);

        // As after a kill: the lock is free, the file exists, and nothing listens.
        drop((socket, listener));
        assert!(path.exists());
        let (socket, _listener) = bound(&path).await;
        assert_eq!(socket.state().await, State::Ours);
        assert!(is_answered(&path).await);
        socket.remove();
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_of_another_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let _other = UnixListener::bind(&path).unwrap();
        assert!(Socket::claim(&path).await.is_err());
        assert!(is_answered(&path).await);
    }

    #[tokio::test]
    async fn a_removed_socket_is_noticed_at_once_and_recreated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/s");
        let (mut socket, _listener) = bound(&path).await;
        for how in ["file", "folder"] {
            let noticed = socket.touched();
            let removed = async {
                // First the watch, then the removal.
                tokio::task::yield_now().await;
                match how {
                    "file" => fs::remove_file(&path).unwrap(),
                    _ => fs::remove_dir_all(folder.path().join("sub")).unwrap(),
                }
            };
            let both = async { tokio::join!(noticed, removed) };
            tokio::time::timeout(POLL_PAUSE / 2, both).await.expect(how);
            assert_eq!(socket.state().await, State::Lost, "{how}");
            let _listener = socket.bind_again().await.unwrap();
            assert_eq!(socket.state().await, State::Ours, "{how}");
            assert!(is_answered(&path).await, "{how}");
        }
    }

    #[tokio::test]
    async fn a_socket_of_another_process_in_its_place_is_left_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let (socket, _listener) = bound(&path).await;
        fs::remove_file(&path).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        assert_eq!(socket.state().await, State::Taken);
        // Returns at once: it is another file.
        socket.touched().await;
        socket.remove();
        assert!(path.exists());
        drop(other);
        assert_eq!(socket.state().await, State::Lost);
    }

    #[tokio::test]
    async fn the_socket_of_systemd_stays_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let _listener = UnixListener::bind(&path).unwrap();
        let mut socket = Socket::inherited(&path);
        assert_eq!(socket.state().await, State::Ours);
        socket.remove();
        assert!(path.exists());
        // Recreated, it is ours.
        fs::remove_file(&path).unwrap();
        let _again = socket.bind_again().await.unwrap();
        socket.remove();
        assert!(!path.exists());
    }
}
