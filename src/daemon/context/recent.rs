//! The texts of files as they were last sent, so that the next request about a file can be a diff.
//!
//! They are in memory only, compressed, without secrets, and the oldest are dropped. After a restart the first request about
//! a changed file has its whole content.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::summary::SummaryKey;

/// What they may take, compressed.
const MAX_BYTES: usize = 16 << 20;

/// So many more requests for the whole file are accepted than one of three.
const TOLERATED: u32 = 4;

/// The texts, by the keys of their summaries.
#[derive(Default)]
pub struct RecentTexts {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    texts: HashMap<SummaryKey, Vec<u8>>,
    /// The oldest first; keys without a text are skipped.
    order: VecDeque<SummaryKey>,
    bytes: usize,
    /// Responses to diffs, and how many of them asked for the whole file.
    diffs: u32,
    asked_whole: u32,
}

impl RecentTexts {
    /// Keeps the text that a summary is made of.
    pub fn keep(&self, key: SummaryKey, text: &str) {
        let mut inner = self.lock();
        if inner.texts.contains_key(&key) {
            return;
        }
        let packed = lz4_flex::compress_prepend_size(text.as_bytes());
        inner.bytes += packed.len();
        inner.texts.insert(key, packed);
        inner.order.push_back(key);
        while inner.bytes > MAX_BYTES {
            let Some(oldest) = inner.order.pop_front() else {
                return;
            };
            inner.remove(oldest);
        }
    }

    /// The text of an earlier summary; `None` also while this model asks for the whole file too often: such a request is
    /// paid for twice.
    pub fn get(&self, key: SummaryKey) -> Option<String> {
        let inner = self.lock();
        if inner.asked_whole > TOLERATED + inner.diffs / 3 {
            return None;
        }
        let text = lz4_flex::decompress_size_prepended(inner.texts.get(&key)?).ok()?;
        String::from_utf8(text).ok()
    }

    /// Removes a text: the request that follows has the whole file.
    pub fn forget(&self, key: SummaryKey) {
        let mut inner = self.lock();
        inner.remove(key);
        inner.order.retain(|other| *other != key);
    }

    /// Counts a response to a diff.
    pub fn count(&self, asked_whole: bool) {
        let mut inner = self.lock();
        inner.diffs += 1;
        inner.asked_whole += u32::from(asked_whole);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remove(&mut self, key: SummaryKey) {
        let packed = self.texts.remove(&key);
        self.bytes -= packed.map_or(0, |packed| packed.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;

    fn key(number: u32) -> SummaryKey {
        SummaryKey(Digest::of_file(&number.to_le_bytes()))
    }

    #[test]
    fn the_oldest_texts_are_dropped_and_a_forgotten_one_is_gone() {
        let recent = RecentTexts::default();
        let mut random = fastrand::Rng::with_seed(1);
        let text: String = (0..4 << 20).map(|_| random.alphanumeric()).collect();
        for number in 0..6 {
            recent.keep(key(number), &text);
        }
        assert_eq!(recent.get(key(0)), None);
        assert_eq!(recent.get(key(5)), Some(text));
        assert!(recent.lock().bytes <= MAX_BYTES);
        recent.forget(key(5));
        assert_eq!(recent.get(key(5)), None);
    }

    #[test]
    fn a_model_that_wants_whole_files_gets_them() {
        let recent = RecentTexts::default();
        recent.keep(key(1), "text");
        for number in 0..40 {
            recent.count(number % 4 == 0);
        }
        assert_eq!(recent.get(key(1)).as_deref(), Some("text"));
        (0..20).for_each(|_| recent.count(true));
        assert_eq!(recent.get(key(1)), None);
    }
}
