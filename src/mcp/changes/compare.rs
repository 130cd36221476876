//! The files of a repository that differ from what they were: compared with commits by content, with times by `stat`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use ring::digest;

use super::git::{Blob, Git, Staged};
use super::{Change, Since};
use crate::client::locate::{is_repository, work_tree};
use crate::wire::plain::name;
use crate::wire::protocol::Node;

/// Larger files are taken for changed where their `stat` is another.
const MAX_HASHED: u64 = 256 * 1024 * 1024;

/// What changed.
#[derive(Debug, Default)]
pub struct Changes {
    /// The files by their path in the repository.
    pub files: BTreeMap<String, Change>,
    /// What was compared otherwise than asked, or not at all.
    pub notes: Vec<String>,
}

/// The files of the repository at `root` that changed. What is no node is not among them, unless it was deleted.
///
/// # Errors
/// Why it cannot be said, precisely.
pub fn changes(root: &Path, tree: &Node, since: &Since) -> Result<Changes, String> {
    let nodes = Nodes::of(tree);
    let top = work_tree(root);
    let nested = nested(root, &nodes);
    let whole = Part {
        root: root.to_path_buf(),
        prefix: Vec::new(),
    };
    let mut found = Changes::default();
    let revision = match (since, top) {
        (Since::Time(time), top) => {
            by_time(&whole, top.as_deref(), &nodes, *time, &mut found);
            return Ok(found);
        }
        (Since::LastCommit | Since::Revision(_), None) => {
            return Err(format!(
                "{} is in no git repository, so only a time can be given as `since`, for example 2h or yesterday",
                root.display()
            ));
        }
        (Since::LastCommit, Some(top)) => (top, "HEAD"),
        (Since::Revision(revision), Some(top)) => (top, revision.as_str()),
    };
    let (top, revision) = revision;
    let git = Git::at(&top);
    if nodes.files.is_empty() && git.is_bare() {
        return Err(format!(
            "{} is a bare repository, which has no work tree to compare: name one of its work trees",
            top.display()
        ));
    }
    let base = match revision {
        "HEAD" if git.is_unborn() => BTreeMap::new(),
        revision => git.tree(&git.commit(revision)?)?,
    };
    let own = nodes.outside(&nested);
    let submodules = compare(&whole, &git, base, &own, &mut found)?;
    for folder in &nested {
        let inner = nodes.below(folder);
        let part = Part {
            root: root.join(OsStr::from_bytes(folder)),
            prefix: folder.clone(),
        };
        let git = Git::at(&part.root);
        let shown = name(&format!("{}/", String::from_utf8_lossy(folder)));
        let recorded = submodules.get(folder).map(|commit| git.tree(commit));
        let base = match recorded {
            Some(Ok(base)) => Ok(base),
            other => {
                if revision != "HEAD" {
                    found.notes.push(match other {
                        None => format!(
                            "{shown} is a repository of its own, compared with its last commit"
                        ),
                        Some(_) => {
                            format!("{shown} lacks the recorded commit, compared with its last one")
                        }
                    });
                }
                match git.is_unborn() {
                    true => Ok(BTreeMap::new()),
                    false => git.commit("HEAD").and_then(|commit| git.tree(&commit)),
                }
            }
        };
        // One that cannot be read is named, and the rest is still said.
        let done = base.and_then(|base| compare(&part, &git, base, &inner, &mut found));
        if let Err(reason) = done {
            found.notes.push(format!("{shown} not compared: {reason}"));
        }
    }
    for (folder, _) in submodules {
        if !nested.contains(&folder) {
            let shown = name(&format!("{}/", String::from_utf8_lossy(&folder)));
            found
                .notes
                .push(format!("the submodule {shown} is not checked out"));
        }
    }
    Ok(found)
}

/// The part of a repository that has a history of its own.
struct Part {
    root: PathBuf,
    /// Its path in the whole repository.
    prefix: Vec<u8>,
}

impl Part {
    /// The path in the whole repository.
    fn path(&self, below: &[u8]) -> String {
        let mut path = self.prefix.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(below);
        String::from_utf8_lossy(&path).into_owned()
    }
}

/// Compares the files of a part with a commit's. The submodules of that commit are given back.
fn compare(
    part: &Part,
    git: &Git,
    base: BTreeMap<Vec<u8>, Blob>,
    nodes: &BTreeSet<Vec<u8>>,
    found: &mut Changes,
) -> Result<BTreeMap<Vec<u8>, String>, String> {
    let index = git.index();
    // The repository may be a folder in the work tree.
    let above = part.root.strip_prefix(&git.top).unwrap_or(Path::new(""));
    let above = above.as_os_str().as_bytes();
    let below = |path: &[u8]| -> Option<Vec<u8>> {
        match above.is_empty() {
            true => Some(path.to_vec()),
            false => path
                .strip_prefix(above)?
                .strip_prefix(b"/")
                .map(<[u8]>::to_vec),
        }
    };
    let index: BTreeMap<Vec<u8>, Staged> = index
        .into_iter()
        .filter_map(|(path, staged)| Some((below(&path)?, staged)))
        .collect();
    let mut submodules = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (path, blob) in base {
        let Some(path) = below(&path) else { continue };
        let id = match blob {
            Blob::Submodule(commit) => {
                submodules.insert(path, commit);
                continue;
            }
            Blob::File(id) => id,
        };
        let staged = index.get(&path);
        let file = part.root.join(OsStr::from_bytes(&path));
        let change = match file.symlink_metadata() {
            Ok(stat) if stat.is_file() => {
                (!same(&file, &stat, &id, staged)).then_some(Change::Modified)
            }
            // A pipe or a link in its place is no node any more.
            _ if staged.is_some_and(|staged| staged.skipped) => None,
            _ => Some(Change::Deleted),
        };
        if let Some(change) = change
            && (change == Change::Deleted || nodes.contains(&path))
        {
            found.files.insert(part.path(&path), change);
        }
        known.insert(path);
    }
    for path in nodes.iter().filter(|path| !known.contains(*path)) {
        found.files.insert(part.path(path), Change::Added);
    }
    Ok(submodules)
}

/// Whether a file has the content of a blob. The index knows of files that were not touched since git hashed them;
/// others are read. Line ends that git would convert do not count.
pub fn same(file: &Path, stat: &Metadata, id: &[u8], staged: Option<&Staged>) -> bool {
    if let Some(staged) = staged {
        let now = (stat.mtime(), stat.mtime_nsec(), stat.size(), stat.ino());
        // Older than a moment: a file may be written twice within one tick of the clock.
        let settled = stat.modified().is_ok_and(|at| {
            SystemTime::now()
                .duration_since(at)
                .is_ok_and(|age| age > Duration::from_secs(3))
        });
        if staged.stat == now && settled && staged.stat.2 > 0 {
            return staged.id == id;
        }
    }
    if stat.size() > MAX_HASHED {
        return false;
    }
    // A pipe put there since then must not block.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let mut content = Vec::new();
    let read = File::options()
        .read(true)
        .custom_flags(flags)
        .open(file)
        .and_then(|file| file.take(MAX_HASHED).read_to_end(&mut content));
    if read.is_err() {
        return false;
    }
    if blob_id(&content, id.len()) == id {
        return true;
    }
    let unix: Vec<u8> = content
        .iter()
        .enumerate()
        .filter(|(at, byte)| **byte != b'\r' || content.get(at + 1) != Some(&b'\n'))
        .map(|(_, byte)| *byte)
        .collect();
    unix.len() != content.len() && blob_id(&unix, id.len()) == id
}

/// git's name of a content: SHA-1 or SHA-256 by its length in bytes.
fn blob_id(content: &[u8], length: usize) -> Vec<u8> {
    let algorithm = match length {
        32 => &digest::SHA256,
        _ => &digest::SHA1_FOR_LEGACY_USE_ONLY,
    };
    let mut context = digest::Context::new(algorithm);
    context.update(format!("blob {}\0", content.len()).as_bytes());
    context.update(content);
    context.finish().as_ref().to_vec()
}

/// By the time of the last change on disk. Where there is a commit from before that time, files that it lacks are new
/// and files that only it has are deleted; else the time of creation decides.
fn by_time(part: &Part, top: Option<&Path>, nodes: &Nodes, time: SystemTime, found: &mut Changes) {
    let git = top.map(Git::at);
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let base = git.as_ref().and_then(|git| {
        let commit = git.commit_before(seconds)?;
        Some((git.tree(&commit).ok()?, git))
    });
    let above = base
        .as_ref()
        .and_then(|(_, git)| part.root.strip_prefix(&git.top).ok());
    let known = |path: &[u8]| {
        let (base, _) = base.as_ref()?;
        let path = above.unwrap_or(Path::new("")).join(OsStr::from_bytes(path));
        Some(base.contains_key(path.as_os_str().as_bytes()))
    };
    // A second of grace: not all file systems count finer.
    let after =
        |at: std::io::Result<SystemTime>| at.is_ok_and(|at| at + Duration::from_secs(1) > time);
    for path in &nodes.files {
        let Ok(stat) = part.root.join(OsStr::from_bytes(path)).symlink_metadata() else {
            continue;
        };
        if !after(stat.modified()) {
            continue;
        }
        let new = match known(path) {
            Some(known) => !known,
            None => after(stat.created()),
        };
        let change = match new {
            true => Change::Added,
            false => Change::Modified,
        };
        found.files.insert(part.path(path), change);
    }
    let Some((base, _)) = &base else {
        found
            .notes
            .push("files deleted since then (give a git revision to see them)".to_owned());
        return;
    };
    found
        .notes
        .push("files created and deleted since then".to_owned());
    let prefix = above.unwrap_or(Path::new("")).as_os_str().as_bytes();
    for (path, blob) in base {
        let below = match prefix.is_empty() {
            true => Some(&path[..]),
            false => path
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix(b"/")),
        };
        // The deletion of a file changes the folder that held it.
        let gone = |below: &[u8]| {
            let file = part.root.join(OsStr::from_bytes(below));
            let mut folders = file.ancestors().skip(1);
            let folder = folders.find_map(|folder| folder.symlink_metadata().ok());
            file.symlink_metadata().is_err() && folder.is_none_or(|folder| after(folder.modified()))
        };
        if let (Some(below), Blob::File(_)) = (below, blob)
            && gone(below)
        {
            found.files.insert(part.path(below), Change::Deleted);
        }
    }
}

/// The paths of a repository's nodes, in bytes.
struct Nodes {
    files: BTreeSet<Vec<u8>>,
    directories: BTreeSet<Vec<u8>>,
}

impl Nodes {
    fn of(tree: &Node) -> Self {
        let mut nodes = Self {
            files: BTreeSet::new(),
            directories: BTreeSet::new(),
        };
        let mut open = vec![tree];
        while let Some(node) = open.pop() {
            let common = node.common();
            let exact = common
                .path_base64
                .as_ref()
                .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
            let path = exact.unwrap_or_else(|| common.path.clone().into_bytes());
            match node {
                Node::File(_) => nodes.files.insert(path),
                Node::Directory(directory) => {
                    open.extend(directory.children.iter().flatten());
                    nodes.directories.insert(path)
                }
            };
        }
        nodes
    }

    /// The files below a folder, relative to it, without those of repositories in it.
    fn below(&self, folder: &[u8]) -> BTreeSet<Vec<u8>> {
        let mut start = folder.to_vec();
        start.push(b'/');
        let files = self
            .files
            .iter()
            .filter_map(|path| path.strip_prefix(&start[..]));
        files.map(<[u8]>::to_vec).collect()
    }

    /// The files that lie in none of these folders.
    fn outside(&self, folders: &BTreeSet<Vec<u8>>) -> BTreeSet<Vec<u8>> {
        let inside = |path: &[u8]| {
            folders.iter().any(|folder| {
                path.strip_prefix(&folder[..])
                    .is_some_and(|rest| rest.starts_with(b"/"))
            })
        };
        self.files
            .iter()
            .filter(|path| !inside(path))
            .cloned()
            .collect()
    }
}

/// The folders with a repository of their own, the outer ones only.
fn nested(root: &Path, nodes: &Nodes) -> BTreeSet<Vec<u8>> {
    let mut found: BTreeSet<Vec<u8>> = BTreeSet::new();
    for folder in nodes.directories.iter().filter(|folder| !folder.is_empty()) {
        let within = found.iter().any(|outer| {
            folder
                .strip_prefix(&outer[..])
                .is_some_and(|rest| rest.starts_with(b"/"))
        });
        if !within && is_repository(&root.join(OsStr::from_bytes(folder))) {
            found.insert(folder.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_have_the_names_that_git_gives_them() {
        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        // `git hash-object` of `hello\n`, in a repository of either kind.
        let id = blob_id(b"hello\n", 20);
        assert_eq!(hex(&id), "ce013625030ba8dba906f756967f9e9ca394464a");
        let id = blob_id(b"hello\n", 32);
        assert_eq!(
            hex(&id),
            "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4"
        );
    }
}
