//! What a file says about itself without being understood: its outline and the digest of its syntax.
//!
//! This room reads bytes and answers; it opens no file and cannot fail. Whatever it cannot read (no grammar, broken
//! syntax, bytes that are no text, nesting without end) costs detail and never an error. A language is a row of
//! `parse/table.rs`.

mod imports;
mod literal;
mod outline;
mod scan;
mod source;
mod syntax;
mod table;
#[cfg(test)]
mod tests;
mod tree;

use crate::model::digest::Digest;
use crate::model::language::Language;
use crate::model::outline::Outline;

use source::Source;

/// Raised whenever outlines change: those of an earlier version are made anew, which costs nothing but time. The syntax
/// digests have a version of their own, because a summary that was paid for is known by them.
pub const VERSION: u32 = 6;

/// What the parser finds in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Digest of the syntax, blind to white space and layout; the content's digest where the syntax is not known or
    /// has errors.
    pub syntax: Digest,
    /// Definitions, imports, documentation.
    pub outline: Outline,
}

/// Reads a file's content. `content_digest` stands in for the syntax digest where there is none.
pub fn parse(language: Option<Language>, content: &[u8], content_digest: Digest) -> Parsed {
    let content = source::with_line_feeds(content);
    let source = Source { bytes: &content };
    let name = language.map_or("", Language::name);
    let mut parsed = with_grammar(name, &source, content_digest).unwrap_or_else(|| Parsed {
        syntax: content_digest,
        outline: scan::outline(name, &String::from_utf8_lossy(&content)),
    });
    parsed.outline.lines = source::count_lines(&content);
    parsed
}

/// `None` where there is no grammar. A file that is too much for the parser gets a partial outline without elements.
fn with_grammar(name: &str, source: &Source<'_>, content_digest: Digest) -> Option<Parsed> {
    let grammar = table::grammar(name)?;
    let compiled = grammar.compiled()?;
    let Some(tree) = tree::parse(compiled, source.bytes) else {
        return Some(Parsed {
            syntax: content_digest,
            outline: Outline {
                partial: true,
                ..Outline::default()
            },
        });
    };
    let broken = tree.root_node().has_error();
    Some(Parsed {
        syntax: match broken {
            true => content_digest,
            false => syntax::digest(grammar, compiled, &tree, source.bytes),
        },
        outline: outline::outline(grammar, compiled, &tree, source),
    })
}
