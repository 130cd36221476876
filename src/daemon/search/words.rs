//! Words as people and programs write them, and when two of them are the same for a search.

/// Words that say nothing about code; a query of nothing else keeps them.
const STOP_WORDS: [&str; 48] = [
    "a", "about", "all", "an", "and", "any", "are", "as", "at", "be", "by", "can", "do", "does",
    "done", "for", "from", "get", "has", "have", "how", "i", "in", "is", "it", "its", "me", "of",
    "on", "or", "show", "that", "the", "there", "this", "to", "use", "used", "what", "when",
    "where", "which", "who", "why", "with", "work", "works", "you",
];

/// Endings that do not change what a word is about, longest first.
const ENDINGS: [&str; 15] = [
    "ations", "ation", "ators", "ator", "ings", "ing", "ies", "ers", "er", "ed", "es", "e", "s",
    "or", "y",
];

/// A stem has so many letters at least.
const SHORTEST_STEM: usize = 3;
/// A query's word has so many letters at least, if others may begin with it.
const SHORTEST_PREFIX: usize = 3;

/// One word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// In lower case.
    pub word: String,
    stem: usize,
}

impl Term {
    fn new(word: String) -> Self {
        Self {
            stem: stem(&word).len(),
            word,
        }
    }

    /// How much a word in lower case is this one: 1 is the same, 0 another.
    pub fn likeness(&self, word: &str) -> f64 {
        if self.word == word {
            return 1.0;
        }
        let stem_of_term = &self.word[..self.stem];
        if !word.starts_with(stem_of_term) {
            return 0.0;
        }
        if stem(word) == stem_of_term {
            return 0.8;
        }
        let begins = self.word.len() >= SHORTEST_PREFIX && word.starts_with(&self.word);
        if begins { 0.5 } else { 0.0 }
    }
}

/// The words of a query: each once, those that say something.
pub fn terms(query: &str) -> Vec<Term> {
    let mut words: Vec<String> = Vec::new();
    each_word(query, |word| {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    });
    let telling = |word: &String| !STOP_WORDS.contains(&word.as_str());
    if words.iter().any(telling) {
        words.retain(telling);
    }
    words.into_iter().map(Term::new).collect()
}

/// Hands out the words of a text in lower case: runs of letters and digits, and where one is written in camel case, its
/// parts as well.
pub fn each_word(text: &str, mut take: impl FnMut(&str)) {
    let mut lower = String::new();
    for run in text.split(|c: char| !c.is_alphanumeric()) {
        if run.is_empty() {
            continue;
        }
        lower.clear();
        lower.extend(run.chars().flat_map(char::to_lowercase));
        take(&lower);
        if run.chars().skip(1).any(char::is_uppercase) && run.chars().any(char::is_lowercase) {
            for part in humps(run) {
                lower.clear();
                lower.extend(part.chars().flat_map(char::to_lowercase));
                take(&lower);
            }
        }
    }
}

/// `AsyncHTTPClient` → `Async`, `HTTP`, `Client`.
fn humps(run: &str) -> impl Iterator<Item = &str> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let mut letters = rest.char_indices().peekable();
        let (_, first) = letters.next()?;
        let mut before = first;
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            let next_is_lower = letters.peek().is_some_and(|(_, next)| next.is_lowercase());
            let begins = letter.is_uppercase() && (!before.is_uppercase() || next_is_lower);
            if begins {
                end = at;
                break;
            }
            before = letter;
        }
        let (part, more) = rest.split_at(end);
        rest = more;
        Some(part)
    })
}

fn stem(word: &str) -> &str {
    ENDINGS
        .iter()
        .filter_map(|ending| word.strip_suffix(ending))
        .find(|stem| stem.len() >= SHORTEST_STEM && stem.is_ascii())
        .unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each_word(text, |word| words.push(word.to_owned()));
        words
    }

    #[test]
    fn names_fall_into_their_words() {
        assert_eq!(
            words("AsyncHTTPClient._retry_after2"),
            [
                "asynchttpclient",
                "async",
                "http",
                "client",
                "retry",
                "after2"
            ]
        );
        assert_eq!(words("OpenAI"), ["openai", "open", "ai"]);
        assert_eq!(words("MAX_WORKERS"), ["max", "workers"]);
        assert_eq!(words("Größe, naïve"), ["größe", "naïve"]);
        assert_eq!(words(" /// "), [""; 0]);
    }

    #[test]
    fn a_word_is_known_in_its_forms() {
        let likeness = |query: &str, word: &str| Term::new(query.to_owned()).likeness(word);
        assert_eq!(likeness("parse", "parse"), 1.0);
        for (query, word) in [
            ("parse", "parser"),
            ("parsing", "parsed"),
            ("retries", "retry"),
            ("configuration", "configure"),
            ("stores", "store"),
        ] {
            assert_eq!(likeness(query, word), 0.8, "{query} {word}");
        }
        assert_eq!(likeness("conf", "config"), 0.5);
        for (query, word) in [
            ("is", "isolate"),
            ("port", "part"),
            ("ring", "red"),
            ("x", "y"),
        ] {
            assert_eq!(likeness(query, word), 0.0, "{query} {word}");
        }
    }

    #[test]
    fn a_query_keeps_what_it_says() {
        let said = |query| {
            terms(query)
                .into_iter()
                .map(|term| term.word)
                .collect::<Vec<_>>()
        };
        assert_eq!(said("How does the client retry?"), ["client", "retry"]);
        assert_eq!(said("where is it"), ["where", "is", "it"]);
        assert_eq!(said("Retry retry"), ["retry"]);
        assert!(said("?!").is_empty());
    }
}
