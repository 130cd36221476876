//! Paths as people type them, made absolute.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::client::locate::{canonical, work_tree};
use crate::wire::target::{Base, Outside, Target, clean_path};

/// The absolute path of `path`, or of the current folder. Symbolic links are resolved as far as the path exists; the
/// rest stays as written, because a node may be named that is deleted.
///
/// # Errors
///
/// The current folder is needed and gone.
pub fn absolute(path: Option<&Path>) -> Result<PathBuf, Failure> {
    Ok(target(path)?.path)
}

/// The same with the line or definition that was named: `src/a.py:42`, `src/a.py#L3`, `src/a.py:Cart.add`.
///
/// # Errors
///
/// The current folder is needed and gone.
pub fn target(path: Option<&Path>) -> Result<Target, Failure> {
    let path = path.unwrap_or(Path::new("."));
    let here = match path.is_absolute() {
        true => PathBuf::from("/"),
        false => current_folder()?,
    };
    // A name that is not UTF-8 has one reading.
    let Some(text) = path.to_str() else {
        let path = canonical(&physical(&here.join(path)));
        return Ok(Target { path, spot: None });
    };
    let home = std::env::home_dir();
    let base = Base {
        folder: &here,
        home: home.as_deref(),
    };
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    // A `..` behind a symbolic link leads to the folder above the link's end: the system's reading goes first.
    let whole = here.join(path);
    let target = match exists(&whole) {
        true => Target {
            path: whole,
            spot: None,
        },
        false => base.resolve(text, exists),
    };
    Ok(Target {
        path: canonical(&physical(&target.path)),
        ..target
    })
}

/// A glob as people type it, relative to a repository's root.
///
/// # Errors
///
/// It is outside of the root, or the current folder is gone.
pub fn glob(text: &str, root: &Path) -> Result<String, Failure> {
    let here = canonical(&current_folder()?);
    let home = std::env::home_dir();
    let base = Base {
        // A plain glob is relative to the root; one with `./` to the current folder.
        folder: if here.starts_with(root) { &here } else { root },
        home: home.as_deref(),
    };
    base.glob(text, root, canonical)
        .map_err(|Outside| Failure::Failed(format!("--glob {text}: outside of {}", root.display())))
}

/// The repository's root for a verb that got no path: the git work tree of the current folder, else that folder.
///
/// # Errors
///
/// The current folder is gone.
pub fn root_here() -> Result<PathBuf, Failure> {
    let here = absolute(None)?;
    Ok(work_tree(&here).unwrap_or(here))
}

/// The path without `.` and `..`, where links before a `..` are followed as the system follows them.
fn physical(path: &Path) -> PathBuf {
    for start in path.ancestors() {
        if let (Ok(found), Ok(rest)) = (start.canonicalize(), path.strip_prefix(start)) {
            return clean_path(&found.join(rest));
        }
    }
    clean_path(path)
}

fn current_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::Failed(format!(
            "the current folder cannot be found ({error}): change to one that exists"
        ))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::wire::target::Spot;

    #[test]
    fn links_are_resolved_as_far_as_the_path_exists() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/sub")).unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        for (given, expected) in [
            ("link/sub", "real/sub"),
            ("link/gone/below.py", "real/gone/below.py"),
            ("link/gone/../x.py", "real/x.py"),
            ("real/./sub/../sub/", "real/sub"),
            ("real/sub/../../link", "real"),
        ] {
            let found = absolute(Some(&root.join(given))).unwrap();
            assert_eq!(found, root.join(expected), "{given}");
        }
        assert_eq!(absolute(Some(Path::new("/"))).unwrap(), Path::new("/"));
    }

    #[test]
    fn a_line_is_read_off_a_file_s_path() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::write(root.join("a.py"), "").unwrap();
        let address = format!("file://{}/a.py#L7", root.display());
        let found = target(Some(Path::new(&address))).unwrap();
        assert_eq!(found.path, root.join("a.py"));
        assert_eq!(found.spot, Some(Spot::Line(7)));
        let found = target(Some(&root.join("a.py:Cart"))).unwrap();
        assert_eq!(found.spot, Some(Spot::Symbol("Cart".to_owned())));
    }

    #[test]
    fn without_a_path_it_is_the_current_folder() {
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(absolute(None).unwrap(), here);
        assert_eq!(absolute(Some(Path::new("x/y"))).unwrap(), here.join("x/y"));
    }
}
