//! Recognizes file systems on which other machines make changes that the kernel does not report.

use std::path::Path;

/// Magic numbers of statfs(2), and common names.
#[cfg(target_os = "linux")]
const REMOTE: [(u32, &str); 13] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x786f_4256, "VirtualBox"),
    (0x7c7c_6673, "Parallels"),
];

/// The kind of file system at `path`, if remote changes, or all changes, are not reported on it.
#[cfg(target_os = "linux")]
pub fn remote_kind(path: &Path) -> Option<&'static str> {
    magic(path).and_then(name)
}

/// The number of the file system's type.
#[cfg(target_os = "linux")]
fn magic(path: &Path) -> Option<u32> {
    let found = rustix::fs::statfs(path).ok()?;
    // The type's width differs between machines; the numbers have 32 bits.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast
    )]
    let magic = found.f_type as u32;
    Some(magic)
}

/// Whether `path` is on an overlay, as in most containers: writes to its layers from outside are not reported.
pub fn is_overlay(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    return magic(path) == Some(0x794c_7630);
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// Other systems report only their own changes.
#[cfg(not(target_os = "linux"))]
pub fn remote_kind(_path: &Path) -> Option<&'static str> {
    None
}

#[cfg(target_os = "linux")]
fn name(magic: u32) -> Option<&'static str> {
    let known = REMOTE.iter().find(|(number, _)| *number == magic);
    known.map(|(_, name)| *name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn local_and_remote_file_systems_are_distinguished() {
        assert_eq!(remote_kind(&std::env::temp_dir()), None);
        assert_eq!(name(0x6969), Some("NFS"));
        assert_eq!(name(0xfe53_4d42), Some("SMB"));
        assert_eq!(name(0xef53), None);
    }
}
