//! What a look at the disk found: directories and their entries, and nothing of their content.

use super::path::RelPath;
use super::stat::Stat;

/// An entry of a directory that is, or may become, a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, as bytes.
    pub name: Box<[u8]>,
    /// `None` for a directory.
    pub file: Option<Stat>,
}

/// One directory as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDirectory {
    /// Its path.
    pub path: RelPath,
    /// Device and inode: a directory of the same name with other numbers is another directory.
    pub identity: (u64, u64),
    /// Its entries, ignored ones and those that are no nodes left out, in no order.
    pub entries: Vec<Entry>,
    /// Why it could not be read, where it could not.
    pub problem: Option<String>,
}

/// What one look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The directories that were looked at and are there.
    pub directories: Vec<ListedDirectory>,
    /// Directories that were to be looked at and are no longer there (or are ignored now).
    pub gone: Vec<RelPath>,
    /// Directories that were to be looked at and that nobody could get at, because a folder on their way is closed to
    /// this user.
    pub closed: Vec<RelPath>,
}
