//! Everything that goes into a summary, made into the key that it is stored under.
//!
//! A key never holds a path: a rename, a copy, a second clone, an undo and a branch and back meet the same key.
//! A file's own name is no part of its summary for the same reason; its parent knows it.

use serde::{Deserialize, Serialize};

use super::contents::ContentKind;
use super::digest::{Digest, Hasher};
use super::language::Language;
use super::summary::{SummaryDigest, SummaryKey};

/// What a node is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    #[default]
    File,
    /// A directory that holds some.
    Directory,
}

/// Who writes, with what: the part of a recipe that is the same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    /// `offline` or `openai`.
    pub provider: String,
    /// The model's name; `offline` for the offline provider.
    pub model: String,
    /// The version of the prompts, or of the offline provider's rules.
    pub prompt_version: u32,
    /// Parameters that change the words (temperature, effort, …), in a fixed order.
    pub parameters: String,
}

/// What a directory's recipe holds of one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildSummary {
    /// Its summary.
    Said(SummaryDigest),
    /// It has none and gets none; the parent names it as left out.
    LeftOut,
}

impl Generator {
    /// The key of a file's summary. Matter that a rule describes (empty, binary) has the same key for every author.
    pub fn file_key(
        &self,
        content_kind: ContentKind,
        language: Option<Language>,
        syntax: Digest,
    ) -> SummaryKey {
        let mut hasher = match content_kind {
            ContentKind::Text => self.hasher("file-summary.1"),
            _ => Hasher::new("rule-summary.1"),
        };
        hasher.field(language.map_or("", Language::name).as_bytes());
        match content_kind {
            ContentKind::Text => hasher.digest(syntax),
            other => hasher.number(other as u64),
        }
        SummaryKey(hasher.finish())
    }

    /// The key of a directory's summary: its children, in order of name.
    pub fn directory_key<'a>(
        &self,
        children: impl Iterator<Item = (&'a [u8], Kind, ChildSummary)>,
    ) -> SummaryKey {
        let mut hasher = self.hasher("directory-summary.1");
        for (name, kind, words) in children {
            hasher.field(name);
            hasher.number(kind as u64);
            match words {
                ChildSummary::Said(digest) => hasher.digest(digest.0),
                ChildSummary::LeftOut => hasher.raw(b"left out"),
            }
        }
        SummaryKey(hasher.finish())
    }

    fn hasher(&self, domain: &str) -> Hasher {
        let mut hasher = Hasher::new(domain);
        hasher.field(self.provider.as_bytes());
        hasher.field(self.model.as_bytes());
        hasher.number(u64::from(self.prompt_version));
        hasher.field(self.parameters.as_bytes());
        hasher
    }
}

/// A directory's Merkle digest: the names, kinds and digests of its children, in order of name.
pub fn directory_digest<'a>(children: impl Iterator<Item = (&'a [u8], Kind, Digest)>) -> Digest {
    let mut hasher = Hasher::new("directory.1");
    for (name, kind, digest) in children {
        hasher.field(name);
        hasher.number(kind as u64);
        hasher.digest(digest);
    }
    hasher.finish()
}
