//! The key that a summary is stored under, computed from everything that goes into the summary.
//!
//! A key never contains a path, so that a rename, a copy, a second clone, an undo and a branch switch find the same
//! key. For the same reason a file's own name is not part of its summary; its parent knows it.

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
    /// A directory that contains some.
    Directory,
}

/// What generates summaries: the part of a key that is the same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    /// `offline` or `openai`.
    pub provider: String,
    /// The model's name; `offline` for the offline provider.
    pub model: String,
    /// The version of the prompts, or of the offline provider.
    pub prompt_version: u32,
    /// Parameters that change the output (temperature, effort, …), in a fixed order.
    pub parameters: String,
}

/// The part of a directory's key that comes from one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildSummary {
    /// Its summary's digest.
    Present(SummaryDigest),
    /// It has no summary and gets none; the parent lists it as left out.
    LeftOut,
}

impl Generator {
    /// The key of a file's summary. Content without text has the same key for every generator. `offline` writes the
    /// lines about text that is not summarized.
    pub fn file_key(
        &self,
        offline: &Generator,
        content_kind: ContentKind,
        language: Option<Language>,
        syntax: Digest,
    ) -> SummaryKey {
        let mut hasher = match content_kind {
            kind if kind.is_summarized() => self.hasher("file-summary.1"),
            kind if kind.is_text() => offline.hasher("file-line.1"),
            _ => Hasher::new("rule-summary.1"),
        };
        hasher.field(language.map_or("", Language::name).as_bytes());
        // Of a change log less is summarized than of other text.
        if !content_kind.is_summarized() || content_kind == ContentKind::ChangeLog {
            hasher.number(content_kind as u64);
        }
        if content_kind.is_text() {
            hasher.digest(syntax);
        }
        SummaryKey(hasher.finish())
    }

    /// The key of a directory's summary, from its children in order of name.
    pub fn directory_key<'a>(
        &self,
        children: impl Iterator<Item = (&'a [u8], Kind, ChildSummary)>,
    ) -> SummaryKey {
        let mut hasher = self.hasher("directory-summary.1");
        for (name, kind, summary) in children {
            hasher.field(name);
            hasher.number(kind as u64);
            match summary {
                ChildSummary::Present(digest) => hasher.digest(digest.0),
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
