//! What says nothing of a subject: directives of tools, fields, licences, credits, remarks to the reader. All of it is
//! data.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// How sentences begin that send the reader elsewhere, thank, or ask for something.
const TO_THE_READER: [&str; 50] = [
    "ask ",
    "before you",
    "check out",
    "check the",
    "click ",
    "contributions",
    "documentation for",
    "documentation is",
    "donat",
    "download",
    "feel free",
    "find ",
    "follow ",
    "for a ",
    "for all ",
    "for details",
    "for documentation",
    "for further",
    "for help",
    "for more",
    "for the full",
    "for usage",
    "full documentation",
    "go to",
    "head over",
    "here you",
    "how to use",
    "if you",
    "join ",
    "learn more",
    "looking for",
    "more information",
    "more details",
    "note",
    "please",
    "questions",
    "read the",
    "refer to",
    "run with",
    "see ",
    "sponsor",
    "thank",
    "the documentation",
    "then follow",
    "this readme",
    "to learn more",
    "visit ",
    "we build",
    "you can",
    "you need",
];
/// Words by which such a sentence is known wherever they stand.
const PLEAS: [&str; 8] = [
    "generous donation",
    "become a sponsor",
    "see our web",
    "can be found in",
    "can be found at",
    "welcome to",
    "only supported version",
    "must be installed",
];

/// Whether a sentence sends the reader elsewhere, instead of saying what something is.
pub(super) fn is_to_the_reader(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let points_elsewhere = lower.starts_with("for ")
        && [" see ", " refer to ", " visit "]
            .iter()
            .any(|verb| lower.contains(verb));
    points_elsewhere
        || TO_THE_READER.iter().any(|start| lower.starts_with(start))
        || PLEAS.iter().any(|plea| lower.contains(plea))
}

/// Tools that read directives in comments such as `# pylint: disable=…`.
const TOOLS: [&str; 21] = [
    "pylint",
    "pyright",
    "mypy",
    "type",
    "flake8",
    "ruff",
    "isort",
    "fmt",
    "yapf",
    "noqa",
    "pragma",
    "cython",
    "vim",
    "frozen_string_literal",
    "encoding",
    "rubocop",
    "typed",
    "warn_indent",
    "shellcheck",
    "phpcs",
    "eslint-env",
];

/// Fields about the file and its authors, at the top of a script.
pub(super) fn is_field(line: &str) -> bool {
    const FIELDS: [&str; 22] = [
        "author",
        "authors",
        "maintainer",
        "maintainers",
        "created",
        "last change",
        "last modified",
        "version",
        "license",
        "licence",
        "requires",
        "date",
        "url",
        "email",
        "website",
        "homepage",
        "filename",
        "documentation",
        "typescript version",
        "minimum typescript version",
        "definitions by",
        "original definitions by",
    ];
    let name = line.split_once(':').map_or("", |(name, _)| name);
    FIELDS
        .iter()
        .any(|field| name.trim().eq_ignore_ascii_case(field))
}

/// Tools that read directives in comments, by the first word.
const DIRECTIVES: [&str; 35] = [
    "eslint",
    "istanbul",
    "c8",
    "v8",
    "jshint",
    "jslint",
    "global",
    "globals",
    "prettier-ignore",
    "stylelint",
    "tslint",
    "flow",
    "noflow",
    "ts-check",
    "ts-nocheck",
    "noqa",
    "nolint",
    "clang-format",
    "sourcemappingurl",
    "jsx",
    "jsximportsource",
    "use strict",
    "region",
    "endregion",
    "biome-ignore",
    "deno-lint-ignore",
    "nosec",
    "lint:ignore",
    "go:build",
    "go:generate",
    "+build",
    "cspell",
    "spellchecker",
    "vim",
    "emacs",
];

/// Whether a line tells a tool what to do, or is a tag rather than prose.
pub(super) fn is_directive(line: &str) -> bool {
    let line = line.trim_start_matches(['@', '/', '*', '#', ' ', '!']);
    let lower = line.to_lowercase();
    let is_tool = |tool: &str| {
        let Some(rest) = lower.strip_prefix(tool) else {
            return false;
        };
        // `eslint` alone may begin a sentence; with a rule or a mark behind it, it does not.
        let is_sentence = rest.split_whitespace().count() > 3 && !rest.contains([':', '/', '=']);
        let is_mark = tool.contains([':', '+']);
        (rest.is_empty() || rest.starts_with([' ', ':', '=', '-'])) && (is_mark || !is_sentence)
    };
    DIRECTIVES.iter().any(|tool| is_tool(tool))
        || line.starts_with("<reference ")
        || line.starts_with("./") && !line.contains(". ")
        || line.starts_with("$ ")
        || lower.starts_with("vi:")
        || line.starts_with("usr/bin/")
        || line.starts_with("bin/")
}

/// Lines that begin fields, examples, directives, lists and tables.
pub(super) fn ends_prose(line: &str) -> bool {
    const STARTS: [&str; 13] = [
        ".. ", ">>> ", ":param", ":return", ":type", ":rtype", "@", "\\", "- ", "* ", "+ ", "|",
        "-*-",
    ];
    const HEADS: [&str; 17] = [
        "args:",
        "arguments:",
        "parameters:",
        "parameters",
        "returns:",
        "returns",
        "return:",
        "raises:",
        "yields:",
        "example:",
        "examples:",
        "examples",
        "usage:",
        "note:",
        "notes:",
        "attributes:",
        "see also:",
    ];
    let lower = line.to_lowercase();
    let setting = lower
        .split_once(':')
        .is_some_and(|(tool, _)| TOOLS.contains(&tool.trim()));
    let field = line.starts_with(':')
        && line[1..]
            .find(':')
            .is_some_and(|at| !line[1..=at].contains(' ') && !line[at + 2..].starts_with('`'));
    let numbered = line.starts_with(|c: char| c.is_ascii_digit())
        && line
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with([')', '.']);
    field
        || setting
        || numbered
        || STARTS.iter().any(|start| line.starts_with(start))
        || HEADS.contains(&lower.as_str())
        || ["global ", "globals ", "exported "]
            .iter()
            .any(|word| line.starts_with(word))
        || lower.starts_with("vim:")
        || lower.contains("-*- coding")
}

/// How remarks to the reader begin.
const SHOUTS: [&str; 10] = [
    "thank you",
    "thanks for",
    "note:",
    "important:",
    "warning:",
    "caution:",
    "attention:",
    "tip:",
    "danger:",
    "hack:",
];

/// Whether a paragraph is a remark to the reader as a whole.
pub(super) fn is_remark(paragraph: &str) -> bool {
    let lower = paragraph.to_lowercase();
    SHOUTS.iter().any(|shout| lower.starts_with(shout))
}

/// Whether it is a line of code that was commented out.
fn is_code(lower: &str) -> bool {
    let begins = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
    let quotes = lower.contains('{') || lower.contains(" from '") || lower.contains(" from \"");
    let marks = [";", "{", "}", "=>", "::", "()", " = "];
    let has_marks = marks.iter().filter(|mark| lower.contains(**mark)).count() >= 2;
    let ends =
        lower.ends_with([';', '{', '}']) || lower.starts_with("use ") || lower.contains("; use ");
    let defines = begins(&["def ", "class "]) && lower.contains(':')
        || begins(&["fn ", "pub fn ", "func ", "function "]) && lower.contains('(');
    defines && lower.contains('(')
        || has_marks && ends
        || begins(&["import ", "export "]) && quotes
        || begins(&["from "]) && lower.contains(" import ")
        || begins(&["const ", "let ", "var "]) && lower.contains(" = ")
}

/// Parts of sentences that say nothing of the subject.
const SILENT: [&str; 65] = [
    "execfile()",
    "originally based on",
    "when uploading crates",
    "auto-generated",
    "autogenerated",
    "external dependencies",
    "internal dependencies",
    "is refactored",
    "is modified from",
    "was modified",
    "based on \"",
    "is based on ",
    "ported from",
    "taken from",
    "inspired by",
    "written by",
    "created by",
    "authored by",
    "reuse-",
    "spdx-",
    "licensed to ",
    "notice file",
    "all of the code",
    "public domain",
    "license for the specific",
    "see the license",
    "see license",
    "provided \"as is\"",
    "provided by the copyright holders",
    "in no event shall",
    "without warranty",
    "under the terms of",
    "was part of",
    "originally from",
    "distributed under",
    "license.md",
    "| http",
    "copied from",
    "adapted from",
    "copyright",
    "licensed under",
    "license:",
    "licence:",
    "spdx",
    "all rights reserved",
    "permission is hereby",
    "redistribution and use",
    "is free software; you can redistribute",
    "this program is free software",
    "in the hope that it will be useful",
    "you should have received a copy",
    "this file is part of",
    "the above copyright",
    "the following",
    "todo",
    "fixme",
    "generated by",
    "generated from",
    "do not edit",
    "coding:",
    "type: ignore",
    "module dependencies",
    "module exports",
    "module variables",
    "use of this source code",
];
/// The one that counts in a short sentence only.
const THE_FOLLOWING: &str = "the following";

static SILENT_PARTS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(SILENT).ok());

/// Whether a sentence in lower case has one of [`SILENT`].
fn is_silent(lower: &str) -> bool {
    let Some(parts) = &*SILENT_PARTS else {
        return false;
    };
    let mut found = parts.find_overlapping_iter(lower);
    found.any(|found| SILENT[found.pattern().as_usize()] != THE_FOLLOWING || lower.len() < 60)
}

/// Whether a sentence is worth quoting: two words at least, and neither a claim of rights nor an announcement.
pub(super) fn says_something(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let is_word = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() >= 2;
    let words = sentence.split_whitespace().filter(is_word);
    // Code alone is no sentence: every second part stands between backticks.
    let mut apart = sentence.split('`').step_by(2);
    let has_prose = apart.any(|part| part.split_whitespace().any(|word| is_word(&word)));
    // Chinese and Japanese have no spaces between words.
    let unspaced = |c: &char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}');
    (words.take(2).count() == 2 && has_prose || sentence.chars().filter(unspaced).count() >= 6)
        && !SHOUTS.iter().any(|shout| lower.starts_with(shout))
        && !is_code(&lower)
        && !is_silent(&lower)
        && !is_licence_line(&lower)
        && !is_credit(&lower)
}

/// Whether a sentence only names who wrote it: `(c) Jo Doe <jo@example.org>`.
fn is_credit(lower: &str) -> bool {
    let has_address = lower
        .split_whitespace()
        .any(|word| word.contains('@') && word.contains('.'));
    lower.starts_with("(c) ")
        || lower.starts_with('©')
        || has_address && lower.split_whitespace().count() <= 6
}

/// Whether a sentence only names a licence: `MIT Licensed`.
fn is_licence_line(lower: &str) -> bool {
    let words = lower.trim_end_matches('.').split_whitespace();
    let last = words.clone().next_back();
    words.count() <= 5 && matches!(last, Some("licensed" | "licenced" | "license" | "licence"))
}
