//! Recognizes licence text in comments, line by line.
//!
//! A line is licence text if it names a right holder or a licence, or if its words occur in this order in one of the
//! standard notices. What the author wrote between such lines stays.

use std::borrow::Cow;
use std::sync::LazyLock;

/// Lines that contain one of these are licence text.
const CLAIMS: [&str; 10] = [
    "copyright",
    "spdx-license-identifier",
    "spdx-filecopyrighttext",
    "all rights reserved",
    "licensed under",
    "licensed to ",
    "permission is hereby granted",
    "released under the",
    "@license",
    "see license in the project root",
];

/// A text without any of these is not searched for licence lines.
const HINTS: [&str; 8] = [
    "copyright",
    "licen",
    "(c)",
    "©",
    "rights",
    "permission",
    "warrant",
    "free software",
];

/// The standard notices, without marks, in lower case.
static NOTICES: LazyLock<String> =
    LazyLock::new(|| format!(" {} ", words(include_str!("licence/notices.txt"))));

/// Shorter lines than this, in words, count as licence text only beside a line that does.
const ENOUGH_WORDS: usize = 4;

/// The words of a line without punctuation and comment marks.
fn words(line: &str) -> String {
    let lower = line.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Copy, PartialEq)]
enum Line {
    Blank,
    Licence,
    /// Few words that a notice contains.
    Perhaps,
    Own,
}

fn classify(line: &str) -> Line {
    let words = words(line);
    if words.is_empty() {
        return Line::Blank;
    }
    let lower = line.to_lowercase();
    if CLAIMS.iter().any(|claim| lower.contains(claim))
        || claims_year(&lower)
        || names_licence(&lower, &words)
    {
        return Line::Licence;
    }
    let count = words.split(' ').count();
    match NOTICES.contains(&format!(" {words} ")) {
        true if count >= ENOUGH_WORDS => Line::Licence,
        true => Line::Perhaps,
        // A copy of a notice may have a slip at its end.
        false if count > 2 * ENOUGH_WORDS => {
            let start = words.rsplit_once(' ').map_or("", |(start, _)| start);
            match NOTICES.contains(&format!(" {start} ")) {
                true => Line::Licence,
                false => Line::Own,
            }
        }
        false => Line::Own,
    }
}

/// Words of which a line consists that only names a licence, besides the word itself and numbers.
const NAMES: [&str; 40] = [
    "mit",
    "apache",
    "bsd",
    "gpl",
    "lgpl",
    "agpl",
    "gnu",
    "mpl",
    "mozilla",
    "isc",
    "psf",
    "zlib",
    "cc0",
    "epl",
    "wtfpl",
    "boost",
    "general",
    "public",
    "software",
    "clause",
    "version",
    "new",
    "simplified",
    "dual",
    "released",
    "under",
    "terms",
    "of",
    "the",
    "and",
    "or",
    "see",
    "file",
    "for",
    "details",
    "at",
    "in",
    "v2",
    "v3",
    "x11",
];

/// `MIT Licensed`, `License: BSD 3-Clause`, `See the LICENSE file`, or the address of a licence.
fn names_licence(lower: &str, words: &str) -> bool {
    let is_licence = |word: &str| word.starts_with("licen") || word.starts_with("unlicen");
    let known = |word: &str| {
        is_licence(word) || NAMES.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit())
    };
    let address = || {
        let line = lower.trim().trim_start_matches(['/', '*', '#', ' ']);
        line.starts_with("http") && !line.contains(' ')
    };
    words.split(' ').any(is_licence) && (words.split(' ').all(known) || address())
}

/// `(c) 2020` and `© 2020`.
fn claims_year(lower: &str) -> bool {
    let rest = ["(c)", "©"]
        .iter()
        .find_map(|mark| lower.split_once(mark).map(|(_, rest)| rest));
    rest.is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

/// For each line whether it is licence text.
fn licence_lines(lines: &[&str]) -> Vec<bool> {
    let kinds: Vec<Line> = lines.iter().map(|line| classify(line)).collect();
    let mut licence: Vec<bool> = kinds.iter().map(|kind| *kind == Line::Licence).collect();
    for at in 0..kinds.len() {
        licence[at] |= kinds[at] == Line::Perhaps && at > 0 && licence[at - 1];
    }
    for at in (0..kinds.len()).rev() {
        licence[at] |= kinds[at] == Line::Perhaps && licence.get(at + 1) == Some(&true);
    }
    licence
}

/// A text without its licence lines, and without the marks alone on their line that those leave behind.
pub(super) fn stripped(text: &str) -> Cow<'_, str> {
    let lower = text.to_lowercase();
    if !HINTS.iter().any(|hint| lower.contains(hint)) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<&str> = text.lines().collect();
    let licence = licence_lines(&lines);
    if !licence.contains(&true) {
        return Cow::Borrowed(text);
    }
    let kept = lines.iter().zip(licence);
    let kept: Vec<&str> = kept
        .filter(|(_, licence)| !licence)
        .map(|(line, _)| *line)
        .collect();
    let own = |line: &&str| !words(line).is_empty();
    if !kept.iter().any(own) {
        return Cow::Borrowed("");
    }
    Cow::Owned(kept.join("\n").trim().to_owned())
}

/// Comments that follow each other, without their licence lines. One that held nothing else becomes empty, and so do
/// blank ones beside it.
pub(super) fn without(comments: &[Cow<'_, str>]) -> Vec<String> {
    let lines: Vec<(usize, &str)> = comments
        .iter()
        .enumerate()
        .flat_map(|(number, text)| text.lines().map(move |line| (number, line)))
        .collect();
    let texts: Vec<&str> = lines.iter().map(|(_, line)| *line).collect();
    let licence = licence_lines(&texts);
    let mut out = vec![String::new(); comments.len()];
    let mut own = vec![false; comments.len()];
    let mut dropped = vec![false; comments.len()];
    for ((number, line), licence) in lines.iter().zip(licence) {
        if licence {
            dropped[*number] = true;
            continue;
        }
        own[*number] |= !words(line).is_empty();
        out[*number].push_str(line);
        out[*number].push('\n');
    }
    let blank: Vec<bool> = own.iter().map(|own| !own).collect();
    spread(&mut dropped, &blank);
    for (number, text) in out.iter_mut().enumerate() {
        if dropped[number] && !own[number] {
            text.clear();
        }
    }
    out
}

/// Drops what is blank beside something dropped.
fn spread(dropped: &mut [bool], blank: &[bool]) {
    for at in 1..dropped.len() {
        dropped[at] |= dropped[at - 1] && blank[at];
    }
    for at in (1..dropped.len()).rev() {
        dropped[at - 1] |= dropped[at] && blank[at - 1];
    }
}

/// What begins a line of the comments before the content of a file, by any common syntax. It does no harm
/// if one of them is no comment: only licence text is dropped.
const MARKS: [&str; 28] = [
    "#", "//", "/*", "*", "--", ";", "%", "<!", "<?", "(*", "{-", "{#", "{{!", "<%", "<#", "..",
    ".\\\"", "dnl ", "::", "rem ", "@rem ", "REM ", "@REM ", "! ", "C ", "c ", "' ", "\" ",
];

/// Marks at both ends of a block comment.
const BLOCKS: [(&str, &str); 9] = [
    ("/*", "*/"),
    ("<!--", "-->"),
    ("(*", "*)"),
    ("{-", "-}"),
    ("{#", "#}"),
    ("{{!--", "--}}"),
    ("<%", "%>"),
    ("<#", ">"),
    ("--[[", "]]"),
];

/// The same where it means something else to most languages.
const OWN_BLOCKS: [(&str, &str, &str); 3] = [
    ("pascal", "{", "}"),
    ("coffeescript", "###", "###"),
    ("julia", "#=", "=#"),
];

/// A text without the licence text among the comments that begin it.
pub(super) fn without_header<'t>(language: &str, text: &'t str) -> Cow<'t, str> {
    // Its other marks are headings and lists.
    let marks = match language {
        "markdown" => &["<!--"],
        _ => &MARKS[..],
    };
    let own = (OWN_BLOCKS.iter())
        .filter_map(|(of, open, close)| (*of == language).then_some((*open, *close)));
    let blocks: Vec<(&str, &str)> = own.chain(BLOCKS).collect();
    let mut block = None;
    let mut length = 0;
    let mut head = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut content = line.trim();
        let opened = match block {
            Some(_) => None,
            None => blocks.iter().find(|(open, _)| content.starts_with(open)),
        };
        // What is indented below `..` belongs to that comment.
        let continues =
            language == "restructuredtext" && !head.is_empty() && line.starts_with("  ");
        let is_comment = block.is_some() || opened.is_some() || continues;
        if !is_comment && !content.is_empty() && !marks.iter().any(|mark| content.starts_with(mark))
        {
            break;
        }
        if let Some((open, close)) = opened {
            content = &content[open.len()..];
            block = Some(*close);
        }
        block = block.filter(|close| !content.contains(close));
        length += line.len();
        head.push(line);
    }
    let mut dropped = licence_lines(&head);
    if !dropped.contains(&true) {
        return Cow::Borrowed(text);
    }
    let blank: Vec<bool> = head.iter().map(|line| words(line).is_empty()).collect();
    spread(&mut dropped, &blank);
    let kept = head.iter().zip(dropped).filter(|(_, dropped)| !dropped);
    let mut out: String = kept.map(|(line, _)| *line).collect();
    out.push_str(&text[length..]);
    Cow::Owned(out)
}

/// A text in which the years of a copyright line are all alike.
pub(super) fn without_years(text: &str) -> Cow<'_, str> {
    let lower = text.to_lowercase();
    if !lower.contains("copyright") && !lower.contains("(c)") && !lower.contains('©') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[at..].len()
            - rest[at..]
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        let number = &rest[at..at + digits];
        let is_year = digits == 4 && (number.starts_with("19") || number.starts_with("20"));
        let before = &rest[..at];
        let continues =
            is_year && out.ends_with('Y') && before.trim_matches([' ', '-', '–', ',']).is_empty();
        if !continues {
            out.push_str(before);
            out.push_str(if is_year { "Y" } else { number });
        }
        rest = &rest[at + digits..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_lines_go_and_own_lines_stay() {
        for (text, kept) in [
            ("Does one thing.\nAnd well.", "Does one thing.\nAnd well."),
            ("Copyright 2020 Some One. All rights reserved.", ""),
            (
                "Licensed to the Apache Software Foundation (ASF) under one or more\ncontributor license agreements.  See the NOTICE file distributed with\nthis work for additional information regarding copyright ownership.",
                "",
            ),
            (
                "(c) 2020 Red Hat, Inc.\n\nThis module parses dates.\n\nThis program is free software: you can redistribute it and/or modify\nit under the terms of the GNU General Public License",
                "This module parses dates.",
            ),
            (
                "Copyright (c) 2015, X.\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof this software and associated documentation files (the \"Software\"), to deal\nin the Software without restriction",
                "",
            ),
            ("Holds the rights of a user.", "Holds the rights of a user."),
            ("router\nCopyright(c) 2013 X\nMIT Licensed", "router"),
            ("License: BSD 3-Clause\nReads it.", "Reads it."),
            ("See the LICENSE file for details.\nReads it.", "Reads it."),
            (
                "This source code is licensed under the MIT license found in the\nLICENSE file at\nhttps://example.org/blob/LICENSE",
                "",
            ),
            ("Licensed to PSF under a Contributor Agreement.", ""),
            (
                "WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implie",
                "",
            ),
            ("Parses licence headers.", "Parses licence headers."),
            ("Apache license parser.", "Apache license parser."),
        ] {
            assert_eq!(stripped(text), kept, "{text}");
        }
    }

    #[test]
    fn blank_comments_go_only_with_the_licence_beside_them() {
        let of = |comments: &[&str]| {
            let comments: Vec<Cow<'_, str>> =
                comments.iter().map(|text| Cow::Borrowed(*text)).collect();
            let kept = without(&comments).into_iter();
            kept.filter(|text| !text.is_empty()).collect::<String>()
        };
        let own = "# Reads dates.\n#\n# Fast.\n";
        let bare = ["# Reads dates.", "#", "# Fast."];
        assert_eq!(of(&bare), own);
        let licence = ["#", "# Copyright 2020 X", "#"];
        assert_eq!(of(&[&licence[..], &bare[..]].concat()), own);
        assert_eq!(of(&[&bare[..], &licence[..]].concat()), own);
    }

    #[test]
    fn years_of_a_copyright_are_alike() {
        for (one, other) in [
            ("Copyright 2020 X", "Copyright 2021 X"),
            ("(c) 2019-2020 X", "(c) 2019-2026 X"),
            ("Copyright 2019 X", "Copyright 2019, 2021-2026 X"),
        ] {
            assert_eq!(without_years(one), without_years(other));
        }
        assert_ne!(
            without_years("Copyright 2020 X"),
            without_years("Copyright 2020 Y")
        );
        assert_ne!(without_years("since 2020"), without_years("since 2021"));
    }
}
