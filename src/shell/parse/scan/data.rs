//! Data and configuration: the top-level names, and the file's description of itself.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{MAX_HEADINGS, Scanned, comment, prose};
use crate::shell::parse::notebook;

/// The first heading where the top level is a list.
const LIST: &str = "[]";

/// Tables and top-level keys; the description of a package's manifest.
pub(super) fn toml(text: &str) -> Scanned {
    const PACKAGES: [&str; 4] = ["project", "package", "tool.poetry", "workspace.package"];
    let mut found = Scanned::default();
    let mut table = "";
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_start_matches('[');
            table = name.split(']').next().unwrap_or("").trim();
            found.headings.push(table.to_owned());
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let key = key.trim().trim_matches('"');
            if key == "description" && PACKAGES.contains(&table) {
                found.docstring = quoted(value);
            }
            if table.is_empty()
                && key
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-.".contains(c))
            {
                found.headings.push(key.to_owned());
            }
        }
    }
    found.docstring = found
        .docstring
        .or_else(|| comment::leading(text, &comment::HASH));
    found
}

/// Sections, or keys if there are none.
pub(super) fn ini(text: &str) -> Scanned {
    let mut keys = Vec::new();
    let mut sections = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix('[') {
            sections.extend(name.split(']').next().map(str::to_owned));
        } else if let Some((key, _)) = line.split_once(['=', ':'])
            && sections.is_empty()
            && !line.starts_with(['#', ';', ' ', '\t', '!'])
        {
            keys.push(key.trim().to_owned());
        }
    }
    Scanned {
        docstring: comment::leading(text, &comment::HASH),
        headings: if sections.is_empty() { keys } else { sections },
    }
}

/// Keys without indentation; `description`, or else `name`, is the documentation.
pub(super) fn yaml(text: &str) -> Scanned {
    let mut found = Scanned::default();
    let mut name = None;
    for line in text.lines() {
        if line.starts_with("- ") && found.headings.is_empty() {
            found.headings.push(LIST.to_owned());
        }
        let is_list = found.headings.first().is_some_and(|first| first == LIST);
        let line = if is_list {
            line.strip_prefix("- ").unwrap_or(line)
        } else {
            line
        };
        if line.starts_with(['#', ' ', '\t', '-', '{', '%', '}', ']']) {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        if !value.is_empty() && !value.starts_with([' ', '\t', '\r']) {
            continue;
        }
        let key = key.trim_matches(['"', '\'', ' ']);
        let value = value.trim().trim_matches(['"', '\'']);
        if !is_list && !value.is_empty() && !value.starts_with(['|', '>', '&', '*', '{', '$']) {
            match key {
                "description" => found.docstring = Some(value.to_owned()),
                "name" => name = Some(value.to_owned()),
                _ => {}
            }
        }
        found.headings.push(key.to_owned());
    }
    let said = || comment::leading(text, &comment::HASH);
    found.docstring = found.docstring.or(name).or_else(said);
    found
}

/// The cells of the first line.
pub(super) fn csv(text: &str) -> Scanned {
    let line = text.lines().next().unwrap_or("");
    let delimiter = ['\t', ';', ',']
        .into_iter()
        .max_by_key(|mark| line.matches(*mark).count());
    let cells = line
        .split(delimiter.unwrap_or(','))
        .map(|cell| cell.trim().trim_matches('"').to_owned());
    let cells: Vec<String> = cells.collect();
    let named = cells.iter().all(|cell| cell.parse::<f64>().is_err());
    Scanned {
        docstring: None,
        headings: if named { cells } else { Vec::new() },
    }
}

/// The language that a catalogue translates into: its code, then the team's name for it.
pub(super) fn gettext(text: &str) -> Scanned {
    let field = |name: &str| {
        let line = text
            .lines()
            .take(60)
            .find_map(|line| line.strip_prefix(name))?;
        let value = line.split("\\n").next()?.split(['(', '<']).next()?.trim();
        (!value.is_empty() && value.is_ascii()).then(|| value.to_owned())
    };
    let code = field("\"Language: ");
    let team = code.is_some().then(|| field("\"Language-Team: ")).flatten();
    Scanned {
        docstring: None,
        headings: code.into_iter().chain(team).collect(),
    }
}

/// Targets with a plain name.
pub(super) fn make(text: &str) -> Scanned {
    let target = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let plain = name
            .chars()
            .all(|c| c.is_alphanumeric() || "_-".contains(c));
        (plain && !name.is_empty() && !rest.starts_with('=')).then(|| name.to_owned())
    };
    Scanned {
        docstring: comment::leading(text, &comment::HASH),
        headings: text.lines().filter_map(target).collect(),
    }
}

/// Top-level keys in order; of the first entry if the top level is a list.
pub(super) fn json(text: &str) -> Scanned {
    let mut found = Scanned::default();
    let plain = without_comments(text);
    let mut reader = serde_json::Deserializer::from_str(&plain);
    // What precedes an error (a trailing comma, the end of a cut file) is kept.
    let _ = Top {
        found: &mut found,
        depth: 0,
    }
    .deserialize(&mut reader);
    if found.docstring.is_none() {
        found.docstring = comment::leading(text, &comment::SLASHES);
    }
    found
}

/// JSON without the comments that many programs allow in it.
fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains("//") && !text.contains("/*") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '/']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let end = if from.starts_with("//") {
            from.find('\n').unwrap_or(from.len())
        } else if from.starts_with("/*") {
            from.find("*/").map_or(from.len(), |at| at + 2)
        } else {
            let length = match from.starts_with('"') {
                true => string_length(from),
                false => 1,
            };
            plain.push_str(&from[..length]);
            length
        };
        rest = &from[end..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The length of the string that begins a text, with its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let inner = text.char_indices().skip(1);
    let mut ends = inner.filter(|(_, c)| {
        let is_end = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        is_end
    });
    ends.next().map_or(text.len(), |(at, _)| at + 1)
}

/// The prose cells.
pub(super) fn notebook(text: &str) -> Scanned {
    let (cells, _) = notebook::cells(text).unwrap_or_default();
    let prose = cells.into_iter().filter(|cell| !cell.code);
    let prose: Vec<String> = prose.map(|cell| cell.source).collect();
    prose::markdown(&prose.join("\n\n"))
}

/// A value between quotes.
fn quoted(value: &str) -> Option<String> {
    let value = value.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = value.trim_start_matches(quote);
    let end = inner.rfind(quote)?;
    Some(inner[..end].replace("\\\"", "\"")).filter(|text| !text.is_empty())
}

/// Reads the top level of a JSON text and skips the rest.
struct Top<'a> {
    found: &'a mut Scanned,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let describes = self.depth == 0 && key == "description";
            if self.found.headings.len() < MAX_HEADINGS {
                self.found.headings.push(key);
            }
            if describes {
                let value: serde_json::Value = map.next_value()?;
                self.found.docstring = value.as_str().map(str::to_owned);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.depth == 0 {
            self.found.headings.push(LIST.to_owned());
            let first = Top {
                found: self.found,
                depth: 1,
            };
            list.next_element_seed(first)?;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(docstring: Option<&str>, headings: &[&str]) -> Scanned {
        Scanned {
            docstring: docstring.map(str::to_owned),
            headings: headings
                .iter()
                .map(|heading| (*heading).to_owned())
                .collect(),
        }
    }

    #[test]
    fn the_top_of_data() {
        let manifest = "# Comment.\nedition = 1\n[package]\nname = \"a\"\ndescription = \"Does it.\" \n[[bin]]\nx = 1\n";
        assert_eq!(
            toml(manifest),
            scanned(Some("Does it."), &["edition", "package", "bin"])
        );
        assert_eq!(
            ini("; c\n[a]\nb = 1\n[c d]\n"),
            scanned(None, &["a", "c d"])
        );
        assert_eq!(ini("a.b=1\n  x = 2\n"), scanned(None, &["a.b"]));
        assert_eq!(
            yaml("# C.\nname: Run\non:\n  push: 1\n\"jobs\":\n- x\n"),
            scanned(Some("Run"), &["name", "on", "jobs"])
        );
        assert_eq!(
            yaml("- hosts: all\n  tasks: x\n"),
            scanned(None, &["[]", "hosts"])
        );
        assert_eq!(csv("a;\"b\";c\n1;2;3"), scanned(None, &["a", "b", "c"]));
        assert_eq!(csv("1,2\n"), scanned(None, &[]));
        assert_eq!(
            make("# Builds.\nA := 1\nall: x\n.PHONY: all\nx.o: y\n"),
            scanned(Some("Builds."), &["all"])
        );
        let catalogue = "msgid \"\"\nmsgstr \"\"\n\"Language-Team: German (http://x)\\n\"\n\"Language: de\\n\"\n";
        assert_eq!(gettext(catalogue), scanned(None, &["de", "German"]));
    }

    #[test]
    fn the_top_of_json() {
        assert_eq!(
            json(r#"{"b": {"c": 1}, "description": "D.", "a": []}"#),
            scanned(Some("D."), &["b", "description", "a"])
        );
        assert_eq!(
            json(r#"[{"b": 1, "description": "x"}, 2]"#),
            scanned(None, &["[]", "b", "description"])
        );
        assert_eq!(json(r#"{"a": 1, // no"#), scanned(None, &["a"]));
        assert_eq!(
            json(
                "// Copyright 2024 X.\n\n// Settings of it.\n{\"a\": \"//no \\\"\", /* b */ \"c\": 1 // d\n}"
            ),
            scanned(Some("Settings of it."), &["a", "c"])
        );
        assert_eq!(json("7"), Scanned::default());
        let deep = "[".repeat(200_000);
        assert_eq!(json(&deep), scanned(None, &["[]"]));
        let book = r##"{"cells": [{"cell_type": "code", "source": "x"}, {"cell_type": "markdown", "source": ["# A\n", "\n", "One two three four."]}]}"##;
        assert_eq!(notebook(book), scanned(Some("One two three four."), &["A"]));
    }
}
