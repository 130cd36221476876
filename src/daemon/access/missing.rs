//! Why a path has no node.

use crate::daemon::context::registry::Entry;
use crate::model::path::RelPath;

/// The reason in words, to follow the path. Reads the disk.
pub(super) fn reason(entry: &Entry, path: &RelPath) -> String {
    let found = path.under(&entry.root).symlink_metadata();
    let is_directory = found.as_ref().is_ok_and(std::fs::Metadata::is_dir);
    let Ok(found) = found else {
        return "no such file or folder".to_owned();
    };
    let rules = entry.rules();
    let reason = match is_directory {
        true => rules.explain_folder(path),
        false => rules.explain(path, false),
    };
    match reason {
        Some(reason) => reason.to_string(),
        None if found.is_symlink() => "symbolic links are not followed".to_owned(),
        None if is_directory => "contains no files".to_owned(),
        None if !found.is_file() => "not a regular file".to_owned(),
        None => "not scanned yet; `epitome wait` returns when it is".to_owned(),
    }
}
