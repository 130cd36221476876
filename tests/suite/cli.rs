//! The command line: exit codes, the two streams, reading without a daemon, errors of the configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Alone, FakeModel, Home, Reply, Repo, finish, first_not_fresh, until};

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
fn failed_is_1_with_the_reason_in_one_line() {
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
    ] {
        let done = home.run(arguments).expect(2);
        assert_eq!(done.stdout, "", "{done:?}");
    }
}

#[test]
fn colours_are_for_terminals_whatever_the_environment_requests() {
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
        &["wait", &root],
        &["events"],
        &["unwatch", &root],
    ] {
        let done = home.run(arguments).expect(3);
        assert_eq!(done.stdout, "", "{done:?}");
        assert!(
            done.stderr.contains("epitome daemon"),
            "how to fix it: {done:?}"
        );
    }
    for arguments in [
        &["show", &root][..],
        &["tree", &root, "--json"],
        &["search", "words"],
    ] {
        let mut command = home.command(arguments);
        let done = finish(command.env("EPITOME_NO_SPAWN", "1")).expect(3);
        assert_eq!(done.stdout, "", "{done:?}");
        assert!(done.stderr.contains("no daemon runs"), "{done:?}");
    }
}

#[test]
fn reading_needs_no_daemon() {
    let (home, repo) = (Home::new(), Repo::package());
    fs::create_dir(repo.root().join(".git")).unwrap();
    home.run(&["index", &repo.at("")]).expect(0);
    let file = repo.at("src/shop/cart.py");
    for arguments in [
        &["show", &file][..],
        &["tree", &repo.at("src")],
        &["search", "cart"],
    ] {
        let done = finish(home.command(arguments).current_dir(repo.root())).expect(0);
        assert!(done.stdout.contains("cart.py"), "{done:?}");
        assert_eq!(done.stderr, "", "{done:?}");
    }
    // Read from the disk, not only from the store: a change is never served as fresh.
    repo.write("src/shop/cart.py", "\"\"\"Counts sheep.\"\"\"\n");
    let shown = home.json(&["show", &file, "--json"]);
    assert_eq!(shown["freshness"], "fresh");
    assert!(
        shown["summary"].as_str().unwrap().contains("Counts sheep"),
        "{shown}"
    );
    assert_eq!(
        shown["path"], "src/shop/cart.py",
        "the repository is the folder with .git"
    );
    assert!(!home.socket().exists(), "no daemon was started");
    let gone = home.run(&["show", &repo.at("none.py")]).expect(1);
    assert!(gone.stderr.contains("no such file"), "{gone:?}");
}

#[test]
fn reading_without_a_daemon_sends_nothing() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let root = repo.at("");
    let tree = home.json(&["tree", &root, "--json"]);
    assert_eq!(tree["freshness"], "pending");
    assert_eq!(model.count(), 0);
    home.run(&["index", &root]).expect(0);
    assert_eq!(
        first_not_fresh(&home.json(&["tree", &root, "--json"])),
        None
    );
    let paid = model.count();
    repo.write("src/shop/cart.py", "class Basket:\n    pass\n");
    let tree = home.json(&["tree", &root, "--json"]);
    assert_ne!(tree["freshness"], "fresh");
    assert_ne!(
        home.json(&["show", &repo.at("src/shop/cart.py"), "--json"])["freshness"],
        "fresh"
    );
    assert_eq!(model.count(), paid);
}

#[test]
fn each_reason_for_a_failure_is_printed_once() {
    let model = FakeModel::new();
    let refusal = "{\"error\":{\"message\":\"no such key\",\"code\":\"invalid_api_key\"}}";
    model.fail(
        usize::MAX,
        Reply::Status(401, vec![], refusal.to_owned()),
        |_| true,
    );
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    for at in 0..120 {
        repo.write(&format!("f{at}.py"), format!("A = {at}\n"));
    }
    let done = home.run(&["index", &repo.at("")]).expect(1);
    assert!(
        done.stderr
            .contains("121 files and folders could not be summarized"),
        "{done:?}"
    );
    assert_eq!(done.stderr.matches("no such key").count(), 1, "{done:?}");
    assert!(!done.stdout.contains("no such key"), "{done:?}");
}

#[test]
fn a_folder_that_cannot_be_read_is_reported() {
    let (home, repo) = (Home::new(), Repo::package());
    let locked = repo.root().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("a.py"), "a = 1\n").unwrap();
    let mode = |mode| fs::set_permissions(&locked, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    if fs::read_dir(&locked).is_ok() {
        println!("skipped: this user may read every folder");
        return;
    }
    let done = home.run(&["index", &repo.at("")]).expect(1);
    mode(0o700);
    assert!(done.stderr.contains("not indexed: locked: "), "{done:?}");
}

#[test]
fn a_missing_folder_starts_no_daemon() {
    let home = Home::new();
    let file = home.temp().join("file");
    fs::write(&file, "").unwrap();
    for (path, reason) in [
        ("/nonexistent", "/nonexistent: no such directory"),
        (file.to_str().unwrap(), "not a directory"),
    ] {
        for verb in ["watch", "index"] {
            let done = home.run(&[verb, path]).expect(1);
            assert!(done.stderr.contains(reason), "{done:?}");
        }
    }
    assert!(!home.socket().exists() && !home.data().join("daemon.log").exists());
}

#[test]
fn an_export_has_a_default_folder_outside_of_the_repository() {
    let (home, repo) = (Home::new(), Repo::package());
    let before = fs::read_dir(repo.root()).unwrap().count();
    let done = home.run(&["export", &repo.at("")]).expect(0);
    let name = repo.root().file_name().unwrap().to_owned();
    let file = home.data().join("export").join(name).join("index.html");
    assert!(done.stderr.contains(file.to_str().unwrap()), "{done:?}");
    assert!(file.exists());
    assert_eq!(fs::read_dir(repo.root()).unwrap().count(), before);
    let page = home.run(&["export", &repo.at(""), "-o", "-"]).expect(0);
    assert!(page.stdout.starts_with("<!doctype html>"), "{page:?}");
    home.run(&["export", &repo.at(""), "--format", "index", "-o", "-"])
        .expect(1);
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
    // A path in a repository that is no node has another exit code.
    home.wait(&repo);
    home.run(&["show", &repo.at("src/none.py")]).expect(1);
}

#[test]
fn a_wait_that_runs_out_of_time_is_5() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
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
fn the_example_configuration_is_accepted() {
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
    assert!(!home.data().exists(), "nothing at the default place");
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
fn completions_are_printed_for_each_shell() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.run(&["completions", shell]).expect(0).stdout;
        assert!(
            script.contains("epitome") && script.contains("unwatch"),
            "{shell}"
        );
        assert!(
            script.contains("epitome complete"),
            "{shell}: no definitions"
        );
    }
}

#[test]
fn a_dry_run_prints_the_number_of_requests_and_sends_none() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let estimate = home.run(&["index", &repo.at(""), "--dry-run"]).expect(0);
    assert_eq!(model.count(), 0);
    // 11 files with content and 7 directories.
    assert!(estimate.stdout.contains("18"), "{estimate:?}");
    let done = home.run(&["index", &repo.at("")]).expect(0);
    assert_eq!(model.count(), 18, "{done:?}");
    let estimate = home.run(&["index", &repo.at(""), "--dry-run"]).expect(0);
    assert_eq!(model.count(), 18);
    assert!(
        !estimate.stdout.contains("18"),
        "everything is paid for: {estimate:?}"
    );
}

#[test]
fn index_leaves_its_work_to_a_daemon_that_runs() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let daemon = home.daemon(&[]);
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    assert_eq!(model.count(), 18);
    assert_eq!(first_not_fresh(&tree), None);
    assert!(home.status()["store"]["summaries"].as_u64().unwrap() >= 18);
    // The repository is not watched afterwards.
    daemon.terminate();
    let _daemon = home.daemon(&[]);
    assert_eq!(home.status()["repositories"], serde_json::json!([]));
}

#[test]
fn a_second_index_names_the_process_that_uses_the_store() {
    let model = FakeModel::new();
    model.hold();
    let (home, repo) = (Home::with_model(&model, ""), Repo::package());
    let mut first = home
        .command(&["index", &repo.at("")])
        .spawn_alone()
        .unwrap();
    until("the first sends requests", || model.in_flight() > 0);
    let second = home.run(&["index", &repo.at("")]).expect(1);
    assert!(
        second.stderr.contains(&first.id().to_string()),
        "the message names the process that uses the store: {second:?}"
    );
    model.release();
    until("the first ends", || first.try_wait().unwrap().is_some());
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert_eq!(model.count(), 18);
}

#[test]
fn init_with_yes_writes_a_configuration_without_a_prompt() {
    let (home, repo) = (Home::new(), Repo::package());
    let init = |arguments: &[&str]| home.run_in(&repo.root(), &[&["init"], arguments].concat());
    // No terminal for the prompt, and no provider chosen.
    let done = init(&[]).expect(1);
    assert!(done.stderr.contains("--yes"), "{done:?}");
    assert!(!home.config().exists());
    // The key in the environment is offered with its price for this repository, and nothing is sent.
    assert!(done.stdout.contains("openai       ≈ $"), "{done:?}");
    let done = init(&["--provider", "magic"]).expect(1);
    assert!(done.stderr.contains("found: offline, openai"), "{done:?}");
    let done = init(&["--yes"]).expect(0);
    assert!(done.stdout.contains("12 files"), "{done:?}");
    assert!(
        fs::read_to_string(home.config())
            .unwrap()
            .contains("provider = \"offline\"")
    );
    home.configure("[openai]\nmodel = \"mine\"\n");
    let done = init(&["--yes"]).expect(0);
    assert!(done.stderr.contains("was not changed"), "{done:?}");
    home.run(&["index", &repo.at("")]).expect(0);
}

#[test]
fn an_unusable_endpoint_is_detected_before_the_first_request() {
    let repo = Repo::package();
    let home =
        Home::with("[summaries]\nprovider = \"openai\"\n\n[openai]\napi_key_env = \"LAB_KEY\"\n");
    let done = home.run(&["index", &repo.at("")]).expect(1);
    assert!(done.stderr.contains("LAB_KEY is not set"), "{done:?}");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    home.configure(&format!(
        "[summaries]\nprovider = \"openai\"\n\n[openai]\nbase_url = \"http://127.0.0.1:{port}/v1\"\n"
    ));
    let done = home.run(&["index", &repo.at("")]).expect(1);
    assert!(
        done.stderr.contains("cannot reach http://127.0.0.1:"),
        "{done:?}"
    );
    // Stored summaries are shown nevertheless.
    let model = FakeModel::new();
    home.use_model(&model, "");
    home.run(&["index", &repo.at("")]).expect(0);
    drop(model);
    home.run(&["index", &repo.at("")]).expect(0);
}

#[test]
fn a_definition_is_shown_by_line_and_by_name() {
    let (home, repo) = (Home::new(), Repo::package());
    fs::create_dir(repo.root().join(".git")).unwrap();
    for target in [
        "src/shop/cart.py:Cart.total",
        "src/shop/cart.py:12",
        "Cart.total",
        "total",
    ] {
        let done = home.run_in(&repo.root(), &["show", target]).expect(0);
        assert!(
            done.stdout.contains("def total(self)"),
            "{target}: {done:?}"
        );
        assert!(!done.stdout.contains("def add("), "{target}: {done:?}");
    }
    let done = home
        .run_in(&repo.root(), &["show", "NoSuchThing"])
        .expect(1);
    assert!(
        done.stderr.contains("no definition of that name"),
        "{done:?}"
    );
}

#[test]
fn prompts_are_shown_beside_the_daemon_of_another_repository() {
    let (home, repo, other) = (Home::new(), Repo::package(), Repo::package());
    let _daemon = home.daemon(&[&other.at("")]);
    let done = home
        .run(&["show", "--prompt", &repo.at("src/shop/cart.py")])
        .expect(0);
    assert!(done.stdout.contains("class Cart"), "{done:?}");
}
