//! Where git keeps what it ignores, apart from the tree: found by looking, never by running git or changing anything.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::read_small;

/// A git repository, and the work tree of it that starts somewhere.
#[derive(Debug)]
pub(super) struct Place {
    /// The top of the work tree.
    pub(super) work_tree: PathBuf,
    /// The work tree's own folder: `.git`, or what it points to.
    pub(super) own: PathBuf,
    /// What all work trees of the repository have in common.
    pub(super) common: PathBuf,
}

impl Place {
    /// The repository whose work tree starts at `directory`, or `None` where none does. `.git` may be a file that
    /// points elsewhere: a work tree or a submodule.
    pub(super) fn at(directory: &Path) -> Option<Self> {
        let own = git_directory(directory)?;
        // git wants a HEAD before it believes that this is a repository; so an empty `.git` is none.
        fs::symlink_metadata(own.join("HEAD")).ok()?;
        let common = pointed(&own, &own.join("commondir"), b"").unwrap_or_else(|| own.clone());
        common.join("objects").is_dir().then(|| Self {
            work_tree: directory.to_path_buf(),
            own,
            common,
        })
    }

    /// The `info/exclude` file, which need not exist.
    pub(super) fn exclude_file(&self) -> PathBuf {
        self.common.join("info").join("exclude")
    }
}

/// What `.git` in `directory` is or points to, whether it is a whole repository or not yet.
fn git_directory(directory: &Path) -> Option<PathBuf> {
    let mark = directory.join(".git");
    if fs::metadata(&mark).ok()?.is_dir() {
        return Some(mark);
    }
    pointed(directory, &mark, b"gitdir: ")
}

/// What decides, apart from `.git` itself, whether the work tree of a repository starts at `directory` and what its
/// exclude file says. A repository is made step by step: none of these need exist.
pub(super) fn inputs(directory: &Path) -> Vec<PathBuf> {
    let Some(git_directory) = git_directory(directory) else {
        return Vec::new();
    };
    let common = pointed(&git_directory, &git_directory.join("commondir"), b"");
    let mut inputs = Vec::new();
    // By one name each: the same folder is watched under one path only.
    if let Ok(own) = git_directory.canonicalize() {
        inputs.extend(["HEAD", "commondir"].map(|name| own.join(name)));
    }
    if let Ok(common) = common.unwrap_or(git_directory).canonicalize() {
        inputs.extend(["objects", "info", "info/exclude"].map(|name| common.join(name)));
    }
    inputs
}

/// What stands in a repository's own folder while git changes many files of its work tree.
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

/// The work tree of a git repository that `root` lies in without being its top. Like git, it does not look beyond
/// the file system of `root`.
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
