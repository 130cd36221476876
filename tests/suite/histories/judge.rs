//! Whether what the daemon tells is what stands on the disk.

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

use super::chance::regular_files;

/// What is called fresh has to be as it is on the disk now.
pub fn check(base: &Path, node: &Value, rules: bool) -> Result<(), String> {
    let path = match node["path_base64"].as_str() {
        Some(text) => STANDARD.decode(text).unwrap(),
        None => node["path"].as_str().unwrap().as_bytes().to_vec(),
    };
    let absolute = base.join(OsStr::from_bytes(&path));
    let shown = path.escape_ascii().to_string();
    if node["kind"] == "file" {
        let stat = match fs::symlink_metadata(&absolute) {
            // It cannot be known.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
            found => found.map_err(|error| {
                format!("a lie: {shown} is called fresh and is not there: {error}")
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
            false => Err(format!("a lie: {shown} is called fresh and has changed")),
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
            "a lie: the directory {shown:?} is called fresh, with {:?} instead of {:?}",
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

/// Whether anything below could ignore something.
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
pub fn difference(seen: &Value, true_one: &Value) -> String {
    let mut lines = Vec::new();
    compare(seen, true_one, &mut lines);
    lines.truncate(12);
    match lines.is_empty() {
        true => "the same JSON in other bytes".to_owned(),
        false => lines.join("\n"),
    }
}

fn compare(seen: &Value, true_one: &Value, lines: &mut Vec<String>) {
    let (Some(one), Some(other)) = (seen.as_object(), true_one.as_object()) else {
        return;
    };
    let path = &true_one["path"];
    for (key, value) in one {
        if key != "children" && other.get(key) != Some(value) {
            let expected = &true_one[key];
            lines.push(format!("{path}: {key} is {value}, should be {expected}"));
        }
    }
    let children = |node: &Value| -> Vec<Value> {
        let children = node["children"].as_array();
        children.cloned().unwrap_or_default()
    };
    let key = |node: &Value| (node["path"].to_string(), node["path_base64"].to_string());
    let (mine, theirs) = (children(seen), children(true_one));
    for child in &mine {
        match theirs.iter().find(|other| key(other) == key(child)) {
            Some(other) => compare(child, other, lines),
            None => lines.push(format!("{} is too much", child["path"])),
        }
    }
    for child in &theirs {
        if !mine.iter().any(|other| key(other) == key(child)) {
            lines.push(format!("{} is missing", child["path"]));
        }
    }
}

/// What was kept up to date has to be what is written anew.
pub fn compare_exports(kept: &Path, true_one: &Path) -> Result<(), String> {
    let [kept, true_one] = [kept, true_one].map(|folder| {
        let mut files = BTreeMap::new();
        gather(folder, folder, &mut files);
        files
    });
    let told = |path: &PathBuf, what: &str| format!("export: {} {what}", path.display());
    let missing = true_one.iter().map(|(path, bytes)| match kept.get(path) {
        None => Some(told(path, "is missing")),
        Some(known) if known != bytes => Some(told(path, "says something else")),
        Some(_) => None,
    });
    let extra = kept.keys().filter(|path| !true_one.contains_key(*path));
    let extra = extra.map(|path| Some(told(path, "is too much")));
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
