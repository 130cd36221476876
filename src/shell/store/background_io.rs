//! Has sled's threads sleep while there is nothing to do.
//!
//! sled 0.34 keeps seven threads for the whole process, and more after much work at once, which look around once a
//! second each, for ever: 25,000 wakings an hour of a machine that has nothing to do. They cannot be told not to, and
//! they do not end when the database is closed. But on Linux a thread says how late its timers may go off, and those
//! that it starts begin with the same. So a thread sets a long timer slack for the duration of each call into
//! sled. Work still wakes sled's threads at once: only their periodic checks run later.

/// Timer slack of sled's threads, in nanoseconds: ten minutes. Not unlimited, because sled's own clean-up depends on a
/// timer too.
#[cfg(target_os = "linux")]
const SLACK_NS: u64 = 600_000_000_000;

/// While it is there, this thread is in no hurry.
pub(super) struct BackgroundIo(());

impl BackgroundIo {
    pub(super) fn new() -> Self {
        // Where it is refused, the threads wake once a second, as they would have.
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(SLACK_NS));
        Self(())
    }
}

impl Drop for BackgroundIo {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(None);
    }
}
