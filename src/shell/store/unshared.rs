//! Summaries that were paid for here and are not in the team's store yet. The list survives the process.

use super::cache::SUMMARIES;
use super::{Store, StoreError, codec};
use crate::model::digest::Digest;
use crate::model::summary::{Summary, SummaryKey};

/// In front of a key, among the summaries. No key has that length.
const UNSHARED: &[u8] = b"unshared:";
/// The journal up to here is on the list, or was. Written with it: a killed process loses both, or neither.
const UP_TO: &[u8] = b"unshared-up-to";

impl Store {
    /// Notes that summaries have to be written to the team's store, and that no others of the journal have to.
    pub fn note_unshared(&self, keys: &[SummaryKey]) {
        let mut changes = sled::Batch::default();
        for key in keys {
            let name = name(*key);
            if let Some(sealed) = codec::seal(SUMMARIES, &name, &()) {
                changes.insert(name, sealed);
            }
        }
        if let Some(sealed) = codec::seal(SUMMARIES, UP_TO, &self.journal.end()) {
            changes.insert(UP_TO, sealed);
        }
        let _ = self
            .cache
            .with(|trees| trees.summaries.apply_batch(changes.clone()));
    }

    /// Puts on the list what was paid for since it was written last: a killed process stored summaries and lost the note.
    pub fn recover_unshared(&self) {
        let sealed = self.cache.read(|trees| trees.summaries.get(UP_TO));
        let up_to = sealed.ok().flatten();
        let up_to = up_to.and_then(|sealed| codec::unseal::<u64>(SUMMARIES, UP_TO, &sealed));
        // What was paid for before there was a shared store, `epitome cache push` writes.
        let keys = up_to.map(|start| self.journal.answers_since(start));
        self.note_unshared(&keys.unwrap_or_default());
    }

    /// Up to `most` of these keys.
    pub fn unshared(&self, most: usize) -> Vec<SummaryKey> {
        let names = self.cache.read(|trees| {
            let names = trees.summaries.scan_prefix(UNSHARED).keys().take(most);
            names.collect::<sled::Result<Vec<_>>>()
        });
        let key = |name: sled::IVec| name.strip_prefix(UNSHARED)?.try_into().ok();
        let keys = names.unwrap_or_default().into_iter().filter_map(key);
        keys.map(|key| SummaryKey(Digest(key))).collect()
    }

    /// These keys are written there, or are not to be.
    pub fn note_shared(&self, keys: &[SummaryKey]) {
        if keys.is_empty() {
            return;
        }
        let mut changes = sled::Batch::default();
        keys.iter().for_each(|key| changes.remove(name(*key)));
        let _ = self
            .cache
            .with(|trees| trees.summaries.apply_batch(changes.clone()));
    }

    /// Hands over all summaries that were paid for.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn each_paid(&self, mut each: impl FnMut(SummaryKey, Summary)) -> Result<(), StoreError> {
        self.journal
            .read_through(|key, _, summary| each(key, summary))?;
        Ok(())
    }
}

fn name(key: SummaryKey) -> Vec<u8> {
    [UNSHARED, &key.0.0].concat()
}
