//! Generates seeded random input for tests, so that a failure can be repeated. `EPITOME_FUZZ` is the number of seeds; the
//! default is small.

#[cfg(test)]
mod tests;

use fastrand::Rng;

/// The seeds to run: `few`, as many as `EPITOME_FUZZ` says, or a range such as `EPITOME_FUZZ=1000..2000`.
pub(crate) fn rounds(few: u64) -> std::ops::Range<u64> {
    let given = std::env::var("EPITOME_FUZZ").unwrap_or_default();
    let (from, to) = given.split_once("..").unwrap_or(("0", &given));
    from.parse().unwrap_or(0)..to.parse().unwrap_or(few)
}

/// Characters that often cause defects: bidirectional controls, zero-width characters, line ends, escapes, quotes.
const ODD: [char; 32] = [
    '\0',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{9b}',
    '\r',
    '\n',
    '\t',
    '\u{b}',
    '"',
    '\'',
    '\\',
    '`',
    '<',
    '>',
    '{',
    '}',
    '[',
    ']',
    '\u{200b}',
    '\u{202e}',
    '\u{2066}',
    '\u{2028}',
    '\u{feff}',
    '\u{fffd}',
    '\u{e0041}',
    'é',
    'ß',
    '日',
    '👩',
    '\u{301}',
    '\u{10ffff}',
];

/// A text of up to `longest` characters, with some from [`ODD`].
pub(crate) fn text(rng: &mut Rng, longest: usize) -> String {
    let length = rng.usize(0..=longest);
    let oddity = rng.u8(1..=40);
    (0..length)
        .map(|_| match rng.u8(0..=40) {
            odd if odd < oddity / 4 => ODD[rng.usize(..ODD.len())],
            6..=11 => ' ',
            12 => '\n',
            _ => char::from(rng.u8(b'!'..=b'~')),
        })
        .collect()
}

/// Random bytes.
pub(crate) fn bytes(rng: &mut Rng, longest: usize) -> Vec<u8> {
    let length = rng.usize(0..=longest);
    (0..length).map(|_| rng.u8(..)).collect()
}

/// The bytes after a few mutations: flipped, cut, doubled, moved, mixed with random bytes or with `words`.
pub(crate) fn mutated(rng: &mut Rng, bytes: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(0..=bytes.len());
        let end = rng.usize(at..=bytes.len().min(at + 64));
        match rng.u8(0..9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(0..8),
            1 if at < bytes.len() => bytes[at] = rng.u8(..),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = rng.usize(0..=bytes.len());
                bytes.splice(to..to, piece);
            }
            5 => bytes.insert(at, rng.u8(..)),
            6 => {
                let number: &[u8] = [
                    &b"-1"[..],
                    b"0",
                    b"99999999999999999999999",
                    b"1e999",
                    b"nan",
                    b"18446744073709551615",
                    b"0x",
                    b"true",
                ][rng.usize(..8)];
                bytes.splice(at..end, number.iter().copied());
            }
            _ if words.is_empty() => bytes
                .splice(at..at, text(rng, 8).into_bytes())
                .for_each(drop),
            _ => {
                let word = words[rng.usize(..words.len())];
                bytes.splice(at..end, word.iter().copied());
            }
        }
    }
    bytes
}
