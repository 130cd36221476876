//! What is known of each node, under its repository and path.

use std::path::Path;

use super::cache::RECORDS;
use super::{BATCH, Store, StoreError, codec};
use crate::model::digest::Hasher;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;

impl Store {
    /// The records of a repository's nodes, in the order of their paths as bytes. Words whose summary is not stored
    /// come back as `None`; damaged records are left out, and a note tells how many.
    ///
    /// # Errors
    /// Where the cache could not be read, even anew.
    pub fn records(&self, repository: &Path) -> Result<Vec<(RelPath, NodeRecord)>, StoreError> {
        let prefix = repository_prefix(repository);
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
            let mut changes = sled::Batch::default();
            for (path, record) in chunk {
                let key = [&prefix, path.as_bytes()].concat();
                match record
                    .as_ref()
                    .and_then(|record| codec::seal(RECORDS, &key, record))
                {
                    Some(sealed) => changes.insert(key, sealed),
                    None => changes.remove(key),
                }
            }
            self.cache
                .with(|trees| trees.records.apply_batch(changes.clone()))?;
        }
        Ok(())
    }

    /// Takes away the words whose summary is nowhere. All that the journal does not know are looked up in the order of
    /// their keys: neighbours stand in one page of sled's.
    fn drop_lost_words(&self, all: &mut [(RelPath, NodeRecord)]) -> Result<(), StoreError> {
        let mut unknown: Vec<_> = all
            .iter_mut()
            .filter_map(|(_, record)| Some((record.words?.key, record)))
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
                    record.words = None;
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
