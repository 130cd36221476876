//! The text of a refusal, matched against groups of hints instead of whole sentences.
//!
//! Endpoints word the same refusal in dozens of ways. A group lists what a kind of refusal tends to contain; a meaning is
//! assumed only where hints of several independent groups meet.

/// A group of hints: lower-case substrings.
pub(super) type Hints = &'static [&'static str];

/// The request contains something that the endpoint does not accept at all.
pub(super) const UNSUPPORTED: Hints = &[
    "unsupported",
    "not supported",
    "not support",
    "n't support",
    "unrecognized",
    "unrecognised",
    "not recognized",
    "unknown",
    "unexpected",
    "extra inputs",
    "extra field",
    "extra_forbidden",
    "additional properties",
    "not permitted",
    "not allowed",
    "not enabled",
    "not accept",
    "not available",
    "not implemented",
    "deprecated",
    "no longer",
    "removed",
    "disallowed",
    "invalid parameter",
    "invalid field",
    "invalid argument",
    "must not be",
    "cannot be used",
    "can't be used",
    "can not be used",
    "instead",
    "不支持",
    "未知参数",
    "obsolete",
    "nicht unterstützt",
    "non pris en charge",
    "pas pris en charge",
    "no es compatible",
    "no admite",
    "não suporta",
    "не поддерж",
    "サポートされていません",
    "지원하지 않",
    "지원되지 않",
    "rather than",
    "in place of",
];

/// A text in lower case.
pub(super) struct Words(String);

impl Words {
    pub fn of(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether one of the hints occurs.
    pub fn any(&self, hints: Hints) -> bool {
        hints.iter().any(|hint| self.0.contains(hint))
    }

    /// Whether each group has a hint that occurs.
    pub fn all(&self, groups: &[Hints]) -> bool {
        groups.iter().all(|hints| self.any(hints))
    }

    /// Whether a name occurs that is not part of a longer name: `max_tokens` is no part of `max_tokens_total`.
    pub fn names(&self, name: &str) -> bool {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.0.match_indices(name).any(|(at, _)| {
            let before = self.0[..at].chars().next_back();
            let after = self.0[at + name.len()..].chars().next();
            !before.is_some_and(is_name) && !after.is_some_and(is_name)
        })
    }

    /// The whole numbers in it with the bytes that they take; thousands may be separated by a comma or an underscore.
    pub fn numbers(&self) -> Vec<Number> {
        let bytes = self.0.as_bytes();
        let mut numbers = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let start = at;
            let mut value: u64 = 0;
            while at < bytes.len() {
                let separates = matches!(bytes[at], b',' | b'_')
                    && bytes
                        .get(at + 1..at + 4)
                        .is_some_and(|three| three.iter().all(u8::is_ascii_digit))
                    && !bytes.get(at + 4).is_some_and(u8::is_ascii_digit);
                if bytes[at].is_ascii_digit() {
                    value = value
                        .saturating_mul(10)
                        .saturating_add(u64::from(bytes[at] - b'0'));
                } else if !separates {
                    break;
                }
                at += 1;
            }
            // "gpt-4", "v1" and "0.5" are no amounts.
            let before = start.checked_sub(1).map(|before| bytes[before]);
            let after = (bytes.get(at), bytes.get(at + 1));
            let in_a_name = before
                .is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, b'-' | b'_' | b'.'))
                || matches!(after, (Some(b'.'), Some(c)) if c.is_ascii_digit());
            if !in_a_name {
                numbers.push(Number {
                    value,
                    start,
                    end: at,
                });
            }
        }
        numbers
    }
}

/// A number in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub value: u64,
    pub start: usize,
    pub end: usize,
}

/// A structured name (`error.code`, `error.type`) in one spelling: lower case, words joined by `_`.
pub(super) fn normal(name: &str) -> String {
    let mut normal = String::new();
    let mut previous = ' ';
    for c in name.chars() {
        if c.is_uppercase() && previous.is_lowercase() {
            normal.push('_');
        }
        normal.extend(match c {
            '-' | ' ' | '.' => '_'.to_lowercase(),
            other => other.to_lowercase(),
        });
        previous = c;
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_words() {
        let words = Words::of("Unsupported parameter: 'max_tokens'. Use max_completion_tokens.");
        assert!(words.names("max_tokens") && words.names("max_completion_tokens"));
        assert!(!words.names("completion_tokens"));
    }

    #[test]
    fn numbers_are_amounts() {
        let values = |text: &str| -> Vec<u64> {
            let numbers = Words::of(text).numbers();
            numbers.iter().map(|number| number.value).collect()
        };
        assert_eq!(
            values("8,192 tokens, not 9000 (1_048_576)"),
            [8192, 9000, 1_048_576]
        );
        assert_eq!(values("range [1, 4096]"), [1, 4096]);
        assert!(values("gpt-4 takes 0.5 s").is_empty());
    }

    #[test]
    fn structured_names_have_one_spelling() {
        assert_eq!(normal("InvalidApiKey"), "invalid_api_key");
        assert_eq!(normal("insufficient-quota"), "insufficient_quota");
        assert_eq!(normal("INVALID_ARGUMENT"), "invalid_argument");
    }
}
