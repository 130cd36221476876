//! The store's folder: made for its owner only, held by one process at a time, and marked with its format.
//!
//! It must never touch anything in a folder that another process holds or a newer version wrote.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_64;

use super::error::StoreError;
use crate::shell::regular;

/// The newest format that this version reads and writes.
pub(super) const FORMAT: u32 = 1;
/// A process that was killed a moment ago may still be closing its files.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Makes the folder, for its owner only, where there is none.
pub(super) fn make(folder: &Path) -> Result<(), StoreError> {
    make_private(folder).map_err(|source| StoreError::io("make the folder", folder, source))
}

/// The same.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Takes the folder for as long as the file that comes back is open.
pub(super) fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let failed = |source| StoreError::io("lock", &path, source);
    let mut file = regular::open_private(&path).map_err(failed)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Who it is, is a courtesy: without it the answer is the same.
                let _ = file.read_to_string(&mut text);
                return Err(StoreError::Locked {
                    folder: folder.to_path_buf(),
                    pid: text.trim().parse().ok(),
                });
            }
        }
    }
    // A disk too full for a number must not keep anybody from reading the store.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// Reads the folder's format and writes it where there is none. Gives a note where the mark was damaged.
pub(super) fn check_format(folder: &Path) -> Result<Option<String>, StoreError> {
    let path = folder.join("format");
    let mut note = None;
    match regular::read(&path, 4096) {
        Ok(bytes) => match parse_format(&bytes) {
            Some(FORMAT) => return Ok(None),
            Some(found) if found > FORMAT => {
                return Err(StoreError::Newer {
                    folder: folder.to_path_buf(),
                    found,
                    known: FORMAT,
                });
            }
            _ => note = Some("the store's format mark was damaged and is written anew".to_owned()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(StoreError::io("read", &path, source)),
    }
    write_format(folder, FORMAT).map_err(|source| StoreError::io("write", &path, source))?;
    Ok(note)
}

/// Writes the mark of a format.
pub(super) fn write_format(folder: &Path, format: u32) -> std::io::Result<()> {
    let head = format!("epitome store {format}");
    let text = format!("{head} {:016x}\n", xxh3_64(head.as_bytes()));
    let new = folder.join("format.new");
    let mut file = private().truncate(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, folder.join("format"))?;
    sync_folder(folder)
}

/// The format of a mark whose checksum fits: a flipped bit must not pass for a newer version.
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
