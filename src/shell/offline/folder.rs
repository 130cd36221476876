//! Summaries of folders: what the folder is for, what its children have in common, and last how many there are.
//!
//! A folder's own name is unknown here, because a rename must not change its summary. Its children's names and
//! summaries are all there is to go by.

use std::collections::BTreeMap;

use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::summary::first_sentence;

use super::Child;
use super::form::{Form, form, manifest_description};
use super::words::{Paragraph, capital, continued, count, cut, list, quoted, small};
use super::{names, plain};

/// Files that speak for their folder, best first: the manifest, the package's own documentation, the page that a host
/// shows for the folder.
const SPEAKERS: [&str; 17] = [
    "package.json",
    "cargo.toml",
    "pyproject.toml",
    "pom.xml",
    "__init__.py",
    "lib.rs",
    "mod.rs",
    "doc.go",
    "package-info.java",
    "readme.md",
    "readme.rst",
    "readme.txt",
    "readme",
    "readme.markdown",
    "index.md",
    "index.rst",
    "index.ts",
];

/// Files that speak for their folder where none of the others does: its program.
const PROGRAMS: [&str; 4] = ["main.go", "main.rs", "index.js", "index.mjs"];

/// Files about a project that say nothing of what a folder is for, by the beginning of their names.
const ABOUT_PROJECT: [&str; 24] = [
    ".",
    "authors",
    "cargo.lock",
    "cargo.toml.orig",
    "changelog",
    "changes",
    "code_of_conduct",
    "contributing",
    "contributors",
    "copying",
    "go.mod",
    "go.sum",
    "history.md",
    "licen",
    "manifest.in",
    "notice",
    "package-lock",
    "pkg-info",
    "pnpm-lock",
    "poetry.lock",
    "security.md",
    "unlicense",
    "upgrading",
    "yarn.lock",
];

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

/// Children named in the sentence about what a folder contains.
const MAX_LISTED: usize = 9;
/// The longest phrase about one child, in characters.
const MAX_PHRASE: usize = 48;
/// The longest first sentence that lists children, in characters.
const MAX_LISTING: usize = 200;
/// The shortest manifest description that says more than the README, in words.
const MIN_DESCRIPTION: usize = 3;

/// A child and what its summary says.
struct Known<'a> {
    name: &'a str,
    kind: Kind,
    line: &'a str,
    form: Option<Form>,
}

impl Known<'_> {
    /// The name without its ending; of a folder, the whole name.
    fn stem(&self) -> &str {
        match (self.kind, self.name.find('.')) {
            (Kind::File, Some(at)) if at > 0 => &self.name[..at],
            _ => self.name,
        }
    }

    fn is_code(&self) -> bool {
        let language = Language::of_file(self.name.as_bytes());
        language.is_some_and(|language| names::is_code(language.name()))
    }
}

/// Writes the summary of a folder.
pub(super) fn write(children: &[Child<'_>], paragraph: &mut Paragraph) {
    let known: Vec<Known<'_>> = children
        .iter()
        .filter_map(|child| {
            let summary = child.summary?;
            Some(Known {
                name: child.name,
                kind: child.kind,
                line: first_sentence(summary),
                form: form(summary),
            })
        })
        .collect();
    if let Some((first, second)) = spoken(children) {
        paragraph.say(&first);
        if let Some(second) = second {
            paragraph.say(&second);
        }
    }
    match &known[..] {
        [only] if children.len() == 1 && media(&known).is_none() => only_child(only, paragraph),
        _ => {
            let title = known
                .iter()
                .find_map(title)
                .filter(|_| paragraph.is_empty());
            let is_first = paragraph.is_empty();
            let listed = media(&known).or_else(|| listing(&known, is_first, title));
            if let Some(sentence) = shared(&known).or(listed) {
                paragraph.say(&sentence);
            }
        }
    }
    if paragraph.is_empty() {
        let names: Vec<String> = children.iter().map(|child| quoted(child.name)).collect();
        paragraph.say(&format!("Contains {}", list(&names, 6)));
    }
    if let Some(offers) = known.iter().find_map(offered) {
        paragraph.say(&offers);
    }
    if children.len() > 1 {
        paragraph.say(&counts(children));
    }
    let left_out: Vec<String> = children
        .iter()
        .filter(|child| child.summary.is_none())
        .map(|child| quoted(child.name))
        .collect();
    if !left_out.is_empty() {
        paragraph.say(&format!("Without a summary: {}", list(&left_out, 3)));
    }
}

/// What the author says of the folder: in a manifest, in the package's documentation, in the README.
fn spoken(children: &[Child<'_>]) -> Option<(String, Option<String>)> {
    SPEAKERS.iter().chain(&PROGRAMS).find_map(|speaker| {
        let is_speaker = |child: &&Child<'_>| {
            child.kind == Kind::File && child.name.eq_ignore_ascii_case(speaker)
        };
        let summary = children.iter().find(is_speaker)?.summary?;
        if let Some(words) = manifest_description(summary) {
            let says_enough = words.split_whitespace().count() >= MIN_DESCRIPTION;
            return says_enough.then(|| (words.to_owned(), None));
        }
        if form(summary).is_some() {
            return None;
        }
        let first = first_sentence(summary);
        let rest = summary[first.len()..].trim_start();
        let second = first_sentence(rest);
        let goes_on = form(rest).is_none()
            && plain::goes_on(second)
            && !second.contains(": ")
            && first.chars().count() < 160;
        Some((first.to_owned(), goes_on.then(|| second.to_owned())))
    })
}

/// The names that a package takes up from its modules, by the file that stands for it.
fn offered(child: &Known<'_>) -> Option<String> {
    if !is_speaker(child) || child.form != Some(Form::ReExports) {
        return None;
    }
    let names = child.line.strip_prefix("Re-exports ")?;
    let (names, _) = names.rsplit_once(" from ")?;
    (names != "everything").then(|| format!("Offers {names}"))
}

/// The only child speaks for the folder.
fn only_child(only: &Known<'_>, paragraph: &mut Paragraph) {
    let name = match only.kind {
        Kind::File => quoted(only.name),
        Kind::Directory => quoted(&format!("{}/", only.name)),
    };
    if paragraph.is_empty() {
        paragraph.say(&cut(&continued(only.line), 220));
    }
    paragraph.say(&format!("It contains only {name}"));
}

/// What most children are, in one sentence.
fn shared(known: &[Known<'_>]) -> Option<String> {
    let counted: Vec<&Known<'_>> = known
        .iter()
        .filter(|child| child.form != Some(Form::Nothing) && !is_speaker(child))
        .collect();
    let most = |number: usize| number >= 2 && number * 5 >= counted.len() * 3;
    let of_form = |wanted: Form| -> Vec<&Known<'_>> {
        let is_it = |child: &&&Known<'_>| {
            child.form == Some(wanted) || wanted == Form::Tests && is_called_test(child)
        };
        counted.iter().filter(is_it).copied().collect()
    };
    for wanted in [
        Form::Tests,
        Form::Migration,
        Form::ManagementCommand,
        Form::Translations,
        Form::Template,
        Form::Svg,
        Form::Workflow,
        Form::Program,
        Form::Generated,
    ] {
        let same = of_form(wanted);
        if most(same.len()) {
            return Some(sentence_about(wanted, &same));
        }
    }
    shared_base(&counted).or_else(|| shared_ending(&counted))
}

fn sentence_about(form: Form, same: &[&Known<'_>]) -> String {
    let stems: Vec<String> = same.iter().map(|child| shown(child.stem())).collect();
    match form {
        Form::Tests => {
            let topics: Vec<String> = same
                .iter()
                .map(|child| topic(child.stem()))
                .filter(|topic| !topic.is_empty())
                .collect();
            match topics.is_empty() {
                true => format!("Tests: {}", list(&stems, MAX_LISTED)),
                false => format!("Tests of {}", list(&topics, MAX_LISTED)),
            }
        }
        Form::Migration => format!(
            "Contains Django migrations, from {} to {}",
            stems.first().map_or("", String::as_str),
            stems.last().map_or("", String::as_str)
        ),
        Form::ManagementCommand => {
            format!(
                "Contains the Django management commands {}",
                list(&stems, MAX_LISTED)
            )
        }
        Form::Translations => {
            let language = |child: &&Known<'_>| {
                let rest = child.line.strip_prefix("Translations into ")?;
                let name = rest.split([' ', '(', ',', '.']).next()?;
                Some(name.trim_matches('`').to_owned())
            };
            let mut languages: Vec<String> = same.iter().filter_map(language).collect();
            languages.dedup();
            match languages.is_empty() {
                true => "Translations".to_owned(),
                false => format!("Translations into {}", list(&languages, MAX_LISTED)),
            }
        }
        Form::Template => format!("HTML templates: {}", list(&stems, MAX_LISTED)),
        Form::Svg => format!("SVG images: {}", list(&stems, MAX_LISTED)),
        Form::Generated => {
            // A file and its declarations are one thing.
            let mut stems = stems;
            stems.dedup();
            format!("Generated files: {}", list(&stems, MAX_LISTED))
        }
        Form::Program => {
            let mut tools: BTreeMap<&str, usize> = BTreeMap::new();
            for tool in same
                .iter()
                .filter_map(|child| child.line.rsplit('`').nth(1))
            {
                *tools.entry(tool).or_default() += 1;
            }
            let most = tools.into_iter().max_by_key(|(_, number)| *number);
            let use_it = match most {
                Some((tool, number)) if tool != "main" && number * 5 >= same.len() * 3 => {
                    format!(" that use {}", quoted(tool))
                }
                _ => String::new(),
            };
            format!("Programs{use_it}: {}", list(&stems, MAX_LISTED))
        }
        _ => format!("GitHub workflows: {}", list(&stems, MAX_LISTED)),
    }
}

/// Whether a file of code is called a test.
fn is_called_test(child: &Known<'_>) -> bool {
    let stem = child.stem();
    child.kind == Kind::File && child.is_code() && topic(stem) != stem.replace('_', " ")
}

/// What a test file tests, by its name: `test_client.py`, `client_test.go`, `client.test.ts` are about `client`.
fn topic(stem: &str) -> String {
    let mut topic = stem;
    for mark in ["test_", "tests_", "test-"] {
        topic = topic.strip_prefix(mark).unwrap_or(topic);
    }
    for mark in [
        "_test", "_tests", "-test", "_spec", "_specs", "-spec", "Tests", "Test", "Specs", "Spec",
    ] {
        topic = topic.strip_suffix(mark).unwrap_or(topic);
    }
    match topic {
        "test" | "tests" | "conftest" => String::new(),
        topic => topic.replace('_', " "),
    }
}

/// `Contains subclasses of `Field`: a, b and c`, where most children define one.
fn shared_base(counted: &[&Known<'_>]) -> Option<String> {
    let mut by_base: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for child in counted {
        let base = child
            .line
            .split_once(" (a `")
            .or_else(|| child.line.split_once(" (an `"))
            .and_then(|(_, rest)| rest.split_once('`'));
        if let (Some(Form::Definitions), Some((base, _))) = (child.form, base) {
            by_base.entry(base).or_default().push(shown(child.stem()));
        }
    }
    let (base, stems) = by_base.into_iter().max_by_key(|(_, stems)| stems.len())?;
    (stems.len() >= 3 && stems.len() * 5 >= counted.len() * 3).then(|| {
        format!(
            "Contains kinds of {}: {}",
            quoted(base),
            list(&stems, MAX_LISTED)
        )
    })
}

/// `Contains plugins: asset, css and html`, where the names that most children define end in one word.
fn shared_ending(counted: &[&Known<'_>]) -> Option<String> {
    let mut by_ending: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for child in counted {
        if child.form != Some(Form::Definitions) {
            continue;
        }
        let Some(name) = child.line.split('`').nth(1) else {
            continue;
        };
        let ending = name.rfind(char::is_uppercase).map_or("", |at| &name[at..]);
        if ending.len() >= 4 && ending.len() < name.len() {
            let stems = by_ending.entry(ending.to_lowercase()).or_default();
            stems.push(shown(child.stem()));
        }
    }
    let (ending, stems) = by_ending.into_iter().max_by_key(|(_, stems)| stems.len())?;
    (stems.len() >= 3 && stems.len() * 5 >= counted.len() * 3).then(|| {
        let plural = match ending.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
            _ if ending.ends_with(['s', 'x', 'h']) => format!("{ending}es"),
            _ => format!("{ending}s"),
        };
        format!("Contains {plural}: {}", list(&stems, MAX_LISTED))
    })
}

fn is_speaker(child: &Known<'_>) -> bool {
    child.kind == Kind::File
        && SPEAKERS
            .iter()
            .any(|speaker| child.name.eq_ignore_ascii_case(speaker))
}

fn is_about_project(child: &Known<'_>) -> bool {
    let name = child.name.to_lowercase();
    child.kind == Kind::File && ABOUT_PROJECT.iter().any(|start| name.starts_with(start))
}

/// `Images: logo and banner`, where all children are files of one such kind.
fn media(known: &[Known<'_>]) -> Option<String> {
    const MEDIA: [(&str, &str); 5] = [
        ("image", "Images"),
        ("font", "Fonts"),
        ("audio", "Audio files"),
        ("video", "Videos"),
        ("archive", "Archives"),
    ];
    let language = |child: &Known<'_>| Language::of_file(child.name.as_bytes()).map(Language::name);
    let first = known.first().and_then(language)?;
    let (_, noun) = MEDIA.iter().find(|(name, _)| *name == first)?;
    let mut stems: Vec<String> = known.iter().map(|child| shown(child.stem())).collect();
    stems.dedup();
    let all = known
        .iter()
        .all(|child| child.kind == Kind::File && language(child) == Some(first));
    all.then(|| format!("{noun}: {}", list(&stems, MAX_LISTED)))
}

/// The title of a README that says nothing else of its folder.
fn title(child: &Known<'_>) -> Option<String> {
    let is_readme = child.name.to_lowercase().starts_with("readme");
    let (_, title) = child.line.split_once(" page “").filter(|_| is_readme)?;
    let (title, _) = title.split_once('”')?;
    let is_short = title.chars().count() <= MAX_PHRASE && !title.contains(": ");
    is_short.then(|| title.to_owned())
}

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
fn listing(known: &[Known<'_>], themed: bool, title: Option<String>) -> Option<String> {
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
fn shown(name: &str) -> String {
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
    let phrase = phrase.trim_end_matches([',', ';', ':', ' ']);
    (says_more > 0 && phrase.split_whitespace().count() > 1).then(|| small(phrase))
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
                    .or_default() += 1;
            }
            (Kind::File, None) => *languages.entry(String::new()).or_default() += 1,
        }
    }
    let mut files: Vec<(String, usize)> = languages.into_iter().collect();
    files.sort_by_key(|(name, number)| (name.is_empty(), std::cmp::Reverse(*number)));
    let named = files
        .iter()
        .take(2)
        .take_while(|(name, _)| !name.is_empty())
        .count();
    let other: usize = files[named..].iter().map(|(_, number)| number).sum();
    let mut parts: Vec<String> = files[..named]
        .iter()
        .map(|(name, number)| count(*number, &format!("{name} file"), &format!("{name} files")))
        .collect();
    if other > 0 {
        parts.push(match named {
            0 => count(other, "file", "files"),
            _ => count(other, "other file", "other files"),
        });
    }
    if folders > 0 {
        parts.push(count(folders, "folder", "folders"));
    }
    list(&parts, 5)
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
