//! The journal's frames: how an entry stands in the file, and how entries are found again among damaged bytes.
//!
//! A frame is `EpJ1`, the length of its bytes (32 bits, little endian), the xxh3-64 of that length and those bytes
//! (64 bits, little endian), and the bytes. Where no frame fits, the next `EpJ1` that begins one is looked for, so
//! that damage costs only the entries that it touches.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::Xxh3;

const MAGIC: &[u8; 4] = b"EpJ1";
/// Bytes in front of an entry's own.
pub(super) const HEADER_BYTES: usize = 16;
/// The longest entry: a length above it is damage, and never read for.
const LONGEST: usize = 8 << 20;
/// How much is read at once.
const CHUNK: usize = 1 << 20;

/// Adds a frame to `into`; refuses an entry above 8 MiB.
pub(super) fn write(into: &mut Vec<u8>, entry: &[u8]) -> io::Result<()> {
    let length = u32::try_from(entry.len())
        .ok()
        .filter(|_| entry.len() <= LONGEST)
        .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "an entry above 8 MiB"))?;
    into.extend_from_slice(MAGIC);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&checksum(entry).to_le_bytes());
    into.extend_from_slice(entry);
    Ok(())
}

/// The entry of the frame at `offset`, or `None` where no frame stands there.
pub(super) fn read_at(file: &File, offset: u64) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER_BYTES];
    if read_up_to(file, &mut header, offset)? < HEADER_BYTES {
        return Ok(None);
    }
    let Some(length) = length_of(&header) else {
        return Ok(None);
    };
    let mut bytes = header.to_vec();
    bytes.resize(HEADER_BYTES + length, 0);
    let body = &mut bytes[HEADER_BYTES..];
    if read_up_to(file, body, offset + HEADER_BYTES as u64)? < length {
        return Ok(None);
    }
    Ok(match parse(&bytes) {
        Parsed::Frame(_) => Some(bytes.split_off(HEADER_BYTES)),
        _ => None,
    })
}

/// What a scan found, apart from the entries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Where the last whole frame ends.
    pub end: u64,
    /// The file's length: what lies between `end` and it is a torn entry.
    pub length: u64,
    /// Stretches between two whole frames that hold none.
    pub damaged: u64,
}

/// Hands every whole frame's offset and entry to `each`, in order.
pub(super) fn scan(file: &File, mut each: impl FnMut(u64, &[u8])) -> io::Result<Scan> {
    let mut found = Scan {
        length: file.metadata()?.len(),
        ..Scan::default()
    };
    let mut buffer = Vec::new();
    // The file's offset of buffer[0], and the place in the buffer that is looked at.
    let (mut base, mut at) = (0, 0);
    loop {
        match parse(&buffer[at..]) {
            Parsed::Frame(length) => {
                let offset = base + at as u64;
                if offset != found.end {
                    found.damaged += 1;
                }
                each(
                    offset,
                    &buffer[at + HEADER_BYTES..at + HEADER_BYTES + length],
                );
                at += HEADER_BYTES + length;
                found.end = base + at as u64;
            }
            Parsed::Short => {
                buffer.drain(..at);
                base += at as u64;
                at = 0;
                if !read_more(file, &mut buffer, base)? {
                    // Nothing follows: whatever began here is not whole. A frame may yet begin behind it.
                    if buffer.is_empty() {
                        return Ok(found);
                    }
                    at = next_magic(&buffer);
                }
            }
            Parsed::Damaged => at += next_magic(&buffer[at..]),
        }
    }
}

enum Parsed {
    /// A whole frame with an entry of that many bytes.
    Frame(usize),
    /// It may be one, with more bytes.
    Short,
    /// It is none.
    Damaged,
}

fn parse(bytes: &[u8]) -> Parsed {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Parsed::Short;
    };
    let Some(length) = length_of(header) else {
        return Parsed::Damaged;
    };
    let Some(entry) = bytes.get(HEADER_BYTES..HEADER_BYTES + length) else {
        return Parsed::Short;
    };
    if header[8..] == checksum(entry).to_le_bytes() {
        Parsed::Frame(length)
    } else {
        Parsed::Damaged
    }
}

fn length_of(header: &[u8; HEADER_BYTES]) -> Option<usize> {
    let rest = header.strip_prefix(MAGIC)?;
    let length = u32::from_le_bytes(*rest.first_chunk()?) as usize;
    (length <= LONGEST).then_some(length)
}

/// How far behind the first byte the next `EpJ1`, or what may become one, begins.
fn next_magic(bytes: &[u8]) -> usize {
    let rest = &bytes[1..];
    let whole = rest.windows(MAGIC.len()).position(|four| four == MAGIC);
    1 + whole.unwrap_or(rest.len().saturating_sub(MAGIC.len() - 1))
}

fn read_more(file: &File, buffer: &mut Vec<u8>, base: u64) -> io::Result<bool> {
    let had = buffer.len();
    buffer.resize(had + CHUNK, 0);
    let read = read_up_to(file, &mut buffer[had..], base + had as u64)?;
    buffer.truncate(had + read);
    Ok(read > 0)
}

/// Reads until the buffer is full or the file ends.
fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

fn checksum(entry: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&(entry.len() as u32).to_le_bytes());
    hasher.update(entry);
    hasher.digest()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn entries(bytes: &[u8]) -> (Vec<Vec<u8>>, Scan) {
        let mut entries = Vec::new();
        let file = file_of(bytes);
        let found = scan(&file, |offset, entry| {
            assert_eq!(read_at(&file, offset).unwrap().unwrap(), entry);
            entries.push(entry.to_vec());
        })
        .unwrap();
        (entries, found)
    }

    fn three() -> (Vec<Vec<u8>>, Vec<u8>, Vec<usize>) {
        // The second holds a magic of its own, the third is longer than one reading.
        let wanted = vec![b"one".to_vec(), b"..EpJ1..".to_vec(), vec![7; CHUNK + 9]];
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for entry in &wanted {
            write(&mut bytes, entry).unwrap();
            ends.push(bytes.len());
        }
        (wanted, bytes, ends)
    }

    #[test]
    fn entries_come_back_in_order() {
        let (wanted, bytes, _) = three();
        let (found, scan) = entries(&bytes);
        assert!(found == wanted);
        assert_eq!((scan.end, scan.damaged), (bytes.len() as u64, 0));
        assert_eq!(entries(b"").0.len(), 0);
        assert_eq!(read_at(&file_of(&bytes), 1).unwrap(), None);
    }

    #[test]
    fn a_damaged_byte_costs_its_own_entry_only() {
        let (wanted, bytes, ends) = three();
        for at in 0..ends[1] {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            let hit = usize::from(at >= ends[0]);
            let (found, scan) = entries(&bad);
            let rest: Vec<_> = (0..3)
                .filter(|n| *n != hit)
                .map(|n| wanted[n].clone())
                .collect();
            assert!(found == rest, "byte {at}");
            assert_eq!(scan.damaged, 1);
        }
    }

    #[test]
    fn a_torn_end_is_told_from_the_rest() {
        let (_, bytes, ends) = three();
        for cut in ends[0]..ends[1] {
            let (found, scan) = entries(&bytes[..cut]);
            assert_eq!((found.len(), scan.end), (1, ends[0] as u64));
            assert_eq!((scan.length, scan.damaged), (cut as u64, 0));
        }
    }
}
