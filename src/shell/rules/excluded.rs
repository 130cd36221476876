//! Remembers what the defaults left out, and counts its files when a report is requested.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::reason::Reason;
use crate::model::path::RelPath;

/// How many paths are remembered: a report of more names the same rules.
const MOST_PATHS: usize = 10_000;

/// Paths that are left out, but not those in a folder that is.
#[derive(Debug, Default)]
pub(super) struct Excluded(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether each is a directory.
    paths: BTreeMap<RelPath, bool>,
    /// The last report, and for how many paths.
    report: Option<(usize, Vec<(&'static str, u64)>)>,
}

impl Excluded {
    /// Remembers a path, if its reason is reported.
    pub(super) fn note(&self, path: &RelPath, reason: Option<&Reason>, is_directory: bool) {
        if reason.and_then(Reason::reported).is_none() {
            return;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.paths.len() < MOST_PATHS && !state.paths.contains_key(path) {
            state.paths.insert(path.clone(), is_directory);
        }
    }

    /// Each rule with the number of files that it leaves out. `explain` says why a path is left out now.
    pub(super) fn counted(
        &self,
        root: &Path,
        explain: impl Fn(&RelPath, bool) -> Option<Reason>,
    ) -> Vec<(&'static str, u64)> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((paths, report)) = &state.report
            && *paths == state.paths.len()
        {
            return report.clone();
        }
        let paths = state.paths.clone();
        drop(state);
        let mut rules: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut counted: Option<RelPath> = None;
        for (path, is_directory) in &paths {
            if counted.as_ref().is_some_and(|above| path.is_within(above)) {
                continue;
            }
            // For a folder that its own content closes, the rules are applied to an entry that cannot exist.
            let inside = path.join(b"\0");
            let (path_to_explain, as_directory) = match is_directory {
                true => (&inside, false),
                false => (path, false),
            };
            let rule = explain(path_to_explain, as_directory).and_then(|reason| reason.reported());
            let Some(rule) = rule else { continue };
            let files = match is_directory {
                true => files_below(&path.under(root)),
                false => u64::from(path.under(root).symlink_metadata().is_ok()),
            };
            if files > 0 {
                *rules.entry(rule).or_default() += files;
            }
            if *is_directory {
                counted = Some(path.clone());
            }
        }
        let report: Vec<(&'static str, u64)> = rules.into_iter().collect();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.report = Some((paths.len(), report.clone()));
        report
    }
}

/// How many files are below a folder; links are not followed.
fn files_below(folder: &Path) -> u64 {
    let mut files = 0;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files += 1,
                _ => {}
            }
        }
    }
    files
}
