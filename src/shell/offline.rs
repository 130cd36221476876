//! Summaries written on this machine from the outline alone: no model, no network, no clock.
//!
//! Everything said here stands in the outline. The same outline gives the same words, and nothing that white space
//! changes (line numbers, sizes of code) has a say in them: two files of one syntax share their summary. A file's own
//! name is not known here, nor a directory's.

mod bare;
mod code;
mod data;
mod folder;
mod markup;
mod names;
mod plain;
mod publicity;
mod shown;
mod suite;
#[cfg(test)]
mod tests;
mod words;

use crate::model::contents::ContentKind;
use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::outline::Outline;

use words::Paragraph;

/// Raised whenever the words change: summaries of an earlier version are written anew.
pub const VERSION: u32 = 7;

/// A child of a directory.
#[derive(Clone, Copy, Debug)]
pub struct Child<'a> {
    /// Its name, without the path.
    pub name: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its summary; `None` where it has none and is left out.
    pub summary: Option<&'a str>,
}

/// The summary of a file that holds text. `bytes` is its size; it is told only of what has no syntax.
pub fn file(language: Option<Language>, outline: &Outline, bytes: u64) -> String {
    let language = language.map_or("", Language::name);
    let mut paragraph = Paragraph::default();
    if names::is_code(language) {
        code::write(language, outline, &mut paragraph);
    } else {
        data::write(language, outline, bytes, &mut paragraph);
    }
    paragraph.finish()
}

/// The summary of a directory, from those of its children, which are sorted by name.
pub fn directory(children: &[Child<'_>]) -> String {
    let mut paragraph = Paragraph::default();
    folder::write(children, &mut paragraph);
    paragraph.finish()
}

/// The summary of a file whose content is not read or says nothing.
pub fn rule(content_kind: ContentKind, language: Option<Language>) -> String {
    let language = language.map(|language| names::display(language.name()));
    match (content_kind, language) {
        (ContentKind::Empty, _) => "Empty file.".to_owned(),
        (ContentKind::Binary, Some(language)) => format!("Binary file ({language})."),
        (ContentKind::Binary, None) => "Binary file.".to_owned(),
        (ContentKind::TooLarge, Some(language)) => format!("Too large to summarize ({language})."),
        (ContentKind::TooLarge, None) => "Too large to summarize.".to_owned(),
        (ContentKind::Secret, _) => "Holds secrets: its content is not read.".to_owned(),
        (_, Some(language)) => format!("Text file ({language})."),
        (_, None) => "Text file.".to_owned(),
    }
}
