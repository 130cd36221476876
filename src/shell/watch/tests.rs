//! Every test waits for cookies: what arrives after a cookie was not hinted.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::sync::Condvar;
use std::time::{Duration, Instant};

use super::*;

const REPO: RepoId = RepoId(1);
const DEADLINE: Duration = Duration::from_secs(60);

/// A watch, a folder with a repository, and a wake-up signal to wait for.
struct Bench {
    // Drop order: the watch first, the folders last.
    watch: Watch,
    bell: Arc<(Mutex<bool>, Condvar)>,
    next_cookie: std::cell::Cell<u64>,
    root: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::with(MOST_PATHS)
    }

    fn with(most_paths: usize) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let at = temporary.path().canonicalize().unwrap();
        let bell = Arc::new((Mutex::new(false), Condvar::new()));
        let behind = Arc::clone(&bell);
        let wake = move || {
            *behind.0.lock().unwrap() = true;
            behind.1.notify_all();
        };
        let watch = Watch::start_with(&at.join("cookies"), wake, most_paths).unwrap();
        let root = at.join("around/root");
        fs::create_dir_all(&root).unwrap();
        watch.add_repository(REPO, &root, &[], &[]);
        watch.add_directory(REPO, &root).unwrap();
        Self {
            watch,
            bell,
            next_cookie: std::cell::Cell::new(1),
            root,
            _temporary: temporary,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str) {
        touch(&self.path(path));
    }

    fn wait(&self) {
        let (rung, bell) = &*self.bell;
        let (mut rung, timeout) = bell
            .wait_timeout_while(rung.lock().unwrap(), DEADLINE, |rung| !*rung)
            .unwrap();
        assert!(!timeout.timed_out(), "the watch did not wake the reader");
        *rung = false;
    }

    /// All hints up to a cookie that is sent now.
    fn hints(&self) -> Hints {
        let cookie = self.next_cookie.replace(self.next_cookie.get() + 1);
        self.watch.cookie(cookie).unwrap();
        let mut all = Hints::default();
        let began = Instant::now();
        loop {
            let hints = self.watch.drain();
            all.lost |= hints.lost;
            all.touched.extend(hints.touched);
            all.rules_changed.extend(hints.rules_changed);
            all.outside_changed.extend(hints.outside_changed);
            all.root_changed.extend(hints.root_changed);
            all.cookies.extend(hints.cookies);
            if all.cookies.contains(&cookie) {
                return all;
            }
            assert!(began.elapsed() < DEADLINE, "the cookie did not come back");
            self.wait();
        }
    }

    fn touched(&self) -> BTreeSet<String> {
        let hints = self.hints();
        assert!(!hints.lost);
        texts(&hints, REPO)
    }
}

/// Creates or changes a file without opening it: a descriptor that another test's child process inherits is closed a
/// second time there, which is one more event later.
fn touch(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let kind = rustix::fs::FileType::RegularFile;
    if rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).is_err() {
        let turned = fs::metadata(path).unwrap().permissions().mode() ^ 0o044;
        fs::set_permissions(path, fs::Permissions::from_mode(turned)).unwrap();
    }
}

fn texts(hints: &Hints, repo: RepoId) -> BTreeSet<String> {
    let of_repo = hints.touched.iter().filter(|(of, _)| *of == repo);
    of_repo
        .flat_map(|(_, paths)| paths.iter().map(RelPath::to_text))
        .collect()
}

fn set<const N: usize>(paths: [&str; N]) -> BTreeSet<String> {
    paths.map(str::to_owned).into()
}

#[test]
fn changes_in_a_watched_directory_are_hinted() {
    let bench = Bench::new();
    bench.write("a");
    assert_eq!(bench.touched(), set(["a"]));
    bench.write("a");
    assert_eq!(bench.touched(), set(["a"]));
    fs::rename(bench.path("a"), bench.path("b")).unwrap();
    assert_eq!(bench.touched(), set(["a", "b"]));
    // As editors save: a new file replaces the old one.
    bench.write(".b.swp");
    fs::rename(bench.path(".b.swp"), bench.path("b")).unwrap();
    assert_eq!(bench.touched(), set([".b.swp", "b"]));
    fs::remove_file(bench.path("b")).unwrap();
    assert_eq!(bench.touched(), set(["b"]));
    fs::create_dir(bench.path("d")).unwrap();
    assert_eq!(bench.touched(), set(["d"]));
    // Unwatched at first, then watched.
    bench.write("d/x");
    assert_eq!(bench.touched(), set([]));
    bench.watch.add_directory(REPO, &bench.path("d")).unwrap();
    bench.write("d/y");
    assert_eq!(bench.touched(), set(["d/y"]));
    bench.watch.remove_directory(REPO, &bench.path("d"));
    bench.write("d/z");
    assert_eq!(bench.touched(), set([]));
}

/// A write through a memory map is reported only when the file is closed.
#[test]
fn a_file_open_for_writing_is_hinted_when_closed() {
    let bench = Bench::new();
    bench.write("m");
    let open = fs::OpenOptions::new().write(true).open(bench.path("m"));
    assert_eq!(bench.touched(), set(["m"]));
    drop(open.unwrap());
    // A child process of another test may be the last to close it.
    let began = Instant::now();
    while bench.touched() != set(["m"]) {
        assert!(began.elapsed() < DEADLINE);
    }
    fs::write(bench.path("m"), "longer").unwrap();
    assert_eq!(bench.touched(), set(["m"]));
}

#[test]
fn reading_causes_no_event() {
    let bench = Bench::new();
    bench.write("a");
    bench.hints();
    *bench.bell.0.lock().unwrap() = false;
    for _ in 0..50 {
        fs::read(bench.path("a")).unwrap();
        fs::read_dir(&bench.root).unwrap().count();
    }
    let hints = bench.hints();
    assert_eq!((hints.touched, hints.lost), (Vec::new(), false));
}

#[test]
fn a_cookie_follows_everything_before_it() {
    let bench = Bench::new();
    for round in 0..200 {
        let name = format!("f{round}");
        bench.write(&name);
        assert_eq!(bench.touched(), set([&name]));
    }
    // Also after its folder was removed.
    fs::remove_dir_all(&bench.watch.cookie_directory).unwrap();
    bench.write("last");
    assert_eq!(bench.touched(), set(["last"]));
}

#[test]
fn too_many_paths_report_a_loss() {
    let bench = Bench::with(100);
    for number in 0..300 {
        bench.write(&format!("f{number}"));
    }
    let hints = bench.hints();
    assert!(hints.lost);
    assert!(hints.touched.iter().all(|(_, paths)| paths.len() <= 100));
    bench.write("after");
    assert_eq!(bench.touched(), set(["after"]));
}

#[test]
fn an_overflow_reports_a_loss_and_renews_every_watch() {
    use notify::event::{Event, EventKind, Flag};
    let bench = Bench::new();
    lock(&bench.watch.gathered).expect_cookie(77);
    let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    assert!(lock(&bench.watch.gathered).take_event(0, Ok(overflow)));
    // notify lost its watch without our knowledge.
    lock(&bench.watch.watched).drop_secretly(&bench.root);
    let hints = bench.watch.drain();
    assert!(hints.lost);
    assert_eq!(hints.cookies, [77]);
    bench.watch.add_directory(REPO, &bench.root).unwrap();
    bench.write("a");
    assert_eq!(bench.touched(), set(["a"]));
    let failed = Err(notify::Error::generic("planted"));
    lock(&bench.watch.gathered).take_event(0, failed);
    assert!(bench.watch.drain().lost);
}

#[test]
fn a_new_root_a_lost_root_and_a_changed_rule_are_hinted() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path(".git/info")).unwrap();
    assert_eq!(bench.hints().rules_changed, [REPO]);
    let exclude = bench.path(".git/info/exclude");
    let outside = bench.root.parent().unwrap().join(".gitignore");
    bench
        .watch
        .add_repository(REPO, &bench.root, &[exclude.clone(), outside.clone()], &[]);
    for file in [
        &exclude,
        &outside,
        &bench.path(".gitignore"),
        &bench.path(".epitomeignore"),
    ] {
        touch(file);
        let hints = bench.hints();
        let inside = file.starts_with(&bench.root) && *file != exclude;
        let reported = match inside {
            true => hints.rules_changed,
            false => hints.outside_changed,
        };
        assert!(reported.contains(&REPO), "{}", file.display());
        assert_eq!(!hints.touched.is_empty(), inside, "{}", file.display());
    }
    touch(&exclude.with_file_name("other"));
    touch(&outside.with_file_name("other"));
    let hints = bench.hints();
    assert_eq!(
        (hints.touched, hints.rules_changed, hints.outside_changed),
        (Vec::new(), Vec::new(), Vec::new())
    );

    let elsewhere = bench.root.with_file_name("elsewhere");
    fs::rename(&bench.root, &elsewhere).unwrap();
    assert!(bench.hints().root_changed.contains(&REPO));
    touch(&elsewhere.join("a"));
    assert_eq!(bench.touched(), set([]));
    fs::rename(&elsewhere, &bench.root).unwrap();
    assert!(bench.hints().root_changed.contains(&REPO));
    bench.watch.add_directory(REPO, &bench.root).unwrap();
    bench.write("b");
    assert_eq!(bench.touched(), set(["b"]));
}

/// An unwatched parent is swapped: no event says that the path names another directory now.
#[test]
fn a_directory_swapped_without_an_event_is_detected_by_its_inode() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("x/a/b")).unwrap();
    bench
        .watch
        .add_directory(REPO, &bench.path("x/a/b"))
        .unwrap();
    fs::rename(bench.path("x/a"), bench.path("x/moved")).unwrap();
    fs::create_dir_all(bench.path("x/a/b")).unwrap();
    bench.hints();
    bench.write("x/a/b/f");
    assert_eq!(bench.touched(), set([]));
    bench
        .watch
        .add_directory(REPO, &bench.path("x/a/b"))
        .unwrap();
    bench.write("x/a/b/f");
    bench.write("x/moved/b/g");
    assert_eq!(bench.touched(), set(["x/a/b/f"]));

    // The other way round: the moved directory is met first under its new name.
    fs::rename(bench.path("x/a"), bench.path("x/again")).unwrap();
    fs::create_dir_all(bench.path("x/a/b")).unwrap();
    bench
        .watch
        .add_directory(REPO, &bench.path("x/again/b"))
        .unwrap();
    assert_eq!(bench.touched(), set(["x/a/b"]));
    bench
        .watch
        .add_directory(REPO, &bench.path("x/a/b"))
        .unwrap();
    bench.write("x/a/b/f");
    bench.write("x/again/b/f");
    assert_eq!(bench.touched(), set(["x/a/b/f", "x/again/b/f"]));
    assert_eq!(bench.watch.watches(REPO), 4);
}

/// How many of these directories this process watches with inotify.
fn watched_by_the_system(directories: &[PathBuf]) -> usize {
    let inodes: Vec<String> = directories
        .iter()
        .map(|directory| format!(" ino:{:x} ", fs::metadata(directory).unwrap().ino()))
        .collect();
    let mut found = 0;
    for descriptor in fs::read_dir("/proc/self/fdinfo")
        .unwrap()
        .map(Result::unwrap)
    {
        let text = fs::read_to_string(descriptor.path()).unwrap_or_default();
        let watches = text.lines().filter(|line| line.starts_with("inotify "));
        found += watches
            .filter(|line| inodes.iter().any(|inode| line.contains(inode)))
            .count();
    }
    found
}

#[cfg(target_os = "linux")]
#[test]
fn a_removed_repository_leaves_no_watch_and_affects_no_other() {
    let bench = Bench::new();
    let inner = RepoId(2);
    let mut directories = vec![
        bench.root.parent().unwrap().to_path_buf(),
        bench.root.clone(),
    ];
    for name in ["a", "a/b", "a/b/c"] {
        fs::create_dir(bench.path(name)).unwrap();
        bench.watch.add_directory(REPO, &bench.path(name)).unwrap();
        bench.watch.add_directory(REPO, &bench.path(name)).unwrap();
        directories.push(bench.path(name));
    }
    assert_eq!(bench.watch.watches(REPO), 5);
    assert_eq!(watched_by_the_system(&directories), 5);
    // A nested repository: one watch serves both.
    bench
        .watch
        .add_repository(inner, &bench.path("a/b"), &[], &[]);
    bench
        .watch
        .add_directory(inner, &bench.path("a/b"))
        .unwrap();
    assert_eq!(bench.watch.watches(inner), 2);
    assert_eq!(watched_by_the_system(&directories), 5);
    bench.hints();
    bench.write("a/b/x");
    let hints = bench.hints();
    assert_eq!(texts(&hints, REPO), set(["a/b/x"]));
    assert_eq!(texts(&hints, inner), set(["x"]));

    bench.watch.remove_repository(REPO);
    assert_eq!(bench.watch.watches(REPO), 0);
    assert_eq!(watched_by_the_system(&directories), 2);
    bench.write("a/b/y");
    let hints = bench.hints();
    assert_eq!((texts(&hints, inner), hints.lost), (set(["y"]), false));
    bench.watch.remove_repository(inner);
    assert_eq!(watched_by_the_system(&directories), 0);
}

/// When many watches end at once, the others move to a new queue, and events of the old one are reported as lost.
#[test]
fn many_watches_end_at_once() {
    let bench = Bench::new();
    lock(&bench.watch.watched).end_singly(2);
    let other = RepoId(2);
    for name in ["a", "a/b", "a/c", "other", "other/d"] {
        fs::create_dir(bench.path(name)).unwrap();
        bench.watch.add_directory(REPO, &bench.path(name)).unwrap();
    }
    bench
        .watch
        .add_repository(other, &bench.path("other"), &[], &[]);
    bench
        .watch
        .add_directory(other, &bench.path("other/d"))
        .unwrap();
    bench.hints();
    let inside = bench.path("other/d/x");
    touch(&inside);
    lock(&bench.watch.gathered).expect_cookie(77);
    bench.watch.remove_directory(REPO, &bench.path("a"));
    let hints = bench.hints();
    assert!(hints.lost && hints.cookies.contains(&77));
    assert_eq!(bench.watch.watches(REPO), 4);
    for name in ["a/b/x", "a/x", "other/d/x", "x"] {
        bench.write(name);
    }
    // "a" itself is touched as a name in the root, if at all.
    assert_eq!(bench.touched(), set(["other/d/x", "x"]));
    lock(&bench.watch.watched).end_singly(0);
    bench.watch.remove_repository(REPO);
    let hints = bench.hints();
    assert!(hints.lost);
    touch(&inside);
    let hints = bench.hints();
    assert_eq!((texts(&hints, other), hints.lost), (set(["d/x"]), false));
}

#[test]
fn a_failed_watch_gives_a_reason() {
    let bench = Bench::new();
    bench.write("file");
    std::os::unix::fs::symlink(".", bench.path("link")).unwrap();
    for name in ["missing", "file", "link"] {
        let path = bench.path(name);
        let result = bench.watch.add_directory(REPO, &path);
        assert_eq!(result, Err(WatchError::Gone(path)));
    }
    let limit = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
    let message = WatchError::of(&bench.root, &limit).to_string();
    assert!(message.contains("max_user_watches"), "{message}");
    let denied = io::Error::from(io::ErrorKind::PermissionDenied);
    let error = WatchError::of(&bench.root, &notify::Error::io(denied));
    assert_eq!(error, WatchError::Denied(bench.root.clone()));
    let full = notify::Error::io(io::Error::from_raw_os_error(24));
    let message = WatchError::of_start(&bench.root, &full).to_string();
    assert!(message.contains("max_user_instances"), "{message}");
}

/// A minimal daemon: it lists what hints name, and watches each directory first.
struct Daemon<'a> {
    bench: &'a Bench,
    known: BTreeMap<RelPath, u64>,
}

impl Daemon<'_> {
    /// Lists a directory and the new directories in it.
    fn list(&mut self, random: &mut fastrand::Rng, path: &RelPath) {
        let absolute = path.under(&self.bench.root);
        let added = self.bench.watch.add_directory(REPO, &absolute);
        let there = fs::symlink_metadata(&absolute)
            .ok()
            .filter(|found| found.is_dir());
        let (Ok(()), Some(there)) = (added, there) else {
            self.forget(path);
            return;
        };
        let another = self.known.insert(path.clone(), there.ino()) != Some(there.ino());
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&absolute).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                names.insert(RelPath::below(&self.bench.root, &entry.path()).unwrap());
            }
        }
        let known: Vec<RelPath> = self.known.keys().cloned().collect();
        for old in known {
            if old.parent().as_ref() == Some(path) && !names.contains(&old) {
                self.forget(&old);
            }
        }
        let mut names: Vec<RelPath> = names.into_iter().collect();
        random.shuffle(&mut names);
        for name in names {
            if another || !self.known.contains_key(&name) {
                self.list(random, &name);
            }
        }
    }

    fn forget(&mut self, path: &RelPath) {
        self.known.retain(|known, _| !known.is_within(path));
        self.bench
            .watch
            .remove_directory(REPO, &path.under(&self.bench.root));
    }

    fn follow(&mut self, random: &mut fastrand::Rng, hints: Hints) -> bool {
        let mut paths: Vec<RelPath> = hints
            .touched
            .into_iter()
            .flat_map(|(_, paths)| paths)
            .collect();
        if hints.lost || !hints.root_changed.is_empty() {
            self.known.clear();
            paths.push(RelPath::root());
        }
        random.shuffle(&mut paths);
        for path in &paths {
            if let Some(parent) = path.parent() {
                self.list(random, &parent);
            }
            if self.known.contains_key(path) || path.under(&self.bench.root).is_dir() {
                self.list(random, path);
            }
        }
        !paths.is_empty()
    }
}

fn directories(at: &Path, found: &mut Vec<PathBuf>) {
    found.push(at.to_path_buf());
    for entry in fs::read_dir(at).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            directories(&entry.path(), found);
        }
    }
}

/// After any history of moved, swapped and recreated directories, each one is watched under its current name.
#[test]
fn no_directory_is_lost_or_confused_with_another() {
    for seed in 0..60 {
        let random = &mut fastrand::Rng::with_seed(seed);
        let most_paths = if seed % 5 == 0 { 8 } else { MOST_PATHS };
        let bench = Bench::with(most_paths);
        if seed % 3 == 0 {
            lock(&bench.watch.watched).end_singly(2);
        }
        let mut daemon = Daemon {
            bench: &bench,
            known: BTreeMap::new(),
        };
        daemon.list(random, &RelPath::root());
        for _ in 0..random.usize(5..40) {
            let mut all = Vec::new();
            directories(&bench.root, &mut all);
            let one = random.choice(&all).unwrap().clone();
            let name = *random.choice(&["a", "b", "c", "d"]).unwrap();
            let target = random.choice(&all).unwrap().join(name);
            // Impossible steps are skipped; the history is random anyway.
            let _ = match random.u8(0..10) {
                0..4 => fs::create_dir(one.join(name)),
                4..7 => fs::rename(&one, &target),
                7 if one != bench.root => fs::remove_dir_all(&one),
                8 => fs::rename(&one, &target).and_then(|()| fs::create_dir_all(one.join("a"))),
                _ => {
                    touch(&one.join("file"));
                    Ok(())
                }
            };
            if random.u8(0..4) == 0 {
                let hints = bench.watch.drain();
                daemon.follow(random, hints);
            }
        }
        while daemon.follow(random, bench.hints()) {}
        let mut all = Vec::new();
        directories(&bench.root, &mut all);
        assert_eq!(bench.watch.watches(REPO), all.len() + 1, "seed {seed}");
        for directory in &all {
            let file = directory.join("proof");
            touch(&file);
            let path = RelPath::below(&bench.root, &file).unwrap();
            let hints = bench.hints();
            assert_eq!(texts(&hints, REPO), set([&path.to_text()]), "seed {seed}");
        }
    }
}

#[test]
fn a_moved_directory_and_its_replacement_are_both_watched() {
    for parent_first in [true, false] {
        let bench = Bench::new();
        let (a, b) = (bench.path("a"), bench.path("b"));
        fs::create_dir(&a).unwrap();
        bench.watch.add_directory(REPO, &a).unwrap();
        fs::rename(&a, &b).unwrap();
        fs::create_dir(&a).unwrap();
        let order = if parent_first { [&a, &b] } else { [&b, &a] };
        for directory in order {
            bench.watch.add_directory(REPO, directory).unwrap();
        }
        // Processing events may cost a watch; then the directory is hinted and added again.
        while let Some((_, paths)) = bench.hints().touched.pop() {
            for path in paths {
                bench
                    .watch
                    .add_directory(REPO, &path.under(&bench.root))
                    .unwrap();
            }
        }
        bench.write("a/x");
        bench.write("b/y");
        assert_eq!(bench.touched(), set(["a/x", "b/y"]));
    }
}

#[test]
fn a_removed_file_may_have_been_replaced_by_a_folder() {
    use notify::event::{Event, EventKind, RemoveKind};
    let root = Path::new("/root");
    let mut gathered = PendingChanges::new(PathBuf::from("/cookies"), 10);
    gathered.add_repository(REPO, root, &[], &[]);
    // notify drops the watch of that name, whichever directory has it by now.
    let gone = Event::new(EventKind::Remove(RemoveKind::File)).add_path(root.join("name"));
    assert!(gathered.take_event(0, Ok(gone)));
    assert!(gathered.take_left().paths.contains(&root.join("name")));
}

#[test]
fn a_recreated_folder_around_the_root_is_detected() {
    let bench = Bench::new();
    let rules = bench.path("git/info/exclude");
    bench
        .watch
        .add_repository(REPO, &bench.root, std::slice::from_ref(&rules), &[]);
    assert!(!bench.watch.lacks_around(REPO), "the folder does not exist");
    fs::create_dir_all(bench.path("git/info")).unwrap();
    assert!(bench.watch.lacks_around(REPO));
    bench.watch.add_repository(REPO, &bench.root, &[rules], &[]);
    assert!(!bench.watch.lacks_around(REPO));
    fs::rename(bench.path("git"), bench.path("old")).unwrap();
    bench.hints();
    fs::create_dir_all(bench.path("git/info")).unwrap();
    assert!(bench.watch.lacks_around(REPO));
}
