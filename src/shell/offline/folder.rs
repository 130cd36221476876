//! Directories: what their children say, and how many of what kind they are.

use std::collections::BTreeMap;

use crate::model::language::Language;
use crate::model::recipe::Kind;
use crate::model::summary::first_sentence;

use super::Child;
use super::names;
use super::words::{Paragraph, continued, count, cut, list, quoted};

/// Children that speak for the whole directory, by the beginning of their name in small letters.
const SPEAKERS: [&str; 9] = [
    "readme",
    "__init__.py",
    "mod.rs",
    "lib.rs",
    "package.json",
    "cargo.toml",
    "pyproject.toml",
    "index.md",
    "index.rst",
];

/// The longest clause about one child, in characters.
const MAX_CLAUSE: usize = 96;

/// How the words begin that were put together here and say nothing that the writer of the file said.
const MADE: [&str; 24] = [
    "Defines ",
    "Declares ",
    "Re-exports ",
    "Sets ",
    "Holds ",
    "Empty ",
    "Uses ",
    "Python code",
    "Rust code",
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
    ("Defines the data model", "data models"),
    ("Defines the typed dictionar", "typed dictionaries"),
    ("Defines the form", "forms"),
    ("HTML page or template", "HTML pages or templates"),
    ("SVG image", "SVG images"),
    ("Binary file (image)", "images"),
    ("Binary file (font)", "fonts"),
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
    let short = second.chars().count() < 200 && first.chars().count() < 160;
    let second = Some(second)
        .filter(|second| short && !second.is_empty() && !is_made(second) && !second.contains(": "));
    Some((words, second.filter(|second| second.len() > 20)))
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
        let words = child
            .summary
            .map(|summary| cut(&continued(summary), 200))
            .filter(|words| !words.is_empty());
        match words {
            Some(words) if paragraph.is_empty() => {
                drop(paragraph.say(&format!("Only {}: {words}", named(child))))
            }
            _ => drop(paragraph.say(&format!("Holds only {}", named(child)))),
        }
        return;
    }
    let counts = counts(children);
    let same = shared_noun(told);
    let clauses = clauses(told, same);
    let holds = match same {
        Some(noun) => format!("Holds {noun}: {counts}"),
        None => format!("Holds {counts}"),
    };
    if !paragraph.is_empty() {
        paragraph.say(&holds);
        tell(&clauses, "Among them: ", 5, paragraph);
        return;
    }
    // Nobody speaks for the whole: the first sentence has to, with what is most telling.
    let first = clauses
        .iter()
        .take(2)
        .filter(|clause| clause.chars().count() < 110);
    let first: Vec<String> = first.cloned().collect();
    let used = first.len();
    match same {
        Some(_) if used > 0 => {
            drop(paragraph.say(&format!("{holds}, such as {}", list(&first, 2))))
        }
        _ if used > 0 => drop(paragraph.say(&format!("{holds}, among them {}", list(&first, 2)))),
        _ => drop(paragraph.say(&holds)),
    }
    tell(&clauses[used..], "Also: ", 4, paragraph);
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
        !SPEAKERS.contains(&child.name) || child.summary != Some("Empty file.")
    };
    let mut nouns: BTreeMap<&'static str, usize> = BTreeMap::new();
    let counted = told.iter().filter(silent).count();
    for child in told {
        let summary = child.summary.unwrap_or("");
        let inner = summary.strip_prefix("Holds ").or_else(|| {
            let (_, rest) = summary.strip_prefix("Only `")?.split_once("`: ")?;
            Some(rest.strip_prefix("holds ").unwrap_or(rest))
        });
        let nested = inner.and_then(|rest| {
            SAME.iter()
                .find(|(_, noun)| rest.starts_with(&format!("{noun}: ")))
                .map(|(_, noun)| *noun)
        });
        if let Some(noun) = kind_of_same(summary).or(nested) {
            *nouns.entry(noun).or_default() += 1;
        }
    }
    let (noun, number) = nouns.into_iter().max_by_key(|(_, number)| *number)?;
    (number >= 2 && number * 5 >= counted * 3).then_some(noun)
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
        let rank = match (child.kind, is_made(first)) {
            _ if tests => 5,
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
        ranked.push((rank, clause(child, first, same)));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, clause)| clause).collect()
}

/// `` `name` (what it says, in short) ``
fn clause(child: &Child<'_>, first: &str, same: Option<&'static str>) -> String {
    let name = named(child);
    let words = continued(first);
    let words = match words.strip_prefix("Defines ") {
        Some(rest) => rest.strip_prefix("the ").unwrap_or(rest).to_owned(),
        None => words,
    };
    let words = words
        .strip_prefix("Holds ")
        .map(str::to_owned)
        .unwrap_or(words);
    let words = words.replace(['(', ')'], "");
    if words.is_empty() || same.is_some() {
        return name;
    }
    format!("{name} ({})", cut(&words, MAX_CLAUSE))
}
