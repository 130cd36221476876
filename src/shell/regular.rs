//! Opens files that a program keeps in a folder that others may write, such as a repository or a runtime folder.
//!
//! Only a regular file is opened: no symbolic link is followed, a pipe does not block, a device is not read. What is read
//! has a limit.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a file for reading and writing, and creates it, for its owner only, if it is missing.
///
/// # Errors
/// It cannot be opened, or is not a regular file.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    checked(&mut options, path)
}

/// Opens a file for appending, and creates it, for its owner only, if it is missing.
///
/// # Errors
/// It cannot be opened, or is not a regular file.
pub fn append_private(path: &Path) -> io::Result<File> {
    checked(File::options().append(true).create(true).mode(0o600), path)
}

/// Opens a file for reading.
///
/// # Errors
/// It cannot be opened, or is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    checked(File::options().read(true), path)
}

/// Reads a file of `limit` bytes at most.
///
/// # Errors
/// It cannot be read, is not a regular file, or is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= limit {
        true => Ok(bytes),
        false => Err(io::Error::other(format!("larger than {limit} bytes"))),
    }
}

fn checked(options: &mut std::fs::OpenOptions, path: &Path) -> io::Result<File> {
    // Without O_NONBLOCK the open itself waits at a pipe. For a regular file it has no effect.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options.custom_flags(flags.bits() as i32).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file: remove it")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_regular_files_are_opened_and_no_more_than_the_limit_is_read() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        std::fs::write(at("file"), "12345").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("zero")).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), kind, mode, 0).unwrap();
        assert_eq!(read(&at("file"), 5).unwrap(), b"12345");
        assert!(read(&at("file"), 4).is_err());
        for name in ["link", "zero", "pipe", "missing", "."] {
            assert!(read(&at(name), 5).is_err(), "{name}");
        }
        for name in ["link", "zero", "pipe", "."] {
            assert!(open_private(&at(name)).is_err(), "{name}");
            assert!(append_private(&at(name)).is_err(), "{name}");
        }
        assert!(open_private(&at("new")).is_ok());
    }
}
