//! The one conversion from the kernel's stat to [`Stat`]. The scan and the reader compare stats, so both must use it.

use std::path::Path;

use crate::model::stat::Stat;

/// The stat of whatever is at a path; `None` if there is nothing or it cannot be accessed.
pub fn stat(path: &Path) -> Option<Stat> {
    Some(stat_of(&rustix::fs::lstat(path).ok()?))
}

/// Device and inode of the directory at a path, which may be a link; `None` if there is none.
#[allow(clippy::unnecessary_cast)]
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::stat(path).ok()?;
    let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
    (kind == rustix::fs::FileType::Directory).then_some((stat.st_dev as u64, stat.st_ino as u64))
}

/// Converts the kernel's stat. Field widths differ between systems, hence the casts.
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_truncation,
    clippy::useless_conversion
)]
pub(super) fn stat_of(stat: &rustix::fs::Stat) -> Stat {
    // Times beyond the year 2262 are clamped; the change time still distinguishes states.
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
