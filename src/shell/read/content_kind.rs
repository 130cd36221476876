//! The kind of content that bytes are. It reads nothing itself.

use crate::model::contents::ContentKind;

/// How much of a file decides, in bytes. git looks for a NUL byte in as much.
const SAMPLE: usize = 8 << 10;

/// The kind of this text, as decoded.
pub(super) fn of(text: &[u8]) -> ContentKind {
    if text.iter().all(u8::is_ascii_whitespace) {
        return ContentKind::Empty;
    }
    if text.starts_with(b"%PDF-") || has_controls(text) {
        return ContentKind::Binary;
    }
    let (mut all, mut foreign) = (0, 0);
    for chunk in sample(text).utf8_chunks() {
        all += chunk.valid().chars().count() + chunk.invalid().len();
        foreign += chunk.valid().matches('\u{fffd}').count() + chunk.invalid().len();
    }
    match foreign * 10 > all * 3 {
        true => ContentKind::Binary,
        false => ContentKind::Text,
    }
}

/// Whether there are control characters as in no text: packed data has about a tenth of them.
pub(super) fn has_controls(text: &[u8]) -> bool {
    let sample = sample(text);
    let is_control =
        |byte: &&u8| byte.is_ascii_control() && !b"\t\n\x0b\x0c\r\x08\x1b".contains(byte);
    sample.contains(&0) || sample.iter().filter(is_control).count() * 20 > sample.len()
}

fn sample(text: &[u8]) -> &[u8] {
    &text[..text.len().min(SAMPLE)]
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
        assert_eq!(of(b"caf\xe9 \xff\xfe\xfd\xfc\xfb\xfa"), ContentKind::Binary);
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
