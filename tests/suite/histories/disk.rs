//! Applies operations to a real folder.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::Alone;

/// Whether a path stays in the folder, with all links resolved.
pub fn is_inside(path: &Path, base: &Path) -> bool {
    let existing = path.ancestors().find_map(|above| above.canonicalize().ok());
    existing.is_some_and(|existing| existing.starts_with(base))
}

/// Opening a pipe would block.
pub fn regular(path: &Path) -> std::io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(std::io::ErrorKind::InvalidInput.into()),
        _ => Ok(()),
    }
}

pub fn put(path: &Path, text: &str) -> std::io::Result<()> {
    regular(path)?;
    fs::write(path, text)
}

pub fn make_parent(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

pub fn remove(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

/// Copies a file or folder, without special files.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
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

pub fn disguise(path: &Path) -> std::io::Result<()> {
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

pub fn become_other(path: &Path, kept: &Path, back: bool) -> std::io::Result<()> {
    let is_directory = fs::symlink_metadata(path)?.is_dir();
    let _ = remove(kept);
    fs::rename(path, kept)?;
    match is_directory {
        true => fs::write(path, "now = 'a file'\n")?,
        false => {
            fs::create_dir(path)?;
            fs::write(path.join("within.py"), "within = 1\n")?;
        }
    }
    match back {
        true => remove(path).and_then(|()| fs::rename(kept, path)),
        false => remove(kept),
    }
}

pub fn mapped(path: &Path) -> std::io::Result<()> {
    let script = "import mmap, sys\n\
        with open(sys.argv[1], 'r+b') as file:\n\
        \x20   memory = mmap.mmap(file.fileno(), 0)\n\
        memory[0:1] = b'M'\n\
        memory.close()\n";
    regular(path)?;
    Command::new("python3")
        .args(["-c", script])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status_alone()
        .map(drop)
}

pub fn burst(path: &Path, count: u32) -> std::io::Result<()> {
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

pub fn git(folder: &Path, arguments: &[String]) -> std::io::Result<()> {
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

/// Makes everything readable again.
pub fn make_readable(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let mode = if kind.is_dir() { 0o700 } else { 0o400 };
        let closed = entry
            .metadata()
            .is_ok_and(|found| found.mode() & mode != mode);
        if closed && !kind.is_symlink() {
            let _ = fs::set_permissions(entry.path(), Permissions::from_mode(0o755));
        }
        if kind.is_dir() {
            make_readable(&entry.path());
        }
    }
}
