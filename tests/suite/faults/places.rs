//! No home, an unwritable home, and variables without a usable path.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{bound_by_modes, is_root, one_line, skipped};
use crate::harness::{Alone, Home, Repo, finish, paths};

/// An environment without the variables that say where files are.
fn homeless(home: &Home, before: &[&str], arguments: &[&str]) -> Command {
    let mut command = home.command_by(before, arguments);
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        command.env_remove(name);
    }
    command
}

#[test]
fn without_a_home_the_error_names_the_variables_to_set() {
    let (home, repo) = (Home::new(), Repo::package());
    let place = |name: &str| home.temp().join(name);
    // A user unknown to the system has no other home.
    if is_root() {
        let unknown_user = [
            "setpriv",
            "--reuid=54321",
            "--regid=54321",
            "--clear-groups",
        ];
        let known = Command::new(unknown_user[0])
            .args(&unknown_user[1..])
            .arg("true")
            .status_alone();
        if known.is_ok_and(|status| status.success()) {
            for arguments in [&["index", &repo.at("")][..], &["status"], &["daemon"]] {
                let mut command = homeless(&home, &unknown_user, arguments);
                let done = finish(command.current_dir("/"));
                one_line(done, 1, &["HOME", "EPITOME_DATA_DIR"]);
            }
        }
    } else {
        skipped("no home", "only the superuser can be another user");
    }
    // A relative home names another place in each folder and is rejected.
    for arguments in [&["index", &repo.at("")][..], &["status"]] {
        let mut command = homeless(&home, &[], arguments);
        one_line(finish(command.env("HOME", "here")), 1, &["HOME"]);
    }
    // If every place is given, no home is needed.
    let mut command = homeless(&home, &[], &["index", &repo.at(""), "--json"]);
    let done = finish(
        command
            .env("EPITOME_CONFIG", home.config())
            .env("EPITOME_DATA_DIR", place("store"))
            .env("EPITOME_SOCKET", place("socket")),
    );
    // A file given explicitly must exist.
    one_line(done, 1, &["no such file"]);
    home.configure("");
    let done = finish(&mut command).expect(0);
    assert!(paths(&done.json()).contains(&"src/shop/cart.py"));
    assert!(place("store/answers.journal").exists());
}

#[test]
fn an_unwritable_home_is_reported_and_another_place_is_enough() {
    let Some(before) = bound_by_modes() else {
        return skipped("read-only home", "setpriv cannot take capabilities away");
    };
    let (home, repo) = (Home::new(), Repo::package());
    let own = home.temp().join("own");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, Permissions::from_mode(0o555)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = homeless(&home, &before, arguments);
        // Except for the socket: some systems have a place for it without any variable.
        finish(
            command
                .env("HOME", &own)
                .env("EPITOME_SOCKET", home.temp().join("socket"))
                .current_dir("/"),
        )
    };
    for arguments in [&["index", &repo.at("")][..], &["daemon"], &["cache", "gc"]] {
        one_line(run(arguments), 1, &["ermission denied", ".local"]);
    }
    let doctor = run(&["doctor"]).expect(1);
    assert!(doctor.stdout.contains("failed   store"), "{doctor:?}");
    let elsewhere = home.temp().join("elsewhere");
    run(&[
        "index",
        &repo.at(""),
        "--data-dir",
        elsewhere.to_str().unwrap(),
    ])
    .expect(0);
    assert!(elsewhere.join("answers.journal").exists());
    assert_eq!(fs::read_dir(&own).unwrap().count(), 0);
}

#[test]
fn unset_empty_or_relative_variables_are_not_used() {
    let repo = Repo::package();
    for value in [None, Some(""), Some("here")] {
        let home = Home::new();
        let own = home.temp().join("own");
        fs::create_dir(&own).unwrap();
        let mut command = homeless(&home, &[], &["index", &repo.at(""), "--json"]);
        command
            .env("HOME", &own)
            .env("EPITOME_SOCKET", home.temp().join("socket"))
            .env_remove("EPITOME_CONFIG")
            .current_dir(home.temp());
        if let Some(value) = value {
            for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
                command.env(name, value);
            }
            command
                .env("EPITOME_DATA_DIR", "")
                .env("EPITOME_CONFIG", "");
        }
        fs::create_dir_all(own.join(".config/epitome")).unwrap();
        fs::write(
            own.join(".config/epitome/config.toml"),
            "[files]\nexclude = [\"docs\"]\n",
        )
        .unwrap();
        let tree = finish(&mut command).expect(0).json();
        assert!(
            !paths(&tree).contains(&"docs"),
            "{value:?}: not its configuration"
        );
        assert!(
            own.join(".local/share/epitome/answers.journal").exists(),
            "{value:?}"
        );
        assert!(!home.temp().join("here").exists() && !home.temp().join("epitome").exists());
    }
}
