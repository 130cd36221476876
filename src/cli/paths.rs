//! Paths as people type them, made absolute.

use std::path::{Component, Path, PathBuf};

use super::failure::Failure;

/// The absolute path of `path`, or of the current folder: links resolved as far as the path exists, the rest as
/// written, because a node may be asked for that is deleted.
///
/// # Errors
///
/// The current folder is needed and gone.
pub fn absolute(path: Option<&Path>) -> Result<PathBuf, Failure> {
    let path = path.unwrap_or(Path::new("."));
    let whole = if path.is_absolute() {
        path.to_path_buf()
    } else {
        let here = std::env::current_dir().map_err(|error| {
            Failure::Failed(format!(
                "the current folder cannot be found ({error}): change to one that exists"
            ))
        })?;
        here.join(path)
    };
    for start in whole.ancestors() {
        let (Ok(mut found), Ok(rest)) = (start.canonicalize(), whole.strip_prefix(start)) else {
            continue;
        };
        for part in rest.components() {
            match part {
                Component::Normal(name) => found.push(name),
                Component::ParentDir => {
                    found.pop();
                }
                _ => {}
            }
        }
        return Ok(found);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

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
    fn without_a_path_it_is_the_current_folder() {
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(absolute(None).unwrap(), here);
        assert_eq!(absolute(Some(Path::new("x/y"))).unwrap(), here.join("x/y"));
    }
}
