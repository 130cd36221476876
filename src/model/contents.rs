//! What reading a file tells about it, apart from its words.

use serde::{Deserialize, Deserializer, Serialize};

use super::digest::Digest;
use super::language::Language;
use super::stat::Stat;

/// What kind of matter a file holds; only [`ContentKind::Text`] is worth a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContentKind {
    /// Text that can be summarized.
    Text,
    /// No byte, or white space only.
    Empty,
    /// Not text: described by rule, never sent.
    Binary,
    /// Above `[files] max_bytes`: a node without a summary.
    TooLarge,
    /// A secret by its name (`.env`, a private key): a node without content.
    Secret,
}

/// What one reading of a file found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The file's stat, equal before and after the reading.
    pub stat: Stat,
    /// When the reading began, milliseconds since 1970.
    pub observed_ms: u64,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Digest of the syntax: blind to white space and layout. Equal to `digest` where no grammar is known.
    pub syntax: Digest,
    /// The language, by name or ending. One that only another version of the program knows is none: it is no damage, and
    /// what another version's parser found is read again.
    #[serde(deserialize_with = "known")]
    pub language: Option<Language>,
    /// What kind of matter it is.
    pub content_kind: ContentKind,
}

fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Language>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    Ok(name.and_then(|name| Language::named(&name)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_language_of_another_version_is_no_damage() {
        let contents = Contents {
            stat: Stat::default(),
            observed_ms: 1,
            digest: Digest::of_file(b"a"),
            syntax: Digest::of_file(b"a"),
            language: Language::named("rust"),
            content_kind: ContentKind::Text,
        };
        let text = serde_json::to_string(&contents).unwrap();
        assert_eq!(serde_json::from_str::<Contents>(&text).unwrap(), contents);
        let later = text.replace("\"rust\"", "\"language of 2050\"");
        assert_ne!(text, later);
        let read: Contents = serde_json::from_str(&later).unwrap();
        assert_eq!((read.language, read.digest), (None, contents.digest));
    }
}
