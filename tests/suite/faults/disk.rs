//! The store without permission, and without space.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{MEMORY, all_notes, bound_by_modes, is_fresh, is_root, may_mount, one_line, skipped};
use crate::harness::{FakeModel, Home, Repo, eventually, finish, until};

#[test]
fn an_unwritable_store_is_reported_in_one_line() {
    let Some(before) = bound_by_modes() else {
        return skipped("no permission", "setpriv cannot take capabilities away");
    };
    let (home, repo) = (Home::new(), Repo::package());
    home.run(&["index", &repo.at("")]).expect(0);
    fs::set_permissions(home.data(), Permissions::from_mode(0o000)).unwrap();
    let data = home.data();
    let named = data.to_str().unwrap();
    for arguments in [
        &["daemon"][..],
        &["index", &repo.at("")],
        &["index", &repo.at(""), "--dry-run"],
        &["cache", "stats"],
        &["cache", "verify"],
    ] {
        let done = finish(&mut home.command_by(&before, arguments));
        one_line(done, 1, &[named, "ermission denied"]);
    }
    let doctor = finish(&mut home.command_by(&before, &["doctor"])).expect(1);
    assert!(doctor.stdout.contains("failed   store"), "{doctor:?}");
    assert!(!home.socket().exists());
    fs::set_permissions(home.data(), Permissions::from_mode(0o700)).unwrap();
    finish(&mut home.command_by(&before, &["index", &repo.at("")])).expect(0);
}

#[test]
fn a_store_that_becomes_unwritable_does_not_stop_the_daemon() {
    let Some(before) = bound_by_modes() else {
        return skipped("lost permission", "setpriv cannot take capabilities away");
    };
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let daemon = home.daemon_by(home.command_by(&before, &["daemon", &repo.at("")]));
    is_fresh(&home, &repo);
    let count = model.count();
    fs::set_permissions(home.data(), Permissions::from_mode(0o000)).unwrap();
    repo.append("src/shop/cart.py", "\n\nMORE = 1\n");
    // Without a cookie folder nothing is called fresh, but all work is done and reported.
    home.wait(&repo);
    assert_eq!(model.count() - count, 4);
    let cart = home.node(&repo.at("src/shop/cart.py"), 0);
    let length = repo.read("src/shop/cart.py").len();
    let summary = cart["summary"].as_str().unwrap();
    assert!(
        summary.ends_with(&format!("It is {length} bytes long.")),
        "{cart}"
    );
    fs::set_permissions(home.data(), Permissions::from_mode(0o700)).unwrap();
    repo.append("src/shop/cart.py", "\n\nMORE = 2\n");
    is_fresh(&home, &repo);
    daemon.terminate();
    let sent = model.count();
    let _daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    assert_eq!(model.count(), sent, "something was not stored");
}

#[test]
fn a_full_disk_is_reported_and_paid_summaries_wait_for_space() {
    if !is_root() || !may_mount() {
        return skipped("disk full", "no file system can be mounted here");
    }
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let data = home.data();
    let disk = data.parent().unwrap();
    let script = "mount -t tmpfs -o size=8m none \"$0\" && exec \"$@\"";
    let before = ["unshare", "-m", "sh", "-c", script, disk.to_str().unwrap()];
    let daemon = home.daemon_by(home.command_by(&before, &["daemon", &repo.at("")]));
    is_fresh(&home, &repo);
    let count = model.count();
    // The disk as the daemon sees it.
    let ballast = PathBuf::from(format!(
        "/proc/{}/root{}/ballast",
        daemon.pid(),
        disk.display()
    ));
    fill(&ballast);

    // The last pages have space left: write more than that.
    for n in 0..80 {
        repo.write(&format!("new{n}.py"), format!("\"\"\"New {n}.\"\"\"\n"));
    }
    let status = eventually("the status reports the full disk", || {
        let status = home.status();
        match all_notes(&status).contains("wait to be stored") {
            true => Ok(status),
            false => Err(status),
        }
    });
    assert!(all_notes(&status).contains("No space"), "{status}");
    repo.append("src/shop/cart.py", "\n\nMORE = 1\n");
    // It responds, and reports nothing as fresh that is not stored.
    for _ in 0..3 {
        let cart = home.node(&repo.at("src/shop/cart.py"), 0);
        assert_eq!(cart["freshness"], "stale", "{cart}");
        assert!(cart["summary"].is_string());
        // On a busy machine events are late, and until then nothing is fresh.
        until("unchanged nodes are fresh", || {
            home.node(&repo.at("README.md"), 0)["freshness"] == "fresh"
        });
    }
    let verb = home.run(&["status"]).expect(0).stdout;
    assert!(verb.contains("note: "), "{verb}");
    home.run(&["wait", &repo.at(""), "--timeout", "0.3"])
        .expect(5);
    // More changes: no summary may be lost or paid for twice.
    for n in 0..5 {
        repo.write(&format!("newer{n}.py"), format!("\"\"\"Newer {n}.\"\"\"\n"));
    }
    home.run(&["wait", &repo.at(""), "--timeout", "0.3"])
        .expect(5);
    fs::remove_file(&ballast).unwrap();
    is_fresh(&home, &repo);
    eventually("the notes are gone", || {
        let status = home.status();
        match status["notes"] == serde_json::json!([]) {
            true => Ok(()),
            false => Err(status),
        }
    });
    let mut times = std::collections::BTreeMap::new();
    for request in &model.requests()[count..] {
        *times.entry(request.subject()).or_insert(0) += 1;
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let verified = home.json(&["cache", "verify", "--json"]);
    assert_eq!(verified["sound"], true, "{verified}");
    assert!(
        daemon.peak_memory() < MEMORY,
        "{} MiB",
        daemon.peak_memory()
    );
    daemon.terminate();
}

#[test]
fn a_full_disk_does_not_delay_shutdown() {
    if !is_root() || !may_mount() {
        return skipped(
            "the end on a full disk",
            "no file system can be mounted here",
        );
    }
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    let data = home.data();
    let disk = data.parent().unwrap();
    let script = "mount -t tmpfs -o size=8m none \"$0\" && exec \"$@\"";
    let before = ["unshare", "-m", "sh", "-c", script, disk.to_str().unwrap()];
    let mut daemon = home.daemon_by(home.command_by(&before, &["daemon", &repo.at("")]));
    is_fresh(&home, &repo);
    fill(&PathBuf::from(format!(
        "/proc/{}/root{}/ballast",
        daemon.pid(),
        disk.display()
    )));
    for n in 0..80 {
        repo.write(&format!("new{n}.py"), format!("\"\"\"New {n}.\"\"\"\n"));
    }
    eventually("the status reports the full disk", || {
        let status = home.status();
        match all_notes(&status).contains("wait to be stored") {
            true => Ok(()),
            false => Err(status),
        }
    });
    let begun = Instant::now();
    daemon.signal(Signal::TERM);
    // systemd would wait for a minute and a half, and then kill it.
    assert!(daemon.ended().code().is_some());
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        daemon.log().contains("will be requested again"),
        "{}",
        daemon.log()
    );
}

/// Fills the disk.
fn fill(ballast: &Path) {
    let mut file = File::create(ballast).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

#[test]
fn a_disk_full_at_startup_is_reported_in_one_line() {
    if !is_root() || !may_mount() {
        return skipped(
            "disk full at the start",
            "no file system can be mounted here",
        );
    }
    let (home, repo) = (Home::new(), Repo::package());
    let data = home.data();
    let disk = data.parent().unwrap().to_str().unwrap();
    let script = "mount -t tmpfs -o size=64k none \"$0\" && head -c 99999 /dev/zero > \"$0/x\" 2>/dev/null; exec \"$@\"";
    let before = ["unshare", "-m", "sh", "-c", script, disk];
    for arguments in [
        &["daemon"][..],
        &["index", &repo.at("")],
        &["cache", "stats"],
    ] {
        let done = finish(&mut home.command_by(&before, arguments));
        one_line(done, 1, &["No space left"]);
    }
}
