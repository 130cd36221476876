//! The part of the configuration that decides which files are in the tree, and what is wrong with it.

use std::path::{Component, Path, PathBuf};

use crate::model::path::RelPath;

/// The `[files]` and `[export]` sections of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRules {
    /// Globs in `.gitignore` syntax, relative to the root. If there are any, only files that match one, or that lie
    /// in a folder that matches one, are kept.
    pub include: Vec<String>,
    /// Globs in the same syntax. A match is ignored whatever other rules say.
    pub exclude: Vec<String>,
    /// The export folder, relative to the root. It is never part of the tree. A folder outside the tree has no effect
    /// here.
    pub export_dir: Option<String>,
    /// Whether virtual environments, installed packages and the like are left out without any rule.
    pub defaults: bool,
    /// Whether git's attributes decide which files are generated, vendored or documentation.
    pub attributes: bool,
}

impl Default for FileRules {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            export_dir: None,
            defaults: true,
            attributes: true,
        }
    }
}

/// Why the rules cannot be built.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RulesError {
    /// A glob in the configuration that can never match.
    #[error("the glob \"{glob}\" in [files] {key} cannot work: {flaw}")]
    BadGlob {
        /// `include` or `exclude`.
        key: &'static str,
        /// The glob as written.
        glob: String,
        /// What is wrong with it.
        flaw: &'static str,
    },
    /// The export folder is the root itself, so nothing would remain.
    #[error("[export] dir = \"{0}\" is the repository's root; name a folder of its own below it")]
    BadExportFolder(String),
}

/// The export folder relative to the root; `None` if it is unset or outside the tree.
pub(super) fn export_folder(root: &Path, written: &str) -> Result<Option<RelPath>, RulesError> {
    if written.is_empty() {
        return Ok(None);
    }
    let mut absolute = PathBuf::new();
    for part in root.join(written).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                absolute.pop();
            }
            part => absolute.push(part),
        }
    }
    match RelPath::below(root, &absolute) {
        Some(path) if path.is_root() => Err(RulesError::BadExportFolder(written.to_owned())),
        path => Ok(path),
    }
}
