//! The documents of each format.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cli::failure::Failure;
use crate::page::{self, static_html};
use crate::wire::index;
use crate::wire::markdown::{self, MARKER, Place};
use crate::wire::protocol::{DirectoryNode, Node};

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One page with search, tree and treemap: index.html
    Html,
    /// One page without scripts: index.html
    HtmlStatic,
    /// A README.md for each folder
    Markdown,
    /// One document: index.md
    MarkdownSingle,
    /// An index.json for each folder
    Index,
}

/// A file of an export.
pub struct Document {
    /// Below the output folder.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

impl Format {
    /// Whether the export is one document.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Html | Self::HtmlStatic | Self::MarkdownSingle)
    }

    /// The name of the document, or of each folder's.
    pub fn file(self) -> &'static str {
        match self {
            Self::Html | Self::HtmlStatic => "index.html",
            Self::Markdown => markdown::PAGE,
            Self::MarkdownSingle => "index.md",
            Self::Index => "index.json",
        }
    }

    /// Whether an export of this format wrote a file with its name.
    pub fn wrote(self, bytes: &[u8]) -> bool {
        match self {
            Self::Html | Self::HtmlStatic => false,
            Self::Markdown | Self::MarkdownSingle => bytes.starts_with(MARKER.as_bytes()),
            Self::Index => serde_json::from_slice::<serde_json::Value>(bytes)
                .is_ok_and(|value| value["statistics"]["total_files"].is_u64()),
        }
    }
}

/// The day, since 1970, on which a file below this folder was last changed.
pub fn last_changed(root: PathBuf) -> impl Fn(&str) -> Option<u64> {
    move |path| {
        let modified = root.join(path).symlink_metadata().ok()?.modified().ok()?;
        let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(since.as_secs() / 86_400)
    }
}

/// The documents of a tree; `path` is where it is on disk.
pub fn documents(
    tree: &Node,
    format: Format,
    place: &Place,
    path: &Path,
) -> Result<Vec<Document>, Failure> {
    let single = |text: String| {
        vec![Document {
            path: PathBuf::from(format.file()),
            bytes: text.into_bytes(),
        }]
    };
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    match format {
        Format::Html => {
            let below = Path::new(&place.from).components().count();
            let root = path.ancestors().nth(below).unwrap_or(path);
            let changed = last_changed(root.to_path_buf());
            let page = page::html(tree, &place.origin, &changed);
            Ok(single(page.map_err(failed)?))
        }
        Format::HtmlStatic => Ok(single(static_html::html(tree, &place.origin.name))),
        Format::MarkdownSingle => Ok(single(markdown::single(tree, &place.origin))),
        Format::Markdown => each(tree, format, |directory| {
            Ok(markdown::page(directory, place).into_bytes())
        }),
        Format::Index => each(tree, format, |directory| {
            index::render(directory).map_err(|error| failed(error.into()))
        }),
    }
}

/// A document for each directory.
fn each(
    tree: &Node,
    format: Format,
    render: impl Fn(&DirectoryNode) -> Result<Vec<u8>, Failure>,
) -> Result<Vec<Document>, Failure> {
    let from = exact(tree);
    let mut open = vec![tree];
    let mut all = Vec::new();
    while let Some(node) = open.pop() {
        let Node::Directory(directory) = node else {
            continue;
        };
        let path = exact(node);
        let below = path.strip_prefix(&from).unwrap_or(&path);
        all.push(Document {
            path: below.join(format.file()),
            bytes: render(directory)?,
        });
        open.extend(directory.children.iter().flatten());
    }
    Ok(all)
}

/// The path of a node with its exact bytes.
fn exact(node: &Node) -> PathBuf {
    let common = node.common();
    let bytes = common.path_base64.as_ref();
    let bytes = bytes.and_then(|text| STANDARD.decode(text).ok());
    let bytes = bytes.unwrap_or_else(|| common.path.clone().into_bytes());
    PathBuf::from(OsString::from_vec(bytes))
}

/// Files that an earlier export of this format wrote and that are not among `documents`.
pub fn leftovers(folder: &Path, format: Format, documents: &[Document]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = match format.is_single() {
        true => Vec::new(),
        false => vec![folder.to_path_buf()],
    };
    let known: std::collections::BTreeSet<&Path> =
        documents.iter().map(|one| one.path.as_path()).collect();
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if entry.file_name() == format.file()
                && path
                    .strip_prefix(folder)
                    .is_ok_and(|below| !known.contains(below))
                && fs::read(&path).is_ok_and(|bytes| format.wrote(&bytes))
            {
                found.push(path);
            }
        }
    }
    found
}
