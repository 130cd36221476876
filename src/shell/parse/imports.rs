//! From an import as written to the imported names.

use super::table::Grammar;

/// At most this many names of one statement are read.
const MAX_NAMES: usize = 10_000;

/// Braces nested deeper than this are ignored.
const MAX_DEPTH: usize = 32;

/// The names that an import imports: `a::{b, c as d, e::{self, f}}` is `a::b`, `a::c`, `a::e` and `a::e::f`.
/// `from` is the prefix of all of them.
pub(super) fn names(from: &str, text: &str, grammar: &Grammar) -> Vec<String> {
    let separator = grammar.separator;
    let mut from: String = from.split_whitespace().collect();
    if !from.is_empty() && !from.ends_with(separator) {
        from.push_str(separator);
    }
    let mut reader = Reader {
        bases: vec![from],
        word: String::new(),
        aliased: false,
        names: Vec::new(),
        own: grammar.import_self.map(|own| format!("{separator}{own}")),
    };
    let text = text.replace(&format!(" {separator}"), separator);
    for c in text.replace(&format!("{separator} "), separator).chars() {
        reader.read(c);
    }
    reader.end_name();
    reader.names
}

struct Reader {
    /// The prefixes, one for each open brace.
    bases: Vec<String>,
    word: String,
    /// The name is complete; an alias may follow.
    aliased: bool,
    names: Vec<String>,
    own: Option<String>,
}

impl Reader {
    fn read(&mut self, c: char) {
        match c {
            '{' if self.bases.len() < MAX_DEPTH => {
                let base = format!("{}{}", self.base(), self.word);
                self.bases.push(base);
                self.word.clear();
                self.aliased = false;
            }
            ',' => self.end_name(),
            '}' => {
                self.end_name();
                if self.bases.len() > 1 {
                    self.bases.pop();
                }
            }
            c if c.is_whitespace() => self.aliased = !self.word.is_empty(),
            c if !self.aliased => self.word.push(c),
            _ => {}
        }
    }

    fn base(&self) -> &str {
        self.bases.last().map_or("", String::as_str)
    }

    fn end_name(&mut self) {
        if !self.word.is_empty() && self.names.len() < MAX_NAMES {
            let mut name = format!("{}{}", self.base(), self.word);
            if let Some(short) = self.own.as_ref().and_then(|own| name.strip_suffix(own)) {
                name.truncate(short.len());
            }
            self.names.push(name);
        }
        self.word.clear();
        self.aliased = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::grammar;
    use super::*;

    #[test]
    fn names_are_expanded() {
        for (language, from, text, found) in [
            ("python", "", "a.b", vec!["a.b"]),
            ("python", ".", "x", vec![".x"]),
            ("python", "..a", "x", vec!["..a.x"]),
            ("python", ". . a", "*", vec!["..a.*"]),
            ("rust", "", "std::fmt", vec!["std::fmt"]),
            (
                "rust",
                "",
                "a::{b, c as d, e::{self, f}}",
                vec!["a::b", "a::c", "a::e", "a::e::f"],
            ),
            ("rust", "", "{a, b::*}", vec!["a", "b::*"]),
            ("rust", "", "a as b", vec!["a"]),
            ("rust", "", "}}{{", vec![]),
        ] {
            let grammar = grammar(language).expect("in the table");
            assert_eq!(names(from, text, grammar), found, "{from} {text}");
        }
    }
}
