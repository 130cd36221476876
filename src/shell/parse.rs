//! What a file says about itself without being understood: its outline and the digest of its syntax.
//!
//! This module reads bytes and returns values; it opens no file and cannot fail. What it cannot read (no grammar, broken
//! syntax, bytes that are no text, endless nesting) costs detail and is never an error. A language is a row of
//! `parse/table.rs`.

mod facts;
mod imports;
mod licence;
mod literal;
mod macros;
mod notebook;
mod outline;
mod repair;
mod scan;
mod source;
mod syntax;
mod table;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

use std::borrow::Cow;

use tree_sitter::Tree;

use crate::model::digest::Digest;
use crate::model::language::Language;
use crate::model::outline::Outline;

use outline::Reader;
use source::Source;
use syntax::SyntaxDigest;

/// Raised whenever outlines change: outlines of an earlier version are computed again, which costs only time. Syntax
/// digests have a version of their own, because paid summaries are stored under them.
pub const VERSION: u32 = 13;

/// An outline lists at most this many ranges of lines that could not be read.
const MAX_MISSING: usize = 20;

/// What the parser finds in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Digest of the syntax, blind to white space and layout; without a grammar, of the text but for line ends, white
    /// space behind lines of prose, and a licence header.
    pub syntax: Digest,
    /// Definitions, imports, documentation.
    pub outline: Outline,
}

/// Reads a file's content.
pub fn parse(language: Option<Language>, content: &[u8]) -> Parsed {
    let content = source::with_line_feeds(content);
    let source = Source { bytes: &content };
    let name = language.map_or("", Language::name);
    let mut parsed = with_grammar(name, &source).unwrap_or_else(|| without_grammar(name, &content));
    parsed.outline.lines = source::count_lines(&content);
    parsed
}

/// The part of a text that people wrote, for readers that want no more: a notebook's cells as Markdown; any other text
/// without the base64 of embedded files.
pub fn written<'t>(language: Option<Language>, text: &'t str) -> Cow<'t, str> {
    match language.map_or("", Language::name) {
        "notebook" => Cow::Owned(without_base64(&notebook::markdown(text)).into_owned()),
        _ => without_base64(text),
    }
}

/// A text whose `data:` URIs have no content. No line end is removed.
fn without_base64(text: &str) -> Cow<'_, str> {
    const MARK: &str = ";base64,";
    /// A shorter one is an example in code.
    const SHORTEST: usize = 256;
    let mut kept = String::new();
    let mut at = 0;
    for (mark, _) in text.match_indices(MARK) {
        let start = mark + MARK.len();
        let is_data = |c: &u8| c.is_ascii_alphanumeric() || b"+/=-_%".contains(c);
        let length = text.as_bytes()[start..]
            .iter()
            .take_while(|c| is_data(c))
            .count();
        if length >= SHORTEST && start >= at {
            kept.push_str(&text[at..start]);
            kept.push('…');
            at = start + length;
        }
    }
    match at {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(kept + &text[at..]),
    }
}

fn without_grammar(name: &str, content: &[u8]) -> Parsed {
    let outline = scan::outline(name, &String::from_utf8_lossy(content));
    // Text that says nothing is described by the number of its lines.
    let says = |heading: &String| heading.contains(char::is_alphanumeric);
    let sized = outline.docstring.is_none() && !outline.headings.iter().any(says);
    let rare = || Language::named(name).is_some_and(Language::is_rare);
    let text = without_header(name, content);
    let syntax = match name {
        // Outputs and counters change with each run.
        "notebook" => {
            let cells = notebook::markdown(&String::from_utf8_lossy(content));
            text_digest(name, &tokens::prose(cells.as_bytes()))
        }
        _ if sized => lines_digest(name, source::count_lines(content), &text),
        "markdown" | "restructuredtext" | "text" | "" => text_digest(name, &tokens::prose(&text)),
        _ if rare() => text_digest(name, &tokens::prose(&text)),
        "json" | "html" | "xml" => tokens::digest(name, table::Lines::Free, &text),
        "toml" | "ini" => tokens::digest(name, table::Lines::Ends, &text),
        "yaml" => tokens::digest(name, table::Lines::Indentation, &text),
        _ => text_digest(name, &tokens::without_blank_lines(&text)),
    };
    Parsed { syntax, outline }
}

/// A text without the licence that begins it, for a digest that no tree gives.
fn without_header<'t>(name: &str, text: &'t [u8]) -> Cow<'t, [u8]> {
    match std::str::from_utf8(text).map(|text| licence::without_header(name, text)) {
        Ok(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        _ => Cow::Borrowed(text),
    }
}

/// A text's digest with the number of its lines.
fn lines_digest(name: &str, lines: u32, text: &[u8]) -> Digest {
    let mut hasher = crate::model::digest::Hasher::new("lines.1");
    hasher.field(name.as_bytes());
    hasher.number(u64::from(lines));
    hasher.field(&tokens::prose(text));
    hasher.finish()
}

fn text_digest(name: &str, text: &[u8]) -> Digest {
    let mut hasher = crate::model::digest::Hasher::new("text.1");
    hasher.field(name.as_bytes());
    hasher.field(text);
    hasher.finish()
}

/// `None` where there is no grammar. A file that exceeds the parser's limits gets a partial outline without elements.
fn with_grammar(name: &str, source: &Source<'_>) -> Option<Parsed> {
    let row = table::grammar(name)?;
    table::compiled(row)?;
    let tokens = || {
        let text = without_header(row.name, source.bytes);
        tokens::digest(row.name, row.lines, &text)
    };
    let Some(parse) = tree::parse(row, source.bytes) else {
        return Some(Parsed {
            syntax: tokens(),
            outline: Outline {
                partial: true,
                missing: vec![(1, source::count_lines(source.bytes))],
                ..Outline::default()
            },
        });
    };
    let embedded = macros::parse(&parse, source.bytes);
    let mut reader = Reader::new(parse.grammar, parse.compiled, &parse.tree, source);
    let broken = !parse.missing.is_empty();
    let mut digest =
        (!broken && !parse.heads_only).then(|| SyntaxDigest::new(parse.grammar, source.bytes));
    walk(&parse, &embedded, &mut reader, digest.as_mut());
    let mut outline = reader.finish();
    outline.facts = facts::facts(&parse.tree, source.bytes);
    if row.components {
        outline.elements.extend(scan::components(source.bytes));
    }
    outline.partial = broken;
    outline.missing = parse.missing;
    outline.missing.truncate(MAX_MISSING);
    Some(Parsed {
        syntax: digest.map_or_else(tokens, SyntaxDigest::finish),
        outline,
    })
}

/// Walks a tree once for both readers. Where an embedded tree begins, the outline continues in it.
fn walk<'t>(
    parse: &'t tree::Parse,
    embedded: &'t [Tree],
    reader: &mut Reader<'_, 't>,
    mut digest: Option<&mut SyntaxDigest<'_>>,
) {
    let mut embedded = embedded.iter().peekable();
    let mut cursor = parse.tree.walk();
    loop {
        let node = cursor.node();
        let kind = parse.compiled.kind(&node);
        if let Some(tree) =
            embedded.next_if(|tree| tree.root_node().start_byte() <= node.start_byte())
        {
            outline::walk(tree, reader);
        }
        reader.visit(node, kind);
        if let Some(digest) = &mut digest {
            digest.enter(node, kind);
        }
        if cursor.goto_first_child() {
            continue;
        }
        loop {
            if let Some(digest) = &mut digest {
                digest.leave();
            }
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}
