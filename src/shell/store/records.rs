//! What is known of each node, by repository and path: batches in the pack, of which the later ones count.

use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::cache::{BATCH, SUMMARIES};
use super::pack::Table;
use super::{Store, StoreError, codec};
use crate::model::digest::Hasher;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryKey};

/// The note of the day on which a repository's records were last read, followed by its prefix.
pub(super) const SEEN: &[u8] = b"seen:";

/// Records, as they are stored together; `None` deletes one. A batch without any deletes all of the repository.
pub(super) type Batch = Vec<(RelPath, Option<NodeRecord>)>;

impl Store {
    /// The records of a repository's nodes, in the order of their paths as bytes. References to a summary that is not stored
    /// are returned as `None`; damaged records are left out.
    ///
    /// # Errors
    /// The pack cannot be read.
    pub fn records(&self, repository: &Path) -> Result<Vec<(RelPath, NodeRecord)>, StoreError> {
        let _reading = self
            .collecting
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let prefix = repository_prefix(repository);
        self.see(&prefix);
        let mut batches = Vec::new();
        self.each_batch(|of, _, batch| {
            if *of == prefix {
                match batch.is_empty() {
                    true => batches.clear(),
                    false => batches.push(batch),
                }
            }
        })?;
        let mut all = latest(batches);
        self.drop_lost_references(&mut all)?;
        Ok(all)
    }

    /// Stores what is known of nodes; `None` removes. Not durable: after a power cut the files are read again.
    ///
    /// # Errors
    /// It could not be written.
    pub fn put_records(
        &self,
        repository: &Path,
        records: &[(RelPath, Option<NodeRecord>)],
    ) -> Result<(), StoreError> {
        self.put_records_of(repository_prefix(repository), records)
    }

    pub(super) fn put_records_of(
        &self,
        prefix: [u8; 16],
        records: &[(RelPath, Option<NodeRecord>)],
    ) -> Result<(), StoreError> {
        let batches = records.chunks(BATCH).filter_map(codec::encode);
        let batches = batches.map(|batch| (Table::Records, prefix, batch));
        self.pack
            .put(self.today(), batches)
            // What they name is in use, and no record says so.
            .inspect_err(|_| self.whole.store(false, Ordering::Relaxed))
    }

    /// Deletes all records of a repository.
    pub(super) fn drop_records(&self, prefix: &[u8; 16]) -> Result<(), StoreError> {
        self.pack
            .put(self.today(), [(Table::Records, *prefix, Vec::new())])
    }

    /// Hands each batch with its repository and day to `each`, from the oldest to the newest.
    pub(super) fn each_batch(
        &self,
        mut each: impl FnMut(&[u8; 16], u32, Batch),
    ) -> Result<(), StoreError> {
        self.pack.records(|repository, day, bytes| {
            let batch = match bytes.is_empty() {
                true => Some(Batch::new()),
                false => codec::decode(bytes),
            };
            if let Some(batch) = batch {
                each(repository, day, batch);
            }
        })
    }

    /// Notes the day until which summaries that were paid for were in use. A failure makes them seem older.
    pub(super) fn touch(&self, keys: impl IntoIterator<Item = (SummaryKey, u32)>) {
        for (SummaryKey(key), until) in keys {
            let _ = self.cache.read(|trees| {
                let sealed = trees.summaries.get(key.0)?;
                let dated = sealed
                    .and_then(|sealed| codec::unseal::<(u32, Summary)>(SUMMARIES, &key.0, &sealed));
                if let Some((day, summary)) = dated
                    && day < until
                    && let Some(sealed) = codec::seal(SUMMARIES, &key.0, &(until, summary))
                {
                    trees.summaries.insert(key.0, sealed)?;
                }
                Ok(())
            });
        }
    }

    /// Notes that a repository's records were read today.
    fn see(&self, prefix: &[u8; 16]) {
        let name = [SEEN, prefix].concat();
        let today = self.today();
        if self.noted::<u32>(&name) != Some(today) {
            self.note(&name, &today);
        }
    }

    /// Removes the references to summaries that are not stored.
    fn drop_lost_references(&self, all: &mut [(RelPath, NodeRecord)]) -> Result<(), StoreError> {
        for (_, record) in all {
            if let Some(SummaryKey(key)) = record.summary.map(|summary| summary.key)
                && !self.pack.contains(Table::Summary, &key.0)
                && !self.journal.holds(SummaryKey(key))
                && !self
                    .cache
                    .read(|trees| trees.summaries.contains_key(key.0))?
            {
                record.summary = None;
            }
        }
        Ok(())
    }
}

/// The last record of each path, without deleted ones, in the order of paths.
pub(super) fn latest(batches: Vec<Batch>) -> Vec<(RelPath, NodeRecord)> {
    // One allocation: the records of a large repository are copied for each further one.
    let mut all = Batch::with_capacity(batches.iter().map(Vec::len).sum());
    batches.into_iter().for_each(|batch| all.extend(batch));
    // Stable: of one path, the last one stays last.
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.dedup_by(|later, kept| {
        let is_same = later.0 == kept.0;
        if is_same {
            std::mem::swap(later, kept);
        }
        is_same
    });
    let records = all.into_iter();
    records
        .filter_map(|(path, record)| Some((path, record?)))
        .collect()
}

/// What the records of a repository are stored under.
pub(super) fn repository_prefix(repository: &Path) -> [u8; 16] {
    use std::os::unix::ffi::OsStrExt;
    let mut hasher = Hasher::new("repository.1");
    hasher.raw(repository.as_os_str().as_bytes());
    hasher.finish().0
}
