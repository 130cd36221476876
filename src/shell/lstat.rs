//! The one place where the kernel's answer becomes a [`Stat`]: the scan and the reading are compared by it, so they
//! must never differ in how they make it. It opens nothing.

use std::path::Path;

use crate::model::stat::Stat;

/// What stands at a path now, of whatever kind; `None` where nothing does, or where it cannot be looked at.
pub fn look(path: &Path) -> Option<Stat> {
    Some(stat_of(&rustix::fs::lstat(path).ok()?))
}

/// Device and inode of the directory at a path, which may be a link to it; `None` where there is none.
#[allow(clippy::unnecessary_cast)]
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::stat(path).ok()?;
    let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
    (kind == rustix::fs::FileType::Directory).then_some((stat.st_dev as u64, stat.st_ino as u64))
}

/// The model's stat of the kernel's. The widths of the fields differ between systems, hence the casts.
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_truncation,
    clippy::useless_conversion
)]
pub(super) fn stat_of(stat: &rustix::fs::Stat) -> Stat {
    // Beyond the year 2262 all times are the same one; the change time still tells states apart.
    let nanoseconds = |seconds: i64, rest: i64| {
        let whole = seconds.saturating_mul(1_000_000_000);
        whole.saturating_add(rest)
    };
    Stat {
        size: stat.st_size as u64,
        mtime_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        ctime_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        inode: stat.st_ino as u64,
        device: stat.st_dev as u64,
        links: stat.st_nlink as u64,
    }
}
