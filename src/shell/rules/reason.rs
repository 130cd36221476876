//! Why a path is not in the tree, in words that name the rule and where it is written.

use std::fmt;

/// Why a path is not in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is part of `.git`.
    Git,
    /// A line of an ignore file.
    Pattern {
        /// The file, relative to the root where it is in the tree.
        file: String,
        /// The line, 1-based.
        line: u32,
        /// Whether git knows the rule: then it does not apply to tracked files.
        of_git: bool,
    },
    /// A glob of `[files] exclude`.
    Exclude(String),
    /// No glob of `[files] include` matches.
    NotIncluded,
    /// The export folder of the configuration.
    ExportFolder,
    /// Written by Epitome itself.
    Own(&'static str),
    /// A default of `[files] defaults`.
    Default(&'static str),
}

impl Reason {
    /// The rule's name in a status report; `None` for the rules of the repository and of its users.
    pub fn reported(&self) -> Option<&'static str> {
        match self {
            Self::Own(rule) | Self::Default(rule) => Some(rule),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git => f.write_str("part of git's own data"),
            Self::Pattern { file, line, .. } => write!(f, "ignored by {file}:{line}"),
            Self::Exclude(glob) => write!(f, "excluded by [files] exclude = \"{glob}\""),
            Self::NotIncluded => f.write_str("not matched by [files] include"),
            Self::ExportFolder => f.write_str("part of the export folder ([export] dir)"),
            Self::Own(rule) => write!(f, "left out as {rule}"),
            Self::Default(rule) => write!(
                f,
                "left out by default as {rule}; `git add -f` it or set [files] defaults = false to include it"
            ),
        }
    }
}
