#![allow(clippy::unwrap_used)]

mod fuzz;

use std::fs;

use super::*;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn open(root: &Path) -> Rules {
    Rules::open_with(root, &FileRules::default(), None).unwrap()
}

fn ignored(rules: &Rules, path: &str) -> bool {
    rules.is_ignored(&RelPath::new(path), false)
}

fn make_repository(directory: &Path) {
    fs::create_dir_all(directory.join("objects")).unwrap();
    write(directory, "HEAD", "ref: refs/heads/main\n");
}

#[test]
fn a_bad_glob_is_an_error_that_names_it() {
    let temporary = tempfile::tempdir().unwrap();
    let open = |options: FileRules| Rules::open_with(temporary.path(), &options, None);
    let error = open(FileRules {
        exclude: vec!["ok".into(), "a[b".into()],
        ..FileRules::default()
    });
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("a[b") && message.contains("exclude"),
        "{message}"
    );
    let error = open(FileRules {
        include: vec!["a{b".into()],
        ..FileRules::default()
    });
    assert!(error.unwrap_err().to_string().contains("a{b"));
    for dir in [".", "x/.."] {
        let export_dir = Some(dir.into());
        let options = FileRules {
            export_dir,
            ..FileRules::default()
        };
        assert_eq!(
            open(options).unwrap_err(),
            RulesError::BadExportFolder(dir.into())
        );
    }
    let export_dir = Some("../elsewhere".into());
    assert!(
        open(FileRules {
            export_dir,
            ..FileRules::default()
        })
        .is_ok()
    );
}

#[test]
fn work_trees_and_submodules_use_their_repository_s_exclude_file() {
    let temporary = tempfile::tempdir().unwrap();
    let at = temporary.path();
    let main = at.join("main/.git");
    make_repository(&main);
    write(&main, "info/exclude", "private\n");
    write(&main, "worktrees/w/HEAD", "x\n");
    write(&main, "worktrees/w/commondir", "../..\n");
    let tree = at.join("w");
    let pointer = format!("gitdir: {}\n", main.join("worktrees/w").display());
    write(&tree, ".git", &pointer);
    let rules = open(&tree);
    assert!(ignored(&rules, "private"));
    assert!(ignored(&rules, ".git"));
    let main_git = main.canonicalize().unwrap();
    for input in ["info/exclude", "objects", "worktrees/w/HEAD"] {
        assert!(rules.outside_inputs().contains(&main_git.join(input)));
    }
    assert!(rules.is_current());
    write(&main, "HEAD", "ref: refs/heads/other\n");
    assert!(rules.is_current());
    write(&main, "info/exclude", "private\nmore\n");
    assert!(!rules.is_current());

    let module = main.join("modules/m");
    make_repository(&module);
    write(&module, "info/exclude", "inner\n");
    write(&at.join("main"), "m/.git", "gitdir: ../.git/modules/m\n");
    let rules = open(&at.join("main"));
    assert!(ignored(&rules, "private"));
    assert!(!ignored(&rules, "inner"));
    assert!(ignored(&rules, "m/inner"));
    assert!(!ignored(&rules, "m/private"));
    let inputs = rules.outside_inputs();
    assert!(inputs.contains(&module.canonicalize().unwrap().join("info/exclude")));
}

#[test]
fn a_repository_under_construction_is_followed() {
    let temporary = tempfile::tempdir().unwrap();
    let at = temporary.path().canonicalize().unwrap();
    fs::create_dir(at.join(".git")).unwrap();
    let rules = open(&at);
    assert!(rules.is_current());
    for input in ["HEAD", "objects", "info", "info/exclude"] {
        let input = at.join(".git").join(input);
        assert!(rules.outside_inputs().contains(&input), "{input:?}");
    }
    make_repository(&at.join(".git"));
    assert!(!rules.is_current());
}

#[test]
fn rules_above_the_root_apply_only_if_the_work_tree_does_not_ignore_it() {
    let temporary = tempfile::tempdir().unwrap();
    let at = temporary.path().canonicalize().unwrap();
    write(&at, ".gitignore", "*.log\n/p/out/\n");
    write(&at, "p/q/.gitignore", "!keep.log\n");
    fs::create_dir_all(at.join("p/out/x")).unwrap();
    let inside = at.join("p/q");
    assert!(!ignored(&open(&inside), "a.log"));
    make_repository(&at.join(".git"));
    let rules = open(&inside);
    assert!(ignored(&rules, "a.log"));
    assert!(!ignored(&rules, "keep.log"));
    for input in [".gitignore", "p/.ignore", ".git/info/exclude"] {
        assert!(rules.outside_inputs().contains(&at.join(input)), "{input}");
    }
    // The enclosing work tree ignores the root, but the user named it.
    let rules = open(&at.join("p/out/x"));
    assert!(!ignored(&rules, "a.log"));
    assert!(rules.lock_files().is_empty());
    // Then it no longer ignores the root.
    assert!(rules.is_current());
    write(&at, ".gitignore", "*.log\n");
    assert!(!rules.is_current());
    assert!(ignored(&open(&at.join("p/out/x")), "a.log"));
}

#[test]
fn an_enclosing_work_tree_that_appears_or_disappears_is_noticed() {
    let temporary = tempfile::tempdir().unwrap();
    let at = temporary.path().canonicalize().unwrap();
    fs::create_dir_all(at.join("p/q")).unwrap();
    let rules = open(&at.join("p/q"));
    assert!(rules.has_same_top() && rules.is_current());
    make_repository(&at.join("p/.git"));
    assert!(!rules.has_same_top() && !rules.is_current());
    let rules = open(&at.join("p/q"));
    assert!(rules.has_same_top() && rules.is_current());
    fs::rename(at.join("p/.git"), at.join("p/aside")).unwrap();
    assert!(!rules.has_same_top());
}

#[test]
fn the_global_excludes_file_applies_everywhere_and_is_an_input() {
    let temporary = tempfile::tempdir().unwrap();
    let at = temporary.path();
    write(at, "excludes", "*.swp\n/top\n");
    write(at, "r/.gitignore", "!b.swp\n");
    let file = at.join("excludes");
    let rules = Rules::open_with(&at.join("r"), &FileRules::default(), Some(file.clone())).unwrap();
    assert!(ignored(&rules, "x/a.swp") && ignored(&rules, "top"));
    assert!(!ignored(&rules, "b.swp") && !ignored(&rules, "x/top"));
    assert_eq!(rules.outside_inputs(), [file]);
}

#[test]
fn the_target_of_a_dangling_link_is_an_input() {
    let temporary = tempfile::tempdir().unwrap();
    let at = temporary.path().canonicalize().unwrap();
    fs::create_dir(at.join("r")).unwrap();
    let file = at.join("excludes");
    std::os::unix::fs::symlink("away/dots/excludes", &file).unwrap();
    let rules = Rules::open_with(&at.join("r"), &FileRules::default(), Some(file)).unwrap();
    let inputs = rules.outside_inputs();
    for input in ["excludes", "away", "away/dots", "away/dots/excludes"] {
        assert!(inputs.contains(&at.join(input)), "{input}: {inputs:?}");
    }
}

#[test]
fn rule_files_are_recognized_by_name_and_read_without_blocking() {
    assert!(Rules::is_rule_file(b".gitignore") && Rules::is_rule_file(b".epitomeignore"));
    assert!(!Rules::is_rule_file(b"gitignore"));
    let temporary = tempfile::tempdir().unwrap();
    let pipe = temporary.path().join(".gitignore");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, mode, 0).unwrap();
    assert!(!ignored(&open(temporary.path()), "a"));
}
