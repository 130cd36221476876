//! Reads the small files that rules stand in, without ever blocking at a pipe.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};

use crate::model::digest::Digest;

/// Larger files hold no rules for git either.
const LIMIT: u64 = 100 << 20;

/// How many links in a row are followed: as many as the system does.
const LINKS: usize = 40;

/// A file that was read or looked for, and what was in it; `None`: it was not there, or could not be read.
pub(super) type Seen = (PathBuf, Option<Digest>);

/// What is in a file now.
pub(super) fn digest_of(file: &Path) -> Option<Digest> {
    read_small(file, true).map(|bytes| Digest::of_file(&bytes))
}

/// Takes note of what is in files.
pub(super) fn see(files: impl IntoIterator<Item = PathBuf>) -> Vec<Seen> {
    let seen = |file: PathBuf| {
        let digest = digest_of(&file);
        (file, digest)
    };
    files.into_iter().map(seen).collect()
}

/// The content of a regular file, or `None` where it is not there, no regular file, not to be read, or huge.
/// `follow` says whether the last name may be a symbolic link: git reads its own files through links, and those of a
/// tree never.
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

/// The names by which a file that is read through links may change: its own, and what each link leads to. The folders
/// are by the one name without links, under which they are watched.
pub(super) fn ways(file: &Path) -> Vec<PathBuf> {
    let mut ways = Vec::new();
    let mut at = file.to_path_buf();
    for _ in 0..LINKS {
        let folder = at.parent().and_then(|folder| folder.canonicalize().ok());
        if let (Some(folder), Some(name)) = (folder, at.file_name()) {
            at = folder.join(name);
        }
        let target = std::fs::read_link(&at);
        let next = target.ok().and_then(|to| Some(at.parent()?.join(to)));
        ways.push(at);
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    ways
}
