//! The syntax digest of a text without a sound tree: its tokens, without the white space between them.
//!
//! Recovery from errors depends on white space, so a broken tree is no base for a digest. A word is a token, a string in
//! quotes is one as far as its line goes, every other character is one. White space between two operator characters is
//! kept as one blank; line ends and indentation are kept as far as the language gives them a meaning.

use crate::model::digest::{Digest, Hasher};

use super::syntax::{ENCODING, is_space};
use super::table::Lines;

/// The digest of a text's tokens.
pub(super) fn digest(language: &str, lines: Lines, text: &[u8]) -> Digest {
    let mut hasher = Hasher::new("tokens.1");
    hasher.number(u64::from(ENCODING));
    hasher.field(language.as_bytes());
    let mut levels: Vec<usize> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let content = line.trim_ascii();
        if content.is_empty() {
            continue;
        }
        match lines {
            Lines::Free if !content.starts_with(b"#") && !content.ends_with(b"\\") => {}
            Lines::Free | Lines::Ends => hasher.raw(b"n"),
            Lines::Indentation => {
                hasher.raw(b"n");
                indentation(&mut hasher, &mut levels, width(line));
            }
        }
        tokens(&mut hasher, content);
        if lines == Lines::Free && content.starts_with(b"#") && !content.ends_with(b"\\") {
            hasher.raw(b"n");
        }
    }
    hasher.finish()
}

/// The column at which a line's text begins.
fn width(line: &[u8]) -> usize {
    let blanks = line.iter().take_while(|byte| is_space(**byte));
    blanks.fold(0, |column, byte| match byte {
        b'\t' => column / 8 * 8 + 8,
        _ => column + 1,
    })
}

/// Writes how many levels a line opens or closes.
fn indentation(hasher: &mut Hasher, levels: &mut Vec<usize>, width: usize) {
    while levels.last().is_some_and(|level| *level > width) {
        levels.pop();
        hasher.raw(b"<");
    }
    if width > levels.last().copied().unwrap_or(0) {
        levels.push(width);
        hasher.raw(b">");
    }
}

fn tokens(hasher: &mut Hasher, line: &[u8]) {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 128..);
    let is_bracket = |byte: u8| b"()[]{},;".contains(&byte);
    let mut rest = line;
    let mut operator = false;
    while let Some(first) = rest.first().copied() {
        let length = if is_space(first) {
            let run = rest.iter().take_while(|byte| is_space(**byte)).count();
            let next = rest.get(run).copied().unwrap_or(b' ');
            if operator && !is_word(&next) && !is_bracket(next) {
                hasher.raw(b" ");
            }
            rest = &rest[run..];
            continue;
        } else if is_word(&first) {
            rest.iter().take_while(|byte| is_word(byte)).count()
        } else if matches!(first, b'"' | b'\'' | b'`') {
            quoted(rest)
        } else {
            1
        };
        let (token, after) = rest.split_at(length);
        hasher.raw(b"t");
        hasher.field(token);
        operator = length == 1 && !is_word(&first) && !is_bracket(first);
        rest = after;
    }
}

/// The length of a string that begins a text: to its closing quote or to the end.
fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == text[0] => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Prose without the white space that means nothing: around lines, several blank lines, and another system's line
/// ends. The indentation of a line stays.
pub(super) fn prose(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut blank = true;
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        if line.is_empty() && blank {
            continue;
        }
        blank = line.is_empty();
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.truncate(out.trim_ascii_end().len());
    out
}

/// Settings and other lines: white space at their ends and blank lines between them are free.
pub(super) fn without_blank_lines(text: &[u8]) -> Vec<u8> {
    let lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_free_and_the_rest_counts() {
        let of = |lines, text: &str| digest("x", lines, text.as_bytes());
        for (lines, one, other) in [
            (Lines::Free, "int  a = 1;\n", "int a=1 ;"),
            (Lines::Free, "f(a,\n  b)", "f(a, b)"),
            (
                Lines::Free,
                "#define A 1\nint b;",
                "  #define A 1\n\n  int b;",
            ),
            (Lines::Ends, "a\n  b\n", "a\nb"),
            (Lines::Indentation, "if a:\n  b\nc", "if a:\n\tb\n\n\nc\n"),
        ] {
            assert_eq!(of(lines, one), of(lines, other), "{one:?} {other:?}");
        }
        for (lines, one, other) in [
            (Lines::Free, "a \"b  c\"", "a \"b c\""),
            (Lines::Free, "a b", "ab"),
            (Lines::Free, "a + +b", "a ++b"),
            (Lines::Free, "#define A 1\nint b;", "#define A 1 int b;"),
            (Lines::Ends, "a\nb", "a b"),
            (Lines::Indentation, "if a:\n  b\n  c", "if a:\n  b\nc"),
        ] {
            assert_ne!(of(lines, one), of(lines, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn prose_keeps_its_paragraphs_and_indentation() {
        assert_eq!(prose(b"a  \r\n\r\n\r\nb\n  c\n\n"), b"a\n\nb\n  c");
    }
}
