//! Why a directory cannot be watched.

use std::io;
use std::path::{Path, PathBuf};

/// Why a directory is not watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// A system limit was reached.
    #[error("{what}; {hint}")]
    Limit {
        /// Which limit.
        what: String,
        /// How to raise it.
        hint: String,
    },
    /// The user may not read the directory.
    #[error("{} cannot be watched: permission denied; make it readable for your user, or exclude it", .0.display())]
    Denied(PathBuf),
    /// The directory no longer exists.
    #[error("{} is no longer a directory", .0.display())]
    Gone(PathBuf),
    /// Any other reason.
    #[error("{} cannot be watched: {reason}", path.display())]
    Other {
        /// The directory.
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
}

impl WatchError {
    /// From a refused watch.
    pub(super) fn of(path: &Path, error: &notify::Error) -> Self {
        match &error.kind {
            notify::ErrorKind::MaxFilesWatch => Self::Limit {
                what: "the system limit of watched directories is reached".to_owned(),
                hint: "raise it with: sudo sysctl fs.inotify.max_user_watches=524288".to_owned(),
            },
            notify::ErrorKind::PathNotFound => Self::Gone(path.to_path_buf()),
            notify::ErrorKind::Io(error) => Self::of_io(path, error),
            _ => Self::Other {
                path: path.to_path_buf(),
                reason: error.to_string(),
            },
        }
    }

    /// From a queue that could not be created.
    pub(super) fn of_start(path: &Path, error: &notify::Error) -> Self {
        match &error.kind {
            notify::ErrorKind::Io(error) if is_out_of_descriptors(error) => Self::Limit {
                what: "the system limit of file notification queues is reached".to_owned(),
                hint: "raise the limit with: sudo sysctl fs.inotify.max_user_instances=512"
                    .to_owned(),
            },
            _ => Self::of(path, error),
        }
    }

    /// From a failed system call.
    pub(super) fn of_io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Self::Gone(path.to_path_buf())
            }
            io::ErrorKind::PermissionDenied => Self::Denied(path.to_path_buf()),
            _ if is_out_of_descriptors(error) => Self::Limit {
                what: "this program has too many open files".to_owned(),
                hint: "raise the limit with: ulimit -n 65536".to_owned(),
            },
            _ => Self::Other {
                path: path.to_path_buf(),
                reason: error.to_string(),
            },
        }
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    let known = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
    known
        .map(|errno| Some(errno.raw_os_error()))
        .contains(&error.raw_os_error())
}
