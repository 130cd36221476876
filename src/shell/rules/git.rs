//! Locates git repositories and their files on disk. Never runs git and never changes anything.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::read_small;

/// A git repository and one of its work trees.
#[derive(Debug)]
pub(super) struct Place {
    /// The top of the work tree.
    pub(super) work_tree: PathBuf,
    /// The work tree's own git directory: `.git` or the directory it points to.
    pub(super) own: PathBuf,
    /// The directory shared by all work trees of the repository.
    pub(super) common: PathBuf,
}

impl Place {
    /// The repository whose work tree starts at `directory`, if any. `.git` may be a file that points elsewhere: a
    /// linked work tree or a submodule.
    pub(super) fn at(directory: &Path) -> Option<Self> {
        let own = git_directory(directory)?;
        // git requires a HEAD, so an empty `.git` is not a repository.
        fs::symlink_metadata(own.join("HEAD")).ok()?;
        let common = pointed(&own, &own.join("commondir"), b"").unwrap_or_else(|| own.clone());
        common.join("objects").is_dir().then(|| Self {
            work_tree: directory.to_path_buf(),
            own,
            common,
        })
    }

    /// Whether this is a linked work tree, made by `git worktree add`.
    pub(super) fn is_linked(&self) -> bool {
        self.own != self.common
    }

    /// The top of the main work tree, unless the repository is bare or a submodule.
    pub(super) fn main_work_tree(&self) -> Option<PathBuf> {
        let common = self.common.canonicalize().ok()?;
        (common.file_name()? == ".git").then(|| common.parent().map(Path::to_path_buf))?
    }

    /// The index of this work tree; it need not exist.
    pub(super) fn index_file(&self) -> PathBuf {
        self.own.join("index")
    }

    /// `info/exclude`; it need not exist.
    pub(super) fn exclude_file(&self) -> PathBuf {
        self.common.join("info").join("exclude")
    }
}

/// The directory that `.git` in `directory` is or points to, even if it is not a complete repository yet.
fn git_directory(directory: &Path) -> Option<PathBuf> {
    let mark = directory.join(".git");
    if fs::metadata(&mark).ok()?.is_dir() {
        return Some(mark);
    }
    pointed(directory, &mark, b"gitdir: ")
}

/// Files that decide, besides `.git` itself, whether a repository's work tree starts at `directory`, and its exclude
/// file. A repository is created step by step, so none of these need exist.
pub(super) fn inputs(directory: &Path) -> Vec<PathBuf> {
    let Some(git_directory) = git_directory(directory) else {
        return Vec::new();
    };
    let common = pointed(&git_directory, &git_directory.join("commondir"), b"");
    let mut inputs = Vec::new();
    // Canonical paths, because a folder is watched under one path only.
    if let Ok(own) = git_directory.canonicalize() {
        inputs.extend(["HEAD", "commondir", "index"].map(|name| own.join(name)));
    }
    if let Ok(common) = common.unwrap_or(git_directory).canonicalize() {
        inputs.extend(["objects", "info", "info/exclude"].map(|name| common.join(name)));
    }
    inputs
}

/// Files in a repository's git directory that exist while git is changing the work tree.
pub(super) fn lock_files(directory: &Path) -> Vec<PathBuf> {
    let own = git_directory(directory).and_then(|own| own.canonicalize().ok());
    let names = ["index.lock", "rebase-merge", "rebase-apply"];
    own.map_or_else(Vec::new, |own| {
        names.map(|name| own.join(name)).into_iter().collect()
    })
}

/// The path that `file` names after `mark`, relative to `base`.
fn pointed(base: &Path, file: &Path, mark: &[u8]) -> Option<PathBuf> {
    let bytes = read_small(file, true)?;
    let path = bytes.strip_prefix(mark)?;
    let path = path.split(|byte| b"\r\n".contains(byte)).next()?;
    (!path.is_empty()).then(|| base.join(std::ffi::OsStr::from_bytes(path)))
}

/// The git work tree that contains `root`, if `root` is not itself the top. Like git, this stops at the file system
/// boundary.
pub(super) fn enclosing_work_tree(root: &Path) -> Option<PathBuf> {
    let device = fs::metadata(root).ok()?.dev();
    let mut above = root.parent()?;
    loop {
        if fs::metadata(above).ok()?.dev() != device {
            return None;
        }
        if Place::at(above).is_some() {
            return Some(above.to_path_buf());
        }
        above = above.parent()?;
    }
}
