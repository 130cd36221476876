//! The result of listing directories: their entries, without any content.

use super::path::RelPath;
use super::policy::Policy;
use super::stat::Stat;

/// An entry of a directory that is a node or may become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, as bytes.
    pub name: Box<[u8]>,
    /// `None` for a directory.
    pub file: Option<Stat>,
    /// What the files around a file say of it.
    pub policy: Policy,
}

impl Entry {
    /// A directory.
    pub fn directory(name: Box<[u8]>) -> Self {
        Self {
            name,
            file: None,
            policy: Policy::None,
        }
    }
}

/// One directory as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDirectory {
    /// Its path.
    pub path: RelPath,
    /// Device and inode: a directory of the same name with other numbers is another directory.
    pub identity: (u64, u64),
    /// Its entries in no order, without ignored ones and those that cannot be nodes.
    pub entries: Vec<Entry>,
    /// Why it could not be read, if it could not.
    pub problem: Option<String>,
}

/// The result of one scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The directories that exist.
    pub directories: Vec<ListedDirectory>,
    /// Directories that no longer exist, or are ignored now.
    pub gone: Vec<RelPath>,
    /// Directories that permissions on an ancestor make inaccessible.
    pub closed: Vec<RelPath>,
}
