//! The files of a repository as they were at a commit, written into a private folder, so that they are read like any
//! other repository.
//!
//! The names in a commit are not trusted: what would lead out of the folder, or into a `.git`, is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::client::locate::{is_repository, work_tree};
use crate::mcp::changes::{Blob, Git, Since, Staged, same};
use crate::shell::rules::Rules;
use crate::wire::plain::name;

/// What a repository is compared with.
#[derive(Debug)]
pub struct Base {
    pub git: Git,
    /// The commit in hexadecimal; `None` if nothing was committed then.
    pub commit: Option<String>,
}

/// The work tree of git that a repository is, or lies in.
///
/// # Errors
/// There is none.
pub fn top(root: &Path) -> Result<PathBuf, String> {
    work_tree(root).ok_or_else(|| {
        format!(
            "{} is in no git repository, and earlier states are read from git",
            root.display()
        )
    })
}

/// The commit that a revision or a time means.
///
/// # Errors
/// There is no git repository, or it has no such revision.
pub fn base(root: &Path, since: &Since) -> Result<Base, String> {
    let git = Git::at(&top(root)?);
    let commit = match since {
        Since::LastCommit if git.is_unborn() => None,
        Since::LastCommit => Some(git.commit("HEAD")?),
        Since::Revision(revision) => Some(git.commit(revision)?),
        Since::Time(time) => {
            let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            git.commit_before(seconds.as_secs())
        }
    };
    Ok(Base { git, commit })
}

/// An earlier state of a repository, in a folder that is removed with this value.
#[derive(Debug)]
pub struct Past {
    _folder: tempfile::TempDir,
    /// The folder with the files; it has the repository's name.
    pub root: PathBuf,
    repository: PathBuf,
    /// The files in the folder, with their objects.
    written: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What is not as it was, one line each.
    pub notes: BTreeSet<String>,
}

/// A repository of git that contributes files: the repository itself, or a submodule of it.
struct Source {
    git: Git,
    /// Files by their path in the whole repository, with their objects.
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    index: BTreeMap<Vec<u8>, Staged>,
}

impl Past {
    /// An empty folder for the states of a repository.
    ///
    /// # Errors
    /// The system's folder for temporary files cannot be written.
    pub fn of(repository: &Path) -> std::io::Result<Self> {
        // Only this user may read it.
        let folder = tempfile::Builder::new().prefix("epitome-").tempdir()?;
        let name = repository.file_name().unwrap_or(OsStr::new("repository"));
        let root = folder.path().canonicalize()?.join(name);
        fs::create_dir(&root)?;
        Ok(Self {
            _folder: folder,
            root,
            repository: repository.to_path_buf(),
            written: BTreeMap::new(),
            notes: BTreeSet::new(),
        })
    }

    /// Makes the folder what the repository was at a commit; with `only`, just that file or folder, and the rules that
    /// apply to it.
    ///
    /// # Errors
    /// git cannot read the commit, or the folder cannot be written.
    pub fn fill(&mut self, git: &Git, commit: &str, only: &[u8]) -> Result<(), String> {
        let sources = self.sources(git, commit, only)?;
        let wanted: BTreeMap<&Vec<u8>, &Vec<u8>> =
            sources.iter().flat_map(|source| &source.files).collect();
        let stale = self
            .written
            .extract_if(.., |path, id| wanted.get(path) != Some(&&*id));
        for (path, _) in stale.collect::<Vec<_>>() {
            remove(&self.root, &path);
        }
        let failed = |error: std::io::Error| format!("{}: {error}", self.root.display());
        for source in &sources {
            let new: Vec<(&Vec<u8>, &Vec<u8>)> = source
                .files
                .iter()
                .filter(|(path, _)| !self.written.contains_key(*path))
                .filter(|(path, id)| !self.copy(source, path, id))
                .collect();
            let ids: Vec<String> = new.iter().map(|(_, id)| hex(id)).collect();
            let mut missing = 0;
            let mut problem = None;
            source.git.objects(&ids, |at, content| match content {
                Some(content) => {
                    let written = write(&self.root, new[at].0, content);
                    problem = problem.take().or(written.err());
                }
                None => missing += 1,
            })?;
            if let Some(problem) = problem {
                return Err(failed(problem));
            }
            if missing > 0 {
                let note = "files whose contents are not in this clone (a partial or shallow one)";
                self.notes.insert(format!("{missing} {note}"));
            }
        }
        for source in sources {
            self.written.extend(source.files);
        }
        track(&self.root, self.written.keys()).map_err(failed)
    }

    /// The repository and those of its submodules that are checked out, each with its files.
    fn sources(&mut self, git: &Git, commit: &str, only: &[u8]) -> Result<Vec<Source>, String> {
        let above = self.repository.strip_prefix(&git.top).ok();
        let above = above.unwrap_or(Path::new("")).as_os_str().as_bytes();
        let mut open = vec![(Git::at(&git.top), commit.to_owned(), Vec::new())];
        let mut sources = Vec::new();
        while let Some((git, commit, prefix)) = open.pop() {
            let is_nested = !prefix.is_empty();
            let tree = match git.tree(&commit) {
                Ok(tree) => tree,
                Err(_) if is_nested => {
                    let shown = name(&String::from_utf8_lossy(&prefix));
                    self.notes
                        .insert(format!("the submodule {shown} as it was"));
                    continue;
                }
                Err(reason) => return Err(reason),
            };
            let place = |path: &[u8]| -> Option<Vec<u8>> {
                match is_nested {
                    true => Some([&prefix[..], b"/", path].concat()),
                    false => below(path, above).map(<[u8]>::to_vec),
                }
            };
            let mut files = BTreeMap::new();
            for (path, blob) in tree {
                let Some(path) = place(&path).filter(|path| belongs(path, only)) else {
                    continue;
                };
                match blob {
                    Blob::File(id) => drop(files.insert(path, id)),
                    Blob::Submodule(commit) => {
                        let top = self.repository.join(OsStr::from_bytes(&path));
                        match is_repository(&top) {
                            true => open.push((Git::at(&top), commit, path)),
                            false => {
                                let shown = name(&String::from_utf8_lossy(&path));
                                let note = format!("the submodule {shown}, not checked out");
                                self.notes.insert(note);
                            }
                        }
                    }
                }
            }
            let index = git.index().into_iter();
            let index = index.filter_map(|(path, staged)| Some((place(&path)?, staged)));
            let index = index.collect();
            sources.push(Source { git, files, index });
        }
        Ok(sources)
    }

    /// Copies a file from the work tree if it is still what it was: that is quicker, and what a filter of git made of it
    /// stays. `false`: it is not.
    fn copy(&self, source: &Source, path: &[u8], id: &[u8]) -> bool {
        let file = self.repository.join(OsStr::from_bytes(path));
        let Ok(stat) = file.symlink_metadata() else {
            return false;
        };
        stat.is_file()
            && same(&file, &stat, id, source.index.get(path))
            && prepare(&self.root, path).is_some_and(|to| fs::copy(&file, to).is_ok())
    }
}

/// Whether a file belongs to the part `only`, or decides how that is read.
fn belongs(path: &[u8], only: &[u8]) -> bool {
    if only.is_empty() || path == only || below(path, only).is_some() {
        return true;
    }
    let (folder, name) = match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&b""[..], path),
    };
    Rules::is_rule_file(name) && below(only, folder).is_some()
}

/// The path below a folder; all paths are below the root.
fn below<'p>(path: &'p [u8], folder: &[u8]) -> Option<&'p [u8]> {
    match folder.is_empty() {
        true => Some(path),
        false => path.strip_prefix(folder)?.strip_prefix(b"/"),
    }
}

/// Where a file of a commit is written; `None` if its path leads elsewhere, or a file is in its way.
fn prepare(root: &Path, path: &[u8]) -> Option<PathBuf> {
    let is_safe = |name: &[u8]| {
        !name.is_empty() && name != b"." && name != b".." && !name.eq_ignore_ascii_case(b".git")
    };
    if !path.split(|&byte| byte == b'/').all(is_safe) || path.contains(&0) {
        return None;
    }
    let file = root.join(OsStr::from_bytes(path));
    fs::create_dir_all(file.parent()?).ok()?;
    Some(file)
}

fn write(root: &Path, path: &[u8], content: &[u8]) -> std::io::Result<()> {
    match prepare(root, path).map(fs::File::create_new) {
        Some(Ok(mut file)) => file.write_all(content),
        // A commit that names it twice, or as file and folder.
        _ => Ok(()),
    }
}

/// Removes a file, and the folders that are empty then.
fn remove(root: &Path, path: &[u8]) {
    let file = root.join(OsStr::from_bytes(path));
    // Whether a file was there or not, it is gone.
    let _ = fs::remove_file(&file);
    let folders = file.ancestors().skip(1);
    for folder in folders.take_while(|folder| *folder != root) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

/// Makes the folder a work tree that tracks these files: rules of `.gitignore` do not apply to what was committed.
fn track<'f>(root: &Path, files: impl Iterator<Item = &'f Vec<u8>>) -> std::io::Result<()> {
    let git = root.join(".git");
    fs::create_dir_all(git.join("objects"))?;
    fs::create_dir_all(git.join("refs"))?;
    fs::write(git.join("HEAD"), "ref: refs/heads/main\n")?;
    let files: Vec<&Vec<u8>> = files.collect();
    let mut index = b"DIRC\0\0\0\x02".to_vec();
    index.extend(u32::try_from(files.len()).unwrap_or(u32::MAX).to_be_bytes());
    for path in files {
        // The times, device and inode are unknown; a regular file; user and group, size and object likewise.
        let mut entry = vec![0; 24];
        entry.extend(0o100_644_u32.to_be_bytes());
        entry.extend([0; 12 + 20]);
        let length = u16::try_from(path.len()).unwrap_or(u16::MAX).min(0xfff);
        entry.extend(length.to_be_bytes());
        entry.extend(path);
        entry.resize(entry.len() / 8 * 8 + 8, 0);
        index.extend(entry);
    }
    let sum = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &index);
    index.extend(sum.as_ref());
    fs::write(git.join("index"), index)
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
