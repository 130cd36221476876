//! Percent-encoding of query values, byte for byte: a path need not be UTF-8, and a form decoder would replace what
//! is not.

/// The bytes with everything but unreserved characters and `/` written as `%XX`.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            _ => {
                text.push('%');
                for half in [byte >> 4, byte & 15] {
                    text.push(char::from(b"0123456789ABCDEF"[usize::from(half)]));
                }
            }
        }
    }
    text
}

/// The bytes of an encoded text; `+` is a space, as in forms. `None` where a `%` is not followed by two digits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let [high, low, after @ ..] = rest else {
                    return None;
                };
                rest = after;
                digit(*high)? << 4 | digit(*low)?
            }
            byte => *byte,
        });
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
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
