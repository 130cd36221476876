//! What machines do to programs: no permission, no space, no home, a clock that is wrong, too few files, floods, no
//! name for the endpoint. It says so, keeps answering, and is well again afterwards; and it never panics (the harness
//! looks at what each daemon said).

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::harness::{
    DEADLINE, Done, FakeModel, Home, Repo, eventually, finish, first_not_fresh, paths,
};

/// MiB; a debug build, with all that a small repository needs.
const MEMORY: u64 = 300;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says, past the test runner's capture, why a test does nothing here.
fn skipped(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}

/// What takes the superuser's right to read and write everything away; nothing for others, who have no such right.
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
        .status();
    works.is_ok_and(|status| status.success()).then_some(before)
}

/// Whether this process may mount something in a name space of its own.
fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// A failure that a person can use: one line, no panic, and what to do.
#[track_caller]
fn one_line(done: Done, code: i32, words: &[&str]) {
    let said = done.stderr.clone();
    done.expect(code);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "without {word:?}: {said}");
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

#[test]
fn a_store_without_permission_is_said_in_one_line() {
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
fn a_store_that_loses_its_permission_goes_on() {
    let Some(before) = bound_by_modes() else {
        return skipped("lost permission", "setpriv cannot take capabilities away");
    };
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, "quiet_ms = 0"), Repo::package());
    let daemon = home.daemon_by(home.command_by(&before, &["daemon", &repo.at("")]));
    is_fresh(&home, &repo);
    let count = model.count();
    fs::set_permissions(home.data(), Permissions::from_mode(0o000)).unwrap();
    repo.append("src/shop/cart.py", "\n\nMORE = 1\n");
    // It cannot be proven that all notifications are in, so nothing is called fresh; but all is done, and told.
    home.wait(&repo);
    assert_eq!(model.count() - count, 4);
    let cart = home.node(&repo.at("src/shop/cart.py"), 0);
    let length = repo.read("src/shop/cart.py").len();
    let said = cart["summary"].as_str().unwrap();
    assert!(
        said.ends_with(&format!("It is {length} bytes long.")),
        "{cart}"
    );
    fs::set_permissions(home.data(), Permissions::from_mode(0o700)).unwrap();
    repo.append("src/shop/cart.py", "\n\nMORE = 2\n");
    is_fresh(&home, &repo);
    daemon.terminate();
    let asked = model.count();
    let _daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    assert_eq!(model.count(), asked, "something was not stored");
}

#[test]
fn a_full_disk_is_said_and_what_was_paid_for_waits_for_space() {
    if !is_root() || !may_mount() {
        return skipped("disk full", "no file system can be mounted here");
    }
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, "quiet_ms = 0"), Repo::package());
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

    // The last pages have some room left: more than that.
    for n in 0..80 {
        repo.write(&format!("new{n}.py"), format!("\"\"\"New {n}.\"\"\"\n"));
    }
    let status = eventually("it says that the disk is full", || {
        let status = home.status();
        match all_notes(&status).contains("wait to be stored") {
            true => Ok(status),
            false => Err(status),
        }
    });
    assert!(all_notes(&status).contains("No space"), "{status}");
    repo.append("src/shop/cart.py", "\n\nMORE = 1\n");
    // It answers, and promises nothing that it cannot keep.
    for _ in 0..3 {
        let cart = home.node(&repo.at("src/shop/cart.py"), 0);
        assert_eq!(cart["freshness"], "stale", "{cart}");
        assert!(cart["summary"].is_string());
        assert_eq!(home.node(&repo.at("README.md"), 0)["freshness"], "fresh");
    }
    let verb = home.run(&["status"]).expect(0).stdout;
    assert!(verb.contains("note: "), "{verb}");
    home.run(&["wait", &repo.at(""), "--timeout", "0.3"])
        .expect(5);
    // More of it: none of it may be lost, nor paid for twice.
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
        *times.entry(request.question()).or_insert(0) += 1;
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

/// Takes all space there is.
fn fill(ballast: &Path) {
    let mut file = File::create(ballast).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

#[test]
fn a_disk_that_is_full_from_the_start_is_said_in_one_line() {
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

/// The environment without what says where things are.
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
fn without_a_home_it_says_what_to_set() {
    let (home, repo) = (Home::new(), Repo::package());
    let place = |name: &str| home.temp().join(name);
    // A user whom the system does not know has no other home.
    if is_root() {
        let nobody = [
            "setpriv",
            "--reuid=54321",
            "--regid=54321",
            "--clear-groups",
        ];
        let known = Command::new(nobody[0])
            .args(&nobody[1..])
            .arg("true")
            .status();
        if known.is_ok_and(|status| status.success()) {
            for arguments in [&["index", &repo.at("")][..], &["status"], &["daemon"]] {
                let mut command = homeless(&home, &nobody, arguments);
                let done = finish(command.current_dir("/"));
                one_line(done, 1, &["HOME", "EPITOME_DATA_DIR"]);
            }
        }
    } else {
        skipped("no home at all", "only the superuser can be another user");
    }
    // A home that means another place in each folder is none.
    for arguments in [&["index", &repo.at("")][..], &["status"]] {
        let mut command = homeless(&home, &[], arguments);
        one_line(finish(command.env("HOME", "here")), 1, &["HOME"]);
    }
    // Where every place is named, no home is needed.
    let mut command = homeless(&home, &[], &["index", &repo.at(""), "--json"]);
    let done = finish(
        command
            .env("EPITOME_CONFIG", home.config())
            .env("EPITOME_DATA_DIR", place("store"))
            .env("EPITOME_SOCKET", place("socket")),
    );
    // A file that is named has to be there.
    one_line(done, 1, &["no such file"]);
    home.configure("");
    let done = finish(&mut command).expect(0);
    assert!(paths(&done.json()).contains(&"src/shop/cart.py"));
    assert!(place("store/answers.journal").exists());
}

#[test]
fn a_home_that_cannot_be_written_is_said_and_another_place_is_enough() {
    let Some(before) = bound_by_modes() else {
        return skipped("read-only home", "setpriv cannot take capabilities away");
    };
    let (home, repo) = (Home::new(), Repo::package());
    let own = home.temp().join("own");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, Permissions::from_mode(0o555)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = homeless(&home, &before, arguments);
        // The socket apart: some systems have a place for it without any variable.
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
fn variables_that_are_not_set_empty_or_relative_name_no_place() {
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

/// A clock that was set back a day leaves files of tomorrow; the clock itself cannot be set here.
#[test]
fn files_of_tomorrow_are_seen_to_change() {
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, "quiet_ms = 0"), Repo::package());
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let date = |path: &str| {
        let file = File::options().write(true).open(repo.at(path)).unwrap();
        file.set_modified(tomorrow).unwrap();
    };
    let index = home.run(&["index", &repo.at(""), "--json"]);
    let tree = index.expect(0).json();
    let is_file = |path: &&str| repo.root().join(path).is_file();
    let all: Vec<&str> = paths(&tree).into_iter().filter(is_file).collect();
    assert_eq!(all.len(), 12);
    all.iter().for_each(|path| date(path));
    let count = model.count();
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    assert_eq!(model.count(), count, "the contents are the same");
    // As many bytes, and the same date.
    let rates = repo.read("src/shop/money/rates/table.py");
    repo.write("src/shop/money/rates/table.py", rates.replace("92", "93"));
    date("src/shop/money/rates/table.py");
    is_fresh(&home, &repo);
    assert_eq!(model.count() - count, 6, "the file and all above it");
    daemon.terminate();
    repo.write("src/shop/money/rates/table.py", rates.replace("92", "94"));
    date("src/shop/money/rates/table.py");
    let _daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    assert_eq!(model.count() - count, 12);
}

/// A client that floods, and what it left open.
struct Flood(Vec<UnixStream>);

impl Flood {
    /// So many connections that say nothing, half a head, half a body.
    fn of(home: &Home, many: usize) -> Self {
        let open = |number: usize| {
            let mut stream = UnixStream::connect(home.socket()).ok()?;
            let half: &[u8] = match number % 4 {
                0 => b"",
                1 => b"GET /v1/st",
                2 => b"GET /v1/status HTTP/1.1\r\nhost: x\r\n",
                _ => b"\x16\x03\x01\x02\x00\x01\x00",
            };
            stream.write_all(half).ok()?;
            Some(stream)
        };
        Self((0..many).filter_map(open).collect())
    }
}

#[track_caller]
fn answers_within(home: &Home, limit: Duration) -> Value {
    let begun = Instant::now();
    let status = home.status();
    assert!(
        begun.elapsed() < limit,
        "an answer took {:?}",
        begun.elapsed()
    );
    status
}

#[test]
fn a_flood_holds_nobody_else_up() {
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    let flood = Flood::of(&home, 600);
    assert!(flood.0.len() > 400);
    // A connection that says nothing has a second while others wait.
    answers_within(&home, Duration::from_secs(20));
    repo.append("src/shop/cart.py", "\n\nMORE = 1\n");
    is_fresh(&home, &repo);
    // Half bodies are waited for, while they come.
    let bodies: Vec<UnixStream> = (0..60)
        .map(|_| {
            let mut stream = UnixStream::connect(home.socket()).unwrap();
            let head = b"POST /v1/wait HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{\"pa";
            stream.write_all(head).unwrap();
            stream
        })
        .collect();
    answers_within(&home, Duration::from_secs(20));
    drop((flood, bodies));
    answers_within(&home, Duration::from_secs(20));
    // Clients that come and go.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    home.http("GET", "/v1/status", "").expect(200);
                }
            });
        }
    });
    is_fresh(&home, &repo);
    assert!(
        daemon.peak_memory() < MEMORY,
        "{} MiB",
        daemon.peak_memory()
    );
}

#[test]
fn what_is_far_too_large_is_refused_without_being_kept() {
    const LARGE: usize = 64 << 20;
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    is_fresh(&home, &repo);
    let before = daemon.peak_memory();
    let post = format!(
        "POST /v1/wait HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {LARGE}\r\n\r\n"
    );
    let chunked = "POST /v1/wait HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4000000\r\n";
    for (head, status) in [
        (post.as_str(), "413"),
        (chunked, "413"),
        ("GET /v1/status?", "4"),
        ("GET /v1/status HTTP/1.1\r\nhost: x\r\nx-long: ", "4"),
    ] {
        let mut stream = UnixStream::connect(home.socket()).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b'a'; 1 << 16];
        for _ in 0..LARGE / piece.len() {
            // It may hang up before all of it was said.
            if stream.write_all(&piece).is_err() {
                break;
            }
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let told = format!("HTTP/1.1 {status}");
        assert!(
            answer.is_empty() || answer.starts_with(&told),
            "{head:?}: {answer}"
        );
        answers_within(&home, Duration::from_secs(20));
    }
    let grown = daemon.peak_memory() - before;
    assert!(
        grown < 32,
        "{grown} MiB more for requests that were refused"
    );
    assert!(
        daemon.peak_memory() < MEMORY,
        "{} MiB",
        daemon.peak_memory()
    );
}

#[test]
fn with_sixty_four_open_files_all_is_read_and_a_flood_is_survived() {
    let (home, repo) = (Home::new(), Repo::new());
    for n in 0..300 {
        repo.write(
            &format!("part{}/sub{}/file{n}.py", n % 12, n % 5),
            format!("VALUE = {n}\n"),
        );
    }
    let before = ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"];
    let daemon = home.daemon_by(home.command_by(&before, &["daemon", &repo.at("")]));
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    assert!(
        files.unwrap().split_whitespace().any(|word| word == "64"),
        "{limits}"
    );
    let flood = Flood::of(&home, 200);
    is_fresh(&home, &repo);
    for n in 0..40 {
        repo.write(&format!("part{}/new{n}.py", n % 12), format!("NEW = {n}\n"));
    }
    is_fresh(&home, &repo);
    answers_within(&home, Duration::from_secs(20));
    drop(flood);
    repo.remove("part3");
    is_fresh(&home, &repo);
    let served = home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    let anew = Home::new().run(&["index", &repo.at(""), "--json"]);
    assert_eq!(served, anew.expect(0).stdout);
    assert!(
        daemon.peak_memory() < MEMORY,
        "{} MiB",
        daemon.peak_memory()
    );
    daemon.terminate();
}

#[test]
fn an_endpoint_without_a_name_is_said_and_the_rest_goes_on() {
    let (home, repo) = (Home::new(), Repo::package());
    home.configure(
        "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = \"http://model.invalid/v1\"\nquiet_ms = 0\n",
    );
    let daemon = home.daemon(&[&repo.at("")]);
    let status = unreached(&home);
    assert_eq!(status["repositories"][0]["failed"], 0, "{status}");
    assert_eq!(status["requests"]["succeeded"], 0, "{status}");
    // Outlines and digests need no endpoint.
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
    eventually("it says that the endpoint cannot be reached", || {
        let status = home.status();
        let paused = status["repositories"][0]["state"] == "paused";
        match paused && all_notes(&status).contains("cannot connect") {
            true => Ok(status),
            false => Err(status),
        }
    })
}

#[test]
fn an_endpoint_that_gets_its_name_back_is_asked_without_a_restart() {
    if !is_root() || !may_mount() {
        return skipped("names that come back", "no file can be mounted here");
    }
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, "quiet_ms = 0"), Repo::package());
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
    let words = [hosts.to_str().unwrap(), nowhere.to_str().unwrap()];
    let before = ["unshare", "-m", "sh", "-c", script, words[0], words[1]];
    let _daemon = home.daemon_by(home.command_by(&before, &["daemon", &repo.at("")]));
    unreached(&home);
    assert_eq!(model.count(), 0);
    // In place: the mount is of this file.
    let mut file = File::options().append(true).open(&hosts).unwrap();
    file.write_all(b"127.0.0.1 model.invalid\n").unwrap();
    eventually("it is well again", || {
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
