//! Decides which text is not worth a request: lock files, generated and minified code, copies of other projects, data.
//!
//! A table of rules by name, folder, size or the first lines. It reads nothing itself and uses no path above the root. The
//! result is part of a summary's key, so that equal content of different kinds has different summaries.

mod marker;
mod table;

use crate::model::contents::ContentKind;
use crate::model::language::Language;
use crate::model::path::RelPath;
use crate::model::policy::Policy;

use table::{By, ROWS};

/// Raised whenever the table changes: files are classified again.
pub const VERSION: u32 = 4;

/// How much of a file's beginning rows look at, in bytes.
const HEAD: usize = 4 << 10;

/// The kind of a text file. `policy` comes from the files around it; without `detect`, nothing else counts.
pub fn kind(
    path: &RelPath,
    language: Option<Language>,
    bytes: &[u8],
    policy: Policy,
    detect: bool,
) -> ContentKind {
    match policy {
        Policy::Withheld => return ContentKind::Withheld,
        Policy::Generated => return ContentKind::DeclaredGenerated,
        Policy::Vendored => return ContentKind::DeclaredVendored,
        Policy::Documentation => return ContentKind::DeclaredDocumentation,
        Policy::Source => return ContentKind::DeclaredSource,
        Policy::None if !detect => return ContentKind::Text,
        Policy::None => {}
    }
    let file = File::new(path, language, bytes);
    let row = ROWS.iter().find(|row| row.by.iter().all(|by| file.is(by)));
    row.map_or(ContentKind::Text, |row| row.kind)
}

/// How much of a change log is summarized, in bytes: the latest releases say what the file is.
const CHANGE_LOG_HEAD: usize = 6 << 10;

/// The part of a text of this kind that is summarized, if that is not all of it.
pub fn head(kind: ContentKind, text: &[u8]) -> Option<String> {
    if kind != ContentKind::ChangeLog {
        return None;
    }
    // The same lines, whatever ends them.
    let mut counted = (text.iter().enumerate()).filter(|(_, byte)| **byte != b'\r');
    let (limit, _) = counted.nth(CHANGE_LOG_HEAD)?;
    let head = &text[..limit];
    let end = head.iter().rposition(|&byte| byte == b'\n');
    let head = String::from_utf8_lossy(&head[..end.unwrap_or(head.len())]);
    Some(format!("{head}\n\n(Older entries are left out here.)\n"))
}

/// The name of the rule for text that is not summarized; `None` for other content.
pub fn label(kind: ContentKind) -> Option<&'static str> {
    let found = table::LABELS.iter().find(|(known, _)| *known == kind);
    found.map(|(_, label)| *label)
}

/// The line about text that is not summarized. `text` is the offline provider's text.
pub fn described(kind: ContentKind, text: String) -> String {
    match label(kind) {
        None => text,
        // What the text of these is about is of no use to a reader.
        Some(label) if table::OPAQUE.contains(&kind) => format!("{label}."),
        Some(label) if text.starts_with(label) => text,
        // It names the licence.
        Some(_) if kind == ContentKind::Licence && text.contains("icen") => text,
        // Nothing but how long it is.
        Some(label) if text.starts_with("Text file of ") => format!("{label}."),
        Some(label) => format!("{label}: {}", continued(&text)),
    }
}

/// A text behind a label: its first letter is small unless the first word is a name.
fn continued(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or("");
    let mut rest = word.chars().skip(1);
    let is_name = word.len() < 2 || rest.any(|c| !c.is_lowercase() && !".,:".contains(c));
    match text.chars().next() {
        Some(first) if !is_name => first.to_lowercase().chain(text.chars().skip(1)).collect(),
        _ => text.to_owned(),
    }
}

/// What the rows test.
struct File<'a> {
    /// In lower case, as the rows are.
    name: String,
    folders: Vec<String>,
    language: &'static str,
    bytes: &'a [u8],
    head: &'a [u8],
}

impl<'a> File<'a> {
    fn new(path: &RelPath, language: Option<Language>, bytes: &'a [u8]) -> Self {
        let lower = |name: &[u8]| String::from_utf8_lossy(name).to_lowercase();
        let parent = path.parent().unwrap_or_else(RelPath::root);
        Self {
            name: lower(path.name()),
            folders: parent.names().map(lower).collect(),
            language: language.map_or("", Language::name),
            bytes,
            head: &bytes[..bytes.len().min(HEAD)],
        }
    }

    fn is(&self, by: &By) -> bool {
        match by {
            By::Name(names) => names.contains(&&*self.name),
            By::Ending(endings) => endings.iter().any(|ending| self.name.ends_with(ending)),
            By::Beginning(beginnings) => {
                beginnings.iter().any(|start| self.name.starts_with(start))
            }
            By::Stem(names) => {
                let stem = self.name.split('.').next().unwrap_or("");
                let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit() || "-_".contains(c));
                names.contains(&stem)
            }
            By::Folder(names) => self.folders.iter().any(|folder| names.contains(&&**folder)),
            By::FolderEnding(endings) => {
                let ends = |folder: &String| endings.iter().any(|end| folder.ends_with(end));
                self.folders.iter().any(ends)
            }
            By::Language(names) => names.contains(&self.language),
            By::Above(bytes) => self.bytes.len() > *bytes,
            By::Contains(texts) => texts.iter().any(|text| contains(self.head, text)),
            By::Begins(texts) => {
                let head = self.head.trim_ascii_start();
                texts.iter().any(|text| head.starts_with(text))
            }
            By::LongLines(mean) => {
                let lines = 1 + self.bytes.iter().filter(|&&byte| byte == b'\n').count();
                self.bytes.len() / lines > *mean
            }
            By::Numbers => {
                let of_numbers = |byte: &&u8| {
                    byte.is_ascii_hexdigit() || b"xX,.;:+- \t\r\n{}[]()".contains(byte)
                };
                self.bytes.iter().filter(of_numbers).count() / 9 >= self.bytes.len() / 10
            }
            By::GeneratedMarker => marker::is_generated(self.language, self.head),
        }
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests;
