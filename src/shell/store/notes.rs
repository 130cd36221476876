//! Small values of the store's own, in the pack, by name. Without one, the store knows less, and nothing is lost.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::pack::Table;
use super::{Store, codec};
use crate::model::digest::Hasher;

impl Store {
    /// Writes a note; a failure has the same effect as no note.
    pub(super) fn note<T: Serialize>(&self, name: &[u8], value: &T) {
        if let Some(value) = codec::encode(value) {
            let _ = self
                .pack
                .put(self.today(), [(Table::Note, key(name), value)]);
        }
    }

    /// The note of that name.
    pub(super) fn noted<T: DeserializeOwned>(&self, name: &[u8]) -> Option<T> {
        let value = self.pack.get(Table::Note, &key(name)).ok()??;
        codec::decode(&value)
    }
}

fn key(name: &[u8]) -> [u8; 16] {
    let mut hasher = Hasher::new("note.1");
    hasher.raw(name);
    hasher.finish().0
}
