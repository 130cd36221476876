//! Reads one file: its stat, its digest, its kind of content, and its text without secrets.
//!
//! This is the one gate for content. It follows no symbolic link, neither on the way to the file nor at its end, does not
//! block on a pipe, opens no device, and returns only bytes that were all there at one moment. The content of a file that is
//! a secret by its name is withheld; any other text is decoded, and secrets and hidden characters are removed here, before
//! anything is derived from it.
//! The digest is that of the raw bytes.

mod content_kind;
mod encoding;
mod language;
mod secret_names;
mod visible;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::lstat::stat_of;
use super::redact::{Syntax, redact};
use crate::model::contents::ContentKind;
use crate::model::digest::{Digest, Hasher};
use crate::model::language::Language;
use crate::model::path::RelPath;
use crate::model::stat::Stat;

use visible::visible;

/// The number of attempts to read a file that keeps changing.
const ATTEMPTS: usize = 4;
/// The buffer size when only the digest is needed, in bytes.
const CHUNK: usize = 64 << 10;

/// One state of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its stat, equal before and after the bytes were read.
    pub stat: Stat,
    /// When the reading began, milliseconds since 1970.
    pub observed_ms: u64,
    /// The digest of all its bytes, as [`Digest::of_file`] makes it.
    pub digest: Digest,
    /// Its kind of content.
    pub content_kind: ContentKind,
    /// The language, by the file's name or its content.
    pub language: Option<Language>,
    /// The text in UTF-8 and without secrets, for [`ContentKind::Text`] only. It has the line feeds of the file.
    pub text: Option<Vec<u8>>,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file does not exist, or a directory on its way is gone or has become a link.
    #[error("the file is no longer there")]
    Gone,
    /// It is a directory, a link, a pipe, a socket or a device.
    #[error("this is not a regular file")]
    NotRegular,
    /// It changed during each attempt.
    #[error("the file kept changing while it was read; it is read again once it is quiet")]
    Moving,
    /// The process or the machine has too many open files.
    #[error("the file cannot be opened now ({0}); it is read again later")]
    Crowded(String),
    /// The user may not read it.
    #[error("the file may not be read ({0}); let your user read it, or exclude it")]
    Denied(String),
    /// The disk or the system failed.
    #[error("the file cannot be read: {0}")]
    Io(String),
}

impl ReadError {
    fn of(error: &io::Error) -> Self {
        let text = error.to_string();
        // No more open files, in the process (24) or on the machine (23); no memory (12).
        if matches!(error.raw_os_error(), Some(12 | 23 | 24)) {
            return Self::Crowded(text);
        }
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Gone,
            io::ErrorKind::PermissionDenied => Self::Denied(text),
            _ => Self::Io(text),
        }
    }
}

impl From<Errno> for ReadError {
    fn from(error: Errno) -> Self {
        Self::of(&error.into())
    }
}

/// Reads the file at `path` below `root`. For one larger than `max_bytes`, or one that is a secret by its name, it returns
/// the digest only, in constant memory.
///
/// # Errors
/// See [`ReadError`]; only `Moving`, `Crowded` and `Io` can succeed later without a change on disk.
pub fn read(root: &Path, path: &RelPath, max_bytes: u64) -> Result<Reading, ReadError> {
    read_with(root, path, max_bytes, || ())
}

/// `after_bytes` runs between the read and the second stat, for tests.
fn read_with(
    root: &Path,
    path: &RelPath,
    max_bytes: u64,
    mut after_bytes: impl FnMut(),
) -> Result<Reading, ReadError> {
    let secret = secret_names::is_secret(path);
    let absolute = path.under(root);
    for _ in 0..ATTEMPTS {
        let observed_ms = now_ms();
        let mut file = open(root, path)?;
        let stat = regular(rustix::fs::fstat(&file)?)?;
        let whole = !secret && stat.size <= max_bytes;
        let (length, digest, bytes) = if whole {
            keep(&mut file, stat.size)
        } else {
            pass(&mut file, stat.size)
        }
        .map_err(|error| ReadError::of(&error))?;
        after_bytes();
        // The open file and the file that has the name now must both be unchanged.
        let held = regular(rustix::fs::fstat(&file)?)? == stat;
        let named = regular(rustix::fs::lstat(&absolute)?)? == stat;
        if held && named && length == stat.size {
            let text = bytes.as_deref().map(encoding::decoded);
            let content_kind = match &text {
                _ if secret => ContentKind::Secret,
                Some(text) => content_kind::of(text),
                None => ContentKind::TooLarge,
            };
            let text = text.filter(|_| content_kind == ContentKind::Text);
            let language = language::of(path.name(), text.as_deref().unwrap_or_default());
            return Ok(Reading {
                stat,
                observed_ms,
                digest,
                content_kind,
                language,
                text: text.map(|text| clean(&text, language)),
            });
        }
    }
    Err(ReadError::Moving)
}

/// Opens the file one path component at a time, so that a directory that was swapped for a link cannot lead out of the
/// tree.
fn open(root: &Path, path: &RelPath) -> Result<File, ReadError> {
    #[cfg(target_os = "linux")]
    const PASS: OFlags = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    const PASS: OFlags = OFlags::RDONLY;
    let directory = PASS | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at: OwnedFd = rustix::fs::open(root, directory, Mode::empty())?;
    let parent = path.parent().ok_or(ReadError::NotRegular)?;
    for name in parent.names() {
        at = match rustix::fs::openat(&at, name, directory | OFlags::NOFOLLOW, Mode::empty()) {
            Err(Errno::LOOP) => return Err(ReadError::Gone),
            opened => opened?,
        };
    }
    // The stat comes before the open, because opening a device can already have an effect.
    let name = path.name();
    regular(rustix::fs::statat(&at, name, AtFlags::SYMLINK_NOFOLLOW)?)?;
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match rustix::fs::openat(&at, name, flags, Mode::empty()) {
        Ok(file) => Ok(File::from(file)),
        Err(Errno::LOOP | Errno::NXIO) => Err(ReadError::NotRegular),
        Err(error) => Err(error.into()),
    }
}

/// The text that leaves this module: without hidden characters and secrets.
fn clean(bytes: &[u8], language: Option<Language>) -> Vec<u8> {
    redact(&visible(bytes), Syntax::of(language)).into_owned()
}

fn regular(stat: rustix::fs::Stat) -> Result<Stat, ReadError> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(stat_of(&stat)),
        _ => Err(ReadError::NotRegular),
    }
}

type Content = (u64, Digest, Option<Vec<u8>>);

/// Reads a file of `size` bytes, and tries one more to see that there is none.
fn keep(file: &mut File, size: u64) -> io::Result<Content> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(size + 1).read_to_end(&mut bytes)?;
    let digest = Digest::of_file(&bytes);
    Ok((bytes.len() as u64, digest, Some(bytes)))
}

/// Reads all of a file of `size` bytes for its digest alone.
fn pass(file: &mut File, size: u64) -> io::Result<Content> {
    let mut hasher = Hasher::new("file.1");
    let mut chunk = vec![0; CHUNK];
    let mut source = file.take(size + 1);
    let mut length = 0;
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return Ok((length, hasher.finish(), None)),
            Ok(read) => {
                hasher.raw(&chunk[..read]);
                length += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
