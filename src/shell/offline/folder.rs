//! Directories: what their children say, and how many of what kind they are.

use std::collections::BTreeMap;

use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::summary::first_sentence;

use super::Child;
use super::words::{Paragraph, continued, count, cut, list, quoted};
use super::{names, plain};

/// Children that speak for the whole directory, by the beginning of their name in small letters.
const SPEAKERS: [&str; 14] = [
    "readme",
    "__init__.py",
    "mod.rs",
    "lib.rs",
    "package.json",
    "doc.go",
    "package-info.java",
    "index.ts",
    "index.js",
    "index.tsx",
    "cargo.toml",
    "pyproject.toml",
    "index.md",
    "index.rst",
];

/// Directories that stand beside what a repository is there for.
const BESIDE: [&str; 17] = [
    "doc",
    "docs",
    "documentation",
    "example",
    "examples",
    "extra",
    "extras",
    "script",
    "scripts",
    "tool",
    "tools",
    "bench",
    "benches",
    "benchmarks",
    "fixtures",
    "vendor",
    "third_party",
];

/// The longest clause about one child, in characters.
const MAX_CLAUSE: usize = 80;

/// How the words begin that were put together here and say nothing that the writer of the file said.
const MADE: [&str; 35] = [
    "XML document of",
    "Citation data with",
    "Imports ",
    "Offers ",
    "Defines ",
    "Declares ",
    "Re-exports ",
    "Sets ",
    "Holds ",
    "Empty ",
    "Uses ",
    "Python code",
    "Rust code",
    "JavaScript code",
    "TypeScript code",
    "TSX code",
    "Go code",
    "Java code",
    "C code",
    "Adds ",
    "A program that defines ",
    "A list that begins",
    "Binary file",
    "Too large",
    "Markdown page",
    "reStructuredText page",
    "Text “",
    "HTML ",
    "JSON ",
    "YAML ",
    "TOML ",
    "INI ",
    "The version (",
    "Only ",
    "Nothing can be said",
];

/// What most children of a directory are, by how their summaries begin: (beginning, the directory's noun).
const SAME: &[(&str, &str)] = &[
    ("Tests for ", "tests"),
    ("Holds 1 test", "tests"),
    ("A test:", "tests"),
    ("Translations", "translations"),
    ("A Django migration", "Django migrations"),
    ("A Django management command", "Django management commands"),
    ("Defines the data model", "data types"),
    ("Defines the typed dictionar", "data types"),
    ("Defines the form", "forms"),
    ("HTML page or template", "templates"),
    ("HTML template", "templates"),
    ("SVG image", "SVG images"),
    ("GitHub workflow", "GitHub workflows"),
];

/// Writes what a directory is.
pub(super) fn write(children: &[Child<'_>], paragraph: &mut Paragraph) {
    let spoken = SPEAKERS
        .iter()
        .find_map(|speaker| speaker_words(children, speaker));
    if let Some((words, second)) = spoken {
        paragraph.say(words);
        if let Some(second) = second {
            paragraph.say(second);
        }
    }
    let told: Vec<&Child<'_>> = children
        .iter()
        .filter(|child| child.summary.is_some())
        .collect();
    let left_out: Vec<&Child<'_>> = children
        .iter()
        .filter(|child| child.summary.is_none())
        .collect();
    contents(children, &told, paragraph);
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|child| named(child)).collect();
        paragraph.say(&format!("Left out: {} (no summary)", list(&names, 3)));
    }
}

/// The words of a child that speaks for all, where somebody wrote them.
fn speaker_words<'a>(children: &[Child<'a>], speaker: &str) -> Option<(&'a str, Option<&'a str>)> {
    let child = children
        .iter()
        .find(|child| child.kind == Kind::File && child.name.to_lowercase().starts_with(speaker))?;
    let summary = child.summary?;
    let first = first_sentence(summary);
    let manifest = first
        .find(" manifest: ")
        .map(|at| &first[at + " manifest: ".len()..]);
    let words = manifest.unwrap_or(first);
    if is_made(words) || words.contains(" manifest with") {
        return None;
    }
    let second = first_sentence(summary[first.len()..].trim_start());
    let short = plain::goes_on(second) && first.chars().count() < 160;
    Some((
        words,
        Some(second).filter(|second| short && !is_made(second) && !second.contains(": ")),
    ))
}

fn is_made(words: &str) -> bool {
    MADE.iter().any(|made| words.starts_with(made)) || kind_of_same(words).is_some()
}

fn kind_of_same(words: &str) -> Option<&'static str> {
    let same = SAME
        .iter()
        .find(|(beginning, _)| words.starts_with(beginning));
    let tests = words.strip_prefix("Holds ").is_some_and(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with(" tests:")
    });
    same.map(|(_, noun)| *noun).or(tests.then_some("tests"))
}

/// The name as it stands in a sentence: directories end in a slash.
fn named(child: &Child<'_>) -> String {
    match child.kind {
        Kind::File => quoted(child.name),
        Kind::Directory => quoted(&format!("{}/", child.name)),
    }
}

fn contents(children: &[Child<'_>], told: &[&Child<'_>], paragraph: &mut Paragraph) {
    if let [child] = children {
        let first = first_sentence(child.summary.unwrap_or(""));
        if let (Kind::Directory, Some(rest)) = (child.kind, first.strip_prefix("Only `")) {
            paragraph.say(&format!("Only `{}/{rest}", child.name.replace('`', "")));
            return;
        }
        // Where one file speaks for a directory, its name is one too many.
        let spoken = first
            .strip_prefix('`')
            .and_then(|rest| rest.split_once("`: "));
        let first = spoken
            .filter(|_| child.kind == Kind::Directory)
            .map_or(first, |(_, words)| words);
        let words = Some(cut(&continued(first), 200)).filter(|words| !words.is_empty());
        match words {
            Some(words) if paragraph.is_empty() => {
                _ = paragraph.say(&format!("Only {}: {words}", named(child)))
            }
            _ => _ = paragraph.say(&format!("Holds only {}", named(child))),
        }
        return;
    }
    let counts = counts(children);
    let same = shared_noun(told);
    let clauses = clauses(told, same);
    let holds = match same {
        Some(noun) => format!("Holds {noun} in {counts}"),
        None => format!("Holds {counts}"),
    };
    if !paragraph.is_empty() {
        paragraph.say(&holds);
        tell(&clauses, "Among them: ", 5, paragraph);
        return;
    }
    // Nobody speaks for the whole: the first sentence has to, with what is most telling.
    if let Some(offers) = told.iter().find_map(|child| offered(child)) {
        paragraph.say(&offers);
        paragraph.say(&holds);
        tell(&clauses, "Among them: ", 5, paragraph);
        return;
    }
    let one = |child: &&&Child<'_>| {
        child.kind == Kind::File && clauses[0].starts_with(&format!("{} (", named(child)))
    };
    if let Some(child) = told.iter().find(|child| clauses.len() == 1 && one(child)) {
        // The others are empty or speak of themselves only.
        let words = cut(&continued(child.summary.unwrap_or("")), 190);
        paragraph.say(&format!("{}: {words}", named(child)));
        paragraph.say(&holds);
        return;
    }
    let used = clauses.len().min(2);
    let opening = match (same, used == children.len()) {
        (_, true) => format!("{holds}: "),
        (Some(_), _) => format!("{holds}, such as "),
        (None, _) => format!("{holds}, among them "),
    };
    match used {
        0 => _ = paragraph.say(&holds),
        _ => _ = paragraph.say(&format!("{opening}{}", list(&clauses[..used], 2))),
    }
    tell(&clauses[used..], "Also: ", 4, paragraph);
}

/// What a package offers, by the words of the file that stands for it: the names that it brings up from inside.
fn offered(child: &Child<'_>) -> Option<String> {
    let first = first_sentence(child.summary?);
    if !SPEAKERS.contains(&child.name) {
        return None;
    }
    if first.starts_with("Offers ") {
        return Some(first.to_owned());
    }
    let names = first.strip_prefix("Re-exports ")?;
    let (names, _) = names.rsplit_once(" from ")?;
    (names != "everything").then(|| format!("Offers {names}"))
}

/// One sentence with as many clauses as there is room for.
fn tell(clauses: &[String], opening: &str, most: usize, paragraph: &mut Paragraph) {
    for number in (1..=clauses.len().min(most)).rev() {
        let sentence = format!("{opening}{}", clauses[..number].join("; "));
        // Room is left for what had to be left out.
        if sentence.chars().count() + 90 <= paragraph.room() && sentence.chars().count() < 235 {
            paragraph.say(&sentence);
            return;
        }
    }
}

/// `12 Python files, 2 other files and 3 folders`
fn counts(children: &[Child<'_>]) -> String {
    let mut languages: BTreeMap<String, usize> = BTreeMap::new();
    let mut folders = 0;
    for child in children {
        match (child.kind, Language::of_file(child.name.as_bytes())) {
            (Kind::Directory, _) => folders += 1,
            (Kind::File, Some(language)) => {
                *languages
                    .entry(names::display(language.name()))
                    .or_default() += 1
            }
            (Kind::File, None) => *languages.entry(String::new()).or_default() += 1,
        }
    }
    let mut files: Vec<(String, usize)> = languages.into_iter().collect();
    files.sort_by_key(|(name, number)| (name.is_empty(), std::cmp::Reverse(*number)));
    let shown = files
        .iter()
        .take(2)
        .take_while(|(name, _)| !name.is_empty())
        .count();
    let other: usize = files[shown..].iter().map(|(_, number)| number).sum();
    let mut parts: Vec<String> = files[..shown]
        .iter()
        .map(|(name, number)| count(*number, &format!("{name} file"), &format!("{name} files")))
        .collect();
    if other > 0 && shown > 0 {
        parts.push(count(other, "other file", "other files"));
    } else if other > 0 {
        parts.push(count(other, "file", "files"));
    }
    if folders > 0 {
        parts.push(count(folders, "folder", "folders"));
    }
    list(&parts, 5)
}

/// What most children are.
fn shared_noun(told: &[&Child<'_>]) -> Option<&'static str> {
    let silent = |child: &&&Child<'_>| {
        let summary = child.summary.unwrap_or("");
        let speaker = SPEAKERS.contains(&child.name) && is_made(summary);
        !speaker && !summary.starts_with("Binary ")
    };
    let mut nouns: BTreeMap<&'static str, usize> = BTreeMap::new();
    let counted = told.iter().filter(silent).count();
    for child in told {
        if let Some(noun) = noun_of(child.summary.unwrap_or("")) {
            *nouns.entry(noun).or_default() += 1;
        }
    }
    let (noun, number) = nouns.into_iter().max_by_key(|(_, number)| *number)?;
    (number >= 2 && number * 5 >= counted * 3).then_some(noun)
}

/// What a child is, or what it holds, if that is one thing.
fn noun_of(summary: &str) -> Option<&'static str> {
    let (mark, one) = (summary.strip_prefix("Only `"), summary.strip_prefix('`'));
    let only = mark.or(one).and_then(|rest| rest.split_once("`: "));
    let summary = only.map_or(summary, |(_, rest)| rest);
    let inner = summary.strip_prefix("Holds ");
    let named = |rest: &str| {
        SAME.iter()
            .find(|(_, noun)| rest.starts_with(&format!("{noun} in ")))
    };
    let nested = inner.and_then(named).map(|(_, noun)| *noun);
    kind_of_same(summary).or(nested)
}

/// A clause about each child that has something to say, most telling first.
fn clauses(told: &[&Child<'_>], same: Option<&'static str>) -> Vec<String> {
    let mut ranked: Vec<(u32, String)> = Vec::new();
    for child in told {
        let name = child.name.to_lowercase();
        let first = first_sentence(child.summary.unwrap_or(""));
        let speaker = SPEAKERS.iter().any(|speaker| name.starts_with(speaker));
        let trifle = name.starts_with('.')
            || name.starts_with("license")
            || name.starts_with("licence")
            || name.contains("lock");
        if speaker || trifle || first.starts_with("Empty ") || first.starts_with("Binary ") {
            continue;
        }
        let tests = name.starts_with("test") || name.starts_with("conftest");
        let beside = BESIDE.contains(&name.as_str()) || name.ends_with("-info");
        let rank = match (child.kind, is_made(first)) {
            _ if tests || beside => 5,
            (Kind::Directory, false) => 0,
            (Kind::File, false)
                if Language::of_file(child.name.as_bytes())
                    .is_some_and(|language| names::is_code(language.name())) =>
            {
                1
            }
            (Kind::Directory, true) => 2,
            (Kind::File, true) => 3,
            (Kind::File, false) => 4,
        };
        let private = u32::from(name.starts_with('_'));
        ranked.push((rank + 10 * private, clause(child, first, same)));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, clause)| clause).collect()
}

/// `` `name` (what it says, in short) ``
fn clause(child: &Child<'_>, first: &str, same: Option<&'static str>) -> String {
    let name = named(child);
    let words = continued(&without_brackets(first));
    let words = match words.strip_prefix("Defines ") {
        Some(rest) => rest.strip_prefix("the ").unwrap_or(rest),
        None => words.strip_prefix("Holds ").unwrap_or(&words),
    };
    // What is inside of a directory inside is too far away.
    let end = [", among them ", ", such as "]
        .iter()
        .filter_map(|mark| words.find(mark))
        .min();
    let words = match (child.kind, end) {
        (Kind::Directory, Some(end)) => &words[..end],
        _ => words,
    };
    let alike = same.is_some() && noun_of(child.summary.unwrap_or("")) == same;
    if words.is_empty() || alike {
        return name;
    }
    format!("{name} ({})", cut(words, MAX_CLAUSE))
}

/// The text without what stands in brackets, because it will itself.
fn without_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0usize;
    let mut code = false;
    for c in text.chars() {
        code ^= c == '`' && depth == 0;
        match c {
            '(' if !code => depth += 1,
            ')' if !code && depth > 0 => depth -= 1,
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
