//! The syntax of git's configuration files; see git-config(1). What git would reject is skipped.

/// One setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Setting {
    /// In lower case.
    pub(super) section: Vec<u8>,
    /// The quoted part after the section's name.
    pub(super) subsection: Option<Vec<u8>>,
    /// In lower case.
    pub(super) key: Vec<u8>,
    /// `None`: the key stands alone, which means true.
    pub(super) value: Option<Vec<u8>>,
}

/// Whether a value means true.
pub(super) fn is_true(value: Option<&[u8]>) -> bool {
    let Some(value) = value else {
        return true;
    };
    let text = String::from_utf8_lossy(value).to_lowercase();
    let number = text.parse::<i64>().is_ok_and(|number| number != 0);
    number || ["true", "yes", "on"].contains(&&*text)
}

/// All settings of a file, in order.
pub(super) fn settings(bytes: &[u8]) -> Vec<Setting> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader { rest: bytes };
    let mut words = Vec::new();
    let (mut section, mut subsection) = (Vec::new(), None);
    while let Some(byte) = reader.next() {
        match byte {
            b'#' | b';' => reader.skip_line(),
            b'[' => (section, subsection) = reader.section(),
            byte if byte.is_ascii_alphanumeric() => {
                let (key, value) = reader.setting(byte);
                words.push(Setting {
                    section: section.clone(),
                    subsection: subsection.clone(),
                    key,
                    value,
                });
            }
            _ => {}
        }
    }
    words
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    /// The next byte; a carriage return before a line feed is dropped.
    fn next(&mut self) -> Option<u8> {
        if self.rest.starts_with(b"\r\n") {
            self.rest = &self.rest[1..];
        }
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        match self.rest {
            [b'\r', b'\n', ..] => Some(b'\n'),
            rest => rest.first().copied(),
        }
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    /// Parses a section header after its `[`.
    fn section(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut name = Vec::new();
        let mut subsection = None;
        while let Some(byte) = self.next() {
            match byte {
                b']' | b'\n' => break,
                b'"' => {
                    let mut text = Vec::new();
                    while let Some(byte) = self.next() {
                        match byte {
                            b'"' | b'\n' => break,
                            b'\\' => text.extend(self.next()),
                            byte => text.push(byte),
                        }
                    }
                    subsection = Some(text);
                }
                byte if byte.is_ascii_whitespace() => {}
                byte => name.push(byte.to_ascii_lowercase()),
            }
        }
        // The old syntax of subsections.
        if subsection.is_none()
            && let Some(dot) = name.iter().position(|&byte| byte == b'.')
        {
            subsection = Some(name[dot + 1..].to_vec());
            name.truncate(dot);
        }
        (name, subsection)
    }

    fn setting(&mut self, first: u8) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut key = vec![first.to_ascii_lowercase()];
        while let Some(byte) = self.peek() {
            match byte {
                byte if byte.is_ascii_alphanumeric() || byte == b'-' => {
                    key.push(byte.to_ascii_lowercase());
                }
                b' ' | b'\t' => {}
                b'=' => {
                    self.next();
                    return (key, Some(self.value()));
                }
                _ => break,
            }
            self.next();
        }
        (key, None)
    }

    /// Parses a value: removes quotes, escapes and the trailing comment.
    fn value(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        // Quoted text is kept as it is, trailing spaces included.
        let mut kept = 0;
        let mut quoted = false;
        while let Some(byte) = self.next() {
            match byte {
                b'\n' => break,
                b'"' => quoted = !quoted,
                b'#' | b';' if !quoted => {
                    self.skip_line();
                    break;
                }
                b'\\' => match self.next() {
                    // A line continuation.
                    Some(b'\n') => continue,
                    Some(b't') => text.push(b'\t'),
                    Some(b'n') => text.push(b'\n'),
                    Some(b'b') => text.push(8),
                    other => text.extend(other),
                },
                b' ' | b'\t' if text.is_empty() && !quoted => continue,
                byte => text.push(byte),
            }
            if quoted || !byte.is_ascii_whitespace() {
                kept = text.len();
            }
        }
        text.truncate(kept);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_git_reads_them() {
        let read = |text: &str| {
            let words = settings(text.as_bytes());
            let setting = words.last().cloned().unwrap_or_default();
            setting
                .value
                .map(|value| String::from_utf8_lossy(&value).into_owned())
        };
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(read("[a]\nb = ~/one # mine\n"), said("~/one"));
        assert_eq!(read("[a] b=\"/a b;c \" ; x"), said("/a b;c "));
        assert_eq!(read("[a]\r\n b = x\\\r\n  y\r\n"), said("x  y"));
        assert_eq!(read("[a]\nb = \"\\\"\" z\\t\\\\"), said("\" z\t\\"));
        assert_eq!(read("[a]\nb\n"), None);
        assert_eq!(read("[a]\nb =\n"), said(""));
        assert!(is_true(None) && is_true(Some(b"Yes")) && is_true(Some(b"1")));
        assert!(!is_true(Some(b"")) && !is_true(Some(b"false")) && !is_true(Some(b"0")));
    }

    #[test]
    fn sections_have_names_and_some_a_second_one() {
        let words =
            settings(b"x = 0\n[Core]\nA = 1\n[In \"g:/A]\\\"b\"]\np = 2\n[old.Way] q\n# c\n");
        let shown: Vec<(String, Option<String>, String)> = words
            .iter()
            .map(|setting| {
                let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
                (
                    text(&setting.section),
                    setting.subsection.as_ref().map(text),
                    text(&setting.key),
                )
            })
            .collect();
        let setting = |section: &str, second: Option<&str>, key: &str| {
            (
                section.to_owned(),
                second.map(str::to_owned),
                key.to_owned(),
            )
        };
        assert_eq!(
            shown,
            [
                setting("", None, "x"),
                setting("core", None, "a"),
                setting("in", Some("g:/A]\"b"), "p"),
                setting("old", Some("way"), "q"),
            ]
        );
    }
}
