//! Percent-encoding of query values, byte by byte: a path need not be UTF-8, and a form decoder would replace what is
//! not.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// Everything but unreserved characters and `/`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The bytes with everything but unreserved characters and `/` written as `%XX`.
pub fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, ENCODED).to_string()
}

/// The bytes of an encoded text; `+` is a space, as in forms. `None` if a `%` is not followed by two digits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let is_escape = |after: &str| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let valid = text.split('%').skip(1).all(is_escape);
    valid.then(|| percent_decode_str(&text.replace('+', " ")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Some(all));
        assert_eq!(encode(b"/a b\xff+"), "/a%20b%FF%2B");
    }

    #[test]
    fn broken_escapes_are_refused() {
        for text in ["%", "%f", "%zz", "a%+1"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode("a+b%2f"), Some(b"a b/".to_vec()));
    }
}
