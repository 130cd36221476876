//! Splits text, identifiers and queries into the terms that the index compares.
//!
//! A run of letters, digits and underscores is split at underscores, at humps of camel case and between letters and
//! digits. Each part is lowered and reduced to its English stem. A run of several parts also yields all of them joined,
//! not stemmed, so that `getQueryset`, `get_queryset` and `GetQueryset` share one term. Chinese, Japanese and Korean
//! text yields pairs of characters.

use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};

/// Stems of words without meaning in a query or a text.
const STOP_WORDS: [&str; 54] = [
    "a", "about", "all", "an", "and", "ani", "any", "are", "as", "at", "be", "by", "can", "do",
    "doe", "does", "done", "for", "from", "has", "have", "how", "i", "if", "in", "into", "is",
    "it", "its", "me", "of", "on", "or", "so", "such", "than", "that", "the", "their", "then",
    "there", "this", "to", "was", "what", "when", "where", "which", "who", "whi", "will", "with",
    "work", "you",
];

/// Stems of words that most changes and questions use, whatever they are about. They count little in a query.
const GENERIC_STEMS: [&str; 46] = [
    "add",
    "allow",
    "avoid",
    "better",
    "bug",
    "chang",
    "check",
    "cleanup",
    "code",
    "correct",
    "disabl",
    "enabl",
    "ensur",
    "feat",
    "file",
    "fix",
    "get",
    "handl",
    "implement",
    "improv",
    "introduc",
    "issu",
    "make",
    "more",
    "move",
    "new",
    "not",
    "off",
    "option",
    "prefer",
    "refactor",
    "remov",
    "renam",
    "replac",
    "return",
    "set",
    "should",
    "show",
    "support",
    "updat",
    "use",
    "user",
    "valu",
    "instead",
    "onli",
    "simplifi",
];

/// Longer runs are encoded data rather than words.
const MAX_WORD_BYTES: usize = 48;
/// Bound of the stem cache, in words.
const MAX_CACHED_STEMS: usize = 50_000;

/// A term and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// As the index has it.
    pub term: &'a str,
    /// As written, in lower case.
    pub word: &'a str,
    /// What it was made of.
    pub form: Form,
}

/// What a term was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A word, or one part of an identifier.
    Part,
    /// All parts of an identifier, joined.
    Joined,
}

/// Makes terms. It remembers the stems it has computed, so one splitter should serve many texts.
pub struct Splitter {
    stemmer: Stemmer,
    stems: HashMap<Box<str>, Box<str>>,
    lower: String,
    joined: String,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            stemmer: Stemmer::create(Algorithm::English),
            stems: HashMap::new(),
            lower: String::new(),
            joined: String::new(),
        }
    }
}

impl Splitter {
    /// Calls `take` with each term of the text, in order.
    pub fn each(&mut self, text: &str, mut take: impl FnMut(Token<'_>)) {
        runs(text).for_each(|run| self.run(run, &mut take));
    }

    fn run(&mut self, run: &str, take: &mut impl FnMut(Token<'_>)) {
        if !run.is_ascii() && has_cjk(run) {
            return self.mixed(run, take);
        }
        self.joined.clear();
        let mut parts = 0;
        for part in run.split('_').flat_map(Humps) {
            self.lower.clear();
            self.lower.extend(part.chars().flat_map(char::to_lowercase));
            self.joined.push_str(&self.lower);
            parts += 1;
            if !self.lower.is_ascii() || self.lower.len() < 3 {
                take(part_of(&self.lower, &self.lower));
                continue;
            }
            if !self.stems.contains_key(self.lower.as_str()) {
                if self.stems.len() >= MAX_CACHED_STEMS {
                    self.stems.clear();
                }
                let stem = self.stemmer.stem(&self.lower).into();
                self.stems.insert(self.lower.as_str().into(), stem);
            }
            let stem = &self.stems[self.lower.as_str()];
            take(part_of(stem, &self.lower));
        }
        if parts > 1 {
            take(Token {
                term: &self.joined,
                word: &self.joined,
                form: Form::Joined,
            });
        }
    }

    /// A run with Chinese, Japanese or Korean characters: those in pairs, the rest as usual.
    fn mixed(&mut self, run: &str, take: &mut impl FnMut(Token<'_>)) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let same = is_cjk(first);
            let end = rest.find(|c: char| is_cjk(c) != same).unwrap_or(rest.len());
            let (head, tail) = rest.split_at(end);
            rest = tail;
            if !same {
                if head.len() <= MAX_WORD_BYTES {
                    self.run(head, take);
                }
                continue;
            }
            let ends: Vec<usize> = head
                .char_indices()
                .map(|(at, c)| at + c.len_utf8())
                .collect();
            match ends.len() {
                1 => take(part_of(head, head)),
                _ => {
                    let starts = std::iter::once(0).chain(ends.iter().copied());
                    for (start, end) in starts.zip(&ends[1..]) {
                        let pair = &head[start..*end];
                        take(part_of(pair, pair));
                    }
                }
            }
        }
    }
}

/// The words and identifiers of a text, whole.
pub fn runs(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    runs.filter(|run| !run.is_empty() && run.len() <= MAX_WORD_BYTES || has_cjk(run))
}

fn part_of<'a>(term: &'a str, word: &'a str) -> Token<'a> {
    Token {
        term,
        word,
        form: Form::Part,
    }
}

/// Whether a lowered word has no meaning of its own.
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// Whether a stem says little about what is looked for.
pub fn is_generic(stem: &str) -> bool {
    GENERIC_STEMS.contains(&stem)
}

fn has_cjk(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(is_cjk)
}

fn is_cjk(c: char) -> bool {
    matches!(
        c,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}'
    )
}

/// The parts of an identifier in camel case.
pub fn humps(word: &str) -> impl Iterator<Item = &str> {
    Humps(word)
}

/// `AsyncHTTPClient2` → `Async`, `HTTP`, `Client`, `2`.
struct Humps<'a>(&'a str);

impl<'a> Iterator for Humps<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let mut chars = self.0.char_indices().peekable();
        let (_, mut before) = chars.next()?;
        let mut end = self.0.len();
        while let Some((at, c)) = chars.next() {
            let next_is_lower = chars.peek().is_some_and(|(_, next)| next.is_lowercase());
            let hump = c.is_uppercase() && (!before.is_uppercase() || next_is_lower);
            if hump || c.is_ascii_digit() != before.is_ascii_digit() {
                end = at;
                break;
            }
            before = c;
        }
        let (part, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        Splitter::default().each(text, |token| words.push(token.term.to_owned()));
        words
    }

    #[test]
    fn identifiers_split_into_parts_and_join() {
        for (text, terms) in [
            (
                "AsyncHTTPClient._retry_after2",
                "async http client asynchttpclient retri after 2 retryafter2",
            ),
            ("OpenAI", "open ai openai"),
            ("MAX_WORKERS", "max worker maxworkers"),
            ("Größe, naïve", "größe naïve"),
            ("sha256", "sha 256 sha256"),
            (
                "get_queryset getQueryset",
                "get queryset getqueryset get queryset getqueryset",
            ),
            (" /// ", ""),
            ("設定を読む", "設定 定を を読 読む"),
            ("读 config文件", "读 config 文件"),
        ] {
            assert_eq!(words(text).join(" "), terms, "{text}");
        }
    }

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for (one, other) in [
            ("parse", "parsing"),
            ("retries", "retry"),
            ("stores", "store"),
            ("paginate", "pagination"),
            ("connections", "connected"),
        ] {
            assert_eq!(words(one), words(other), "{one} {other}");
        }
        assert_ne!(words("port"), words("part"));
    }
}
