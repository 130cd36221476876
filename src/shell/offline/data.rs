//! Prose, data and code without a grammar: what they say of themselves, then their headings, keys or names.

use crate::model::language::Language;
use crate::model::outline::Outline;

use super::words::{Paragraph, capital, capitalized, continued, count, list, quoted, quoted_list};
use super::{markup, names, plain};

/// What a file of data is, by the names at its top: the language (empty for any), names that must all be there.
const KNOWN: &[(&str, &[&str], &str)] = &[
    ("toml", &["package", "dependencies"], "Cargo manifest"),
    ("toml", &["workspace"], "Cargo workspace manifest"),
    ("toml", &["build-system"], "Python project manifest"),
    ("toml", &["project"], "Python project manifest"),
    ("toml", &["tool.poetry"], "Python project manifest"),
    (
        "toml",
        &["version", "package"],
        "Lock file: the exact versions of dependencies",
    ),
    (
        "toml",
        &["package", "metadata"],
        "Lock file: the exact versions of dependencies",
    ),
    ("toml", &["package"], "Cargo manifest"),
    (
        "json",
        &["lockfileVersion"],
        "Lock file: the exact versions of npm packages",
    ),
    (
        "json",
        &["name", "version", "dependencies"],
        "Package manifest",
    ),
    ("json", &["name", "devDependencies"], "Package manifest"),
    ("json", &["name", "scripts"], "Package manifest"),
    ("json", &["compilerOptions"], "TypeScript compiler options"),
    ("json", &["$schema", "properties"], "JSON schema"),
    ("json", &["type", "features"], "GeoJSON features"),
    (
        "",
        &["openapi", "paths"],
        "OpenAPI description of an HTTP interface",
    ),
    (
        "",
        &["swagger", "paths"],
        "OpenAPI description of an HTTP interface",
    ),
    ("yaml", &["on", "jobs"], "GitHub workflow"),
    ("yaml", &["runs", "inputs"], "GitHub action"),
    ("yaml", &["runs", "description"], "GitHub action"),
    ("yaml", &["services"], "Docker Compose services"),
    ("yaml", &["repos"], "pre-commit hooks"),
    ("yaml", &["cff-version", "title"], "Citation data"),
    ("yaml", &["apiVersion", "kind"], "Kubernetes resource"),
    ("yaml", &["version", "updates"], "Dependabot settings"),
    ("yaml", &["version", "build"], "Read the Docs settings"),
    (
        "ini",
        &["metadata", "options"],
        "Python package configuration",
    ),
    ("ini", &["tox"], "tox environments"),
    ("ini", &["Unit", "Service"], "systemd service unit"),
    ("ini", &["Unit", "Socket"], "systemd socket unit"),
    ("ini", &["Unit", "Timer"], "systemd timer unit"),
];

/// Licences by words of their beginning.
const LICENCES: &[(&str, &str)] = &[
    ("apache license", "The Apache licence"),
    ("mit license", "The MIT licence"),
    (
        "permission is hereby granted, free of charge",
        "The MIT licence",
    ),
    (
        "gnu lesser general public",
        "The GNU Lesser General Public License",
    ),
    (
        "gnu affero general public",
        "The GNU Affero General Public License",
    ),
    ("gnu general public", "The GNU General Public License"),
    ("mozilla public license", "The Mozilla Public License"),
    ("bsd 2-clause", "The BSD 2-clause licence"),
    ("bsd 3-clause", "The BSD 3-clause licence"),
    (
        "redistribution and use in source and binary",
        "A BSD licence",
    ),
    ("isc license", "The ISC licence"),
    ("creative commons", "A Creative Commons licence"),
    (
        "python software foundation license",
        "The Python Software Foundation licence",
    ),
    ("unlicense", "The Unlicense"),
];

/// As the scanner marks prose without a title, and lists of requirements.
const UNTITLED: &str = "—";
const REQUIREMENTS: &str = "[requirements]";
const BEGINS: &str = "[begins]";

/// The same, of a Maven project.
const MAVEN: &str = "[maven]";

/// Writes what a file without definitions is.
pub(super) fn write(language: &str, outline: &Outline, bytes: u64, paragraph: &mut Paragraph) {
    let headings = clean_headings(outline);
    // Prose in a language that is neither named here nor a program's: templates, man pages.
    let is_prose = Language::named(language)
        .is_some_and(|language| language.is_rare() && !language.is_programming());
    match language {
        _ if is_prose || headings.first().is_some_and(|first| first == BEGINS) => {
            prose(language, outline, &headings, paragraph);
        }
        "markdown" | "restructuredtext" | "text" | "notebook" | "" => {
            prose(language, outline, &headings, paragraph);
        }
        "gettext" => catalogue(&headings, paragraph),
        "html" | "jinja" | "vue" | "svelte" => page(language, outline, &headings, paragraph),
        "csv" if !headings.is_empty() => {
            paragraph.say(&format!(
                "Table with the columns {}",
                quoted_list(&headings, 8)
            ));
        }
        "xml" => match headings.first().map(String::as_str) {
            Some("svg") => _ = paragraph.say("SVG image"),
            Some(root) => {
                let lead = plain::first(outline.docstring.as_deref().unwrap_or(""));
                let is_maven = outline.headings.get(1).is_some_and(|mark| mark == MAVEN);
                match (lead, is_maven) {
                    (Some(words), true) => {
                        paragraph.say(&format!("Maven project: {}", continued(&words)))
                    }
                    (None, true) => paragraph.say("Maven project"),
                    (Some(words), false) => paragraph.say(&words),
                    (None, false) => {
                        paragraph.say(&format!("XML document of the type {}", quoted(root)))
                    }
                };
            }
            None => {}
        },
        "ignore-list" => {
            paragraph.say("Paths that tools skip (an ignore list)");
        }
        "git-attributes" => {
            let modules: Vec<String> = headings
                .iter()
                .filter_map(|heading| heading.strip_prefix("submodule "))
                .map(|name| name.trim_matches('"').to_owned())
                .collect();
            paragraph.say(&match modules.is_empty() {
                true => "Git attributes of paths".to_owned(),
                false => format!("Git submodules: {}", quoted_list(&modules, 6)),
            });
        }
        "json" | "yaml" | "toml" | "ini" => keys(language, outline, &headings, paragraph),
        _ => unparsed(language, outline, &headings, paragraph),
    }
    if paragraph.is_empty() {
        let language = if language.is_empty() {
            "text".to_owned()
        } else {
            names::display(language)
        };
        paragraph.say(&format!(
            "{} file of {}",
            capital(&language),
            size(bytes, outline.lines)
        ));
    }
}

fn clean_headings(outline: &Outline) -> Vec<String> {
    let mut clean = Vec::new();
    for heading in &outline.headings {
        let words = markup::plain(heading);
        let words = words.trim_end_matches([':', '.', '¶']).trim();
        if words.contains(char::is_alphanumeric) || words == "[]" {
            clean.push(words.to_owned());
        }
    }
    clean
}

/// A size in words: lines where they are few or all that is known, or else bytes.
fn size(bytes: u64, lines: u32) -> String {
    match (lines, bytes) {
        (1, _) => "one line".to_owned(),
        (2..=9_999, _) | (_, 0) => format!("{lines} lines"),
        (_, ..=9_999) => format!("{bytes} bytes"),
        (_, ..=9_999_999) => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

fn licence(outline: &Outline) -> Option<&'static str> {
    let title = outline.headings.first().map_or("", String::as_str);
    let words = outline.docstring.as_deref().unwrap_or("");
    let in_title = LICENCES
        .iter()
        .find(|(words, _)| title.to_lowercase().contains(words));
    let begins = words.to_lowercase();
    let begins: String = begins.split_whitespace().collect::<Vec<_>>().join(" ");
    let in_words = LICENCES.iter().find(|(words, _)| begins.starts_with(words));
    if let Some((_, name)) = in_title.or(in_words) {
        return (title.len() < 60).then_some(name);
    }
    let rights = begins.starts_with("copyright (c)") || begins.starts_with("copyright ©");
    (rights && outline.headings.len() < 2).then_some("A licence or a claim of rights")
}

/// First words of sentences that go on from a title.
const NEEDS_TITLE: [&str; 9] = [
    "this", "it", "these", "they", "is", "are", "used", "here", "that",
];

fn prose(language: &str, outline: &Outline, headings: &[String], paragraph: &mut Paragraph) {
    if let Some(licence) = licence(outline) {
        paragraph.say(licence);
        return;
    }
    let first = outline.headings.first().map_or("", String::as_str);
    if first == REQUIREMENTS {
        let packages = &headings[1..];
        let number = count(packages.len(), "Python package", "Python packages");
        paragraph.say(&format!(
            "Requirements: {number}, {}",
            quoted_list(packages, 6)
        ));
        return;
    }
    if let (BEGINS, Some(line)) = (first, outline.headings.get(1)) {
        paragraph.say(&format!("Text that begins with {}", quoted(line)));
        return;
    }
    let titled = first != UNTITLED;
    let title = headings.first().filter(|_| titled);
    // `About X` says no more than the name of the page.
    let title = title.filter(|title| !title.starts_with("About "));
    let title = title.cloned().unwrap_or_default();
    if let Some(newest) = newest_version(headings) {
        let entries = headings
            .iter()
            .filter(|heading| is_version(heading))
            .count();
        paragraph.say(&format!(
            "Change log with {entries} versions, the newest {newest}"
        ));
        return;
    }
    let documentation = outline.docstring.as_deref().unwrap_or("");
    if headings.is_empty() && is_list(documentation) {
        let entries: Vec<String> = documentation
            .lines()
            .map(|line| line.trim().to_owned())
            .collect();
        paragraph.say(&format!(
            "A list that begins with {}",
            quoted_list(&entries[..entries.len().min(4)], 4)
        ));
        return;
    }
    let mut lead = plain::lead(documentation);
    if let Some(first) = lead.first_mut() {
        *first = plain::without_preamble(first);
    }
    // A sentence that can stand alone does; one that goes on from the title needs it.
    let stands_alone = |sentence: &str| {
        let first = sentence.split(' ').next().unwrap_or("").to_lowercase();
        sentence.split_whitespace().count() >= 5 && !NEEDS_TITLE.contains(&first.as_str())
    };
    let mut is_title_said = title.is_empty();
    match lead.first() {
        Some(first) if title.is_empty() || names_title(first, &title) || stands_alone(first) => {
            is_title_said |= names_title(first, &title);
            paragraph.say(first);
        }
        Some(first) if title.ends_with(['?', '!', ':']) || title.contains(": ") => {
            paragraph.say(first);
        }
        Some(first) => {
            is_title_said = true;
            paragraph.say(&format!("{}: {}", capitalized(&title), continued(first)));
        }
        None if title.is_empty() => {}
        None => {
            let name = if language == "text" || language.is_empty() {
                "Text".to_owned()
            } else {
                format!("{} page", names::display(language))
            };
            is_title_said = true;
            paragraph.say(&format!("{name} “{title}”"));
        }
    }
    if let Some(second) = lead.get(1).filter(|second| plain::goes_on(second)) {
        paragraph.say(second);
    }
    if !is_title_said && title.chars().count() <= 80 {
        paragraph.say(&format!("Page “{title}”"));
    }
    let sections = headings.get(usize::from(titled)..).unwrap_or_default();
    if !sections.is_empty() {
        let short: Vec<String> = sections
            .iter()
            .filter(|section| section.chars().count() <= 50)
            .cloned()
            .collect();
        let noun = if short.len() == 1 {
            "Section"
        } else {
            "Sections"
        };
        paragraph.say(&format!("{noun}: {}", list(&short, 6)));
    }
}

/// Whether a sentence holds the words of the title already.
fn names_title(sentence: &str, title: &str) -> bool {
    let sentence = sentence.to_lowercase();
    let title = title.to_lowercase();
    let words = title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2);
    words.clone().count() > 0 && words.clone().all(|word| sentence.contains(word))
}

fn is_version(heading: &str) -> bool {
    let mut words = heading
        .split(|c: char| c.is_whitespace() || "[]()".contains(c))
        .filter(|word| !word.is_empty());
    words.any(|word| {
        let word = word.trim_start_matches(['v', 'V']);
        word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn newest_version(headings: &[String]) -> Option<&String> {
    let versions = headings.iter().filter(|heading| is_version(heading));
    let enough = versions.clone().count() >= 3 && versions.clone().count() * 3 >= headings.len();
    versions.clone().next().filter(|_| enough)
}

/// Whether a paragraph is a list of entries, one a line.
fn is_list(text: &str) -> bool {
    let lines = text.lines().count();
    let short = text
        .lines()
        .filter(|line| line.split_whitespace().count() <= 3 && !line.trim_end().ends_with('.'));
    lines >= 3 && short.count() * 10 >= lines * 9
}

fn catalogue(headings: &[String], paragraph: &mut Paragraph) {
    let sentence = match headings {
        [code, team, ..] => format!(
            "Translations into {} ({})",
            team.trim_end_matches(" Team"),
            quoted(code)
        ),
        [code] => format!("Translations into the language {}", quoted(code)),
        [] => "Translations (gettext catalogue)".to_owned(),
    };
    paragraph.say(&sentence);
}

fn page(language: &str, outline: &Outline, headings: &[String], paragraph: &mut Paragraph) {
    let noun = match language {
        "html" => "HTML page or template".to_owned(),
        other => format!("{} template", names::display(other)),
    };
    let tags = |mark: &str| -> Vec<String> {
        let named = outline
            .headings
            .iter()
            .filter_map(|heading| heading.strip_prefix(mark));
        named.map(str::to_owned).collect()
    };
    let (base, blocks) = (tags("{% extends "), tags("{% block "));
    let title = headings.iter().find(|heading| !heading.contains("{%"));
    match (title, outline.docstring.as_deref().and_then(plain::first)) {
        (Some(title), Some(words)) => _ = paragraph.say(&format!("{title}: {}", continued(&words))),
        (Some(title), None) => _ = paragraph.say(&format!("{noun} “{title}”")),
        (None, Some(words)) => _ = paragraph.say(&words),
        (None, None) => {}
    }
    let sentence = match (base.first(), blocks.is_empty()) {
        (Some(base), false) => format!(
            "HTML template that extends {}, with the {noun} {}",
            quoted(base),
            quoted_list(&blocks, 5),
            noun = plural(&blocks)
        ),
        (Some(base), true) => format!("HTML template that extends {}", quoted(base)),
        (None, false) => format!(
            "HTML template with the {} {}",
            plural(&blocks),
            quoted_list(&blocks, 5)
        ),
        (None, true) if paragraph.is_empty() => format!("{noun} of {}", size(0, outline.lines)),
        (None, true) => return,
    };
    paragraph.say(&sentence);
}

fn plural(blocks: &[String]) -> &'static str {
    if blocks.len() == 1 { "block" } else { "blocks" }
}

fn keys(language: &str, outline: &Outline, headings: &[String], paragraph: &mut Paragraph) {
    let has = |key: &&str| headings.iter().any(|heading| heading == key);
    let known = KNOWN
        .iter()
        .find(|(of, keys, _)| (of.is_empty() || *of == language) && keys.iter().all(has));
    let words = outline.docstring.as_deref().and_then(|text| {
        let lead = plain::first(text);
        lead.or_else(|| {
            Some(markup::plain(text))
                .filter(|text| text.len() < 60 && text.contains(char::is_alphabetic))
        })
    });
    let display = names::display(language);
    let is_list = headings.first().is_some_and(|first| first == "[]");
    let opening = match (known, is_list) {
        (Some((.., label)), _) => (*label).to_owned(),
        (None, true) => format!("{display} list"),
        (None, false) => format!("{display} data"),
    };
    let mut keys = String::new();
    let names = if is_list { &headings[1..] } else { headings };
    let noun = match (language, is_list, names.len()) {
        (_, true, _) => "entries that have",
        ("toml", _, 1) => "table",
        ("toml", ..) => "tables and keys",
        ("ini", _, 1) => "section",
        ("ini", ..) => "sections",
        (_, _, 1) => "key",
        _ => "keys",
    };
    if !names.is_empty() {
        keys = format!("{noun} {}", quoted_list(names, 6));
    }
    match (words, keys.is_empty()) {
        (Some(words), _) => {
            paragraph.say(&format!("{opening}: {}", continued(&words)));
            // The keys of a package manifest or a lock file are always the same.
            let vary =
                known.is_none_or(|(of, _, label)| *of != "json" && !label.starts_with("Lock"));
            if !keys.is_empty() && vary {
                paragraph.say(&capital(&keys.replacen(
                    &format!("{noun} "),
                    &format!("{noun}: "),
                    1,
                )));
            }
        }
        (None, false) if known.is_some_and(|(.., label)| label.starts_with("Lock")) => {
            _ = paragraph.say(&opening)
        }
        (None, false) if is_list => _ = paragraph.say(&format!("{opening} of {keys}")),
        (None, false) => _ = paragraph.say(&format!("{opening} with the {keys}")),
        (None, true) if is_list || known.is_some() => _ = paragraph.say(&opening),
        (None, true) => {}
    }
}

fn unparsed(language: &str, outline: &Outline, headings: &[String], paragraph: &mut Paragraph) {
    let display = names::display(language);
    let lead = plain::lead(outline.docstring.as_deref().unwrap_or(""));
    for sentence in lead.iter().take(2) {
        paragraph.say(sentence);
    }
    if headings.is_empty() {
        return;
    }
    let names = quoted_list(headings, 5);
    let sentence = match language {
        "dockerfile" => format!("Container image built from {}", quoted_list(headings, 3)),
        "go-module" => format!("Go module {}", quoted_list(headings, 1)),
        "make" if headings.len() == 1 => format!("Makefile with the target {names}"),
        "make" => format!("Makefile with the targets {}", quoted_list(headings, 8)),
        _ if paragraph.is_empty() => format!("{} code that defines {names}", capital(&display)),
        _ => format!("Defines {names}"),
    };
    paragraph.say(&sentence);
}
