//! Which repository a folder belongs to: the nearest work tree of git at or above it, and whether that is watched.

use std::path::{Path, PathBuf};

use crate::wire::protocol::Repository;

/// What a folder belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// The watched repository with this root.
    Watched(String),
    /// This root, which is not watched. Another watched repository around it must not answer for it.
    Unwatched(PathBuf),
}

/// Finds the repository that `folder`, a canonical path, belongs to.
///
/// A linked work tree, a submodule and a nested repository are repositories of their own, wherever they lie. A folder
/// outside of every work tree belongs to the innermost watched folder that holds it, else to itself.
pub fn locate(folder: &Path, repositories: &[Repository]) -> Located {
    let holding = repositories
        .iter()
        .filter(|one| holds(&one.path, folder))
        .max_by_key(|one| one.path.len());
    let root = work_tree(folder);
    match (holding, root) {
        (Some(held), Some(root))
            if !root.starts_with(real(&held.path)) || real(&held.path) == root =>
        {
            Located::Watched(held.path.clone())
        }
        (_, Some(root)) => Located::Unwatched(root),
        (Some(held), None) => Located::Watched(held.path.clone()),
        (None, None) => Located::Unwatched(folder.to_path_buf()),
    }
}

/// The root of the git work tree that holds `folder`. The home folder and what is above it count only where `folder`
/// itself is that: a repository of dot files is not the project of a folder below it.
pub fn work_tree(folder: &Path) -> Option<PathBuf> {
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    let above = folder.ancestors().take_while(|above| {
        *above == folder || home.as_ref().is_none_or(|home| !home.starts_with(above))
    });
    above
        .into_iter()
        .find(|above| is_work_tree(above))
        .map(Path::to_path_buf)
}

/// Whether a git work tree starts at `folder`: there is a folder or a file called `.git`.
pub fn is_work_tree(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}

/// Whether git would take that work tree for one: an empty `.git` is no repository.
pub fn is_repository(folder: &Path) -> bool {
    let mark = folder.join(".git");
    let found = mark.symlink_metadata();
    found.is_ok_and(|found| found.is_file() || mark.join("HEAD").symlink_metadata().is_ok())
}

/// Whether the repository at `root`, which may be reached through a link, holds `folder`.
fn holds(root: &str, folder: &Path) -> bool {
    folder.starts_with(root) || folder.starts_with(real(root))
}

fn real(root: &str) -> PathBuf {
    Path::new(root)
        .canonicalize()
        .unwrap_or_else(|_| root.into())
}

/// The path with links resolved as far as it exists, the rest as written: it may name what was deleted.
pub fn canonical(path: &Path) -> PathBuf {
    for start in path.ancestors() {
        if let (Ok(found), Ok(rest)) = (start.canonicalize(), path.strip_prefix(start)) {
            return match rest.as_os_str().is_empty() {
                true => found,
                false => found.join(rest),
            };
        }
    }
    path.to_path_buf()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;
    use crate::client::fake::repository;

    #[test]
    fn the_nearest_work_tree_is_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let at = |path: &str| top.join(path);
        for repo in ["r", "r/third/lib"] {
            fs::create_dir_all(at(repo).join(".git")).unwrap();
            fs::write(at(repo).join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        }
        for path in [
            "r/src",
            "r/.worktrees/w/src",
            "r/empty/.git",
            "r/third/lib/x",
            "plain/sub",
        ] {
            fs::create_dir_all(at(path)).unwrap();
        }
        fs::write(at("r/.worktrees/w/.git"), "gitdir: /r/.git/worktrees/w\n").unwrap();
        let watched = |roots: &[&str]| -> Vec<Repository> {
            let paths = roots.iter().map(|root| at(root));
            paths
                .map(|root| repository(root.to_str().unwrap()))
                .collect()
        };
        let r = watched(&["r"]);
        let is = |folder: &str, repositories: &[Repository], expected: Result<&str, &str>| {
            let expected = match expected {
                Ok(root) => Located::Watched(at(root).to_string_lossy().into_owned()),
                Err(root) => Located::Unwatched(at(root)),
            };
            assert_eq!(locate(&at(folder), repositories), expected, "{folder}");
        };
        is("r/src", &r, Ok("r"));
        is("r/empty", &r, Err("r/empty"));
        is("r/.worktrees/w/src", &r, Err("r/.worktrees/w"));
        is("r/third/lib/x", &r, Err("r/third/lib"));
        is(
            "r/third/lib/x",
            &watched(&["r", "r/third/lib"]),
            Ok("r/third/lib"),
        );
        is("r/src", &[], Err("r"));
        is("plain/sub", &[], Err("plain/sub"));
        is("plain/sub", &watched(&["plain"]), Ok("plain"));
        // A part of a repository may be watched alone.
        is("r/src", &watched(&["r/src"]), Ok("r/src"));
        is("r", &watched(&["r/src"]), Err("r"));
    }
}
