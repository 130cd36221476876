//! Reads the small files that contain rules, without blocking on a pipe.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};

use crate::model::digest::Digest;

/// git ignores rule files larger than this.
const LIMIT: u64 = 100 << 20;

/// Maximum number of symbolic links followed; the kernel's limit.
const LINKS: usize = 40;

/// A file that was read or looked for, with its digest; `None` if it is missing or unreadable.
pub(super) type Seen = (PathBuf, Option<Digest>);

/// The digest of a file's current content.
pub(super) fn digest_of(file: &Path) -> Option<Digest> {
    read_small(file, true).map(|bytes| Digest::of_file(&bytes))
}

/// Records the digests of files.
pub(super) fn see(files: impl IntoIterator<Item = PathBuf>) -> Vec<Seen> {
    let seen = |file: PathBuf| {
        let digest = digest_of(&file);
        (file, digest)
    };
    files.into_iter().map(seen).collect()
}

/// The content of a regular file; `None` if it is missing, not regular, unreadable or huge. With `follow`, the last
/// name may be a symbolic link: git follows links for its own files, but not for rule files in a tree.
pub(super) fn read_small(path: &Path, follow: bool) -> Option<Vec<u8>> {
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    let descriptor = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&descriptor).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut bytes = Vec::new();
    let read = File::from(descriptor)
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .ok()?;
    (read as u64 <= LIMIT).then_some(bytes)
}

/// The paths at which a change can change what `file` contains: the file itself and each link target on the way.
/// Folders are canonical, because that is how they are watched.
pub(super) fn link_chain(file: &Path) -> Vec<PathBuf> {
    let mut link_chain = Vec::new();
    let mut at = file.to_path_buf();
    for _ in 0..LINKS {
        let folder = at.parent().and_then(|folder| folder.canonicalize().ok());
        if let (Some(folder), Some(name)) = (folder, at.file_name()) {
            at = folder.join(name);
        }
        let target = std::fs::read_link(&at);
        let next = target.ok().and_then(|to| Some(at.parent()?.join(to)));
        link_chain.push(at);
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    link_chain
}
