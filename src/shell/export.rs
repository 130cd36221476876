//! Writes the exported files of each directory: atomically, only after a change, and with equal bytes for equal trees, so
//! that the folder can be committed.
//!
//! Invariant: a `README.md` that no export wrote is neither overwritten nor removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::path::RelPath;
use crate::model::stat::Stat;

use super::{lstat, regular};

/// The index. A file of this name in the export folder always belongs to the export.
const INDEX: &str = "index.json";
/// The names of exported files, each with the first bytes of its content.
const FILES: [(&str, &[u8]); 2] = [
    (INDEX, b"{\n  \"path\": \""),
    ("README.md", b"<!-- Written by epitome."),
];
/// The prefix of temporary files.
const UNFINISHED: &str = ".index.json.";

/// The export could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the export at {} cannot be written: {source}", path.display())]
pub struct ExportError {
    path: PathBuf,
    source: io::Error,
}

/// The stats of the written files. No event reports what other programs, such as git, do in the folder.
#[derive(Debug, Default)]
pub struct Known {
    files: Mutex<BTreeMap<(RelPath, &'static str), Stat>>,
    /// Locked while a file is written. A temporary file that exists while it is unlocked is a leftover.
    writing: Mutex<()>,
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(RelPath, &'static str), Stat>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, path: RelPath, name: &'static str, at: &Path) {
        match lstat::stat(&at.join(name)) {
            Some(stat) => self.lock().insert((path, name), stat),
            None => self.lock().remove(&(path, name)),
        };
    }

    /// The directories whose files differ from what was written, or were written by another program. Removes leftover
    /// temporary files: `git add` may have found one while it was being written, and a checkout restores it.
    pub fn changed(&self, base: &Path, folder: &Path) -> Vec<RelPath> {
        let mut known = self.lock().clone();
        let mut changed = BTreeSet::new();
        let abandoned = |unfinished: &Path| {
            let _writing = self.writing();
            remove_unfinished(folder, unfinished);
        };
        for (path, name) in present(base, folder, abandoned) {
            let file = path.under(folder).join(name);
            let key = (path, name);
            let before = known.remove(&key);
            if before != lstat::stat(&file) && (before.is_some() || may_be_exported(&file, name)) {
                changed.insert(key.0);
            }
        }
        changed.extend(known.into_keys().map(|(path, _)| path));
        changed.into_iter().collect()
    }
}

/// A directory's files by name. `None` removes the file if an export wrote it.
pub type Files = Vec<(&'static str, Option<Vec<u8>>)>;

/// Writes the files of each directory below `folder`, and removes those of directories in `gone`. Follows no link below
/// `base`, because a repository may contain links to files elsewhere.
///
/// # Errors
/// The first file that cannot be written. The others are written nevertheless.
pub fn update(
    base: &Path,
    folder: &Path,
    directories: impl Iterator<Item = (RelPath, Files)>,
    removed: &[RelPath],
    known: &Known,
) -> Result<(), ExportError> {
    let mut outcome = Ok(());
    let mut keep = |path: &Path, result: io::Result<()>| {
        if let Err(source) = result
            && outcome.is_ok()
        {
            outcome = Err(ExportError {
                path: path.to_path_buf(),
                source,
            });
        }
    };
    for path in removed {
        let at = path.under(folder);
        for (name, _) in FILES {
            let file = at.join(name);
            keep(
                &file,
                refuse_links(base, &at).and_then(|()| remove(folder, &at, name)),
            );
            known.lock().remove(&(path.clone(), name));
        }
    }
    for (path, files) in directories {
        let at = path.under(folder);
        for (name, bytes) in files {
            let make = || create(base, folder, &at);
            let writing = known.writing();
            let written = refuse_links(base, &at).and_then(|()| match &bytes {
                Some(bytes) => write(&at, name, bytes, make),
                None if is_exported(&at.join(name), name) => remove(folder, &at, name),
                None => Ok(()),
            });
            drop(writing);
            keep(&at.join(name), written);
            match bytes {
                Some(_) => known.keep(path.clone(), name, &at),
                None => drop(known.lock().remove(&(path.clone(), name))),
            }
        }
    }
    outcome
}

/// Writes one file in `folder` atomically.
///
/// # Errors
/// The file cannot be written.
pub fn single(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let make = || fs::create_dir_all(folder);
    write(folder, name, bytes, make).map_err(|source| ExportError {
        path: folder.join(name),
        source,
    })
}

/// The directories that have an exported file below `folder`. Removes temporary files of a killed process. Empty if a
/// symbolic link is on the link from `base`.
pub fn written(base: &Path, folder: &Path) -> Vec<RelPath> {
    let files = present(base, folder, |unfinished| {
        remove_unfinished(folder, unfinished)
    });
    let ours = files
        .into_iter()
        .filter(|(path, name)| may_be_exported(&path.under(folder).join(name), name));
    let directories: BTreeSet<RelPath> = ours.map(|(path, _)| path).collect();
    directories.into_iter().collect()
}

/// Whether a file in the export folder belongs to the export.
fn may_be_exported(file: &Path, name: &str) -> bool {
    name == INDEX || is_exported(file, name)
}

/// Whether an export wrote the file.
fn is_exported(file: &Path, name: &str) -> bool {
    let row = FILES.iter().find(|(known, _)| *known == name);
    row.is_none_or(|(_, mark)| {
        let mut head = Vec::new();
        let read = regular::open(file)
            .and_then(|file| file.take(mark.len() as u64).read_to_end(&mut head));
        read.is_ok() && head == *mark
    })
}

/// The exported files by directory, and other files with the same names.
fn present(base: &Path, folder: &Path, unfinished: impl Fn(&Path)) -> Vec<(RelPath, &'static str)> {
    let mut found = Vec::new();
    if refuse_links(base, folder).is_err() {
        return found;
    }
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
            let kind = entry.file_type();
            let name = entry.file_name();
            if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
                folders.push(entry.path());
            } else if let Some((known, _)) = FILES.iter().find(|(known, _)| name == *known) {
                found.extend(RelPath::below(folder, &at).map(|path| (path, *known)));
            } else if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                unfinished(&entry.path());
            }
        }
    }
    found
}

/// Fails if there is a symbolic link between `base` and `at`.
fn refuse_links(base: &Path, at: &Path) -> io::Result<()> {
    let below = at.ancestors().take_while(|path| *path != base);
    for path in below {
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
            let message = format!(
                "{} is a symbolic link, which is not followed",
                path.display()
            );
            return Err(io::Error::other(message));
        }
    }
    Ok(())
}

/// Creates the folder `at` in `folder`, but never `base` itself: a repository that was just moved away must be able to
/// return to its place.
fn create(base: &Path, folder: &Path, at: &Path) -> io::Result<()> {
    if base == folder || !at.starts_with(base) {
        return fs::create_dir_all(at);
    }
    let below: Vec<&Path> = at.ancestors().take_while(|path| *path != base).collect();
    for path in below.into_iter().rev() {
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn write(
    at: &Path,
    name: &str,
    bytes: &[u8],
    create_folder: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let target = at.join(name);
    if regular::read(&target, bytes.len() as u64).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    if target.symlink_metadata().is_ok() && !may_be_exported(&target, name) {
        let message = format!("{} was not written by epitome: rename it", target.display());
        return Err(io::Error::other(message));
    }
    if fs::metadata(at).is_ok_and(|found| !found.is_dir()) {
        return Err(io::Error::other(format!("{} is no folder", at.display())));
    }
    create_folder()?;
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(at)?;
    file.write_all(bytes)?;
    // Readable by others, like any file in a work tree; a temporary file is private at first.
    use std::os::unix::fs::PermissionsExt;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))?;
    file.persist(&target)?;
    Ok(())
}

/// Removes a directory's file if an export wrote it, and the folders that become empty.
fn remove(folder: &Path, at: &Path, name: &str) -> io::Result<()> {
    let file = at.join(name);
    if file.symlink_metadata().is_ok() && !may_be_exported(&file, name) {
        return Ok(());
    }
    match fs::remove_file(file) {
        Err(error)
            if error.kind() != io::ErrorKind::NotFound
                && error.kind() != io::ErrorKind::NotADirectory =>
        {
            return Err(error);
        }
        _ => {}
    }
    prune(folder, at);
    Ok(())
}

/// Removes a leftover temporary file.
fn remove_unfinished(folder: &Path, unfinished: &Path) {
    if fs::remove_file(unfinished).is_ok()
        && let Some(at) = unfinished.parent()
    {
        prune(folder, at);
    }
}

/// Removes `at` and the empty folders above it, up to `folder`.
fn prune(folder: &Path, at: &Path) {
    for empty in at
        .ancestors()
        .take_while(|path| path.starts_with(folder) && *path != folder)
    {
        if fs::remove_dir(empty).is_err() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "index.json";

    fn directory(path: &str, text: &str) -> (RelPath, Files) {
        (
            RelPath::new(path),
            vec![(NAME, Some(text.as_bytes().to_vec()))],
        )
    }

    #[test]
    fn a_readme_of_the_user_is_neither_overwritten_nor_removed() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = temporary.path().join("out");
        let known = Known::default();
        let page = |path: &str, text: Option<&str>| {
            let text = text.map(|text| format!("<!-- Written by epitome. -->\n{text}"));
            let files = vec![("README.md", text.map(String::into_bytes))];
            (RelPath::new(path), files)
        };
        let run = |pages: Vec<(RelPath, Files)>, gone: &[RelPath]| {
            update(temporary.path(), &folder, pages.into_iter(), gone, &known)
        };
        fs::create_dir_all(folder.join("a")).expect("made");
        fs::write(folder.join("README.md"), "# Mine\n").expect("written");
        let error = run(vec![page("", Some("x")), page("a", Some("y"))], &[]).expect_err("theirs");
        assert!(
            error.to_string().contains("not written by epitome"),
            "{error}"
        );
        let read = |path: &str| fs::read_to_string(folder.join(path)).unwrap_or_default();
        assert_eq!(read("README.md"), "# Mine\n");
        assert!(read("a/README.md").ends_with("y"));
        assert_eq!(written(temporary.path(), &folder), [RelPath::new("a")]);
        assert_eq!(known.changed(temporary.path(), &folder), []);
        // The format is disabled, and the directory is removed.
        run(vec![page("", None), page("a", None)], &[]).expect("removed");
        assert_eq!(read("README.md"), "# Mine\n");
        assert!(!folder.join("a").exists());
        run(Vec::new(), &[RelPath::root()]).expect("removed");
        assert_eq!(read("README.md"), "# Mine\n");
    }

    #[test]
    fn a_file_is_written_only_after_a_change_and_removed_with_its_directory() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = temporary.path().join("out");
        let at = folder.join("a/b/index.json");
        let known = Known::default();
        update(
            temporary.path(),
            &folder,
            [directory("a/b", "One.")].into_iter(),
            &[],
            &known,
        )
        .expect("written");
        let first = fs::metadata(&at).expect("there");
        update(
            temporary.path(),
            &folder,
            [directory("a/b", "One.")].into_iter(),
            &[],
            &known,
        )
        .expect("written");
        let second = fs::metadata(&at).expect("there");
        assert_eq!(known.changed(temporary.path(), &folder), []);
        use std::os::unix::fs::MetadataExt;
        assert_eq!(
            (first.ino(), first.ctime_nsec()),
            (second.ino(), second.ctime_nsec())
        );
        update(
            temporary.path(),
            &folder,
            [directory("a/b", "Two.")].into_iter(),
            &[],
            &known,
        )
        .expect("written");
        assert!(fs::read_to_string(&at).expect("read").contains("Two."));
        // Other programs write, remove and add files.
        fs::write(&at, "Three.").expect("written");
        let changed = || known.changed(temporary.path(), &folder);
        assert_eq!(changed(), [RelPath::new("a/b")]);
        fs::remove_file(&at).expect("removed");
        assert_eq!(changed(), [RelPath::new("a/b")]);
        fs::write(folder.join("a/index.json"), "theirs").expect("written");
        assert_eq!(changed(), [RelPath::new("a"), RelPath::new("a/b")]);
        fs::remove_file(folder.join("a/index.json")).expect("removed");
        // A checkout restores a temporary file that `git add` found.
        let unfinished = folder.join("a/c/.index.json.Ab3");
        fs::create_dir(folder.join("a/c")).expect("made");
        fs::write(&unfinished, "half").expect("written");
        assert_eq!(changed(), [RelPath::new("a/b")]);
        assert!(!folder.join("a/c").exists());
        update(
            temporary.path(),
            &folder,
            std::iter::empty(),
            &[RelPath::new("a/b")],
            &known,
        )
        .expect("removed");
        assert!(!folder.join("a").exists());
    }

    #[test]
    fn a_missing_base_is_not_created() {
        let temporary = tempfile::tempdir().expect("a folder");
        let root = temporary.path().join("away");
        let directories = || [directory("a", "One.")].into_iter();
        let known = Known::default();
        update(&root, &root.join("out"), directories(), &[], &known).expect_err("no root");
        assert!(!root.exists());
        fs::create_dir(&root).expect("made");
        update(&root, &root.join("out"), directories(), &[], &known).expect("written");
    }

    #[test]
    fn a_link_in_the_folder_is_not_followed() {
        let temporary = tempfile::tempdir().expect("a folder");
        let (root, other) = (
            temporary.path().join("root"),
            temporary.path().join("other"),
        );
        for path in [&root, &other, &other.join("a")] {
            fs::create_dir(path).expect("made");
            fs::write(path.join(NAME), "theirs").expect("written");
        }
        let all_is_there = || {
            let theirs =
                |path: &Path| fs::read(path.join(NAME)).is_ok_and(|text| text == b"theirs");
            theirs(&other) && theirs(&other.join("a"))
        };
        std::os::unix::fs::symlink(&other, root.join("out")).expect("linked");
        let out = root.join("out");
        assert_eq!(written(&root, &out), []);
        let directories = || [directory("", "Root."), directory("a", "One.")].into_iter();
        let error = update(
            &root,
            &out,
            directories(),
            &[RelPath::new("a")],
            &Known::default(),
        )
        .expect_err("a link");
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert!(all_is_there());
        // Further below.
        fs::remove_file(&out).expect("removed");
        fs::create_dir(&out).expect("made");
        std::os::unix::fs::symlink(other.join("a"), out.join("a")).expect("linked");
        update(
            &root,
            &out,
            directories(),
            &[RelPath::new("a")],
            &Known::default(),
        )
        .expect_err("a link");
        assert!(all_is_there());
        assert!(out.join(NAME).exists());
        // Links above the base are allowed.
        let link = temporary.path().join("link");
        std::os::unix::fs::symlink(&root, &link).expect("linked");
        update(
            &link,
            &link.join("b"),
            directories(),
            &[],
            &Known::default(),
        )
        .expect("written");
        assert!(root.join("b/a").join(NAME).exists());
    }
}
