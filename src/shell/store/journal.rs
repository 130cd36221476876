//! The journal: everything that cannot be had again for free, in one file that is only ever appended to.
//!
//! Summaries that were paid for, the list of watched repositories, what was used up on each day, and the batches that
//! are with an endpoint. The cache beside it (sled) may be lost at any time; this file is the truth. It must never say
//! that an entry is stored before the disk has it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::codec;
use super::error::StoreError;
use super::folder;
use super::frame::{self, HEADER_BYTES, Scan};
use super::usage::{Days, Used, UsedBefore};
use crate::model::batch::PendingBatch;
use crate::model::digest::Digest;
use crate::model::summary::{Summary, SummaryKey};

/// Below this many bytes no rewriting is worth while.
const COMPACT_ABOVE: u64 = 1 << 20;

/// One entry. The order of the variants is part of the format: new ones go to the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Entry {
    /// A summary and its key.
    Answer(SummaryKey, Summary),
    /// All watched repositories. The one of the highest number counts.
    Repositories(Repositories),
    /// All that was used on a day (days since 1970), as the first versions wrote it. The last one of a day counts.
    UsedBefore(u64, UsedBefore),
    /// A batch that is with an endpoint, as it is now. The last one of a name counts.
    Batch(PendingBatch),
    /// The batch of that name is over.
    BatchOver(Digest),
    /// All that was used on a day by one repository. The last one of both counts.
    Used(Used),
    /// For which repositories the batch of that name is.
    BatchRoots(Digest, Vec<(Vec<u8>, u64)>),
    /// Summaries that are no longer wanted, and are about to be removed everywhere.
    Removed(Vec<SummaryKey>),
}

/// The watched repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Repositories {
    /// Grows with every change: the list stands in the cache as well, and the later one is right.
    pub number: u64,
    /// The bytes of their paths, in order.
    pub paths: Vec<Vec<u8>>,
}

/// What the entries come to.
#[derive(Clone, Default)]
struct Index {
    /// Where each summary's frame begins.
    answers: HashMap<SummaryKey, u64>,
    /// Summaries that were removed: the cache may still contain them.
    removed: HashSet<SummaryKey>,
    /// Bytes of the frames that still count.
    live: u64,
    repositories: Repositories,
    usage: Days,
    batches: BTreeMap<Digest, PendingBatch>,
    batch_roots: BTreeMap<Digest, Vec<(Vec<u8>, u64)>>,
}

/// The open journal.
pub(super) struct Journal {
    path: PathBuf,
    /// A reader takes this lock before it looks up an offset in the index, and holds it while it reads there.
    file: RwLock<File>,
    /// The offset of the next frame. The holder of this lock is the only writer.
    end: Mutex<u64>,
    index: RwLock<Index>,
}

impl Journal {
    /// Opens or makes the journal, cuts off a torn end, and rewrites it where most of it no longer counts. What a
    /// person should hear of is added to `notes`.
    pub fn open(folder: &Path, notes: &mut Vec<String>) -> Result<Self, StoreError> {
        let path = folder.join("answers.journal");
        // What a process wrote that was killed before it could put it in the old one's place.
        let _ = fs::remove_file(path.with_extension("journal.new"));
        let failed = |source| StoreError::io("read", &path, source);
        let mut file = open_file(&path).map_err(failed)?;
        let (mut index, mut found) = load(&file).map_err(failed)?;
        if found.damaged > 0 {
            notes.push(format!(
                "{} damaged places in {} were skipped",
                found.damaged,
                path.display()
            ));
        }
        if found.end < found.length {
            notes.push(format!(
                "{} bytes of an unfinished entry were cut off {}",
                found.length - found.end,
                path.display()
            ));
            file.set_len(found.end)
                .map_err(|source| StoreError::io("shorten", &path, source))?;
        }
        if found.end > COMPACT_ABOVE && found.end > 2 * index.live_bytes() {
            match compact(folder, &path, &file, &index) {
                Ok(new) => (file, index, found) = new,
                // The old file is as good as it was: only the space is not won.
                Err(error) => {
                    notes.push(format!("could not rewrite {}: {error}", path.display()));
                }
            }
        }
        Ok(Self {
            path,
            file: RwLock::new(file),
            end: Mutex::new(found.end),
            index: RwLock::new(index),
        })
    }

    /// Appends the entries in one go; on return they are on the disk, or none of them counts. With `durable` false
    /// they are only handed to the operating system: they survive this process, not a power cut.
    pub fn append(&self, entries: &[Entry], durable: bool) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let failed = |source| StoreError::io("write", &self.path, source);
        let mut bytes = Vec::new();
        let mut places = Vec::with_capacity(entries.len());
        for entry in entries {
            let place = bytes.len() as u64;
            write_entry(&mut bytes, entry).map_err(failed)?;
            places.push((place, bytes.len() as u64 - place));
        }
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        let written = file
            .write_all_at(&bytes, *end)
            .and_then(|()| if durable { file.sync_data() } else { Ok(()) });
        if let Err(source) = written {
            // Half a batch must not come back at the next start. Where this fails too, the bytes are overwritten by
            // the next batch or cut off as torn.
            let _ = file.set_len(*end);
            return Err(failed(source));
        }
        let start = *end;
        *end += bytes.len() as u64;
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        for (entry, (place, length)) in entries.iter().zip(places) {
            index.add(start + place, length, entry.clone());
        }
        Ok(())
    }

    /// The summary of that key, read from the file. A damaged one is none.
    pub fn answer(&self, key: SummaryKey) -> Result<Option<Summary>, StoreError> {
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        let Some(offset) = self.with(|index| index.answers.get(&key).copied()) else {
            return Ok(None);
        };
        let bytes = frame::read_at(&file, offset)
            .map_err(|source| StoreError::io("read", &self.path, source))?;
        match bytes.and_then(|bytes| codec::decode(&bytes)) {
            Some(Entry::Answer(found, summary)) if found == key => Ok(Some(summary)),
            _ => Ok(None),
        }
    }

    /// Whether it holds a summary of that key.
    pub fn holds(&self, key: SummaryKey) -> bool {
        self.with(|index| index.answers.contains_key(&key))
    }

    /// How many summaries it holds.
    pub fn answers(&self) -> u64 {
        self.with(|index| index.answers.len() as u64)
    }

    /// The offset of the next entry.
    pub fn end(&self) -> u64 {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of the summaries that stand at an offset or behind it.
    pub fn answers_since(&self, start: u64) -> Vec<SummaryKey> {
        self.with(|index| {
            let answers = index.answers.iter();
            let late = answers.filter(|(_, offset)| **offset >= start);
            late.map(|(key, _)| *key).collect()
        })
    }

    /// Reads all of it: hands each summary that counts, with the bytes that its entry takes, to `each`, and tells
    /// what the reading met.
    pub fn read_through(
        &self,
        mut each: impl FnMut(SummaryKey, u64, Summary),
    ) -> Result<Scan, StoreError> {
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        frame::scan(&file, |offset, bytes| {
            if let Some(Entry::Answer(key, summary)) = codec::decode(bytes)
                && self.with(|index| index.answers.get(&key) == Some(&offset))
            {
                each(key, (HEADER_BYTES + bytes.len()) as u64, summary);
            }
        })
        .map_err(|source| StoreError::io("read", &self.path, source))
    }

    /// Forgets summaries that are damaged.
    pub fn forget(&self, keys: &[SummaryKey]) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            index.answers.remove(key);
        }
    }

    /// The summaries that were removed since the file was last rewritten.
    pub fn removed(&self) -> Vec<SummaryKey> {
        self.with(|index| index.removed.iter().copied().collect())
    }

    /// Rewrites the file with what still counts, where that wins at least a half of it, or `always`. Tells whether it
    /// did. Where it fails, all is as before.
    pub fn shrink(&self, always: bool) -> Result<bool, StoreError> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = self.with(Index::clone);
        let worth_while = *end > COMPACT_ABOVE && *end > 2 * wanted.live_bytes();
        if !always && !worth_while {
            return Ok(false);
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        // Writers are blocked meanwhile; readers are not.
        let old = self.file.read().unwrap_or_else(PoisonError::into_inner);
        let (new, index, found) = compact(folder, &self.path, &old, &wanted)
            .map_err(|source| StoreError::io("rewrite", &self.path, source))?;
        drop(old);
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        *file = new;
        *end = found.end;
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        Ok(true)
    }

    /// The watched repositories.
    pub fn repositories(&self) -> Repositories {
        self.with(|index| index.repositories.clone())
    }

    /// Reads what was used up.
    pub fn with_usage<T>(&self, read: impl FnOnce(&Days) -> T) -> T {
        self.with(|index| read(&index.usage))
    }

    /// The batches that are not over.
    pub fn batches(&self) -> Vec<PendingBatch> {
        self.with(|index| {
            let whole = |batch: &PendingBatch| PendingBatch {
                roots: index
                    .batch_roots
                    .get(&batch.name)
                    .cloned()
                    .unwrap_or_default(),
                ..batch.clone()
            };
            index.batches.values().map(whole).collect()
        })
    }

    /// All keys that it holds a summary of.
    pub fn keys(&self) -> Vec<SummaryKey> {
        self.with(|index| index.answers.keys().copied().collect())
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, read: impl FnOnce(&Index) -> T) -> T {
        read(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Index {
    /// Bytes of all that still counts.
    fn live_bytes(&self) -> u64 {
        self.live + self.usage.bytes()
    }

    fn add(&mut self, offset: u64, length: u64, entry: Entry) {
        match entry {
            Entry::Answer(key, _) => {
                self.removed.remove(&key);
                if self.answers.insert(key, offset).is_none() {
                    self.live += length;
                }
            }
            Entry::Repositories(list) => {
                if list.number >= self.repositories.number {
                    self.repositories = list;
                }
            }
            Entry::UsedBefore(day, used) => self.usage.add_before(day, &used),
            Entry::Used(used) => self.usage.add(used),
            Entry::Batch(batch) => {
                self.batches.insert(batch.name, batch);
            }
            Entry::BatchOver(name) => {
                self.batches.remove(&name);
                self.batch_roots.remove(&name);
            }
            Entry::BatchRoots(name, roots) => {
                self.batch_roots.insert(name, roots);
            }
            Entry::Removed(keys) => {
                for key in keys {
                    self.answers.remove(&key);
                    self.removed.insert(key);
                }
            }
        }
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    folder::private().read(true).truncate(false).open(path)
}

fn load(file: &File) -> io::Result<(Index, Scan)> {
    let mut index = Index::default();
    let found = frame::scan(file, |offset, bytes| {
        let length = (HEADER_BYTES + bytes.len()) as u64;
        match codec::decode(bytes) {
            Some(entry) => index.add(offset, length, entry),
            // Whole, and yet unknown: another version wrote it, so it stays.
            None => index.live += length,
        }
    })?;
    Ok((index, found))
}

fn write_entry(into: &mut Vec<u8>, entry: &Entry) -> io::Result<()> {
    let encoded =
        codec::encode(entry).ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
    frame::write(into, &encoded)
}

/// Writes what still counts to a new file, reads that through, and puts it in the old one's place.
fn compact(
    folder: &Path,
    path: &Path,
    file: &File,
    index: &Index,
) -> io::Result<(File, Index, Scan)> {
    let new_path = path.with_extension("journal.new");
    let outcome = write_live(&new_path, file, index).and_then(|new| {
        let (index, found) = load(&new)?;
        fs::rename(&new_path, path)?;
        Ok((new, index, found))
    });
    if outcome.is_err() {
        // What was written of it takes space that is likely what was wanting.
        let _ = fs::remove_file(&new_path);
    }
    let outcome = outcome?;
    // There is no way back from here, and the old file is as good until the name is on the disk.
    let _ = folder::sync_folder(folder);
    Ok(outcome)
}

fn write_live(new_path: &Path, file: &File, index: &Index) -> io::Result<File> {
    let new = folder::private().read(true).truncate(true).open(new_path)?;
    let (mut bytes, mut end) = (Vec::new(), 0);
    let mut outcome = Ok(());
    frame::scan(file, |offset, entry| {
        let counts = match codec::decode(entry) {
            Some(Entry::Answer(key, _)) => index.answers.get(&key) == Some(&offset),
            Some(_) => false,
            None => true,
        };
        if counts && outcome.is_ok() {
            outcome = frame::write(&mut bytes, entry);
        }
        if bytes.len() as u64 > COMPACT_ABOVE && outcome.is_ok() {
            outcome = new.write_all_at(&bytes, end);
            end += bytes.len() as u64;
            bytes.clear();
        }
    })?;
    outcome?;
    // The list twice, as always: nothing else holds it.
    let list = Entry::Repositories(index.repositories.clone());
    let used = index.usage.entries().map(Entry::Used);
    let batches = index.batches.values().cloned().map(Entry::Batch);
    let roots = index.batch_roots.clone().into_iter();
    let roots = roots.map(|(name, roots)| Entry::BatchRoots(name, roots));
    let twice = [list.clone(), list].into_iter();
    for entry in twice.chain(used).chain(batches).chain(roots) {
        write_entry(&mut bytes, &entry)?;
    }
    new.write_all_at(&bytes, end)?;
    new.sync_all()?;
    Ok(new)
}
