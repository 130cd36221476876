//! What changed in a repository since a git revision or a time.
//!
//! git itself is run to resolve a revision, to list a commit's tree, the index or the commits of a path, and to read
//! objects. None of them runs a command of the repository's configuration (see [`git`]). Files are compared here, so no
//! filter and no diff driver ever runs.

mod compare;
mod git;
mod objects;
mod when;

pub use compare::{changes, same};
pub use git::{Blob, Git, Staged};
pub use objects::Commit;
pub use when::Since;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    Added,
    Modified,
    Deleted,
}

impl Change {
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
        }
    }
}
