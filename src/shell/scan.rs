//! Lists directories on disk.
//!
//! Each directory is watched first and listed afterwards, so that no change is missed between the two. This needs its
//! own walk: the `ignore` crate reads a directory's entries before it reports the directory. The scan follows no
//! symbolic link, reads no file except rule files, and never fails: it reports what it could not read.
//!
//! File systems mounted inside the tree belong to it, as they do for git. Pseudo file systems (`/proc` and the like)
//! are left out, with a note.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::lstat::stat_of;
use super::rules::Rules;
use crate::model::listing::{Entry, ListedDirectory, Listing};
use crate::model::path::RelPath;

/// How long, and how often, opening a folder is retried when the system is out of file descriptors.
const CROWDED_TIMEOUT: Duration = Duration::from_secs(10);
const CROWDED_PAUSE: Duration = Duration::from_millis(20);

/// Called for each directory before its entries are read, with its path and location.
pub type BeforeListing<'a> = &'a (dyn Fn(&RelPath, &Path) + Sync);

/// Lists `start` and, with `recursive`, everything below it, on up to `threads` threads. Any of the threads may call
/// `before_listing`. Directories are returned in path order, so each one follows its parent.
pub fn scan(
    root: &Path,
    rules: &Rules,
    start: &RelPath,
    recursive: bool,
    threads: usize,
    before_listing: BeforeListing<'_>,
) -> Listing {
    let walk = Walk {
        root,
        rules,
        recursive,
        before_listing,
    };
    if rules.is_ignored(start, true) {
        return gone(start);
    }
    match path_state(root, start) {
        PathState::Directory => {}
        PathState::Closed => return closed(start),
        PathState::Gone => return gone(start),
    }
    let queue = Queue::starting_with(start.clone());
    let mut directories = if recursive && threads > 1 {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| queue.work(&walk)))
                .collect();
            workers
                .into_iter()
                .flat_map(|worker| match worker.join() {
                    Ok(found) => found,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        })
    } else {
        queue.work(&walk)
    };
    directories.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    if directories.first().is_none_or(|first| first.path != *start) {
        return match path_state(root, start) {
            PathState::Closed => closed(start),
            PathState::Directory | PathState::Gone => gone(start),
        };
    }
    Listing {
        directories,
        ..Listing::default()
    }
}

fn closed(start: &RelPath) -> Listing {
    Listing {
        closed: vec![start.clone()],
        ..Listing::default()
    }
}

fn gone(start: &RelPath) -> Listing {
    Listing {
        gone: vec![start.clone()],
        ..Listing::default()
    }
}

/// What is at a path that should be a directory.
enum PathState {
    /// A directory, and so is each of its ancestors.
    Directory,
    /// Unknown: permissions on an ancestor prevent access. Its content may still exist.
    Closed,
    /// Not a directory.
    Gone,
}

/// What is at `path` below `root`. A path through a symbolic link below the root does not count.
fn path_state(root: &Path, path: &RelPath) -> PathState {
    let mut at = root.to_path_buf();
    if !at.is_dir() {
        return PathState::Gone;
    }
    for name in path.names() {
        at.push(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name));
        match at.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return PathState::Closed;
            }
            Ok(_) | Err(_) => return PathState::Gone,
        }
    }
    PathState::Directory
}

/// Directories still to list, shared by the threads of one scan.
struct Queue {
    state: Mutex<Pending>,
    changed: Condvar,
}

struct Pending {
    directories: Vec<RelPath>,
    /// Threads that are listing a directory and so may add more.
    busy: usize,
}

impl Queue {
    fn starting_with(start: RelPath) -> Self {
        Self {
            state: Mutex::new(Pending {
                directories: vec![start],
                busy: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Lists directories until none are left and none can be added.
    fn work(&self, walk: &Walk<'_>) -> Vec<ListedDirectory> {
        let mut found = Vec::new();
        while let Some(directory) = self.take() {
            let busy = Busy(self);
            let Some(listed) = walk.list(&directory) else {
                continue;
            };
            if walk.recursive {
                let below = listed.entries.iter().filter(|entry| entry.file.is_none());
                busy.add(below.map(|entry| listed.path.join(&entry.name)).collect());
            }
            found.push(listed);
        }
        found
    }

    fn take(&self) -> Option<RelPath> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(directory) = state.directories.pop() {
                state.busy += 1;
                return Some(directory);
            }
            if state.busy == 0 {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A thread at work. Dropped on panic too, so that the other threads do not wait forever.
struct Busy<'a>(&'a Queue);

impl Busy<'_> {
    fn add(&self, more: Vec<RelPath>) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.directories.extend(more);
        self.0.changed.notify_all();
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy -= 1;
        if state.busy == 0 {
            self.0.changed.notify_all();
        }
    }
}

/// Parameters shared by all directories of one scan.
struct Walk<'a> {
    root: &'a Path,
    rules: &'a Rules,
    recursive: bool,
    before_listing: BeforeListing<'a>,
}

impl Walk<'_> {
    /// Lists one directory; `None` if it no longer exists.
    fn list(&self, path: &RelPath) -> Option<ListedDirectory> {
        let absolute = path.under(self.root);
        (self.before_listing)(path, &absolute);
        let mut listed = ListedDirectory {
            path: path.clone(),
            identity: identity(&absolute)?,
            entries: Vec::new(),
            problem: None,
        };
        // The root may be a link; nothing below it may.
        let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if !path.is_root() {
            flags |= OFlags::NOFOLLOW;
        }
        match retry_while_crowded(|| rustix::fs::open(&absolute, flags, Mode::empty())) {
            Ok(descriptor) => self.fill(&mut listed, descriptor)?,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return None,
            Err(error) => listed.problem = Some(format!("cannot be opened: {}", message_of(error))),
        }
        Some(listed)
    }

    fn fill(&self, listed: &mut ListedDirectory, descriptor: OwnedFd) -> Option<()> {
        let here = rustix::fs::fstat(&descriptor).ok()?;
        listed.identity = identity_of(&here);
        if is_pseudo(&descriptor) {
            listed.problem = Some("is a pseudo file system (such as /proc); left out".to_owned());
            return Some(());
        }
        let mut names: HashMap<Box<[u8]>, FileType> = HashMap::new();
        let mut problem = None;
        let mut reader = match retry_while_crowded(|| Dir::read_from(&descriptor)) {
            Ok(reader) => reader,
            Err(error) => {
                listed.problem = Some(format!("cannot be read: {}", message_of(error)));
                return Some(());
            }
        };
        while let Some(entry) = reader.read() {
            match entry {
                Ok(entry) => {
                    let name = entry.file_name().to_bytes();
                    if !matches!(name, b"." | b"..") {
                        names.insert(name.into(), entry.file_type());
                    }
                }
                Err(error) => {
                    problem = Some(format!("cannot be read completely: {}", message_of(error)));
                    break;
                }
            }
        }
        let rules = self
            .rules
            .directory_with(&listed.path, names.keys().map(|name| &name[..]))?;
        for (name, kind) in names {
            let path = listed.path.join(&name);
            let ignored = |is_directory| self.rules.ignores_entry(&rules, &path, is_directory);
            let known = matches!(kind, FileType::Directory | FileType::RegularFile);
            if (!known && kind != FileType::Unknown)
                || (known && ignored(kind == FileType::Directory))
            {
                continue;
            }
            // A directory's stat is taken when it is listed itself.
            if kind == FileType::Directory {
                listed.entries.push(Entry::directory(name));
                continue;
            }
            let stat = match rustix::fs::statat(&descriptor, &*name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(error) => {
                    problem = Some(format!(
                        "contains entries that cannot be read: {}",
                        message_of(error)
                    ));
                    continue;
                }
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile if known || !ignored(false) => listed.entries.push(Entry {
                    name,
                    file: Some(stat_of(&stat)),
                    policy: self.rules.policy_of(&rules, &path),
                }),
                FileType::Directory if !ignored(true) => {
                    listed.entries.push(Entry::directory(name));
                }
                _ => {}
            }
        }
        listed.problem = problem;
        Some(())
    }
}

/// Opens something, and retries for a while if the system is out of file descriptors, because a directory that could
/// not be listed is not listed again by itself.
fn retry_while_crowded<T>(open: impl Fn() -> Result<T, Errno>) -> Result<T, Errno> {
    let began = Instant::now();
    loop {
        match open() {
            Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM)
                if began.elapsed() < CROWDED_TIMEOUT =>
            {
                thread::sleep(CROWDED_PAUSE);
            }
            other => return other,
        }
    }
}

/// The system's message without its number.
fn message_of(error: Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

#[allow(clippy::unnecessary_cast)]
fn identity_of(stat: &rustix::fs::Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    Some(identity_of(&rustix::fs::stat(path).ok()?))
}

/// Whether a directory is on a pseudo file system: it contains no sources, and reading some of its files blocks.
#[cfg(target_os = "linux")]
fn is_pseudo(directory: &OwnedFd) -> bool {
    /// Magic numbers of statfs(2): proc, sysfs, cgroup, cgroup2, debugfs, tracefs, devpts, securityfs, bpf, pstore.
    const PSEUDO: [u64; 10] = [
        0x9fa0,
        0x6265_6572,
        0x0027_e0eb,
        0x6367_7270,
        0x6462_6720,
        0x7472_6163,
        0x1cd1,
        0x7363_6673,
        0xcafe_4a11,
        0x6165_676c,
    ];
    rustix::fs::fstatfs(directory)
        .is_ok_and(|found| PSEUDO.contains(&u64::from(found.f_type as u32)))
}

/// Whether `path` is a folder on a pseudo file system such as `/proc`.
pub fn is_pseudo_file_system(path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).is_ok_and(|folder| is_pseudo(&folder))
}

#[cfg(not(target_os = "linux"))]
fn is_pseudo(_directory: &OwnedFd) -> bool {
    false
}

#[cfg(test)]
mod tests;
