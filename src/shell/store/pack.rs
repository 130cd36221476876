//! The pack: what costs nothing to make again (outlines, summaries made on this machine, records of nodes), in one
//! file.
//!
//! The file is only ever appended to, one compressed block for each batch; an index in memory says where a value is. A
//! later value of a key replaces earlier ones, and rewriting the file gives back their space. The file may be lost at
//! any time: a damaged block is skipped, and what it contained is read again from the repositories. It must never
//! return anything but the value that was written last under a key.

mod block;
mod index;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use self::block::Block;
pub(super) use self::block::{Item, Table};
use self::index::Index;
use super::error::StoreError;
use super::folder;

/// The file's name.
pub(super) const NAME: &str = "cache.pack";
/// Bytes of values from which a block is full: reading one value decompresses all of its block.
const BLOCK_BYTES: usize = 64 << 10;
/// Blocks that stay in memory: neighbours are often read one after the other.
const RECENT: usize = 16;

/// A value to be written.
pub(super) type Value = (Table, [u8; 16], Vec<u8>);

/// The open pack.
pub(super) struct Pack {
    path: PathBuf,
    /// Where the next block goes. Held while one is written, and while the file is rewritten.
    end: Mutex<u64>,
    state: RwLock<State>,
    /// Blocks read last, by their number modulo `RECENT`.
    recent: [Mutex<Recent>; RECENT],
    notes: Mutex<Vec<String>>,
    /// How many blocks were found damaged.
    losses: AtomicU64,
}

/// A block's number, and the block.
type Recent = Option<(u32, Arc<Block>)>;

struct State {
    file: File,
    index: Index,
}

impl Pack {
    /// Opens or makes the file, and skips what is damaged.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(NAME);
        // What a process wrote that was killed before it could put it in the old one's place.
        let _ = fs::remove_file(rewritten(&path));
        let failed = |source| StoreError::io("read", &path, source);
        let options = || folder::private().read(true).truncate(false).open(&path);
        let file = options().map_err(failed)?;
        let (index, end, damaged) = load(&file).map_err(failed)?;
        let pack = Self {
            end: Mutex::new(end),
            state: RwLock::new(State { file, index }),
            recent: Default::default(),
            notes: Mutex::default(),
            losses: AtomicU64::new(0),
            path,
        };
        if damaged > 0 {
            pack.lost(damaged);
        }
        Ok(pack)
    }

    /// Appends values. They survive this process at once, and a power cut after the next [`Self::flush`].
    pub fn put(&self, day: u32, batch: impl IntoIterator<Item = Value>) -> Result<(), StoreError> {
        let mut blocks = Blocks::default();
        let mut written = Vec::new();
        for (table, key, value) in batch {
            blocks.add(table, key, day, &value);
            if blocks.is_full() {
                written.extend(blocks.take().map_err(|source| self.failed(source))?);
            }
        }
        written.extend(blocks.take().map_err(|source| self.failed(source))?);
        for (items, bytes) in written {
            self.append(&items, &bytes)?;
        }
        Ok(())
    }

    fn append(&self, items: &[Item], bytes: &[u8]) -> Result<(), StoreError> {
        let mut end = lock(&self.end);
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if let Err(source) = state.file.write_all_at(bytes, *end) {
                // Where this fails, too, the next block is written over it.
                let _ = state.file.set_len(*end);
                return Err(self.failed(source));
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.index.add(*end, bytes.len() as u32, items);
        *end += bytes.len() as u64;
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, table: Table, key: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = state.index.find(table, key) else {
            return Ok(None);
        };
        let mut recent = lock(&self.recent[place.block as usize % RECENT]);
        let block = match &*recent {
            Some((number, block)) if *number == place.block => Arc::clone(block),
            _ => {
                let Some(block) = self.read(&state, place.block)? else {
                    drop((recent, state));
                    self.remove_block(place.block);
                    return Ok(None);
                };
                let block = Arc::new(block);
                *recent = Some((place.block, Arc::clone(&block)));
                block
            }
        };
        drop(recent);
        let slot = place.slot as usize;
        let is_it = |item: &&Item| item.table == table && item.key == *key;
        let found = block.items.get(slot).filter(is_it);
        Ok(found.and_then(|_| Some(block.value(slot)?.to_vec())))
    }

    /// Whether there is a value of that key, as far as the index knows.
    pub fn contains(&self, table: Table, key: &[u8; 16]) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.index.find(table, key).is_some()
    }

    /// Hands each batch of records with its repository and day to `each`, from the oldest to the newest.
    pub fn records(&self, mut each: impl FnMut(&[u8; 16], u32, &[u8])) -> Result<(), StoreError> {
        let damaged = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let mut damaged = Vec::new();
            for &number in &state.index.records {
                match self.read(&state, number)? {
                    Some(block) => block
                        .each()
                        .filter(|(item, _)| item.table == Table::Records)
                        .for_each(|(item, value)| each(&item.key, item.day, value)),
                    None => damaged.push(number),
                }
            }
            damaged
        };
        damaged
            .into_iter()
            .for_each(|number| self.remove_block(number));
        Ok(())
    }

    /// Hands each value that counts, records aside, to `each`. With `whole`, the values are read and checked, else they are
    /// empty. Returns how many blocks are damaged.
    pub fn each(&self, whole: bool, mut each: impl FnMut(&Item, &[u8])) -> Result<u64, StoreError> {
        let mut damaged = Vec::new();
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        for number in 0..state.index.blocks.len() as u32 {
            let (offset, length) = state.index.blocks[number as usize];
            if length == 0 {
                continue;
            }
            let counts = |slot: usize, item: &Item| {
                let place = state.index.find(item.table, &item.key);
                place.is_some_and(|place| place.block == number && place.slot == slot as u32)
            };
            if whole {
                match self.read(&state, number)? {
                    Some(block) => (block.each().enumerate())
                        .filter(|(slot, (item, _))| counts(*slot, item))
                        .for_each(|(_, (item, value))| each(item, value)),
                    None => damaged.push(number),
                }
            } else {
                let end = offset + u64::from(length);
                let found = block::find(&state.file, offset, end);
                let found = found.map_err(|source| self.failed(source))?;
                let items = found.map(|found| found.items).unwrap_or_default();
                (items.iter().enumerate())
                    .filter(|(slot, item)| counts(*slot, item))
                    .for_each(|(_, item)| each(item, &[]));
            }
        }
        drop(state);
        let many = damaged.len() as u64;
        damaged
            .into_iter()
            .for_each(|number| self.remove_block(number));
        Ok(many)
    }

    /// Removes keys from the index; their space is given back by [`Self::rewrite`], and a restart before it brings them
    /// back.
    pub fn remove(&self, table: Table, keys: impl IntoIterator<Item = [u8; 16]>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            state.index.remove(table, &key);
        }
    }

    /// Rewrites the file with the values that count and the batches of `records`, which is called while nothing is written.
    /// `day` dates a value anew. Readers wait only for the last step. Where it fails, all is as before.
    pub fn rewrite(
        &self,
        day: impl Fn(&Item) -> u32,
        records: impl FnOnce() -> Result<Vec<([u8; 16], u32, Vec<u8>)>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut end = lock(&self.end);
        let path = rewritten(&self.path);
        let failed = |source| StoreError::io("rewrite", &self.path, source);
        let outcome = (|| {
            let mut new = Rewriting::begin(&path).map_err(failed)?;
            for (repository, day, batch) in records()? {
                new.add(Table::Records, repository, day, &batch)
                    .map_err(failed)?;
            }
            let mut problem = None;
            self.each(true, |item, value| {
                let added = new.add(item.table, item.key, day(item), value);
                problem = problem.take().or(added.err());
            })?;
            problem.map_or(Ok(()), |source| Err(failed(source)))?;
            let new = new.finish().map_err(failed)?;
            fs::rename(&path, &self.path).map_err(failed)?;
            Ok(new)
        })();
        if outcome.is_err() {
            let _ = fs::remove_file(&path);
        }
        let (file, index, length) = outcome?;
        *end = length;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State { file, index };
        for recent in &self.recent {
            *lock(recent) = None;
        }
        // The old file is as good until the name is on the disk.
        let _ = folder::sync_folder(self.path.parent().unwrap_or(Path::new("/")));
        Ok(())
    }

    /// Brings all that was written to the disk.
    pub fn flush(&self) -> Result<(), StoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.file.sync_data().map_err(|source| self.failed(source))
    }

    /// The number of summaries.
    pub fn summaries(&self) -> u64 {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.index.summaries()
    }

    /// Bytes of all values, including those that no longer count.
    pub fn raw_bytes(&self) -> u64 {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.index.raw_bytes
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        *lock(&self.end)
    }

    /// What people should hear of.
    pub fn notes(&self) -> Vec<String> {
        lock(&self.notes).clone()
    }

    /// How many blocks were found damaged.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    fn read(&self, state: &State, number: u32) -> Result<Option<Block>, StoreError> {
        let (offset, length) = state.index.blocks[number as usize];
        block::read(&state.file, offset, length).or_else(|source| match source.kind() {
            // Another program shortened the file.
            io::ErrorKind::UnexpectedEof => Ok(None),
            _ => Err(self.failed(source)),
        })
    }

    /// A block is damaged: nothing of it is found any more, after a restart either.
    fn remove_block(&self, number: u32) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&(offset, _)) = state.index.blocks.get(number as usize) {
            let _ = state.file.write_all_at(b"gone", offset);
        }
        state.index.remove_block(number);
        drop(state);
        self.lost(1);
    }

    fn lost(&self, blocks: u64) {
        self.losses.fetch_add(blocks, Ordering::Relaxed);
        let note = format!(
            "{} was damaged: what the damaged part contained is read again; what was paid for is kept",
            self.path.display()
        );
        let mut notes = lock(&self.notes);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    fn failed(&self, source: io::Error) -> StoreError {
        StoreError::io("use", &self.path, source)
    }
}

/// Gathers values into blocks.
#[derive(Default)]
struct Blocks {
    items: Vec<Item>,
    values: Vec<u8>,
}

impl Blocks {
    fn add(&mut self, table: Table, key: [u8; 16], day: u32, value: &[u8]) {
        let length = value.len() as u32;
        self.items.push(Item {
            table,
            key,
            day,
            length,
        });
        self.values.extend_from_slice(value);
    }

    fn is_full(&self) -> bool {
        self.values.len() >= BLOCK_BYTES
    }

    /// The gathered values as a block, and their items; `None` without any.
    fn take(&mut self) -> io::Result<Option<(Vec<Item>, Vec<u8>)>> {
        let Self { items, values } = std::mem::take(self);
        if items.is_empty() {
            return Ok(None);
        }
        let bytes = block::encode(&items, &values)?;
        Ok(Some((items, bytes)))
    }
}

/// A new file that grows beside the old one.
struct Rewriting {
    file: File,
    index: Index,
    end: u64,
    blocks: Blocks,
}

impl Rewriting {
    fn begin(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: folder::private().read(true).truncate(true).open(path)?,
            index: Index::default(),
            end: 0,
            blocks: Blocks::default(),
        })
    }

    fn add(&mut self, table: Table, key: [u8; 16], day: u32, value: &[u8]) -> io::Result<()> {
        self.blocks.add(table, key, day, value);
        match self.blocks.is_full() {
            true => self.write(),
            false => Ok(()),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if let Some((items, bytes)) = self.blocks.take()? {
            self.file.write_all_at(&bytes, self.end)?;
            self.index.add(self.end, bytes.len() as u32, &items);
            self.end += bytes.len() as u64;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<(File, Index, u64)> {
        self.write()?;
        self.file.sync_all()?;
        Ok((self.file, self.index, self.end))
    }
}

/// The index of a file, the end of its last whole block, and how many places in front of it are damaged.
fn load(file: &File) -> io::Result<(Index, u64, u64)> {
    let length = file.metadata()?.len();
    let (mut index, mut end, mut damaged) = (Index::default(), 0, 0);
    let mut at = 0;
    while at < length {
        match block::find(file, at, length)? {
            Some(found) => {
                if at > end {
                    damaged += 1;
                }
                index.add(at, found.length, &found.items);
                at += u64::from(found.length);
                end = at;
            }
            None => at = block::next(file, at, length)?,
        }
    }
    if end < length {
        // The end of a block that was not written whole; the next one takes its place.
        file.set_len(end)?;
    }
    Ok((index, end, damaged))
}

fn rewritten(path: &Path) -> PathBuf {
    path.with_extension("pack.new")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
