//! An endpoint whose name does not resolve.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{all_notes, is_fresh, is_root, may_mount, skipped};
use crate::harness::{FakeModel, Home, Repo, eventually, until};

#[test]
fn an_unresolvable_endpoint_is_reported_and_other_work_continues() {
    let (home, repo) = (Home::new(), Repo::package());
    home.configure(
        "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = \"http://model.invalid/v1\"\nallow_http = true\nquiet_ms = 0\n",
    );
    let daemon = home.daemon(&[&repo.at("")]);
    let status = unreached(&home);
    assert_eq!(status["repositories"][0]["failed"], 0, "{status}");
    assert_eq!(status["requests"]["succeeded"], 0, "{status}");
    // Outlines and digests need no endpoint. The first error may come before everything is read.
    until("everything is read", || {
        home.node(&repo.at(""), 0)["digest"].is_string()
    });
    let cart = home.node(&repo.at("src/shop/cart.py"), 0);
    assert_eq!(cart["freshness"], "pending");
    assert_eq!(cart["elements"][0]["name"], "Cart");
    assert!(home.node(&repo.at(""), 0)["digest"].is_string());
    repo.append("src/shop/cart.py", "\n\ndef other():\n    pass\n");
    eventually("the outline is new", || {
        let cart = home.node(&repo.at("src/shop/cart.py"), 0);
        match cart["elements"].to_string().contains("other") {
            true => Ok(()),
            false => Err(cart),
        }
    });
    home.run(&["wait", &repo.at(""), "--timeout", "0.2"])
        .expect(5);
    let shown = home.run(&["status"]).expect(0).stdout;
    assert!(shown.contains("paused"), "{shown}");
    let begun = Instant::now();
    daemon.terminate();
    assert!(begun.elapsed() < Duration::from_secs(15));
}

/// Waits until the status says that the endpoint cannot be reached.
#[track_caller]
fn unreached(home: &Home) -> Value {
    eventually(
        "the status reports that the endpoint cannot be reached",
        || {
            let status = home.status();
            let paused = status["repositories"][0]["state"] == "paused";
            match paused && all_notes(&status).contains("cannot connect") {
                true => Ok(status),
                false => Err(status),
            }
        },
    )
}

#[test]
fn an_endpoint_that_resolves_again_is_used_without_a_restart() {
    if !is_root() || !may_mount() {
        return skipped("names that come back", "no file can be mounted here");
    }
    let model = FakeModel::new();
    let (home, repo) = (
        Home::with_model(&model, "quiet_ms = 0\nallow_http = true"),
        Repo::package(),
    );
    let config = fs::read_to_string(home.config()).unwrap();
    home.configure(&config.replace("127.0.0.1", "model.invalid"));
    let hosts = home.temp().join("hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    let nowhere = home.temp().join("resolv.conf");
    fs::write(
        &nowhere,
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    )
    .unwrap();
    let script = "mount --bind \"$0\" /etc/hosts && mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"";
    let files = [hosts.to_str().unwrap(), nowhere.to_str().unwrap()];
    let before = ["unshare", "-m", "sh", "-c", script, files[0], files[1]];
    let _daemon = home.daemon_by(home.command_by(&before, &["daemon", &repo.at("")]));
    unreached(&home);
    assert_eq!(model.count(), 0);
    // In place, because the mount is of this file.
    let mut file = File::options().append(true).open(&hosts).unwrap();
    file.write_all(b"127.0.0.1 model.invalid\n").unwrap();
    eventually("the endpoint is used again", || {
        let status = home.status();
        match status["repositories"][0]["state"] == "idle" {
            true => Ok(()),
            false => Err(status),
        }
    });
    is_fresh(&home, &repo);
    assert_eq!(model.count(), 18);
    assert_eq!(home.status()["notes"], serde_json::json!([]));
}
