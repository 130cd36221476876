//! Why the store could not do what was asked, sorted by what the caller should do.

use std::io;
use std::path::{Path, PathBuf};

/// The store refused.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it: ask that one, or wait.
    #[error("the store {} is in use by {}", .folder.display(), holder(*.pid))]
    Locked {
        /// The store's folder.
        folder: PathBuf,
        /// Who holds it, where the lock file says so.
        pid: Option<u32>,
    },
    /// Another process uses it although it could be locked: locks do nothing here.
    #[error("the store {} is in use by {holder} as well: locks do nothing on its file system", .folder.display())]
    Shared {
        /// The store's folder.
        folder: PathBuf,
        /// The other process.
        holder: String,
    },
    /// Its file system has no locks.
    #[error("could not lock {}: {source}", .path.display())]
    NoLocks {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A newer version of the program wrote it: nothing was touched.
    #[error("the store {} has format {found}, and this version knows formats up to {known}", .folder.display())]
    Newer {
        /// The store's folder.
        folder: PathBuf,
        /// The format that was found.
        found: u32,
        /// The newest format that this version knows.
        known: u32,
    },
    /// Its bytes are damaged and could not be repaired automatically.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// The operating system refused.
    #[error("could not {doing}: {source}")]
    Io {
        /// What was being done, as in "write /a/b".
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl StoreError {
    /// How to fix it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Locked { .. } => {
                "let that process do the work, stop it, or use another folder with --data-dir"
            }
            Self::Shared { .. } => {
                "stop the other process, or use a folder on a local disk with --data-dir"
            }
            Self::NoLocks { .. } => {
                "the store's file system has no locks: use a folder on a local disk with --data-dir"
            }
            Self::Newer { .. } => {
                "install the newer version again, or use another folder with --data-dir"
            }
            Self::Damaged { .. } => "stop the daemon, move the store's folder away and start again",
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space on that disk; nothing that was stored is lost"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "make the folder writable for this user, or use another one with --data-dir"
                }
                _ => "check the disk, or use another folder with --data-dir",
            },
        }
    }

    /// A lock was refused.
    pub(super) fn locks(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::io("lock", path, source),
            _ => Self::NoLocks {
                path: path.to_path_buf(),
                source,
            },
        }
    }

    pub(super) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing: format!("{doing} {}", path.display()),
            source,
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}
