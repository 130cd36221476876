//! Whatever the kernel reports or misses, after a wait the tree equals the disk; irrelevant events cause no work.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{
    Alone, Daemon, FakeModel, Home, Kind, Repo, every, find, first_not_fresh, paths, until,
};

pub const QUICK: &str = "[watch]\nsettle_ms = 20\n";

/// After a wait, the daemon prints the same tree as a new index.
#[track_caller]
pub fn assert_current(home: &Home, root: &str) {
    home.run(&["wait", root, "--timeout", "60"]).expect(0);
    let served = home.json(&["tree", root, "--json"]);
    let new_index = Home::with(QUICK).json(&["index", root, "--json"]);
    let text = |tree: &Value| -> Vec<String> {
        every(tree)
            .iter()
            .map(|node| format!("{} {} {}", node["path"], node["digest"], node["freshness"]))
            .collect()
    };
    assert_eq!(text(&served), text(&new_index));
    assert_eq!(served, new_index);
}

/// Inodes that a process has inotify watches on.
pub fn watched_inodes(pid: u32) -> Vec<u64> {
    let mut inodes = Vec::new();
    for descriptor in fs::read_dir(format!("/proc/{pid}/fdinfo"))
        .unwrap()
        .flatten()
    {
        let text = fs::read_to_string(descriptor.path()).unwrap_or_default();
        for line in text.lines().filter(|line| line.starts_with("inotify ")) {
            let inode = line
                .split(' ')
                .find_map(|word| word.strip_prefix("ino:"))
                .unwrap();
            inodes.push(u64::from_str_radix(inode, 16).unwrap());
        }
    }
    inodes.sort_unstable();
    inodes
}

/// What a daemon without repositories watches: its socket, soon after it is ready.
pub fn watched_at_start(home: &Home, daemon: u32) -> Vec<u64> {
    let socket = inode(home.socket());
    until("the socket is watched", || {
        watched_inodes(daemon).contains(&socket)
    });
    watched_inodes(daemon)
}

/// Processor time that a process used, in ticks of 10 ms.
pub fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// How often each of its threads was woken.
fn switches(pid: u32) -> BTreeMap<OsString, u64> {
    let mut all = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let count = read("status")
            .lines()
            .filter(|line| line.contains("_ctxt_switches"))
            .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
            .sum();
        all.insert(task.file_name(), count);
    }
    all
}

/// How often its threads were woken since.
fn woken_since(pid: u32, before: &BTreeMap<OsString, u64>) -> u64 {
    let counts = switches(pid).into_iter();
    counts
        .map(|(task, count)| count.saturating_sub(before.get(&task).copied().unwrap_or(0)))
        .sum()
}

/// Returns when work left over from earlier calls (a barrier's deadline, a flush) is done.
fn until_idle(pid: u32) {
    until("no work is left", || {
        let before = switches(pid);
        std::thread::sleep(Duration::from_millis(2_200));
        woken_since(pid, &before) == 0
    });
}

fn inode(path: impl AsRef<Path>) -> u64 {
    fs::metadata(path).unwrap().ino()
}

pub fn repository(home: &Home) -> Value {
    home.status()["repositories"][0].clone()
}

#[test]
fn thirty_thousand_files_created_while_stopped_lose_nothing() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    daemon.signal(Signal::STOP);
    for number in 0..30_000 {
        fs::write(repo.root().join(format!("src/f{number}")), "").unwrap();
        // Most are removed again: the number of events matters here, not of files.
        if number % 100 != 0 {
            fs::remove_file(repo.root().join(format!("src/f{number}"))).unwrap();
        }
    }
    // These are created long after the queue has overflowed.
    repo.write("late/deep/er/file.py", "x = 1\n");
    repo.append("src/shop/cart.py", "LATE = 1\n");
    repo.rename("docs", "tests/docs");
    daemon.signal(Signal::CONT);
    assert_current(&home, &repo.at(""));
    // All of it is watched now.
    repo.append("late/deep/er/file.py", "y = 2\n");
    repo.append("tests/docs/guide.md", "More.\n");
    assert_current(&home, &repo.at(""));
}

#[test]
fn a_root_that_is_removed_and_returns_is_not_fresh_meanwhile() {
    let (home, place) = (Home::with(QUICK), Repo::new());
    let root = place.at("top/above/root");
    crate::harness::copy_folder(&Repo::package().root(), Path::new(&root));
    let _daemon = home.daemon(&[&root]);
    assert_current(&home, &root);
    let gone = |how: &str| {
        until(how, || repository(&home)["state"] == "unreachable");
        assert_eq!(repository(&home)["fresh"], 0, "{how}");
        let tree = home.node(&root, 99);
        assert!(every(&tree).len() > 10, "known nodes are kept: {how}");
        assert!(
            every(&tree).iter().all(|node| node["freshness"] != "fresh"),
            "{how}"
        );
    };
    // Moved away, changed, and moved back.
    place.rename("top/above/root", "away");
    gone("moved away");
    place.append("away/src/shop/cart.py", "AWAY = 1\n");
    place.rename("away", "top/above/root");
    assert_current(&home, &root);
    assert_eq!(repository(&home)["state"], "idle");
    // Removed and recreated.
    place.rename("top/above/root", "away");
    place.write("top/above/root/only.py", "x = 1\n");
    assert_current(&home, &root);
    assert_eq!(repository(&home)["files"], 1);
    place.append("top/above/root/only.py", "y = 2\n");
    assert_current(&home, &root);
    // Replaced by the old one, with both renames before the daemon scans.
    place.rename("top/above/root", "other");
    place.rename("away", "top/above/root");
    assert_current(&home, &root);
    place.write("top/above/root/src/new.py", "z = 3\n");
    assert_current(&home, &root);
    // An ancestor is renamed: no watched inode reports it.
    place.rename("top", "elsewhere");
    gone("moved with the folder above");
    place.write("elsewhere/above/root/src/newer.py", "z = 4\n");
    place.rename("elsewhere", "top");
    assert_current(&home, &root);
    place.append("top/above/root/src/newer.py", "w = 5\n");
    assert_current(&home, &root);
    // Replaced by a file.
    place.rename("top/above/root", "away");
    place.write("top/above/root", "a file");
    gone("replaced by a file");
    place.remove("top/above/root");
    place.rename("away", "top/above/root");
    assert_current(&home, &root);
}

#[test]
fn unwatch_leaves_no_watch_behind() {
    let (home, repo, other) = (Home::with(QUICK), Repo::package(), Repo::package());
    repo.init();
    repo.git(&["init", "-q", "src/inner"]);
    repo.write("src/inner/deep/a.py", "A = 1\n");
    let daemon = home.daemon(&[]);
    let before = watched_at_start(&home, daemon.pid());
    home.run(&["watch", &other.at("")]).expect(0);
    home.wait(&other);
    let with_other = watched_inodes(daemon.pid());
    assert_eq!(
        repository(&home)["watches"],
        7 + 4,
        "its folders, the one around, and those where git's configuration and the user's excludes file may come"
    );
    home.run(&["watch", &repo.at("")]).expect(0);
    home.wait(&repo);
    // A nested repository: a watch that both need stays as long as one of them needs it.
    home.run(&["watch", &repo.at("src/inner")]).expect(0);
    home.run(&["wait", &repo.at("src/inner")]).expect(0);
    let with_all = watched_inodes(daemon.pid());
    assert!(with_all.contains(&inode(repo.root().join("src/inner/deep"))));
    home.run(&["unwatch", &repo.at("src/inner")]).expect(0);
    repo.append("src/inner/deep/a.py", "B = 1\n");
    assert_current(&home, &repo.at(""));
    home.run(&["unwatch", &repo.at("")]).expect(0);
    until("only the other's watches are left", || {
        watched_inodes(daemon.pid()) == with_other
    });
    home.run(&["unwatch", &other.at("")]).expect(0);
    // The folder of the barriers' cookies stays watched from the first barrier on.
    let barriers = inode(home.data().join("barriers"));
    let without_barriers = |mut inodes: Vec<u64>| {
        inodes.retain(|one| *one != barriers);
        inodes
    };
    let before = without_barriers(before);
    until("no watch is left", || {
        without_barriers(watched_inodes(daemon.pid())) == before
    });
}

#[test]
fn an_ignored_folder_is_never_watched() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    repo.init();
    for number in 0..40 {
        repo.write(&format!("target/debug/d{number}/x.o"), "x");
    }
    repo.write(".gitignore", "/target/\n");
    let daemon = home.daemon(&[&repo.at("")]);
    assert_current(&home, &repo.at(""));
    let watched = |path: &str| {
        let inodes = watched_inodes(daemon.pid());
        inodes.contains(&inode(repo.root().join(path)))
    };
    assert!(watched("src/shop") && !watched("target") && !watched("target/debug/d7"));
    assert!(!watched(".git/objects") && !watched(".git/refs"));
    let count = repository(&home)["watches"].as_u64().unwrap();
    assert!(
        count <= 7 + 6,
        "{count} watches for 7 folders, .git, its info, the one around and those of git's configuration"
    );
    // The rules change, and so do the watches.
    repo.write(".gitignore", "docs/\nsrc/shop/money/\n");
    assert_current(&home, &repo.at(""));
    until("the watches follow the rules", || {
        watched("target/debug/d7") && !watched("docs") && !watched("src/shop/money/rates")
    });
    repo.write("docs/.gitignore", "!*\n");
    repo.write(".gitignore", "target/\n");
    assert_current(&home, &repo.at(""));
    until("the watches follow the rules again", || {
        watched("docs") && watched("src/shop/money/rates") && !watched("target/debug")
    });
    // A folder that is ignored from the start.
    repo.write("sub/target/deep/x.o", "x");
    assert_current(&home, &repo.at(""));
    assert!(watched("sub") && !watched("sub/target") && !watched("sub/target/deep"));
}

#[test]
fn a_new_folder_is_included_if_only_folders_are_reincluded() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    repo.write(".gitignore", "*\n!*/\n!*.py\n");
    let _daemon = home.daemon(&[&repo.at("")]);
    assert_current(&home, &repo.at(""));
    repo.write("src/fresh/made/here.py", "x = 1\n");
    assert_current(&home, &repo.at(""));
    let tree = home.node(&repo.at(""), 99);
    assert!(paths(&tree).contains(&"src/fresh/made/here.py"));
}

#[test]
fn a_repository_created_step_by_step_gets_its_rules() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    assert_current(&home, &repo.at(""));
    for (folder, rule) in [("", "docs\n"), ("src/", "*.typed\n")] {
        // Like git, but slower, so that a watch may be set too early.
        for step in [".git/objects/x", ".git/refs/x"] {
            repo.write(&format!("{folder}{step}"), "");
            assert_current(&home, &repo.at(""));
        }
        repo.write(&format!("{folder}.git/info/exclude"), rule);
        assert_current(&home, &repo.at(""));
        repo.write(&format!("{folder}.git/HEAD"), "ref: refs/heads/main\n");
        assert_current(&home, &repo.at(""));
        repo.write(&format!("{folder}.git/info/exclude"), "");
        assert_current(&home, &repo.at(""));
        repo.write(&format!("{folder}.git/info/exclude"), rule);
        assert_current(&home, &repo.at(""));
    }
    let tree = home.node(&repo.at(""), 99);
    let known = paths(&tree);
    assert!(!known.contains(&"docs/guide.md") && !known.contains(&"src/shop/py.typed"));
}

#[test]
fn ignored_or_read_files_cause_no_work() {
    // In its own folder, because activity next to the root wakes the watch's thread.
    let (home, repo) = (Home::with(QUICK), Repo::new());
    repo.write("root/.gitignore", "/target/\n");
    fs::create_dir(repo.root().join("root/target")).unwrap();
    for number in 0..500 {
        repo.write(&format!("root/many/f{number}.txt"), format!("{number}\n"));
    }
    let daemon = home.daemon(&[&repo.at("root")]);
    assert_current(&home, &repo.at("root"));
    let changed = repository(&home)["last_change"].clone();
    let work = |what: &str, work: &dyn Fn()| {
        until_idle(daemon.pid());
        let (used, before) = (ticks(daemon.pid()), switches(daemon.pid()));
        work();
        std::thread::sleep(Duration::from_millis(200));
        let used = ticks(daemon.pid()) - used;
        let woken = woken_since(daemon.pid(), &before);
        println!("{what}: {used} ticks, woken {woken} times");
        assert!(used <= 2, "{what}: {used} ticks");
        assert!(woken <= 4, "{what}: woken {woken} times");
    };
    work("a build", &|| {
        for number in 0..5_000 {
            repo.write(
                &format!("root/target/{}/f{number}.o", number % 50),
                "object",
            );
        }
    });
    work("reading", &|| {
        for _ in 0..40 {
            for number in 0..500 {
                repo.read(&format!("root/many/f{number}.txt"));
            }
        }
    });
    assert_eq!(repository(&home)["last_change"], changed);
    let status = repository(&home);
    assert_eq!(
        (&status["state"], &status["stale"]),
        (&"idle".into(), &0.into())
    );
}

#[test]
fn idle_is_idle() {
    let (home, repo) = (Home::with(QUICK), Repo::new());
    crate::harness::copy_folder(&Repo::package().root(), &repo.root().join("root"));
    repo.git(&["init", "-q", "root"]);
    let daemon = home.daemon(&[&repo.at("root")]);
    assert_current(&home, &repo.at("root"));
    until_idle(daemon.pid());
    let (used, before) = (ticks(daemon.pid()), switches(daemon.pid()));
    std::thread::sleep(Duration::from_secs(4));
    let woken = woken_since(daemon.pid(), &before);
    assert!(woken <= 2, "woken {woken} times in 4 idle seconds");
    assert_eq!(ticks(daemon.pid()) - used, 0);
}

#[test]
fn a_write_through_a_hard_link_is_seen() {
    let (home, repo, outside) = (Home::with(QUICK), Repo::package(), Repo::new());
    let other_name = outside.root().join("other.py");
    fs::hard_link(repo.root().join("src/shop/cart.py"), &other_name).unwrap();
    let daemon = home.daemon(&[&repo.at("")]);
    assert_current(&home, &repo.at(""));
    fs::write(&other_name, "x = 1\n").unwrap();
    // No event reports it, so it is not called fresh.
    let served = home.node(&repo.at("src/shop/cart.py"), 0);
    let tree = home.node(&repo.at(""), 0);
    assert!(
        served["freshness"] != "fresh" || served["bytes"] == 6,
        "{served}"
    );
    assert!(
        tree["freshness"] != "fresh" || served["bytes"] == 6,
        "{tree}"
    );
    assert_current(&home, &repo.at(""));
    fs::write(&other_name, "y = 22\n").unwrap();
    assert_current(&home, &repo.at(""));
    // A link created and used while no daemon ran.
    let second = outside.root().join("second.py");
    daemon.terminate();
    fs::hard_link(repo.root().join("tests/test_cart.py"), &second).unwrap();
    let _daemon = home.daemon(&[&repo.at("")]);
    assert_current(&home, &repo.at(""));
    fs::write(&second, "z = 333\n").unwrap();
    assert_current(&home, &repo.at(""));
}

#[test]
fn a_memory_mapped_write_is_seen_and_the_audit_finds_unreported_changes() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    assert_current(&home, &repo.at(""));
    let audit = home.run(&["doctor", "--audit"]).expect(0);
    assert!(audit.stdout.contains("12 files on the disk"), "{audit:?}");
    let script = "import mmap, sys\n\
        file = open(sys.argv[1], 'r+b')\n\
        memory = mmap.mmap(file.fileno(), 0)\n\
        file.close()\n\
        memory[0:7] = b'\"\"\"OURS'\n\
        memory.flush()\n\
        print('written', flush=True)\n\
        sys.stdin.readline()\n\
        memory.close()\n";
    let python = Command::new("python3")
        .args(["-c", script, &repo.at("src/shop/cart.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn_alone();
    let Ok(mut python) = python else {
        println!("skipped: no python3");
        return;
    };
    let mut line = String::new();
    let output = python.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
    assert_eq!(line, "written\n");
    assert!(repo.read("src/shop/cart.py").contains("OURS"));
    // While it is mapped the kernel reports nothing: the audit finds and names it, and fails.
    let audit = home.run(&["doctor", "--audit"]).expect(1);
    assert!(
        audit.stdout.contains("src/shop/cart.py differs on disk"),
        "{audit:?}"
    );
    drop(python.stdin.take());
    python.wait().unwrap();
    assert_current(&home, &repo.at(""));
    home.run(&["doctor", "--audit"]).expect(0);
}

#[test]
fn the_audit_needs_a_watched_repository() {
    let home = Home::with(QUICK);
    let audit = home.run(&["doctor", "--audit"]).expect(1);
    assert!(audit.stdout.contains("no daemon answers"), "{audit:?}");
}

/// A program in its own user namespace, where it may lower its own limits.
pub fn unshared(home: &Home, flags: &str, script: &str, arguments: &[&str]) -> Command {
    let like = home.command(&[]);
    let mut command = Command::new("unshare");
    command
        .args([
            flags,
            "sh",
            "-c",
            script,
            "sh",
            env!("CARGO_BIN_EXE_epitome"),
        ])
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in like.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

/// Kills a process when the test ends.
pub struct Ends(pub std::process::Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn may_unshare() -> bool {
    let may = Command::new("unshare").args(["-Ur", "true"]).status_alone();
    let may = may.is_ok_and(|status| status.success());
    if !may {
        println!("skipped: no user namespaces");
    }
    may
}

#[test]
fn folders_beyond_the_watch_limit_are_polled() {
    if !may_unshare() {
        return;
    }
    let home = Home::with("[watch]\nsettle_ms = 20\npoll_seconds = 1\n");
    let repo = Repo::package();
    for number in 0..20 {
        repo.write(&format!("far/d{number}/f.py"), format!("X = {number}\n"));
    }
    let script = "echo 14 > /proc/sys/user/max_inotify_watches; exec \"$1\" daemon \"$2\"";
    let daemon = unshared(&home, "-Ur", script, &[&repo.at("")])
        .spawn_alone()
        .unwrap();
    let daemon = Ends(daemon);
    until("it responds", || {
        home.try_http("GET", "/v1/status", "").is_ok()
    });
    assert_current(&home, &repo.at(""));
    let watched = watched_inodes(daemon.0.id()).len();
    assert!(watched <= 14, "{watched} watches");
    let notes = repository(&home)["notes"].to_string();
    assert!(notes.contains("folders are polled every 1 s"), "{notes}");
    assert!(notes.contains("fs.inotify.max_user_watches"), "{notes}");
    let doctor = home.run(&["doctor"]).expect(0);
    assert!(
        doctor.stdout.contains("folders are polled every 1 s")
            && doctor.stdout.contains("fs.inotify.max_user_watches=524288"),
        "{doctor:?}"
    );
    // Unwatched changes are found at once by a wait, and a little later without one.
    for number in 0..20 {
        repo.append(&format!("far/d{number}/f.py"), "Y = 2\n");
    }
    repo.write("far/d7/new/folder/f.py", "Z = 3\n");
    assert_current(&home, &repo.at(""));
    repo.append("far/d7/new/folder/f.py", "Z = 4\n");
    let bytes = repo.read("far/d7/new/folder/f.py").len();
    until("polling finds it", || {
        home.node(&repo.at("far/d7/new/folder/f.py"), 0)["bytes"] == bytes
    });
    // With fewer folders there are enough watches, and polling ends.
    repo.remove("far");
    assert_current(&home, &repo.at(""));
    until("everything is watched", || {
        !repository(&home)["notes"].to_string().contains("polled")
    });
}

#[test]
fn everything_is_polled_without_notifications() {
    if !may_unshare() {
        return;
    }
    let home = Home::with("[watch]\nsettle_ms = 20\npoll_seconds = 1\n");
    let repo = Repo::package();
    let script = "echo 0 > /proc/sys/user/max_inotify_instances; exec \"$1\" daemon \"$2\"";
    let daemon = unshared(&home, "-Ur", script, &[&repo.at("")])
        .spawn_alone()
        .unwrap();
    let _daemon = Ends(daemon);
    until("it responds", || {
        home.try_http("GET", "/v1/status", "").is_ok()
    });
    assert_current(&home, &repo.at(""));
    assert_eq!(repository(&home)["watch"], "poll");
    let notes = home.status()["notes"].to_string();
    assert!(notes.contains("fs.inotify.max_user_instances"), "{notes}");
    let doctor = home.run(&["doctor"]).expect(0);
    assert!(
        doctor
            .stdout
            .contains("sudo sysctl fs.inotify.max_user_instances"),
        "{doctor:?}"
    );
    repo.append("src/shop/cart.py", "X = 1\n");
    assert_current(&home, &repo.at(""));
}

/// Other programs reach the limit; then it is raised, or they end. The daemon recovers without a restart.
#[test]
fn late_notifications_are_used() {
    if !may_unshare() {
        return;
    }
    let home = Home::with("[watch]\nsettle_ms = 20\npoll_seconds = 1\n");
    let (repo, other) = (Repo::package(), Repo::package());
    let raise = home.temp().join("raise");
    let script = "limit=/proc/sys/user/max_inotify_instances; echo 0 > $limit\n\
        (for n in $(seq 600); do sleep 0.1; test -e \"$3\" && break; done; echo 9 > $limit) &\n\
        exec \"$1\" daemon \"$2\"";
    let raised = raise.to_str().unwrap();
    let daemon = unshared(&home, "-Ur", script, &[&repo.at(""), raised])
        .spawn_alone()
        .unwrap();
    let daemon = Ends(daemon);
    until("it responds", || {
        home.try_http("GET", "/v1/status", "").is_ok()
    });
    assert_current(&home, &repo.at(""));
    assert_eq!(repository(&home)["watch"], "poll");
    assert!(watched_inodes(daemon.0.id()).is_empty());
    fs::write(&raise, "").unwrap();
    until("changes are notified", || {
        repository(&home)["watch"] == "native" && home.status()["notes"] == serde_json::json!([])
    });
    assert_current(&home, &repo.at(""));
    let watched = watched_inodes(daemon.0.id());
    assert!(watched.contains(&inode(repo.root().join("src/shop/money/rates"))));
    repo.write(".gitignore", "docs/\n");
    repo.append("src/shop/cart.py", "X = 1\n");
    assert_current(&home, &repo.at(""));
    home.run(&["watch", &other.at("")]).expect(0);
    assert_current(&home, &other.at(""));
}

#[test]
fn an_unmounted_file_system_is_unreachable_and_forgets_nothing() {
    if !may_unshare() {
        return;
    }
    let home = Home::with(QUICK);
    let place = Repo::new();
    let script = "set -e\n\
        soon() { n=0; until \"$@\"; do n=$((n+1)); [ $n -lt 300 ] || exit 9; sleep 0.05; done; }\n\
        gone() { \"$1\" status --json | grep -q unreachable; }\n\
        mount -t tmpfs none \"$2\"; mkdir \"$2/a\"; echo 'x = 1' > \"$2/a/m.py\"; echo text > \"$2/r.md\"\n\
        \"$1\" daemon \"$2\" & daemon=$!; trap \"kill $daemon\" EXIT\n\
        soon \"$1\" wait \"$2\" --timeout 20\n\
        umount -l \"$2\"\n\
        soon gone \"$1\"\n\
        \"$1\" tree --json \"$2\" > \"$2.gone\"\n\
        mount -t tmpfs none \"$2\"; mkdir \"$2/a\"; echo 'x = 22' > \"$2/a/m.py\"\n\
        \"$1\" wait \"$2\" --timeout 20\n\
        \"$1\" tree --json \"$2\" > \"$2.back\"\n";
    let mount = place.root().join("mount");
    fs::create_dir(&mount).unwrap();
    let mut command = unshared(&home, "-Urm", script, &[mount.to_str().unwrap()]);
    let log = home.temp().join("log");
    let mut run = Ends(
        command
            .stderr(fs::File::create(&log).unwrap())
            .spawn_alone()
            .unwrap(),
    );
    let began = Instant::now();
    let status = loop {
        if let Some(status) = run.0.try_wait().unwrap() {
            break status;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{:?}",
            fs::read_to_string(&log)
        );
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "{:?}", fs::read_to_string(&log));
    let tree = |name: &str| -> Value {
        let path: PathBuf = place.root().join(name);
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let (gone, back) = (tree("mount.gone"), tree("mount.back"));
    assert_eq!(paths(&gone), ["", "a", "a/m.py", "r.md"]);
    assert!(every(&gone).iter().all(|node| node["freshness"] != "fresh"));
    assert_eq!(paths(&back), ["", "a", "a/m.py"]);
    assert_eq!(find(&back, "a/m.py")["bytes"], 7);
    assert_eq!(first_not_fresh(&back), None);
}

#[test]
fn a_branch_switch_is_one_batch() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 30\n"), Repo::package());
    repo.init();
    repo.commit("one");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let sent = model.count();
    // Slowly, as on a slow disk: every file twice, far longer apart than the quiet times.
    repo.write(".git/index.lock", "");
    let files = ["src/shop/cart.py", "docs/guide.md", "tests/test_cart.py"];
    for text in ["HALF = 1\n", "WHOLE = 1\n"] {
        for file in files {
            repo.write(file, format!("{text}FILE = \"{file}\"\n"));
            std::thread::sleep(Duration::from_millis(120));
        }
    }
    assert_eq!(model.count(), sent, "no request is sent while git runs");
    let served = home.node(&repo.at("src/shop/cart.py"), 0);
    assert_eq!(served["freshness"], "stale");
    repo.remove(".git/index.lock");
    until("everything is requested", || {
        first_not_fresh(&home.node(&repo.at(""), 99)).is_none()
    });
    let (about_files, _) = model.since(sent);
    assert_eq!(about_files, files.len());
    let halves = model.requests()[sent..]
        .iter()
        .filter(|request| request.kind == Kind::File && request.content.contains("HALF"))
        .count();
    assert_eq!(halves, 0);
    // A wait does not wait for git: a lock may be stale.
    repo.write(".git/index.lock", "");
    repo.append("src/shop/cart.py", "MORE = 1\n");
    home.wait(&repo);
    assert_eq!(
        home.node(&repo.at("src/shop/cart.py"), 0)["freshness"],
        "fresh"
    );
}

#[test]
fn a_stale_lock_does_not_block_for_long() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    repo.init();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    repo.write(".git/index.lock", "");
    repo.append("src/shop/cart.py", "MORE = 1\n");
    let bytes = repo.read("src/shop/cart.py").len();
    let began = Instant::now();
    until("it is read nevertheless", || {
        home.node(&repo.at("src/shop/cart.py"), 0)["bytes"] == bytes
    });
    let took = began.elapsed();
    assert!(took > Duration::from_secs(5), "it waited for git, {took:?}");
}

#[test]
fn a_wait_that_times_out_says_what_it_waits_for() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    model.hold();
    let _daemon: Daemon = home.daemon(&[&repo.at("")]);
    let done = home
        .run(&["wait", &repo.at(""), "--timeout", "0.5"])
        .expect(5);
    assert!(done.stderr.contains(&repo.at("")), "{done:?}");
    assert!(done.stderr.contains("to summarize"), "{done:?}");
    model.release();
    home.wait(&repo);
}

#[test]
fn the_outline_of_an_equal_file_is_not_shown_for_a_secret() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    repo.write("notes", "def f(x):\n    \"\"\"Says.\"\"\"\n    return x\n");
    assert_current(&home, &repo.at(""));
    repo.rename("notes", ".env");
    assert_current(&home, &repo.at(""));
}
