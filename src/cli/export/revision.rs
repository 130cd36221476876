//! The commit that is checked out, read from git's files: no program of the repository's configuration may run.

use std::fs;
use std::path::{Path, PathBuf};

/// A hash is shortened to this many digits.
const DIGITS: usize = 12;

/// The commit of the repository that contains `path`.
pub fn of(path: &Path) -> Option<String> {
    let dot_git = path
        .ancestors()
        .map(|folder| folder.join(".git"))
        .find(|git| git.exists())?;
    let git = match dot_git.is_dir() {
        true => dot_git,
        false => {
            let text = fs::read_to_string(&dot_git).ok()?;
            dot_git.parent()?.join(text.strip_prefix("gitdir:")?.trim())
        }
    };
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let hash = match head.trim().strip_prefix("ref:") {
        None => head.trim().to_owned(),
        Some(name) => resolve(&git, name.trim())?,
    };
    let is_hash = hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| hash[..DIGITS].to_owned())
}

/// The hash that a reference names, in its own file or among the packed ones.
fn resolve(git: &Path, name: &str) -> Option<String> {
    let common = fs::read_to_string(git.join("commondir"));
    let common: PathBuf = common.map_or(git.to_path_buf(), |text| git.join(text.trim()));
    for folder in [git, &common] {
        if let Ok(hash) = fs::read_to_string(folder.join(name)) {
            return Some(hash.trim().to_owned());
        }
    }
    let packed = fs::read_to_string(common.join("packed-refs")).ok()?;
    let line = packed
        .lines()
        .find(|line| line.split(' ').nth(1) == Some(name))?;
    line.split(' ').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_commit_is_found_in_loose_packed_and_linked_places() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let git = root.join(".git");
        fs::create_dir_all(git.join("refs/heads")).unwrap();
        fs::create_dir_all(root.join("sub")).unwrap();
        let hash = "0123456789abcdef0123456789abcdef01234567";
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        assert_eq!(of(root), None);
        fs::write(
            git.join("packed-refs"),
            format!("# pack\n{hash} refs/heads/main\n"),
        )
        .unwrap();
        assert_eq!(of(&root.join("sub")).as_deref(), Some("0123456789ab"));
        let other = hash.replace('0', "f");
        fs::write(git.join("refs/heads/main"), format!("{other}\n")).unwrap();
        assert_eq!(of(root).as_deref(), Some("f123456789ab"));
        // A linked work tree.
        let linked = tempfile::tempdir().unwrap();
        let own = git.join("worktrees/w");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::write(
            linked.path().join(".git"),
            format!("gitdir: {}\n", own.display()),
        )
        .unwrap();
        assert_eq!(of(linked.path()).as_deref(), Some("f123456789ab"));
        fs::write(git.join("HEAD"), "nonsense").unwrap();
        assert_eq!(of(root), None);
    }
}
