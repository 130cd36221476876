//! Which summaries others are made of: what is too large for one request is asked about in parts, and their words are
//! kept under keys that no record names. They are in use for as long as the whole is.

use super::cache::SUMMARIES;
use super::{Store, codec};
use crate::model::summary::SummaryKey;

/// In front of a key: where the keys of its parts stand, among the summaries. No key has that length.
pub(super) const PARTS: &[u8] = b"parts:";

impl Store {
    /// Notes that the words of `whole` are, or will be, made of those of `parts`, and of those noted before. Where that
    /// fails, the parts only seem unused.
    pub fn note_parts(&self, whole: SummaryKey, parts: &[SummaryKey]) {
        if parts.is_empty() {
            return;
        }
        let name = [PARTS, &whole.0.0].concat();
        let sealed = self.cache.read(|trees| trees.summaries.get(&name));
        let known = sealed.ok().flatten();
        let known = known.and_then(|sealed| codec::unseal(SUMMARIES, &name, &sealed));
        let mut all: Vec<SummaryKey> = known.unwrap_or_default();
        let before = all.len();
        for part in parts {
            if !all.contains(part) {
                all.push(*part);
            }
        }
        if all.len() > before {
            let _ = self.cache.with(|trees| {
                let sealed = codec::seal(SUMMARIES, &name, &all).unwrap_or_default();
                trees.summaries.insert(&name[..], sealed).map(drop)
            });
        }
    }
}
