//! Recognizes what Epitome wrote, by content: an export under any name, in any clone, and a store.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use regex::bytes::Regex;
use rustix::fs::{Mode, OFlags};

/// The rule for an exported file.
pub(super) const EXPORT: &str = "Epitome's export";
/// The rule for a store.
pub(super) const STORE: &str = "Epitome's store";
/// The file that marks a store, and how it begins.
pub(super) const STORE_MARKER: &str = "format";
const STORE_HEAD: &[u8] = b"epitome store ";

/// How much of a file is looked at, in bytes: an index begins with a path and a summary.
const HEAD: u64 = 16 << 10;

/// The names of exported files, and how their content begins.
static EXPORTS: LazyLock<Vec<(&[u8], Regex)>> = LazyLock::new(|| {
    let string = r#""(?:[^"\\]|\\.)*""#;
    let index = format!(
        r#"^\{{\s*"path": {string},\s*"summary": (?:null|{string}),\s*(?:"freshness": "[a-z]+",\s*)?"files": \["#
    );
    let generated = r"(?i-u)<!--[^>]{0,40}(?:generated|written|exported) by epitome|epitome:export";
    let rows: [(&[u8], &str); 5] = [
        (b"index.json", &index),
        (b"README.md", generated),
        (b"index.md", generated),
        (
            b"index.html",
            r#"(?i-u)<meta name="?generator"? content="?epitome"#,
        ),
        (b"index.html", generated),
    ];
    let compiled = rows
        .into_iter()
        .filter_map(|(name, pattern)| Some((name, Regex::new(pattern).ok()?)));
    compiled.collect()
});

/// Whether the file at `path`, of that name, is part of an export.
pub(super) fn is_export(name: &[u8], path: &Path) -> bool {
    let mut rows = EXPORTS
        .iter()
        .filter(|(known, _)| *known == name)
        .peekable();
    if rows.peek().is_none() {
        return false;
    }
    let head = head_of(path);
    rows.any(|(_, pattern)| pattern.is_match(&head))
}

/// Whether a folder that contains [`STORE_MARKER`] is a store.
pub(super) fn is_store(folder: &Path) -> bool {
    head_of(&folder.join(STORE_MARKER)).starts_with(STORE_HEAD)
}

fn head_of(path: &Path) -> Vec<u8> {
    let flags =
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let mut head = Vec::new();
    if let Ok(descriptor) = rustix::fs::open(path, flags, Mode::empty()) {
        // What cannot be read is not recognized.
        let _ = File::from(descriptor).take(HEAD).read_to_end(&mut head);
    }
    head
}
