//! Reads the paths in git's index: versions 2 to 4, SHA-1 and SHA-256, split and sparse.
//!
//! An own reader, because this module needs only the paths: `gix-index` brings two dozen crates for the objects,
//! locks and parallel decoding that it also offers. See gitformat-index(5). A damaged index has no paths.

use std::path::Path;

use super::files::read_small;

/// Bytes of an entry before its object name.
const STAT_BYTES: usize = 40;
/// Where in an entry its mode is.
const MODE_AT: usize = 24;
/// The kinds of modes that are no files: a directory of a sparse index, and a submodule.
const NOT_FILES: [u32; 2] = [0o040_000, 0o160_000];

/// Calls `found` with each file's path, relative to the top of the work tree.
pub(super) fn paths(file: &Path, sha256: bool, mut found: impl FnMut(&[u8])) -> Option<()> {
    let bytes = read_small(file, true)?;
    let hash_bytes = if sha256 { 32 } else { 20 };
    let mut own = Vec::new();
    let rest = entries(&bytes, hash_bytes, |path| own.push(path.to_vec()))?;
    if let Some((name, deleted)) = shared(rest, hash_bytes) {
        let base = read_small(&file.with_file_name(format!("sharedindex.{name}")), true)?;
        let mut at = 0;
        entries(&base, hash_bytes, |path| {
            if !deleted.contains(at) {
                found(path);
            }
            at += 1;
        })?;
    }
    // An entry that replaces one of the shared index has no name of its own.
    own.iter()
        .filter(|path| !path.is_empty())
        .for_each(|path| found(path));
    Some(())
}

/// Calls `found` for each entry, also with the empty names of a split index; returns the extensions.
fn entries(bytes: &[u8], hash_bytes: usize, mut found: impl FnMut(&[u8])) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"DIRC")?;
    let version = number(rest, 0)?;
    let count = number(rest, 4)?;
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut rest = rest.get(8..)?;
    let mut previous: Vec<u8> = Vec::new();
    for _ in 0..count {
        let mode = number(rest, MODE_AT)?;
        let flags_at = STAT_BYTES + hash_bytes;
        let flags = u16::from_be_bytes(rest.get(flags_at..flags_at + 2)?.try_into().ok()?);
        let extended = version >= 3 && flags & 0x4000 != 0;
        let name_at = flags_at + if extended { 4 } else { 2 };
        let mut name = rest.get(name_at..)?;
        let mut kept = 0;
        if version == 4 {
            let (strip, after) = varint(name)?;
            kept = previous.len().checked_sub(strip)?;
            name = after;
        }
        let length = name.iter().position(|&byte| byte == 0)?;
        previous.truncate(kept);
        previous.extend_from_slice(&name[..length]);
        if !NOT_FILES.contains(&(mode & 0o170_000)) {
            found(&previous);
        } else {
            found(b"");
        }
        rest = match version {
            4 => name.get(length + 1..)?,
            // Padded with at least one NUL to a multiple of eight.
            _ => rest.get((name_at + length) / 8 * 8 + 8..)?,
        };
    }
    Some(rest)
}

/// The number that git writes with the highest bits first and an offset for each byte that follows.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value = value << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
        value += 1;
    }
    None
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The name of the shared index that a split index is based on, and which of its entries are deleted.
fn shared(mut extensions: &[u8], hash_bytes: usize) -> Option<(String, Bitmap)> {
    loop {
        let signature = extensions.get(..4)?;
        let length = number(extensions, 4)? as usize;
        let data = extensions.get(8..8 + length)?;
        if signature == b"link" {
            let hash = data.get(..hash_bytes)?;
            if hash.iter().all(|&byte| byte == 0) {
                return None;
            }
            let name = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            return Some((name, Bitmap::parse(&data[hash_bytes..])));
        }
        extensions = &extensions[8 + length..];
    }
}

/// An EWAH bitmap, as runs of equal 64-bit words and literal ones.
#[derive(Debug, Default)]
struct Bitmap(Vec<u64>);

impl Bitmap {
    /// The most words that are unpacked: a bitmap of 64 million entries.
    const MOST_WORDS: usize = 1 << 20;

    /// A damaged or missing bitmap is empty.
    fn parse(bytes: &[u8]) -> Self {
        let words = number(bytes, 4).unwrap_or(0) as usize;
        let compressed = bytes.get(8..).unwrap_or_default();
        let mut compressed = compressed
            .chunks_exact(8)
            .take(words)
            .filter_map(|word| word.try_into().ok().map(u64::from_be_bytes));
        let mut unpacked = Vec::new();
        while let Some(marker) = compressed.next() {
            let fill = if marker & 1 == 1 { u64::MAX } else { 0 };
            let run = (marker >> 1 & 0xffff_ffff) as usize;
            let literals = (marker >> 33) as usize;
            if unpacked.len() + run + literals > Self::MOST_WORDS {
                break;
            }
            unpacked.extend(std::iter::repeat_n(fill, run));
            unpacked.extend(compressed.by_ref().take(literals));
        }
        Self(unpacked)
    }

    fn contains(&self, at: usize) -> bool {
        let word = self.0.get(at / 64);
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::fs;
    use std::process::Command;

    use super::*;

    fn git(root: &Path, arguments: &[&str]) -> String {
        let done = Command::new("git")
            .current_dir(root)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .args(["-c", "user.name=a", "-c", "user.email=a@b.c"])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{arguments:?}: {said}");
        String::from_utf8(done.stdout).unwrap()
    }

    #[track_caller]
    fn agrees_with_git(root: &Path, sha256: bool) {
        let listed = git(root, &["ls-files", "-z"]);
        let listed: BTreeSet<&str> = listed.split_terminator('\0').collect();
        let mut found = BTreeSet::new();
        paths(&root.join(".git/index"), sha256, |path| {
            found.insert(String::from_utf8(path.to_vec()).unwrap());
        })
        .unwrap();
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, listed);
    }

    #[test]
    fn paths_are_those_that_git_lists() {
        for (format, version) in [("sha1", "2"), ("sha1", "4"), ("sha256", "3")] {
            let temporary = tempfile::tempdir().unwrap();
            let root = temporary.path();
            git(root, &["init", "-q", "--object-format", format]);
            git(root, &["config", "index.version", version]);
            for n in 0..70 {
                let folder = root.join(format!("d{}/{}", n % 7, "e".repeat(n % 9 + 1)));
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(format!("file{n}.txt")), "x").unwrap();
            }
            git(root, &["add", "."]);
            fs::write(root.join("later"), "x").unwrap();
            git(root, &["add", "-N", "later"]);
            agrees_with_git(root, format == "sha256");
            git(root, &["update-index", "--split-index"]);
            git(root, &["rm", "-q", "--cached", "d3/eeee/file3.txt"]);
            fs::write(root.join("new"), "x").unwrap();
            fs::write(root.join("d0/e/file0.txt"), "yy").unwrap();
            git(root, &["add", "new", "d0/e/file0.txt"]);
            agrees_with_git(root, format == "sha256");
        }
    }

    #[test]
    fn a_damaged_index_is_read_without_a_panic() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        git(root, &["init", "-q"]);
        fs::write(root.join("a"), "x").unwrap();
        git(root, &["add", "."]);
        git(root, &["update-index", "--split-index"]);
        let file = root.join(".git/index");
        let whole = fs::read(&file).unwrap();
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..300 {
            let mut bytes = whole.clone();
            bytes.truncate(random.usize(..=whole.len()));
            for _ in 0..random.usize(..4) {
                if !bytes.is_empty() {
                    let at = random.usize(..bytes.len());
                    bytes[at] = random.u8(..);
                }
            }
            fs::write(&file, bytes).unwrap();
            let _ = paths(&file, false, |_| ());
        }
    }
}
