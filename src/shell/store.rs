//! The store: summaries by their key, outlines, what is known of each node, and what was used up.
//!
//! Two halves. The **journal** (`answers.journal`) is the truth of what cannot be had again for free: summaries that
//! were paid for, the list of watched repositories, usage by day. The **cache** (sled) holds the same summaries for
//! quick reading and everything that can be read again from the repositories; it may be lost at any time, and is then
//! built anew. Every value carries a checksum: what comes out is what went in, or nothing.
//!
//! It must never decide what is stale, and never answer from memory what the disk would not know after a crash.

mod background_io;
mod batches;
mod cache;
mod codec;
mod collect;
mod error;
mod folder;
mod frame;
mod journal;
mod parts;
mod portable;
mod records;
mod survey;
#[cfg(test)]
mod tests;
mod unshared;
mod usage;
mod verify;

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::collect::{Collected, InUse, Limits};
pub use self::error::StoreError;
pub use self::portable::{Portable, day_of};
pub use self::survey::{Totals, Users};
pub use self::verify::Verified;

use self::cache::{Cache, OUTLINES, SUMMARIES, change};
use self::journal::{Entry, Journal, Repositories};
use self::records::repository_prefix;
use crate::model::digest::Digest;
use crate::model::outline::Outline;
use crate::model::summary::{Summary, SummaryKey};

/// Free summaries that may wait in memory for a cache that cannot be written.
const MAX_UNSAVED: usize = 10_000;

/// Where the number of summaries that only the cache holds stands in their tree. No key has that length.
const FREE: &[u8] = b"free";
/// Who writes what costs nothing: such summaries need no place in the journal.
const FREE_AUTHOR: &str = "offline";
/// Where the list of repositories stands in the same tree.
const REPOSITORIES: &[u8] = b"repositories";
/// The open store. All methods block on the disk, and may be called from many threads.
pub struct Store {
    cache: Cache,
    journal: Journal,
    /// Held by whoever writes summaries, repositories or usage.
    writing: Mutex<()>,
    /// Held by whoever removes what is not in use, and shared by those who read records: what they name would be in
    /// use a moment later.
    collecting: RwLock<()>,
    /// Free summaries that the cache could not take, by key: they are read from here and written with the next batch.
    unsaved: Mutex<BTreeMap<SummaryKey, Summary>>,
    /// Summaries that are about to be removed, unless they are read first.
    condemned: Mutex<HashSet<SummaryKey>>,
    /// Whether the records name all that watched repositories use, apart from what the loop knows; see `collect`.
    whole: AtomicBool,
    /// What the cache had lost when that was found out.
    lost_before: AtomicU64,
    /// The day's number since 1970, UTC; tests have days of their own.
    clock: fn() -> u32,
    notes: Vec<String>,
    /// Declared last: let go when everything else is closed.
    _lock: File,
}

impl Store {
    /// Opens the store in `data_dir`, made where it is not there (mode 0700), and holds it until it is dropped. A
    /// damaged cache is set aside as `corrupt-<seconds since 1970>`, with a note.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process holds it, [`StoreError::Newer`] where a newer version wrote it,
    /// [`StoreError::Io`] where the operating system refuses.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        folder::make(data_dir)?;
        let lock = folder::lock(data_dir)?;
        let mut notes: Vec<String> = folder::check_format(data_dir)?.into_iter().collect();
        // Both read their files through: side by side they take the time of the slower one.
        let (journal, cache) = std::thread::scope(|scope| {
            let cache = std::thread::Builder::new().spawn_scoped(scope, || Cache::open(data_dir));
            let journal = Journal::open(data_dir, &mut notes);
            let cache = match cache {
                Ok(thread) => thread.join().unwrap_or_else(|_| Cache::open(data_dir)),
                Err(_) => Cache::open(data_dir),
            };
            (journal, cache)
        });
        let store = Self {
            cache: cache?,
            journal: journal?,
            writing: Mutex::new(()),
            collecting: RwLock::new(()),
            unsaved: Mutex::default(),
            condemned: Mutex::default(),
            whole: AtomicBool::new(false),
            lost_before: AtomicU64::new(0),
            clock: day_by_the_clock,
            notes,
            _lock: lock,
        };
        store.arrive()?;
        // The list of repositories stands in both halves: the later one is right.
        let cached: Option<Repositories> = store.noted(REPOSITORIES);
        if let Some(list) = cached.filter(|list| list.number > store.journal.repositories().number)
        {
            store.journal.append(&[Entry::Repositories(list)], true)?;
        }
        Ok(store)
    }

    /// What a person should hear of: damage that was met, and what was done about it. One line each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        notes.extend(self.cache.notes());
        notes
    }

    /// The summary of that key.
    ///
    /// # Errors
    /// Where neither the cache nor the journal could be read.
    pub fn summary(&self, key: SummaryKey) -> Result<Option<Summary>, StoreError> {
        self.condemned().remove(&key);
        let sealed = self.cache.with(|trees| trees.summaries.get(key.0.0));
        if let Ok(Some(sealed)) = &sealed
            && let Some((_, summary)) = codec::unseal::<(u32, Summary)>(SUMMARIES, &key.0.0, sealed)
        {
            return Ok(Some(summary));
        }
        // After a crash, or when the cache was lost, what was paid for is in the journal only.
        let Some(summary) = self.journal.answer(key)? else {
            if let Some(summary) = self.unsaved().get(&key) {
                return Ok(Some(summary.clone()));
            }
            if let Ok(Some(_)) = sealed {
                // Damaged, and nowhere else: gone, so that the next start has it written anew.
                let _ = self.cache.with(|trees| trees.summaries.remove(key.0.0));
            }
            return sealed.map(|_| None);
        };
        if let Some(sealed) = codec::seal(SUMMARIES, &key.0.0, &(self.today(), &summary)) {
            // The next reading is quicker; if not, not.
            let _ = self
                .cache
                .with(|trees| trees.summaries.insert(key.0.0, &sealed[..]));
        }
        Ok(Some(summary))
    }

    /// Stores summaries that cost nothing. If the cache cannot even be read, they stay in memory and are written with the
    /// next batch: paid work must not wait for them.
    ///
    /// # Errors
    /// The disk is full, or too many summaries wait already.
    pub fn put_free_summaries(&self, batch: &[(SummaryKey, Summary)]) -> Result<(), StoreError> {
        let Err(error) = self.put_summaries(batch, false) else {
            return Ok(());
        };
        let is_readable = self.cache.with(|trees| trees.summaries.get([])).is_ok();
        let mut unsaved = self.unsaved();
        if is_readable || unsaved.len() + batch.len() > MAX_UNSAVED {
            return Err(error);
        }
        unsaved.extend(batch.iter().cloned());
        Ok(())
    }

    /// Writes what [`Self::put_free_summaries`] kept in memory.
    fn save_unsaved(&self) {
        let waiting = std::mem::take(&mut *self.unsaved());
        if !waiting.is_empty() {
            let batch: Vec<_> = waiting.into_iter().collect();
            if self.put_summaries(&batch, false).is_err() {
                self.unsaved().extend(batch);
            }
        }
    }

    fn unsaved(&self) -> std::sync::MutexGuard<'_, BTreeMap<SummaryKey, Summary>> {
        self.unsaved
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Stores summaries. With `durable` they are on the disk when this returns: they cost money. Without, a crash of
    /// the process or the machine may cost those of the last seconds.
    ///
    /// # Errors
    /// Where they could not be written; then none of the batch can be relied on.
    pub fn put_summaries(
        &self,
        batch: &[(SummaryKey, Summary)],
        durable: bool,
    ) -> Result<(), StoreError> {
        let _writing = self.write();
        let today = self.today();
        let mut free = self.free();
        let mut entries = Vec::new();
        // The last one of a key counts, and is counted once.
        let batch: BTreeMap<_, _> = batch.iter().map(|(key, summary)| (key, summary)).collect();
        for (key, &summary) in &batch {
            let key = *key;
            match (durable, self.journal.holds(*key)) {
                (true, false) => {
                    entries.push(Entry::Answer(*key, summary.clone()));
                    free = free.saturating_sub(u64::from(self.cached(*key)));
                }
                (true, true) if self.journal.answer(*key)?.as_ref() != Some(summary) => {
                    entries.push(Entry::Answer(*key, summary.clone()));
                }
                (false, false) => free += u64::from(!self.cached(*key)),
                (_, true) => {}
            }
        }
        self.journal.append(&entries, true)?;
        let mut changes = Vec::new();
        for (key, &summary) in &batch {
            self.condemned().remove(*key);
            let sealed = codec::seal(SUMMARIES, &key.0.0, &(today, summary));
            changes.extend(sealed.map(|sealed| (key.0.0.to_vec(), Some(sealed))));
        }
        let sealed = codec::seal(SUMMARIES, FREE, &free);
        changes.extend(sealed.map(|sealed| (FREE.to_vec(), Some(sealed))));
        let cached = self.cache.with(|trees| change(&trees.summaries, &changes));
        // What the journal holds is stored, whatever becomes of the cache.
        if durable { Ok(()) } else { cached }
    }

    /// The outline stored under a key that the caller made of content, language and the parser's version, with the
    /// digest of the syntax.
    ///
    /// # Errors
    /// Where the cache could not be read, even anew.
    pub fn outline(&self, key: Digest) -> Result<Option<(Digest, Outline)>, StoreError> {
        let sealed = self.cache.with(|trees| trees.outlines.get(key.0))?;
        let dated = sealed
            .and_then(|sealed| codec::unseal::<(u32, Digest, Outline)>(OUTLINES, &key.0, &sealed));
        Ok(dated.map(|(_, syntax, outline)| (syntax, outline)))
    }

    /// Stores an outline; not durable, since it can be had again.
    ///
    /// # Errors
    /// Where the cache could not be written, even anew.
    pub fn put_outline(
        &self,
        key: Digest,
        syntax: Digest,
        outline: &Outline,
    ) -> Result<(), StoreError> {
        let Some(sealed) = codec::seal(OUTLINES, &key.0, &(self.today(), syntax, outline)) else {
            // Too large to keep: it is made again when it is wanted.
            return Ok(());
        };
        self.cache
            .with(|trees| trees.outlines.insert(key.0, &sealed[..]).map(drop))
    }

    /// The repositories that are watched, in the order of their paths.
    ///
    /// # Errors
    /// None today: the list is read when the store is opened.
    pub fn repositories(&self) -> Result<Vec<PathBuf>, StoreError> {
        let all = self.journal.repositories().paths.into_iter();
        Ok(all
            .map(|bytes| PathBuf::from(std::ffi::OsString::from_vec(bytes)))
            .collect())
    }

    /// Adds a repository to those that are watched. On the disk when this returns.
    ///
    /// # Errors
    /// Where it could not be written.
    pub fn add_repository(&self, root: &Path) -> Result<(), StoreError> {
        self.change_repositories(|all| {
            let root = root.as_os_str().as_bytes();
            if let Err(place) = all.binary_search_by(|known| known.as_slice().cmp(root)) {
                all.insert(place, root.to_vec());
            }
        })
    }

    /// Removes a repository, and what is known of its nodes. On the disk when this returns.
    ///
    /// # Errors
    /// Where it could not be written.
    pub fn remove_repository(&self, root: &Path) -> Result<(), StoreError> {
        self.change_repositories(|all| {
            all.retain(|known| OsStr::from_bytes(known) != root.as_os_str())
        })?;
        // Its words were in use until today.
        self.drop_records(&repository_prefix(root), |words| self.touch(words))
    }

    /// Has what can be found out again (records, outlines, free summaries) reach the disk, too. Worth a call when
    /// nothing was written for a moment: nothing else does it soon.
    ///
    /// # Errors
    /// Where it could not be written.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.save_unsaved();
        self.cache.flush()
    }

    /// How many summaries are stored, and how many bytes the store takes on disk. Cheap.
    pub fn statistics(&self) -> (u64, u64) {
        let bytes = self.cache.bytes().saturating_add(self.journal.bytes());
        (self.journal.answers().saturating_add(self.free()), bytes)
    }

    fn change_repositories(
        &self,
        change: impl FnOnce(&mut Vec<Vec<u8>>),
    ) -> Result<(), StoreError> {
        let _writing = self.write();
        let before = self.journal.repositories();
        let mut list = before.clone();
        change(&mut list.paths);
        if list == before {
            return Ok(());
        }
        list.number += 1;
        self.journal
            .append(&[Entry::Repositories(list.clone())], true)?;
        // The journal has it: this is for the day when the journal is damaged.
        self.note(REPOSITORIES, &list);
        Ok(())
    }

    /// How many summaries the cache holds and the journal does not.
    fn free(&self) -> u64 {
        self.noted(FREE).unwrap_or(0)
    }

    /// Writes that beside the summaries; where it fails, it is as if nobody had.
    fn note<T: Serialize>(&self, name: &[u8], value: &T) {
        if let Some(sealed) = codec::seal(SUMMARIES, name, value) {
            let _ = self
                .cache
                .with(|trees| trees.summaries.insert(name, &sealed[..]).map(drop));
        }
    }

    /// What stands beside the summaries under that name.
    fn noted<T: DeserializeOwned>(&self, name: &[u8]) -> Option<T> {
        let sealed = self.cache.with(|trees| trees.summaries.get(name));
        codec::unseal(SUMMARIES, name, &sealed.ok()??)
    }

    fn cached(&self, key: SummaryKey) -> bool {
        self.cache
            .with(|trees| trees.summaries.contains_key(key.0.0))
            .unwrap_or(false)
    }

    fn condemned(&self) -> MutexGuard<'_, HashSet<SummaryKey>> {
        self.condemned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn today(&self) -> u32 {
        (self.clock)()
    }

    fn write(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn day_by_the_clock() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| {
        u32::try_from(since.as_secs() / 86_400).unwrap_or(u32::MAX)
    })
}
