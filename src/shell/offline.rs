//! Summaries made on this machine from the outline alone: no model, no network, no clock.
//!
//! All that they say stands in the outline, with its facts. Equal outlines give equal summaries, and white space changes
//! none of them. A file's own name is unknown here, and so is a folder's: a rename changes no summary.

mod bare;
mod code;
mod data;
mod definitions;
mod folder;
mod form;
mod markup;
mod names;
mod plain;
mod publicity;
mod shown;
mod silence;
mod statements;
mod suite;
#[cfg(test)]
mod tests;
mod words;

use crate::model::contents::ContentKind;
use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::outline::Outline;

use words::Paragraph;

/// Raised whenever summaries change: those of an earlier version are made again.
pub const VERSION: u32 = 14;

/// A child of a folder.
#[derive(Clone, Copy, Debug)]
pub struct Child<'a> {
    /// Its name, without the path.
    pub name: &'a str,
    /// File or folder.
    pub kind: Kind,
    /// Its summary, if it has one.
    pub summary: Option<&'a str>,
}

/// The summary of a text file. `bytes` is its size, for files that nothing else is known of.
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

/// The summary of a folder, from those of its children in order of name.
pub fn directory(children: &[Child<'_>]) -> String {
    let mut paragraph = Paragraph::default();
    folder::write(children, &mut paragraph);
    paragraph.finish()
}

/// The summary of a file whose content is not read, or that has none.
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
