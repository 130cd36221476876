//! From documentation (reStructuredText, Markdown, Javadoc, rustdoc) to the sentences that are worth quoting.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::model::summary::first_sentence;

use super::markup::plain;

/// Paragraphs that are searched for one that says something.
const MAX_BLOCKS: usize = 8;

/// The sentences of the first paragraph that says something, plain and on one line; empty where there is none.
pub(super) fn lead(text: &str) -> Vec<String> {
    let mut title = None;
    for block in blocks(text).take(MAX_BLOCKS) {
        match block {
            Block::Title(words) => title = title.or(Some(words)),
            Block::Paragraph(words) => {
                let sentences = sentences(&words);
                if sentences.first().is_some_and(|first| says_something(first)) {
                    return sentences;
                }
            }
        }
    }
    let title = title.map(|title| title.trim_end_matches('.').to_owned());
    title
        .filter(|title| says_something(title) && title.contains(' '))
        .into_iter()
        .collect()
}

/// Whether a later sentence is worth quoting too: it speaks of the subject and not to the reader.
pub(super) fn goes_on(sentence: &str) -> bool {
    let words = sentence.split_whitespace().count();
    words >= 4 && sentence.chars().count() < 220 && !is_to_the_reader(sentence)
}

/// How sentences begin that send the reader elsewhere, thank, or ask for something.
const TO_THE_READER: [&str; 47] = [
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
];
/// Words by which such a sentence is known wherever they stand.
const PLEAS: [&str; 6] = [
    "generous donation",
    "become a sponsor",
    "see our web",
    "can be found in",
    "can be found at",
    "welcome to",
];

/// Whether a sentence sends the reader elsewhere, instead of saying what something is.
fn is_to_the_reader(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    TO_THE_READER.iter().any(|start| lower.starts_with(start))
        || PLEAS.iter().any(|plea| lower.contains(plea))
}

/// The first sentence of [`lead`].
pub(super) fn first(text: &str) -> Option<String> {
    lead(text).into_iter().next()
}

enum Block {
    Title(String),
    Paragraph(String),
}

/// The paragraphs and titles of a text, with what is neither left out.
fn blocks(text: &str) -> impl Iterator<Item = Block> {
    let mut found = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    let mut fence = false;
    let end = |lines: &mut Vec<&str>, found: &mut Vec<Block>| {
        if !lines.is_empty() {
            let words = plain(&without_inline_tags(&lines.join(" ")));
            if !words.is_empty() {
                found.push(Block::Paragraph(words));
            }
            lines.clear();
        }
    };
    for line in text.lines() {
        let line = untagged(unruled(line.trim()));
        if line.starts_with("```") || line.starts_with("~~~ ") {
            fence = !fence;
            end(&mut lines, &mut found);
        } else if fence {
            continue;
        } else if is_ruler(line) {
            if let [title] = lines[..] {
                found.push(Block::Title(plain(title)));
                lines.clear();
            } else {
                end(&mut lines, &mut found);
            }
        } else if let Some(title) = line.strip_prefix('#').filter(|_| line.contains("# ")) {
            end(&mut lines, &mut found);
            found.push(Block::Title(plain(title.trim_start_matches('#'))));
        } else if line.is_empty() || is_field(line) || is_directive(line) {
            end(&mut lines, &mut found);
        } else if ends_prose(line) {
            end(&mut lines, &mut found);
            if found
                .iter()
                .any(|block| matches!(block, Block::Paragraph(_)))
            {
                break;
            }
        } else {
            lines.push(line);
        }
        if found.len() > MAX_BLOCKS {
            break;
        }
    }
    end(&mut lines, &mut found);
    found.into_iter()
}

/// A line of a box of slashes or the like, without the box.
fn unruled(line: &str) -> &str {
    let boxed = ["===", "---", "***", "~~~"];
    if boxed
        .iter()
        .any(|run| line.starts_with(run) && line.ends_with(run))
        && line.contains(char::is_alphanumeric)
    {
        return line.trim_matches(['=', '-', '*', '~', ' ']);
    }
    match line.rsplit_once(' ') {
        Some((words, end)) if end.len() > 2 && is_ruler(&end.replace('/', "=")) => {
            words.trim_matches(['/', '*', '#', '=', '-', ' '])
        }
        _ => line,
    }
}

/// A line without the tag that says that it describes something.
fn untagged(line: &str) -> &str {
    const TAGS: [&str; 9] = [
        "fileoverview",
        "overview",
        "file",
        "description",
        "desc",
        "summary",
        "brief",
        "short",
        "details",
    ];
    let Some(tag) = line.strip_prefix(['@', '\\']) else {
        return line;
    };
    let (word, rest) = tag.split_once(' ').unwrap_or((tag, ""));
    match TAGS.contains(&word) {
        true => rest.trim_start(),
        false => line,
    }
}

/// Javadoc's `{@code x}` and `{@link A#b c}` as people would write them: the last word that is shown, as code.
fn without_inline_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once("{@") {
        let Some((inside, after)) = tag.split_once('}') else {
            break;
        };
        let shown = inside
            .rsplit_once(char::is_whitespace)
            .map_or("", |(_, last)| last);
        out.push_str(before);
        if !shown.is_empty() {
            out.push('`');
            out.push_str(shown.trim_start_matches('#'));
            out.push('`');
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn is_ruler(line: &str) -> bool {
    let mut chars = line.chars();
    let first = chars.next();
    line.len() >= 3
        && first.is_some_and(|first| "=-~^*#+_\"'.:`".contains(first) && chars.all(|c| c == first))
        && line != "..."
}

/// Tools that read directives in comments such as `# pylint: disable=…`.
const TOOLS: [&str; 13] = [
    "pylint", "pyright", "mypy", "type", "flake8", "ruff", "isort", "fmt", "yapf", "noqa",
    "pragma", "cython", "vim",
];

/// Fields about the file and its authors, at the top of a script.
fn is_field(line: &str) -> bool {
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
fn is_directive(line: &str) -> bool {
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
        || line.starts_with("usr/bin/")
        || line.starts_with("bin/")
}

/// Lines that begin fields, examples, directives, lists and tables.
fn ends_prose(line: &str) -> bool {
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

/// Words after which a list has to follow.
const HANGS: [&str; 18] = [
    "from",
    "of",
    "by",
    "for",
    "with",
    "are",
    "is",
    "to",
    "in",
    "as",
    "like",
    "follows",
    "this",
    "below",
    "using",
    "include",
    "including",
    "following",
];

/// Words that stand before the announcement of a list where they say something.
const MIN_BEFORE_LIST: usize = 4;

fn sentences(paragraph: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut rest = paragraph.trim();
    let mut asked = false;
    while !rest.is_empty() && sentences.len() < 3 {
        let sentence = first_sentence(rest);
        // A question that opens a text is the reader's, and what follows may answer it.
        if sentence.ends_with('?') && sentences.is_empty() {
            rest = rest[sentence.len()..].trim_start();
            asked = true;
            continue;
        }
        if sentences.is_empty() && is_to_the_reader(sentence) {
            rest = rest[sentence.len()..].trim_start();
            continue;
        }
        // What only announces a list that is not quoted says nothing; what stands before it may.
        let words = sentence.trim_end_matches(':');
        let last = words.rsplit(' ').next();
        let hangs = sentence.ends_with(':') && last.is_some_and(|word| HANGS.contains(&word));
        let before = words.rfind(", ").map(|at| &words[..at]);
        let before = before.filter(|before| before.split(' ').count() >= MIN_BEFORE_LIST);
        match (
            sentence.ends_with(':') && !sentences.is_empty(),
            hangs,
            before,
        ) {
            (true, ..) | (_, true, None) => {}
            (_, true, Some(before)) => sentences.push(before.to_owned()),
            (_, false, _) => sentences.push(words.to_owned()),
        }
        rest = rest[sentence.len()..].trim_start();
    }
    if asked
        && sentences
            .first()
            .is_some_and(|first| is_answer_to_the_reader(first))
    {
        sentences.clear();
    }
    sentences
}

/// Whether what follows a question goes on with the reader.
fn is_answer_to_the_reader(sentence: &str) -> bool {
    const STARTS: [&str; 8] = [
        "You", "Don't", "Do not", "If you", "Then", "Well", "Here", "Let",
    ];
    !goes_on(sentence) || STARTS.iter().any(|start| sentence.starts_with(start))
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
fn says_something(sentence: &str) -> bool {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lead_is_the_first_paragraph_that_says_something() {
        for (text, words) in [
            (
                "requests.api\n~~~~~~~\n\nThis module does it. And more.\n\n:copyright: x",
                vec!["This module does it.", "And more."],
            ),
            ("Copyright 2024 X.\n\nDoes it all.", vec!["Does it all."]),
            ("Does it.\nArgs:\n  a: b", vec!["Does it."]),
            ("A title of some words\n====", vec!["A title of some words"]),
            ("utilities", vec![]),
            ("設定を読み込みます。", vec!["設定を読み込みます。"]),
            (":param x: y\n:type z: d", vec![]),
            (":class:`A` wraps all.", vec!["`A` wraps all."]),
            (
                "Wraps {@code Map} in {@link B#c d}.",
                vec!["Wraps `Map` in `d`."],
            ),
            (
                "This code is free software; you can redistribute it.\n\nDoes it all.",
                vec!["Does it all."],
            ),
            ("", vec![]),
            ("New to it? Don't worry, all is explained here.", vec![]),
            (
                "What is it? It is a tool for tools. Use it.",
                vec!["It is a tool for tools.", "Use it."],
            ),
            ("Spinners are from:\n* one", vec![]),
            ("It has two parts:\n* one", vec!["It has two parts"]),
            (
                "IMPORTANT: Version 5 is another one.\n\nDoes it all.",
                vec!["Does it all."],
            ),
            (
                "import {A, B} from './a';\n\nDoes it all.",
                vec!["Does it all."],
            ),
            (
                "Import of data from files.",
                vec!["Import of data from files."],
            ),
            (
                "tool.vim\nAuthor: Some One\nVersion: 1.2\n\nDocumentation:\n  Does it all.",
                vec!["Does it all."],
            ),
            (
                "This file was part of X and was modified under its licence.",
                vec![],
            ),
            ("//  the base types  ////", vec!["the base types"]),
            (
                "=====The functions it calls====",
                vec!["The functions it calls"],
            ),
            (
                "The above copyright notice shall be included.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT \
                 WARRANTY OF ANY KIND.\n\nReads it all.",
                vec!["Reads it all."],
            ),
            ("Thank you so much for your help.", vec![]),
            (
                "`async fn(Request) -> Result<Response, Error>`\n\nAnswers requests.",
                vec!["Answers requests."],
            ),
            ("go:build !tinygo && (linux || darwin) && cgo", vec![]),
            ("+build linux,386 darwin,!cgo", vec![]),
            (
                "Global state of the whole program.",
                vec!["Global state of the whole program."],
            ),
            ("TypeScript Version: 3.0", vec![]),
            (
                "Type definitions for tool\nOriginal definitions by: A B, C D",
                vec!["Type definitions for tool"],
            ),
            ("The syntax looks like::\n\n    x", vec![]),
            (
                "It has several renderers, including:\n\n- a",
                vec!["It has several renderers"],
            ),
            (
                "This file is execfile()d with the current directory set to its own.",
                vec![],
            ),
        ] {
            assert_eq!(lead(text), words, "{text}");
        }
    }

    #[test]
    fn odd_text_is_harmless() {
        for text in [
            "[".repeat(20_000),
            "`".repeat(20_001),
            "*a".repeat(20_000),
            "<".repeat(20_000),
            ":a`".repeat(9_999),
        ] {
            let _ = lead(&text);
        }
    }
}
