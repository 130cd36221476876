//! What a user has: a home, repositories, the program, a daemon, and a model at the other end of the line.
//!
//! Nothing here sleeps for a guessed time: whoever waits names a condition, and a deadline that only a defect meets.

mod daemon;
mod forks;
mod home;
mod http;
mod json;
mod model;
mod repo;
mod systemd;

use std::time::{Duration, Instant};

pub use daemon::Daemon;
pub use forks::{Alone, unforked};
pub use home::{API_KEY, Done, Home, finish};
pub use http::Answer;
pub use json::{every, find, first_not_fresh, paths, within};
pub use model::{CACHED, FakeModel, Kind, Limits, Reply, Request};
pub use repo::{Repo, copy_folder};
pub use systemd::SystemdUser;

/// How long anything may take on a machine that does much else.
pub const DEADLINE: Duration = Duration::from_secs(40);

/// Asks again and again until the condition gives something; panics, with what it last said, at the deadline.
#[track_caller]
pub fn eventually<T, E: std::fmt::Debug>(
    what: &str,
    mut condition: impl FnMut() -> Result<T, E>,
) -> T {
    let start = Instant::now();
    loop {
        match condition() {
            Ok(value) => return value,
            Err(why) if start.elapsed() > DEADLINE => panic!("never: {what}; at last: {why:?}"),
            Err(_) => std::thread::sleep(Duration::from_millis(8)),
        }
    }
}

/// The same for a plain condition.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    eventually(what, || condition().then_some(()).ok_or("not yet"));
}
