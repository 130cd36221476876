//! The cache: a second copy of the summaries that were paid for, in sled, for the day when the journal is damaged.
//!
//! It is opened when it is first needed, and may be lost at any time: a damaged one is set aside and an empty one takes
//! its place while the daemon runs. It must never let a panic of sled through, and never return bytes as they are: the
//! codec has the last word.

mod trees;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::error::StoreError;
use super::folder;

pub(super) use trees::{BATCH, SUMMARIES, Trees, change};
use trees::{Trouble, close, copy_trees, guarded, open_trees, sync_files};

/// After the operating system refused to open it, it is not tried again for this time.
const REFUSED_PATIENCE: Duration = Duration::from_secs(1);

/// Where a new copy of the cache is written. A copy that is found at the start was never finished.
const COPY: &str = "copy";

/// The cache, and what is needed to open it again.
pub(super) struct Cache {
    folder: PathBuf,
    state: RwLock<State>,
    notes: Mutex<Vec<String>>,
    /// Whether there is a database to open.
    exists: AtomicBool,
}

struct State {
    /// Grows whenever the handles change: of many callers that met the same damage, one repairs it.
    generation: u64,
    trees: Option<Trees>,
    /// When the operating system last refused to open it, and how.
    refused: Option<(Instant, io::ErrorKind)>,
}

impl Cache {
    /// The cache below the store's folder. Opens nothing.
    pub fn open(folder: &Path) -> Self {
        let cache = Self {
            folder: folder.to_path_buf(),
            state: RwLock::new(State {
                generation: 0,
                trees: None,
                refused: None,
            }),
            notes: Mutex::new(Vec::new()),
            exists: AtomicBool::new(false),
        };
        cache.sweep();
        let exists = cache.number() > 0;
        cache.exists.store(exists, Ordering::Relaxed);
        cache
    }

    /// Runs `act` on the trees, if there are any. Nothing is created.
    pub fn read<T: Default>(
        &self,
        act: impl Fn(&Trees) -> sled::Result<T>,
    ) -> Result<T, StoreError> {
        match self.exists.load(Ordering::Relaxed) {
            true => self.with(act),
            false => Ok(T::default()),
        }
    }

    /// Runs `act` on the trees, which are created if they are missing. Damaged ones are replaced by empty ones, and `act`
    /// runs once more.
    pub fn with<T>(&self, act: impl Fn(&Trees) -> sled::Result<T>) -> Result<T, StoreError> {
        let (generation, trouble) = match self.attempt(&act) {
            Ok(value) => return Ok(value),
            Err(failed) => failed,
        };
        self.renew(generation, &trouble)?;
        self.exists.store(true, Ordering::Relaxed);
        self.attempt(&act)
            .map_err(|(_, trouble)| trouble.into_error(&self.folder))
    }

    /// Hands every key and value to `each`, in the order of the keys.
    ///
    /// # Errors
    /// It could not be read to its end: then `each` has seen only a part of it.
    pub fn each(&self, mut each: impl FnMut(&[u8], &[u8])) -> Result<(), StoreError> {
        let mut from = Vec::new();
        let mut generation = None;
        loop {
            let piece = self.read(|trees| {
                let items = trees.summaries.range(from.clone()..).take(BATCH);
                items.collect::<sled::Result<Vec<_>>>()
            })?;
            if *generation.get_or_insert_with(|| self.generation()) != self.generation() {
                return Err(StoreError::Damaged {
                    what: "the cache was set aside while it was read: try again".to_owned(),
                });
            }
            piece.iter().for_each(|(key, value)| each(key, value));
            let Some((last, _)) = piece.last() else {
                return Ok(());
            };
            // The least key above the last one.
            from = [last, &[0][..]].concat();
        }
    }

    fn generation(&self) -> u64 {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.generation
    }

    /// What people should hear of.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.clone()
    }

    /// Adds to what people should hear of, once.
    fn note(&self, note: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// Brings all that was written to the disk. A crash of the machine costs the cache what came after.
    pub fn flush(&self) -> Result<(), StoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let is_open = state.trees.is_some();
        drop(state);
        match is_open {
            true => self.with(|trees| trees.db.flush().map(|_| ())),
            false => Ok(()),
        }
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.read(|trees| trees.db.size_on_disk()).unwrap_or(0)
    }

    /// Copies what lives into a new folder, which takes the old one's place: sled gives no space back by itself.
    /// Everybody else waits meanwhile. Where it fails, all is as before.
    pub fn rebuild(&self) -> Result<(), StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let Some(trees) = state.trees.take() else {
            return Ok(());
        };
        let (copy, old) = (self.folder.join(COPY), self.newest());
        let new = self
            .folder
            .join(format!("cache-{}", self.number().max(1) + 1));
        let _ = fs::remove_dir_all(&copy);
        let renamed = copy_trees(&trees, &copy).and_then(|()| {
            sync_files(&copy)
                .and_then(|()| fs::rename(&copy, &new))
                .map_err(Trouble::Io)
        });
        if let Err(trouble) = renamed {
            state.trees = Some(trees);
            let _ = fs::remove_dir_all(&copy);
            return Err(trouble.into_error(&copy));
        }
        state.generation += 1;
        close(trees);
        // If this fails, the next caller tries again.
        state.trees = Some(open_trees(&new).map_err(|trouble| trouble.into_error(&new))?);
        let _ = fs::remove_dir_all(old);
        Ok(())
    }

    /// Removes what an earlier process left: old caches whose removal it did not live to see, and unfinished copies.
    fn sweep(&self) {
        let newest = self.number();
        for number in self.numbers().filter(|number| *number < newest) {
            let _ = fs::remove_dir_all(self.folder.join(format!("cache-{number}")));
        }
        let _ = fs::remove_dir_all(self.folder.join(COPY));
    }

    fn attempt<T>(&self, act: impl Fn(&Trees) -> sled::Result<T>) -> Result<T, (u64, Trouble)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match &state.trees {
            Some(trees) => guarded(|| act(trees)).map_err(|trouble| (state.generation, trouble)),
            None => Err((state.generation, Trouble::Closed)),
        }
    }

    /// Closes what is open and opens it again; what was damaged is set aside first.
    fn renew(&self, generation: u64, trouble: &Trouble) -> Result<(), StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation != generation {
            return Ok(());
        }
        if let (Trouble::Closed, Some((since, kind))) = (trouble, state.refused)
            && since.elapsed() < REFUSED_PATIENCE
        {
            let source = io::Error::from(kind);
            return Err(StoreError::io("open", &self.newest(), source));
        }
        state.generation += 1;
        if let Some(trees) = state.trees.take() {
            close(trees);
        }
        if let Trouble::Damaged(what) = trouble {
            self.set_aside(what)?;
        }
        let path = self.newest();
        let opened = match open_trees(&path) {
            Err(Trouble::Damaged(what)) => {
                self.set_aside(&what)?;
                open_trees(&self.newest())
            }
            other => other,
        };
        match opened {
            Ok(trees) => {
                state.trees = Some(trees);
                state.refused = None;
                Ok(())
            }
            Err(trouble) => {
                let error = trouble.into_error(&path);
                if let StoreError::Io { source, .. } = &error {
                    state.refused = Some((Instant::now(), source.kind()));
                }
                Err(error)
            }
        }
    }

    /// The folder that is in use: the one of the highest number. A new cache never takes an old one's path, because a
    /// thread of the old one may still be writing there.
    fn newest(&self) -> PathBuf {
        self.folder.join(format!("cache-{}", self.number().max(1)))
    }

    fn number(&self) -> u64 {
        self.numbers().max().unwrap_or(0)
    }

    fn numbers(&self) -> impl Iterator<Item = u64> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix("cache-")?.parse().ok()
        })
    }

    /// Renames the damaged cache to `corrupt-<seconds since 1970>`. Only the last one is kept: they are large.
    fn set_aside(&self, what: &str) -> Result<(), StoreError> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            if entry.file_name().to_string_lossy().starts_with("corrupt-") {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let old = self.newest();
        let next = self.number().max(1) + 1;
        let aside = self.folder.join(format!("corrupt-{seconds}"));
        match fs::rename(&old, &aside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::io("set aside", &old, source)),
        }
        folder::make(&self.folder.join(format!("cache-{next}")))?;
        self.note(format!(
            "the cache was damaged ({what}): it was set aside as {} and is built anew; what was paid for is kept",
            aside.display()
        ));
        Ok(())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(trees) = state.trees.take() {
            close(trees);
        }
    }
}

/// Hands every key and value of the newest database in a folder to `each`, as far as it can be read; closes it.
pub(super) fn each_of_newest(folder: &Path, mut each: impl FnMut(&[u8], &[u8])) {
    let cache = Cache::open(folder);
    let _ = cache.each(&mut each);
}

/// Removes all databases of a folder, those that were set aside as well.
pub(super) fn remove_all(folder: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::io("read", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if ["cache-", "corrupt-"]
            .iter()
            .any(|start| name.starts_with(start))
            || name == COPY
        {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(|source| StoreError::io("remove", &path, source))?;
        }
    }
    Ok(())
}
