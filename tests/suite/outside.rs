//! Inputs outside a repository that decide what belongs to it: the user's git files, and an enclosing git work tree.
//! Whatever happens to them, with events or polling, after a wait the tree follows.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::harness::{Home, Repo, paths};

const NOTIFIED: &str = "[watch]\nsettle_ms = 20\n";
/// Only a wait causes a scan.
const POLLED: &str = "[watch]\nsettle_ms = 20\nbackend = \"poll\"\npoll_seconds = 3600\n";

fn user_file(home: &Home, path: &str) -> PathBuf {
    let file = home.temp().parent().unwrap().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    file
}

/// Whether a file is in the tree, after a wait.
#[track_caller]
fn has(home: &Home, root: &str, file: &str) -> bool {
    home.run(&["wait", root, "--timeout", "35"]).expect(0);
    paths(&home.node(root, 99)).contains(&file)
}

#[test]
fn the_excludes_file_is_the_one_that_git_names_now() {
    for config in [NOTIFIED, POLLED] {
        let (home, repo) = (Home::with(config), Repo::package());
        let root = repo.at("");
        let file = |path: &str| user_file(&home, path);
        fs::write(file("home/one"), "*.typed\n").unwrap();
        fs::write(file("home/two"), "docs/\n").unwrap();
        let _daemon = home.daemon(&[&root]);
        let seen = || {
            let typed = has(&home, &root, "src/shop/py.typed");
            (typed, has(&home, &root, "docs/guide.md"))
        };
        assert_eq!(seen(), (true, true));
        let named = |name: &str| format!("[core]\n\texcludesFile = ~/{name}\n");
        // In a folder that did not exist, then in the one that takes precedence.
        fs::write(file("config/git/config"), named("one")).unwrap();
        assert_eq!(seen(), (false, true));
        fs::write(file("home/.gitconfig"), named("two")).unwrap();
        assert_eq!(seen(), (true, false));
        fs::remove_file(file("home/.gitconfig")).unwrap();
        assert_eq!(seen(), (false, true));
        fs::write(file("config/git/config"), "[user]\n\tname = A\n").unwrap();
        assert_eq!(seen(), (true, true));
        fs::write(file("config/git/ignore"), "docs/\n").unwrap();
        assert_eq!(seen(), (true, false));
        // Kept elsewhere and linked, as is common.
        fs::rename(file("config/git/ignore"), file("home/kept/ignore")).unwrap();
        symlink(file("home/kept/ignore"), file("config/git/ignore")).unwrap();
        assert_eq!(seen(), (true, false));
        fs::write(file("home/kept/ignore"), "*.typed\n").unwrap();
        assert_eq!(seen(), (false, true));
    }
}

#[test]
fn a_work_tree_created_around_a_watched_folder_applies() {
    for config in [NOTIFIED, POLLED] {
        let (home, repo) = (Home::with(config), Repo::package());
        let root = repo.at("src/shop");
        repo.write(".gitignore", "*.typed\n");
        let _daemon = home.daemon(&[&root]);
        let seen = || has(&home, &root, "py.typed");
        assert!(seen());
        repo.init();
        assert!(!seen());
        // It ignores the folder itself, which the user named explicitly; then it no longer does.
        repo.write(".gitignore", "*.typed\nshop/\n");
        assert!(seen());
        repo.write(".gitignore", "*.typed\n");
        assert!(!seen());
        repo.rename(".git", "aside");
        assert!(seen());
        repo.rename("aside", ".git");
        assert!(!seen());
        repo.remove(".git");
        assert!(seen());
    }
}
