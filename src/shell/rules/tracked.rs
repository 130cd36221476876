//! The files that git tracks, as a set of hashes: eight bytes for each file and for each directory above one.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use xxhash_rust::xxh3::xxh3_64;

use super::index;
use crate::model::stat::Stat;
use crate::shell::lstat;

/// The tracked paths of one work tree, relative to its top.
#[derive(Debug)]
pub(super) struct Tracked {
    file: PathBuf,
    sha256: bool,
    state: RwLock<State>,
    /// Tracked paths that a rule would ignore: only for them it matters whether git still tracks them.
    used: Mutex<BTreeSet<u64>>,
}

#[derive(Debug, Default)]
struct State {
    /// The index's stat when it was read.
    stat: Option<Stat>,
    /// Sorted.
    hashes: Vec<u64>,
}

impl Tracked {
    /// Reads the index at `file`; without one, nothing is tracked.
    pub(super) fn open(file: PathBuf, sha256: bool) -> Self {
        let state = read(&file, sha256, |_, _| ());
        Self {
            file,
            sha256,
            state: RwLock::new(state),
            used: Mutex::default(),
        }
    }

    /// Whether git tracks a file of that path, or one in a directory of that path, though a rule ignores it.
    pub(super) fn keeps(&self, path: &[u8]) -> bool {
        let hash = xxh3_64(path);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let tracked = state.hashes.binary_search(&hash).is_ok();
        drop(state);
        if tracked {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.insert(hash);
        }
        tracked
    }

    /// Whether a change of the index since it was read affects no ignored path. Such a change is adopted.
    /// `is_ignored` says whether a rule ignores a newly tracked path.
    pub(super) fn is_current(&self, is_ignored: impl Fn(&[u8]) -> bool) -> bool {
        let known = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if known.stat == lstat::stat(&self.file) {
            return true;
        }
        let mut added = Vec::new();
        let now = read(&self.file, self.sha256, |path, hash| {
            if known.hashes.binary_search(&hash).is_err() {
                added.push(path.to_vec());
            }
        });
        drop(known);
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = used
            .iter()
            .all(|hash| now.hashes.binary_search(hash).is_ok());
        drop(used);
        if !kept || added.iter().any(|path| is_ignored(path)) {
            return false;
        }
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = now;
        true
    }
}

fn read(file: &Path, sha256: bool, mut each: impl FnMut(&[u8], u64)) -> State {
    // Taken first: a change while the file is read is then noticed later.
    let stat = lstat::stat(file);
    let mut hashes = HashSet::new();
    index::paths(file, sha256, |path| {
        let hash = xxh3_64(path);
        each(path, hash);
        hashes.insert(hash);
        let slashes = path.iter().enumerate().rev();
        for (slash, _) in slashes.filter(|(_, byte)| **byte == b'/') {
            // The directories above a known one are known.
            if !hashes.insert(xxh3_64(&path[..slash])) {
                break;
            }
        }
    });
    let mut hashes: Vec<u64> = hashes.into_iter().collect();
    hashes.sort_unstable();
    State { stat, hashes }
}
