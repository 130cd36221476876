//! The text as words and single characters.

use std::ops::Range;

/// Words and single characters, without comments, literals and directives.
pub(super) fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut line_start = true;
    while at < text.len() {
        let rest = &text[at..];
        let byte = rest[0];
        let length = if byte == b'\n' {
            line_start = true;
            at += 1;
            continue;
        } else if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if byte == b'#' && line_start {
            let mut end = 0;
            loop {
                let line = rest[end..].iter().position(|byte| *byte == b'\n');
                let Some(line) = line else {
                    return found;
                };
                end += line;
                if !rest[..end].trim_ascii_end().ends_with(b"\\") {
                    break;
                }
                end += 1;
            }
            at += end;
            continue;
        } else if rest.starts_with(b"//") {
            let end = rest.iter().position(|byte| *byte == b'\n');
            at += end.unwrap_or(rest.len());
            continue;
        } else if rest.starts_with(b"/*") {
            let end = rest.windows(2).skip(2).position(|two| two == b"*/");
            at += end.map_or(rest.len(), |end| end + 4);
            continue;
        } else if matches!(byte, b'"' | b'\'') {
            quoted(rest)
        } else if is_word(byte) {
            rest.iter().take_while(|byte| is_word(**byte)).count()
        } else {
            1
        };
        line_start = false;
        let end = (at + length).min(text.len());
        found.push(at..end);
        at = end;
    }
    found
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of a string or character literal, at most to the end of its line.
pub(super) fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'\n' => return at,
            byte if byte == text[0] => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// For each token that opens a parenthesis the index of the one that closes it; for all others their own.
pub(super) fn closings(text: &[u8], tokens: &[Range<usize>]) -> Vec<usize> {
    let mut closings: Vec<usize> = (0..tokens.len()).collect();
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match text[token.start] {
            b'(' => open.push(at),
            b')' => {
                if let Some(opening) = open.pop() {
                    closings[opening] = at;
                }
            }
            // A statement in braces may stand in a macro's arguments, but then it is short.
            b'}' | b';' => open.retain(|opening| at < opening + 400),
            _ => {}
        }
    }
    closings
}
