//! Packs: many values in one object, so that a first index needs tens of round trips and not thousands.
//!
//! A pack only repeats values that are stored under their own keys as well, so a lost or damaged one costs round trips.
//! `EpP1`, the number of values (32 bits, little endian), for each its key (16 bytes) and length (32 bits), and the values.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};

use super::MAX_VALUE_BYTES;
use crate::model::digest::Digest;
use crate::model::summary::SummaryKey;

/// The folder of the packs in a namespace.
pub const PACKS: &str = "packs";
/// Values in a pack.
pub const PACKED: usize = 512;
/// The longest pack that is read, in bytes.
pub const MAX_PACK_BYTES: usize = 8 << 20;
/// Fewer values are not worth a pack.
pub const SMALLEST: usize = 64;
/// A directory is at most so long; so much of a pack is read first.
pub const DIRECTORY_BYTES: u64 = (HEAD + ENTRY * PACKED) as u64;
/// So many keys looked up within [`WINDOW`] are a first index, and worth listings.
pub const BULK: usize = 64;
/// A pack of which so many keys were looked up is fetched whole.
pub const WORTHWHILE: usize = 4;
/// Values of packs that are kept in memory until they are looked up, in bytes.
const MAX_KEPT_BYTES: usize = 16 << 20;
/// Packs whose directories are read.
const MAX_PACKS: usize = 512;
const WINDOW: Duration = Duration::from_secs(10);
const MAGIC: &[u8; 4] = b"EpP1";
const HEAD: usize = 8;
const ENTRY: usize = 20;

/// The pack of some values, and its name.
pub fn pack(values: &[(SummaryKey, Vec<u8>)]) -> (String, Vec<u8>) {
    let mut bytes = MAGIC.to_vec();
    bytes.extend((values.len() as u32).to_le_bytes());
    for (key, value) in values {
        bytes.extend(key.0.0);
        bytes.extend((value.len() as u32).to_le_bytes());
    }
    let name = digest(&SHA256, &bytes);
    let name = Digest(std::array::from_fn(|at| name.as_ref()[at])).to_string();
    values
        .iter()
        .for_each(|(_, value)| bytes.extend_from_slice(value));
    (name, bytes)
}

/// Where each value is in a pack, by its beginning. Empty if it is no pack.
pub fn directory(bytes: &[u8]) -> Vec<(SummaryKey, Range<usize>)> {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes(four.try_into().ok()?) as usize)
    };
    let Some(many) = number(MAGIC.len()).filter(|many| bytes.starts_with(MAGIC) && *many <= PACKED)
    else {
        return Vec::new();
    };
    let mut end = HEAD + many * ENTRY;
    let entry = |at: usize| {
        let key = bytes.get(at..at + 16)?.try_into().ok()?;
        let length = number(at + 16).filter(|length| *length <= MAX_VALUE_BYTES)?;
        let start = end;
        end += length;
        Some((SummaryKey(Digest(key)), start..end))
    };
    let entries = (0..many).map(|n| HEAD + n * ENTRY).map_while(entry);
    entries.collect()
}

/// A pack that is not fetched.
#[derive(Debug)]
struct Pack {
    path: String,
    keys: Vec<SummaryKey>,
    /// How many of them were looked up.
    wanted: usize,
}

/// What is known of a store for the time of a first index.
#[derive(Debug, Default)]
pub struct Bulk {
    /// When keys were looked up first, and how many since.
    window: Option<(Instant, usize)>,
    pub is_listed: bool,
    packs: Vec<Pack>,
    /// Values that were fetched with others.
    values: HashMap<SummaryKey, Vec<u8>>,
    kept_bytes: usize,
    /// All keys, if they were listed.
    pub names: Option<HashSet<SummaryKey>>,
    pub too_many_names: bool,
}

impl Bulk {
    /// Counts look-ups; whether they are so many that listings are worth while.
    pub fn counts(&mut self, now: Instant, keys: usize) -> bool {
        let (since, before) = self.window.unwrap_or((now, 0));
        let is_over = now.duration_since(since) > WINDOW;
        let window = if is_over {
            (now, keys)
        } else {
            (since, before + keys)
        };
        self.window = Some(window);
        window.1 >= BULK
    }

    /// How many keys were looked up lately.
    pub fn recent(&self) -> usize {
        self.window.map_or(0, |(_, keys)| keys)
    }

    /// How many packs are worth their directories.
    pub fn max_packs(&self) -> usize {
        (self.recent() / 2).min(MAX_PACKS)
    }

    /// A pack's directory was read.
    pub fn found_pack(&mut self, path: String, keys: Vec<SummaryKey>) {
        let wanted = 0;
        self.packs.push(Pack { path, keys, wanted });
    }

    /// Packs of which enough was looked up, and which are not fetched yet.
    pub fn worthwhile(&mut self, wanted: &[SummaryKey]) -> Vec<String> {
        let values = &self.values;
        let wanted: HashSet<&SummaryKey> = wanted
            .iter()
            .filter(|key| !values.contains_key(key))
            .collect();
        let is_worthwhile = |pack: &mut Pack| {
            pack.wanted += pack.keys.iter().filter(|key| wanted.contains(key)).count();
            pack.wanted >= WORTHWHILE
        };
        let packs = self.packs.extract_if(.., is_worthwhile);
        packs.map(|pack| pack.path).collect()
    }

    /// A pack was fetched.
    pub fn fetched(&mut self, bytes: &[u8]) {
        for (key, range) in directory(bytes) {
            let Some(value) = bytes.get(range).filter(|value| !value.is_empty()) else {
                continue;
            };
            self.kept_bytes += value.len();
            self.values.insert(key, value.to_vec());
        }
        if self.kept_bytes > MAX_KEPT_BYTES {
            self.values.clear();
            self.kept_bytes = 0;
        }
    }

    /// Takes a value that was fetched.
    pub fn take(&mut self, key: SummaryKey) -> Option<Vec<u8>> {
        let value = self.values.remove(&key)?;
        self.kept_bytes = self.kept_bytes.saturating_sub(value.len());
        Some(value)
    }

    /// Whether a listing says that there is no such key.
    pub fn is_absent(&self, key: SummaryKey) -> bool {
        let names = self.names.as_ref();
        names.is_some_and(|names| !names.contains(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_gives_back_its_values_and_a_damaged_one_fewer() {
        let values: Vec<_> = (0..9_u8)
            .map(|n| {
                (
                    SummaryKey(Digest([n; 16])),
                    vec![n + 1; usize::from(n) * 7 + 1],
                )
            })
            .collect();
        let (name, bytes) = pack(&values);
        assert_eq!(name.len(), 32);
        let read = |bytes: &[u8]| {
            let mut bulk = Bulk::default();
            bulk.fetched(bytes);
            let taken = values
                .iter()
                .filter(|(key, value)| bulk.take(*key).as_ref() == Some(value));
            taken.count()
        };
        assert_eq!(read(&bytes), 9);
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]) < 9);
        }
        let mut lying = bytes.clone();
        lying[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&lying), 0);
        lying = bytes;
        lying[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&lying), 0, "longer than a value may be");
    }
}
