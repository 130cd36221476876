//! Which repository an agent's call is about, whatever folder its server was started in.

use std::fs;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::harness::{Agent, Alone, FakeModel, Home, Repo, Request, eventually, paths, until};

/// Ends the daemon that a session started.
struct Stop<'h>(&'h Home);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        let _ = self.0.command(&["stop"]).output_alone();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.0.data().join("daemon.log"));
            println!("--- the daemon's log: {}", log.unwrap_or_default());
        }
    }
}

/// A repository with a commit.
fn repository() -> Repo {
    let repo = Repo::package();
    repo.init();
    repo.commit("first");
    repo
}

fn root(repo: &Repo) -> String {
    repo.at("").trim_end_matches('/').to_owned()
}

#[test]
fn a_linked_work_tree_is_its_own_repository() {
    for ignored in [false, true] {
        let (home, repo) = (Home::new(), repository());
        if ignored {
            repo.write(".gitignore", ".claude/\n");
            repo.commit("ignored");
        }
        let _stop = Stop(&home);
        home.run(&["watch", &repo.at("")]).expect(0);
        repo.git(&["worktree", "add", "-q", ".claude/worktrees/x", "-b", "x"]);
        repo.write(
            ".claude/worktrees/x/only_here.py",
            "def only_here():\n    return 1\n",
        );
        let folder = repo.at(".claude/worktrees/x/src");
        let mut agent = Agent::with(&home, &folder, &["--watch"], None);
        let overview = agent.good("get_overview", json!({}));
        assert!(overview.contains("/.claude/worktrees/x ("), "{overview}");
        let found = agent.good("search", json!({"query": "only_here"}));
        assert!(found.starts_with("only_here.py"), "{found}");
        let changes = agent.good("list_changes", json!({"since": "main"}));
        assert!(changes.contains("added only_here.py"), "{changes}");
        // The main checkout beside it, edited at once.
        repo.write("src/shop/zebra.py", "def zebra():\n    return 1\n");
        let mut main = Agent::with(&home, &repo.at(""), &["--watch"], None);
        main.good("get_status", json!({"wait_fresh_ms": 30_000}));
        let found = main.good("search", json!({"query": "zebra"}));
        assert!(found.starts_with("src/shop/zebra.py"), "{found}");
        let none = agent.good("search", json!({"query": "zebra"}));
        assert!(none.starts_with("No results"), "{none}");
        // A call may name the other repository.
        let other = agent.good(
            "get_summary",
            json!({"paths": "src/shop/zebra.py", "repository": root(&repo)}),
        );
        assert!(other.contains("zebra.py (python"), "{other}");
        // After its removal it is forgotten.
        repo.git(&["worktree", "remove", "--force", ".claude/worktrees/x"]);
        eventually("it is forgotten", || {
            let status = home.status();
            let many = status["repositories"].as_array().unwrap().len();
            if many == 1 {
                Ok(())
            } else {
                Err(status.to_string())
            }
        });
    }
}

#[test]
fn a_nested_repository_is_never_served_from_its_parent() {
    let (home, repo) = (Home::new(), repository());
    repo.write(".gitignore", "third/\n");
    repo.write("third/lib/lib.py", "def libfn():\n    return 1\n");
    repo.git(&["init", "-q", "third/lib"]);
    let _stop = Stop(&home);
    home.run(&["watch", &repo.at("")]).expect(0);
    let lib = repo.at("third/lib");
    // Without --watch nothing is added, and the parent's content is not returned.
    let mut agent = Agent::start(&home, &lib);
    let refused = agent.bad("get_overview", json!({}));
    assert!(
        refused.contains("third/lib is in no watched repository") && refused.contains(&root(&repo)),
        "{refused}"
    );
    let done = home
        .run_in(repo.at("third/lib").as_ref(), &["show"])
        .expect(4);
    assert!(done.stderr.contains("third/lib"), "{done:?}");
    home.run_in(repo.at("third/lib").as_ref(), &["search", "libfn"])
        .expect(4);
    let mut agent = Agent::with(&home, &lib, &["--watch"], None);
    let found = agent.good("search", json!({"query": "libfn"}));
    assert!(found.starts_with("lib.py"), "{found}");
}

#[test]
fn watch_in_a_folder_of_a_watched_repository_adds_nothing() {
    let (home, repo) = (Home::new(), repository());
    let _stop = Stop(&home);
    // Without a path the whole work tree is meant.
    let src = repo.at("src");
    let done = home.run_in(src.as_ref(), &["watch"]).expect(0);
    assert_eq!(
        home.status()["repositories"][0]["path"],
        root(&repo),
        "{done:?}"
    );
    // Nor is a folder of one without git added, unless it is named.
    let plain = Repo::package();
    home.run(&["watch", &plain.at("")]).expect(0);
    let named = home.run(&["watch", &src]).expect(0);
    let here = home.run_in(plain.at("src/shop").as_ref(), &["watch"]);
    for done in [named, here.expect(0)] {
        assert!(
            done.stderr.contains("already watched as part of"),
            "{done:?}"
        );
    }
    assert_eq!(home.status()["repositories"].as_array().unwrap().len(), 2);
}

#[test]
fn a_server_started_outside_requests_roots_or_says_how_to_name_the_folder() {
    let (home, repo) = (Home::new(), repository());
    let _stop = Stop(&home);
    let address = format!("file://{}", root(&repo));
    let own = home.temp().parent().unwrap().join("home");
    let own = own.to_str().unwrap();
    for folder in ["/", own] {
        let mut agent = Agent::with(&home, folder, &["--watch"], None);
        let text = agent.bad("get_status", json!({}));
        assert!(
            text.contains("--root PATH") && text.contains("`repository`"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        let mut agent = Agent::with(&home, folder, &["--watch"], Some(&[&address]));
        let text = agent.good("get_overview", json!({}));
        assert!(text.starts_with(&format!("# {} (", root(&repo))), "{text}");
        // Once it is watched, the answer names it, and the name is enough.
        let mut agent = Agent::start(&home, folder);
        let text = agent.bad("get_overview", json!({}));
        assert!(text.contains(&root(&repo)), "{text}");
        let name = root(&repo);
        let name = name.rsplit('/').next().unwrap();
        for repository in [name, &root(&repo), &address] {
            agent.good("get_overview", json!({"repository": repository}));
        }
        let path = repo.at("src/shop/cart.py");
        agent.good("get_summary", json!({"paths": [path]}));
        let text = agent.bad("get_overview", json!({"repository": "nowhere"}));
        assert!(
            text.contains("nowhere") && text.contains(&root(&repo)),
            "{text}"
        );
    }
    for arguments in [
        &["--root", &root(&repo)][..],
        &["--root", &address],
        &[&address],
    ] {
        let mut agent = Agent::with(&home, "/", arguments, None);
        agent.good("get_overview", json!({}));
    }
    // An empty variable of a client's configuration is no folder; a root that does not exist here is named.
    let mut agent = Agent::with(&home, &root(&repo), &["--root", ""], None);
    agent.good("get_overview", json!({}));
    for address in ["file:///no/such/root", "vscode-remote://host/work"] {
        let mut agent = Agent::with(&home, "/", &["--watch"], Some(&[address]));
        let text = agent.bad("get_overview", json!({}));
        assert!(
            text.contains(&format!("root {address} is no folder here")),
            "{text}"
        );
    }
    for arguments in [
        &["--watch", "${workspaceFolder}"][..],
        &["--root", "/no/such/folder"],
    ] {
        let mut agent = Agent::with(&home, "/", arguments, None);
        let text = agent.bad("get_overview", json!({}));
        assert!(
            text.contains(arguments[1]) && text.contains("`repository`"),
            "{text}"
        );
    }
}

#[test]
fn the_first_call_waits_for_the_daemon_and_the_first_scan() {
    let (home, repo) = (Home::new(), repository());
    let _stop = Stop(&home);
    let mut agent = Agent::with(&home, &repo.at(""), &["--watch"], None);
    let text = agent.good("get_overview", json!({}));
    assert!(
        text.contains("(12 files, 6 directories)") || text.contains("(12 files, 7 directories)"),
        "{text}"
    );
    // It died: the next call starts another one.
    let kill = || {
        let pid = home.status()["pid"].as_i64().unwrap();
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        until("its end", || {
            home.try_http("GET", "/v1/status", "").is_err()
        });
    };
    kill();
    agent.good("get_summary", json!({"paths": ["src"]}));
    // It was unwatched: it is watched again.
    home.run(&["unwatch", &repo.at("")]).expect(0);
    agent.good("get_summary", json!({"paths": ["src"]}));
    // Without --watch the answer says how.
    let mut plain = Agent::start(&home, &repo.at(""));
    plain.good("get_summary", json!({"paths": ["src"]}));
    kill();
    let text = plain.bad("get_summary", json!({"paths": ["src"]}));
    assert!(text.contains("no daemon runs"), "{text}");
    agent.good("get_summary", json!({"paths": ["src"]}));
    plain.good("get_summary", json!({"paths": ["src"]}));
}

#[test]
fn a_folder_that_is_moved_or_deleted_under_an_agent_is_followed_or_named() {
    let home = Home::new();
    let _stop = Stop(&home);
    let at = |name: &str| home.temp().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("first")).unwrap();
    std::fs::write(at("first") + "/a.py", "A = 1\n").unwrap();
    let mut agent = Agent::with(&home, &at("first"), &["--watch"], None);
    agent.good("get_overview", json!({}));
    std::fs::rename(at("first"), at("second")).unwrap();
    let text = agent.good("get_overview", json!({}));
    assert!(text.contains("/second (1 file, "), "{text}");
    std::fs::remove_dir_all(at("second")).unwrap();
    let text = agent.bad("get_overview", json!({}));
    assert!(text.contains("is gone: name it with"), "{text}");
    // A folder without files says so.
    std::fs::create_dir(at("empty")).unwrap();
    let mut agent = Agent::with(&home, &at("empty"), &["--watch"], None);
    for tool in ["get_overview", "list_tree", "get_status"] {
        let text = agent.good(tool, json!({}));
        assert!(text.contains("there are no files"), "{tool}: {text}");
        assert!(!text.contains("switched off"), "{tool}: {text}");
    }
}

#[test]
fn a_daemon_killed_under_an_agent_is_replaced_within_the_call() {
    let (home, repo) = (Home::new(), repository());
    let _stop = Stop(&home);
    let mut agent = Agent::with(&home, &root(&repo), &["--watch"], None);
    agent.good("get_overview", json!({}));
    for _ in 0..3 {
        let pid = home.status()["pid"].as_i64().unwrap();
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        // The call may meet the daemon while it ends.
        kill_process(pid, Signal::KILL).unwrap();
        let text = agent.good("get_overview", json!({}));
        assert!(text.contains("## Top folders"), "{text}");
    }
}

#[test]
fn a_folder_that_is_left_out_is_not_answered_from_around() {
    let config = "[watch]\nsettle_ms = 20\n\n[files]\nexclude = [\"left/\"]\n";
    let (home, repo) = (Home::with(config), repository());
    repo.write(".gitignore", "build/\n");
    repo.write("src/.gitignore", "\n/out/\n");
    repo.write(".git/info/exclude", "private/\n");
    repo.write(".epitomeignore", "quiet/\n");
    let rows = [
        ("build/deep", ".gitignore:1"),
        ("src/out", "src/.gitignore:2"),
        ("private", "info/exclude:1"),
        ("quiet", ".epitomeignore:1"),
        ("left", "[files] exclude"),
        ("web/node_modules/x", "left out by default"),
        (".git/info", "part of git's own data"),
    ];
    for (folder, _) in rows {
        repo.write(&format!("{folder}/cart.py"), "class Cart:\n    pass\n");
    }
    // A tracked file makes the folder part of the map, and a new folder is no ignored one.
    repo.write("kept/build/cart.py", "class Cart:\n    pass\n");
    repo.git(&["add", "-f", "kept/build/cart.py"]);
    fs::create_dir(repo.at("new")).unwrap();
    let _stop = Stop(&home);
    home.run(&["watch", &repo.at("")]).expect(0);
    home.wait(&repo);
    let root = root(&repo);
    for (at, (folder, rule)) in rows.into_iter().enumerate() {
        let path = repo.at(folder);
        let mut agent = Agent::with(&home, &path, &["--watch"], None);
        let refusal = agent.bad("get_overview", json!({}));
        for part in [path.as_str(), rule, &format!("\"repository\": \"{root}\"")] {
            assert!(refusal.contains(part), "{folder}: {refusal}");
        }
        assert_eq!(refusal.lines().count(), 1, "{refusal}");
        if at > 0 {
            continue;
        }
        for (tool, arguments) in [
            ("get_summary", json!({"paths": ["src"]})),
            ("get_summary", json!({"paths": ["cart.py"]})),
            ("list_tree", json!({})),
            ("search", json!({"query": "Cart"})),
            ("list_changes", json!({})),
            ("get_status", json!({})),
            ("get_overview", json!({"repository": path})),
        ] {
            assert!(agent.bad(tool, arguments).contains(rule), "{tool}");
        }
        // What names the repository is answered.
        agent.good("get_overview", json!({"repository": root}));
        let named = [repo.at("src/shop/cart.py")];
        agent.good("get_summary", json!({"paths": named}));
        let address = format!("file://{root}");
        let mut agent = Agent::with(&home, &path, &[], Some(&[&address]));
        agent.good("get_overview", json!({}));
        for verb in [
            &["show"][..],
            &["show", "Cart"],
            &["tree"],
            &["search", "Cart"],
            &["wait"],
            &["index"],
            &["index", "--dry-run"],
            &["log"],
            &["diff"],
            &["export", "--format", "index", "--output", "-"],
            &["watch"],
        ] {
            let done = home.run_in(path.as_ref(), verb);
            assert_eq!(done.code, Some(1), "{verb:?}: {done:?}");
            let says = done.stderr.contains(rule) || verb[0] == "export";
            assert!(says && done.stdout.is_empty(), "{verb:?}: {done:?}");
        }
    }
    for folder in ["kept/build", "new"] {
        let mut agent = Agent::start(&home, &repo.at(folder));
        agent.good("get_overview", json!({}));
    }
    assert_eq!(home.status()["repositories"].as_array().unwrap().len(), 1);
    let done = home.run(&["watch", &repo.at(".git/info")]);
    assert!(done.stderr.contains("git's own data"), "{done:?}");
    // Named, it is watched by itself, and then it has its own answers.
    let build = repo.at("build");
    home.run(&["watch", &build]).expect(0);
    let mut agent = Agent::start(&home, &repo.at("build/deep"));
    let found = agent.good("search", json!({"query": "Cart"}));
    assert!(found.starts_with("deep/cart.py"), "{found}");
    home.run_in(build.as_ref(), &["search", "Cart"]).expect(0);
}

#[test]
fn an_agent_in_an_ignored_folder_does_not_have_the_repository_watched() {
    let (home, repo) = (Home::new(), repository());
    repo.write(".gitignore", "build/\n");
    repo.write("build/cart.py", "class Cart:\n    pass\n");
    let _stop = Stop(&home);
    let mut agent = Agent::with(&home, &repo.at("build"), &["--watch"], None);
    let refusal = agent.bad("get_overview", json!({}));
    assert!(refusal.contains(".gitignore:1"), "{refusal}");
    assert_eq!(home.status()["repositories"].as_array().unwrap().len(), 0);
    agent.good("get_overview", json!({"repository": root(&repo)}));
}

#[test]
fn a_work_tree_and_its_main_checkout_edited_at_once_share_what_is_equal() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), repository());
    let _stop = Stop(&home);
    let tree = home.temp().canonicalize().unwrap().join("tree");
    let tree = tree.to_str().unwrap();
    repo.git(&["worktree", "add", "-q", tree, "-b", "x"]);
    let mut main = Agent::with(&home, &root(&repo), &["--watch"], None);
    main.good("get_status", json!({"wait_fresh_ms": 40_000}));
    let first = model.count();
    let mut other = Agent::with(&home, tree, &["--watch"], None);
    let fresh = |agent: &mut Agent| {
        let text = agent.good("get_status", json!({"wait_fresh_ms": 40_000}));
        assert!(text.contains("summaries are fresh"), "{text}");
    };
    fresh(&mut other);
    // The root's summary names no folder, so that even it is the same.
    assert_eq!(model.count(), first, "a second work tree costs nothing");
    for (ours, theirs, both) in [
        ("walrus", "zebra", "ferry"),
        ("quartz", "umbrella", "violin"),
        ("jigsaw", "kettle", "lemon"),
    ] {
        let function = |name: &str| format!("def {name}():\n    return \"{name}\"\n");
        let both = function(both);
        repo.write("src/shop/both.py", &both);
        fs::write(format!("{tree}/src/shop/both.py"), &both).unwrap();
        repo.write("tests/only.py", function(ours));
        fs::write(format!("{tree}/tests/only.py"), function(theirs)).unwrap();
        fresh(&mut main);
        fresh(&mut other);
        for (agent, own, foreign) in [(&mut main, ours, theirs), (&mut other, theirs, ours)] {
            let found = agent.good("search", json!({"query": own}));
            assert!(found.starts_with("tests/only.py"), "{found}");
            let none = agent.good("search", json!({"query": foreign}));
            assert!(none.starts_with("No results"), "{none}");
            let changes = agent.good("list_changes", json!({}));
            assert!(changes.contains("2 files changed"), "{changes}");
        }
    }
    let mut subjects: Vec<String> = model.requests().iter().map(Request::subject).collect();
    let all = subjects.len();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), all, "something was requested twice");
}

#[test]
fn git_s_environment_changes_nothing() {
    let (home, one, other) = (Home::new(), repository(), repository());
    other.write("b_only.py", "B = 1\n");
    other.commit("second");
    let _daemon = home.daemon(&[&one.at("")]);
    one.write("src/shop/new.py", "NEW = 1\n");
    home.wait(&one);
    let git = other.at(".git");
    for variables in [
        &[("GIT_DIR", &*git), ("GIT_WORK_TREE", &*root(&other))][..],
        &[("GIT_DIR", &git)],
        &[("GIT_INDEX_FILE", "/nonexistent")],
        &[("GIT_OBJECT_DIRECTORY", "/nonexistent")],
        &[("GIT_COMMON_DIR", &git)],
    ] {
        let mut command = home.command(&["mcp"]);
        command
            .current_dir(one.at(""))
            .envs(variables.iter().copied());
        let mut agent = Agent::run(command, None);
        let text = agent.good("list_changes", json!({"since": "HEAD"}));
        assert!(
            text.starts_with("1 file changed since HEAD.\nadded src/shop/new.py"),
            "{variables:?}: {text}"
        );
    }
}

#[test]
fn changes_in_submodules_and_nested_repositories_are_listed() {
    let (home, repo, library) = (Home::new(), repository(), Repo::new());
    library.init();
    library.write("file.c", "int a;\n");
    library.write("other.c", "int b;\n");
    library.commit("library");
    let address = root(&library);
    repo.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        &address,
        "sub",
    ]);
    repo.commit("with a submodule");
    let within = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(repo.at("sub"))
            .args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        assert!(command.args(arguments).status_alone().unwrap().success());
    };
    repo.write("sub/file.c", "int a2;\n");
    within(&["commit", "-qam", "changed"]);
    repo.commit("the submodule moved");
    repo.write("sub/other.c", "int b2;\n");
    repo.git(&["init", "-q", "nested"]);
    repo.write("nested/new.py", "NEW = 1\n");
    repo.write("plain.py", "PLAIN = 1\n");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut agent = Agent::start(&home, &repo.at(""));
    let text = agent.good("list_changes", json!({"since": "HEAD~1"}));
    for line in [
        "modified sub/file.c",
        "modified sub/other.c",
        "added nested/new.py",
        "added plain.py",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.starts_with("4 files"), "{text}");
    let text = agent.good("list_changes", json!({}));
    assert!(
        text.starts_with("3 files changed since the last commit"),
        "{text}"
    );
}

#[test]
fn a_change_list_has_the_files_of_the_map_and_no_others() {
    let (home, repo) = (
        Home::with("[watch]\nsettle_ms = 20\n\n[files]\nexclude = [\"left/\"]\n"),
        Repo::new(),
    );
    repo.init();
    repo.write(".gitignore", "config/*\n*.gen\n");
    repo.write(".epitomeignore", "quiet/\n");
    // Path, whether git tracks it, whether it is in the map.
    let rows = [
        ("app.py", true, true),
        ("config/default.yml", true, true),
        ("config/local.yml", false, false),
        ("x.gen", false, false),
        ("tracked.gen", true, true),
        ("left/a.py", true, false),
        ("quiet/a.py", true, false),
        ("node_modules/own/a.js", true, true),
        ("node_modules/other/a.js", false, false),
        ("new.py", false, true),
        ("new.py~", false, false),
    ];
    let write = |text: &str| rows.map(|(path, ..)| repo.write(path, text));
    write("x = 1\n");
    for (path, ..) in rows.iter().filter(|row| row.1) {
        repo.git(&["add", "-f", path]);
    }
    repo.git(&["commit", "-q", "-m", "one"]);
    write("x = 2\n");
    repo.git(&["commit", "-q", "-am", "two"]);
    write("x = 3\n");
    let root = repo.at("");
    let _daemon = home.daemon(&[&root]);
    home.wait(&repo);
    let tree = home.node(&root, 9);
    let map = paths(&tree);
    let mut agent = Agent::start(&home, &root);
    for since in [
        json!({}),
        json!({"since": "HEAD~1"}),
        json!({"since": "1h"}),
    ] {
        let text = agent.good("list_changes", since.clone());
        for (path, _, expected) in rows {
            assert_eq!(map.contains(&path), expected, "{path}: {map:?}");
            let listed = text.lines().any(|line| {
                let second = line.split(' ').nth(1);
                second.is_some_and(|word| word.trim_end_matches([':', ',']) == path)
            });
            assert_eq!(listed, expected, "{path} since {since}: {text}");
        }
    }
}

#[test]
fn a_change_list_says_precisely_why_there_is_none() {
    let (home, repo, plain) = (Home::new(), repository(), Repo::package());
    repo.write("src/shop/cart.py", "A = 2\n");
    repo.commit("second");
    let shallow = home.temp().join("shallow");
    let from = format!("file://{}", root(&repo));
    let shown = shallow.to_str().unwrap();
    repo.git(&["clone", "-q", "--depth", "1", &from, shown]);
    let empty = Repo::new();
    empty.init();
    empty.write("a.py", "A = 1\n");
    let orphan = home.temp().join("orphan").to_str().unwrap().to_owned();
    let main = Repo::new();
    main.init();
    main.write("a.py", "A = 1\n");
    main.commit("one");
    main.git(&["worktree", "add", "-q", &orphan]);
    std::fs::remove_dir_all(main.at(".git")).unwrap();
    let bare = Repo::new();
    let bare_git = bare.at(".bare");
    repo.git(&["clone", "-q", "--bare", &from, &bare_git]);
    bare.write(".git", "gitdir: ./.bare\n");
    let all = [
        repo.at(""),
        plain.at(""),
        shown.to_owned(),
        empty.at(""),
        orphan,
        bare.at(""),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let _daemon = home.daemon(&all);
    home.run(&["wait", shown, "--timeout", "35"]).expect(0);
    for (folder, since, says) in [
        (all[0], "no-such-branch", "neither a revision"),
        (all[0], "HEAD~5", "neither a revision"),
        (all[0], "--output=x", "is no revision and no time"),
        (all[1], "HEAD", "is in no git repository"),
        (all[2], "HEAD~5", "shallow clone"),
        (all[3], "HEAD~1", "no commit yet"),
        (
            all[4],
            "HEAD",
            "which is not there: it was moved or deleted",
        ),
        (all[5], "HEAD", "is a bare repository"),
        (all[0], "2099-01-01", "is in the future"),
    ] {
        let mut agent = Agent::start(&home, folder);
        let text = agent.bad("list_changes", json!({"since": since}));
        assert!(text.contains(says), "{folder} {since}: {text}");
    }
    let mut command = home.command(&["mcp"]);
    command.current_dir(repo.at("")).env("PATH", "/nonexistent");
    let mut agent = Agent::run(command, None);
    let text = agent.bad("list_changes", json!({"since": "HEAD"}));
    assert!(text.contains("git is not installed"), "{text}");
    let mut agent = Agent::start(&home, all[3]);
    let text = agent.good("list_changes", json!({}));
    assert!(text.contains("added a.py"), "{text}");
    // A time is a time in many forms; new files are new by time, too.
    let mut agent = Agent::start(&home, all[0]);
    repo.write("src/shop/newer.py", "NEW = 1\n");
    agent.good("get_status", json!({"wait_fresh_ms": 30_000}));
    for since in [
        "1h",
        "yesterday",
        "2 hours ago",
        "2020-11-27 13:00",
        "2020-01-31",
        "monday",
        "31 Jan 2020",
    ] {
        let text = agent.good("list_changes", json!({"since": since}));
        assert!(text.contains("added src/shop/newer.py"), "{since}: {text}");
    }
    // What was deleted before that time is no change since then.
    std::fs::remove_file(repo.at("src/shop/newer.py")).unwrap();
    std::fs::remove_file(repo.at("README.md")).unwrap();
    let text = agent.good("list_changes", json!({"since": "1h"}));
    assert!(text.contains("deleted README.md"), "{text}");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
    let folder = std::fs::File::open(repo.at("")).unwrap();
    folder.set_modified(old).unwrap();
    let text = agent.good("list_changes", json!({"since": "1h"}));
    assert!(!text.contains("deleted README.md"), "{text}");
}
