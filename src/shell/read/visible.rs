//! Removes characters that show a reader something else than a model reads: tags, marks that reorder text, and what has no
//! width and so hides within a word or a token.

use std::borrow::Cow;

/// How a character is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Never shown, or only to reorder what is shown.
    Hidden,
    /// Without width; scripts and emoji need one behind a character that is not ASCII.
    Joiner,
}

/// The text without Unicode tags (U+E0000 to U+E007F), marks of direction that embed, override or isolate (U+202A to
/// U+202E, U+2066 to U+2069), zero-width spaces and invisible operators (U+200B, U+2060 to U+2064, U+FEFF, U+180E),
/// and further variation selectors (U+E0100 to U+E01EF). Joiners (U+200C, U+200D), variation selectors (U+FE00 to
/// U+FE0F) and soft hyphens (U+00AD) stay only behind a visible character that is not ASCII.
pub(super) fn visible(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.is_ascii() {
        return Cow::Borrowed(bytes);
    }
    let mut kept: Option<Vec<u8>> = None;
    let mut at = 0;
    let mut before = b' ';
    while at < bytes.len() {
        if bytes[at].is_ascii() {
            let rest = &bytes[at..];
            let run = rest.iter().take_while(|byte| byte.is_ascii()).count();
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&rest[..run]);
            }
            at += run;
            before = b' ';
            continue;
        }
        let (kind, length) = of(&bytes[at..]);
        let goes = match kind {
            Kind::Plain => false,
            Kind::Hidden => true,
            Kind::Joiner => before.is_ascii(),
        };
        if goes {
            kept.get_or_insert_with(|| bytes[..at].to_vec());
        } else {
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&bytes[at..at + length]);
            }
            // A second joiner in a row is no part of any script.
            before = if kind == Kind::Joiner {
                b' '
            } else {
                bytes[at]
            };
        }
        at += length;
    }
    kept.map_or(Cow::Borrowed(bytes), Cow::Owned)
}

/// The kind and the length of what the text begins with: a character that matters here, or one byte.
fn of(text: &[u8]) -> (Kind, usize) {
    match text {
        [0xe2, 0x80, 0xaa..=0xae, ..] | [0xe2, 0x81, 0xa6..=0xa9, ..] => (Kind::Hidden, 3),
        [0xe2, 0x80, 0x8b, ..] | [0xe2, 0x81, 0xa0..=0xa4, ..] => (Kind::Hidden, 3),
        [0xef, 0xbb, 0xbf, ..] | [0xe1, 0xa0, 0x8e, ..] => (Kind::Hidden, 3),
        [0xf3, 0xa0, 0x80 | 0x81, 0x80..=0xbf, ..] => (Kind::Hidden, 4),
        [0xf3, 0xa0, 0x84..=0x86, 0x80..=0xbf, ..] => (Kind::Hidden, 4),
        [0xf3, 0xa0, 0x87, 0x80..=0xaf, ..] => (Kind::Hidden, 4),
        [0xe2, 0x80, 0x8c | 0x8d, ..] | [0xef, 0xb8, 0x80..=0x8f, ..] => (Kind::Joiner, 3),
        [0xc2, 0xad, ..] => (Kind::Joiner, 2),
        _ => (Kind::Plain, 1),
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

    #[test]
    fn what_has_no_width_does_not_hide_within_a_word() {
        for hidden in [
            "\u{200b}",
            "\u{200c}",
            "\u{200d}",
            "\u{2060}",
            "\u{2063}",
            "\u{feff}",
            "\u{ad}",
            "\u{180e}",
            "\u{fe0f}",
            "\u{e0100}",
            "\u{e01ef}",
        ] {
            let text = format!("gh{hidden}p_{hidden}{hidden}abc");
            assert_eq!(*visible(text.as_bytes()), *b"ghp_abc", "{hidden:?}");
        }
        // One joiner that a script needs stays, a row of them carries a message.
        assert_eq!(
            &*visible("👩\u{fe0f}\u{fe01}\u{fe02}x".as_bytes()),
            "👩\u{fe0f}x".as_bytes()
        );
        assert_eq!(
            &*visible("نمی\u{200c}خواهم".as_bytes()),
            "نمی\u{200c}خواهم".as_bytes()
        );
    }
}
