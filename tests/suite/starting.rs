//! Starting without systemd: `epitome watch` starts a daemon, and never more than one.

use std::fs;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Alone, FakeModel, Home, Repo, finish, until};

/// Ends the daemon that runs in the background.
struct Background<'h>(&'h Home);

impl Background<'_> {
    /// All daemons of this home, by their command lines.
    fn all(&self) -> Vec<i32> {
        let socket = self.0.socket();
        let socket = socket.to_str().unwrap();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
                let arguments: Vec<&str> = line.split('\0').collect();
                (arguments.contains(&socket) && arguments.contains(&"daemon")).then_some(pid)
            })
            .collect()
    }

    fn signal(&self, signal: Signal) {
        for pid in self.all() {
            let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
        }
    }

    #[track_caller]
    fn end(&self) {
        self.signal(Signal::TERM);
        until("the daemon's end", || self.all().is_empty());
    }
}

impl Drop for Background<'_> {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if std::thread::panicking() {
            let log = fs::read_to_string(self.0.data().join("daemon.log"));
            println!("--- the daemon's log: {}", log.unwrap_or_default());
        }
    }
}

#[test]
fn fifty_concurrent_watches_start_one_daemon_and_all_succeed() {
    let (home, repo) = (Home::new(), Repo::new());
    let background = Background(&home);
    let paths: Vec<String> = (0..50)
        .map(|number| repo.at(&format!("r{number}")))
        .collect();
    for path in &paths {
        fs::create_dir(path).unwrap();
        fs::write(format!("{path}/a.py"), "A = 1\n").unwrap();
    }
    let racers: Vec<_> = paths
        .iter()
        .map(|path| {
            let mut command = home.command(&["watch", path]);
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn_alone().unwrap()
        })
        .collect();
    let mut started = 0;
    for racer in racers {
        let done = racer.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "{error}");
        started += error.matches("started the daemon").count();
    }
    assert_eq!(started, 1);
    let all = background.all();
    assert_eq!(all.len(), 1, "{all:?}");
    let status = home.status();
    assert_eq!(status["repositories"].as_array().unwrap().len(), 50);
    assert_eq!(status["pid"].as_i64(), Some(i64::from(all[0])));

    // It has its own session, so it survives the end of the terminal.
    let stat = fs::read_to_string(format!("/proc/{}/stat", all[0])).unwrap();
    let session = stat.rsplit(')').next().unwrap().split_whitespace().nth(3);
    assert_eq!(session, Some(all[0].to_string().as_str()));
    background.end();
    assert!(!home.socket().exists());
}

#[test]
fn no_daemon_is_started_if_that_is_disabled() {
    let (home, repo) = (Home::new(), Repo::new());
    repo.write("a.py", "A = 1\n");
    let background = Background(&home);
    for verb in ["status", "wait", "unwatch"] {
        let done = home.run_in(&repo.root(), &[verb]).expect(3);
        assert!(done.stderr.contains("no daemon runs"), "{done:?}");
    }
    let mut command = home.command(&["watch", &repo.at("")]);
    let done = command.env("EPITOME_NO_SPAWN", "1").output_alone().unwrap();
    assert_eq!(done.status.code(), Some(3));
    assert!(background.all().is_empty());
    assert!(!home.data().exists(), "no folder is created");
}

#[test]
fn the_client_reports_why_the_daemon_cannot_start() {
    let (home, repo) = (Home::new(), Repo::new());
    repo.write("a.py", "A = 1\n");
    let background = Background(&home);
    home.configure("[summaries]\nprovider = \"telepathy\"\n");
    let done = home.run(&["watch", &repo.at("")]).expect(1);
    assert!(done.stderr.contains("config.toml:2"), "{done:?}");

    home.configure("");
    home.run(&["watch", &repo.at("")]).expect(0);
    background.end();
    // A store in the format of a future version.
    let format = home.data().join("format");
    let mark = fs::read_to_string(&format).unwrap();
    fs::remove_file(&format).unwrap();
    fs::create_dir(&format).unwrap();
    let done = home.run(&["watch", &repo.at("")]).expect(3);
    assert!(
        done.stderr.contains("the daemon did not start: could not"),
        "{done:?}"
    );
    assert!(done.stderr.contains("daemon.log"), "{done:?}");
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");

    fs::remove_dir(&format).unwrap();
    fs::write(&format, mark).unwrap();
    home.run(&["watch", &repo.at("")]).expect(0);
}

#[test]
fn a_second_daemon_is_refused_and_the_first_one_keeps_running() {
    let home = Home::new();
    let daemon = home.daemon(&[]);
    let done = home.run(&["daemon"]).expect(1);
    assert!(
        done.stderr.contains("another daemon already runs at"),
        "{done:?}"
    );
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
    // A daemon with another store does not take the socket either.
    let other = home.temp().join("other");
    let other = ["--data-dir", other.to_str().unwrap(), "daemon"];
    home.run(&other).expect(1);
    assert_eq!(home.status()["pid"].as_u64(), Some(daemon.pid().into()));
    daemon.terminate();
}

#[test]
fn a_stale_socket_is_taken_over_and_a_removed_one_created_again() {
    let home = Home::new();
    let daemon = home.daemon(&[]);
    daemon.kill9();
    assert!(home.socket().exists());
    let daemon = home.daemon(&[]);
    for _ in 0..3 {
        fs::remove_file(home.socket()).unwrap();
        until("the socket is back", || {
            home.try_http("GET", "/v1/status", "").is_ok()
        });
        assert_eq!(home.status()["pid"].as_u64(), Some(daemon.pid().into()));
    }
    daemon.terminate();
    assert!(!home.socket().exists());
}

#[test]
fn a_client_waits_while_the_daemon_opens_its_store() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let lock = std::fs::File::create(home.data().join("lock")).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let daemon = scope.spawn(|| home.daemon(&[]));
        until("the socket exists", || home.socket().exists());
        let client = scope.spawn(|| home.run(&["status", "--json"]));
        // The daemon's own check connects, too: three sockets including the listener.
        until("both are connected", || {
            let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
            let path = home.socket().into_os_string().into_string().unwrap();
            sockets.lines().filter(|line| line.contains(&path)).count() > 2 || client.is_finished()
        });
        lock.unlock().unwrap();
        let daemon = daemon.join().unwrap();
        assert_eq!(client.join().unwrap().expect(0).json()["pid"], daemon.pid());
    });
}

#[test]
fn the_daemon_has_few_malloc_arenas_and_keeps_its_process_id() {
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    let of = |file: &str| fs::read(format!("/proc/{}/{file}", daemon.pid())).unwrap();
    let has = |text: &[u8], word: &[u8]| text.split(|byte| *byte == 0).any(|found| found == word);
    assert_eq!(home.status()["pid"], daemon.pid());
    assert_eq!(of("comm"), b"epitome\n");
    assert!(has(&of("cmdline"), repo.at("").as_bytes()));
    assert!(!cfg!(target_env = "gnu") || has(&of("environ"), b"MALLOC_ARENA_MAX=2"));
}

#[test]
fn stop_ends_the_daemon_and_restart_replaces_it() {
    let (home, repo) = (Home::new(), Repo::new());
    repo.write("a.py", "A = 1\n");
    let background = Background(&home);
    let done = home.run(&["stop"]).expect(3);
    assert!(done.stderr.contains("no daemon runs"), "{done:?}");
    home.run(&["watch", &repo.at("")]).expect(0);
    let first = home.status()["pid"].clone();
    // With an invalid configuration the running daemon stays.
    home.configure("[summaries]\nprovider = \"telepathy\"\n");
    home.run(&["restart"]).expect(1);
    assert_eq!(home.status()["pid"], first);
    home.configure("");
    home.run(&["restart"]).expect(0);
    let second = home.status();
    assert_ne!(second["pid"], first);
    assert_eq!(second["repositories"][0]["path"], repo.at(""));
    home.run(&["stop"]).expect(0);
    home.run(&["status"]).expect(3);
    until("the daemon has ended", || background.all().is_empty());
    home.run(&["restart"]).expect(0);
    assert_eq!(background.all().len(), 1);
}

#[test]
fn doctor_compares_the_daemon_with_this_shell() {
    let home = Home::new();
    let daemon = home.daemon(&[]);
    let own = home.status()["daemon"].clone();
    assert_eq!(own["config"], home.config().to_str().unwrap());
    assert_eq!(own["data_dir"], home.data().to_str().unwrap());
    assert_eq!(own["socket"], home.socket().to_str().unwrap());
    assert_eq!(own["key"], "not needed");
    let done = home.run(&["doctor"]).expect(0);
    assert!(!done.stdout.contains("this shell's"), "{done:?}");
    let elsewhere = home.temp().join("elsewhere");
    let mut command = home.command(&["doctor"]);
    command
        .env("XDG_DATA_HOME", &elsewhere)
        .env("XDG_CONFIG_HOME", &elsewhere);
    let done = finish(&mut command).expect(0);
    for what in ["its configuration is", "its store is"] {
        assert!(done.stdout.contains(what), "{done:?}");
    }

    // The daemon reads its configuration once.
    home.configure(
        "[summaries]\nprovider = \"openai\"\n[openai]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n",
    );
    let done = home.run(&["doctor"]);
    let edited = "was changed after the daemon started";
    assert!(done.stdout.contains(edited), "{done:?}");
    daemon.terminate();

    // The shell has a key, the daemon has none.
    let mut command = home.command(&["daemon"]);
    command.env_remove("OPENAI_API_KEY");
    let _daemon = home.daemon_by(command);
    assert_eq!(home.status()["daemon"]["key"], "absent");
    let done = home.run(&["doctor"]).expect(1);
    assert!(!done.stdout.contains(edited), "{done:?}");
    assert!(done.stdout.contains("the daemon has none"), "{done:?}");
    assert!(
        done.stdout.contains("cannot reach http://127.0.0.1:9/v1"),
        "{done:?}"
    );
}

#[test]
fn doctor_sends_one_request_to_the_endpoint() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "");
    let done = home.run(&["doctor"]);
    assert!(
        done.stdout.contains(&format!("endpoint: {}", model.url())),
        "{done:?}"
    );
}

#[test]
fn root_creates_no_files_in_another_users_folders() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: not root");
        return;
    }
    let (home, repo) = (Home::new(), Repo::new());
    repo.write("a.py", "A = 1\n");
    let person = home.temp().join("person");
    fs::create_dir(&person).unwrap();
    std::os::unix::fs::chown(&person, Some(1000), Some(1000)).unwrap();
    for verb in ["index", "show", "watch", "status"] {
        let mut command = home.command(&[verb]);
        command.current_dir(repo.at("")).env("HOME", &person);
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"] {
            command.env_remove(name);
        }
        let done = finish(&mut command).expect(1);
        assert!(done.stderr.contains("belongs to user 1000"), "{done:?}");
    }
    assert_eq!(fs::read_dir(&person).unwrap().count(), 0);
}

#[test]
fn root_makes_no_files_in_another_user_s_folders() {
    let (home, repo) = (Home::new(), Repo::package());
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root could");
        return;
    }
    // The folder above the store belongs to another user, as after `sudo -E`.
    let above = home.data().parent().unwrap().to_path_buf();
    std::os::unix::fs::chown(&above, Some(65_534), None).unwrap();
    for verb in [&["index"][..], &["show"], &["watch"], &["mcp", "--watch"]] {
        let done = home.run_in(repo.root().as_path(), verb).expect(1);
        let says =
            done.stderr.contains("belongs to user 65534") && done.stderr.contains("without sudo");
        assert!(says && done.stdout.is_empty(), "{verb:?}: {done:?}");
    }
    assert!(!home.data().exists());
    let doctor = home.run(&["doctor"]).expect(1);
    assert!(
        doctor.stdout.contains("belongs to user 65534"),
        "{doctor:?}"
    );
}
