//! The effect of git's configuration on ignoring, compared with git itself.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;

use super::*;
use crate::model::path::RelPath;
use crate::shell::rules::{FileRules, Rules};

/// A home folder with a configuration, and a repository in it.
struct Bench {
    folder: tempfile::TempDir,
    home: PathBuf,
    repository: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap().join("home");
        let repository = home.join("Work/shop");
        fs::create_dir_all(&repository).unwrap();
        let bench = Self {
            folder,
            home,
            repository,
        };
        bench.git(&["init", "-q", "-b", "topic/one"]);
        for name in ["a.one", "b.two", "c.three", "d.FOUR", "sub/e.one"] {
            bench.write(&format!("Work/shop/{name}"), "");
        }
        for (file, pattern) in [("one", "*.one"), ("two", "*.two"), ("three", "*.three")] {
            bench.write(file, pattern);
        }
        bench
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let done = Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("HOME", &self.home)
            .env("GIT_CONFIG_GLOBAL", self.home.join("config"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.repository, arguments)
    }

    fn rules(&self, root: &Path) -> Rules {
        let environment = Environment {
            home: Some(self.home.clone()),
            files: vec![self.home.join("config")],
            excludes_file: Some(self.home.join(".config/git/ignore")),
        };
        Rules::open_in(root, &FileRules::default(), environment).unwrap()
    }

    /// What git ignores in the repository; asserts that the rules agree.
    #[track_caller]
    fn ignored_in(&self, root: &Path) -> String {
        let rules = self.rules(root);
        let arguments = ["ls-files", "-o", "--exclude-standard"];
        let left = self.git_in(root, &arguments);
        let all = self.git_in(root, &["ls-files", "-o"]);
        let mut ignored = Vec::new();
        for path in all.lines() {
            let by_git = left.lines().all(|one| one != path);
            let by_us = rules.is_ignored(&RelPath::new(path), false);
            assert_eq!(by_us, by_git, "{path}");
            ignored.extend(by_git.then_some(path));
        }
        ignored.join(" ")
    }

    #[track_caller]
    fn ignored(&self) -> String {
        self.ignored_in(&self.repository)
    }
}

#[test]
fn a_repository_may_set_its_own_excludes_file() {
    let bench = Bench::new();
    assert_eq!(bench.ignored(), "");
    bench.write(".config/git/ignore", "*.three");
    assert_eq!(bench.ignored(), "c.three");
    bench.write("config", "[core]\n\texcludesFile = ~/one # mine\n");
    assert_eq!(bench.ignored(), "a.one sub/e.one");
    let before = bench.rules(&bench.repository);
    bench.git(&["config", "core.excludesFile", "~/two"]);
    assert_eq!(bench.ignored(), "b.two");
    assert!(!before.is_current());
    // Also from a folder below, and seen from the top of the work tree.
    bench.git(&["config", "core.excludesFile", "sub/mine"]);
    bench.write("Work/shop/sub/mine", "*.one\n");
    assert_eq!(bench.ignored(), "a.one sub/e.one");
    let rules = bench.rules(&bench.repository.join("sub"));
    assert!(rules.is_ignored(&RelPath::new("e.one"), false));
    let inputs = rules.outside_inputs();
    for input in ["sub/mine", ".git/config"] {
        assert!(inputs.contains(&bench.repository.join(input)), "{input}");
    }
    assert!(rules.is_current());
    bench.write("Work/shop/sub/mine", "*.two\n");
    assert!(!rules.is_current());
    bench.git(&["config", "core.excludesFile", ""]);
    assert_eq!(bench.ignored(), "");
}

#[test]
fn a_work_tree_may_have_its_own_configuration() {
    let bench = Bench::new();
    bench.git(&[
        "-c",
        "user.name=a",
        "-c",
        "user.email=b",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
    ]);
    bench.git(&["worktree", "add", "-q", "../tree", "-b", "other"]);
    let tree = bench.home.join("Work/tree");
    fs::write(tree.join("a.one"), "").unwrap();
    fs::write(tree.join("b.two"), "").unwrap();
    bench.git(&["config", "core.excludesFile", "~/two"]);
    assert_eq!(bench.ignored_in(&tree), "b.two");
    bench.write(
        "Work/shop/.git/worktrees/tree/config.worktree",
        "[core]\nexcludesFile = ~/one\n",
    );
    assert_eq!(bench.ignored_in(&tree), "b.two");
    bench.git(&["config", "extensions.worktreeConfig", "true"]);
    assert_eq!(bench.ignored_in(&tree), "a.one");
    assert_eq!(bench.ignored(), "b.two");
    // A nested repository has its own configuration.
    bench.git_in(&bench.home, &["init", "-q", "Work/shop/inner"]);
    bench.write("Work/shop/inner/a.one", "");
    bench.write(
        "Work/shop/inner/.git/config",
        "[core]\nexcludesFile = ~/one\n",
    );
    let rules = bench.rules(&bench.repository);
    assert!(rules.is_ignored(&RelPath::new("inner/a.one"), false));
    assert!(!rules.is_ignored(&RelPath::new("a.one"), false));
}

#[test]
fn a_conditional_include_applies_if_its_condition_is_true() {
    let bench = Bench::new();
    bench.git(&["remote", "add", "origin", "git@example.org:shop/it.git"]);
    let home = bench.home.display();
    let whole = format!("gitdir:{home}/Work/");
    let link = bench.home.join("link");
    std::os::unix::fs::symlink(bench.home.join("Work"), link).unwrap();
    bench.write("more/some", "[core]\nexcludesFile = ~/one\n");
    for (condition, holds) in [
        ("gitdir:~/Work/", true),
        ("gitdir:~/Work", false),
        ("gitdir:~/work/", false),
        ("gitdir/i:~/work/", true),
        ("gitdir:~/Work/*/.git", true),
        ("gitdir:~/Work/shop", false),
        ("gitdir:Work/", true),
        ("gitdir:shop/.git", true),
        ("gitdir:./Work/", true),
        ("gitdir:~/link/", false),
        (&whole, true),
        ("gitdir:**/shop/**", true),
        ("onbranch:topic/one", true),
        ("onbranch:topic/", true),
        ("onbranch:topic", false),
        ("onbranch:*", false),
        ("onbranch:**", true),
        ("hasconfig:remote.*.url:git@example.org:shop/**", true),
        ("hasconfig:remote.*.url:git@example.org:*", false),
        ("hasconfig:user.name:**", false),
        ("else", false),
    ] {
        bench.write(
            "config",
            &format!("[include]\npath = none\n[includeIf \"{condition}\"]\n\tpath = more/some\n"),
        );
        let expected = if holds { "a.one sub/e.one" } else { "" };
        assert_eq!(bench.ignored(), expected, "{condition}");
    }
    bench.write(
        "config",
        "[includeIf \"onbranch:main\"]\npath = more/some\n",
    );
    let rules = bench.rules(&bench.repository);
    assert!(rules.is_current());
    bench.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    assert!(!rules.is_current());
    assert_eq!(bench.ignored(), "a.one sub/e.one");
    // The file includes itself.
    bench.write("more/some", "[include]\npath = some\n");
    bench.rules(&bench.repository);
    assert!(bench.folder.path().exists());
}

#[test]
fn patterns_ignore_case_with_core_ignorecase() {
    let bench = Bench::new();
    bench.write(
        "Work/shop/.gitignore",
        "*.four\n/A.One\nSUB/\n[[:upper:]].TWO\n[A-C].three\n[Ss]UB\n",
    );
    assert_eq!(bench.ignored(), "");
    bench.git(&["config", "core.ignoreCase", "true"]);
    assert_eq!(bench.ignored(), "a.one b.two c.three d.FOUR sub/e.one");
}
