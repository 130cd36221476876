//! What was used up on which day, and for which repository. It stands in the journal, all of a day's and repository's
//! numbers anew with each change.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::journal::Entry;
use super::{Store, StoreError};
use crate::model::usage::Usage;

/// Days with any use that are kept; earlier ones are forgotten. Days that were seen are counted, and not the calendar's,
/// so that a clock that was wrong once costs no history.
pub(super) const DAYS: usize = 400;
/// Repositories that are counted separately on one day; further ones are counted together, without a root.
const ROOTS: usize = 100;
/// What one day's and repository's numbers take in the file, about.
const ENTRY_BYTES: u64 = 120;

/// All that was used on a day by one repository. The last one of both counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Used {
    /// Days since 1970, UTC.
    pub day: u64,
    /// The bytes of the root's path; empty: no particular repository.
    pub root: Vec<u8>,
    /// See [`Usage::counts`]: as many as there were in the version that wrote it.
    pub counts: Vec<u64>,
}

/// As the first versions wrote it: all of a day in one, without the later numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct UsedBefore([u64; 5]);

/// What was used, by day and root.
#[derive(Clone, Debug, Default)]
pub(super) struct Days(BTreeMap<u64, BTreeMap<Vec<u8>, Usage>>);

impl Days {
    pub fn add(&mut self, used: Used) {
        let usage = Usage::of_counts(&used.counts);
        self.set(used.day, used.root, usage);
    }

    /// Adds a day's numbers from an earlier version, which belong to no particular repository.
    pub fn add_before(&mut self, day: u64, used: &UsedBefore) {
        self.set(day, Vec::new(), Usage::of_counts(&used.0));
    }

    fn set(&mut self, day: u64, root: Vec<u8>, usage: Usage) {
        self.0.entry(day).or_default().insert(root, usage);
        while self.0.len() > DAYS {
            self.0.pop_first();
        }
    }

    /// All of a day.
    pub fn of_day(&self, day: u64) -> Usage {
        let roots = self.0.get(&day).into_iter().flat_map(BTreeMap::values);
        roots.fold(Usage::default(), |sum, usage| sum.plus(*usage))
    }

    /// The entry that says the same with `more` added.
    fn with(&self, day: u64, root: &[u8], more: Usage) -> Used {
        let roots = self.0.get(&day);
        let known = roots.and_then(|roots| roots.get(root));
        let is_room = roots.is_none_or(|roots| roots.len() < ROOTS);
        let root = if known.is_some() || is_room {
            root
        } else {
            &[]
        };
        let known = roots.and_then(|roots| roots.get(root)).copied();
        Used {
            day,
            root: root.to_vec(),
            counts: known.unwrap_or_default().plus(more).counts().to_vec(),
        }
    }

    /// All of it as entries.
    pub fn entries(&self) -> impl Iterator<Item = Used> {
        self.0.iter().flat_map(|(&day, roots)| {
            roots.iter().map(move |(root, usage)| Used {
                day,
                root: root.clone(),
                counts: usage.counts().to_vec(),
            })
        })
    }

    /// What that takes, about.
    pub fn bytes(&self) -> u64 {
        let entries: usize = self.0.values().map(BTreeMap::len).sum();
        entries as u64 * ENTRY_BYTES
    }
}

impl Store {
    /// What was used up on a day (days since 1970, UTC).
    ///
    /// # Errors
    /// None today: it is read when the store is opened.
    pub fn usage(&self, day: u64) -> Result<Usage, StoreError> {
        Ok(self.journal.with_usage(|days| days.of_day(day)))
    }

    /// What was used up on the latest `days` days that saw any, by day and repository's root, the latest day first. An
    /// empty root stands for what no repository is known of.
    pub fn usage_by_day(&self, days: usize) -> Vec<(u64, Vec<(PathBuf, Usage)>)> {
        self.journal.with_usage(|all| {
            let latest = all.0.iter().rev().take(days);
            latest
                .map(|(&day, roots)| {
                    let roots = roots.iter().map(|(root, usage)| {
                        (PathBuf::from(OsString::from_vec(root.clone())), *usage)
                    });
                    (day, roots.collect())
                })
                .collect()
        })
    }

    /// Adds to what was used up on a day for the repository of that root. It survives the process, and is not waited
    /// for on the disk.
    ///
    /// # Errors
    /// Where it could not be written.
    pub fn add_usage(&self, day: u64, root: &Path, delta: Usage) -> Result<(), StoreError> {
        let _writing = self.write();
        let root = root.as_os_str().as_bytes();
        let used = self.journal.with_usage(|days| days.with(day, root, delta));
        self.append(&[Entry::Used(used)], false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(requests: u64) -> Usage {
        Usage {
            requests,
            ..Usage::default()
        }
    }

    #[test]
    fn days_and_roots_are_bounded_and_nothing_is_lost_of_a_day() {
        let mut days = Days::default();
        for root in 0..ROOTS + 50 {
            let more = days.with(1, format!("/{root}").as_bytes(), one(1));
            days.add(more);
        }
        assert_eq!(days.0[&1].len(), ROOTS + 1);
        assert_eq!(days.of_day(1), one(ROOTS as u64 + 50));
        for day in 2..=DAYS as u64 + 1 {
            let more = days.with(day, b"/r", one(1));
            days.add(more);
        }
        assert_eq!(days.0.len(), DAYS);
        assert_eq!((days.of_day(1), days.of_day(2)), (one(0), one(1)));
    }
}
