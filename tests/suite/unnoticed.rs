//! Changes that no event reports, and events that must be ignored: mounts, remote file systems, git's own
//! configuration, and repositories added or removed during a scan.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Alone, Home, Repo, every, find, first_not_fresh, paths, until};
use crate::notified::{
    Ends, QUICK, assert_current, may_unshare, repository, ticks, unshared, watched_at_start,
    watched_inodes,
};

/// Runs a script that starts a daemon in its own namespaces; returns its exit code.
fn run_unshared(home: &Home, script: &str, folder: &Path) -> i32 {
    let script = format!(
        "set -e\n\
        soon() {{ n=0; until \"$@\"; do n=$((n+1)); [ $n -lt 400 ] || exit 9; sleep 0.05; done; }}\n\
        now() {{ \"$1\" wait \"$2\" --timeout 30; \"$1\" tree --json \"$2\" > \"$3\"; }}\n{script}"
    );
    let folder = folder.to_str().unwrap();
    let mut command = unshared(home, "-Urm", &script, &[folder]);
    let log = home.temp().join("log");
    command.stderr(fs::File::create(&log).unwrap());
    let mut run = Ends(command.spawn_alone().unwrap());
    let began = Instant::now();
    loop {
        if let Some(status) = run.0.try_wait().unwrap() {
            println!("{}", fs::read_to_string(&log).unwrap());
            return status.code().unwrap_or(-1);
        }
        let log_text = fs::read_to_string(&log);
        assert!(began.elapsed() < Duration::from_secs(90), "{log_text:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_mount_over_a_folder_replaces_its_content() {
    if !may_unshare() {
        return;
    }
    let (home, place) = (Home::with(QUICK), Repo::new());
    place.write("root/sub dir/own.py", "x = 1\n");
    place.write("root/kept.py", "x = 2\n");
    place.write("other/bound.py", "x = 3\n");
    let script = "\"$1\" daemon \"$2/root\" & daemon=$!; trap \"kill $daemon\" EXIT\n\
        soon \"$1\" wait \"$2/root\" --timeout 20\n\
        mount -t tmpfs none \"$2/root/sub dir\"; echo 'x = 4' > \"$2/root/sub dir/late.py\"\n\
        now \"$1\" \"$2/root\" \"$2/mounted\"\n\
        echo 'x = 5' > \"$2/root/sub dir/later.py\"\n\
        now \"$1\" \"$2/root\" \"$2/written\"\n\
        soon umount \"$2/root/sub dir\"\n\
        now \"$1\" \"$2/root\" \"$2/unmounted\"\n\
        mount --bind \"$2/other\" \"$2/root/sub dir\"\n\
        now \"$1\" \"$2/root\" \"$2/bound\"\n\
        soon umount \"$2/root/sub dir\"\n\
        now \"$1\" \"$2/root\" \"$2/unbound\"\n";
    assert_eq!(run_unshared(&home, script, &place.root()), 0);
    for (when, content) in [
        ("mounted", &["late.py"][..]),
        ("written", &["late.py", "later.py"]),
        ("unmounted", &["own.py"]),
        ("bound", &["bound.py"]),
        ("unbound", &["own.py"]),
    ] {
        let tree = json(place.root().join(when));
        let mut expected = vec!["".to_owned(), "kept.py".to_owned(), "sub dir".to_owned()];
        expected.extend(content.iter().map(|name| format!("sub dir/{name}")));
        assert_eq!(paths(&tree), expected, "{when}");
        assert_eq!(first_not_fresh(&tree), None, "{when}");
    }
}

#[test]
fn a_fuse_file_system_is_polled_at_and_below_the_root() {
    if !may_mount_fuse() {
        return;
    }
    let (home, place) = (
        Home::with("[watch]\nsettle_ms = 20\npoll_seconds = 1\n"),
        Repo::new(),
    );
    place.write("source/a/shared.py", "x = 1\n");
    place.write("local/own.py", "x = 2\n");
    for folder in ["local/inner", "local-fuse"] {
        fs::create_dir(place.root().join(folder)).unwrap();
    }
    // A write in the source of a mount is not reported at the mount point.
    let script = "for at in local/inner local-fuse; do bindfs \"$2/source\" \"$2/$at\" || exit 77; done\n\
        \"$1\" daemon \"$2/local\" & daemon=$!; trap \"kill $daemon\" EXIT\n\
        soon \"$1\" wait \"$2/local\" --timeout 20\n\
        \"$1\" watch \"$2/local-fuse\"; \"$1\" wait \"$2/local-fuse\" --timeout 20\n\
        \"$1\" status --json > \"$2/status\"\n\
        echo 'y = 22' >> \"$2/source/a/shared.py\"\n\
        now \"$1\" \"$2/local\" \"$2/inside\"\n\
        now \"$1\" \"$2/local-fuse\" \"$2/whole\"\n\
        echo 'z = 333' >> \"$2/source/a/shared.py\"\n\
        long() { \"$1\" show --json \"$2\" | grep -q '\"bytes\":21'; }\n\
        soon long \"$1\" \"$2/local/inner/a/shared.py\"\n\
        \"$1\" unwatch \"$2/local-fuse\"\n\
        soon umount \"$2/local-fuse\"; soon umount \"$2/local/inner\"\n\
        \"$1\" watch \"$2/local-fuse\"\n\
        now \"$1\" \"$2/local\" \"$2/without\"\n\
        \"$1\" wait \"$2/local-fuse\" --timeout 20; \"$1\" status --json > \"$2/at-last\"\n";
    match run_unshared(&home, script, &place.root()) {
        77 => return println!("skipped: FUSE cannot be mounted"),
        code => assert_eq!(code, 0),
    }
    let reported = |file: &str| -> Vec<(String, String)> {
        let status = json(place.root().join(file));
        let all = status["repositories"].as_array().unwrap();
        let reported = all.iter().map(|one| {
            let watch = one["watch"].as_str().unwrap();
            (watch.to_owned(), one["notes"].to_string())
        });
        reported.collect()
    };
    let kind = "lies on a file system (FUSE) that does not tell of all changes";
    let local = format!("[\"2 folders are polled every 1 s: {kind}\"]");
    let whole = format!("[\"{kind}: polled every 1 s\"]");
    assert_eq!(
        reported("status"),
        [("native".into(), local), ("poll".into(), whole)]
    );
    let bytes =
        |file: &str, path: &str| find(&json(place.root().join(file)), path)["bytes"].clone();
    assert_eq!(bytes("inside", "inner/a/shared.py"), 13);
    assert_eq!(bytes("whole", "a/shared.py"), 13);
    let without = json(place.root().join("without"));
    assert_eq!(paths(&without), ["", "own.py"]);
    let plain = || ("native".to_owned(), "[]".to_owned());
    assert_eq!(reported("at-last"), [plain(), plain()]);
}

#[test]
fn a_new_excludes_file_in_git_s_configuration_applies() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    repo.init();
    repo.write("a.log", "one\n");
    repo.write("b.tmp", "two\n");
    let user = |path: &str, text: &str| {
        let path = home.temp().with_file_name("home").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let _daemon = home.daemon(&[&repo.at("")]);
    let seen = || {
        home.wait(&repo);
        let tree = home.node(&repo.at(""), 1);
        ["a.log", "b.tmp"].map(|path| paths(&tree).contains(&path))
    };
    assert_eq!(seen(), [true, true]);
    user("logs", "*.log\n");
    user("config/temporary", "*.tmp\n");
    user(".gitconfig", "[core]\n\texcludesFile = ~/logs\n");
    assert_eq!(seen(), [false, true]);
    // Included files apply, also when they change or appear later.
    user(".gitconfig", "[include]\n\tpath = config/more\n");
    assert_eq!(seen(), [true, true]);
    user(
        "config/more",
        "[core]\n\texcludesFile = \"~/config/temporary\"\n",
    );
    assert_eq!(seen(), [true, false]);
    user("config/temporary", "*.log\n");
    assert_eq!(seen(), [false, true]);
    fs::remove_file(home.temp().with_file_name("home").join(".gitconfig")).unwrap();
    assert_eq!(seen(), [true, true]);
    // The repository's own setting takes precedence.
    repo.git(&["config", "core.excludesFile", "~/logs"]);
    assert_eq!(seen(), [false, true]);
    user("logs", "*.tmp\n");
    assert_eq!(seen(), [true, false]);
    repo.git(&["config", "--unset", "core.excludesFile"]);
    assert_eq!(seen(), [true, true]);
    // Included for some branches only.
    user(
        ".gitconfig",
        "[includeIf \"onbranch:release/\"]\n\tpath = config/more\n",
    );
    assert_eq!(seen(), [true, true]);
    repo.git(&["symbolic-ref", "HEAD", "refs/heads/release/1"]);
    assert_eq!(seen(), [false, true]);
}

#[test]
fn a_repository_removed_during_a_scan_leaves_no_watch() {
    let quick = format!("{QUICK}[summaries]\nenabled = false\n");
    let (home, repo) = (Home::with(&quick), Repo::new());
    for number in 0..2_500 {
        let folder = format!("d{}/e{}/f{number}", number % 10, number % 100);
        repo.write(&format!("{folder}/f.txt"), "");
    }
    let daemon = home.daemon(&[]);
    let before = watched_at_start(&home, daemon.pid());
    for _ in 0..3 {
        home.run(&["watch", &repo.at("")]).expect(0);
        home.run(&["unwatch", &repo.at("")]).expect(0);
    }
    until("the scans are done, and no watch is left", || {
        let used = ticks(daemon.pid());
        std::thread::sleep(Duration::from_millis(300));
        ticks(daemon.pid()) == used && watched_inodes(daemon.pid()) == before
    });
    // It can be watched again.
    home.run(&["watch", &repo.at("")]).expect(0);
    home.wait(&repo);
    repo.write("d1/e1/late.txt", "late\n");
    home.wait(&repo);
    assert_eq!(home.node(&repo.at("d1/e1/late.txt"), 0)["bytes"], 5);
}

#[test]
fn concurrent_adds_of_one_repository_add_it_once() {
    let (home, place) = (Home::with(QUICK), Repo::new());
    let _daemon = home.daemon(&[]);
    for number in 0..20 {
        place.write(&format!("r{number}/f.txt"), "");
    }
    std::thread::scope(|scope| {
        let barrier = std::sync::Arc::new(std::sync::Barrier::new(8));
        for _ in 0..8 {
            let (home, place, barrier) = (&home, &place, barrier.clone());
            scope.spawn(move || {
                for number in 0..20 {
                    let root = place.at(&format!("r{number}"));
                    let body = serde_json::json!({ "path": root }).to_string();
                    barrier.wait();
                    home.http("POST", "/v1/repositories", &body);
                }
            });
        }
    });
    let status = home.status();
    let all = status["repositories"].as_array().unwrap();
    assert_eq!(all.len(), 20);
}

#[test]
fn a_file_time_beyond_the_representable_range_is_accepted() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    for (file, time) in [
        ("src/shop/cart.py", "@10000000000.5"),
        ("docs/guide.md", "@-99.5"),
    ] {
        let touched = Command::new("touch")
            .args(["-d", time, &repo.at(file)])
            .status_alone();
        assert!(touched.unwrap().success());
    }
    let _daemon = home.daemon(&[&repo.at("")]);
    assert_current(&home, &repo.at(""));
    repo.append("src/shop/cart.py", "X = 1\n");
    assert_current(&home, &repo.at(""));
}

#[test]
fn an_ignored_file_in_a_watched_folder_causes_no_scan() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    repo.write(".gitignore", "*.log\n");
    repo.write("src/build.log", "");
    let mut command = home.command(&["daemon", &repo.at("")]);
    command.env("EPITOME_LOG", "epitome::daemon=trace");
    let daemon = home.daemon_by(command);
    assert_current(&home, &repo.at(""));
    // Each event that reaches the engine is logged, and so is each listing.
    let work = || {
        let log = daemon.log();
        let count = |what: &str| log.matches(what).count();
        (count("Touched {"), count("List {"))
    };
    let before = work();
    assert!(before.1 > 0, "the first scan is logged");
    let changed = repository(&home)["last_change"].clone();
    for number in 0..2_000 {
        repo.write("src/build.log", format!("line {number}\n"));
    }
    repo.write("src/another.log", "made\n");
    repo.remove("src/another.log");
    // Status waits for a barrier, so all events before it were processed.
    let status = repository(&home);
    assert_eq!(
        (&status["stale"], &status["last_change"]),
        (&0.into(), &changed)
    );
    assert_eq!(work(), before);
    repo.append("src/shop/cart.py", "X = 1\n");
    home.wait(&repo);
    assert!(work().0 > before.0 && work().1 > before.1);
}

#[test]
fn the_daily_audit_reports_and_repairs_a_difference() {
    let config = format!("{QUICK}audit_seconds = 1\n");
    let (home, repo) = (Home::with(&config), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    // A write through a memory map: no event while it is mapped.
    let script = "import mmap, sys\n\
        file = open(sys.argv[1], 'r+b')\n\
        memory = mmap.mmap(file.fileno(), 0)\n\
        file.close()\n\
        memory[0:7] = b'\"\"\"OURS'\n\
        print('written', flush=True)\n\
        sys.stdin.readline()\n";
    let python = Command::new("python3")
        .args(["-c", script, &repo.at("src/shop/cart.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn_alone();
    let Ok(python) = python else {
        return println!("skipped: no python3");
    };
    let mut python = Ends(python);
    let mut line = String::new();
    let output = python.0.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
    assert_eq!(line, "written\n");
    let alarm = "the audit found 1 differences; rescanning: src/shop/cart.py differs on disk";
    until("the status reports it", || {
        repository(&home)["notes"].to_string().contains(alarm)
    });
    assert!(daemon.log().contains(alarm));
    until("it is repaired and no longer reported", || {
        repository(&home)["notes"] == serde_json::json!([])
    });
    let tree = home.node(&repo.at(""), 99);
    let new_index = Home::with(QUICK).json(&["index", &repo.at(""), "--json"]);
    let digests = |tree: &Value| -> Vec<Value> {
        let nodes = every(tree).into_iter();
        nodes.map(|node| node["digest"].clone()).collect()
    };
    assert_eq!(digests(&tree), digests(&new_index));
}

/// Hanging mounts of dead servers: calls block, and an overflow makes all watched folders suspect.
#[test]
fn a_hanging_file_system_blocks_nothing_else() {
    if !may_mount_fuse() {
        return;
    }
    let config = format!("{QUICK}[summaries]\nenabled = false\n");
    let (home, place) = (Home::with(&config), Repo::new());
    place.write("source/a/shared.py", "x = 1\n");
    place.write("local/d/own.py", "x = 2\n");
    place.git(&["init", "-q", "source"]);
    // More mounts than reading threads, so that each thread blocks.
    let script = "servers=; trap 'set +e; kill -CONT $servers; kill $daemon; kill $servers' EXIT\n\
        for number in 1 2 3; do\n\
        at=\"$2/hangs$number\"; mkdir \"$at\"; bindfs -f \"$2/source\" \"$at\" & server=$!; servers=\"$servers $server\"\n\
        until test -e \"$at/a\"; do kill -0 $server || exit 77; sleep 0.05; done\n\
        done\n\
        \"$1\" daemon \"$2/local\" \"$2\"/hangs? & daemon=$!\n\
        soon \"$1\" wait \"$2/local\" --timeout 20; for at in \"$2\"/hangs?; do \"$1\" wait \"$at\" --timeout 20; done\n\
        \"$1\" events --json > \"$2/events\" & events=$!\n\
        reported() { echo 'y = 1' >> \"$1\"; grep -q \"$(basename \"$1\")\" \"$2\"; }\n\
        soon reported \"$2/local/d/own.py\" \"$2/events\"\n\
        kill -STOP $daemon\n\
        echo '*.log' > \"$2/hangs2/.gitignore\"; echo 'x = 5' > \"$2/hangs3/new.py\"\n\
        kill -STOP $servers\n\
        cd \"$2/local/d\"; seq 7000 | xargs touch; cd ..; rm -r d; echo 'x = 3' > late.py\n\
        kill -CONT $daemon\n\
        soon reported \"$2/local/reported.py\" \"$2/events\"; kill $events\n\
        for round in 1 2 3 4; do \"$1\" status > \"$2/status\"; done\n\
        before=$(ls /proc/$daemon/task | wc -l)\n\
        for round in 1 2 3 4 5 6 7 8; do \"$1\" status > \"$2/status\"; done\n\
        test $(ls /proc/$daemon/task | wc -l) -le $((before+4)) || exit 5\n\
        now \"$1\" \"$2/local\" \"$2/reported\"\n\
        echo 'x = 4' >> \"$2/local/late.py\"\n\
        now \"$1\" \"$2/local\" \"$2/reported\"\n\
        echo 'y = 22' >> \"$2/source/a/shared.py\"\n\
        kill -CONT $servers\n\
        now \"$1\" \"$2/hangs1\" \"$2/again\"\n";
    match run_unshared(&home, script, &place.root()) {
        77 => return println!("skipped: FUSE cannot be mounted"),
        code => assert_eq!(code, 0),
    }
    let reported = json(place.root().join("reported"));
    assert_eq!(paths(&reported), ["", "late.py", "reported.py"]);
    assert_eq!(find(&reported, "late.py")["bytes"], 12);
    let again = json(place.root().join("again"));
    assert_eq!(find(&again, "a/shared.py")["bytes"], 13);
}

/// Whether a program to serve a folder by FUSE is available.
fn may_mount_fuse() -> bool {
    let mut bindfs = Command::new("bindfs");
    let bindfs = bindfs.arg("--version").stdout(Stdio::null()).status_alone();
    let may = bindfs.is_ok_and(|status| status.success());
    if !may {
        println!("skipped: no bindfs");
    }
    may && may_unshare()
}

#[test]
fn changes_behind_an_unreadable_folder_are_stale_and_seen_later() {
    if !may_unshare() {
        return;
    }
    let (home, repo) = (Home::with(QUICK), Repo::new());
    repo.write("a/s/deep.py", "x = 1\n");
    repo.write("top.py", "x = 2\n");
    // In a namespace without a mapped user, root obeys permissions too.
    let script = "exec \"$1\" daemon \"$2\"";
    let daemon = unshared(&home, "-U", script, &[&repo.at("")]).spawn_alone();
    let _daemon = Ends(daemon.unwrap());
    until("it responds", || {
        home.try_http("GET", "/v1/status", "").is_ok()
    });
    assert_current(&home, &repo.at(""));
    let file = repo.root().join("a/s/deep.py");
    let mut open = fs::OpenOptions::new().append(true).open(file).unwrap();
    for (closed, named) in [("a", "a: cannot"), ("", "the folder itself cannot")] {
        let mode = |mode| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(repo.root().join(closed), mode).unwrap();
        };
        mode(0);
        until("the status reports it", || {
            let notes = repository(&home)["notes"].to_string();
            notes.contains(named) && notes.contains("permission denied")
        });
        std::io::Write::write_all(&mut open, b"y = 3\n").unwrap();
        // It cannot settle while the folder is unreadable; the reason is reported.
        let path = repo.at("");
        let answer = home.http(
            "POST",
            "/v1/wait",
            &serde_json::json!({ "path": path, "timeout_ms": 300 }).to_string(),
        );
        let reported = home.node(&repo.at("a/s/deep.py"), 0);
        mode(0o755);
        assert_eq!(answer.status, 504, "{closed:?}");
        assert!(
            answer.json()["detail"]
                .to_string()
                .contains("permission denied")
        );
        assert_eq!(reported["freshness"], "stale", "{closed:?}");
        assert_current(&home, &repo.at(""));
    }
}
