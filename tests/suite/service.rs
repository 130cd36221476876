//! The daemon as a service of a real systemd user manager. Each test is skipped with a message where none is available.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{API_KEY, FakeModel, Repo, SystemdUser, until};

/// A user whose systemd listens for the daemon.
fn installed(test: &str) -> Option<SystemdUser> {
    let user = SystemdUser::new(test)?;
    user.epitome(&["service", "install"]).expect(0);
    Some(user)
}

#[track_caller]
fn status(user: &SystemdUser) -> Value {
    user.epitome(&["status", "--json"]).expect(0).json()
}

fn pid(user: &SystemdUser) -> u64 {
    user.property("MainPID").parse().unwrap()
}

fn repository() -> Repo {
    let repo = Repo::new();
    for number in 0..8 {
        repo.write(
            &format!("part{}/file{number}.py", number % 2),
            "VALUE = 1\n",
        );
    }
    repo
}

fn is_running(pid: u64) -> bool {
    fs::exists(format!("/proc/{pid}")).unwrap()
}

#[test]
fn the_first_client_starts_the_daemon_and_it_reports_its_work_to_systemd() {
    let Some(user) = installed("activation") else {
        return;
    };
    let socket = fs::metadata(user.runtime.join("epitome.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let listed = user.epitome(&["service", "status", "--json"]).expect(0);
    assert_eq!(listed.json()["units"][0]["active"], "active (listening)");
    assert_eq!(user.property("ActiveState"), "inactive");

    let first = status(&user);
    assert_eq!(user.property("ActiveState"), "active");
    assert_eq!(first["pid"].as_u64().unwrap(), pid(&user));
    until("the status line", || {
        user.property("StatusText") == "no repository is watched"
    });

    let path = user.put_repository(&repository());
    user.epitome(&["watch", &path]).expect(0);
    user.epitome(&["wait", &path, "--timeout", "35"]).expect(0);
    until("the status line of the work done", || {
        user.property("StatusText") == "1 repository, 11 files and folders: all done"
    });

    // systemd owns the socket, so it stays, and the next client starts the daemon again with its stored state.
    user.systemctl(&["stop", "epitome.service"]);
    assert_eq!(user.property("Result"), "success");
    let again = status(&user);
    assert_ne!(again["pid"], first["pid"]);
    assert_eq!(again["repositories"][0]["path"], path.as_str());

    user.epitome(&["service", "uninstall"]).expect(0);
    assert!(!is_running(again["pid"].as_u64().unwrap()));
    assert!(
        !user
            .home
            .join(".config/systemd/user/epitome.socket")
            .exists()
    );
    user.epitome(&["status"]).expect(3);
}

#[test]
fn systemd_restarts_a_killed_or_stuck_daemon() {
    let Some(user) = installed("restart and watchdog") else {
        return;
    };
    let first = status(&user)["pid"].as_u64().unwrap();
    user.run("kill", &["-KILL", &first.to_string()]).expect(0);
    until("another process", || ![0, first].contains(&pid(&user)));
    assert_eq!(status(&user)["pid"].as_u64().unwrap(), pid(&user));
    assert_eq!(user.property("NRestarts"), "1");

    user.write(
        ".config/systemd/user/epitome.service.d/quick.conf",
        "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n",
    );
    user.systemctl(&["daemon-reload"]);
    user.systemctl(&["restart", "epitome.service"]);
    let second = pid(&user);
    // A working and an idle daemon both feed the watchdog.
    let path = user.put_repository(&repository());
    user.epitome(&["watch", &path]).expect(0);
    let begin = Instant::now();
    until("three periods", || begin.elapsed() > Duration::from_secs(9));
    assert_eq!(pid(&user), second, "a live daemon was restarted");

    user.run("kill", &["-STOP", &second.to_string()]).expect(0);
    until("the watchdog has bitten", || {
        ![0, second].contains(&pid(&user))
    });
    user.epitome(&["wait", &path, "--timeout", "35"]).expect(0);
}

#[test]
fn a_stop_during_the_first_index_ends_in_seconds_and_the_key_comes_by_credential() {
    let Some(user) = SystemdUser::new("stop during the first index") else {
        return;
    };
    let model = FakeModel::new();
    model.hold_after(3);
    let url = model.url();
    user.write(
        ".config/epitome/config.toml",
        &format!(
            "[summaries]\nprovider = \"openai\"\n[openai]\nbase_url = \"{url}\"\nmodel = \"fake-1\"\n\
             [budget]\nconfirm_above = 0\n"
        ),
    );
    user.write(".config/epitome/llm-key", &format!("{API_KEY}\n"));
    user.epitome(&["service", "install"]).expect(0);
    let repo = Repo::new();
    for number in 0..2_000 {
        repo.write(
            &format!("part{}/file{number}.py", number % 40),
            format!("VALUE = {number}\n"),
        );
    }
    let path = user.put_repository(&repo);
    user.epitome(&["watch", &path]).expect(0);
    until("requests in flight", || model.in_flight() > 0);
    assert!(
        model
            .requests()
            .iter()
            .all(|one| one.authorization.ends_with(API_KEY)),
        "the key of the credential"
    );

    let begin = Instant::now();
    user.systemctl(&["stop", "epitome.service"]);
    let took = begin.elapsed();
    assert_eq!(user.property("Result"), "success");
    assert!(took < Duration::from_secs(15), "it took {took:?}");
}

#[test]
fn a_new_program_takes_over_and_so_does_a_new_unit() {
    let Some(user) = installed("upgrade") else {
        return;
    };
    let path = user.put_repository(&repository());
    user.epitome(&["watch", &path]).expect(0);
    let old = pid(&user);
    let program = |pid: u64| fs::metadata(format!("/proc/{pid}/exe")).unwrap().ino();
    let before = program(old);
    user.put_program();
    user.epitome(&["service", "install"]).expect(0);
    let new = status(&user);
    assert_ne!(pid(&user), old);
    assert_ne!(program(pid(&user)), before);
    assert_eq!(new["repositories"][0]["path"], path.as_str());

    // Units changed by hand are not overwritten without a message.
    let unit = ".config/systemd/user/epitome.service";
    let text = fs::read_to_string(user.home.join(unit)).unwrap();
    let changed = text.replace("TasksMax=512", "TasksMax=300");
    user.write(unit, &changed);
    for verb in ["install", "uninstall"] {
        let refused = user.epitome(&["service", verb]).expect(1);
        assert!(
            refused.stderr.contains("was changed by hand"),
            "{refused:?}"
        );
        assert_eq!(refused.stderr.lines().count(), 1);
    }
    assert_eq!(fs::read_to_string(user.home.join(unit)).unwrap(), changed);
    user.epitome(&["service", "install", "--force"]).expect(0);
    assert_eq!(fs::read_to_string(user.home.join(unit)).unwrap(), text);
    let kept = user.home.join(format!("{unit}.before"));
    assert_eq!(fs::read_to_string(kept).unwrap(), changed);
}

#[test]
fn a_daemon_started_by_hand_yields_to_the_service_and_a_lost_socket_is_created_again() {
    let Some(user) = SystemdUser::new("handing over") else {
        return;
    };
    let path = user.put_repository(&repository());
    // Without an installed unit `watch` starts the daemon itself.
    user.epitome(&["watch", &path]).expect(0);
    let own = status(&user)["pid"].as_u64().unwrap();
    let installed = user.epitome(&["service", "install"]).expect(0);
    assert!(installed.stderr.contains("the service takes its place"));
    let served = status(&user);
    assert_eq!(served["pid"].as_u64().unwrap(), pid(&user));
    assert_eq!(served["repositories"][0]["path"], path.as_str());
    until("the first one's end", || !is_running(own));

    let socket = user.runtime.join("epitome.sock");
    fs::remove_file(&socket).unwrap();
    until("the socket is back", || socket.exists());
    assert_eq!(status(&user)["pid"], served["pid"]);
    // The socket no longer belongs to systemd; `watch` still starts a daemon after that one has ended.
    user.systemctl(&["stop", "epitome.service"]);
    user.epitome(&["status"]).expect(3);
    user.epitome(&["watch", &path]).expect(0);
    assert_eq!(status(&user)["pid"].as_u64().unwrap(), pid(&user));
}

#[test]
fn the_hardened_service_works_or_reports_why_not() {
    let Some(user) = SystemdUser::new("hardening") else {
        return;
    };
    let path = user.put_repository(&repository());
    user.write(".ssh/id_ed25519", "secret\n");
    let done = user.epitome(&["service", "install", "--hardened"]);
    let drop_in = user
        .home
        .join(".config/systemd/user/epitome.service.d/hardening.conf");
    match done.code {
        Some(0) => {
            assert!(drop_in.exists());
            let seen = format!("/proc/{}/root{}", pid(&user), user.home.display());
            let key = fs::read_to_string(format!("{seen}/.ssh/id_ed25519"));
            assert!(key.is_err(), "the daemon can see it: {key:?}");
        }
        _ => {
            let done = done.expect(1);
            assert!(done.stderr.contains("without --hardened"), "{done:?}");
            assert!(!drop_in.exists());
        }
    }
    user.epitome(&["watch", &path]).expect(0);
    user.epitome(&["wait", &path, "--timeout", "35"]).expect(0);
    assert_eq!(status(&user)["pid"].as_u64().unwrap(), pid(&user));
}

#[test]
fn a_daemon_that_cannot_start_reports_why_and_its_socket_stays() {
    let Some(user) = installed("a broken configuration") else {
        return;
    };
    let config = ".config/epitome/config.toml";
    user.write(config, "[summaries]\nprovider = \"telepathy\"\n");
    for _ in 0..3 {
        let begin = Instant::now();
        let done = user.epitome(&["status"]).expect(1);
        assert!(done.stderr.contains("the daemon cannot start:"), "{done:?}");
        assert!(done.stderr.contains("config.toml:2"), "{done:?}");
        assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
    until("its end", || user.property("ActiveState") == "failed");
    assert_eq!(user.property("NRestarts"), "0");
    assert!(user.property("StatusText").contains("config.toml:2"));
    user.write(config, "");
    assert_eq!(status(&user)["pid"].as_u64().unwrap(), pid(&user));

    // systemd gives up on a daemon that fails too often; `watch` resets that.
    let path = user.put_repository(&repository());
    let kill = || {
        user.epitome(&["status"]).code != Some(3) && {
            let pid = pid(&user).to_string();
            pid == "0" || user.run("kill", &["-KILL", &pid]).code.is_some()
        }
    };
    user.write(
        ".config/systemd/user/epitome.service.d/hasty.conf",
        "[Unit]\nStartLimitBurst=2\n[Service]\nRestartSec=0\n",
    );
    user.systemctl(&["daemon-reload"]);
    until("systemd has given up", || !kill());
    user.epitome(&["watch", &path]).expect(0);
    assert_eq!(status(&user)["pid"].as_u64().unwrap(), pid(&user));
}

#[test]
fn the_units_pass_verification_and_keep_the_path_that_the_user_called() {
    let Some(user) = SystemdUser::new("units") else {
        return;
    };
    let bin = user.home.join("bin");
    for version in ["v1", "v2"] {
        fs::create_dir(bin.join(version)).unwrap();
        fs::copy(bin.join("epitome"), bin.join(version).join("epitome")).unwrap();
    }
    let current = |version: &str| {
        let _ = fs::remove_file(bin.join("current"));
        std::os::unix::fs::symlink(version, bin.join("current")).unwrap();
    };
    current("v1");
    let program = bin.join("current/epitome");
    let program = program.to_str().unwrap();
    user.run(program, &["service", "install"]).expect(0);
    let unit = user.home.join(".config/systemd/user/epitome.service");
    let text = fs::read_to_string(&unit).unwrap();
    assert!(
        text.contains(&format!("\nExecStart={program} daemon\n")),
        "{text}"
    );
    let socket = unit.with_file_name("epitome.socket");
    let files = [unit.to_str().unwrap(), socket.to_str().unwrap()];
    let verified = user.run("systemd-analyze", &["--user", "verify", files[0], files[1]]);
    let about = |line: &&str| line.contains("epitome.");
    let complaints: Vec<&str> = verified.stderr.lines().filter(about).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    current("v2");
    fs::remove_dir_all(bin.join("v1")).unwrap();
    user.systemctl(&["restart", "epitome.service"]);
    assert_eq!(user.property("ActiveState"), "active");
    fs::remove_file(bin.join("current")).unwrap();
    let done = user.epitome(&["doctor"]).expect(1);
    assert!(done.stdout.contains("which does not exist"), "{done:?}");
}

#[test]
fn a_daemon_started_by_hand_outlives_the_scope_of_the_login() {
    let Some(user) = SystemdUser::new("scope") else {
        return;
    };
    let path = user.put_repository(&repository());
    let program = user.home.join("bin/epitome");
    let program = program.to_str().unwrap();
    // A unit whose processes all end with the first one, as those of a login may.
    let login = [
        "--user",
        "--wait",
        "--pipe",
        "--quiet",
        "--unit=login-9",
        program,
        "watch",
        &path,
    ];
    let done = user.run("systemd-run", &login).expect(0);
    assert!(!done.stderr.contains("may end with"), "{done:?}");
    let pid = status(&user)["pid"].as_u64().unwrap();
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(
        groups.contains("epitome-daemon-") && !groups.contains("login-9"),
        "{groups}"
    );
    assert_eq!(status(&user)["pid"].as_u64(), Some(pid));
    user.epitome(&["stop"]).expect(0);
    until("its end", || !is_running(pid));
}
