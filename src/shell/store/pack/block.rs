//! The pack's blocks: how a batch of values stands in the file, and how blocks are found again behind damaged bytes.
//!
//! A block is a header, the list of its values (table, key, day, length), and the values, compressed together with LZ4. The
//! header is `EpB1`, the lengths of the list, of the compressed values and of the values (32 bits each), the xxh3-64 of
//! the compressed values, and the xxh3-64 of everything before and of the list. So the list is checked when the file is
//! opened, and the values when they are read. All numbers are little endian.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::shell::store::codec;

const MAGIC: &[u8; 4] = b"EpB1";
/// Bytes in front of the list.
const HEADER_BYTES: usize = 32;
/// How many bytes are read at first: nearly all headers with their lists are shorter.
const WINDOW: usize = 4 << 10;
/// A longer list or longer values are damage, and are not read.
const LONGEST: usize = 96 << 20;

/// What a value is. The order is part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(in crate::shell::store) enum Table {
    /// The outline of a content, with the digest of the syntax.
    Outline,
    /// A summary that cost nothing.
    Summary,
    /// Records of a repository's nodes, newer than those in earlier blocks; an empty value deletes all earlier ones.
    Records,
    /// A note of the store's own.
    Note,
}

/// One value of a block, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::shell::store) struct Item {
    pub table: Table,
    pub key: [u8; 16],
    /// The day on which it was last in use, or written: days since 1970, UTC.
    pub day: u32,
    /// Bytes of the value.
    pub length: u32,
}

/// A block whose list is whole.
pub(super) struct Found {
    pub items: Vec<Item>,
    /// Bytes of the whole block.
    pub length: u32,
}

/// A block with its values.
pub(super) struct Block {
    pub items: Vec<Item>,
    values: Vec<u8>,
}

impl Block {
    /// The value of the item at `slot`.
    pub fn value(&self, slot: usize) -> Option<&[u8]> {
        let before = self.items.get(..slot)?.iter();
        let start: usize = before.map(|item| item.length as usize).sum();
        let length = self.items.get(slot)?.length as usize;
        self.values.get(start..start + length)
    }

    /// All items with their values.
    pub fn each(&self) -> impl Iterator<Item = (&Item, &[u8])> {
        let mut start = 0;
        self.items.iter().filter_map(move |item| {
            let end = start + item.length as usize;
            let value = self.values.get(start..end);
            start = end;
            Some((item, value?))
        })
    }
}

/// Writes a block with these items and their values, one after the other.
pub(super) fn encode(items: &[Item], values: &[u8]) -> io::Result<Vec<u8>> {
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, "a block above 96 MiB");
    if values.len() > LONGEST {
        return Err(too_large());
    }
    let list = codec::encode(&items).ok_or_else(too_large)?;
    let packed = lz4_flex::block::compress(values);
    let mut block = Vec::with_capacity(HEADER_BYTES + list.len() + packed.len());
    block.extend_from_slice(MAGIC);
    for length in [list.len(), packed.len(), values.len()] {
        let length = u32::try_from(length).map_err(|_| too_large())?;
        block.extend_from_slice(&length.to_le_bytes());
    }
    block.extend_from_slice(&xxh3_64(&packed).to_le_bytes());
    let sum = checksum(&block, &list);
    block.extend_from_slice(&sum.to_le_bytes());
    block.extend_from_slice(&list);
    block.extend_from_slice(&packed);
    Ok(block)
}

fn checksum(head: &[u8], list: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(head);
    hasher.update(list);
    hasher.digest()
}

/// The lengths of the list, of the compressed values and of the values.
fn lengths(head: &[u8]) -> Option<[usize; 3]> {
    let rest = head.get(..HEADER_BYTES)?.strip_prefix(MAGIC)?;
    let number = |at: usize| {
        let bytes = rest.get(at..at + 4)?.try_into().ok()?;
        let length = u32::from_le_bytes(bytes) as usize;
        (length <= LONGEST).then_some(length)
    };
    Some([number(0)?, number(4)?, number(8)?])
}

/// The items of the block that begins these bytes, which are at least as long as its header and list.
fn items(bytes: &[u8], list: usize) -> Option<Vec<Item>> {
    let (head, sum) = bytes.get(..HEADER_BYTES)?.split_at(HEADER_BYTES - 8);
    let list = bytes.get(HEADER_BYTES..HEADER_BYTES + list)?;
    let fits = sum == checksum(head, list).to_le_bytes();
    fits.then(|| codec::decode(list))?
}

/// The list of the block at `offset`, or `None` where no whole block begins; `end` is the file's length.
pub(super) fn find(file: &File, offset: u64, end: u64) -> io::Result<Option<Found>> {
    let most = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; WINDOW.min(most)];
    file.read_exact_at(&mut bytes, offset)?;
    let Some([list, packed, _]) = lengths(&bytes) else {
        return Ok(None);
    };
    let length = HEADER_BYTES + list + packed;
    if length > most {
        return Ok(None);
    }
    let had = bytes.len();
    if had < HEADER_BYTES + list {
        bytes.resize(HEADER_BYTES + list, 0);
        file.read_exact_at(&mut bytes[had..], offset + had as u64)?;
    }
    Ok(items(&bytes, list).map(|items| Found {
        items,
        length: length as u32,
    }))
}

/// The block of `length` bytes at `offset` with its values, or `None` where it is damaged.
pub(super) fn read(file: &File, offset: u64, length: u32) -> io::Result<Option<Block>> {
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(decode(&bytes))
}

fn decode(bytes: &[u8]) -> Option<Block> {
    let [list, packed, raw] = lengths(bytes)?;
    let items = items(bytes, list)?;
    let packed = bytes.get(HEADER_BYTES + list..HEADER_BYTES + list + packed)?;
    let sum = bytes.get(16..24)?;
    if sum != xxh3_64(packed).to_le_bytes() {
        return None;
    }
    let values = lz4_flex::block::decompress(packed, raw).ok()?;
    (values.len() == raw).then_some(Block { items, values })
}

/// Where the next block after the damaged bytes at `offset` may begin, or the end of the file.
pub(super) fn next(file: &File, offset: u64, end: u64) -> io::Result<u64> {
    const CHUNK: usize = 1 << 20;
    let mut at = offset + 1;
    let mut bytes = vec![0; CHUNK];
    while at < end {
        let length = CHUNK.min((end - at) as usize);
        file.read_exact_at(&mut bytes[..length], at)?;
        if let Some(place) = memchr::memmem::find(&bytes[..length], MAGIC) {
            return Ok(at + place as u64);
        }
        // The magic may begin in the last bytes of this chunk.
        at += (length.saturating_sub(MAGIC.len() - 1)).max(1) as u64;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_damaged_byte_costs_the_block_and_nothing_else_is_returned() {
        let item = |n: u8, length| Item {
            table: Table::Outline,
            key: [n; 16],
            day: 7,
            length,
        };
        let items = [item(1, 3), item(2, 0), item(3, 5)];
        let block = encode(&items, b"onethree").unwrap();
        let whole = decode(&block).unwrap();
        assert_eq!(whole.items, items);
        let values: Vec<&[u8]> = whole.each().map(|(_, value)| value).collect();
        assert_eq!(values, [&b"one"[..], b"", b"three"]);
        assert_eq!(
            (whole.value(2), whole.value(3)),
            (Some(&b"three"[..]), None)
        );
        for at in 0..block.len() {
            let mut bad = block.clone();
            bad[at] ^= 1;
            assert!(decode(&bad).is_none(), "byte {at}");
            assert!(decode(&block[..at]).is_none(), "cut at {at}");
        }
    }
}
