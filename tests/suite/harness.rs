//! The user's side of a test: a home, repositories, the program, a daemon, and a fake model.
//!
//! Nothing here sleeps for a guessed time. A test waits for a condition, with a deadline that only a defect reaches.

mod agent;
mod daemon;
mod forks;
mod home;
mod http;
mod json;
mod model;
mod repo;
mod systemd;

use std::time::{Duration, Instant};

pub use agent::Agent;
pub use daemon::Daemon;
pub use forks::{Alone, unforked};
pub use home::{API_KEY, Done, Home, finish};
pub use http::{Answer, encode};
pub use json::{every, find, first_not_fresh, paths, within};
pub use model::{CACHED, CUT, FakeModel, Kind, Limits, Reply, Request, Style};
pub use repo::{Repo, copy_folder};
pub use systemd::SystemdUser;

/// Upper bound for any condition, on a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(40);

/// Polls until the condition returns a value; panics at the deadline with its last error.
#[track_caller]
pub fn eventually<T, E: std::fmt::Debug>(
    what: &str,
    mut condition: impl FnMut() -> Result<T, E>,
) -> T {
    let start = Instant::now();
    loop {
        match condition() {
            Ok(value) => return value,
            Err(why) if start.elapsed() > DEADLINE => panic!("never: {what}; last error: {why:?}"),
            Err(_) => std::thread::sleep(Duration::from_millis(8)),
        }
    }
}

/// [`eventually`] for a boolean condition.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    eventually(what, || condition().then_some(()).ok_or("not yet"));
}
