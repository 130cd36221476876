//! Starting without systemd: `epitome watch` brings a daemon with it, and there is one and no more.

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
                let words: Vec<&str> = line.split('\0').collect();
                (words.contains(&socket) && words.contains(&"daemon")).then_some(pid)
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
fn of_fifty_who_watch_at_once_one_starts_the_daemon_and_all_are_served() {
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
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "{said}");
        started += said.matches("started the daemon").count();
    }
    assert_eq!(started, 1);
    let all = background.all();
    assert_eq!(all.len(), 1, "{all:?}");
    let status = home.status();
    assert_eq!(status["repositories"].as_array().unwrap().len(), 50);
    assert_eq!(status["pid"].as_i64(), Some(i64::from(all[0])));

    // It has a session of its own: the end of a terminal is not its end.
    let stat = fs::read_to_string(format!("/proc/{}/stat", all[0])).unwrap();
    let session = stat.rsplit(')').next().unwrap().split_whitespace().nth(3);
    assert_eq!(session, Some(all[0].to_string().as_str()));
    background.end();
    assert!(!home.socket().exists());
}

#[test]
fn who_does_not_want_a_daemon_gets_none() {
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
    assert!(!home.data().exists(), "nothing was made");
}

#[test]
fn a_daemon_that_cannot_start_says_why_through_who_wanted_it() {
    let (home, repo) = (Home::new(), Repo::new());
    repo.write("a.py", "A = 1\n");
    let background = Background(&home);
    home.configure("[summaries]\nprovider = \"telepathy\"\n");
    let done = home.run(&["watch", &repo.at("")]).expect(1);
    assert!(done.stderr.contains("config.toml:2"), "{done:?}");

    home.configure("");
    home.run(&["watch", &repo.at("")]).expect(0);
    background.end();
    // What a version of the future would have written.
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
fn a_second_daemon_is_refused_in_one_line_and_the_first_goes_on() {
    let home = Home::new();
    let daemon = home.daemon(&[]);
    let done = home.run(&["daemon"]).expect(1);
    assert!(
        done.stderr.contains("another daemon already runs at"),
        "{done:?}"
    );
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
    // Neither does one with another store take this one's socket.
    let other = home.temp().join("other");
    let other = ["--data-dir", other.to_str().unwrap(), "daemon"];
    home.run(&other).expect(1);
    assert_eq!(home.status()["pid"].as_u64(), Some(daemon.pid().into()));
    daemon.terminate();
}

#[test]
fn a_dead_socket_is_taken_over_and_a_removed_one_made_again() {
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
fn a_question_waits_for_a_daemon_that_is_opening_its_store() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let lock = std::fs::File::create(home.data().join("lock")).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let daemon = scope.spawn(|| home.daemon(&[]));
        until("the socket is there", || home.socket().exists());
        let asked = scope.spawn(|| home.run(&["status", "--json"]));
        // The daemon's own thread asks as well: three ends with the one that listens.
        until("both ask", || {
            let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
            let path = home.socket().into_os_string().into_string().unwrap();
            sockets.lines().filter(|line| line.contains(&path)).count() > 2 || asked.is_finished()
        });
        lock.unlock().unwrap();
        let daemon = daemon.join().unwrap();
        assert_eq!(asked.join().unwrap().expect(0).json()["pid"], daemon.pid());
    });
}

#[test]
fn a_daemon_has_few_heaps_and_is_the_process_that_was_started() {
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
    // A mistake in the configuration does not cost the daemon that runs.
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
    until("its end", || background.all().is_empty());
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
    daemon.terminate();

    // A key that this shell has and the daemon lacks.
    home.configure(
        "[summaries]\nprovider = \"openai\"\n[openai]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n",
    );
    let mut command = home.command(&["daemon"]);
    command.env_remove("OPENAI_API_KEY");
    let _daemon = home.daemon_by(command);
    assert_eq!(home.status()["daemon"]["key"], "absent");
    let done = home.run(&["doctor"]).expect(1);
    assert!(done.stdout.contains("the daemon has none"), "{done:?}");
    assert!(
        done.stdout.contains("cannot reach http://127.0.0.1:9/v1"),
        "{done:?}"
    );
}

#[test]
fn doctor_asks_the_endpoint_once() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "");
    let done = home.run(&["doctor"]);
    assert!(
        done.stdout.contains(&format!("endpoint: {}", model.url())),
        "{done:?}"
    );
}

#[test]
fn root_makes_no_files_in_another_user_s_folders() {
    if !rustix::process::geteuid().is_root() {
        println!("not root: left out");
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
