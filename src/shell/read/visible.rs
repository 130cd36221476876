//! Removes characters that show a reader something else than a model reads: tags, and marks that reorder text.

use std::borrow::Cow;

/// The text without Unicode tags (U+E0000 to U+E007F) and without marks of direction that embed, override or isolate
/// (U+202A to U+202E, U+2066 to U+2069). Marks that scripts need, such as joiners, stay.
pub(super) fn visible(bytes: &[u8]) -> Cow<'_, [u8]> {
    let suspect = |at: &usize| length(&bytes[*at..]) > 0;
    let first = memchr::memchr2_iter(0xe2, 0xf3, bytes).find(suspect);
    let Some(first) = first else {
        return Cow::Borrowed(bytes);
    };
    let mut kept = bytes[..first].to_vec();
    let mut at = first;
    while at < bytes.len() {
        match length(&bytes[at..]) {
            0 => {
                kept.push(bytes[at]);
                at += 1;
            }
            hidden => at += hidden,
        }
    }
    Cow::Owned(kept)
}

/// How many bytes the hidden character has that the text begins with; 0 for any other.
fn length(text: &[u8]) -> usize {
    match text {
        [0xe2, 0x80, 0xaa..=0xae, ..] | [0xe2, 0x81, 0xa6..=0xa9, ..] => 3,
        [0xf3, 0xa0, 0x80 | 0x81, 0x80..=0xbf, ..] => 4,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_marks_of_direction_go_and_everything_else_stays() {
        let hidden = "a\u{202e}b\u{2066}c\u{2069}d\u{e0041}\u{e007f}e\nf";
        assert_eq!(*visible(hidden.as_bytes()), *b"abcde\nf");
        for text in [
            "",
            "größe 日本語 👩\u{200d}🚀 \u{200f}عربي",
            "\u{2026}\u{2014}\u{f0000}",
        ] {
            assert!(
                matches!(visible(text.as_bytes()), Cow::Borrowed(_)),
                "{text}"
            );
        }
        assert_eq!(*visible(b"\xe2\x80"), *b"\xe2\x80");
    }
}
