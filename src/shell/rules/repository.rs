//! The rules of one git repository that are outside its tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::{Environment, Settings};
use super::files::{Seen, read_small};
use super::git::Place;
use super::pattern::PatternList;
use super::tracked::Tracked;
use crate::model::digest::Digest;

/// A list of patterns and the file that it was read from, if there is one.
type SourcedList = (Option<PathBuf>, PatternList);

/// The rules, as read at one moment.
#[derive(Debug)]
pub(super) struct GitRules {
    /// Its `info/exclude`.
    pub(super) exclude: SourcedList,
    /// The user's excludes file; each repository may name another one.
    pub(super) excludes_file: SourcedList,
    /// Whether patterns ignore case.
    pub(super) ignore_case: bool,
    /// The files that git tracks.
    pub(super) tracked: Arc<Tracked>,
    /// The directory shared by all work trees of the repository, canonical.
    pub(super) common: PathBuf,
    /// Every file that was read or looked for, with its digest.
    pub(super) files: Vec<Seen>,
}

impl GitRules {
    /// The rules of the repository whose work tree starts at `directory`, if any.
    pub(super) fn of(directory: &Path, environment: &Environment) -> Option<Self> {
        let place = Place::at(directory)?;
        let settings = environment.settings(Some(&place));
        let tracked = Tracked::open(place.index_file(), settings.sha256);
        Some(Self::from(&place, settings, Arc::new(tracked)))
    }

    /// The files that were read or looked for, as they are now.
    pub(super) fn files_now(directory: &Path, environment: &Environment) -> Option<Vec<Seen>> {
        let place = Place::at(directory)?;
        let settings = environment.settings(Some(&place));
        let nothing = Tracked::open(PathBuf::new(), false);
        Some(Self::from(&place, settings, Arc::new(nothing)).files)
    }

    fn from(place: &Place, settings: Settings, tracked: Arc<Tracked>) -> Self {
        let ignore_case = settings.ignore_case;
        let mut files = settings.files;
        let mut read = |file: PathBuf| {
            let bytes = read_small(&file, true);
            files.push((file.clone(), bytes.as_deref().map(Digest::of_file)));
            let list = bytes.map(|bytes| PatternList::parse(&bytes, ignore_case));
            (Some(file), list.unwrap_or_default())
        };
        let common = place.common.canonicalize();
        Self {
            exclude: read(place.exclude_file()),
            excludes_file: settings.excludes_file.map(read).unwrap_or_default(),
            ignore_case,
            tracked,
            common: common.unwrap_or_else(|_| place.common.clone()),
            files,
        }
    }
}
