//! Outlines of files without a grammar: prose, data, and languages known only by name.
//!
//! A row for each language names its scanner. A scanner reads lines, not syntax, and may find nothing.

pub(super) mod comment;
mod components;
mod data;
mod markup;
mod prose;
mod sections;

use crate::model::language::Language;
use crate::model::outline::{Element, Outline};

use comment::{Comments, HASH, SLASHES};
pub(super) use components::components;

/// The first heading of prose that has sections and no title.
pub const UNTITLED: &str = "—";
/// The first heading of a list of required packages.
pub const REQUIREMENTS: &str = "[requirements]";
/// Stands before the first line of a text that has neither a title nor prose.
pub const BEGINS: &str = "[begins]";

/// At most this many headings of a file are kept.
pub(super) const MAX_HEADINGS: usize = 60;

/// A docstring is cut at this length, a heading at [`MAX_HEADING`], in bytes.
const MAX_DOCSTRING: usize = 4_000;
const MAX_HEADING: usize = 120;

/// What a scanner found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scanned {
    docstring: Option<String>,
    headings: Vec<String>,
}

/// How a text is read.
enum Scanner {
    /// By a function.
    Whole(fn(&str) -> Scanned),
    /// The comment that begins the file, and the names behind these words where a line begins with one.
    Lines(&'static Comments, &'static [&'static str]),
}

use Scanner::{Lines, Whole};

/// Language and scanner. A language without a row gets an outline without content.
static SCANNERS: &[(&str, Scanner)] = &[
    ("markdown", Whole(prose::markdown)),
    ("restructuredtext", Whole(prose::restructured_text)),
    ("text", Whole(prose::plain)),
    ("html", Whole(markup::html)),
    ("jinja", Whole(markup::html)),
    ("vue", Whole(markup::html)),
    ("svelte", Whole(markup::html)),
    ("xml", Whole(markup::xml)),
    ("toml", Whole(data::toml)),
    ("json", Whole(data::json)),
    ("notebook", Whole(data::notebook)),
    ("yaml", Whole(data::yaml)),
    ("ini", Whole(data::ini)),
    ("git-attributes", Whole(data::ini)),
    ("csv", Whole(data::csv)),
    ("gettext", Whole(data::gettext)),
    ("make", Whole(data::make)),
    ("ignore-list", Lines(&HASH, &[])),
    ("dockerfile", Lines(&HASH, &["FROM"])),
    ("shell", Lines(&HASH, &["function"])),
    ("powershell", Lines(&HASH, &["function", "Function"])),
    ("cmake", Lines(&HASH, &["project("])),
    ("meson", Lines(&HASH, &["project("])),
    ("starlark", Lines(&HASH, &["def"])),
    ("nix", Lines(&HASH, &[])),
    (
        "terraform",
        Lines(&HASH, &["resource", "module", "variable", "output", "data"]),
    ),
    (
        "graphql",
        Lines(
            &HASH,
            &["type", "input", "enum", "interface", "union", "scalar"],
        ),
    ),
    ("ruby", Lines(&HASH, &["class", "module", "def"])),
    ("perl", Lines(&HASH, &["package", "sub"])),
    ("r", Lines(&HASH, &[])),
    ("julia", Lines(&HASH, &["module", "struct", "function"])),
    ("elixir", Lines(&HASH, &["defmodule"])),
    (
        "cython",
        Lines(&HASH, &["class", "cdef class", "def", "cpdef"]),
    ),
    (
        "vim",
        Lines(
            &comment::QUOTE,
            &["function!", "function", "command!", "command"],
        ),
    ),
    ("batch", Lines(&comment::BATCH, &[])),
    ("erlang", Lines(&comment::PERCENT, &["-module("])),
    (
        "tex",
        Lines(&comment::PERCENT, &["\\section{", "\\chapter{"]),
    ),
    (
        "lua",
        Lines(&comment::DASHES, &["function", "local function"]),
    ),
    (
        "haskell",
        Lines(&comment::DASHES, &["data", "newtype", "class"]),
    ),
    (
        "sql",
        Lines(
            &comment::DASHES,
            &[
                "create table if not exists",
                "CREATE TABLE IF NOT EXISTS",
                "create table",
                "CREATE TABLE",
                "create view",
                "CREATE VIEW",
                "create function",
                "CREATE FUNCTION",
                "create or replace function",
                "CREATE OR REPLACE FUNCTION",
            ],
        ),
    ),
    ("go-module", Lines(&SLASHES, &["module"])),
    (
        "kotlin",
        Lines(
            &SLASHES,
            &["class", "data class", "interface", "object", "fun"],
        ),
    ),
    (
        "scala",
        Lines(&SLASHES, &["class", "case class", "object", "trait"]),
    ),
    (
        "csharp",
        Lines(
            &SLASHES,
            &["public class", "public interface", "public enum", "class"],
        ),
    ),
    (
        "swift",
        Lines(&SLASHES, &["class", "struct", "enum", "protocol", "func"]),
    ),
    (
        "cpp",
        Lines(&SLASHES, &["class", "struct", "enum", "namespace"]),
    ),
    (
        "objective-c",
        Lines(&SLASHES, &["@interface", "@implementation", "@protocol"]),
    ),
    (
        "php",
        Lines(
            &SLASHES,
            &[
                "class",
                "abstract class",
                "final class",
                "interface",
                "trait",
                "function",
            ],
        ),
    ),
    (
        "dart",
        Lines(&SLASHES, &["class", "abstract class", "enum"]),
    ),
    ("zig", Lines(&SLASHES, &["pub fn", "pub const"])),
    ("css", Lines(&SLASHES, &[])),
    ("scss", Lines(&SLASHES, &["@mixin", "@function"])),
    ("protobuf", Lines(&SLASHES, &["message", "service", "enum"])),
    ("ocaml", Lines(&comment::PARENTHESES, &["module", "type"])),
    ("assembly", Lines(&SLASHES, &[])),
];

/// The outline of a text without a grammar.
pub(super) fn outline(language: &str, text: &str) -> Outline {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let row = SCANNERS.iter().find(|(name, _)| *name == language);
    let scanned = match row {
        Some((_, Whole(scan))) => scan(text),
        Some((_, Lines(comments, words))) => Scanned {
            docstring: comment::leading(text, comments),
            headings: comment::declared(text, words),
        },
        // A script of an unknown language still has comments.
        None if language.is_empty() && text.starts_with("#!") => Scanned {
            docstring: comment::leading(text, &HASH),
            headings: Vec::new(),
        },
        None if language.is_empty() => prose::plain(text),
        None => match Language::named(language).filter(|language| language.is_rare()) {
            Some(rare) if rare.is_programming() => Scanned {
                docstring: comment::leading_of_any(text),
                headings: Vec::new(),
            },
            Some(_) => prose::plain(text),
            None => Scanned::default(),
        },
    };
    let mut seen = std::collections::HashSet::new();
    let headings = scanned
        .headings
        .into_iter()
        .map(|heading| cut(&heading, MAX_HEADING));
    Outline {
        elements: sections::elements(language, text),
        docstring: scanned
            .docstring
            .map(|text| cut(text.trim(), MAX_DOCSTRING))
            .filter(|text| !text.is_empty()),
        headings: headings
            .filter(|heading| !heading.is_empty() && seen.insert(heading.clone()))
            .take(MAX_HEADINGS)
            .collect(),
        ..Outline::default()
    }
}

/// An element without members and documentation.
fn element(kind: &str, name: &str, signature: &str, line_start: u32, line_end: u32) -> Element {
    Element {
        kind: kind.to_owned(),
        name: name.to_owned(),
        qualified_name: name.to_owned(),
        signature: signature.to_owned(),
        decorators: Vec::new(),
        line_start,
        line_end,
        docstring: None,
    }
}

fn cut(text: &str, bytes: usize) -> String {
    super::source::prefix(text.trim(), bytes).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_language_once() {
        for (number, (name, _)) in SCANNERS.iter().enumerate() {
            assert!(Language::named(name).is_some(), "{name}");
            assert!(
                SCANNERS[number + 1..]
                    .iter()
                    .all(|(other, _)| other != name),
                "{name}"
            );
        }
    }
}
