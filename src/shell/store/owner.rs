//! The process that owns the store: one at a time, also where the file system's locks do nothing.
//!
//! The lock file is locked, and names its owner. A process that gets the lock although the named owner still runs stops:
//! locks do nothing there. An owner on another machine or in another container is not visible from here and may still
//! write; so each write first checks that the lock file still names this process, and stops if it does not.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::StoreError;
use crate::shell::regular;

/// A process that was killed a moment ago may still be closing its files.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest text of a lock file.
const LONGEST: usize = 1024;

/// The held store. Dropping it releases the lock.
pub(super) struct Owner {
    file: File,
    folder: PathBuf,
    text: String,
}

impl Owner {
    /// Takes the folder.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("lock");
        let failed = |source| StoreError::io("lock", &path, source);
        let file = regular::open_private(&path).map_err(failed)?;
        let began = Instant::now();
        loop {
            let is_locked = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::Error(source)) => return Err(StoreError::locks(&path, source)),
                Err(TryLockError::WouldBlock) => false,
            };
            let text = text_of(&file).map_err(failed)?;
            let inode = file.metadata().map_err(failed)?.ino();
            let other = Holder::parse(&text).filter(|holder| holder.runs_elsewhere(inode));
            if is_locked && other.is_none() {
                let text = Holder::this_process(inode).to_text();
                // A disk too full for the text must not keep anyone from reading the store.
                let written = file
                    .set_len(0)
                    .and_then(|()| file.write_all_at(text.as_bytes(), 0));
                let text = match written {
                    Ok(()) => text,
                    Err(_) => text_of(&file).map_err(failed)?,
                };
                let folder = folder.to_path_buf();
                return Ok(Self { file, folder, text });
            }
            if began.elapsed() >= PATIENCE {
                let folder = folder.to_path_buf();
                return Err(match (is_locked, other) {
                    (true, Some(other)) => StoreError::Shared {
                        folder,
                        holder: other.to_string(),
                    },
                    _ => StoreError::Locked {
                        folder,
                        pid: Holder::parse(&text).map(|holder| holder.pid),
                    },
                });
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Checks that no other process has taken the folder.
    ///
    /// # Errors
    /// [`StoreError::Shared`] when one has.
    pub fn check(&self) -> Result<(), StoreError> {
        match text_of(&self.file) {
            Ok(text) if text != self.text => Err(StoreError::Shared {
                folder: self.folder.clone(),
                holder: Holder::parse(&text)
                    .map_or_else(|| "another process".to_owned(), |it| it.to_string()),
            }),
            // A file that cannot be read proves nothing.
            _ => Ok(()),
        }
    }
}

impl Drop for Owner {
    /// The process may go on: the next one must not take it for the holder.
    fn drop(&mut self) {
        if self.check().is_ok() {
            let _ = self.file.set_len(0);
        }
    }
}

fn text_of(file: &File) -> io::Result<String> {
    let mut bytes = vec![0; LONGEST];
    let length = file.read_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

/// The process that a lock file names.
#[derive(Debug, PartialEq, Eq)]
struct Holder {
    pid: u32,
    /// When it started, in the kernel's ticks: process numbers are used again.
    started: u64,
    /// The lock file's inode: a copy of the folder names a process that does not hold the copy.
    inode: u64,
    /// The kernel's number of this boot.
    boot: String,
    host: String,
}

impl Holder {
    fn this_process(inode: u64) -> Self {
        let pid = std::process::id();
        let host = rustix::system::uname();
        Self {
            pid,
            started: started(pid).unwrap_or_default(),
            inode,
            boot: boot(),
            host: host
                .nodename()
                .to_string_lossy()
                .replace(char::is_whitespace, "_"),
        }
    }

    fn to_text(&self) -> String {
        let Self {
            pid,
            started,
            inode,
            boot,
            host,
        } = self;
        format!("{pid}\n{started} {inode} {boot} {host}\n")
    }

    /// Files of earlier versions contain the number only.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let pid = words.next()?.parse().ok()?;
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let (started, inode) = (number(), number());
        let mut word = || words.next().unwrap_or_default().to_owned();
        Some(Self {
            pid,
            started,
            inode,
            boot: word(),
            host: word(),
        })
    }

    /// Whether it is another process that runs now, as far as that can be seen from here.
    fn runs_elsewhere(&self, inode: u64) -> bool {
        self.pid != std::process::id()
            && self.started > 0
            && self.inode == inode
            && self.boot == boot()
            && started(self.pid) == Some(self.started)
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.is_empty() {
            true => write!(f, "process {}", self.pid),
            false => write!(f, "process {} on {}", self.pid, self.host),
        }
    }
}

/// When a running process started, in ticks since the boot; `None` where there is no `/proc`.
fn started(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, a name in parentheses, may contain anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    // One that has ended and waits for its parent holds nothing.
    (state != "Z" && state != "X").then(|| fields.nth(18)?.parse().ok())?
}

fn boot() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_lock_that_does_nothing_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        std::fs::write(&path, "").unwrap();
        let inode = std::fs::metadata(&path).unwrap().ino();
        let other = Holder {
            pid: child.id(),
            started: started(child.id()).unwrap(),
            ..Holder::this_process(inode)
        };
        std::fs::write(&path, other.to_text()).unwrap();
        let refused = Owner::take(folder.path()).map(drop).unwrap_err();
        assert!(matches!(refused, StoreError::Shared { .. }), "{refused}");
        assert!(
            refused
                .to_string()
                .contains(&format!("process {}", child.id()))
        );
        // A copy of the folder is another store.
        let copy = folder.path().join("copy");
        std::fs::create_dir(&copy).unwrap();
        std::fs::copy(&path, copy.join("lock")).unwrap();
        drop(Owner::take(&copy).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        let owner = Owner::take(folder.path()).unwrap();
        owner.check().unwrap();
        // Another machine takes it.
        let other = Holder {
            host: "elsewhere".to_owned(),
            ..other
        };
        std::fs::write(&path, other.to_text()).unwrap();
        let taken = owner.check().unwrap_err();
        assert!(taken.to_string().contains("on elsewhere"), "{taken}");
    }

    #[test]
    fn the_text_of_a_lock_file_comes_back() {
        let holder = Holder::this_process(7);
        assert_eq!(Holder::parse(&holder.to_text()), Some(holder));
        let earlier = Holder::parse("123\n").unwrap();
        assert_eq!((earlier.pid, earlier.started), (123, 0));
        assert!(!earlier.runs_elsewhere(0));
        assert_eq!(Holder::parse(""), None);
    }
}
