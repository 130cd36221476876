//! What is known of each node, under its repository and path.

use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::cache::{BATCH, RECORDS, SUMMARIES, change};
use super::{Store, StoreError, codec};
use crate::model::digest::Hasher;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryKey};

/// In front of a repository's prefix: where the day stands on which its records were last wanted, among the
/// summaries. No key has that length.
pub(super) const SEEN: &[u8] = b"seen:";

impl Store {
    /// The records of a repository's nodes, in the order of their paths as bytes. Words whose summary is not stored
    /// come back as `None`; damaged records are left out, and a note tells how many.
    ///
    /// # Errors
    /// Where the cache could not be read, even anew.
    pub fn records(&self, repository: &Path) -> Result<Vec<(RelPath, NodeRecord)>, StoreError> {
        let _reading = self
            .collecting
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let prefix = repository_prefix(repository);
        self.see(&prefix);
        let mut all = Vec::new();
        let mut damaged = 0;
        // Piece by piece, so that damage further on does not cost what was read before it.
        let mut from = prefix.to_vec();
        loop {
            let piece = self.cache.with(|trees| {
                let mut piece = Vec::with_capacity(BATCH);
                for item in trees.records.range(from.clone()..).take(BATCH) {
                    let (key, value) = item?;
                    if !key.starts_with(&prefix) {
                        break;
                    }
                    piece.push((key, value));
                }
                Ok(piece)
            })?;
            let Some((last, _)) = piece.last() else {
                break;
            };
            // The least key above the last one.
            from = [last, &[0][..]].concat();
            for (key, value) in &piece {
                match codec::unseal::<NodeRecord>(RECORDS, key, value) {
                    Some(record) => all.push((RelPath::new(&key[prefix.len()..]), record)),
                    None => damaged += 1,
                }
            }
        }
        if damaged > 0 {
            self.cache.note(format!(
                "{damaged} damaged records of {} were left out: these files are read again",
                repository.display()
            ));
        }
        self.drop_lost_words(&mut all)?;
        Ok(all)
    }

    /// Stores what is known of nodes; `None` removes. Cheap and not durable: after a crash the files are read again.
    ///
    /// # Errors
    /// Where the cache could not be written, even anew.
    pub fn put_records(
        &self,
        repository: &Path,
        records: &[(RelPath, Option<NodeRecord>)],
    ) -> Result<(), StoreError> {
        let prefix = repository_prefix(repository);
        for chunk in records.chunks(BATCH) {
            let mut changes = Vec::with_capacity(chunk.len());
            let mut let_go = Vec::new();
            for (path, record) in chunk {
                let key = [&prefix, path.as_bytes()].concat();
                let words = record.as_ref().and_then(|record| record.summary);
                let before = self.words_of(&key);
                let_go.extend(before.filter(|key| Some(*key) != words.map(|words| words.key)));
                let record = record.as_ref();
                let sealed = record.and_then(|record| codec::seal(RECORDS, &key, record));
                changes.push((key, sealed));
            }
            self.cache
                .with(|trees| change(&trees.records, &changes))
                // What they name is in use, and no record says so.
                .inspect_err(|_| self.whole.store(false, Ordering::Relaxed))?;
            self.touch(&let_go);
        }
        Ok(())
    }

    /// Removes all records that begin with the prefix, and tells `let_go` the words that each piece of them named.
    pub(super) fn drop_records(
        &self,
        prefix: &[u8; 16],
        let_go: impl Fn(&[SummaryKey]),
    ) -> Result<(), StoreError> {
        loop {
            let piece = self.cache.with(|trees| {
                let items = trees.records.scan_prefix(prefix).take(BATCH);
                items.collect::<sled::Result<Vec<_>>>()
            })?;
            if piece.is_empty() {
                return Ok(());
            }
            let mut changes = sled::Batch::default();
            let mut words = Vec::new();
            for (key, value) in &piece {
                let record = codec::unseal::<NodeRecord>(RECORDS, key, value);
                words.extend(record.and_then(|record| Some(record.summary?.key)));
                changes.remove(key);
            }
            let_go(&words);
            self.cache
                .with(|trees| trees.records.apply_batch(changes.clone()))?;
        }
    }

    /// Notes that summaries were in use until today. Where that fails, they only seem older than they are.
    pub(super) fn touch(&self, keys: &[SummaryKey]) {
        let today = self.today();
        for key in keys.iter().map(|key| key.0.0) {
            let _ = self.cache.with(|trees| {
                let sealed = trees.summaries.get(key)?;
                let dated = sealed
                    .and_then(|sealed| codec::unseal::<(u32, Summary)>(SUMMARIES, &key, &sealed));
                if let Some((day, summary)) = dated
                    && day < today
                    && let Some(sealed) = codec::seal(SUMMARIES, &key, &(today, summary))
                {
                    trees.summaries.insert(key, sealed)?;
                }
                Ok(())
            });
        }
    }

    /// Which words the record under this key names.
    fn words_of(&self, key: &[u8]) -> Option<SummaryKey> {
        let sealed = self.cache.with(|trees| trees.records.get(key)).ok()??;
        let record: NodeRecord = codec::unseal(RECORDS, key, &sealed)?;
        Some(record.summary?.key)
    }

    /// Notes that a repository's records were wanted today.
    fn see(&self, prefix: &[u8; 16]) {
        let name = [SEEN, prefix].concat();
        let today = self.today();
        // A day that cannot be noted makes its records seem older than they are, and no more.
        if self.noted::<u32>(&name) != Some(today) {
            self.note(&name, &today);
        }
    }

    /// Takes away the words whose summary is nowhere. All that the journal does not know are looked up in the order of
    /// their keys: neighbours stand in one page of sled's.
    fn drop_lost_words(&self, all: &mut [(RelPath, NodeRecord)]) -> Result<(), StoreError> {
        let mut unknown: Vec<_> = all
            .iter_mut()
            .filter_map(|(_, record)| Some((record.summary?.key, record)))
            .filter(|(key, _)| !self.journal.holds(*key))
            .collect();
        unknown.sort_unstable_by_key(|(key, _)| *key);
        for piece in unknown.chunks_mut(BATCH) {
            let keys: Vec<_> = piece.iter().map(|(key, _)| key.0.0).collect();
            let found = self.cache.with(|trees| {
                let held = |key: &[u8; 16]| trees.summaries.contains_key(key);
                keys.iter().map(held).collect::<sled::Result<Vec<_>>>()
            })?;
            for ((_, record), found) in piece.iter_mut().zip(found) {
                if !found {
                    record.summary = None;
                }
            }
        }
        Ok(())
    }
}

/// What the keys of a repository's records begin with.
pub(super) fn repository_prefix(repository: &Path) -> [u8; 16] {
    use std::os::unix::ffi::OsStrExt;
    let mut hasher = Hasher::new("repository.1");
    hasher.raw(repository.as_os_str().as_bytes());
    hasher.finish().0
}
