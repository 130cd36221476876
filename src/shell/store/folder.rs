//! The store's folder: created for its owner only, and marked with its format.
//!
//! It must never change anything in a folder that a newer version wrote.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::error::StoreError;
use crate::shell::regular;

/// The format that this version reads and writes. Format 1 kept outlines and records in sled; outlines may have contained
/// secrets.
pub const FORMAT: u32 = 2;

/// Makes the folder, for its owner only, where there is none.
pub(super) fn make(folder: &Path) -> Result<(), StoreError> {
    make_private(folder).map_err(|source| StoreError::io("make the folder", folder, source))
}

/// The same.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Checks the folder's format, and returns whether it is the current one; otherwise the caller migrates, and then writes
/// the mark. A damaged mark is noted.
pub(super) fn check_format(folder: &Path, notes: &mut Vec<String>) -> Result<bool, StoreError> {
    let path = folder.join("format");
    match regular::read(&path, 4096) {
        Ok(bytes) => match parse_format(&bytes) {
            Some(FORMAT) => return Ok(true),
            Some(found) if found > FORMAT => {
                return Err(StoreError::Newer {
                    folder: folder.to_path_buf(),
                    found,
                    known: FORMAT,
                });
            }
            Some(_) => {}
            None => {
                notes.push("the store's format mark was damaged and is written anew".to_owned())
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(StoreError::io("read", &path, source)),
    }
    Ok(false)
}

/// The format of the store in a folder; `None` without a store, or with a damaged mark. Changes nothing.
///
/// # Errors
/// The mark cannot be read.
pub fn format_of(folder: &Path) -> std::io::Result<Option<u32>> {
    match regular::read(&folder.join("format"), 4096) {
        Ok(bytes) => Ok(parse_format(&bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the mark of a format.
pub(super) fn write_format(folder: &Path, format: u32) -> Result<(), StoreError> {
    let head = format!("epitome store {format}");
    let text = format!("{head} {:016x}\n", xxh3_64(head.as_bytes()));
    let path = folder.join("format");
    let write = || {
        let new = folder.join("format.new");
        let mut file = private().truncate(true).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        sync_folder(folder)
    };
    write().map_err(|source| StoreError::io("write", &path, source))
}

/// The format of a mark whose checksum is right: a flipped bit must not pass for a newer version.
fn parse_format(bytes: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let (head, sum) = text.rsplit_once(' ')?;
    let fits = u64::from_str_radix(sum, 16).ok()? == xxh3_64(head.as_bytes());
    let number = head.strip_prefix("epitome store ")?;
    fits.then(|| number.parse().ok())?
}

/// Options of a file that only its owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// Brings the folder's own entries to the disk.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}
