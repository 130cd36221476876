//! Which block of the pack a value is in.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::block::{Item, Table};

/// A value's block, and its place in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub block: u32,
    pub slot: u32,
}

/// The index of one file.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Offset and length of each block; the length of a removed one is 0.
    pub blocks: Vec<(u64, u32)>,
    /// The blocks that contain records, in the order of the file.
    pub records: Vec<u32>,
    /// Bytes of all values, including those that were replaced or removed.
    pub raw_bytes: u64,
    outlines: Places,
    summaries: Places,
    notes: Places,
}

/// Places by the first half of the key, to save memory: a reader compares the whole key, and of two keys with the same
/// half the later one is found.
type Places = HashMap<u64, Place, BuildHasherDefault<Half>>;

impl Index {
    /// Adds a block behind all others; returns its number.
    pub fn add(&mut self, offset: u64, length: u32, items: &[Item]) -> u32 {
        let block = self.blocks.len() as u32;
        self.blocks.push((offset, length));
        let mut records = false;
        for (slot, item) in items.iter().enumerate() {
            self.raw_bytes += u64::from(item.length);
            let place = Place {
                block,
                slot: slot as u32,
            };
            match self.places(item.table) {
                Some(places) => drop(places.insert(half(&item.key), place)),
                None => records = true,
            }
        }
        if records {
            self.records.push(block);
        }
        block
    }

    /// Where the value of a key is.
    pub fn find(&self, table: Table, key: &[u8; 16]) -> Option<Place> {
        let places = match table {
            Table::Outline => &self.outlines,
            Table::Summary => &self.summaries,
            Table::Note => &self.notes,
            Table::Records => return None,
        };
        places.get(&half(key)).copied()
    }

    /// Removes a key.
    pub fn remove(&mut self, table: Table, key: &[u8; 16]) {
        if let Some(places) = self.places(table) {
            places.remove(&half(key));
        }
    }

    /// Removes everything that is in a block.
    pub fn remove_block(&mut self, block: u32) {
        self.records.retain(|known| *known != block);
        if let Some((_, length)) = self.blocks.get_mut(block as usize) {
            *length = 0;
        }
        for places in [&mut self.outlines, &mut self.summaries, &mut self.notes] {
            places.retain(|_, place| place.block != block);
        }
    }

    /// The number of summaries.
    pub fn summaries(&self) -> u64 {
        self.summaries.len() as u64
    }

    fn places(&mut self, table: Table) -> Option<&mut Places> {
        match table {
            Table::Outline => Some(&mut self.outlines),
            Table::Summary => Some(&mut self.summaries),
            Table::Note => Some(&mut self.notes),
            Table::Records => None,
        }
    }
}

fn half(key: &[u8; 16]) -> u64 {
    let [half, _] = *key.as_chunks::<8>().0 else {
        return 0;
    };
    u64::from_le_bytes(half)
}

/// Keys are digests: each half is as good as any hash of it.
#[derive(Default)]
struct Half(u64);

impl Hasher for Half {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
