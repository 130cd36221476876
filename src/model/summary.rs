//! The summary of a node, and its freshness.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digest::{Digest, Hasher};

/// Identifies a summary by its inputs; see [`super::key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SummaryKey(pub Digest);

/// The digest of a summary's text: an input of the parent's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SummaryDigest(pub Digest);

/// The summary of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// A short paragraph whose first sentence can stand alone.
    pub text: String,
    /// What generated it: a model's name, or `offline`.
    pub model: String,
    /// How many times in a row a model confirmed this text for changed content, or wrote it from a diff.
    pub reaffirmed: u32,
}

impl Summary {
    /// A newly generated summary.
    pub fn new(text: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            model: model.into(),
            reaffirmed: 0,
        }
    }

    /// The digest of the text.
    pub fn digest(&self) -> SummaryDigest {
        let mut hasher = Hasher::new("words.1");
        hasher.raw(self.text.as_bytes());
        SummaryDigest(hasher.finish())
    }

    /// The first sentence.
    pub fn line(&self) -> &str {
        first_sentence(&self.text)
    }
}

/// The summary that a node has, possibly of an earlier state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryRef {
    /// The key it is stored under.
    pub key: SummaryKey,
    /// The digest of its text.
    pub digest: SummaryDigest,
}

/// Whether a summary describes its node as it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// It does, and so does every node below it.
    Fresh,
    /// It describes an earlier state, or something below is not fresh.
    Stale,
    /// There is none yet.
    Pending,
    /// There is none: the last attempt failed and is not retried automatically.
    Failed,
    /// Summaries are switched off for this node.
    Off,
}

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Off => "off",
        })
    }
}

/// Abbreviations: a full stop after one does not end the sentence.
const ABBREVIATIONS: [&str; 17] = [
    "e.g", "eg", "i.e", "ie", "etc", "vs", "cf", "approx", "resp", "incl", "no", "dr", "mr", "mrs",
    "st", "fig", "al",
];

/// The first sentence of a text: up to a `.`, `!` or `?` that is followed by white space and does not end an
/// abbreviation, or to the end of the paragraph.
pub fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    let paragraph = text.find("\n\n").map_or(text, |end| text[..end].trim_end());
    for (at, mark) in paragraph.char_indices() {
        if !matches!(mark, '.' | '!' | '?') {
            continue;
        }
        let rest = &paragraph[at + 1..];
        if !rest.chars().next().is_none_or(char::is_whitespace) {
            continue;
        }
        let word = paragraph[..at]
            .rsplit(|c: char| c.is_whitespace() || c == '(')
            .next()
            .unwrap_or("")
            .to_lowercase();
        let abbreviated = mark == '.' && ABBREVIATIONS.contains(&word.as_str());
        let goes_on = rest
            .trim_start()
            .chars()
            .next()
            .is_some_and(char::is_lowercase);
        if abbreviated && !rest.trim().is_empty() || mark == '.' && goes_on {
            continue;
        }
        return &paragraph[..=at];
    }
    paragraph
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn first_sentences() {
        for (text, line) in [
            ("One. Two.", "One."),
            (
                "Reads e.g. JSON and i.e. more. Then.",
                "Reads e.g. JSON and i.e. more.",
            ),
            ("Version 1.2 of `a.b()`. Next.", "Version 1.2 of `a.b()`."),
            ("No stop at all", "No stop at all"),
            ("Head\n\nBody. More.", "Head"),
            ("Is it? Yes.", "Is it?"),
            ("Skips it (eg. A+b). Then.", "Skips it (eg. A+b)."),
            (
                "Uses foo. bar etc. as before. X.",
                "Uses foo. bar etc. as before.",
            ),
            ("", ""),
        ] {
            assert_eq!(first_sentence(text), line, "{text:?}");
        }
    }
}
