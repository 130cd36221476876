//! The location of a node: a repository's number and a path below its root.
//!
//! Paths are bytes, because names on Unix need not be UTF-8. They become text only for output.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A repository's number, assigned by the daemon and never reused in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId(pub u32);

/// A path relative to a repository's root: names joined by `/`, the root itself is empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RelPath(Arc<[u8]>);

impl RelPath {
    /// The repository's root.
    pub fn root() -> Self {
        Self(Arc::from(&b""[..]))
    }

    /// A path from its bytes, without leading and trailing `/`.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let mut bytes = bytes.as_ref();
        while let [b'/', rest @ ..] = bytes {
            bytes = rest;
        }
        while let [rest @ .., b'/'] = bytes {
            bytes = rest;
        }
        Self(Arc::from(bytes))
    }

    /// The path of `absolute` relative to `root`, or `None` if it is not below it.
    pub fn below(root: &Path, absolute: &Path) -> Option<Self> {
        let rest = absolute.strip_prefix(root).ok()?;
        let bytes = rest.as_os_str().as_bytes();
        // Normalizes `//` and `/.`, so that each node has one path. Nearly all paths have neither.
        let doubled = bytes.windows(2).any(|two| two == b"//" || two == b"/.");
        match doubled {
            true => Some(Self::new(
                rest.components()
                    .collect::<PathBuf>()
                    .as_os_str()
                    .as_bytes(),
            )),
            false => Some(Self::new(bytes)),
        }
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, as on disk.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The last name; empty for the root.
    pub fn name(&self) -> &[u8] {
        self.0.rsplit(|&byte| byte == b'/').next().unwrap_or(b"")
    }

    /// The directory that contains this node; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self
            .0
            .iter()
            .rposition(|&byte| byte == b'/')
            .unwrap_or_default();
        Some(Self(Arc::from(&self.0[..end])))
    }

    /// The child of that name.
    pub fn join(&self, name: &[u8]) -> Self {
        if self.is_root() {
            return Self(Arc::from(name));
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        Self(Arc::from(bytes))
    }

    /// The names from the root down.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0
            .split(|&byte| byte == b'/')
            .filter(|name| !name.is_empty())
    }

    /// How many names the path has; 0 for the root.
    pub fn depth(&self) -> usize {
        self.names().count()
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        other.is_root()
            || self.0 == other.0
            || (self.0.starts_with(&other.0) && self.0[other.0.len()] == b'/')
    }

    /// The absolute path below `root`.
    pub fn under(&self, root: &Path) -> PathBuf {
        if self.is_root() {
            return root.to_path_buf();
        }
        root.join(OsStr::from_bytes(&self.0))
    }

    /// The path as text, with U+FFFD for what is not UTF-8.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_and_names() {
        let path = RelPath::new("/a/b/c.py/");
        assert_eq!(path.name(), b"c.py");
        assert_eq!(path.parent(), Some(RelPath::new("a/b")));
        assert_eq!(RelPath::new("a").parent(), Some(RelPath::root()));
        assert_eq!(RelPath::root().parent(), None);
        assert_eq!(path.depth(), 3);
        assert_eq!(RelPath::root().join(b"a").join(b"b"), RelPath::new("a/b"));
    }

    #[test]
    fn paths_are_normalized() {
        for written in ["/r/a/b", "/r//a///b/", "/r/./a/./b/.", "/r/a//b"] {
            let below = RelPath::below(Path::new("/r"), Path::new(written));
            assert_eq!(below, Some(RelPath::new("a/b")), "{written}");
        }
        let hidden = RelPath::below(Path::new("/r"), Path::new("/r/a/.b/..c"));
        assert_eq!(hidden, Some(RelPath::new("a/.b/..c")));
    }

    #[test]
    fn within_is_by_whole_names() {
        assert!(RelPath::new("a/b").is_within(&RelPath::new("a")));
        assert!(!RelPath::new("ab").is_within(&RelPath::new("a")));
        assert!(RelPath::new("ab").is_within(&RelPath::root()));
    }
}
