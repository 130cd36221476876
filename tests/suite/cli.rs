//! The command line: exit codes, what goes to which stream, and what a bad configuration is told.

use std::fs;

use crate::harness::{Alone, FakeModel, Home, Repo, finish, first_not_fresh, until};

#[test]
fn done_is_0() {
    let (home, repo) = (Home::new(), Repo::package());
    let done = home.run(&["index", &repo.at("")]).expect(0);
    assert!(
        !done.stderr.contains('\u{1b}'),
        "bars only on a terminal: {done:?}"
    );
    let version = home.run(&["--version"]).expect(0).stdout;
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    let help = home.run(&["--help"]).expect(0).stdout;
    for verb in [
        "daemon", "index", "watch", "unwatch", "status", "show", "tree", "wait", "export",
    ] {
        assert!(help.contains(verb), "{verb}: {help}");
    }
}

#[test]
fn failed_is_1_and_says_why_in_one_line() {
    let home = Home::new();
    for arguments in [
        &["index", "/nonexistent/folder"][..],
        &["--config", "/nonexistent/config.toml", "index"],
    ] {
        let done = home.run(arguments).expect(1);
        assert_eq!(done.stdout, "", "{done:?}");
        assert_eq!(done.stderr.trim_end().lines().count(), 1, "{done:?}");
        assert!(done.stderr.contains("/nonexistent/"), "{done:?}");
    }
}

#[test]
fn wrong_usage_is_2() {
    let home = Home::new();
    for arguments in [
        &["shwo"][..],
        &["tree", "--depth", "deep"],
        &["status", "--jsn"],
        &["export"],
    ] {
        let done = home.run(arguments).expect(2);
        assert_eq!(done.stdout, "", "{done:?}");
    }
}

#[test]
fn colours_are_for_terminals_whatever_the_environment_asks_for() {
    let home = Home::new();
    for (arguments, code) in [(&["--help"][..], 0), (&["shwo"], 2), (&["status"], 3)] {
        let mut command = home.command(arguments);
        let done = finish(command.env("CLICOLOR_FORCE", "1").env("FORCE_COLOR", "1")).expect(code);
        let printed = done.stdout + &done.stderr;
        assert!(!printed.contains('\u{1b}'), "{arguments:?}: {printed}");
    }
}

#[test]
fn no_daemon_is_3() {
    let (home, repo) = (Home::new(), Repo::package());
    let root = repo.at("");
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["show", &root],
        &["tree", &root, "--json"],
        &["search", "words"],
        &["wait", &root],
        // `watch` would start one: see `starting`.
        &["unwatch", &root],
    ] {
        let done = home.run(arguments).expect(3);
        assert_eq!(done.stdout, "", "{done:?}");
        assert!(
            done.stderr.contains("epitome daemon"),
            "how to mend it: {done:?}"
        );
    }
}

#[test]
fn a_path_in_no_repository_is_4() {
    let (home, repo, other) = (Home::new(), Repo::package(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    let elsewhere = other.at("src");
    for arguments in [
        &["show", &elsewhere][..],
        &["tree", &elsewhere],
        &["search", "words", "--path", &elsewhere],
        &["wait", &elsewhere],
        &["unwatch", &elsewhere],
    ] {
        let done = home.run(arguments).expect(4);
        assert_eq!(done.stdout, "", "{done:?}");
        assert!(done.stderr.contains(&elsewhere), "{done:?}");
    }
    // In a repository, and no node of it: something else.
    home.wait(&repo);
    home.run(&["show", &repo.at("src/none.py")]).expect(1);
}

#[test]
fn a_wait_that_runs_out_of_time_is_5() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (Home::asking(&model, ""), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    let done = home
        .run(&["wait", &repo.at(""), "--timeout", "0.3"])
        .expect(5);
    assert_eq!(done.stderr.trim_end().lines().count(), 1, "{done:?}");
    model.release();
    home.wait(&repo);
}

#[test]
fn a_bad_configuration_names_file_line_and_key() {
    let home = Home::new();
    let repo = Repo::package();
    for (config, line, key) in [
        ("[openai]\nmax_worker = 3\n", 2, "max_worker"),
        ("\n\n[watch]\nsettle_ms = \"soon\"\n", 4, "settle_ms"),
        (
            "[openai]\nmodel = \"m\"\nmax_workers = -1\n",
            3,
            "max_workers",
        ),
        ("[summaries]\nprovider = \"magic\"\n", 2, "provider"),
        ("[sumaries]\nenabled = true\n", 1, "sumaries"),
    ] {
        home.configure(config);
        let file = home.config();
        for verb in [&["daemon"][..], &["index", &repo.at("")]] {
            let done = home.run(verb).expect(1);
            let place = format!("{}:{line}", file.display());
            assert!(
                done.stderr.contains(&place) && done.stderr.contains(key),
                "{config}: {done:?}"
            );
            assert_eq!(done.stderr.trim_end().lines().count(), 1, "{done:?}");
        }
    }
}

#[test]
fn every_key_of_the_example_may_be_written_down() {
    let home = Home::with(include_str!("../../config.example.toml"));
    let repo = Repo::package();
    home.run(&["index", &repo.at("")]).expect(0);
}

#[test]
fn places_can_be_named_by_flags_and_by_the_environment() {
    let (home, repo) = (Home::new(), Repo::package());
    let folder = home.temp().join("elsewhere");
    fs::create_dir(&folder).unwrap();
    let data = folder.join("store").into_os_string().into_string().unwrap();
    home.run(&["--data-dir", &data, "index", &repo.at("")])
        .expect(0);
    assert!(fs::exists(&data).unwrap());
    assert!(!home.data().exists(), "nothing where nobody asked for it");
    let by_variable = folder.join("other");
    let mut command = home.command(&["index", &repo.at("")]);
    let done = command
        .env("EPITOME_DATA_DIR", &by_variable)
        .output_alone()
        .unwrap();
    assert!(done.status.success() && by_variable.exists(), "{done:?}");
    assert!(!home.data().exists());
}

#[test]
fn completions_are_printed_for_shells() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.run(&["completions", shell]).expect(0).stdout;
        assert!(
            script.contains("epitome") && script.contains("unwatch"),
            "{shell}"
        );
    }
}

#[test]
fn a_dry_run_tells_the_number_of_requests_and_makes_none() {
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, ""), Repo::package());
    let told = home.run(&["index", &repo.at(""), "--dry-run"]).expect(0);
    assert_eq!(model.count(), 0);
    // 11 files with content and 7 directories.
    assert!(told.stdout.contains("18"), "{told:?}");
    let done = home.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(model.count(), 18, "{done:?}");
    let told = home.run(&["index", &repo.at(""), "--dry-run"]).expect(0);
    assert_eq!(model.count(), 18);
    assert!(
        !told.stdout.contains("18"),
        "all of it is paid for: {told:?}"
    );
}

#[test]
fn index_leaves_its_work_to_a_daemon_that_runs() {
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, ""), Repo::package());
    let daemon = home.daemon(&[]);
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    assert_eq!(model.count(), 18);
    assert_eq!(first_not_fresh(&tree), None);
    assert!(home.status()["store"]["summaries"].as_u64().unwrap() >= 18);
    // It was to index once, not to watch for ever.
    daemon.terminate();
    let _daemon = home.daemon(&[]);
    assert_eq!(home.status()["repositories"], serde_json::json!([]));
}

#[test]
fn two_indexes_at_once_do_not_spoil_each_other() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (Home::asking(&model, ""), Repo::package());
    let mut first = home
        .command(&["index", &repo.at("")])
        .spawn_alone()
        .unwrap();
    until("the first asks", || model.in_flight() > 0);
    let second = home.run(&["index", &repo.at("")]).expect(1);
    assert!(
        second.stderr.contains(&first.id().to_string()),
        "who is in the way: {second:?}"
    );
    model.release();
    until("the first ends", || first.try_wait().unwrap().is_some());
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert_eq!(model.count(), 18);
}
