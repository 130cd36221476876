//! From format 1: what was paid for is kept, everything else is removed from the disk.
//!
//! Format 1 kept outlines, records and free summaries in sled, beside a copy of what was paid for. Outlines of early
//! versions were made from files as they are, secrets included. So the old folders go as a whole; files are read again.

use std::fs;
use std::io;
use std::path::Path;

use super::cache::{self, SUMMARIES};
use super::error::StoreError;
use super::journal::{Entry, Journal, Repositories};
use super::{codec, pack};
use crate::model::digest::Digest;
use crate::model::summary::{Summary, SummaryKey};

/// The model of summaries that cost nothing.
const FREE_MODEL: &str = "offline";

/// Removes a pack of another format.
pub(super) fn discard_pack(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join(pack::NAME);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", &path, error))
        }
        _ => Ok(()),
    }
}

/// Copies what was paid for and is missing in the journal from the sled database of the earlier format, and removes that.
pub(super) fn keep_paid(folder: &Path, journal: &Journal) -> Result<(), StoreError> {
    let mut entries = Vec::new();
    cache::each_of_newest(folder, |key, sealed| {
        if let Ok(digest) = key.try_into() {
            let key = SummaryKey(Digest(digest));
            let found = codec::unseal::<(u32, Summary)>(SUMMARIES, &digest, sealed);
            if let Some((_, summary)) = found
                && summary.model != FREE_MODEL
                && !journal.holds(key)
            {
                entries.push(Entry::Answer(key, summary));
            }
        } else if key == super::REPOSITORIES
            && let Some(list) = codec::unseal::<Repositories>(SUMMARIES, key, sealed)
            && list.number > journal.repositories().number
        {
            entries.push(Entry::Repositories(list));
        }
    });
    journal.append(&entries, true)?;
    cache::remove_all(folder)
}
