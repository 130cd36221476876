//! Watched repositories: adding, removing and keeping them, and rules that change while the daemon runs.

use rustix::process::Signal;

use crate::harness::{Home, Repo, copy_folder, find, first_not_fresh, paths, until, within};

fn listed(home: &Home) -> Vec<String> {
    let status = home.status();
    let mut paths: Vec<String> = within(&status, "repositories", "path")
        .iter()
        .map(|path| path.as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}

#[test]
fn watch_and_unwatch_are_kept_across_restarts() {
    let (home, repo, other) = (Home::new(), Repo::package(), Repo::package());
    let daemon = home.daemon(&[]);
    assert!(listed(&home).is_empty());
    for repo in [&repo, &other] {
        home.run(&["watch", &repo.at("")]).expect(0);
    }
    let mut both = [repo.at(""), other.at("")];
    both.sort();
    assert_eq!(listed(&home), both);
    daemon.terminate();
    let daemon = home.daemon(&[]);
    assert_eq!(listed(&home), both);
    home.wait(&other);
    assert_eq!(first_not_fresh(&home.node(&other.at(""), 99)), None);
    home.run(&["unwatch", &other.at("")]).expect(0);
    home.run(&["show", &other.at("")]).expect(4);
    daemon.kill9();
    let _daemon = home.daemon(&[]);
    assert_eq!(listed(&home), [repo.at("")]);
}

#[test]
fn the_configuration_names_repositories() {
    let repo = Repo::package();
    let home = Home::with(&format!("repos = [\"{}\"]\n", repo.at("")));
    let _daemon = home.daemon(&[]);
    home.wait(&repo);
    assert_eq!(listed(&home), [repo.at("")]);
    assert_eq!(first_not_fresh(&home.node(&repo.at(""), 99)), None);
}

#[test]
fn a_repository_that_is_missing_at_the_start_is_found_when_it_returns() {
    let (home, repo) = (Home::new(), Repo::new());
    copy_folder(&Repo::package().root(), &repo.root().join("work"));
    repo.git(&["init", "-q", "work"]);
    let daemon = home.daemon(&[]);
    home.run(&["watch", &repo.at("work")]).expect(0);
    daemon.terminate();
    repo.write("work/.gitignore", "docs/\n");
    repo.rename("work", "away");
    let _daemon = home.daemon(&[]);
    until("unreachable", || {
        home.status()["repositories"][0]["state"] == "unreachable"
    });
    assert_eq!(listed(&home), [repo.at("work")]);
    repo.rename("away", "work");
    // Without docs and its guide, with .gitignore.
    until("found", || home.status()["repositories"][0]["fresh"] == 18);
    repo.append("work/src/shop/money/rates/table.py", "X = 1\n");
    home.run(&["wait", &repo.at("work"), "--timeout", "30"])
        .expect(0);
    let served = home
        .run(&["tree", &repo.at("work"), "--json"])
        .expect(0)
        .stdout;
    let new_index = Home::new()
        .run(&["index", &repo.at("work"), "--json"])
        .expect(0)
        .stdout;
    assert_eq!(served, new_index);
}

#[test]
fn a_change_is_noticed_without_a_query() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let count = || home.node(&repo.at(""), 0)["files"].as_u64().unwrap();
    repo.write("a/b/c/d/new.py", "x = 1\n");
    until("a file in new folders", || count() == 13);
    repo.write("a/b/c/d/newer.py", "y = 1\n");
    until("a file in a folder that was new", || count() == 14);
    repo.remove("a/b");
    until("a folder that went", || count() == 12);
    until("all fresh", || {
        first_not_fresh(&home.node(&repo.at(""), 99)).is_none()
    });
}

#[test]
fn gitignore_counts_while_the_daemon_runs() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.init();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let all = paths(&home.node(&repo.at(""), 99)).len();
    repo.write(".gitignore", "rates/\n*.md\n");
    home.wait(&repo);
    let tree = home.node(&repo.at(""), 99);
    // Minus three files of rates, two texts and the folder docs; plus .gitignore.
    assert_eq!(paths(&tree).len(), all - 6 + 1, "{:?}", paths(&tree));
    assert_eq!(first_not_fresh(&tree), None);
    // Changes there are irrelevant.
    repo.write("src/shop/money/rates/more.py", "x = 1\n");
    home.wait(&repo);
    assert_eq!(paths(&home.node(&repo.at(""), 99)).len(), all - 5);
    repo.write(".gitignore", "*.md\n");
    home.wait(&repo);
    let tree = home.node(&repo.at(""), 99);
    assert!(
        paths(&tree).contains(&"src/shop/money/rates/more.py"),
        "{:?}",
        paths(&tree)
    );
    repo.remove(".gitignore");
    home.wait(&repo);
    let served = home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    assert_eq!(paths(&home.node(&repo.at(""), 99)).len(), all + 1);
    let new_index = Home::new()
        .run(&["index", &repo.at(""), "--json"])
        .expect(0)
        .stdout;
    assert_eq!(served, new_index);
    // Files that returned are watched again.
    repo.append("src/shop/money/rates/more.py", "y = 1\n");
    repo.append("docs/guide.md", "More.\n");
    home.wait(&repo);
    let served = home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    let new_index = Home::new()
        .run(&["index", &repo.at(""), "--json"])
        .expect(0)
        .stdout;
    assert_eq!(served, new_index);
}

#[test]
fn a_nested_gitignore_and_the_exclude_file_count_too() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.init();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let has = |path: &str| paths(&home.node(&repo.at(""), 99)).contains(&path);
    repo.write("src/shop/.gitignore", "cart.py\n");
    home.wait(&repo);
    assert!(!has("src/shop/cart.py") && has("src/shop/.gitignore"));
    repo.remove("src/shop/.gitignore");
    home.wait(&repo);
    assert!(has("src/shop/cart.py"));
    repo.write(".git/info/exclude", "tests/\n");
    home.wait(&repo);
    assert!(!has("tests/test_cart.py"));
    repo.write(".git/info/exclude", "");
    home.wait(&repo);
    assert!(has("tests/test_cart.py"));
}

#[test]
fn configured_globs_exclude_files() {
    let home = Home::with("[files]\ninclude = [\"*.py\"]\nexclude = [\"tests/\"]\n");
    let repo = Repo::package();
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    let files = |path: &&str| path.contains('.');
    let found: Vec<&str> = paths(&tree).into_iter().filter(files).collect();
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(
        found
            .iter()
            .all(|path| path.ends_with(".py") && !path.starts_with("tests")),
        "{found:?}"
    );
}

#[test]
fn polling_sees_what_watching_sees() {
    let home = Home::with("[watch]\nbackend = \"poll\"\npoll_seconds = 1\nsettle_ms = 20\n");
    let repo = Repo::package();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(home.status()["repositories"][0]["watch"], "poll");
    repo.write("src/new/file.py", "x = 1\n");
    until("seen by the next poll", || {
        home.node(&repo.at(""), 0)["files"] == 13
    });
    repo.remove("docs");
    // A wait polls at once.
    home.wait(&repo);
    assert_eq!(home.node(&repo.at(""), 0)["files"], 12);
    let served = home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    assert_eq!(
        served,
        Home::new()
            .run(&["index", &repo.at(""), "--json"])
            .expect(0)
            .stdout
    );
}

#[test]
fn events_that_the_kernel_drops_are_recovered_by_a_scan() {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let (home, repo) = (Home::new(), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    daemon.signal(Signal::STOP);
    let (one, two) = (repo.at("src/one"), repo.at("src/two"));
    std::fs::write(&one, "x\n").unwrap();
    // Two notifications each, all different, so that the kernel cannot merge them.
    for _ in 0..limit.min(200_000) / 4 + 500 {
        std::fs::rename(&one, &two).unwrap();
        std::fs::rename(&two, &one).unwrap();
    }
    // These are not reported.
    repo.append("src/shop/cart.py", "LATE = 1\n");
    repo.write("new/folder/late.py", "LATE = 2\n");
    repo.remove("docs");
    daemon.signal(Signal::CONT);
    home.wait(&repo);
    let served = home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout;
    let new_index = Home::new()
        .run(&["index", &repo.at(""), "--json"])
        .expect(0)
        .stdout;
    assert_eq!(served, new_index);
    // The files without events are watched from now on.
    repo.append("new/folder/late.py", "LATER = 3\n");
    home.wait(&repo);
    let digest = home.node(&repo.at("new/folder/late.py"), 0)["digest"].clone();
    let new_index = Home::new().json(&["index", &repo.at(""), "--json"]);
    assert_eq!(find(&new_index, "new/folder/late.py")["digest"], digest);
}

#[test]
fn a_repository_inside_another_is_found_by_the_deepest_root() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.run(&["watch", &repo.at("src/shop")]).expect(0);
    home.wait(&repo);
    home.run(&["wait", &repo.at("src/shop"), "--timeout", "30"])
        .expect(0);
    assert_eq!(
        home.node(&repo.at("src/shop/cart.py"), 0)["path"],
        "cart.py"
    );
    assert_eq!(home.node(&repo.at("src"), 0)["path"], "src");
}

#[test]
fn a_folder_that_was_moved_and_left_a_link_is_known_by_both_names() {
    let (home, place) = (Home::new(), Repo::new());
    place.write("work/shop/src/a.py", "A = 1\n");
    place.write("other/b.py", "B = 1\n");
    let (old, new) = (place.at("work/shop"), place.at("disk/shop"));
    let daemon = home.daemon(&[]);
    home.run(&["watch", &old]).expect(0);
    home.run(&["wait", &old]).expect(0);
    place.rename("work/shop", "disk/shop");
    let link = |target: &str, at: &str| {
        std::os::unix::fs::symlink(place.at(target), place.at(at)).unwrap();
    };
    link("disk/shop", "work/shop");
    for (number, path) in [&old, &new].into_iter().enumerate() {
        place.write("disk/shop/src/a.py", format!("A = {number}  # more\n"));
        home.run(&["wait", path, "--timeout", "35"]).expect(0);
        let file = format!("{path}/src/a.py");
        let node = home.json(&["show", &file, "--json"]);
        assert_eq!(node["path"], "src/a.py");
        assert_eq!(node["bytes"], 14);
    }
    // It is no second repository.
    home.run(&["watch", &new]).expect(0);
    home.run(&["index", &new]).expect(0);
    assert_eq!(listed(&home), [old.as_str()]);
    // A folder above it goes and leaves a link.
    place.rename("disk", "disks");
    link("disks", "disk");
    place.append("disks/shop/src/a.py", "# and more\n");
    let node = |path: &str| home.json(&["show", &place.at(path), "--json"]);
    home.run(&["wait", &place.at("disks/shop"), "--timeout", "35"])
        .expect(0);
    assert_eq!(node("disks/shop/src/a.py")["bytes"], 25);
    home.run(&["show", &place.at("disks")]).expect(4);
    home.run(&["show", &place.at("other/b.py")]).expect(4);
    // After a restart it has its current name and can be removed.
    daemon.terminate();
    let daemon = home.daemon(&[]);
    assert_eq!(listed(&home), [place.at("disks/shop")]);
    home.run(&["unwatch", &old]).expect(0);
    daemon.terminate();
    let _daemon = home.daemon(&[]);
    assert!(listed(&home).is_empty());
}

#[test]
fn the_home_folder_is_not_watched_by_mistake() {
    let home = Home::new();
    let place = home.temp().with_file_name("home");
    let _daemon = home.daemon(&[]);
    let refused = home.run_in(&place, &["watch"]).expect(1);
    assert!(refused.stderr.contains("home folder"), "{refused:?}");
    let refused = home.run_in(&place, &["index"]).expect(1);
    assert!(refused.stderr.contains("home folder"), "{refused:?}");
    assert!(listed(&home).is_empty());
}
