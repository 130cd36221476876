//! Faults of the machine: no permission, no space, no home, a wrong clock, too few file descriptors, floods, an
//! endpoint that does not resolve. The program reports them, keeps answering, and recovers; it never panics (the
//! harness checks each daemon's log).

mod clients;
mod clock;
mod disk;
mod endpoint;
mod places;
mod private;

use std::io::Write;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Alone, Done, Home, Repo, first_not_fresh};

/// The limit of resident memory for a small repository with a debug build, in MiB.
const MEMORY: u64 = 300;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Reports, past the test runner's capture, why a test is skipped.
fn skipped(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}

/// Removes the superuser's right to read and write everything; nothing for other users, who have no such right.
fn bound_by_modes() -> Option<Vec<&'static str>> {
    let before = vec![
        "setpriv",
        "--inh-caps=-dac_override,-dac_read_search",
        "--bounding-set=-dac_override,-dac_read_search",
    ];
    if !is_root() {
        return Some(Vec::new());
    }
    let works = Command::new(before[0])
        .args(&before[1..])
        .arg("true")
        .status_alone();
    works.is_ok_and(|status| status.success()).then_some(before)
}

/// Whether this process may mount something in its own namespace.
fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output_alone();
    tried.is_ok_and(|tried| tried.status.success())
}

/// A usable failure: one line, no panic, and what to do.
#[track_caller]
fn one_line(done: Done, code: i32, parts: &[&str]) {
    let error = done.stderr.clone();
    done.expect(code);
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!error.contains("panicked"), "{error}");
    for part in parts {
        assert!(error.contains(part), "without {part:?}: {error}");
    }
}

#[track_caller]
fn is_fresh(home: &Home, repo: &Repo) {
    home.wait(repo);
    let tree = home.node(&repo.at(""), 99);
    assert_eq!(first_not_fresh(&tree), None);
}

fn all_notes(status: &Value) -> String {
    let one = &status["repositories"][0];
    format!("{} {}", status["notes"], one["notes"])
}
