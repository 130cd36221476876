//! Files, the socket and everything outside a watched folder stay private to the user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::is_fresh;
use crate::harness::{Alone, FakeModel, Home, Repo, finish, until};

/// A user whose umask allows everything.
const WIDE: [&str; 4] = ["sh", "-c", "umask 000; exec \"$@\"", "sh"];

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

/// Everything in the folder is accessible to its owner only.
#[track_caller]
fn all_is_private(folder: &Path) {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = mode(&path);
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
        count += 1;
    }
    assert!(count > 3);
}

#[test]
fn other_users_have_no_access_even_with_an_open_umask() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 0"), Repo::package());
    // A folder that already existed with open permissions: new files in it are private.
    fs::create_dir_all(home.data()).unwrap();
    fs::set_permissions(home.data(), Permissions::from_mode(0o755)).unwrap();
    let run = |arguments: &[&str]| finish(&mut home.command_by(&WIDE, arguments));
    // It starts the daemon itself, with a log.
    run(&["watch", &repo.at("")]).expect(0);
    is_fresh(&home, &repo);
    run(&["cache", "gc", "--max-age", "0", "--max-bytes", "0"]).expect(0);
    all_is_private(&home.data());
    assert!(home.data().join("daemon.log").exists());
    let socket = home.socket();
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(&socket.with_extension("sock.lock")), 0o600);
    let pid = home.status()["pid"].as_u64().unwrap().to_string();
    let stopped = Command::new("kill").arg(&pid).status_alone();
    assert!(stopped.unwrap().success());
    until("the daemon has ended", || !socket.exists());

    // A folder that it creates itself.
    let home = Home::with_model(&model, "quiet_ms = 0");
    let run = |arguments: &[&str]| finish(&mut home.command_by(&WIDE, arguments));
    run(&["index", &repo.at("")]).expect(0);
    assert_eq!(mode(&home.data()), 0o700);
    all_is_private(&home.data());
}

#[test]
fn a_link_in_place_of_the_socket_lock_is_not_followed() {
    let home = Home::new();
    let mine = home.temp().join("mine");
    fs::write(&mine, "precious").unwrap();
    symlink(&mine, home.socket().with_extension("sock.lock")).unwrap();
    let done = home.run(&["daemon"]).expect(1);
    assert!(done.stderr.contains("lock"), "{done:?}");
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
    assert_eq!(fs::read_to_string(mine).unwrap(), "precious");
}

#[test]
fn nothing_outside_a_watched_folder_is_read_or_returned() {
    const SECRET: &str = "xylophone";
    let (home, repo) = (Home::new(), Repo::package());
    let outside = home.temp().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("linked.py"), format!("\"\"\"{SECRET}\"\"\"\n")).unwrap();
    symlink(&outside, repo.root().join("folder")).unwrap();
    symlink(outside.join("linked.py"), repo.root().join("linked.py")).unwrap();
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    let (root, out) = (repo.at(""), outside.to_str().unwrap());
    let up = "../".repeat(40);
    for path in [
        "/etc/passwd".to_owned(),
        "/".to_owned(),
        out.to_owned(),
        format!("{out}/linked.py"),
        format!("{root}/folder/linked.py"),
        format!("{root}/folder"),
        format!("{root}/linked.py"),
        format!("{root}/src/{up}{out}/linked.py"),
        format!("{root}/src/{up}etc/passwd"),
        format!("{root}//src/..//../"),
        format!("{root}/%00"),
        format!("{root}/src/%2e%2e/%2e%2e"),
        format!("{root}x"),
        "src/shop".to_owned(),
        "..".to_owned(),
        String::new(),
        format!("{root}/{}", "a/".repeat(20_000)),
        format!("{root}/{}", "a".repeat(5_000)),
    ] {
        for depth in ["0", "4294967295"] {
            let answer = home.http("GET", &format!("/v1/node?path={path}&depth={depth}"), "");
            assert!(
                (400..500).contains(&answer.status),
                "{path:.80}: {}",
                answer.status
            );
            assert!(!answer.body.contains(SECRET), "{path:.80}");
        }
    }
    for depth in ["99999999999999999999", "-1", "x", "1e3"] {
        let answer = home.http("GET", &format!("/v1/node?path={root}&depth={depth}"), "");
        assert_eq!(answer.status, 400, "{depth}");
    }
    for path in [
        json!("relative"),
        json!(""),
        json!(format!("{out}/none")),
        json!(format!("{out}/linked.py")),
        json!("/dev/null"),
        json!("/etc\u{0}"),
        json!(7),
        json!(null),
    ] {
        let body = json!({ "path": path }).to_string();
        let answer = home.http("POST", "/v1/repositories", &body);
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
    }
    let tree = home.node(&repo.at(""), 99).to_string();
    assert!(!tree.contains(SECRET), "a link was followed");
    daemon.terminate();
}

#[test]
fn a_request_during_shutdown_gets_a_response() {
    let (home, repo) = (Home::new(), Repo::package());
    let other = Repo::package();
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    let (one, two) = (repo.at(""), other.at(""));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..60 {
                    for path in [&one, &two, &format!("{one}/src/shop/money")] {
                        let target = format!("/v1/node?path={path}&depth=99");
                        let status = home.http("GET", &target, "").status;
                        assert!([200, 404].contains(&status), "{status}");
                    }
                    home.http("GET", "/v1/status", "").expect(200);
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..30 {
                let body = json!({ "path": two }).to_string();
                assert!(home.http("POST", "/v1/repositories", &body).status < 300);
                let target = format!("/v1/repositories?path={two}");
                assert!(home.http("DELETE", &target, "").status < 300);
            }
        });
        scope.spawn(|| {
            for n in 0..30 {
                repo.remove("src/shop/money");
                repo.write("src/shop/money/amount.py", format!("VALUE = {n}\n"));
            }
        });
    });
    is_fresh(&home, &repo);
    daemon.terminate();
}
