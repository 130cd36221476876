//! A query, parsed: the terms to look for, and the operators that narrow what is searched.
//!
//! `path:`, `lang:` and `kind:` narrow the search; `-path:` and `-lang:` exclude. Everything else is words. A colon after
//! any other word is no operator, so that `std::fs` and `error: not found` are words. What is an operator in other
//! programs is searched as words too, with a note.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::document::{last_two, name_hash};
use super::words::{Form, Splitter, Token, is_generic, is_stop_word};
use crate::model::language::Language;
use crate::wire::protocol::{PROBLEM_BAD_REQUEST, Problem};
use crate::wire::search::{DEFAULT_HITS, MAX_HITS, MAX_QUERY_BYTES, Search, SearchKind, too_long};

/// Terms of a query that are looked for.
const MAX_TERMS: usize = 24;
/// Weight of a word that says little.
const GENERIC_WEIGHT: f64 = 0.3;
/// Weight of two neighbouring words as one identifier.
const PAIR_WEIGHT: f64 = 0.5;

/// Kinds of definitions, as the parsers name them.
const DEFINITION_KINDS: [&str; 47] = [
    "annotation",
    "block",
    "class",
    "concept",
    "constant",
    "constructor",
    "data",
    "delegate",
    "directive",
    "enum",
    "extension",
    "field",
    "fragment",
    "function",
    "impl",
    "input",
    "instance",
    "interface",
    "keyframes",
    "macro",
    "message",
    "method",
    "mixin",
    "module",
    "namespace",
    "object",
    "operation",
    "output",
    "owner",
    "property",
    "protocol",
    "provider",
    "record",
    "resource",
    "scalar",
    "section",
    "selector",
    "service",
    "static",
    "struct",
    "table",
    "trait",
    "type",
    "union",
    "variable",
    "view",
    "rpc",
];
/// Those that most languages have, for messages.
const USUAL_KINDS: &str =
    "class, constant, enum, function, interface, method, module, struct, trait, type, variable";
/// Operators of other programs, and the operator here that does the same.
const OPERATORS_ELSEWHERE: [(&str, &str); 13] = [
    ("dir", "path:"),
    ("ext", "path:'*.EXT'"),
    ("extension", "path:'*.EXT'"),
    ("file", "path:"),
    ("filename", "path:"),
    ("filetype", "lang:"),
    ("folder", "path:"),
    ("in", "path:"),
    ("-kind", "kind:"),
    ("repo", "--path"),
    ("symbol", "kind:"),
    ("type", "kind:"),
    ("is", "kind:"),
];

/// One term of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As the index has it.
    pub text: String,
    /// As the query has it, in lower case.
    pub word: String,
    /// How it counts besides its rarity.
    pub weight: f64,
    /// Whether it is a word of the query, rather than made of two neighbours.
    pub is_word: bool,
}

/// A search that can be done.
pub struct Question {
    pub query: String,
    /// The query without its operators.
    pub words: String,
    pub terms: Vec<Term>,
    pub kind: SearchKind,
    /// Only definitions of this kind: `kind:function`.
    pub element_kind: Option<String>,
    pub limit: usize,
    globs: Vec<Gitignore>,
    excluded: Vec<Gitignore>,
    /// What the person should know of how the query was read.
    pub notes: Vec<String>,
    language: Option<Language>,
    excluded_languages: Vec<Language>,
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(PROBLEM_BAD_REQUEST, detail)
}

impl Question {
    /// Parses a search.
    ///
    /// # Errors
    /// The query has neither words nor operators or is too long, a glob is invalid, a kind or language is unknown, the
    /// limit is out of bounds.
    pub fn new(search: &Search) -> Result<Self, Problem> {
        let query = search.query.trim();
        if query.len() > MAX_QUERY_BYTES {
            return Err(too_long());
        }
        let limit = search.limit.unwrap_or(DEFAULT_HITS);
        if !(1..=MAX_HITS).contains(&limit) {
            return Err(bad(format!("limit must be from 1 to {MAX_HITS}")));
        }
        let mut question = Self {
            query: query.to_owned(),
            words: String::new(),
            terms: Vec::new(),
            kind: search.kind.unwrap_or_default(),
            element_kind: None,
            limit,
            globs: search
                .glob
                .iter()
                .map(|text| glob(text))
                .collect::<Result<_, _>>()?,
            excluded: Vec::new(),
            notes: Vec::new(),
            language: None,
            excluded_languages: Vec::new(),
        };
        let mut paths = Vec::new();
        let mut words = Vec::new();
        for word in query.split_whitespace() {
            match word.split_once(':').filter(|(_, value)| !value.is_empty()) {
                Some(("path", value)) => paths.push(value),
                Some(("-path", value)) => question.excluded.push(glob(value)?),
                Some(("lang" | "language", value)) => {
                    question.language = Some(language(value)?);
                }
                Some(("-lang" | "-language", value)) => {
                    question.excluded_languages.push(language(value)?);
                }
                Some(("kind", value)) => match SearchKind::named(&value.to_lowercase()) {
                    Some(kind) => question.kind = kind,
                    None => {
                        question.kind = SearchKind::Symbol;
                        question.element_kind = Some(definition_kind(value)?);
                    }
                },
                other => {
                    question.notes.extend(other.and_then(note));
                    words.push(word);
                }
            }
        }
        if !paths.is_empty() {
            question.globs.push(any_glob(&paths)?);
        }
        let has_operators = words.len() < query.split_whitespace().count();
        question.words = words.join(" ");
        question.terms = terms(&question.words);
        if question.terms.is_empty() && !has_operators {
            return Err(bad(
                "the query has no words: give some, or the name of a definition, or an operator such as path:src/",
            ));
        }
        Ok(question)
    }

    /// Whether a file or directory passes the operators.
    pub fn admits(&self, path: &str, is_directory: bool, language: Option<&str>) -> bool {
        let matches = |glob: &Gitignore| {
            glob.matched_path_or_any_parents(path, is_directory)
                .is_ignore()
        };
        self.globs.iter().all(matches)
            && !self.excluded.iter().any(matches)
            && self
                .language
                .is_none_or(|wanted| language == Some(wanted.name()))
            && !self
                .excluded_languages
                .iter()
                .any(|excluded| language == Some(excluded.name()))
    }

    /// Whether every file passes.
    pub fn admits_all(&self) -> bool {
        self.globs.is_empty()
            && self.excluded.is_empty()
            && self.language.is_none()
            && self.excluded_languages.is_empty()
    }

    /// The query as the name of a definition, a file or a path; `None` where it is more than one word.
    pub fn name(&self) -> Option<&str> {
        let name = self
            .words
            .trim_end_matches("()")
            .trim_end_matches(['.', ':']);
        (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
    }

    /// By which the index finds definitions of that name.
    pub fn name_hash(&self) -> Option<u32> {
        self.name().map(|name| name_hash(last_two(name)))
    }
}

/// The language of that name, of a usual other name, or of files with that ending: `c++`, `py`.
fn language(text: &str) -> Result<Language, Problem> {
    let name = text.to_lowercase();
    let by_ending = || Language::of_file(format!("x.{name}").as_bytes());
    let found = Language::named(&name).or_else(|| Language::of_alias(&name));
    found.or_else(by_ending).ok_or_else(|| {
        bad(format!(
            "{text:?} is no language: name it as `show --json` does (python, typescript, cpp), or by an ending (py)"
        ))
    })
}

/// The kind of definitions of that name; a plural is forgiven.
fn definition_kind(text: &str) -> Result<String, Problem> {
    let name = text.to_lowercase();
    let is_it =
        |kind: &&&str| name == **kind || [format!("{kind}s"), format!("{kind}es")].contains(&name);
    match DEFINITION_KINDS.iter().find(is_it) {
        Some(kind) => Ok((*kind).to_owned()),
        None => Err(bad(format!(
            "{text:?} is no kind: file, directory, symbol, all, or a kind of definition ({USUAL_KINDS}, …)"
        ))),
    }
}

/// A note about a word that other programs read as an operator.
fn note((name, _): (&str, &str)) -> Option<String> {
    let (name, same) = OPERATORS_ELSEWHERE
        .iter()
        .find(|(known, _)| *known == name)?;
    Some(format!(
        "{name}: is not an operator, and is searched as a word; did you mean {same}?"
    ))
}

fn glob(text: &str) -> Result<Gitignore, Problem> {
    any_glob(&[text])
}

fn any_glob(texts: &[&str]) -> Result<Gitignore, Problem> {
    let mut builder = GitignoreBuilder::new("/");
    // A file of rules forgives a slip; a single glob that was typed is worth an error.
    builder.allow_unclosed_class(false);
    for text in texts {
        builder
            .add_line(None, text)
            .map_err(|error| bad(format!("the glob {text:?} cannot be read: {error}")))?;
    }
    let built = builder
        .build()
        .map_err(|error| bad(format!("the glob {texts:?} cannot be read: {error}")))?;
    match built.num_ignores() {
        0 => Err(bad(format!(
            "the glob {:?} names no paths: write it as *.py or src/**",
            texts.join(" ")
        ))),
        _ => Ok(built),
    }
}

/// The terms of a query: each once, without words that say nothing, unless there are no others.
fn terms(query: &str) -> Vec<Term> {
    let mut splitter = Splitter::default();
    let mut all: Vec<Term> = Vec::new();
    splitter.each(query, |Token { term, word, form }| {
        let weight = match form == Form::Part && is_generic(term) {
            true => GENERIC_WEIGHT,
            false => 1.0,
        };
        all.push(Term {
            text: term.to_owned(),
            word: word.to_owned(),
            weight,
            is_word: form == Form::Part,
        });
    });
    let means_something = |term: &Term| !term.is_word || !is_stop_word(&term.text);
    if all.iter().any(means_something) {
        all.retain(means_something);
    }
    // Two words of a query are often one identifier in the code.
    let words: Vec<&str> = query
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !is_stop_word(&word.to_lowercase()))
        .collect();
    for pair in words.windows(2) {
        splitter.each(&format!("{}_{}", pair[0], pair[1]), |token| {
            if token.form == Form::Joined {
                all.push(Term {
                    text: token.term.to_owned(),
                    word: token.word.to_owned(),
                    weight: PAIR_WEIGHT,
                    is_word: false,
                });
            }
        });
    }
    let mut terms: Vec<Term> = Vec::new();
    for term in all {
        if terms.len() < MAX_TERMS && !terms.iter().any(|known| known.text == term.text) {
            terms.push(term);
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse_query(query: &str) -> Result<Question, Problem> {
        Question::new(&Search {
            query: query.to_owned(),
            ..Search::default()
        })
    }

    fn texts(query: &str) -> String {
        let question = parse_query(query).unwrap();
        let texts = question.terms.iter().map(|term| term.text.as_str());
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_query_keeps_the_words_that_mean_something() {
        for (query, terms) in [
            ("How does the client retry?", "client retri clientretry"),
            ("where is it", "where is it"),
            ("Retry retry", "retri retryretry"),
            ("getQueryset", "get queryset getqueryset"),
            ("-x", "x"),
        ] {
            assert_eq!(texts(query), terms, "{query}");
        }
    }

    #[test]
    fn operators_narrow_and_other_colons_are_words() {
        let question = parse_query("path:src/ -path:*.md kind:function lang:rust retry").unwrap();
        assert_eq!(question.words, "retry");
        assert_eq!(question.kind, SearchKind::Symbol);
        assert_eq!(question.element_kind.as_deref(), Some("function"));
        for (path, language, admitted) in [
            ("src/a.rs", "rust", true),
            ("lib/src/a.rs", "rust", true),
            ("lib/a.rs", "rust", false),
            ("src/a.md", "rust", false),
            ("src/a.py", "python", false),
        ] {
            assert_eq!(
                question.admits(path, false, Some(language)),
                admitted,
                "{path}"
            );
        }
        assert_eq!(
            parse_query("kind:directory x").unwrap().kind,
            SearchKind::Directory
        );
        assert!(parse_query("path:src/").unwrap().terms.is_empty());
        assert_eq!(
            parse_query("std::fs error: x").unwrap().words,
            "std::fs error: x"
        );
        assert_eq!(
            parse_query("Cache::get()").unwrap().name(),
            Some("Cache::get")
        );
    }

    #[test]
    fn kinds_and_languages_are_forgiving() {
        for (query, kind) in [("kind:Classes", "class"), ("kind:function", "function")] {
            let question = parse_query(query).unwrap();
            assert_eq!(question.element_kind.as_deref(), Some(kind), "{query}");
        }
        for query in ["lang:py", "lang:Python", "language:python3"] {
            let question = parse_query(query).unwrap();
            assert!(question.admits("a.py", false, Some("python")), "{query}");
            assert!(!question.admits("a.rs", false, Some("rust")), "{query}");
        }
        let question = parse_query("-lang:c++ x").unwrap();
        assert!(!question.admits("a.cc", false, Some("cpp")));
        assert!(question.admits("a.c", false, Some("c")));
        let question = parse_query("ext:py retry").unwrap();
        assert_eq!(question.words, "ext:py retry");
        assert!(
            question.notes[0].contains("path:'*.EXT'"),
            "{:?}",
            question.notes
        );
        assert!(parse_query("std::fs error:x").unwrap().notes.is_empty());
    }

    #[test]
    fn every_kind_that_a_parser_names_can_be_searched() {
        let queries = concat!(env!("CARGO_MANIFEST_DIR"), "/src/shell/parse/queries");
        for file in std::fs::read_dir(queries).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for rest in text.split("@item.").skip(1) {
                let kind = rest
                    .split(|c: char| !c.is_ascii_lowercase())
                    .next()
                    .unwrap();
                assert!(DEFINITION_KINDS.contains(&kind), "{kind}");
            }
        }
    }

    #[test]
    fn invalid_searches_name_the_reason() {
        let refused = |search: Search| Question::new(&search).err().unwrap().detail;
        let query = |query: &str| Search {
            query: query.to_owned(),
            ..Search::default()
        };
        assert!(refused(query(" ?! ")).contains("no words"));
        assert!(refused(query("kind:nonsense x")).contains("file, directory, symbol, all"));
        assert!(refused(query("lang:nonsense x")).contains("\"nonsense\" is no language"));
        assert!(refused(query(&"word ".repeat(300))).contains("1000 bytes"));
        for limit in [0, 1_001] {
            let limit = Some(limit);
            let search = Search {
                limit,
                ..query("x")
            };
            assert!(refused(search).contains("1 to 1000"));
        }
        let glob = Some("{a".to_owned());
        assert!(refused(Search { glob, ..query("x") }).contains("\"{a\""));
        assert!(refused(query("path:{a x")).contains("\"{a\""));
    }
}
