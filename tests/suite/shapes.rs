//! What people, editors and git do to files and folders while the daemon runs; after a wait the tree equals the disk.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use rustix::process::Signal;

use crate::harness::{Alone, FakeModel, Home, Repo, every, find, first_not_fresh, paths, until};
use crate::notified::{Ends, QUICK, assert_current, unshared};

#[test]
fn created_moved_swapped_and_replaced_folders_are_followed() {
    let (home, repo, outside) = (Home::with(QUICK), Repo::package(), Repo::new());
    let daemon = home.daemon(&[&repo.at("")]);
    let check = || assert_current(&home, &repo.at(""));
    check();
    // Created and filled at once, and filled further after the daemon noticed it.
    repo.write("new/a/b/c/one.py", "x = 1\n");
    repo.write("new/a/two.py", "y = 2\n");
    check();
    repo.write("new/a/b/c/three.py", "z = 3\n");
    check();
    // Moved; a write at the new place, and a new folder at the old one.
    repo.rename("new", "moved/here");
    repo.append("moved/here/a/b/c/one.py", "x = 2\n");
    repo.write("new/a/b/c/one.py", "another\n");
    check();
    repo.append("new/a/b/c/one.py", "more\n");
    repo.append("moved/here/a/b/c/three.py", "more\n");
    check();
    // Out of the tree, written there, and back in.
    let out = outside.root().join("out");
    fs::rename(repo.root().join("moved"), &out).unwrap();
    fs::write(out.join("here/a/two.py"), "written outside\n").unwrap();
    check();
    fs::write(out.join("here/a/two.py"), "written outside again\n").unwrap();
    fs::rename(&out, repo.root().join("back")).unwrap();
    check();
    repo.append("back/here/a/two.py", "inside\n");
    check();
    // Two folders swapped, in one step and in three.
    let at = |path: &str| repo.root().join(path);
    renameat_with(CWD, at("new"), CWD, at("back"), RenameFlags::EXCHANGE).unwrap();
    repo.append("new/here/a/two.py", "swapped\n");
    check();
    repo.append("back/a/b/c/one.py", "swapped\n");
    repo.rename("new", "aside");
    repo.rename("back", "new");
    repo.rename("aside", "back");
    repo.append("new/a/b/c/one.py", "swapped twice\n");
    check();
    repo.append("back/here/a/two.py", "swapped twice\n");
    check();
    // Replaced by a file, and back.
    repo.remove("back/here");
    repo.write("back/here", "a file now\n");
    check();
    repo.remove("back/here");
    repo.write("back/here/again/deep.py", "a = 1\n");
    check();
    repo.append("back/here/again/deep.py", "b = 2\n");
    check();
    // The same while the daemon is stopped.
    daemon.signal(Signal::STOP);
    repo.remove("README.md");
    repo.write("README.md/now/a/folder.py", "c = 3\n");
    repo.rename("docs", "docs2");
    repo.rename("tests", "docs");
    repo.write("tests", "a file\n");
    daemon.signal(Signal::CONT);
    check();
    repo.append("README.md/now/a/folder.py", "d = 4\n");
    repo.append("docs/test_cart.py", "e = 5\n");
    repo.append("docs2/guide.md", "f\n");
    check();
}

/// Writes a file as an editor or a tool does. The text differs each time.
type Save = fn(&Path, &str);

fn beside(path: &Path, name: &str) -> std::path::PathBuf {
    let stem = path.file_name().unwrap().to_str().unwrap();
    path.with_file_name(name.replace('%', stem))
}

const SAVES: &[(&str, Save)] = &[
    ("in place (nano, vscode)", |path, text| {
        fs::write(path, text).unwrap();
    }),
    ("vim, backup by renaming", |path, text| {
        fs::write(beside(path, ".%.swp"), "swap").unwrap();
        fs::write(beside(path, "4913"), "").unwrap();
        fs::remove_file(beside(path, "4913")).unwrap();
        fs::rename(path, beside(path, "%~")).unwrap();
        fs::write(path, text).unwrap();
        fs::remove_file(beside(path, "%~")).unwrap();
        fs::remove_file(beside(path, ".%.swp")).unwrap();
    }),
    ("vim, backup by copying", |path, text| {
        fs::copy(path, beside(path, "%~")).unwrap();
        fs::write(path, text).unwrap();
        fs::remove_file(beside(path, "%~")).unwrap();
    }),
    ("emacs, with its lock", |path, text| {
        symlink("user@host.1:1", beside(path, ".#%")).unwrap();
        fs::rename(path, beside(path, "%~")).unwrap();
        fs::write(path, text).unwrap();
        fs::remove_file(beside(path, ".#%")).unwrap();
        fs::remove_file(beside(path, "%~")).unwrap();
    }),
    ("vscode, atomically", |path, text| {
        fs::write(beside(path, "%.vsctmp"), text).unwrap();
        fs::rename(beside(path, "%.vsctmp"), path).unwrap();
    }),
    ("jetbrains, safe write", |path, text| {
        fs::write(beside(path, "%___jb_tmp___"), text).unwrap();
        fs::rename(path, beside(path, "%___jb_old___")).unwrap();
        fs::rename(beside(path, "%___jb_tmp___"), path).unwrap();
        fs::remove_file(beside(path, "%___jb_old___")).unwrap();
    }),
    ("gedit", |path, text| {
        let temporary = beside(path, ".goutputstream-ABC123");
        let mut file = File::create(&temporary).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::rename(temporary, path).unwrap();
    }),
    ("linked into place", |path, text| {
        fs::write(beside(path, "%.new"), text).unwrap();
        fs::remove_file(path).unwrap();
        fs::hard_link(beside(path, "%.new"), path).unwrap();
        fs::remove_file(beside(path, "%.new")).unwrap();
    }),
    ("removed and written", |path, text| {
        fs::remove_file(path).unwrap();
        fs::write(path, text).unwrap();
    }),
    ("exchanged", |path, text| {
        let other = beside(path, "%.other");
        fs::write(&other, text).unwrap();
        renameat_with(CWD, path, CWD, &other, RenameFlags::EXCHANGE).unwrap();
        fs::remove_file(other).unwrap();
    }),
    ("sed -i", |path, text| {
        let script = format!("1i\\\n{}", text.trim_end());
        let done = Command::new("sed")
            .args(["-i", &script])
            .arg(path)
            .status_alone();
        assert!(done.unwrap().success());
    }),
    ("vim itself", |path, text| {
        let insert = format!("call append(0, '{}')", text.trim_end());
        // Without vim, a tool with the same steps.
        let done = Command::new("vim")
            .args(["-es", "-u", "NONE", "-i", "NONE", "-c", &insert, "-c", "wq"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status_alone();
        if !done.is_ok_and(|status| status.success()) {
            println!("skipped: vim is not installed");
            fs::write(path, text).unwrap();
        }
    }),
];

#[test]
fn a_save_by_any_editor_is_one_change_of_one_file() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let file = repo.root().join("src/shop/cart.py");
    let before = paths(&home.node(&repo.at(""), 99)).len();
    for round in 0..2 {
        for (number, (name, save)) in SAVES.iter().enumerate() {
            save(&file, &format!("ROUND_{round}_{number} = {number}\n"));
            if round == 0 {
                home.wait(&repo);
            } else {
                // Also without a wait.
                let bytes = fs::metadata(&file).unwrap().len();
                let digest = home.node(&repo.at("src/shop/cart.py"), 0)["digest"].clone();
                until(name, || {
                    let node = home.node(&repo.at("src/shop/cart.py"), 0);
                    node["bytes"] == bytes
                        && node["freshness"] == "fresh"
                        && (node["digest"] != digest || repo.read("src/shop/cart.py").len() > 99)
                });
                home.wait(&repo);
            }
            let tree = home.node(&repo.at(""), 99);
            assert_eq!(paths(&tree).len(), before, "{name}: {:?}", paths(&tree));
            assert_eq!(first_not_fresh(&tree), None, "{name}");
            let bytes = fs::metadata(&file).unwrap().len();
            assert_eq!(find(&tree, "src/shop/cart.py")["bytes"], bytes, "{name}");
        }
    }
    assert_current(&home, &repo.at(""));
}

/// Other bytes of the same length, with the modification time restored.
fn disguise(path: &Path) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    let byte = bytes.iter_mut().find(|byte| byte.is_ascii_lowercase());
    let byte = byte.unwrap();
    *byte = if *byte == b'z' { b'a' } else { *byte + 1 };
    fs::write(path, bytes).unwrap();
    let times = FileTimes::new().set_modified(modified);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_times(times)
        .unwrap();
}

#[test]
fn a_change_that_hides_its_time_is_seen() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    let file = repo.root().join("src/shop/cart.py");
    assert_current(&home, &repo.at(""));
    disguise(&file);
    assert_current(&home, &repo.at(""));
    // Twice within the clock's resolution.
    disguise(&file);
    disguise(&file);
    assert_current(&home, &repo.at(""));
    daemon.terminate();
    disguise(&file);
    let _daemon = home.daemon(&[&repo.at("")]);
    assert_current(&home, &repo.at(""));
}

#[test]
fn any_name_at_any_depth_is_a_node_but_no_link_pipe_or_socket() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    let check = || assert_current(&home, &repo.at(""));
    check();
    let longest = "n".repeat(255);
    let names: [&[u8]; 6] = [
        b"two\nlines.py",
        b"\xff\xfe.py",
        b" sp ace\t.md",
        b"-n",
        b"'\"`$(x)`.rs",
        longest.as_bytes(),
    ];
    let folder = repo.root().join("names");
    for name in names {
        let inside = folder.join(OsStr::from_bytes(name));
        fs::create_dir_all(&inside).unwrap();
        fs::write(inside.join(OsStr::from_bytes(name)), "x = 1\n").unwrap();
    }
    let mut deep = folder.clone();
    (0..40).for_each(|level| deep.push(format!("d{level}")));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("end.py"), "def end():\n    pass\n").unwrap();
    check();
    let count = || every(&home.node(&repo.at("names"), 99)).len();
    assert_eq!(count(), 1 + 2 * names.len() + 41);
    for name in names {
        let name = OsStr::from_bytes(name);
        fs::write(folder.join(name).join(name), "x = 22\n").unwrap();
    }
    fs::write(deep.join("end.py"), "def end():\n    return 2\n").unwrap();
    check();
    // Special files are never followed, opened or shown, whatever they replace.
    let known = count();
    let pipe = |path: &Path| mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0);
    pipe(&folder.join("pipe.py")).unwrap();
    drop(UnixListener::bind(folder.join("socket.py")).unwrap());
    for (text, name) in [
        (".", "loop"),
        ("../..", "up.py"),
        ("nowhere", "broken.py"),
        ("/", "all"),
    ] {
        symlink(text, folder.join(name)).unwrap();
    }
    check();
    assert_eq!(count(), known);
    let file = repo.root().join("src/shop/cart.py");
    for replace in [
        |path: &Path| {
            mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        },
        |path: &Path| symlink("../../README.md", path).unwrap(),
        |path: &Path| symlink(path.parent().unwrap(), path).unwrap(),
    ] {
        fs::remove_file(&file).unwrap();
        replace(&file);
        check();
        fs::remove_file(&file).unwrap();
        fs::write(&file, "back = 1\n").unwrap();
        check();
    }
    // A folder that is moved and replaced by a link to it.
    repo.rename("names", "really");
    symlink("really", repo.root().join("names")).unwrap();
    fs::write(repo.root().join("names/through.py"), "y = 1\n").unwrap();
    check();
}

#[test]
fn a_folder_is_scanned_when_it_becomes_readable() {
    let home = Home::with(QUICK);
    let repo = Repo::package();
    let mode = |path: &str, mode| {
        fs::set_permissions(repo.root().join(path), Permissions::from_mode(mode)).unwrap();
    };
    mode("src/shop", 0);
    mode("docs/guide.md", 0);
    // In a namespace without a mapped user, root obeys permissions too.
    let spawned = unshared(&home, "-U", "exec \"$1\" daemon \"$2\"", &[&repo.at("")]).spawn_alone();
    let mut daemon = Ends(spawned.unwrap());
    let mut ended = false;
    until("it responds or cannot start", || {
        ended = daemon.0.try_wait().unwrap().is_some();
        ended || home.try_http("GET", "/v1/status", "").is_ok()
    });
    if ended {
        println!("skipped: no user namespaces");
        mode("src/shop", 0o755);
        return;
    }
    let known = |path: &str| paths(&home.node(&repo.at(""), 99)).contains(&path);
    home.wait(&repo);
    assert!(known("README.md") && !known("src/shop/cart.py"));
    mode("src/shop", 0o755);
    mode("docs/guide.md", 0o644);
    assert_current(&home, &repo.at(""));
    assert!(known("src/shop/cart.py"));
    // Its content is watched now.
    repo.append("src/shop/money/amount.py", "X = 1\n");
    assert_current(&home, &repo.at(""));
    // Unreadable again: its nodes are kept and are not fresh.
    mode("src/shop", 0);
    until("it is stale", || {
        home.node(&repo.at("src/shop"), 0)["freshness"] != "fresh"
    });
    assert!(known("src/shop/cart.py"));
    mode("src/shop", 0o755);
    assert_current(&home, &repo.at(""));
}

#[test]
fn changes_of_the_user_s_excludes_apply_at_once() {
    let (home, repo) = (Home::with(QUICK), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let known = |path: &str| paths(&home.node(&repo.at(""), 99)).contains(&path);
    assert!(known("docs/guide.md"));
    let folder = home.config().parent().unwrap().with_file_name("git");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("ignore"), "*.md\n").unwrap();
    until("it is ignored", || !known("docs/guide.md"));
    fs::write(folder.join("ignore"), "*.toml\n").unwrap();
    home.wait(&repo);
    assert!(known("docs/guide.md") && !known("pyproject.toml"));
    fs::remove_file(folder.join("ignore")).unwrap();
    home.wait(&repo);
    assert_current(&home, &repo.at(""));
}

#[test]
fn a_rebase_is_one_batch() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, "quiet_ms = 30\n"), Repo::package());
    repo.init();
    repo.commit("one");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.append("src/shop/cart.py", "SIDE = 1\n");
    repo.commit("side");
    repo.git(&["checkout", "-q", "main"]);
    repo.append("src/shop/cart.py", "MAIN = 1\n");
    repo.commit("main");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let sent = model.count();
    // It stops at the conflict, with its markers in the file.
    let _ = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b.c"])
        .args(["rebase", "-q", "side"])
        .current_dir(repo.root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status_alone()
        .unwrap();
    assert!(repo.read("src/shop/cart.py").contains("<<<<<<<"));
    until("the change is noticed", || {
        home.node(&repo.at("src/shop/cart.py"), 0)["freshness"] == "stale"
    });
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(model.count(), sent, "a conflict is not requested");
    repo.git(&["rebase", "--abort"]);
    until("everything is as before", || {
        first_not_fresh(&home.node(&repo.at(""), 99)).is_none()
    });
    assert_eq!(model.count(), sent);
}

#[test]
fn a_wait_without_a_model_returns_quickly() {
    for config in ["", "[summaries]\nenabled = false\n"] {
        let (home, repo) = (Home::with(config), Repo::package());
        let _daemon = home.daemon(&[&repo.at("")]);
        home.wait(&repo);
        // The best of several, because the machine is shared. The settle time alone is 200 ms.
        let took = (0..12).map(|number| {
            repo.append("src/shop/cart.py", &format!("X{number} = 1\n"));
            let began = Instant::now();
            let body = format!("{{\"path\": \"{}\", \"timeout_ms\": 30000}}", repo.at(""));
            home.http("POST", "/v1/wait", &body).expect(200);
            began.elapsed()
        });
        let best = took.min().unwrap();
        println!("a wait took {best:?}");
        assert!(best < Duration::from_millis(150), "{best:?}");
    }
}
