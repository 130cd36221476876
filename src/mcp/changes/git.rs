//! What git knows of a work tree, read without running anything that the repository's configuration names.
//!
//! Only `rev-parse`, `rev-list`, `ls-tree`, `ls-files`, `config --get` and `cat-file --batch` are run. They read objects and the index:
//! no filter, diff driver, text conversion or hook belongs to them. Besides, hooks, the file system monitor, pagers, every transport and
//! lazy fetching are off, the user's and the system's configuration is not read, and nothing of this process's `GIT_*`
//! environment reaches git, so that neither names another repository.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::wire::plain::clean;

/// How long git may take. A named pipe in a repository's folder would block it for ever.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most that it may print.
const MAX_OUTPUT: u64 = 512 * 1024 * 1024;

/// A work tree of git.
#[derive(Debug)]
pub struct Git {
    /// The top of the work tree.
    pub top: PathBuf,
    /// Its `.git`, a folder or a file that points to one.
    mark: PathBuf,
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blob {
    /// The object id of a regular file.
    File(Vec<u8>),
    /// The commit of a submodule, in hexadecimal.
    Submodule(String),
}

/// A file in the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staged {
    pub id: Vec<u8>,
    /// Modification time in seconds and nanoseconds, size and inode, as they were when the file was hashed.
    pub stat: (i64, i64, u64, u64),
    /// Not in the work tree on purpose (sparse checkout).
    pub skipped: bool,
}

impl Git {
    /// The work tree whose top is `top`.
    pub fn at(top: &Path) -> Self {
        Self {
            top: top.to_path_buf(),
            mark: top.join(".git"),
        }
    }

    /// The commit that `revision` names, in hexadecimal.
    pub fn commit(&self, revision: &str) -> Result<String, String> {
        let spec = format!("{revision}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &spec,
        ];
        match self.run(&arguments) {
            Ok(id) => Ok(String::from_utf8_lossy(&id).trim().to_owned()),
            Err(Flaw::Refused(_)) => Err(self.why_unknown(revision)),
            Err(flaw) => Err(flaw.to_string()),
        }
    }

    /// Whether the repository has no commit yet.
    pub fn is_unborn(&self) -> bool {
        let head = self.run(&["rev-parse", "--verify", "--quiet", "HEAD"]);
        matches!(head, Err(Flaw::Refused(_))) && self.run(&["rev-parse", "--git-dir"]).is_ok()
    }

    /// The newest commit of HEAD's history before a time, in seconds since 1970.
    pub fn commit_before(&self, seconds: u64) -> Option<String> {
        let before = format!("--before=@{seconds}");
        let found = self.run(&["rev-list", "-1", &before, "HEAD"]).ok()?;
        let id = String::from_utf8_lossy(&found).trim().to_owned();
        (!id.is_empty()).then_some(id)
    }

    /// The files of a commit by path.
    pub fn tree(&self, commit: &str) -> Result<BTreeMap<Vec<u8>, Blob>, String> {
        let arguments = ["ls-tree", "-r", "-z", "--full-tree", commit];
        let listed = self.run(&arguments).map_err(|flaw| match flaw {
            Flaw::Refused(said) => format!(
                "the objects of {commit} are not all in this clone (a partial or shallow one: `git fetch` gets them): {said}"
            ),
            flaw => flaw.to_string(),
        })?;
        let entries = listed.split(|&byte| byte == 0).filter_map(|entry| {
            let tab = entry.iter().position(|&byte| byte == b'\t')?;
            let (head, path) = (&entry[..tab], &entry[tab + 1..]);
            let mut words = std::str::from_utf8(head).ok()?.split(' ');
            let (mode, _kind, id) = (words.next()?, words.next()?, words.next()?);
            let blob = match mode {
                "160000" => Blob::Submodule(id.to_owned()),
                mode if mode.starts_with("100") => Blob::File(bytes_of(id)?),
                // Symbolic links are no nodes.
                _ => return None,
            };
            Some((path.to_vec(), blob))
        });
        Ok(entries.collect())
    }

    /// The index by path. It only saves reading files again; where it cannot be read, all are read.
    pub fn index(&self) -> BTreeMap<Vec<u8>, Staged> {
        let listed = self.run(&["ls-files", "--stage", "--debug", "-t", "-z", "--full-name"]);
        let mut rest = listed.as_deref().unwrap_or_default();
        let mut index = BTreeMap::new();
        // `H 100644 ID 0\tPATH\0` and five lines of the form `  NAME: VALUE`, tabs between values.
        while let Some(end) = rest.iter().position(|&byte| byte == 0) {
            let (entry, after) = (&rest[..end], &rest[end + 1..]);
            let lines_end = (0..5).try_fold(0, |at, _| {
                let line = after[at..].iter().position(|&byte| byte == b'\n')?;
                Some(at + line + 1)
            });
            let Some(lines_end) = lines_end else { break };
            if let Some((path, staged)) = staged(entry, &after[..lines_end]) {
                index.insert(path, staged);
            }
            rest = &after[lines_end..];
        }
        index
    }

    /// The repository that the `.git` file of a work tree names, where that is gone.
    fn missing(&self) -> Option<PathBuf> {
        let text = std::fs::read(&self.mark).ok()?;
        let named = text.strip_prefix(b"gitdir:")?.trim_ascii();
        let named = self.top.join(OsStr::from_bytes(named));
        (!named.exists()).then_some(named)
    }

    /// Whether the repository is configured to have no work tree, and this is not a linked one of it.
    pub fn is_bare(&self) -> bool {
        let folders = self.run(&["rev-parse", "--git-dir", "--git-common-dir"]);
        let folders = folders.unwrap_or_default();
        let mut folders = folders.split(|&byte| byte == b'\n');
        let bare = self.run(&["config", "--type=bool", "--get", "core.bare"]);
        folders.next() == folders.next() && bare.is_ok_and(|bare| bare.starts_with(b"true"))
    }

    fn why_unknown(&self, revision: &str) -> String {
        let shown = clean(revision);
        let top = clean(&self.top.to_string_lossy());
        if self.run(&["rev-parse", "--git-dir"]).is_err() {
            return match self.missing() {
                Some(gone) => format!(
                    "{top} belongs to the git repository {}, which is not there: it was moved or deleted; give a time, for example 2h",
                    clean(&gone.to_string_lossy())
                ),
                None => format!("{top} has a .git that git does not take for a repository"),
            };
        }
        if self.is_unborn() {
            return format!("{top} has no commit yet, so there is no {shown}");
        }
        let shallow = self.run(&["rev-parse", "--is-shallow-repository"]);
        if shallow.is_ok_and(|said| said.starts_with(b"true")) {
            return format!(
                "{shown} is not in the history of {top}, which is a shallow clone: `git fetch --unshallow` gets the rest"
            );
        }
        format!(
            "{shown} is neither a revision of the git repository at {top} nor a time; {}",
            super::when::EXAMPLES
        )
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, Flaw> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        self.run_with(&arguments, Vec::new())
    }

    /// Runs git with this text on its standard input.
    pub(super) fn run_with(&self, arguments: &[&OsStr], input: Vec<u8>) -> Result<Vec<u8>, Flaw> {
        let mut command = Command::new("git");
        command
            .env_clear()
            .envs(environment())
            .arg("--no-pager")
            .arg(concat("--git-dir=", &self.mark))
            .arg(concat("--work-tree=", &self.top));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        // Not in the repository: a PATH with a relative folder in it would find programs there.
        command.args(arguments).current_dir(&self.top);
        command
            .stdin(match input.is_empty() {
                true => Stdio::null(),
                false => Stdio::piped(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Flaw::NoGit,
            _ => Flaw::Other(format!("git cannot be run: {error}")),
        })?;
        if let Some(mut stdin) = child.stdin.take() {
            // A git that ended earlier says why by its status.
            std::thread::spawn(move || stdin.write_all(&input));
        }
        let streams = (child.stdout.take(), child.stderr.take());
        let out = std::thread::spawn(move || read(streams.0));
        let err = std::thread::spawn(move || read(streams.1));
        let until = Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let seconds = PATIENCE.as_secs();
                    return Err(Flaw::Other(format!("git did not end within {seconds} s")));
                }
            }
        };
        let (out, err) = (
            out.join().unwrap_or_default(),
            err.join().unwrap_or_default(),
        );
        match status.success() {
            true => Ok(out),
            false => {
                let said = String::from_utf8_lossy(&err);
                Err(Flaw::Refused(clean(
                    said.lines().next().unwrap_or("no reason given"),
                )))
            }
        }
    }
}

/// Settings that go before those of the repository.
const SETTINGS: [&str; 9] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.askPass=false",
    "core.quotePath=false",
    "core.untrackedCache=false",
    "protocol.allow=never",
    "credential.helper=",
];

/// The whole environment of git.
fn environment() -> Vec<(&'static str, std::ffi::OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let absolute = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let path = std::env::join_paths(absolute).unwrap_or_default();
    let mut environment: Vec<(&str, std::ffi::OsString)> = [
        ("LC_ALL", "C"),
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        // No transport at all, whatever the configuration allows.
        ("GIT_ALLOW_PROTOCOL", "none"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        // A path with a `*` in it is that path.
        ("GIT_LITERAL_PATHSPECS", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.into()))
    .collect();
    environment.push(("PATH", path));
    environment
}

/// Why git gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    #[error(
        "git is not installed here, so revisions cannot be resolved; give a time, for example 2h"
    )]
    NoGit,
    #[error("git failed: {0}")]
    Refused(String),
    #[error("{0}")]
    Other(String),
}

fn read(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let _ = stream.take(MAX_OUTPUT).read_to_end(&mut bytes);
    }
    bytes
}

fn concat(option: &str, path: &Path) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(option);
    text.push(path);
    text
}

fn staged(entry: &[u8], lines: &[u8]) -> Option<(Vec<u8>, Staged)> {
    let tab = entry.iter().position(|&byte| byte == b'\t')?;
    let mut words = std::str::from_utf8(&entry[..tab]).ok()?.split(' ');
    let (tag, _mode, id) = (words.next()?, words.next()?, words.next()?);
    let text = std::str::from_utf8(lines).ok()?;
    let value = |name: &str| {
        let from = text.find(&format!("{name}: "))? + name.len() + 2;
        let rest = &text[from..];
        rest.split(['\t', '\n']).next()
    };
    let (seconds, nanoseconds) = value("mtime")?.split_once(':')?;
    let staged = Staged {
        id: bytes_of(id)?,
        stat: (
            seconds.parse().ok()?,
            nanoseconds.parse().ok()?,
            value("size")?.parse().ok()?,
            value("ino")?.parse().ok()?,
        ),
        skipped: tag == "S",
    };
    Some((entry[tab + 1..].to_vec(), staged))
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect())
}
