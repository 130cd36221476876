//! What reading a file tells about it, apart from its words.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::language::Language;
use super::stat::Stat;

/// What kind of matter a file holds; only [`Matter::Text`] is worth a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Matter {
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
    /// The language, by name or ending.
    pub language: Option<Language>,
    /// What kind of matter it is.
    pub matter: Matter,
}
