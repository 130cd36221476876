//! Values to bytes and back: bincode, and a checksum in front of it. The only file that knows bincode.
//!
//! A sealed value is the xxh3-64 of where it belongs and of its bytes (8 bytes, little endian), and then the bytes.
//! Where it belongs is part of the checksum, so that a value that turns up under another key is no value at all.
//! It must never hand out a value whose checksum does not fit.

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

/// The largest value in bytes: what is larger was never written by this program.
const LIMIT: usize = 64 << 20;
const CHECKSUM_BYTES: usize = 8;

const fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// A value's bytes, or `None` where it is larger than 64 MiB.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    bincode::serde::encode_to_vec(value, config())
        .ok()
        .filter(|bytes| bytes.len() <= LIMIT)
}

/// The value of `bytes`, or `None` where they are not exactly one.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (value, read) = bincode::serde::decode_from_slice(bytes, config()).ok()?;
    (read == bytes.len()).then_some(value)
}

/// A value's bytes with their checksum, for the place `key` in `tree`.
pub(super) fn seal<T: Serialize>(tree: &str, key: &[u8], value: &T) -> Option<Vec<u8>> {
    let bytes = encode(value)?;
    let mut sealed = checksum(tree, key, &bytes).to_le_bytes().to_vec();
    sealed.extend_from_slice(&bytes);
    Some(sealed)
}

/// The value that was sealed for that place, or `None` where the checksum does not fit.
pub(super) fn unseal<T: DeserializeOwned>(tree: &str, key: &[u8], sealed: &[u8]) -> Option<T> {
    let (sum, bytes) = sealed.split_first_chunk::<CHECKSUM_BYTES>()?;
    (u64::from_le_bytes(*sum) == checksum(tree, key, bytes)).then(|| decode(bytes))?
}

fn checksum(tree: &str, key: &[u8], bytes: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    for part in [tree.as_bytes(), key] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(bytes);
    hasher.digest()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_comes_back_only_whole_and_only_in_its_place() {
        let value = vec!["one".to_owned(), "two".to_owned()];
        let sealed = seal("tree", b"key", &value).unwrap();
        let back = |tree, key: &[u8], bytes: &[u8]| unseal::<Vec<String>>(tree, key, bytes);
        assert_eq!(back("tree", b"key", &sealed), Some(value));
        assert_eq!(back("other", b"key", &sealed), None);
        assert_eq!(back("tree", b"yek", &sealed), None);
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(back("tree", b"key", &bad), None, "byte {at}");
            assert_eq!(back("tree", b"key", &sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn a_length_from_nowhere_allocates_nothing() {
        let lie = [253, 255, 255, 255, 255, 255, 255, 255, 127];
        assert_eq!(decode::<Vec<u8>>(&lie), None);
        assert_eq!(decode::<String>(&lie), None);
    }
}
