//! Which files are in the tree, and which of them are requested.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::harness::{FakeModel, Home, Repo, find, paths, until};

const QUICK: &str = "[watch]\nsettle_ms = 20\n";

/// The files in the tree after a wait.
#[track_caller]
fn files(home: &Home, root: &str) -> BTreeSet<String> {
    home.run(&["wait", root, "--timeout", "35"]).expect(0);
    let tree = home.node(root, 99);
    let is_file = |path: &&str| find(&tree, path)["kind"] == "file";
    paths(&tree)
        .into_iter()
        .filter(is_file)
        .map(str::to_owned)
        .collect()
}

fn set<const N: usize>(paths: [&str; N]) -> BTreeSet<String> {
    paths.into_iter().map(str::to_owned).collect()
}

fn excluded(status: &Value, rule: &str) -> u64 {
    let rules = status["repositories"][0]["excluded"].as_array().unwrap();
    let mut found = rules.iter().filter(|one| one["rule"] == rule);
    found.next().map_or(0, |one| one["files"].as_u64().unwrap())
}

#[test]
fn installed_and_generated_folders_are_left_out_by_markers() {
    let (home, repo) = (Home::with(QUICK), Repo::new());
    repo.write("app.py", "x = 1\n");
    for path in [
        "env/pyvenv.cfg",
        "env/lib/pip/a.py",
        "node_modules/left-pad/index.js",
        "web/node_modules/a/b.js",
        "out/CACHEDIR.TAG",
        "out/x.txt",
        "pkg/__pycache__/a.txt",
        "target/.rustc_info.json",
        "target/debug/x.rs",
        ".svn/pristine/ab/a.svn-base",
        ".hg/hgrc",
        "CVS/Root",
        "_darcs/pristine/a",
        ".jj/repo/a",
        ".bzr/a",
        ".pijul/a",
        ".sl/a",
        ".repo/a",
        "bare.git/HEAD",
        "bare.git/objects/ab/cd",
        "bare.git/refs/heads/main",
        "app.py~",
        "#app.py#",
        "app.py.orig",
        ".app.py.swp",
        ".~lock.a.odt#",
        ".DS_Store",
        "java/pom.xml",
        "java/target/A.java",
        "docs/_build/html/index.html",
        "docs/_build/html/.buildinfo",
        "web/_site/index.html",
        "py/build/lib/pkg/a.py",
        "wheel/build/bdist.linux-x86_64/a.txt",
        "wheel/build/lib/a.py",
        ".pixi/envs/default/a.py",
        ".fslckout",
        "a.py.save",
        "coverage/lcov.info",
        ".coverage",
        ".eslintcache",
        "cmake-build-debug/CMakeCache.txt",
        "cmake-build-debug/x.c",
    ] {
        repo.write(path, "x = 1\n");
    }
    let kept = [
        "app.py",
        "java/pom.xml",
        "docs/conf.py",
        "web/_config.yml",
        "py/setup.py",
        "other/_build/x.py",
        "other/build/lib/x.py",
    ];
    for path in kept {
        repo.write(path, "x = 1\n");
    }
    let root = repo.at("");
    let _daemon = home.daemon(&[&root]);
    assert_eq!(files(&home, &root), set(kept));
    let status = home.status();
    assert_eq!(excluded(&status, "virtual environment"), 3, "{status}");
    assert_eq!(excluded(&status, "installed packages"), 2, "{status}");
    assert_eq!(excluded(&status, "editor file"), 6, "{status}");
    let found = home.json(&["search", "x", "--path", &root, "--json"]);
    let hits = found["hits"].as_array().unwrap();
    let known = |hit: &Value| {
        let path = hit["path"].as_str().unwrap();
        kept.iter().any(|kept| kept.starts_with(path))
    };
    assert!(hits.iter().all(known), "{found}");

    // A marker that appears or disappears takes effect at once.
    repo.remove("env/pyvenv.cfg");
    assert!(files(&home, &root).contains("env/lib/pip/a.py"));
    repo.write("env/pyvenv.cfg", "home = /usr\n");
    assert!(!files(&home, &root).contains("env/lib/pip/a.py"));

    let shown = home.run(&["show", &repo.at("node_modules/left-pad/index.js")]);
    let shown = shown.expect(1).stderr;
    assert!(shown.contains("installed packages"), "{shown}");
}

#[test]
fn defaults_can_be_switched_off_and_never_hide_what_git_tracks() {
    let (home, repo) = (Home::with(QUICK), Repo::new());
    repo.init();
    repo.write(".gitignore", "config/*\n*.gen\n/deep/\n");
    for path in [
        "a.py",
        "config/default.yml",
        "config/local.yml",
        "x.gen",
        "deep/er/kept.py",
        "deep/er/other.py",
        "node_modules/own/a.js",
        "node_modules/other/a.js",
        "venv/pyvenv.cfg",
        "venv/own.py",
        "venv/lib/a.py",
        "b.py~",
    ] {
        repo.write(path, "x = 1\n");
    }
    repo.git(&[
        "add",
        "-f",
        "a.py",
        "config/default.yml",
        "deep/er/kept.py",
        "node_modules/own/a.js",
        "venv/own.py",
        "b.py~",
    ]);
    let root = repo.at("");
    let _daemon = home.daemon(&[&root]);
    let tracked = [
        "a.py",
        ".gitignore",
        "config/default.yml",
        "deep/er/kept.py",
        "node_modules/own/a.js",
        "venv/own.py",
        "b.py~",
    ];
    assert_eq!(files(&home, &root), set(tracked));
    for (path, reason) in [
        ("config/local.yml", ".gitignore:1"),
        ("x.gen", ".gitignore:2"),
        ("deep/er/other.py", ".gitignore:3"),
        ("venv/lib/a.py", "virtual environment"),
        ("none.py", "no such file"),
    ] {
        let error = home.run(&["show", &repo.at(path)]).expect(1).stderr;
        assert!(error.contains(path) && error.contains(reason), "{error}");
    }
    // The index changes under the daemon.
    repo.git(&["add", "-f", "config/local.yml"]);
    assert!(files(&home, &root).contains("config/local.yml"));
    repo.git(&[
        "rm",
        "-q",
        "--cached",
        "config/local.yml",
        "deep/er/kept.py",
    ]);
    let now = files(&home, &root);
    assert!(
        !now.contains("config/local.yml") && !now.contains("deep/er/kept.py"),
        "{now:?}"
    );

    let home = Home::with(&format!("{QUICK}[files]\ndefaults = false\n"));
    let _daemon = home.daemon(&[&root]);
    let all = files(&home, &root);
    for path in ["node_modules/other/a.js", "venv/lib/a.py"] {
        assert!(all.contains(path), "{path}: {all:?}");
    }
    assert!(!all.contains("x.gen"));
}

#[test]
fn linked_work_trees_are_not_in_the_tree_of_their_repository() {
    let (home, repo) = (Home::with(QUICK), Repo::new());
    repo.init();
    repo.write("src/a.py", "x = 1\n");
    repo.commit("one");
    let root = repo.at("");
    let _daemon = home.daemon(&[&root]);
    assert_eq!(files(&home, &root), set(["src/a.py"]));
    repo.git(&["worktree", "add", "-q", ".claude/worktrees/w", "-b", "w"]);
    assert_eq!(files(&home, &root), set(["src/a.py"]));
    // By itself, it is a repository like any other.
    let linked = repo.at(".claude/worktrees/w");
    home.run(&["watch", &linked]).expect(0);
    assert_eq!(files(&home, &linked), set(["src/a.py"]));
}

#[test]
fn files_written_by_epitome_are_never_in_the_tree() {
    let (home, repo) = (
        Home::with(&format!("{QUICK}[export]\ndir = \"map\"\n")),
        Repo::package(),
    );
    let root = repo.at("");
    let daemon = home.daemon(&[&root]);
    let before = files(&home, &root);
    drop(daemon);
    assert!(fs::exists(repo.root().join("map/src/index.json")).unwrap());
    // A colleague has the export, and no such key in the configuration; and a store of another place.
    let other = Home::with(QUICK);
    let store = repo.at(".epi2");
    home.run(&["--data-dir", &store, "index", &root]).expect(0);
    repo.write("web/index.json", "{\"path\": \"x\"}\n");
    let _daemon = other.daemon(&[&root]);
    let mut expected = before;
    expected.insert("web/index.json".to_owned());
    assert_eq!(files(&other, &root), expected);
    // An export into the tree is not in the next one.
    for _ in 0..2 {
        let output = repo.at("docs/idx");
        other
            .run(&["export", &root, "--format", "index", "--output", &output])
            .expect(0);
        assert_eq!(files(&other, &root), expected);
    }
    assert!(!fs::exists(repo.root().join("docs/idx/docs/idx")).unwrap());
}

#[test]
fn ai_ignore_files_keep_content_from_the_model_but_not_from_the_tree() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "quiet_ms = 0");
    let repo = Repo::new();
    repo.write("app.py", "x = 1\n");
    repo.write("customers/list.csv", "name,secretvalue\nAda,1\n");
    repo.write(
        "customers/deep/load.py",
        "def load_customers():\n    return 'secretvalue'\n",
    );
    repo.write("notes/a.md", "# secretvalue\n");
    repo.write(".cursorignore", "# none of these\ncustomers/\n");
    repo.write("notes/.aiexclude", "*.md\n");
    let _daemon = home.watching(&repo);
    for request in model.requests() {
        assert!(
            !request.content.contains("secretvalue"),
            "{}",
            request.content
        );
        assert!(
            !request.content.contains("load_customers"),
            "{}",
            request.content
        );
    }
    let node = home.node(&repo.at("customers/deep/load.py"), 0);
    assert_eq!(node["model"], "offline", "{node}");
    assert_eq!(node["freshness"], "fresh", "{node}");
    assert_eq!(node["withheld"], ".cursorignore:2", "{node}");
    assert!(node["elements"][0]["name"] == "load_customers", "{node}");
    let node = home.node(&repo.at("notes/a.md"), 0);
    assert_eq!(node["withheld"], "notes/.aiexclude:1", "{node}");
    // A change of withheld content costs nothing, and one of the rules takes effect at once.
    let before = model.count();
    repo.write("customers/list.csv", "name,secretvalue\nBob,1\n");
    home.wait(&repo);
    assert_eq!(model.count(), before);
    repo.write("notes/.aiexclude", "# nothing\n");
    home.wait(&repo);
    assert!(
        model
            .requests()
            .iter()
            .any(|request| request.content.contains("# secretvalue"))
    );
}

#[test]
fn generated_and_data_files_get_a_line_by_rule() {
    let model = FakeModel::new();
    let repo = Repo::new();
    repo.write("src/app.py", "def run():\n    pass\n");
    let rows = [
        (
            "package-lock.json",
            "{\"lockfileVersion\": 3, \"packages\": {}}\n",
            "Lock file",
        ),
        ("app.min.js", "function a(){return 1}\n", "Minified"),
        (
            "api_pb2.py",
            "# Generated by the protocol buffer compiler.  DO NOT EDIT!\nX = 1\n",
            "Generated",
        ),
        ("gen/plain.py", "X = 1\n", "Generated"),
        ("lib/copy.py", "X = 1\n", "Copy of another project"),
        ("third_party/z.c", "int z;\n", "Copy of another project"),
        (
            "locale/de.po",
            "msgid \"a\"\nmsgstr \"b\"\n",
            "Translations",
        ),
        ("data.csv", "a,b\n1,2\n", "Data"),
        ("logo.svg", "<svg xmlns=\"x\"/>\n", "Image"),
        (
            "ca.crt",
            "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n",
            "Certificate",
        ),
    ];
    for (path, text, _) in rows {
        repo.write(path, text);
    }
    repo.write(
        ".gitattributes",
        "gen/** linguist-generated\nlib/* linguist-vendored\nreal_pb2.py -linguist-generated\n",
    );
    repo.write("real_pb2.py", "def by_hand():\n    pass\n");
    let home = Home::with_model(&model, "quiet_ms = 0");
    let daemon = home.watching(&repo);
    for (path, _, line) in rows {
        let node = home.node(&repo.at(path), 0);
        assert_eq!(node["model"], "offline", "{node}");
        assert!(node["line"].as_str().unwrap().starts_with(line), "{node}");
    }
    assert_ne!(home.node(&repo.at("real_pb2.py"), 0)["model"], "offline");
    // Changed attributes take effect at once.
    repo.write(".gitattributes", "lib/* linguist-vendored\n");
    home.wait(&repo);
    assert_ne!(home.node(&repo.at("gen/plain.py"), 0)["model"], "offline");
    assert_eq!(home.node(&repo.at("real_pb2.py"), 0)["model"], "offline");
    drop(daemon);
    let config = fs::read_to_string(home.config()).unwrap();
    home.configure(&format!("{config}\n[files]\ngenerated = \"summarize\"\n"));
    let _daemon = home.watching(&repo);
    for (path, ..) in rows {
        assert_ne!(home.node(&repo.at(path), 0)["model"], "offline", "{path}");
    }
}

#[test]
fn a_large_first_index_waits_for_confirmation() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "\n[budget]\nconfirm_above = 5");
    let repo = Repo::new();
    for number in 0..6 {
        repo.write(&format!("f{number}.py"), format!("x = {number}\n"));
    }
    let root = repo.at("");
    let refused = home.run(&["index", &root]).expect(1).stderr;
    assert!(
        refused.contains("7 requests") && refused.contains("--yes"),
        "{refused}"
    );
    let daemon = home.daemon(&[&root]);
    let waited = home
        .run(&["wait", &root, "--timeout", "35"])
        .expect(0)
        .stderr;
    assert!(waited.contains("confirm"), "{waited}");
    let repository = &home.status()["repositories"][0];
    assert_eq!(repository["state"], "awaiting_confirmation");
    assert_eq!(repository["awaiting_confirmation"], 7);
    assert_eq!(model.count(), 0);
    home.run(&["watch", "--yes", &root]).expect(0);
    home.wait(&repo);
    assert_eq!(model.count(), 7);
    assert_eq!(home.status()["repositories"][0]["state"], "idle");
    drop(daemon);
    // A confirmation is kept, and the offline provider needs none.
    for number in 0..6 {
        repo.write(&format!("f{number}.py"), format!("y = {number}\n"));
    }
    let daemon = home.watching(&repo);
    assert_eq!(model.count(), 14);
    drop(daemon);
    let other = Home::with_model(&model, "\n[budget]\nconfirm_above = 5");
    other.run(&["index", "--yes", &root]).expect(0);
    let free = Home::with("[budget]\nconfirm_above = 1\n");
    free.run(&["index", &root]).expect(0);
}

#[test]
fn a_file_that_changes_again_and_again_is_named_and_requested_less_often() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "quiet_ms = 50");
    let repo = Repo::new();
    repo.write("a/stamp.py", "x = 0\n");
    let root = repo.at("");
    let _daemon = home.watching(&repo);
    let mut number = 0;
    let before = model.count();
    // Each state is requested before other files that are saved later, as long as it is requested as usual.
    let requested = |text: &str| {
        model
            .requests()
            .iter()
            .any(|one| one.content.contains(text))
    };
    until("the file is hot", || {
        number += 1;
        let text = format!("x = {number}0001");
        repo.write("a/stamp.py", &text);
        for later in 0..3 {
            let other = format!("y = {number}000{later}");
            repo.write(&format!("b/other{number}_{later}.py"), &other);
            until("a file that is not hot is requested", || requested(&other));
        }
        !requested(&text)
    });
    assert!(number < 12, "{number}");
    let hot = &home.status()["repositories"][0]["hot"][0];
    assert_eq!(hot["path"], "a/stamp.py");
    assert!(hot["requests_today"].as_u64().unwrap() >= 3, "{hot}");
    let requests = &model.requests()[before..];
    let stamps = requests.iter().filter(|one| one.content.contains("x = "));
    assert!(stamps.count() < number);
    // A wait ends the pause.
    home.wait(&repo);
    assert_eq!(home.node(&root, 0)["freshness"], "fresh");
}

#[test]
fn status_says_that_git_holds_the_index_and_the_change_is_seen_anyway() {
    let (home, repo) = (Home::with(QUICK), Repo::new());
    repo.init();
    repo.write("a.py", "x = 1\n");
    repo.commit("one");
    let _daemon = home.watching(&repo);
    repo.write(".git/index.lock", "");
    repo.write("a.py", "def added():\n    pass\n");
    until("status names the lock", || {
        let notes = home.status()["repositories"][0]["notes"].to_string();
        notes.contains(".git/index.lock exists")
    });
    home.wait(&repo);
    let elements = home.node(&repo.at("a.py"), 0)["elements"].to_string();
    assert!(elements.contains("added"), "{elements}");
}

#[test]
fn a_change_log_costs_a_request_only_where_its_head_changes() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "quiet_ms = 0");
    let repo = Repo::new();
    let entry = |number: u32| format!("## {number}.0\n\n- Changed the step number {number}.\n\n");
    let log: String = (0..500).rev().map(entry).collect();
    repo.write("CHANGELOG.md", &log);
    let _daemon = home.watching(&repo);
    let before = model.count();
    repo.write(
        "CHANGELOG.md",
        log.replace("step number 7.", "seventh step."),
    );
    home.wait(&repo);
    repo.write("CHANGELOG.md", log.replace('\n', "\r\n"));
    home.wait(&repo);
    assert_eq!(model.count(), before);
    let headings = home.node(&repo.at("CHANGELOG.md"), 0)["elements"].to_string();
    assert!(headings.contains("\"7.0\""), "{headings}");
    repo.write("CHANGELOG.md", format!("{}{log}", entry(500)));
    home.wait(&repo);
    assert_eq!(model.since(before).0, 1);
}
