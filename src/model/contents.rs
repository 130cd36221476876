//! The result of reading a file, apart from its summary.

use serde::{Deserialize, Deserializer, Serialize};

use super::digest::Digest;
use super::language::Language;
use super::policy::Policy;
use super::stat::Stat;

/// The kind of a file's content; only what [`ContentKind::is_summarized`] allows is sent to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContentKind {
    /// Text that can be summarized.
    Text,
    /// No bytes, or only white space.
    Empty,
    /// Not text: described by rule, never sent.
    Binary,
    /// Above `[files] max_bytes`: a node without a summary.
    TooLarge,
    /// A secret by its name (`.env`, a private key): a node without content.
    Secret,
    /// Text that an AI-ignore file keeps from models.
    Withheld,
    /// A lock file of a package manager.
    Lock,
    /// Minified or bundled code, or a source map.
    Minified,
    /// Code that a tool generated, by a marker in it.
    Generated,
    /// A copy of another project.
    Vendored,
    /// Data: large JSON or CSV files, dumps, fixtures, snapshots.
    Data,
    /// A catalogue of translations.
    Translation,
    /// A certificate or a public key.
    Certificate,
    /// An image as text.
    Picture,
    /// Generated, by an attribute of git.
    DeclaredGenerated,
    /// A copy of another project, by an attribute of git.
    DeclaredVendored,
    /// Documentation, by an attribute of git.
    DeclaredDocumentation,
    /// Text that people wrote, by an attribute of git, whatever it looks like.
    DeclaredSource,
    /// A long change log: its head is summarized.
    ChangeLog,
    /// The text of a licence.
    Licence,
}

impl ContentKind {
    /// Whether it has a text that can be parsed.
    pub fn is_text(self) -> bool {
        !matches!(
            self,
            Self::Empty | Self::Binary | Self::TooLarge | Self::Secret
        )
    }

    /// Whether the provider summarizes it; otherwise a rule describes it, or nothing does.
    pub fn is_summarized(self) -> bool {
        matches!(self, Self::Text | Self::DeclaredSource | Self::ChangeLog)
    }

    /// Whether it is what a file of this policy may be: otherwise the file has to be read again.
    pub fn fits(self, policy: Policy) -> bool {
        let declared = match self {
            Self::Withheld => Policy::Withheld,
            Self::DeclaredGenerated => Policy::Generated,
            Self::DeclaredVendored => Policy::Vendored,
            Self::DeclaredDocumentation => Policy::Documentation,
            Self::DeclaredSource => Policy::Source,
            _ => Policy::None,
        };
        !self.is_text() || declared == policy
    }
}

/// The result of reading a file once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The file's stat, equal before and after reading.
    pub stat: Stat,
    /// When reading began, milliseconds since 1970.
    pub observed_ms: u64,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Digest of the syntax: ignores white space and layout. Equal to `digest` for what is no text.
    pub syntax: Digest,
    /// The language, by name or extension. A name that only another version of the program knows becomes `None`: such
    /// a record is valid, and the file is read again because its parser version differs.
    #[serde(deserialize_with = "known")]
    pub language: Option<Language>,
    /// The kind of content.
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
    fn a_language_of_another_version_is_accepted() {
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
