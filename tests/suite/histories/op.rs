//! One operation of a person, an editor, git or the system.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk::{
    become_other, burst, copy, disguise, git, is_inside, make_parent, mapped, put, regular, remove,
};
use rustix::fs::{CWD, Mode, RenameFlags};

/// A path below the folder that contains the repository (`tree`) and a folder beside it (`out`).
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

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Write in place; create missing folders.
    Write(Place, String),
    Append(Place, String),
    /// Write in pieces through one descriptor, with pauses in between.
    Slowly(Place, String),
    /// Write a temporary file and rename it over the target.
    Atomic(Place, String),
    /// Rename to a backup, write a new file, remove the backup.
    Backup(Place, String),
    /// Change one byte and restore the modification time.
    Disguised(Place),
    Touch(Place),
    Remove(Place),
    Rename(Place, Place),
    /// Exchange two names in one call.
    Exchange(Place, Place),
    /// Exchange two names with three renames.
    Swap(Place, Place),
    Directory(Place),
    HardLink(Place, Place),
    /// Create a symbolic link with this target.
    Symlink(String, Place),
    Pipe(Place),
    Socket(Place),
    Copy(Place, Place),
    /// Create many files and remove some of them at once.
    Burst(Place, u32),
    /// Create nested directories with a file in the last one.
    Deep(Place, u32),
    Mode(Place, u32),
    Git(Place, Vec<String>),
    /// Truncate to zero bytes.
    Truncate(Place),
    /// Extend with a hole.
    Grow(Place, u64),
    /// Replace a directory by a file, or a file by a directory; if `true`, restore it afterwards.
    Become(Place, bool),
    /// Write through a memory map in another process.
    Mapped(Place),
    /// Another program opens a file, writes to it later and then closes it.
    OpenFile(Place),
    WriteOpenFile(String),
    CloseFile,
    /// Write a git file of the user, by its path in the user's folder; `None` removes it.
    UserFile(&'static str, Option<String>),
    /// Make such a file a link to another one, as in a dotfiles repository.
    UserLink(&'static str, &'static str),
    /// Stop and start watching a repository.
    Unwatch(Place),
    Watch(Place),
    /// Move the folder above the root away, and back after this many milliseconds.
    ParentAway(u64),
    /// Overflow the kernel's event queue. The daemon is stopped before.
    Flood,
    /// Move the root away, and back after this many milliseconds.
    RootAway(u64),
    /// Replace the root by a copy of itself.
    RootCopied,
    Pause(u64),
    /// Check that every node reported as fresh equals the disk.
    CheckFresh,
    /// Stop the daemon with a signal, and continue it.
    Stop,
    Continue,
    Kill,
    Terminate,
    Start,
    /// Wait until everything is settled, and compare.
    Settle,
}

impl Op {
    /// The paths that it changes.
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
            | Self::Git(place, _)
            | Self::Truncate(place)
            | Self::Grow(place, _)
            | Self::Become(place, _)
            | Self::Mapped(place)
            | Self::OpenFile(place) => vec![place],
            Self::Rename(one, other)
            | Self::Exchange(one, other)
            | Self::Swap(one, other)
            | Self::HardLink(one, other)
            | Self::Copy(one, other) => vec![one, other],
            _ => Vec::new(),
        }
    }

    /// Applies the operation to the disk. It may fail because of earlier operations.
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
            Self::Truncate(place) => {
                regular(&at(place))?;
                let file = File::options().write(true).open(at(place))?;
                file.set_len(0)
            }
            Self::Grow(place, bytes) => {
                regular(&at(place))?;
                let file = File::options().write(true).open(at(place))?;
                file.set_len(file.metadata()?.len() + bytes)
            }
            Self::Become(place, back) => become_other(&at(place), &base.join("out/.kept"), *back),
            Self::Mapped(place) => mapped(&at(place)),
            Self::ParentAway(ms) => {
                let mut away = base.to_path_buf().into_os_string();
                away.push(".away");
                fs::rename(base, &away)?;
                std::thread::sleep(Duration::from_millis(*ms));
                fs::rename(away, base)
            }
            Self::Pause(ms) => {
                std::thread::sleep(Duration::from_millis(*ms));
                Ok(())
            }
            Self::CheckFresh
            | Self::Stop
            | Self::Continue
            | Self::Kill
            | Self::Terminate
            | Self::Start
            | Self::OpenFile(_)
            | Self::WriteOpenFile(_)
            | Self::CloseFile
            | Self::UserFile(..)
            | Self::UserLink(..)
            | Self::Unwatch(_)
            | Self::Watch(_)
            | Self::Settle => Ok(()),
        }
    }
}
