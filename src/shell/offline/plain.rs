//! From documentation (reStructuredText, Markdown, Javadoc, rustdoc) to the sentences that are worth quoting.

use crate::model::summary::first_sentence;

use super::markup::plain;
use super::silence::{
    ends_prose, is_directive, is_field, is_remark, is_to_the_reader, says_something,
};
use super::words::capitalized;

/// Paragraphs that are searched for one that says something.
const MAX_BLOCKS: usize = 8;

/// The sentences of the first paragraph that says something, plain and on one line; empty where there is none.
pub(super) fn lead(text: &str) -> Vec<String> {
    let mut title = None;
    for block in blocks(text).take(MAX_BLOCKS) {
        match block {
            Block::Title(words) => title = title.or(Some(words)),
            Block::Paragraph(words) if is_remark(&words) => {}
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

/// The first sentence of [`lead`].
pub(super) fn first(text: &str) -> Option<String> {
    lead(text).into_iter().next()
}

/// `This module implements x` is `Implements x`.
pub(super) fn without_preamble(sentence: &str) -> String {
    const SUBJECTS: [&str; 13] = [
        "This module ",
        "This file ",
        "This package ",
        "This script ",
        "The module ",
        "This crate ",
        "Module that ",
        "This class ",
        "This program ",
        "This library ",
        "This project ",
        "This repository ",
        "This tool ",
    ];
    const NOT_VERBS: [&str; 6] = ["is", "was", "has", "this", "does", "serves"];
    for subject in SUBJECTS {
        let Some(rest) = sentence.strip_prefix(subject) else {
            continue;
        };
        let verb = rest.split(' ').next().unwrap_or("");
        if verb.ends_with('s') && !NOT_VERBS.contains(&verb) {
            return capitalized(rest);
        }
    }
    // `Package x implements y`
    if let Some((name, rest)) = ["Package ", "Command "]
        .iter()
        .find_map(|word| sentence.strip_prefix(word)?.split_once(' '))
    {
        let verb = rest.split(' ').next().unwrap_or("");
        if verb.ends_with('s') && !NOT_VERBS.contains(&verb) && !name.ends_with([',', '.', ':']) {
            return capitalized(rest);
        }
    }
    sentence.to_owned()
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
    const TAGS: [&str; 10] = [
        "fileoverview",
        "overview",
        "file",
        "description",
        "desc",
        "summary",
        "brief",
        "short",
        "details",
        "synopsis",
    ];
    let Some(tag) = line.strip_prefix(['@', '\\', '.']) else {
        return line;
    };
    let (word, rest) = tag.split_once(' ').unwrap_or((tag, ""));
    match TAGS.contains(&word.to_lowercase().as_str()) {
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
                "**Note**: The branch may be broken. For stable versions, see [releases].\n\nDoes it all.",
                vec!["Does it all."],
            ),
            (
                "You need to have Java installed.\n\n$ ./gradlew jar\n\nDoes it all.",
                vec!["Does it all."],
            ),
            (
                "This file is part of X.\n\n(c) Jo Doe <jo@example.org>\n\nReads it all.",
                vec!["Reads it all."],
            ),
            ("express\nCopyright(c) 2009 A B\nMIT Licensed", vec![]),
            (
                "frozen_string_literal: true\n\nReads it all.",
                vec!["Reads it all."],
            ),
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
