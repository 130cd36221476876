//! Compares the scan with git on random trees with random rules.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::*;
use crate::shell::rules::FileRules;

const SILENT: BeforeListing<'static> = &|_, _| {};

fn rules(root: &Path) -> Rules {
    Rules::open_with(root, &FileRules::default(), None).unwrap()
}

fn scan_all(root: &Path, rules: &Rules) -> Listing {
    scan(root, rules, &RelPath::root(), true, 2, SILENT)
}

fn files(listing: &Listing) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for directory in &listing.directories {
        for entry in directory
            .entries
            .iter()
            .filter(|entry| entry.file.is_some())
        {
            found.insert(directory.path.join(&entry.name).to_text());
        }
    }
    found
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The least that git accepts as a repository.
fn make_repository(root: &Path) {
    for folder in ["objects", "refs", "info"] {
        fs::create_dir_all(root.join(".git").join(folder)).unwrap();
    }
    write(root, ".git/HEAD", "ref: refs/heads/main\n");
    write(
        root,
        ".git/config",
        "[core]\n\trepositoryformatversion = 0\n",
    );
}

/// What git lists in `root` and in the repositories below.
fn git_files(root: &Path, home: &Path) -> BTreeSet<String> {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_CONFIG_GLOBAL", home.join("gitconfig"));
    command.current_dir(root);
    command.args([
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "-co",
        "--exclude-standard",
    ]);
    let output = command.output().expect("git is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut found = BTreeSet::new();
    for path in output.stdout.split(|&byte| byte == 0) {
        if let Some(inner) = path.strip_suffix(b"/") {
            let inner = Path::new(OsStr::from_bytes(inner));
            let below = git_files(&root.join(inner), home);
            found.extend(
                below
                    .iter()
                    .map(|path| format!("{}/{path}", inner.display())),
            );
        } else if !path.is_empty()
            && root
                .join(OsStr::from_bytes(path))
                .symlink_metadata()
                .unwrap()
                .is_file()
        {
            found.insert(String::from_utf8(path.to_vec()).unwrap());
        }
    }
    found
}

const NAMES: [&str; 16] = [
    "a", "b", "ab", "ba", "x.py", "y.txt", "build", "a b", "[x]", "A", ".hid", "a{b,c}", "b ",
    "#c", "!d", "é",
];

fn pattern(random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for part in 0..random.usize(1..4) {
        if part > 0 {
            text.push('/');
        }
        for _ in 0..random.usize(1..3) {
            text.push_str(match random.usize(0..16) {
                0..5 => random.choice(NAMES).unwrap(),
                5 | 6 => "*",
                7 => "**",
                8 => "?",
                9 => "[ab]",
                10 => "[!a]",
                11 => "*.py",
                12 => "\\",
                13 => "[a-x",
                14 => "[[:alpha:]]",
                _ => "a*",
            });
        }
        if random.u8(0..3) > 0 {
            break;
        }
    }
    let mark = ["", "", "", "!", "/", "!/", "#", "\\!"];
    let end = ["", "", "", "/", "  ", "\\ ", "\t", "\r", "/**", "//"];
    format!(
        "{}{text}{}",
        random.choice(mark).unwrap(),
        random.choice(end).unwrap()
    )
}

fn rule_file(random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for _ in 0..random.usize(1..5) {
        text.push_str(&pattern(random));
        text.push('\n');
    }
    if random.bool() {
        text.pop();
    }
    text
}

/// Fills a folder; returns the folders made.
fn grow(random: &mut fastrand::Rng, at: &Path, depth: usize, folders: &mut Vec<PathBuf>) {
    folders.push(at.to_path_buf());
    for _ in 0..random.usize(1..6) {
        let path = at.join(random.choice(NAMES).unwrap());
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match random.u8(0..10) {
            0..5 if depth < 4 => {
                fs::create_dir(&path).unwrap();
                grow(random, &path, depth + 1, folders);
            }
            5 => std::os::unix::fs::symlink(".", &path).unwrap(),
            _ => fs::write(&path, "x").unwrap(),
        }
    }
    if random.u8(0..4) == 0 {
        fs::write(at.join(".gitignore"), rule_file(random)).unwrap();
    }
    if depth > 0 && random.u8(0..12) == 0 {
        make_repository(at);
        fs::write(at.join(".git/info/exclude"), rule_file(random)).unwrap();
    }
}

fn sorted(mut directory: ListedDirectory) -> ListedDirectory {
    directory
        .entries
        .sort_by(|one, other| one.name.cmp(&other.name));
    directory
}

#[test]
fn random_trees_are_listed_as_git_lists_them() {
    let mut inner = 0;
    for seed in (0..100).chain([315]) {
        let random = &mut fastrand::Rng::with_seed(seed);
        let temporary = tempfile::tempdir().unwrap();
        let home = temporary.path();
        let root = &home.join("tree");
        fs::create_dir(root).unwrap();
        let excludes = home.join("excludes");
        fs::write(&excludes, rule_file(random)).unwrap();
        let quoted = excludes.display();
        fs::write(
            home.join("gitconfig"),
            format!("[core]\n\texcludesFile = {quoted}\n"),
        )
        .unwrap();
        make_repository(root);
        let mut folders = Vec::new();
        grow(random, root, 0, &mut folders);
        let open = |root: &Path| {
            Rules::open_with(root, &FileRules::default(), Some(excludes.clone())).unwrap()
        };
        let expected = git_files(root, home);
        let rules = open(root);
        let listing = scan_all(root, &rules);
        assert_eq!(files(&listing), expected, "seed {seed}");

        // A single directory with fresh rules lists the same entries.
        let fresh = open(root);
        for whole in &listing.directories {
            let one = scan(root, &fresh, &whole.path, false, 1, SILENT);
            assert_eq!(one.directories.len(), 1, "seed {seed}: {}", whole.path);
            let one = one.directories.into_iter().next().unwrap();
            assert_eq!(sorted(one), sorted(whole.clone()), "seed {seed}");
        }

        // Path by path, the rules give the same verdicts.
        let fresh = open(root);
        for folder in &folders {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = RelPath::below(root, &entry.path()).unwrap();
                if entry.file_type().unwrap().is_file() {
                    let listed = expected.contains(&path.to_text());
                    assert_eq!(
                        !fresh.is_ignored(&path, false),
                        listed,
                        "seed {seed}: {path}"
                    );
                }
            }
        }

        // A folder of the tree as a root: the rules above it apply.
        let folder = &folders[random.usize(0..folders.len())];
        let path = RelPath::below(root, folder).unwrap();
        if !rules.is_ignored(&path, true) && fs::read_dir(folder).unwrap().count() > 0 {
            inner += 1;
            let listing = scan_all(folder, &open(folder));
            assert_eq!(
                files(&listing),
                git_files(folder, home),
                "seed {seed}: {path}"
            );
        }
    }
    assert!(inner > 10);
}

#[test]
fn an_unpacked_archive_obeys_its_own_rules_anywhere() {
    let temporary = tempfile::tempdir().unwrap();
    let at = temporary.path();
    write(at, ".gitignore", "*.py\n");
    for place in ["one", "deep/er/two"] {
        let root = at.join(place);
        write(&root, ".gitignore", "*.log\n/out\n");
        write(&root, "m.py", "");
        write(&root, "m.log", "");
        write(&root, "out/x", "");
        write(&root, "p/.ignore", "n\n");
        write(&root, "p/n", "");
        write(&root, "p/.epitomeignore", "!z.log\nw");
        write(&root, "p/z.log", "");
        write(&root, "p/w", "");
        let found = files(&scan_all(&root, &rules(&root)));
        let expected = [
            ".gitignore",
            "m.py",
            "p/.epitomeignore",
            "p/.ignore",
            "p/z.log",
        ];
        assert_eq!(found, expected.map(str::to_owned).into());
    }
}

#[test]
fn every_directory_is_announced_before_it_is_read() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    for path in ["a/b/c/x", "d/x", "e/f/x", "out/x", "node/x"] {
        write(root, path, "");
    }
    write(root, ".gitignore", "out\n");
    fs::create_dir(root.join("empty")).unwrap();
    let reported = Mutex::new(BTreeMap::new());
    let before = |path: &RelPath, absolute: &Path| {
        // A file created at this moment is listed, rules included.
        fs::write(absolute.join("late"), "").unwrap();
        if path.is_root() {
            fs::write(absolute.join(".gitignore"), "out\nnode\n").unwrap();
        }
        reported
            .lock()
            .unwrap()
            .insert(path.clone(), absolute.to_path_buf());
    };
    let rules = rules(root);
    assert!(!rules.is_ignored(&RelPath::new("node"), true));
    let listing = scan(root, &rules, &RelPath::root(), true, 3, &before);
    let reported = reported.into_inner().unwrap();
    let names: Vec<String> = reported.keys().map(RelPath::to_text).collect();
    assert_eq!(names, ["", "a", "a/b", "a/b/c", "d", "e", "e/f", "empty"]);
    let listed: Vec<&RelPath> = listing
        .directories
        .iter()
        .map(|found| &found.path)
        .collect();
    assert_eq!(listed, reported.keys().collect::<Vec<_>>());
    for directory in &listing.directories {
        assert!(
            directory
                .entries
                .iter()
                .any(|entry| &*entry.name == b"late")
        );
        let there = fs::metadata(directory.path.under(root)).unwrap();
        use std::os::unix::fs::MetadataExt;
        assert_eq!(directory.identity, (there.dev(), there.ino()));
    }
}

#[test]
fn links_pipes_and_sockets_are_not_entries() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    write(root, "real/x", "");
    std::os::unix::fs::symlink("real", root.join("link")).unwrap();
    std::os::unix::fs::symlink("real/x", root.join("file-link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("pipe"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let rules = rules(root);
    assert_eq!(files(&scan_all(root, &rules)), ["real/x".to_owned()].into());
    for path in ["link", "link/sub", "missing", "real/x"] {
        let path = RelPath::new(path);
        let listing = scan(root, &rules, &path, true, 2, SILENT);
        assert_eq!(listing.gone, [path]);
        assert!(listing.directories.is_empty());
    }
}

#[test]
fn configured_excludes_are_neither_listed_nor_watched() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    for path in [
        "src/a.rs",
        "src/a.txt",
        "docs/x/y.md",
        "gen/z.rs",
        "written/index.json",
        "t.rs",
    ] {
        write(root, path, "");
    }
    let options = FileRules {
        include: vec!["*.{rs,json}".into(), "docs/".into()],
        exclude: vec!["/gen/".into()],
        export_dir: Some("./written/".into()),
        ..FileRules::default()
    };
    let rules = Rules::open_with(root, &options, None).unwrap();
    let reported = Mutex::new(BTreeSet::new());
    let before = |path: &RelPath, _: &Path| {
        reported.lock().unwrap().insert(path.to_text());
    };
    let listing = scan(root, &rules, &RelPath::root(), true, 2, &before);
    let expected = ["docs/x/y.md", "src/a.rs", "t.rs"];
    assert_eq!(files(&listing), expected.map(str::to_owned).into());
    let expected = ["", "docs", "docs/x", "src"];
    assert_eq!(
        *reported.lock().unwrap(),
        expected.map(str::to_owned).into()
    );
    let gone = scan(root, &rules, &RelPath::new("gen"), true, 2, SILENT);
    assert_eq!(gone.gone, [RelPath::new("gen")]);
}

#[test]
fn a_panic_in_a_callback_ends_the_scan_without_a_hang() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    write(root, "a/x", "");
    let rules = rules(root);
    let before = |path: &RelPath, _: &Path| assert!(path.is_root(), "planted");
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        scan(root, &rules, &RelPath::root(), true, 4, &before)
    }));
    assert!(result.is_err());
}

#[test]
fn an_unreadable_directory_is_reported_and_the_scan_continues() {
    use std::os::unix::fs::PermissionsExt;
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    write(root, "closed/x", "");
    write(root, "open/x", "");
    let closed = root.join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser can read everything.
    let superuser = fs::read_dir(&closed).is_ok();
    let listing = scan_all(root, &rules(root));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let found = listing
        .directories
        .iter()
        .find(|found| found.path == RelPath::new("closed"));
    assert_eq!(found.unwrap().problem.is_some(), !superuser);
    assert!(files(&listing).contains("open/x"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_pseudo_file_system_is_left_out_with_a_note() {
    let root = Path::new("/proc");
    let listing = scan(root, &rules(root), &RelPath::root(), true, 1, SILENT);
    assert_eq!(listing.directories.len(), 1);
    assert!(listing.directories[0].entries.is_empty());
    assert!(listing.directories[0].problem.is_some());
}
