//! The rules of one git repository that are outside its tree.

use std::path::{Path, PathBuf};

use super::config::Environment;
use super::files::{Seen, read_small};
use super::git::Place;
use super::pattern::PatternList;
use crate::model::digest::Digest;

/// The rules, as read at one moment.
#[derive(Debug)]
pub(super) struct GitRules {
    /// Its `info/exclude`.
    pub(super) exclude: PatternList,
    /// The user's excludes file; each repository may name another one.
    pub(super) excludes_file: PatternList,
    /// Whether patterns match names without regard to case.
    pub(super) ignore_case: bool,
    /// Every file that was read or looked for, with its digest.
    pub(super) files: Vec<Seen>,
}

impl GitRules {
    /// The rules of the repository whose work tree starts at `directory`, if any.
    pub(super) fn of(directory: &Path, environment: &Environment) -> Option<Self> {
        let place = Place::at(directory)?;
        let settings = environment.settings(Some(&place));
        let ignore_case = settings.ignore_case;
        let mut files = settings.files;
        let mut read = |file: PathBuf| {
            let bytes = read_small(&file, true);
            files.push((file, bytes.as_deref().map(Digest::of_file)));
            bytes.map_or_else(PatternList::default, |bytes| {
                PatternList::parse(&bytes, ignore_case)
            })
        };
        Some(Self {
            exclude: read(place.exclude_file()),
            excludes_file: settings.excludes_file.map(read).unwrap_or_default(),
            ignore_case,
            files,
        })
    }
}
