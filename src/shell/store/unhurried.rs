//! Has sled's threads sleep while there is nothing to do.
//!
//! sled 0.34 keeps seven threads for the whole process, which look around once a second each, for ever: 25,000 wakings
//! an hour of a machine that has nothing to do. They cannot be told not to, and they do not end when the database is
//! closed. But on Linux a thread says how late its timers may go off, and those that it starts begin with the same. So
//! sled is opened, and has its threads started, by a thread that is never in a hurry. Work wakes them at once all the
//! same: only what they would do by the clock comes later.

use std::thread;

use super::cache::{Trouble, guarded};

/// How late the timers of sled's threads may go off, in nanoseconds: ten minutes. They are not put off for ever, because
/// tidying up is a matter of a timer, too.
#[cfg(target_os = "linux")]
const SLACK_NS: u64 = 600_000_000_000;

/// Opens a database. The calling thread's timers stay as they are.
pub(super) fn open(config: &sled::Config) -> Result<sled::Db, Trouble> {
    thread::scope(|scope| {
        let opening = thread::Builder::new()
            .name("store-open".to_owned())
            .spawn_scoped(scope, || {
                never_hurry();
                let db = guarded(|| config.open())?;
                guarded(|| start_threads(&db))?;
                Ok(db)
            });
        match opening.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(opened)) => opened,
            // No thread to be had: better hurried than not at all.
            Ok(Err(_)) | Err(_) => guarded(|| config.open()),
        }
    })
}

fn never_hurry() {
    // Where it is refused, the threads wake once a second, as they would have.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(SLACK_NS));
}

/// sled starts its threads with the first piece of work for them: a flush of nothing.
fn start_threads(db: &sled::Db) -> sled::Result<()> {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    match pin!(db.flush_async()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(flushed) => flushed.map(drop),
        Poll::Pending => Ok(()),
    }
}
