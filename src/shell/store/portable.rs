//! A summary as it travels between stores: encoded as in this one, compressed, with a checksum and possibly a MAC.
//!
//! `EpS1`, flags (1 byte; 1: a MAC follows), the day since 1970 (32 bits, little endian), and zstd of the sealed summary
//! (see `codec`; its checksum covers the key and the header). With a signing key, HMAC-SHA-256 of the key and of all
//! that, 32 bytes.

use ring::hmac;

use super::codec;
use crate::model::summary::{Summary, SummaryKey};

const MAGIC: &[u8; 4] = b"EpS1";
const SIGNED: u8 = 1;
/// Magic, flags, day.
const HEADER_BYTES: usize = 9;
const MAC_BYTES: usize = 32;
/// The longest encoded summary, before compression.
const LONGEST: usize = 32 << 10;
/// Where a sealed summary belongs.
const PLACE: &str = "shared";

/// Encodes and checks values.
pub struct Portable {
    key: Option<hmac::Key>,
}

impl Portable {
    /// With a secret, values are signed, and only signed ones are accepted.
    pub fn new(secret: Option<&[u8]>) -> Self {
        Self {
            key: secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret)),
        }
    }

    /// The value of a summary; `None` if it is too long.
    pub fn encode(&self, key: SummaryKey, day: u32, summary: &Summary) -> Option<Vec<u8>> {
        let mut value = MAGIC.to_vec();
        value.push(if self.key.is_some() { SIGNED } else { 0 });
        value.extend(day.to_le_bytes());
        let sealed = codec::seal(PLACE, &place(key, &value), summary)?;
        if sealed.len() > LONGEST {
            return None;
        }
        value.extend(zstd::bulk::compress(&sealed, 3).ok()?);
        if let Some(secret) = &self.key {
            value.extend(mac(secret, key, &value).as_ref());
        }
        Some(value)
    }

    /// The day and the summary of a value.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(&self, key: SummaryKey, value: &[u8]) -> Result<(u32, Summary), &'static str> {
        let day = day_of(value).ok_or("not a summary of this format")?;
        let signed = value[MAGIC.len()] & SIGNED > 0;
        let mac_bytes = if signed { MAC_BYTES } else { 0 };
        let body = value
            .len()
            .checked_sub(mac_bytes)
            .filter(|end| *end > HEADER_BYTES);
        let (rest, mac) = value.split_at(body.ok_or("cut off")?);
        match &self.key {
            Some(_) if !signed => return Err("not signed"),
            Some(secret) => {
                hmac::verify(secret, &message(key, rest), mac).map_err(|_| "wrong signature")?
            }
            None => {}
        }
        let (header, packed) = rest.split_at(HEADER_BYTES);
        let sealed = zstd::bulk::decompress(packed, LONGEST).map_err(|_| "damaged")?;
        let summary = codec::unseal(PLACE, &place(key, header), &sealed);
        Ok((day, summary.ok_or("damaged, or of another key")?))
    }
}

/// The day on which a value was made, as its header says.
pub fn day_of(value: &[u8]) -> Option<u32> {
    let day = value.strip_prefix(MAGIC)?.get(1..5)?;
    Some(u32::from_le_bytes(day.try_into().ok()?))
}

fn place(key: SummaryKey, header: &[u8]) -> Vec<u8> {
    [&key.0.0[..], header].concat()
}

fn message(key: SummaryKey, value: &[u8]) -> Vec<u8> {
    place(key, value)
}

fn mac(secret: &hmac::Key, key: SummaryKey, value: &[u8]) -> hmac::Tag {
    hmac::sign(secret, &message(key, value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::digest::Digest;

    fn key(byte: u8) -> SummaryKey {
        SummaryKey(Digest([byte; 16]))
    }

    #[test]
    fn only_the_whole_value_of_the_same_key_is_accepted() {
        let summary = Summary::new("Parses arguments. Prints help.", "m");
        for secret in [None, Some(&b"secret"[..])] {
            let portable = Portable::new(secret);
            let value = portable.encode(key(1), 20_000, &summary).unwrap();
            assert_eq!(
                portable.decode(key(1), &value),
                Ok((20_000, summary.clone()))
            );
            assert!(portable.decode(key(2), &value).is_err());
            for at in 0..value.len() {
                let mut bad = value.clone();
                bad[at] ^= 4;
                assert!(portable.decode(key(1), &bad).is_err(), "byte {at}");
                assert!(
                    portable.decode(key(1), &value[..at]).is_err(),
                    "cut at {at}"
                );
            }
        }
    }

    #[test]
    fn with_a_signing_key_nothing_else_is_accepted() {
        let summary = Summary::new("Text.", "m");
        let ours = Portable::new(Some(b"ours"));
        let value = |portable: &Portable| portable.encode(key(1), 1, &summary).unwrap();
        assert_eq!(
            ours.decode(key(1), &value(&Portable::new(None))),
            Err("not signed")
        );
        let theirs = value(&Portable::new(Some(b"theirs")));
        assert_eq!(ours.decode(key(1), &theirs), Err("wrong signature"));
        // Without a key, signatures are ignored.
        assert!(Portable::new(None).decode(key(1), &theirs).is_ok());
        // Who changes the flag breaks the checksum.
        let mut stripped = value(&ours);
        stripped[4] = 0;
        stripped.truncate(stripped.len() - MAC_BYTES);
        assert!(Portable::new(None).decode(key(1), &stripped).is_err());
    }

    #[test]
    fn a_bomb_and_a_long_text_are_refused() {
        let portable = Portable::new(None);
        assert_eq!(
            portable.encode(key(1), 1, &Summary::new("x".repeat(LONGEST), "m")),
            None
        );
        let mut bomb = MAGIC.to_vec();
        bomb.extend([0, 1, 0, 0, 0]);
        bomb.extend(zstd::bulk::compress(&vec![0; 100 << 20], 3).unwrap());
        assert_eq!(portable.decode(key(1), &bomb), Err("damaged"));
    }
}
