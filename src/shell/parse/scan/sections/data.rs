//! Targets, stages, keys, cells and statements.

use std::sync::LazyLock;

use regex::Regex;

use super::{Section, comment_above};
use crate::shell::parse::notebook::source;

fn section(kind: &'static str, name: &str, signature: &str, line: usize, level: usize) -> Section {
    Section {
        kind,
        name: name.to_owned(),
        signature: signature.trim().to_owned(),
        line,
        level,
        ..Section::default()
    }
}

pub(super) fn make(lines: &[&str]) -> Vec<Section> {
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some((targets, rest)) = line.split_once(':') else {
            continue;
        };
        if line.starts_with(['\t', '#', ' ', '.'])
            || rest.starts_with(['=', ':'])
            || targets.contains('=')
        {
            continue;
        }
        let trailing = rest
            .split_once("##")
            .map(|(_, text)| text.trim().to_owned());
        for name in targets.split_whitespace().take(8) {
            let mut target = section("target", name, line, number, 1);
            target.docstring = trailing
                .clone()
                .or_else(|| comment_above(lines, number, "#"));
            found.push(target);
        }
    }
    found
}

pub(super) fn dockerfile(lines: &[&str]) -> Vec<Section> {
    let stage = |(number, line): (usize, &&str)| {
        let mut words = line
            .split_whitespace()
            .filter(|word| !word.starts_with("--"));
        let from = words.next()?;
        let image = words.next()?;
        if !from.eq_ignore_ascii_case("from") {
            return None;
        }
        let named = words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let name = words.next().filter(|_| named).unwrap_or(image);
        let mut stage = section("stage", name, line, number, 1);
        stage.docstring = comment_above(lines, number, "#");
        Some(stage)
    };
    lines.iter().enumerate().filter_map(stage).collect()
}

pub(super) fn toml(lines: &[&str]) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut string: Option<&str> = None;
    for (number, line) in lines.iter().enumerate() {
        let trimmed = line.trim();
        if let Some(quotes) = string {
            if trimmed.contains(quotes) {
                string = None;
            }
            continue;
        }
        string = ["\"\"\"", "'''"]
            .into_iter()
            .find(|quotes| trimmed.matches(quotes).count() == 1);
        let in_table = found.last().is_some_and(|last| last.kind == "table");
        if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_start_matches('[').split(']').next().unwrap_or("");
            found.push(section("table", name.trim(), line, number, 1));
        } else if !in_table
            && !line.starts_with(['#', ' ', '\t', ']', '}'])
            && let Some((key, _)) = line.split_once('=')
        {
            found.push(section(
                "key",
                key.trim().trim_matches('"'),
                line,
                number,
                1,
            ));
        }
    }
    found
}

pub(super) fn ini(lines: &[&str]) -> Vec<Section> {
    let section_of = |(number, line): (usize, &&str)| {
        let name = line.trim().strip_prefix('[')?.split(']').next()?;
        Some(section("section", name.trim(), line, number, 1))
    };
    lines.iter().enumerate().filter_map(section_of).collect()
}

/// Keys below these are elements of their own: (key, kind).
const GROUPS: &[(&str, &str)] = &[
    ("jobs", "job"),
    ("paths", "path"),
    ("scripts", "script"),
    ("services", "service"),
];

/// The methods of an OpenAPI path.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The kind of a key by the keys around it; `None`: it is no element.
fn kind_of(around: &[String], key: &str) -> Option<&'static str> {
    match around {
        [] => Some("key"),
        [group] => GROUPS
            .iter()
            .find(|(name, _)| name == group)
            .map(|(_, kind)| *kind),
        [group, _] if group == "paths" && METHODS.contains(&key) => Some("operation"),
        _ => None,
    }
}

pub(super) fn yaml(lines: &[&str]) -> Vec<Section> {
    let mut found = Vec::new();
    // The keys around the current line, with their indentation.
    let mut around: Vec<(usize, String, Option<usize>)> = Vec::new();
    let mut text_above: Option<usize> = None;
    let mut last = 0;
    for (number, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let before = std::mem::replace(&mut last, number);
        if text_above.is_some_and(|above| indent > above) {
            continue;
        }
        text_above = None;
        let in_list = trimmed.starts_with('-');
        while let Some((outer, ..)) = around.last()
            && (*outer > indent || *outer == indent && !in_list)
        {
            if let Some((.., Some(element))) = around.pop() {
                let element: &mut Section = &mut found[element];
                element.end = Some(before);
            }
        }
        if trimmed.starts_with(['-', '{', '}', '[', ']', '%', '?', '|', '>']) {
            continue;
        }
        let key = ["\"", "'"].into_iter().find_map(|quote| {
            let (key, rest) = trimmed.strip_prefix(quote)?.split_once(quote)?;
            rest.trim_start()
                .strip_prefix(':')
                .map(|value| (key, value))
        });
        let plain = || {
            let at = trimmed.find(": ").or_else(|| {
                trimmed
                    .trim_end()
                    .ends_with(':')
                    .then(|| trimmed.trim_end().len() - 1)
            })?;
            Some((&trimmed[..at], &trimmed[at + 1..]))
        };
        let Some((key, value)) = key.or_else(plain) else {
            continue;
        };
        if value.trim_start().starts_with(['|', '>']) {
            text_above = Some(indent);
        }
        let outer: Vec<String> = around
            .iter()
            .take(3)
            .map(|(_, key, _)| key.clone())
            .collect();
        let mut element = None;
        if let Some(kind) = kind_of(&outer, key) {
            element = Some(found.len());
            let mut found_key = section(kind, key, line, number, around.len() + 1);
            found_key.docstring = comment_above(lines, number, "#").filter(|_| !outer.is_empty());
            found.push(found_key);
        }
        around.push((indent, key.to_owned(), element));
    }
    found
}

/// A part of a JSON text: a key or the beginning or the end of an object, with its line.
enum Token {
    Key(String, usize),
    Open(usize),
    Close(usize),
}

/// The structure of a JSON text. Broken text gives what precedes the error.
fn json_tokens(lines: &[&str]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let mut rest = *line;
        while let Some(at) = rest.find(['"', '{', '}', '[', ']']) {
            let first = rest.as_bytes()[at];
            rest = &rest[at + 1..];
            match first {
                b'{' | b'[' => tokens.push(Token::Open(number)),
                b'}' | b']' => tokens.push(Token::Close(number)),
                _ => {
                    let mut end = 0;
                    let bytes = rest.as_bytes();
                    while end < bytes.len() && bytes[end] != b'"' {
                        end += if bytes[end] == b'\\' { 2 } else { 1 };
                    }
                    let string = rest.get(..end).unwrap_or(rest);
                    rest = rest.get(end + 1..).unwrap_or("");
                    if rest.trim_start().starts_with(':') {
                        tokens.push(Token::Key(string.to_owned(), number));
                    }
                }
            }
        }
    }
    tokens
}

pub(super) fn json(lines: &[&str]) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    // For each open object or list the key that it is the value of, and the element of that key.
    let mut open: Vec<(String, Option<usize>)> = Vec::new();
    let mut last: Option<(String, Option<usize>)> = None;
    for token in json_tokens(lines) {
        match token {
            Token::Open(_) => open.push(last.take().unwrap_or_default()),
            Token::Close(line) => {
                if let Some((_, Some(element))) = open.pop() {
                    found[element].end = Some(line);
                }
                last = None;
            }
            Token::Key(key, line) => {
                // Deeper keys are no elements.
                let around = open.iter().skip(1).take(3).map(|(key, _)| key.clone());
                let around: Vec<String> = around.collect();
                let kind = kind_of(&around, &key).filter(|_| !open.is_empty());
                let element = kind.map(|kind| {
                    let mut found_key = section(kind, &key, lines[line], line, open.len());
                    found_key.end = Some(line);
                    found.push(found_key);
                    found.len() - 1
                });
                last = Some((key, element));
            }
        }
    }
    found
}

pub(super) fn notebook(lines: &[&str]) -> Vec<Section> {
    let Ok(book) = serde_json::from_str::<serde_json::Value>(&lines.join("\n")) else {
        return Vec::new();
    };
    let cells = book["cells"].as_array().map_or(&[][..], Vec::as_slice);
    // The lines of the objects in the list of cells.
    let (mut spans, mut depth, mut cells_depth) = (Vec::new(), 0usize, None);
    let mut key = String::new();
    for token in json_tokens(lines) {
        match token {
            Token::Key(name, _) => key = name,
            Token::Open(line) => {
                depth += 1;
                if depth == 2 && key == "cells" && cells_depth.is_none() {
                    cells_depth = Some(depth);
                } else if cells_depth.is_some_and(|cells| depth == cells + 1) {
                    spans.push((line, line));
                }
            }
            Token::Close(line) => {
                if cells_depth.is_some_and(|cells| depth == cells + 1)
                    && let Some(span) = spans.last_mut()
                {
                    span.1 = line;
                }
                if cells_depth == Some(depth) {
                    break;
                }
                depth = depth.saturating_sub(1);
            }
        }
    }
    let named = cells.iter().zip(spans).map(|(cell, (start, end))| {
        let text = source(cell);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        let first = first.unwrap_or("");
        let mut found = section(
            "cell",
            first.trim_start_matches('#').trim(),
            first,
            start,
            1,
        );
        found.end = Some(end);
        found
    });
    named.collect()
}

pub(super) fn sql(lines: &[&str]) -> Vec<Section> {
    static CREATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?i)^\s*create\s+(?:or\s+replace\s+|or\s+alter\s+|temp\s+|temporary\s+|unlogged\s+|materialized\s+|unique\s+|external\s+|virtual\s+|definer\s*=\s*\S+\s+)*(table|view|function|procedure|trigger|type|index|schema|sequence|domain|database|role)\s+(?:if\s+not\s+exists\s+|concurrently\s+)*([^\s(;]+)",
        )
        .ok()
    });
    const KINDS: [&str; 12] = [
        "table",
        "view",
        "function",
        "procedure",
        "trigger",
        "type",
        "index",
        "schema",
        "sequence",
        "domain",
        "database",
        "role",
    ];
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let captures = CREATE
            .as_ref()
            .and_then(|create| create.captures(lines[at]));
        let Some(captures) = captures else {
            at += 1;
            continue;
        };
        let kind = captures[1].to_lowercase();
        let kind = KINDS
            .into_iter()
            .find(|known| *known == kind)
            .unwrap_or("statement");
        let name = captures[2].replace(['"', '`', '[', ']'], "");
        let mut statement = section(kind, &name, lines[at], at, 1);
        statement.docstring = comment_above(lines, at, "--");
        // The statement ends at a semicolon outside of a body in dollar quotes.
        let (mut end, mut quoted) = (at, false);
        while end < lines.len() {
            quoted ^= lines[end].matches("$$").count() % 2 == 1;
            let next = end > at
                && CREATE
                    .as_ref()
                    .is_some_and(|create| create.is_match(lines[end]));
            if next && !quoted {
                end -= 1;
                break;
            }
            if !quoted && lines[end].trim_end().ends_with(';') {
                break;
            }
            end += 1;
        }
        statement.end = Some(end.min(lines.len() - 1));
        at = end.max(at) + 1;
        found.push(statement);
    }
    found
}
