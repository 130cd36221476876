//! The query of a request, decoded byte by byte, because a path need not be UTF-8.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::wire::percent;
use crate::wire::protocol::{PROBLEM_BAD_REQUEST, Problem};
use crate::wire::target::{Base, Target, from_uri};

/// The pairs of one query.
pub(super) struct Query(Vec<(&'static str, Vec<u8>)>);

impl Query {
    /// The pairs of `raw`. Its keys must be among `known` and must not repeat.
    pub(super) fn parse(raw: Option<&str>, known: &[&'static str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(&'static str, Vec<u8>)> = Vec::new();
        for pair in raw.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(key) = known.iter().find(|known| **known == key) else {
                return Err(bad(format!(
                    "the query has the unknown key {key}; known here: {}",
                    match known {
                        [] => "none".to_owned(),
                        known => known.join(", "),
                    }
                )));
            };
            if pairs.iter().any(|(earlier, _)| earlier == key) {
                return Err(bad(format!("the query has {key} more than once")));
            }
            let value = percent::decode(value)
                .ok_or_else(|| bad(format!("{key} is not percent-encoded: write % as %25")))?;
            pairs.push((key, value));
        }
        Ok(Self(pairs))
    }

    /// The absolute path under `path`, if given.
    pub(super) fn path(&self) -> Result<Option<PathBuf>, Problem> {
        self.path_of("path")
    }

    /// The absolute path under `key`, if given.
    pub(super) fn path_of(&self, key: &str) -> Result<Option<PathBuf>, Problem> {
        Ok(self.target_of(key)?.map(|target| target.path))
    }

    /// The same with the line or definition that was named with it.
    pub(super) fn target_of(&self, key: &str) -> Result<Option<Target>, Problem> {
        let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        let exists = |bytes: &[u8]| path(bytes).symlink_metadata().is_ok();
        let Some(bytes) = self.value(key) else {
            return Ok(None);
        };
        // A client that does not encode writes `c++` as it is.
        let plus: Vec<u8> = (bytes.iter())
            .map(|byte| if *byte == b' ' { b'+' } else { *byte })
            .collect();
        let bytes = match !exists(bytes) && exists(&plus) {
            true => &plus,
            false => bytes,
        };
        target(path(bytes)).map(Some)
    }

    /// The text under `key`, if given.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Problem> {
        self.value(key)
            .map(|bytes| {
                String::from_utf8(bytes.to_vec())
                    .map_err(|_| bad(format!("{key} must be UTF-8, percent-encoded")))
            })
            .transpose()
    }

    /// The number under `key`, if given.
    pub(super) fn number(&self, key: &str) -> Result<Option<usize>, Problem> {
        self.value(key)
            .map(|bytes| {
                std::str::from_utf8(bytes)
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| bad(format!("{key} must be a whole number, 0 or more")))
            })
            .transpose()
    }

    fn value(&self, key: &str) -> Option<&[u8]> {
        let pair = self.0.iter().find(|(name, _)| *name == key);
        pair.map(|(_, value)| value.as_slice())
    }
}

/// The path, if it is absolute.
pub(super) fn absolute(path: PathBuf) -> Result<PathBuf, Problem> {
    Ok(target(path)?.path)
}

/// What an absolute path names: `file:///a`, `/a/../b`, `/a.py:42`. What exists as written stays so.
fn target(path: PathBuf) -> Result<Target, Problem> {
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    match path.to_str() {
        Some(text) if from_uri(text).is_some() || (path.is_absolute() && !exists(&path)) => {
            let base = Base {
                folder: Path::new("/"),
                home: None,
            };
            Ok(base.resolve(text, exists))
        }
        _ if path.is_absolute() => Ok(Target { path, spot: None }),
        _ => Err(bad(format!("path must be absolute, not {path:?}"))),
    }
}

/// A required path or target.
pub(super) fn needed<T>(path: Option<T>) -> Result<T, Problem> {
    path.ok_or_else(|| bad("path is missing: give the absolute path".to_owned()))
}

pub(super) fn bad(detail: String) -> Problem {
    Problem::new(PROBLEM_BAD_REQUEST, detail)
}
