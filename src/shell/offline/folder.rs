//! Summaries of folders: what the folder is for, what its children have in common, and last how many there are.
//!
//! A folder's own name is unknown here, because a rename must not change its summary. Its children's names and
//! summaries are all there is to go by.

mod listing;

use std::collections::BTreeMap;

use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::summary::first_sentence;

use super::Child;
use super::form::{Form, form, manifest_description};
use super::words::{Paragraph, continued, count, cut, list, quoted};
use super::{names, plain};
use listing::{listing, shown};

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

/// Children named in the sentence about what a folder contains.
const MAX_LISTED: usize = 9;
/// The longest phrase about one child, in characters.
const MAX_PHRASE: usize = 48;
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
