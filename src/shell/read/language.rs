//! The language of a file whose name does not decide it, by its content: an editor's setting in it, the program that runs
//! it, or its first characters.

use crate::model::language::Language;

/// Editors look for their settings in this many lines at both ends of a file.
const LINES: usize = 5;
/// Longer lines hold no setting, in bytes.
const LONGEST: usize = 400;

/// How a text of a language may begin.
const BEGINNINGS: &[(&str, &str)] = &[
    ("<?php", "php"),
    ("<?xml", "xml"),
    ("<!doctype html", "html"),
    ("<html", "html"),
    ("%yaml", "yaml"),
    ("diff --git ", "diff"),
    ("-----begin ", "text"),
];

/// The language of a file with this name and text.
pub(super) fn of(name: &[u8], text: &[u8]) -> Option<Language> {
    let named = Language::by_name(name);
    match named {
        Some((language, true)) => Some(language),
        _ => by_content(text).or(named.map(|(language, _)| language)),
    }
}

fn by_content(text: &[u8]) -> Option<Language> {
    let lines = || text.split(|byte| *byte == b'\n');
    let last = text.rsplit(|byte| *byte == b'\n').take(LINES + 1);
    let ends = lines().take(LINES).chain(last);
    let ends = ends.filter(|line| line.len() <= LONGEST);
    let setting = ends
        .map(String::from_utf8_lossy)
        .find_map(|line| Language::of_alias(setting(&line)?));
    setting.or_else(|| {
        let first = lines().next()?;
        let first = String::from_utf8_lossy(&first[..first.len().min(LONGEST)]);
        let first = first.trim_start_matches('\u{feff}').trim();
        if let Some(command) = first.strip_prefix("#!") {
            return Language::of_program(program(command)?);
        }
        let lower = first.to_ascii_lowercase();
        let found = BEGINNINGS
            .iter()
            .find(|(start, _)| lower.starts_with(start));
        found.and_then(|(_, language)| Language::named(language))
    })
}

/// The program of an interpreter line: `/usr/bin/env -S A=1 python3 -u`.
fn program(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let base = |word: &str| word.rfind('/').map_or(0, |at| at + 1);
    let first = words.next()?;
    let first = &first[base(first)..];
    if first != "env" {
        return Some(first);
    }
    let word = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    Some(&word[base(word)..])
}

/// What a line sets the language to: `-*- mode: ruby -*-`, `-*- ruby -*-`, `vim: set ft=ruby:`.
fn setting(line: &str) -> Option<&str> {
    if let Some((_, rest)) = line.split_once("-*-")
        && let Some((inner, _)) = rest.split_once("-*-")
    {
        let mut pairs = inner.split(';').map(|pair| pair.split_once(':'));
        if pairs.clone().all(|pair| pair.is_none()) {
            return Some(inner.trim());
        }
        let mode =
            pairs.find_map(|pair| pair.filter(|(key, _)| key.trim().eq_ignore_ascii_case("mode")));
        return mode.map(|(_, mode)| mode.trim());
    }
    let marks = ["vim:", "vi:", "ex:", "Vim:"];
    let at = marks.iter().find_map(|mark| {
        let at = line.find(mark)?;
        let alone = at == 0 || line[..at].ends_with([' ', '\t', '#', '/', '*', '"', ';', '-']);
        alone.then_some(at + mark.len())
    })?;
    let options = line[at..].split([' ', '\t', ':']);
    let keys = ["ft=", "filetype=", "syn=", "syntax="];
    options
        .filter_map(|option| keys.iter().find_map(|key| option.strip_prefix(key)))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_where_the_name_does_not() {
        let of = |name: &str, text: &str| {
            of(name.as_bytes(), text.as_bytes()).map_or("", Language::name)
        };
        for (name, text, language) in [
            ("run", "#!/usr/bin/env python3\nx = 1\n", "python"),
            ("run", "#!/usr/bin/env -S FOO=1 ruby -w\n", "ruby"),
            ("run", "#! /bin/bash -e\n", "shell"),
            ("run", "#!/usr/local/bin/python3.11\r\nx = 1\r\n", "python"),
            ("run", "#!/opt/unknown\n", ""),
            ("run", "#!/usr/bin/env\n", ""),
            ("rc", "# -*- mode: Ruby; coding: utf-8 -*-\n", "ruby"),
            ("rc", "#!/bin/sh\n# -*- tcl -*-\n", "tcl"),
            ("rc", "# -*- coding: utf-8 -*-\n", ""),
            ("rc", "x\n# vim: set ts=4 ft=perl sw=4:\n", "perl"),
            ("rc", "/* vi:syntax=cpp */\n", "cpp"),
            ("rc", "// vim: filetype=go\n", "go"),
            ("rc", "this is how I edit in vim: ft=what\n", ""),
            ("notes", "<?xml version=\"1.0\"?>\n<a/>", "xml"),
            ("site", "<!DOCTYPE html>\n", "html"),
            // The name decides, unless several languages share it.
            ("run.js", "#!/usr/bin/env python3\n", "javascript"),
            ("a.cgi", "#!/usr/bin/python\n", "python"),
            ("a.cgi", "x\n", "perl"),
            ("rules.inc", "# vim: ft=make\n", "make"),
        ] {
            assert_eq!(of(name, text), language, "{name} {text:?}");
        }
    }
}
