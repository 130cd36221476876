//! Lists of words, written as text and looked up by hash.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A closed list of words.
pub(super) struct Words(pub LazyLock<HashSet<&'static str>>);

impl Words {
    /// Whether the list has the word.
    pub fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

/// A list from words with blanks between them.
macro_rules! words {
    ($text:expr) => {
        Words(std::sync::LazyLock::new(|| {
            $text.split_whitespace().collect()
        }))
    };
}
pub(super) use words;
