//! One thing that a person, an editor, git or the system does, and how it is done to a real folder.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, Mode, RenameFlags};

use crate::harness::Alone;

/// A path below the folder that holds both the repository (`tree`) and what lies beside it (`out`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub Vec<u8>);

impl Place {
    pub fn new(path: &str) -> Self {
        Self(path.as_bytes().to_vec())
    }

    pub fn join(&self, name: &[u8]) -> Self {
        Self([&self.0, &b"/"[..], name].concat())
    }

    pub fn under(&self, base: &Path) -> PathBuf {
        base.join(OsStr::from_bytes(&self.0))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.escape_ascii().to_string();
        match text.len() {
            ..=80 => f.write_str(&text),
            long => write!(f, "{}…({long})", &text[..60]),
        }
    }
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Written in place, its folders made.
    Write(Place, String),
    Append(Place, String),
    /// Written piece by piece by one open descriptor, with a pause between.
    Slowly(Place, String),
    /// Written beside and renamed over it.
    Atomic(Place, String),
    /// Renamed to a backup, written anew, the backup removed.
    Backup(Place, String),
    /// One byte changed, and the modification time put back.
    Disguised(Place),
    Touch(Place),
    Remove(Place),
    Rename(Place, Place),
    /// Two names exchanged in one call.
    Exchange(Place, Place),
    /// Two names exchanged by three renames.
    Swap(Place, Place),
    Directory(Place),
    HardLink(Place, Place),
    /// A link of that text at that place.
    Symlink(String, Place),
    Pipe(Place),
    Socket(Place),
    Copy(Place, Place),
    /// Many files, some of them removed at once.
    Burst(Place, u32),
    /// A chain of directories with a file at its end.
    Deep(Place, u32),
    Mode(Place, u32),
    Git(Place, Vec<String>),
    /// More notifications than the kernel keeps, for a daemon that was stopped before.
    Flood,
    /// The root goes, and comes back after so many milliseconds.
    RootAway(u64),
    /// The root is replaced by a copy of itself.
    RootCopied,
    Pause(u64),
    /// The daemon is asked, and what it calls fresh has to be so.
    Look,
    /// The daemon is stopped by a signal, and goes on.
    Stop,
    Continue,
    Kill,
    Terminate,
    Start,
    /// All is waited for and compared.
    Settle,
}

impl Op {
    /// Where it happens.
    fn places(&self) -> Vec<&Place> {
        match self {
            Self::Write(place, _)
            | Self::Append(place, _)
            | Self::Slowly(place, _)
            | Self::Atomic(place, _)
            | Self::Backup(place, _)
            | Self::Disguised(place)
            | Self::Touch(place)
            | Self::Remove(place)
            | Self::Directory(place)
            | Self::Symlink(_, place)
            | Self::Pipe(place)
            | Self::Socket(place)
            | Self::Burst(place, _)
            | Self::Deep(place, _)
            | Self::Mode(place, _)
            | Self::Git(place, _) => vec![place],
            Self::Rename(one, other)
            | Self::Exchange(one, other)
            | Self::Swap(one, other)
            | Self::HardLink(one, other)
            | Self::Copy(one, other) => vec![one, other],
            _ => Vec::new(),
        }
    }

    /// Does what concerns the disk. What cannot be done, because of what came before, is not done.
    pub fn apply(&self, base: &Path) -> std::io::Result<()> {
        let at = |place: &Place| place.under(base);
        if self
            .places()
            .iter()
            .any(|place| !is_inside(&at(place), base))
        {
            return Err(std::io::ErrorKind::InvalidInput.into());
        }
        match self {
            Self::Write(place, text) => {
                make_parent(&at(place))?;
                put(&at(place), text)
            }
            Self::Append(place, text) => {
                regular(&at(place))?;
                let mut file = File::options().append(true).open(at(place))?;
                file.write_all(text.as_bytes())
            }
            Self::Slowly(place, text) => {
                regular(&at(place))?;
                let mut file = File::create(at(place))?;
                for piece in text.as_bytes().chunks(text.len() / 3 + 1) {
                    file.write_all(piece)?;
                    std::thread::sleep(Duration::from_millis(3));
                }
                Ok(())
            }
            Self::Atomic(place, text) => {
                let mut beside = at(place).into_os_string();
                beside.push(".tmp");
                let made =
                    put(Path::new(&beside), text).and_then(|()| fs::rename(&beside, at(place)));
                let _ = fs::remove_file(&beside);
                made
            }
            Self::Backup(place, text) => {
                let mut backup = at(place).into_os_string();
                backup.push("~");
                fs::rename(at(place), &backup)?;
                put(&at(place), text)?;
                fs::remove_file(backup)
            }
            Self::Disguised(place) => disguise(&at(place)),
            Self::Touch(place) => {
                let now = FileTimes::new().set_modified(std::time::SystemTime::now());
                regular(&at(place))?;
                File::open(at(place))?.set_times(now)
            }
            Self::Remove(place) => remove(&at(place)),
            Self::Rename(from, to) => fs::rename(at(from), at(to)),
            Self::Exchange(one, other) => Ok(rustix::fs::renameat_with(
                CWD,
                at(one),
                CWD,
                at(other),
                RenameFlags::EXCHANGE,
            )?),
            Self::Swap(one, other) => {
                let aside = base.join("tree/.swapping");
                fs::rename(at(one), &aside)?;
                let second = fs::rename(at(other), at(one));
                let third = fs::rename(&aside, at(other));
                if third.is_err() {
                    let _ = fs::rename(&aside, at(one));
                }
                second.and(third)
            }
            Self::Directory(place) => fs::create_dir_all(at(place)),
            Self::HardLink(from, to) => fs::hard_link(at(from), at(to)),
            Self::Symlink(text, place) => symlink(text, at(place)),
            Self::Pipe(place) => Ok(rustix::fs::mknodat(
                CWD,
                at(place),
                rustix::fs::FileType::Fifo,
                Mode::from_raw_mode(0o600),
                0,
            )?),
            Self::Socket(place) => UnixListener::bind(at(place)).map(drop),
            Self::Copy(from, to) => match at(to).exists() || at(to).starts_with(at(from)) {
                true => Ok(()),
                false => copy(&at(from), &at(to)),
            },
            Self::Burst(place, count) => burst(&at(place), *count),
            Self::Deep(place, levels) => {
                let mut path = at(place);
                (0..*levels).for_each(|level| path.push(format!("d{level}")));
                fs::create_dir_all(&path)?;
                fs::write(path.join("end.py"), "def end():\n    pass\n")
            }
            Self::Mode(place, mode) => {
                fs::set_permissions(at(place), Permissions::from_mode(*mode))
            }
            Self::Git(place, arguments) => git(&at(place), arguments),
            Self::Flood => {
                let (one, two) = (base.join("tree/.flood1"), base.join("tree/.flood2"));
                fs::write(&one, "x\n")?;
                for _ in 0..4_500 {
                    fs::rename(&one, &two)?;
                    fs::rename(&two, &one)?;
                }
                Ok(())
            }
            Self::RootAway(ms) => {
                let (root, away) = (base.join("tree"), base.join("out/.away"));
                fs::rename(&root, &away)?;
                std::thread::sleep(Duration::from_millis(*ms));
                fs::rename(away, root)
            }
            Self::RootCopied => {
                let (root, away) = (base.join("tree"), base.join("out/.before"));
                fs::rename(&root, &away)?;
                copy(&away, &root)?;
                fs::remove_dir_all(away)
            }
            Self::Pause(ms) => {
                std::thread::sleep(Duration::from_millis(*ms));
                Ok(())
            }
            Self::Look
            | Self::Stop
            | Self::Continue
            | Self::Kill
            | Self::Terminate
            | Self::Start
            | Self::Settle => Ok(()),
        }
    }
}

/// No link on the way, nor at its end, may lead out of the folder.
fn is_inside(path: &Path, base: &Path) -> bool {
    let existing = path.ancestors().find_map(|above| above.canonicalize().ok());
    existing.is_some_and(|existing| existing.starts_with(base))
}

/// A pipe would hold up whoever opens it.
fn regular(path: &Path) -> std::io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(std::io::ErrorKind::InvalidInput.into()),
        _ => Ok(()),
    }
}

fn put(path: &Path, text: &str) -> std::io::Result<()> {
    regular(path)?;
    fs::write(path, text)
}

fn make_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

/// Copies what can be copied.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        let _ = if kind.is_dir() {
            copy(&entry.path(), &target)
        } else if kind.is_symlink() {
            fs::read_link(entry.path()).and_then(|text| symlink(text, target))
        } else if kind.is_file() {
            fs::copy(entry.path(), target).map(drop)
        } else {
            Ok(())
        };
    }
    Ok(())
}

fn disguise(path: &Path) -> std::io::Result<()> {
    regular(path)?;
    let before = fs::metadata(path)?;
    let mut bytes = fs::read(path)?;
    if let Some(byte) = bytes.iter_mut().find(|byte| byte.is_ascii_lowercase()) {
        *byte = if *byte == b'z' { b'a' } else { *byte + 1 };
    }
    fs::write(path, bytes)?;
    let times = FileTimes::new().set_modified(before.modified()?);
    File::options().write(true).open(path)?.set_times(times)
}

fn burst(path: &Path, count: u32) -> std::io::Result<()> {
    fs::create_dir_all(path)?;
    for number in 0..count {
        let file = path.join(format!("f{number}.txt"));
        fs::write(&file, format!("{number}\n"))?;
        if number % 3 == 0 {
            fs::remove_file(&file)?;
        } else if number % 7 == 0 {
            fs::create_dir_all(path.join(format!("s{number}")))?;
            fs::rename(&file, path.join(format!("s{number}/moved.txt")))?;
        }
    }
    Ok(())
}

fn git(folder: &Path, arguments: &[String]) -> std::io::Result<()> {
    Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_EDITOR", "true")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.org")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.org")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status_alone()
        .map(drop)
}
