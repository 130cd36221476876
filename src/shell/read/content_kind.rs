//! The kind of content that bytes are. It reads nothing itself.

use crate::model::contents::ContentKind;

/// How much of a file decides, in bytes. git looks for a NUL byte in as much.
const SAMPLE: usize = 8 << 10;

/// The kind of these bytes. Text in an old 8-bit encoding is still text; UTF-16 is not.
pub(super) fn of(bytes: &[u8]) -> ContentKind {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return ContentKind::Empty;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let marked = [&b"\xff\xfe"[..], b"\xfe\xff", b"%PDF-"];
    if sample.contains(&0) || marked.iter().any(|mark| sample.starts_with(mark)) {
        return ContentKind::Binary;
    }
    let controls = sample
        .iter()
        .filter(|&&byte| byte.is_ascii_control() && !b"\t\n\x0b\x0c\r\x08\x1b".contains(&byte))
        .count();
    let foreign: usize = sample
        .utf8_chunks()
        .map(|chunk| chunk.invalid().len())
        .sum();
    // Packed data has about a tenth of control characters and half of it is no UTF-8; of a page of French in Latin-1 a
    // twentieth is none.
    if controls * 20 > sample.len() || foreign * 10 > sample.len() * 3 {
        return ContentKind::Binary;
    }
    ContentKind::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_known_by_the_bytes() {
        assert_eq!(of(b""), ContentKind::Empty);
        assert_eq!(of(b" \n\t\r\n"), ContentKind::Empty);
        assert_eq!(of(b"fn main() {}\n"), ContentKind::Text);
        assert_eq!(of("größe = 'ß'; 漢字".as_bytes()), ContentKind::Text);
        assert_eq!(
            of(b"# r\xe9sum\xe9 de l'\xe9t\xe9 en Latin-1\nx = 1\n"),
            ContentKind::Text
        );
        assert_eq!(of(b"\x7fELF\x02\x01\x00\x00"), ContentKind::Binary);
        assert_eq!(of(b"\xff\xfeh\x00i\x00"), ContentKind::Binary);
        assert_eq!(of(b"%PDF-1.4\n%text"), ContentKind::Binary);
        let mut random = fastrand::Rng::with_seed(7);
        let packed: Vec<u8> = (0..4000).map(|_| random.u8(1..)).collect();
        assert_eq!(of(&packed), ContentKind::Binary);
        // The sample may end within a character.
        let mut long = "é".repeat(SAMPLE);
        long.insert(0, 'x');
        assert_eq!(of(long.as_bytes()), ContentKind::Text);
    }
}
