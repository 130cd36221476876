//! Compares the daemon's output with the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use epitome::model::digest::Digest;
use serde_json::Value;

use super::generator::regular_files;

/// A node that is reported as fresh must equal the disk now.
pub fn check(base: &Path, node: &Value, rules: bool) -> Result<(), String> {
    let path = match node["path_base64"].as_str() {
        Some(text) => STANDARD.decode(text).unwrap(),
        None => node["path"].as_str().unwrap().as_bytes().to_vec(),
    };
    let absolute = base.join(OsStr::from_bytes(&path));
    let shown = path.escape_ascii().to_string();
    if node["kind"] == "file" {
        let stat = match fs::symlink_metadata(&absolute) {
            // Its content cannot be checked.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
            found => found.map_err(|error| {
                format!("{shown} is reported as fresh but does not exist: {error}")
            })?,
        };
        let digest = fs::read(&absolute).map(|bytes| Digest::of_file(&bytes).to_string());
        let equal = digest.map_or_else(
            |error| error.kind() == ErrorKind::PermissionDenied,
            |digest| node["digest"] == digest.as_str(),
        );
        // A file with several names can be written through one that is not watched.
        return match equal || stat.nlink() > 1 {
            true => Ok(()),
            false => Err(format!("{shown} is reported as fresh but has changed")),
        };
    }
    if rules {
        return Ok(());
    }
    let known: BTreeSet<Vec<u8>> = node["children"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|child| child["kind"] == "file")
        .map(|child| match child["path_base64"].as_str() {
            Some(text) => STANDARD.decode(text).unwrap(),
            None => child["path"].as_str().unwrap().as_bytes().to_vec(),
        })
        .map(|path| path.rsplit(|&byte| byte == b'/').next().unwrap().to_vec())
        .collect();
    let there: BTreeSet<Vec<u8>> = regular_files(&absolute).into_iter().collect();
    match known == there {
        true => Ok(()),
        false => Err(format!(
            "the directory {shown:?} is reported as fresh with {:?} instead of {:?}",
            escaped(&known),
            escaped(&there)
        )),
    }
}

fn escaped(names: &BTreeSet<Vec<u8>>) -> Vec<String> {
    names
        .iter()
        .map(|name| name.escape_ascii().to_string())
        .collect()
}

/// Whether there is a rule file in the directory or below it.
pub fn has_rules(directory: &Path) -> bool {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            let name = entry.file_name().into_vec();
            name == b".git"
                || name.ends_with(b"ignore")
                || (entry.file_type().is_ok_and(|kind| kind.is_dir()) && has_rules(&entry.path()))
        })
}

/// The first differences, node by node.
pub fn difference(served: &Value, fresh: &Value) -> String {
    let mut lines = Vec::new();
    compare(served, fresh, &mut lines);
    lines.truncate(12);
    match lines.is_empty() {
        true => "equal JSON, but different bytes".to_owned(),
        false => lines.join("\n"),
    }
}

fn compare(served: &Value, fresh: &Value, lines: &mut Vec<String>) {
    let (Some(one), Some(other)) = (served.as_object(), fresh.as_object()) else {
        return;
    };
    let path = &fresh["path"];
    for (key, value) in one {
        if key != "children" && other.get(key) != Some(value) {
            let expected = &fresh[key];
            lines.push(format!("{path}: {key} is {value}, should be {expected}"));
        }
    }
    let children = |node: &Value| -> Vec<Value> {
        let children = node["children"].as_array();
        children.cloned().unwrap_or_default()
    };
    let key = |node: &Value| (node["path"].to_string(), node["path_base64"].to_string());
    let (served, expected_children) = (children(served), children(fresh));
    for child in &served {
        match expected_children
            .iter()
            .find(|other| key(other) == key(child))
        {
            Some(other) => compare(child, other, lines),
            None => lines.push(format!("{} is unexpected", child["path"])),
        }
    }
    for child in &expected_children {
        if !served.iter().any(|other| key(other) == key(child)) {
            lines.push(format!("{} is missing", child["path"]));
        }
    }
}

/// The export that the daemon maintains must equal a new one.
pub fn compare_exports(kept: &Path, fresh: &Path) -> Result<(), String> {
    let [kept, fresh] = [kept, fresh].map(|folder| {
        let mut files = BTreeMap::new();
        gather(folder, folder, &mut files);
        files
    });
    let line = |path: &PathBuf, what: &str| format!("export: {} {what}", path.display());
    let missing = fresh.iter().map(|(path, bytes)| match kept.get(path) {
        None => Some(line(path, "is missing")),
        Some(known) if known != bytes => Some(line(path, "has different content")),
        Some(_) => None,
    });
    let extra = kept.keys().filter(|path| !fresh.contains_key(*path));
    let extra = extra.map(|path| Some(line(path, "is unexpected")));
    let found: Vec<String> = missing.chain(extra).flatten().take(12).collect();
    match found.is_empty() {
        true => Ok(()),
        false => Err(found.join("\n")),
    }
}

fn gather(folder: &Path, at: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(at).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => gather(folder, &path, files),
            false => {
                let bytes = fs::read(&path).unwrap_or_default();
                files.insert(path.strip_prefix(folder).unwrap().to_path_buf(), bytes);
            }
        }
    }
}
