//! The shape of an exported `index.json`. The same tree gives the same bytes: no time stamps, nothing specific to this
//! machine.

use std::collections::BTreeMap;

use serde::Serialize;

use super::protocol::{DirectoryNode, Node};
use crate::model::outline::Element;
use crate::model::summary::Freshness;

/// The name of each directory's file.
pub const NAME: &str = "index.json";

#[derive(Serialize)]
struct Index<'a> {
    path: &'a str,
    summary: Option<&'a str>,
    freshness: Freshness,
    files: Vec<FileEntry<'a>>,
    directories: Vec<DirectoryEntry<'a>>,
    statistics: Statistics<'a>,
}

#[derive(Serialize)]
struct FileEntry<'a> {
    path: &'a str,
    language: Option<&'a str>,
    summary: Option<&'a str>,
    freshness: Freshness,
    elements: &'a [Element],
    digest: Option<&'a str>,
}

#[derive(Serialize)]
struct DirectoryEntry<'a> {
    path: &'a str,
    summary: Option<&'a str>,
    freshness: Freshness,
}

/// Counts of the directory itself (`files`, `directories`, `elements`, `languages`) and of everything below (`total_…`).
#[derive(Serialize)]
struct Statistics<'a> {
    files: usize,
    directories: usize,
    elements: usize,
    languages: BTreeMap<&'a str, usize>,
    total_files: u64,
    total_directories: u64,
}

/// The bytes of a directory's `index.json`.
///
/// # Errors
/// None in practice: all fields can be serialized.
pub fn render(directory: &DirectoryNode) -> serde_json::Result<Vec<u8>> {
    let children = directory.children.as_deref().unwrap_or_default();
    let mut files = Vec::new();
    let mut directories = Vec::new();
    let mut languages = BTreeMap::new();
    for child in children {
        let common = child.common();
        match child {
            Node::File(file) => {
                if let Some(language) = &file.language {
                    *languages.entry(language.as_str()).or_default() += 1;
                }
                files.push(FileEntry {
                    path: &common.path,
                    language: file.language.as_deref(),
                    summary: common.summary.as_deref(),
                    freshness: common.freshness,
                    elements: &file.elements,
                    // The digest has no key: it would confirm a guess at a withheld secret.
                    digest: common.digest.as_deref().filter(|_| file.withheld.is_none()),
                });
            }
            Node::Directory(_) => directories.push(DirectoryEntry {
                path: &common.path,
                summary: common.summary.as_deref(),
                freshness: common.freshness,
            }),
        }
    }
    let index = Index {
        path: &directory.common.path,
        summary: directory.common.summary.as_deref(),
        freshness: directory.common.freshness,
        statistics: Statistics {
            files: files.len(),
            directories: directories.len(),
            elements: files.iter().map(|file| file.elements.len()).sum(),
            languages,
            total_files: directory.files,
            total_directories: directory.directories,
        },
        files,
        directories,
    };
    let mut bytes = serde_json::to_vec_pretty(&index)?;
    bytes.push(b'\n');
    Ok(bytes)
}
