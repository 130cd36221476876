//! Sentences and lists, and the paragraph made of them.

use crate::model::summary::first_sentence;

/// The longest paragraph, in characters.
const MAX_PARAGRAPH: usize = 600;

/// The longest sentence, in characters.
const MAX_SENTENCE: usize = 240;

/// A paragraph under construction.
#[derive(Debug, Default)]
pub(super) struct Paragraph {
    text: String,
}

impl Paragraph {
    /// Whether the paragraph is empty.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether the paragraph contains a text.
    pub fn has(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    /// The same, blind to case.
    pub fn has_ignoring_case(&self, text: &str) -> bool {
        self.text.to_lowercase().contains(&text.to_lowercase())
    }

    /// How many characters are still free.
    pub fn room(&self) -> usize {
        MAX_PARAGRAPH.saturating_sub(self.text.chars().count() + 1)
    }

    /// Adds a sentence if it fits and is new. The first one is always added.
    pub fn say(&mut self, sentence: &str) -> bool {
        let Some(sentence) = sentence_of(sentence, MAX_SENTENCE) else {
            return false;
        };
        let room = self.is_empty() || sentence.chars().count() <= self.room();
        if !room || self.text.contains(&sentence) {
            return false;
        }
        if !self.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(&sentence);
        true
    }

    /// The whole, which ends in a full stop.
    pub fn finish(mut self) -> String {
        while self.text.ends_with(['!', '?']) {
            self.text.pop();
        }
        if self.text.is_empty() {
            self.text.push_str("Nothing is known about it");
        }
        if !self.text.ends_with('.') {
            self.text.push('.');
        }
        self.text
    }
}

/// One sentence with a capital letter and a full stop, cut to a length in characters.
pub(super) fn sentence_of(text: &str, most: usize) -> Option<String> {
    // A name that is not UTF-8 keeps its U+FFFD.
    let mut code = false;
    let is_visible = |c: &char| {
        code ^= *c == '`';
        !is_invisible(*c) || code && *c == char::REPLACEMENT_CHARACTER
    };
    let visible: String = text.chars().filter(is_visible).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let text = words.join(" ");
    let text = text.trim_end_matches([':', ';', ',', '-', '–', '—', ' ']);
    if !text.contains(char::is_alphanumeric) {
        return None;
    }
    let mut sentence = cut(&capitalized(text), most);
    if let Some(head) = sentence.strip_suffix('…') {
        sentence = format!("{}...", head.trim_end_matches([' ', ',']));
    }
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    Some(sentence)
}

/// Invisible characters, and those that change the direction of writing.
pub(super) fn is_invisible(c: char) -> bool {
    let turns = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    turns || matches!(c, '\u{feff}' | '\u{fffd}') || c.is_control() && !c.is_whitespace()
}

/// The text without its last words where it has more characters than that; three full stops say so.
pub(super) fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else {
        return text.to_owned();
    };
    let head = &text[..end];
    let end = head.rfind(' ').unwrap_or(end);
    let mut head = head[..end]
        .trim_end_matches([',', ';', ':', '.', '-', '(', ' '])
        .to_owned();
    // A name that was cut in two is no name any more.
    if head.matches('`').count() % 2 == 1 {
        let at = head.rfind('`').unwrap_or(0);
        head.truncate(head[..at].trim_end().len());
    }
    head.push_str("...");
    head
}

/// The text with a capital first letter, unless its first word is a name of code.
pub(super) fn capitalized(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or("");
    let is_name = word.contains(['_', '/', '`', '(', '=', '\\', '@'])
        || word.trim_end_matches(['.', ',', ':']).contains(['.', ':'])
        || word.chars().skip(1).any(char::is_uppercase);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !is_name => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// The text with a small first letter, unless its first word is a name or an abbreviation.
pub(super) fn small(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or("");
    let is_name = word
        .chars()
        .skip(1)
        .any(|c| c.is_uppercase() || !c.is_alphabetic());
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !is_name => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// The text with a capital first letter.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase());
    first.into_iter().flatten().chain(chars).collect()
}

/// The first sentence as the end of a longer one: without its full stop.
pub(super) fn continued(text: &str) -> String {
    let text = first_sentence(text);
    let shorter = text.trim_end_matches(['.', '!', '?']);
    // Three full stops say that something was cut.
    if text.ends_with("...") {
        text.to_owned()
    } else {
        shorter.to_owned()
    }
}

/// `a`, `a and b`, `a, b and c`; after `most` names, how many more there are.
pub(super) fn list(names: &[String], most: usize) -> String {
    // "and 1 more" takes as much room as the one.
    let most = if names.len() == most + 1 {
        names.len()
    } else {
        most
    };
    let (shown, more) = names.split_at(names.len().min(most));
    match (shown, more.len()) {
        ([], _) => String::new(),
        ([one], 0) => one.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (shown, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The same with each name between backticks.
pub(super) fn quoted_list(names: &[String], most: usize) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    list(&quoted, most)
}

/// A name between backticks, without what would break them.
pub(super) fn quoted(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| !c.is_control() && *c != '`')
        .collect();
    format!("`{}`", cut(&name, 80))
}

/// A number and its noun.
pub(super) fn count(number: usize, singular: &str, plural: &str) -> String {
    match number {
        1 => format!("1 {singular}"),
        _ => format!("{number} {plural}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_english() {
        let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(quoted_list(&names("a"), 3), "`a`");
        assert_eq!(quoted_list(&names("a b"), 3), "`a` and `b`");
        assert_eq!(quoted_list(&names("a b c d"), 3), "`a`, `b`, `c` and `d`");
        assert_eq!(list(&names("a b c d e"), 3), "a, b, c and 2 more");
        assert_eq!(count(1, "file", "files"), "1 file");
    }

    #[test]
    fn sentences_are_cut_at_words_and_never_inside_a_name() {
        assert_eq!(sentence_of("does it", 240).as_deref(), Some("Does it."));
        assert_eq!(
            sentence_of("foo_bar does it:", 240).as_deref(),
            Some("foo_bar does it.")
        );
        assert_eq!(sentence_of(" -- ", 240), None);
        assert_eq!(cut("one two three", 9), "one two...");
        assert_eq!(cut("see `a name of code` there", 12), "see...");
        assert_eq!(continued("Sends requests. More."), "Sends requests");
        assert_eq!(continued("Cut here... More."), "Cut here...");
    }

    #[test]
    fn a_paragraph_is_never_too_long() {
        let mut paragraph = Paragraph::default();
        for number in 0..100 {
            paragraph.say(&format!("Sentence number {number} is said!"));
        }
        let text = paragraph.finish();
        assert!(text.chars().count() <= MAX_PARAGRAPH);
        assert!(text.ends_with('.'), "{text}");
        assert_eq!(Paragraph::default().finish(), "Nothing is known about it.");
    }
}
