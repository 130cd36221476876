//! The exported files of each directory: written whole or not at all, only where something changed, and the same bytes
//! for the same tree, so that the folder can be committed.
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

/// An index: in the export folder the name is its own, whatever the content.
const INDEX: &str = "index.json";
/// The names of exported files, each with how it begins.
const FILES: [(&str, &[u8]); 2] = [
    (INDEX, b"{\n  \"path\": \""),
    ("README.md", b"<!-- Written by epitome."),
];
/// How the name of one that is being written begins.
const UNFINISHED: &str = ".index.json.";

/// The export could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the export at {} cannot be written: {source}", path.display())]
pub struct ExportError {
    path: PathBuf,
    source: io::Error,
}

/// What was written, as it stood there then: nobody notifies of what others do in the folder, git among them.
#[derive(Debug, Default)]
pub struct Known {
    files: Mutex<BTreeMap<(RelPath, &'static str), Stat>>,
    /// Held while a file is written: what is unfinished without it will never be finished.
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
        match lstat::look(&at.join(name)) {
            Some(stat) => self.lock().insert((path, name), stat),
            None => self.lock().remove(&(path, name)),
        };
    }

    /// The directories whose files are not what was written, or were written by another program. An unfinished file
    /// that came back is removed: `git add` may have found it while it was written, and a checkout brings it back.
    pub fn changed(&self, base: &Path, folder: &Path) -> Vec<RelPath> {
        let mut known = self.lock().clone();
        let mut changed = BTreeSet::new();
        let abandoned = |unfinished: &Path| {
            let _writing = self.writing();
            take_away(folder, unfinished);
        };
        for (path, name) in present(base, folder, abandoned) {
            let file = path.under(folder).join(name);
            let key = (path, name);
            let before = known.remove(&key);
            if before != lstat::look(&file) && (before.is_some() || may_be_ours(&file, name)) {
                changed.insert(key.0);
            }
        }
        changed.extend(known.into_keys().map(|(path, _)| path));
        changed.into_iter().collect()
    }
}

/// A directory's files by name; without bytes, what an export wrote there is removed.
pub type Files = Vec<(&'static str, Option<Vec<u8>>)>;

/// Writes the files of each directory below `folder`, and removes those of directories that are gone. No link below
/// `base` is followed: a repository may contain one that leads to files elsewhere.
///
/// # Errors
/// The first that cannot be written; the others are written all the same.
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
                own(base, &at).and_then(|()| remove(folder, &at, name)),
            );
            known.lock().remove(&(path.clone(), name));
        }
    }
    for (path, files) in directories {
        let at = path.under(folder);
        for (name, bytes) in files {
            let make = || make(base, folder, &at);
            let writing = known.writing();
            let written = own(base, &at).and_then(|()| match &bytes {
                Some(bytes) => write(&at, name, bytes, make),
                None if is_ours(&at.join(name), name) => remove(folder, &at, name),
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

/// Writes one file in `folder`, whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn single(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let make = || fs::create_dir_all(folder);
    write(folder, name, bytes, make).map_err(|source| ExportError {
        path: folder.join(name),
        source,
    })
}

/// The directories that have an exported file below `folder`; what was being written when an earlier process was killed
/// is removed. None if a link leads there from `base`.
pub fn written(base: &Path, folder: &Path) -> Vec<RelPath> {
    let files = present(base, folder, |unfinished| take_away(folder, unfinished));
    let ours = files
        .into_iter()
        .filter(|(path, name)| may_be_ours(&path.under(folder).join(name), name));
    let directories: BTreeSet<RelPath> = ours.map(|(path, _)| path).collect();
    directories.into_iter().collect()
}

/// Whether a file in the export folder belongs to the export.
fn may_be_ours(file: &Path, name: &str) -> bool {
    name == INDEX || is_ours(file, name)
}

/// Whether an export wrote the file.
fn is_ours(file: &Path, name: &str) -> bool {
    let row = FILES.iter().find(|(known, _)| *known == name);
    row.is_none_or(|(_, mark)| {
        let mut head = Vec::new();
        let read = regular::open(file)
            .and_then(|file| file.take(mark.len() as u64).read_to_end(&mut head));
        read.is_ok() && head == *mark
    })
}

/// The exported files by directory, and files with the same name.
fn present(base: &Path, folder: &Path, unfinished: impl Fn(&Path)) -> Vec<(RelPath, &'static str)> {
    let mut found = Vec::new();
    if own(base, folder).is_err() {
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

/// Fails where something between `base` and `at` is a symbolic link.
fn own(base: &Path, at: &Path) -> io::Result<()> {
    let below = at.ancestors().take_while(|path| *path != base);
    for path in below {
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
            let told = format!(
                "{} is a symbolic link, which is not followed",
                path.display()
            );
            return Err(io::Error::other(told));
        }
    }
    Ok(())
}

/// Makes the folder `at`, in `folder`. A repository that went, a moment ago maybe, is not made anew: then it could not
/// come back to its place.
fn make(base: &Path, folder: &Path, at: &Path) -> io::Result<()> {
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
    make: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let target = at.join(name);
    if regular::read(&target, bytes.len() as u64).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    if target.symlink_metadata().is_ok() && !may_be_ours(&target, name) {
        let told = format!("{} was not written by epitome: rename it", target.display());
        return Err(io::Error::other(told));
    }
    if fs::metadata(at).is_ok_and(|found| !found.is_dir()) {
        return Err(io::Error::other(format!("{} is no folder", at.display())));
    }
    make()?;
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(at)?;
    file.write_all(bytes)?;
    // A file that others may read, like any other in a work tree; a temporary one is private at first.
    use std::os::unix::fs::PermissionsExt;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))?;
    file.persist(&target)?;
    Ok(())
}

/// Removes a directory's file if an export wrote it, and the folders that are empty then.
fn remove(folder: &Path, at: &Path, name: &str) -> io::Result<()> {
    let file = at.join(name);
    if file.symlink_metadata().is_ok() && !may_be_ours(&file, name) {
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

/// Takes out what was being written when something went between.
fn take_away(folder: &Path, unfinished: &Path) {
    if fs::remove_file(unfinished).is_ok()
        && let Some(at) = unfinished.parent()
    {
        prune(folder, at);
    }
}

/// Takes out `at` and the folders above it that are empty, up to `folder`.
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
        // The format is switched off, and the directory goes.
        run(vec![page("", None), page("a", None)], &[]).expect("removed");
        assert_eq!(read("README.md"), "# Mine\n");
        assert!(!folder.join("a").exists());
        run(Vec::new(), &[RelPath::root()]).expect("removed");
        assert_eq!(read("README.md"), "# Mine\n");
    }

    #[test]
    fn a_file_is_touched_only_when_its_words_change_and_goes_with_its_directory() {
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
        // Others write, remove and add.
        fs::write(&at, "Three.").expect("written");
        let changed = || known.changed(temporary.path(), &folder);
        assert_eq!(changed(), [RelPath::new("a/b")]);
        fs::remove_file(&at).expect("removed");
        assert_eq!(changed(), [RelPath::new("a/b")]);
        fs::write(folder.join("a/index.json"), "theirs").expect("written");
        assert_eq!(changed(), [RelPath::new("a"), RelPath::new("a/b")]);
        fs::remove_file(folder.join("a/index.json")).expect("removed");
        // A checkout brings what `git add` saw while it was written.
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
    fn a_base_that_is_not_there_is_not_made() {
        let temporary = tempfile::tempdir().expect("a folder");
        let root = temporary.path().join("away");
        let wanted = || [directory("a", "One.")].into_iter();
        let known = Known::default();
        update(&root, &root.join("out"), wanted(), &[], &known).expect_err("no root");
        assert!(!root.exists());
        fs::create_dir(&root).expect("made");
        update(&root, &root.join("out"), wanted(), &[], &known).expect("written");
    }

    #[test]
    fn a_link_in_the_folder_is_not_followed_and_nothing_behind_it_touched() {
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
        let wanted = || [directory("", "Root."), directory("a", "One.")].into_iter();
        let error = update(
            &root,
            &out,
            wanted(),
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
            wanted(),
            &[RelPath::new("a")],
            &Known::default(),
        )
        .expect_err("a link");
        assert!(all_is_there());
        assert!(out.join(NAME).exists());
        // What leads to the base is the user's own way.
        let way = temporary.path().join("way");
        std::os::unix::fs::symlink(&root, &way).expect("linked");
        update(&way, &way.join("b"), wanted(), &[], &Known::default()).expect("written");
        assert!(root.join("b/a").join(NAME).exists());
    }
}
