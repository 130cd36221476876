//! A file's stat, and when it proves that the content has not changed.

use serde::{Deserialize, Serialize};

/// The part of `lstat` that distinguishes one state of a file from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Status change time, nanoseconds since 1970. It changes even if a program restores `mtime`.
    pub ctime_ns: i64,
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
    /// Hard links to the file: above 1, it can be written under a name that is not watched.
    pub links: u64,
}

/// How long before an observation a change time must be to prove anything, in milliseconds. Two seconds is the
/// coarsest clock of a file system still in use; git and jj use the same rule for the same reason.
pub const RACY_MS: u64 = 2_000;

impl Stat {
    /// Whether a file read at `observed_ms` (milliseconds since 1970) with the stat `self` certainly has the same
    /// content if its stat is now `now`. If it changed within the clock's resolution of the reading it is "racily
    /// clean" and must be read again.
    pub fn proves_unchanged(&self, now: &Stat, observed_ms: u64) -> bool {
        let same = Stat { links: 0, ..*self } == Stat { links: 0, ..*now };
        let changed_ms = (now.ctime_ns.max(now.mtime_ns).max(0) / 1_000_000) as u64;
        same && changed_ms + RACY_MS <= observed_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changed_just_before_reading_proves_nothing() {
        let stat = Stat {
            size: 3,
            mtime_ns: 10_000_000_000,
            ctime_ns: 10_000_000_000,
            ..Stat::default()
        };
        assert!(!stat.proves_unchanged(&stat, 11_000));
        assert!(stat.proves_unchanged(&stat, 12_000));
        let other = Stat {
            ctime_ns: 1,
            ..stat
        };
        assert!(!stat.proves_unchanged(&other, 60_000));
    }
}
