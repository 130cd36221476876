//! The comment that begins a file, and the names behind certain words.

use crate::shell::parse::licence;

/// The comment syntax of a language.
pub(in super::super) struct Comments {
    /// Marks of a comment to the end of the line.
    lines: &'static [&'static str],
    /// Marks at both ends of a block comment.
    blocks: &'static [(&'static str, &'static str)],
}

impl Comments {
    /// Whether the mark begins such a comment.
    pub(in super::super) fn begins(&self, text: &str) -> bool {
        self.lines.contains(&text) || self.blocks.iter().any(|(open, _)| *open == text)
    }
}

pub(in super::super) static HASH: Comments = Comments {
    lines: &["#"],
    blocks: &[],
};
pub(in super::super) static SLASHES: Comments = Comments {
    lines: &["//"],
    blocks: &[("/*", "*/")],
};
pub(in super::super) static DASHES: Comments = Comments {
    lines: &["--"],
    blocks: &[("/*", "*/"), ("{-", "-}"), ("--[[", "]]")],
};
pub(super) static PERCENT: Comments = Comments {
    lines: &["%"],
    blocks: &[],
};
pub(super) static QUOTE: Comments = Comments {
    lines: &["\""],
    blocks: &[],
};
pub(super) static BATCH: Comments = Comments {
    lines: &["::", "@rem", "rem", "REM", "@REM"],
    blocks: &[],
};
pub(super) static PARENTHESES: Comments = Comments {
    lines: &[],
    blocks: &[("(*", "*)")],
};

static SEMICOLONS: Comments = Comments {
    lines: &[";"],
    blocks: &[],
};
static EXCLAMATION: Comments = Comments {
    lines: &["!"],
    blocks: &[],
};
static APOSTROPHE: Comments = Comments {
    lines: &["'"],
    blocks: &[],
};

/// All of them, for a language whose comments are not known.
const ANY: [&Comments; 9] = [
    &SLASHES,
    &HASH,
    &DASHES,
    &PERCENT,
    &PARENTHESES,
    &SEMICOLONS,
    &EXCLAMATION,
    &APOSTROPHE,
    &QUOTE,
];

/// Lines before or in the first comment that are not for a reader.
const NOISE: [&str; 12] = [
    "frozen_string_literal",
    "rubocop:",
    "shellcheck ",
    "#!",
    "<?php",
    "-*-",
    "vim:",
    "syntax =",
    "'use strict'",
    "\"use strict\"",
    "@echo off",
    "eslint",
];

/// Names are searched for in this many lines.
const MAX_LINES: usize = 20_000;

/// The first comment that begins the text, without its marks and without licences.
pub(super) fn leading(text: &str, comments: &Comments) -> Option<String> {
    let mut rest = text.trim_start();
    for _ in 0..4 {
        let (found, after) = one(rest, comments)?;
        let text = licence::stripped(&found).trim().to_owned();
        if !text.is_empty() {
            return Some(text);
        }
        rest = after.trim_start();
    }
    None
}

/// The same for a language whose comments are not known: its first mark says how they look.
pub(super) fn leading_of_any(text: &str) -> Option<String> {
    let code = match text.strip_prefix("#!") {
        Some(rest) => rest.split_once('\n')?.1,
        None => text,
    };
    let code = code.trim_start();
    let style = ANY.iter().find(|comments| {
        let blocks = comments.blocks.iter().map(|(open, _)| open);
        blocks.chain(comments.lines).any(|mark| {
            let after = code.strip_prefix(mark);
            // `#include` is no comment.
            after.is_some_and(|after| *mark == "//" || !after.starts_with(char::is_alphanumeric))
        })
    });
    leading(code, style?)
}

/// All comments that begin the text, separated by white space only, without their marks.
pub(in super::super) fn all_leading(text: &str, comments: &Comments) -> Option<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while words.len() < 64 {
        let Some((found, after)) = one(rest, comments) else {
            break;
        };
        words.push(found.trim().to_owned());
        rest = after.trim_start();
    }
    let words = words.join("\n").trim().to_owned();
    Some(words).filter(|words| !words.is_empty())
}

/// The comment at the beginning, and what follows it.
fn one<'a>(text: &'a str, comments: &Comments) -> Option<(String, &'a str)> {
    for (open, close) in comments.blocks {
        if let Some(inner) = text.strip_prefix(open) {
            let end = inner.find(close)?;
            let lines = inner[..end].lines().map(|line| {
                let line = line.trim();
                line.trim_start_matches(['*', '!', '=', '-']).trim()
            });
            let lines: Vec<&str> = lines.collect();
            return Some((lines.join("\n"), &inner[end + close.len()..]));
        }
    }
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = line.trim();
        if !NOISE.iter().any(|noise| trimmed.contains(noise)) {
            let Some(mark) = comments
                .lines
                .iter()
                .find(|mark| trimmed.starts_with(**mark))
            else {
                break;
            };
            let word = trimmed[mark.len()..].trim_start_matches(mark.chars().next().unwrap_or(' '));
            let word = word.trim().trim_matches(['=', '-', '#', '*', '~']).trim();
            words.push(word);
        }
        rest = after;
    }
    let moved = rest.len() < text.len();
    moved.then(|| (words.join("\n"), rest))
}

/// The names behind these words where a line begins with one.
pub(super) fn declared(text: &str, words: &[&str]) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || "_$.:/-#".contains(c);
    let name_in = |line: &str| {
        let rest = words.iter().find_map(|word| {
            let rest = line.strip_prefix(word)?;
            let open = word.ends_with(['(', '{']);
            (open || rest.starts_with([' ', '\t', '*'])).then_some(rest)
        })?;
        let rest = rest.trim_start_matches([' ', '\t', '"', '\'', '`', '*']);
        let name: String = rest.chars().take_while(|c| is_name(*c)).collect();
        let name = name.trim_end_matches(['-', '.', ':', '/']).to_owned();
        name.starts_with(|c: char| c.is_alphabetic() || "_$".contains(c))
            .then_some(name)
    };
    text.lines().take(MAX_LINES).filter_map(name_in).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_comment_that_says_something() {
        for (text, comments, found) in [
            (
                "#!/bin/sh\n# Builds it.\n# All of it.\nmake\n",
                &HASH,
                Some("Builds it.\nAll of it."),
            ),
            ("#!/bin/sh\nmake\n", &HASH, None),
            (
                "// Copyright 2024 X.\n\n// Package a does b.\npackage a",
                &SLASHES,
                Some("Package a does b."),
            ),
            ("/*!\n * Does it.\n */\nx", &SLASHES, Some("Does it.")),
            ("/* never ends", &SLASHES, None),
            ("", &HASH, None),
        ] {
            assert_eq!(leading(text, comments).as_deref(), found, "{text}");
        }
    }

    #[test]
    fn the_comment_of_an_unknown_syntax() {
        for (text, found) in [
            (";; Does it.\n(defn a [])", Some("Does it.")),
            ("! Does it.\nprogram a", Some("Does it.")),
            ("(* Does it. *)\nend", Some("Does it.")),
            ("#!/usr/bin/x\n-- Does it.\nwith A;", Some("Does it.")),
            ("#include <a>\n", None),
            ("begin\n", None),
        ] {
            assert_eq!(leading_of_any(text).as_deref(), found, "{text}");
        }
    }

    #[test]
    fn names_behind_words() {
        let text = "func Foo(a int) {}\nfunc (r T) Bar() {}\n  func Baz()\ntype Q struct {}\nfunction* gen() {}";
        assert_eq!(
            declared(text, &["func", "type", "function"]),
            ["Foo", "Q", "gen"]
        );
        assert_eq!(declared("\\section{A-b}", &["\\section{"]), ["A-b"]);
    }
}
