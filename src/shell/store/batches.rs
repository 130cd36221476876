//! Batches that are with an endpoint. They are paid for: they stand in the journal until their answers do.

use super::journal::Entry;
use super::{Store, StoreError};
use crate::model::batch::PendingBatch;
use crate::model::digest::Digest;

impl Store {
    /// The batches that are not over, in the order of their names.
    pub fn batches(&self) -> Vec<PendingBatch> {
        self.journal.batches()
    }

    /// Remembers a batch as it is now. On the disk when this returns.
    ///
    /// # Errors
    /// Where it could not be written.
    pub fn put_batch(&self, batch: &PendingBatch) -> Result<(), StoreError> {
        let _writing = self.write();
        let mut entries = vec![Entry::Batch(batch.clone())];
        if !batch.roots.is_empty() {
            entries.push(Entry::BatchRoots(batch.name, batch.roots.clone()));
        }
        self.append(&entries, true)
    }

    /// Forgets a batch whose answers are all stored. Written to the disk when this returns.
    ///
    /// # Errors
    /// Where it could not be written.
    pub fn end_batch(&self, name: Digest) -> Result<(), StoreError> {
        let _writing = self.write();
        self.append(&[Entry::BatchOver(name)], true)
    }
}
