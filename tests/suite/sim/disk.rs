//! The simulated disk: files with content, directories, and a clock that stamps them.

use std::collections::{BTreeMap, BTreeSet};

use epitome::engine::effect::Depth;
use epitome::model::contents::{ContentKind, Contents};
use epitome::model::digest::Digest;
use epitome::model::language::Language;
use epitome::model::listing::{Entry, ListedDirectory, Listing};
use epitome::model::path::RelPath;
use epitome::model::stat::Stat;

/// A file's content: its meaning, and its layout, which does not change the syntax digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    pub meaning: u32,
    pub layout: u8,
}

impl Text {
    pub fn bytes(self) -> Vec<u8> {
        format!(
            "meaning {}{}",
            self.meaning,
            " ".repeat(usize::from(self.layout))
        )
        .into_bytes()
    }

    pub fn digest(self) -> Digest {
        Digest::of_file(&self.bytes())
    }

    pub fn syntax(self) -> Digest {
        match u8::try_from(self.meaning) {
            Ok(few) => Digest::of_file(&[few]),
            Err(_) => Digest::of_file(&self.meaning.to_le_bytes()),
        }
    }

    /// A few meanings stand for content that is never sent to a model.
    pub fn content_kind(self) -> ContentKind {
        match self.meaning {
            0 => ContentKind::Empty,
            1 => ContentKind::Binary,
            2 => ContentKind::TooLarge,
            _ => ContentKind::Text,
        }
    }
}

#[derive(Clone, Debug)]
pub struct File {
    pub text: Text,
    pub stat: Stat,
    /// When it was last written (milliseconds).
    pub written_ms: u64,
}

#[derive(Default)]
pub struct Disk {
    pub files: BTreeMap<String, File>,
    pub directories: BTreeMap<String, u64>,
    pub root_is_there: bool,
    inodes: u64,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/'))
}

impl Disk {
    pub fn new() -> Self {
        let mut disk = Self {
            root_is_there: true,
            ..Self::default()
        };
        disk.make_directory("");
        disk
    }

    fn inode(&mut self) -> u64 {
        self.inodes += 1;
        self.inodes
    }

    /// The disk's clock is coarse, like a real one: two writes within one tick get the same time.
    fn stamp(now_ms: u64) -> i64 {
        (now_ms / 10 * 10 * 1_000_000) as i64
    }

    pub fn make_directory(&mut self, path: &str) {
        let mut above = path;
        while !above.is_empty() {
            if self.files.contains_key(above) {
                return;
            }
            above = parent(above);
        }
        if !path.is_empty() && !self.directories.contains_key(parent(path)) {
            self.make_directory(parent(path));
        }
        if !self.directories.contains_key(path) && !self.files.contains_key(path) {
            let inode = self.inode();
            self.directories.insert(path.to_owned(), inode);
        }
    }

    /// Writes a file. Returns whether that was possible.
    pub fn write(&mut self, path: &str, text: Text, now_ms: u64) -> bool {
        if self.directories.contains_key(path) || !self.directories.contains_key(parent(path)) {
            return false;
        }
        let inode = match self.files.get(path) {
            Some(file) => file.stat.inode,
            None => self.inode(),
        };
        let stamp = Self::stamp(now_ms);
        let stat = Stat {
            size: text.bytes().len() as u64,
            mtime_ns: stamp,
            ctime_ns: stamp,
            inode,
            device: 1,
            links: 1,
        };
        self.files.insert(
            path.to_owned(),
            File {
                text,
                stat,
                written_ms: now_ms,
            },
        );
        true
    }

    pub fn remove(&mut self, path: &str) {
        self.files
            .retain(|file, _| file != path && !is_below(file, path));
        self.directories
            .retain(|directory, _| directory != path && !is_below(directory, path));
    }

    /// Renames a file or directory, replacing nothing.
    pub fn rename(&mut self, from: &str, to: &str, now_ms: u64) -> bool {
        if to == from
            || is_below(to, from)
            || self.files.contains_key(to)
            || self.directories.contains_key(to)
            || !self.directories.contains_key(parent(to))
        {
            return false;
        }
        let moved = |path: &str| format!("{to}{}", &path[from.len()..]);
        let files: Vec<String> = self
            .files
            .keys()
            .filter(|path| *path == from || is_below(path, from))
            .cloned()
            .collect();
        for path in files {
            let mut file = self.files.remove(&path).unwrap();
            if path == from {
                file.stat.ctime_ns = Self::stamp(now_ms);
                file.written_ms = now_ms;
            }
            self.files.insert(moved(&path), file);
        }
        let directories: Vec<String> = self
            .directories
            .keys()
            .filter(|path| *path == from || is_below(path, from))
            .cloned()
            .collect();
        for path in directories {
            let inode = self.directories.remove(&path).unwrap();
            self.directories.insert(moved(&path), inode);
        }
        true
    }

    fn list_one(&self, path: &str) -> Option<ListedDirectory> {
        let inode = *self.directories.get(path)?;
        let here = |entry: &str| !entry.is_empty() && parent(entry) == path;
        let files = self
            .files
            .iter()
            .filter(|(file, _)| here(file))
            .map(|(file, found)| Entry {
                name: name(file).as_bytes().into(),
                file: Some(found.stat),
                policy: epitome::model::policy::Policy::None,
            });
        let directories = self
            .directories
            .keys()
            .filter(|directory| here(directory))
            .map(|directory| Entry::directory(name(directory).as_bytes().into()));
        Some(ListedDirectory {
            path: RelPath::new(path),
            identity: (1, inode),
            entries: files.chain(directories).collect(),
            problem: None,
        })
    }

    pub fn list(&self, targets: &[(RelPath, Depth)]) -> Listing {
        let mut listing = Listing::default();
        if !self.root_is_there {
            listing
                .gone
                .extend(targets.iter().map(|(path, _)| path.clone()));
            listing.gone.push(RelPath::root());
            return listing;
        }
        let mut wanted = BTreeSet::new();
        for (path, depth) in targets {
            let text = path.to_text();
            if !self.directories.contains_key(&text) {
                listing.gone.push(path.clone());
                continue;
            }
            wanted.insert(text.clone());
            if *depth == Depth::Everything {
                wanted.extend(
                    self.directories
                        .keys()
                        .filter(|at| is_below(at, &text))
                        .cloned(),
                );
            }
        }
        listing.directories = wanted
            .iter()
            .filter_map(|path| self.list_one(path))
            .collect();
        listing
    }

    pub fn read(&self, path: &str, now_ms: u64) -> Option<Contents> {
        let file = self.files.get(path).filter(|_| self.root_is_there)?;
        let content_kind = file.text.content_kind();
        Some(Contents {
            stat: file.stat,
            observed_ms: now_ms,
            digest: file.text.digest(),
            syntax: file.text.syntax(),
            language: Language::of_file(path.as_bytes()),
            content_kind,
        })
    }
}
