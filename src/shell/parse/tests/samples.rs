//! Every language with a grammar has a sample in `tests/samples` and its outline beside it.

use std::fs;
use std::path::PathBuf;

use super::parsed;
use crate::shell::parse::table;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

/// The sample of a language: the file that has its name and is no outline.
fn sample(language: &str) -> Option<String> {
    let entries = fs::read_dir(folder()).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let path = paths.find(|path| {
        path.file_stem().is_some_and(|stem| stem == language)
            && path
                .extension()
                .is_some_and(|extension| extension != "outline")
    })?;
    fs::read_to_string(path).ok()
}

/// The languages with a row; Flow is JavaScript under another grammar.
fn languages() -> impl Iterator<Item = &'static str> {
    table::names().filter(|name| *name != "flow")
}

#[test]
fn every_language_has_a_sample_and_its_outline() {
    for language in languages() {
        let text = sample(language).unwrap_or_else(|| panic!("{language}: no sample"));
        let outline = parsed(language, &text).outline;
        assert!(!outline.partial, "{language}: {:?}", outline.missing);
        let lines = outline.elements.iter().map(|element| {
            let docs = element.docstring.as_deref();
            let docs = docs.map_or(String::new(), |docs| {
                format!(" -- {}", docs.replace('\n', " / "))
            });
            format!(
                "{} {} {}-{}: {}{docs}\n",
                element.kind,
                element.qualified_name,
                element.line_start,
                element.line_end,
                element.signature
            )
        });
        let found: String = lines.collect();
        let want = fs::read_to_string(folder().join(format!("{language}.outline")));
        assert_eq!(found, want.unwrap_or_default(), "{language}");
    }
}

#[test]
fn the_syntax_digest_of_every_language_is_blind_to_layout_and_licence_years() {
    for language in languages() {
        let text = sample(language).unwrap_or_default();
        let syntax = |text: &str| parsed(language, text).syntax;
        let want = syntax(&text);
        assert!(text.contains("Copyright 2020"), "{language}");
        for (what, other) in [
            (
                "licence",
                text.replace("Copyright 2020 X", "Copyright 2026 Y"),
            ),
            ("line ends", text.replace('\n', "\r\n")),
            ("end of file", format!("{text}\n\n")),
        ] {
            assert_eq!(syntax(&other), want, "{language}: {what}");
        }
        let outline = parsed(language, &text).outline;
        let last = outline.elements.last().map(|element| element.name.clone());
        let last = last.unwrap_or_default();
        let last = last
            .rsplit(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or("");
        let changed = text.replace(last, &format!("{last}x"));
        assert_ne!(syntax(&changed), want, "{language}: {last}");
    }
}

/// Cut-off and deeply nested forms of the samples: no panic, and no longer than the limits allow.
#[test]
fn broken_samples_give_what_can_be_read() {
    for language in languages() {
        let text = sample(language).unwrap_or_default();
        for cut in [text.len() / 3, text.len() / 2, text.len() - 2] {
            parsed(language, &text.as_bytes()[..cut]);
        }
        for bracket in ["(", "{", "<a>", "\"", "${"] {
            parsed(language, format!("{text}{}", bracket.repeat(300)));
        }
        parsed(language, format!("{text}{}", "x = 1; ".repeat(3_000)));
    }
}
