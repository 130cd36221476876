//! The sentence that lists what a folder contains: the children that matter most, each with a few words about it.

use crate::model::key::Kind;

use super::super::words::{capital, continued, list, quoted, small};
use super::{Form, Known, MAX_LISTED, MAX_PHRASE, is_about_project, is_speaker};

/// Folders that stand beside what a project is for.
const BESIDE: [&str; 27] = [
    "bench",
    "benches",
    "benchmarks",
    "demo",
    "demos",
    "doc",
    "docs",
    "documentation",
    "e2e",
    "example",
    "examples",
    "extra",
    "extras",
    "fixtures",
    "jinja2",
    "locale",
    "migrations",
    "script",
    "scripts",
    "static",
    "templates",
    "test",
    "tests",
    "third_party",
    "tool",
    "tools",
    "vendor",
];

/// The longest first sentence that lists children, in characters.
const MAX_LISTING: usize = 200;

/// Words of names that say nothing of a subject, unless beside others.
const EMPTY_WORDS: [&str; 28] = [
    "abstract",
    "base",
    "common",
    "config",
    "core",
    "data",
    "default",
    "file",
    "get",
    "helper",
    "helpers",
    "impl",
    "index",
    "init",
    "main",
    "set",
    "test",
    "type",
    "util",
    "utils",
    "async",
    "class",
    "doc",
    "docs",
    "interface",
    "simple",
    "stub",
    "sync",
];
/// Words that neither begin nor end a subject.
const LINKS: [&str; 13] = [
    "and", "as", "by", "for", "from", "if", "in", "is", "of", "on", "the", "to", "with",
];
/// Words of a theme at most.
const MAX_THEME: usize = 3;

/// The words that most names have in common: `Circuit breaker` of `CircuitBreakerPolicy`, `CircuitBreakerEngine` and
/// `AsyncCircuitBreaker`.
fn theme(listed: &[&Known<'_>]) -> Option<String> {
    let names: Vec<Vec<String>> = listed
        .iter()
        .map(|child| name_words(child.stem()))
        .collect();
    let holds =
        |name: &Vec<String>, words: &[String]| name.windows(words.len()).any(|part| part == words);
    let is_shared = |words: &&[String]| {
        let number = names.iter().filter(|name| holds(name, words)).count();
        number >= 3 && number * 5 >= names.len() * 3
    };
    let tells = |words: &&[String]| {
        let is_word = |word: &String| word.len() > 1 && word.chars().all(char::is_alphabetic);
        let is_empty = |word: &String| EMPTY_WORDS.contains(&word.as_str());
        let is_link =
            |word: Option<&String>| word.is_some_and(|word| LINKS.contains(&word.as_str()));
        words.iter().all(is_word)
            && !words.iter().all(is_empty)
            && !is_link(words.first())
            && !is_link(words.last())
            // A word that one of the children is called is not what they have in common.
            && (words.len() > 1 || !names.iter().any(|name| name == words))
    };
    let of_length = |length: usize| {
        let parts = names.iter().flat_map(move |name| name.windows(length));
        parts.filter(tells).find(is_shared)
    };
    let is_about = |child: &&&Known<'_>| child.kind == Kind::Directory || child.is_code();
    if listed.iter().filter(is_about).count() * 2 < listed.len() {
        return None;
    }
    let words = (1..=MAX_THEME).rev().find_map(of_length)?;
    Some(capital(&words.join(" ")))
}

/// `AsyncHTTPClient_v2` → `async`, `http`, `client`, `v2`
fn name_words(name: &str) -> Vec<String> {
    let parts = name.split(|c: char| !c.is_alphanumeric());
    let mut words: Vec<String> = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let chars: Vec<char> = part.chars().collect();
        let mut word = String::new();
        for (at, c) in chars.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| chars[at]);
            let next_is_small = chars.get(at + 1).is_some_and(|next| next.is_lowercase());
            let begins = c.is_uppercase()
                && before.is_some_and(|before| !before.is_uppercase() || next_is_small);
            if begins && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(c.to_lowercase());
        }
        words.push(word);
    }
    words
}

/// `Contains cache (caching framework), mail and files`: the children that matter most. With `themed`, what their names
/// have in common comes first.
pub(super) fn listing(known: &[Known<'_>], themed: bool, title: Option<String>) -> Option<String> {
    let is_listed = |child: &&Known<'_>| !is_speaker(child) && child.form != Some(Form::Nothing);
    let mut listed: Vec<&Known<'_>> = known.iter().filter(is_listed).collect();
    if !listed.iter().all(|child| is_about_project(child)) {
        listed.retain(|child| !is_about_project(child));
    }
    let theme = title.or_else(|| themed.then(|| theme(&listed)).flatten());
    let mut ranked: Vec<(u32, bool, String)> = listed
        .into_iter()
        .map(|child| {
            let entry = entry(child);
            (rank(child), !entry.ends_with(')'), entry)
        })
        .collect();
    // What says most comes first.
    ranked.sort_by_key(|(rank, is_bare, _)| (*rank, *is_bare));
    let mut all: Vec<String> = Vec::new();
    for (_, _, entry) in ranked {
        let name = |entry: &str| entry.split(" (").next().unwrap_or("").to_owned();
        if !all.iter().any(|known| name(known) == name(&entry)) {
            all.push(entry);
        }
    }
    if all.is_empty() {
        return None;
    }
    let sentence = |most: usize| match &theme {
        Some(theme) => format!("{theme}: contains {}", list(&all, most)),
        None => format!("Contains {}", list(&all, most)),
    };
    let fits = |most: &usize| sentence(*most).chars().count() <= MAX_LISTING;
    let most = (1..=MAX_LISTED).rev().find(fits).unwrap_or(1);
    Some(sentence(most))
}

/// Lower is named earlier.
fn rank(child: &Known<'_>) -> u32 {
    let name = child.name.to_lowercase();
    let is_minor = name.starts_with('.')
        || name.starts_with("licen")
        || name.starts_with("test")
        || name.contains("lock")
        || child.form == Some(Form::Tests)
        || BESIDE.contains(&name.as_str());
    let rank = match (child.kind, child.form) {
        _ if is_minor => 5,
        (Kind::Directory, None) => 0,
        (Kind::Directory, Some(_)) => 1,
        (Kind::File, None) if child.is_code() => 2,
        (Kind::File, Some(_)) if child.is_code() => 3,
        (Kind::File, _) => 4,
    };
    rank + 10 * u32::from(name.starts_with('_'))
}

/// `cache (caching framework)`, or the name alone where a phrase would add nothing.
fn entry(child: &Known<'_>) -> String {
    let name = shown(child.stem());
    match phrase(child) {
        Some(phrase) => format!("{name} ({phrase})"),
        None => name.to_owned(),
    }
}

/// A name as it stands in a sentence: between backticks where it could be read as something else.
pub(super) fn shown(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-+@".contains(c);
    match name.chars().all(is_plain) && name.len() <= 60 && !name.ends_with('.') {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// The subject of a child's first sentence in a few words.
fn phrase(child: &Known<'_>) -> Option<String> {
    if let (Kind::Directory, Some(Form::Listing)) = (child.kind, child.form) {
        if let Some((theme, _)) = child.line.split_once(": contains ") {
            let is_name = name_words(child.name).join(" ").eq_ignore_ascii_case(theme);
            return (!is_name).then(|| small(theme));
        }
        let inside = without_brackets(child.line.strip_prefix("Contains ")?.trim_end_matches('.'));
        let names: Vec<&str> = inside.split(", ").take(3).collect();
        let is_plain = |name: &&str| name.split(' ').count() == 1;
        return (names.len() == 3 && names.iter().all(is_plain)).then(|| names.join(", "));
    }
    // A single definition is known by its own documentation.
    let line = match child.form {
        None => child.line,
        Some(Form::Definitions) => child.line.split_once("`: ").map(|(_, words)| words)?,
        Some(_) => return None,
    };
    let line = without_brackets(&continued(line));
    let line = predicate(&line);
    let line = ["The ", "A ", "An ", "the ", "a ", "an "]
        .iter()
        .find_map(|article| line.strip_prefix(article))
        .unwrap_or(line);
    let ends = [
        ", ",
        "; ",
        ": ",
        " that ",
        " which ",
        " — ",
        " - ",
        " so that ",
        " based on ",
        " using ",
    ];
    let mut phrase = line;
    while phrase.chars().count() > MAX_PHRASE {
        let end = ends.iter().filter_map(|end| phrase.rfind(end)).max()?;
        phrase = &phrase[..end];
    }
    const POINTS: [&str; 8] = [
        "this ", "these ", "it ", "here ", "see ", "we ", "for the ", "to ",
    ];
    if POINTS
        .iter()
        .any(|start| phrase.to_lowercase().starts_with(start))
    {
        return None;
    }
    let is_cut_in_two = phrase.matches('`').count() % 2 == 1
        || phrase.matches(['(', '<', '[']).count() != phrase.matches([')', '>', ']']).count();
    if phrase.contains(" import ") || is_cut_in_two {
        return None;
    }
    let is_new = |word: &str| !child.name.to_lowercase().contains(&word.to_lowercase());
    let says_more = phrase
        .split_whitespace()
        .filter(|word| word.len() > 3 && is_new(word))
        .count();
    let phrase = without_dangling_words(phrase);
    (says_more > 0 && phrase.split_whitespace().count() > 1).then(|| small(phrase))
}

/// The phrase without what is left of a clause that was cut off.
fn without_dangling_words(phrase: &str) -> &str {
    const DANGLING: [&str; 12] = [
        " and", " as", " because", " but", " for", " if", " of", " or", " so", " to", " when",
        " with",
    ];
    let phrase = phrase.trim_end_matches([',', ';', ':', ' ']);
    match DANGLING.iter().find_map(|word| phrase.strip_suffix(word)) {
        Some(shorter) => without_dangling_words(shorter),
        None => phrase,
    }
}

/// What a sentence says of its subject, where the subject is a name: `x is a router` is `a router`.
fn predicate(line: &str) -> &str {
    let verbs = [" is a ", " is an ", " is the "];
    let parts = verbs.iter().find_map(|verb| {
        let at = line.find(verb)?;
        Some((&line[..at], &line[at + " is ".len()..]))
    });
    match parts {
        Some((subject, rest)) if subject.split(' ').count() <= 2 => rest,
        _ => line,
    }
}

/// The text without what stands in brackets.
fn without_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0usize;
    let mut is_code = false;
    for c in text.chars() {
        is_code ^= c == '`' && depth == 0;
        match c {
            '(' if !is_code => depth += 1,
            ')' if !is_code && depth > 0 => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    words
        .join(" ")
        .replace(" .", ".")
        .replace(" ,", ",")
        .replace(" :", ":")
}
