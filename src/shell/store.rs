//! The store: summaries by their key, outlines, what is known of each node, and what was used.
//!
//! Three files. The **journal** (`answers.journal`) is the truth of what cannot be made again for free: summaries that
//! were paid for, the list of watched repositories, usage by day. The **cache** (sled) contains the same summaries, for
//! the day when the journal is damaged. The **pack** contains what can be made again from the repositories: outlines,
//! summaries made on this machine, records of nodes. Cache and pack may be lost at any time. Every value has a checksum:
//! a reader gets what was written, or nothing.
//!
//! It must never decide what is stale, and never return from memory what the disk would not have after a crash.

mod background_io;
mod batches;
mod cache;
mod codec;
mod collect;
mod error;
mod folder;
mod frame;
mod journal;
mod migrate;
mod notes;
mod owner;
mod pack;
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
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

pub use self::collect::{Collected, InUse, Limits};
pub use self::error::StoreError;
pub use self::folder::{FORMAT, format_of};
pub use self::portable::{Portable, day_of};
pub use self::survey::{Totals, Users};
pub use self::verify::Verified;

use self::cache::{Cache, SUMMARIES, change};
use self::journal::{Entry, Journal, Repositories};
use self::owner::Owner;
use self::pack::{Pack, Table};
use self::records::repository_prefix;
use crate::model::digest::Digest;
use crate::model::outline::Outline;
use crate::model::summary::{Summary, SummaryKey};

/// The note with the list of repositories, for the day when the journal is damaged.
const REPOSITORIES: &[u8] = b"repositories";

/// The open store. All methods block on the disk, and may be called from many threads.
pub struct Store {
    cache: Cache,
    pack: Pack,
    journal: Journal,
    /// Held while summaries that were paid for, repositories or usage are written.
    writing: Mutex<()>,
    /// Held while unused values are removed, and shared while records are read: what they name would be in use a moment
    /// later.
    collecting: RwLock<()>,
    /// Summaries that are about to be removed, unless they are read first.
    condemned: Mutex<HashSet<SummaryKey>>,
    /// Whether the records name all that watched repositories use, apart from what the loop knows; see `collect`.
    whole: AtomicBool,
    /// Losses of the pack that are known to `whole`.
    lost_before: AtomicU64,
    /// Bytes of the pack's values that were live when that was last counted.
    live_bytes: AtomicU64,
    /// What each summary that is read goes through.
    cleaning: fn(Summary) -> Summary,
    /// The day's number since 1970, UTC; tests have days of their own.
    clock: fn() -> u32,
    notes: Vec<String>,
    /// Declared last: released when everything else is closed.
    owner: Owner,
}

impl Store {
    /// Opens the store in `data_dir`, creates it if it is missing (mode 0700), and holds it until it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process holds it, [`StoreError::Newer`] when a newer version wrote it,
    /// [`StoreError::Io`] when the operating system refuses.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        folder::make(data_dir)?;
        let owner = Owner::take(data_dir)?;
        let mut notes = Vec::new();
        let is_current = folder::check_format(data_dir, &mut notes)?;
        if !is_current {
            migrate::discard_pack(data_dir)?;
        }
        // Both read their files through: side by side they take the time of the slower one.
        let (journal, pack) = std::thread::scope(|scope| {
            let pack = std::thread::Builder::new().spawn_scoped(scope, || Pack::open(data_dir));
            let journal = Journal::open(data_dir, &mut notes);
            let pack = match pack {
                Ok(thread) => thread.join().unwrap_or_else(|_| Pack::open(data_dir)),
                Err(_) => Pack::open(data_dir),
            };
            (journal, pack)
        });
        let journal = journal?;
        if !is_current {
            migrate::keep_paid(data_dir, &journal)?;
            folder::write_format(data_dir, FORMAT)?;
        }
        let store = Self {
            cache: Cache::open(data_dir),
            pack: pack?,
            journal,
            writing: Mutex::new(()),
            collecting: RwLock::new(()),
            condemned: Mutex::default(),
            whole: AtomicBool::new(false),
            lost_before: AtomicU64::new(0),
            live_bytes: AtomicU64::new(0),
            clock: day_by_the_clock,
            cleaning: std::convert::identity,
            notes,
            owner,
        };
        store.arrive()?;
        // The list of repositories is stored twice: the later one is right.
        let noted: Option<Repositories> = store.noted(REPOSITORIES);
        if let Some(list) = noted.filter(|list| list.number > store.journal.repositories().number) {
            store.append(&[Entry::Repositories(list)], true)?;
        }
        Ok(store)
    }

    /// Passes each summary that is read through `cleaning`: what an earlier version stored is not trusted.
    pub fn cleaned_by(mut self, cleaning: fn(Summary) -> Summary) -> Self {
        self.cleaning = cleaning;
        self
    }

    /// What people should hear of: damage that was found, and what was done about it. One line each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        notes.extend(self.cache.notes());
        notes.extend(self.pack.notes());
        notes
    }

    /// The summary of that key.
    ///
    /// # Errors
    /// Neither file can be read.
    pub fn summary(&self, key: SummaryKey) -> Result<Option<Summary>, StoreError> {
        Ok(self.stored_summary(key)?.map(self.cleaning))
    }

    fn stored_summary(&self, key: SummaryKey) -> Result<Option<Summary>, StoreError> {
        self.condemned().remove(&key);
        if !self.journal.holds(key)
            && let Some(value) = self.pack.get(Table::Summary, &key.0.0)?
        {
            return Ok(codec::decode(&value));
        }
        let sealed = self.cache.read(|trees| trees.summaries.get(key.0.0));
        if let Ok(Some(sealed)) = &sealed
            && let Some((_, summary)) = codec::unseal::<(u32, Summary)>(SUMMARIES, &key.0.0, sealed)
        {
            return Ok(Some(summary));
        }
        // After a crash, or when the cache was lost, what was paid for is in the journal only.
        let Some(summary) = self.journal.answer(key)? else {
            if let Ok(Some(_)) = sealed {
                // Damaged, and nowhere else.
                let _ = self.cache.with(|trees| trees.summaries.remove(key.0.0));
            }
            return sealed.map(|_| None);
        };
        if let Some(sealed) = codec::seal(SUMMARIES, &key.0.0, &(self.today(), &summary)) {
            // Only the next reading is slower without it.
            let _ = self
                .cache
                .with(|trees| trees.summaries.insert(key.0.0, &sealed[..]));
        }
        Ok(Some(summary))
    }

    /// Stores summaries that were paid for: they are on the disk when this returns.
    ///
    /// # Errors
    /// They could not be written; then none of the batch can be relied on.
    pub fn put_paid(&self, batch: &[(SummaryKey, Summary)]) -> Result<(), StoreError> {
        let _writing = self.write();
        let today = self.today();
        let mut entries = Vec::new();
        // The last one of a key counts, and is counted once.
        let batch: BTreeMap<_, _> = batch.iter().map(|(key, summary)| (key, summary)).collect();
        for (&key, &summary) in &batch {
            if !self.journal.holds(*key) || self.journal.answer(*key)?.as_ref() != Some(summary) {
                entries.push(Entry::Answer(*key, summary.clone()));
            }
        }
        self.append(&entries, true)?;
        let mut changes = Vec::new();
        for (&key, &summary) in &batch {
            self.condemned().remove(key);
            let sealed = codec::seal(SUMMARIES, &key.0.0, &(today, summary));
            changes.extend(sealed.map(|sealed| (key.0.0.to_vec(), Some(sealed))));
        }
        let keys = batch.keys().map(|key| key.0.0);
        self.pack.remove(Table::Summary, keys);
        // What the journal holds is stored, whatever becomes of the cache.
        let _ = self.cache.with(|trees| change(&trees.summaries, &changes));
        Ok(())
    }

    /// Stores what costs nothing to make again, in one write: outlines, each with its key (which the caller made of
    /// content, language and the parser's version) and the digest of its syntax, and summaries. A power cut may lose
    /// those of the last seconds.
    ///
    /// # Errors
    /// It could not be written.
    pub fn put_free(
        &self,
        outlines: &[(Digest, Digest, &Outline)],
        summaries: &[(SummaryKey, Summary)],
    ) -> Result<(), StoreError> {
        let mut batch = Vec::with_capacity(outlines.len() + summaries.len());
        for (key, syntax, outline) in outlines {
            // A value that is too large to keep is made again when it is needed.
            if let Some(value) = codec::encode(&(syntax, outline)) {
                batch.push((Table::Outline, key.0, value));
            }
        }
        for (key, summary) in summaries {
            self.condemned().remove(key);
            // A key has one text: the first one stays.
            if !self.pack.contains(Table::Summary, &key.0.0)
                && !self.journal.holds(*key)
                && let Some(value) = codec::encode(summary)
            {
                batch.push((Table::Summary, key.0.0, value));
            }
        }
        self.pack.put(self.today(), batch)
    }

    /// The outline stored under a key, with the digest of the syntax.
    ///
    /// # Errors
    /// The pack cannot be read.
    pub fn outline(&self, key: Digest) -> Result<Option<(Digest, Outline)>, StoreError> {
        let value = self.pack.get(Table::Outline, &key.0)?;
        Ok(value.and_then(|value| codec::decode(&value)))
    }

    /// The watched repositories, in the order of their paths.
    ///
    /// # Errors
    /// None today: the list is read when the store is opened.
    pub fn repositories(&self) -> Result<Vec<PathBuf>, StoreError> {
        let all = self.journal.repositories().paths.into_iter();
        Ok(all
            .map(|bytes| PathBuf::from(std::ffi::OsString::from_vec(bytes)))
            .collect())
    }

    /// Adds a watched repository. On the disk when this returns.
    ///
    /// # Errors
    /// It could not be written.
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
    /// It could not be written.
    pub fn remove_repository(&self, root: &Path) -> Result<(), StoreError> {
        self.change_repositories(|all| {
            all.retain(|known| OsStr::from_bytes(known) != root.as_os_str())
        })?;
        self.drop_records(&repository_prefix(root))
    }

    /// Checks that no other process has taken the store; each durable write checks it as well.
    ///
    /// # Errors
    /// [`StoreError::Shared`] when one has.
    pub fn check_owner(&self) -> Result<(), StoreError> {
        self.owner.check()
    }

    /// Brings what can be made again (records, outlines, free summaries) to the disk, too: nothing else does it.
    ///
    /// # Errors
    /// It could not be written.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.owner.check()?;
        self.pack.flush()?;
        self.cache.flush()
    }

    /// How many summaries are stored, and how many bytes the store takes on disk. Cheap.
    pub fn statistics(&self) -> (u64, u64) {
        let summaries = self.journal.answers().saturating_add(self.pack.summaries());
        (summaries, self.bytes())
    }

    fn bytes(&self) -> u64 {
        let both = self.journal.bytes().saturating_add(self.pack.bytes());
        both.saturating_add(self.cache.bytes())
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
        self.append(&[Entry::Repositories(list.clone())], true)?;
        self.note(REPOSITORIES, &list);
        Ok(())
    }

    /// Appends to the journal. With `durable`, the entries are on the disk when this returns; without, they survive the
    /// process, not a power cut.
    fn append(&self, entries: &[Entry], durable: bool) -> Result<(), StoreError> {
        if !entries.is_empty() {
            self.owner.check()?;
        }
        self.journal.append(entries, durable)
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
