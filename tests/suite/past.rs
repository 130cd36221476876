//! `diff` and `log`: earlier summaries, from the commits of git and what is stored.

use std::fs;

use serde_json::Value;

use crate::harness::{FakeModel, Home, Repo};

/// Three commits, and changes that are not committed.
fn history() -> Repo {
    let repo = Repo::new();
    repo.init();
    repo.write("src/cart.py", "\"\"\"Totals are rounded up.\"\"\"\n");
    repo.write("src/old.py", "\"\"\"Old things of the shop.\"\"\"\n");
    repo.write("kept.log", "\"tracked though ignored\"\n");
    repo.write("lib/a.py", "\"\"\"A library with a name.\"\"\"\n");
    repo.commit("First");
    repo.write(".gitignore", "*.log\n");
    repo.write("src/cart.py", "\"\"\"Totals are truncated.\"\"\"\n");
    repo.commit("Truncate");
    repo.remove("src/old.py");
    repo.rename("lib/a.py", "lib/b.py");
    repo.commit("Clean up");
    repo.write("src/cart.py", "\"\"\"Totals are exact.\"\"\"\n");
    repo.write("src/tax.py", "\"\"\"Value-added tax.\"\"\"\n");
    repo
}

/// The changes of `diff --json` by path: change, old text, new text.
fn changes(report: &Value) -> Vec<(String, String, String, String)> {
    let text = |side: &Value| side["summary"].as_str().unwrap_or("-").to_owned();
    let all = report["changes"].as_array().unwrap().iter();
    let named = |one: &Value| one.as_str().unwrap_or_default().to_owned();
    all.map(|one| {
        let (path, change) = (named(&one["path"]), named(&one["change"]));
        (path, change, text(&one["old"]), text(&one["new"]))
    })
    .collect()
}

#[test]
fn diff_reports_old_and_new_texts_with_and_without_a_daemon() {
    let (home, repo) = (Home::new(), history());
    let diff = |arguments: &[&str]| {
        let arguments = [&["diff"], arguments, &["--json"]].concat();
        home.run_in(&repo.root(), &arguments).expect(0).json()
    };
    let alone = [diff(&[]), diff(&["HEAD~2"]), diff(&["HEAD~2", "lib"])];
    let row = |path: &str, change: &str, old: &str, new: &str| {
        let words = [path, change, old, new].map(str::to_owned);
        let [path, change, old, new] = words;
        (path, change, old, new)
    };
    let files = |report: &Value| {
        let mut all = changes(report);
        all.retain(|(path, ..)| path.contains('.'));
        all
    };
    let cart = "Totals are exact.";
    assert_eq!(
        files(&alone[0]),
        [
            row("src/cart.py", "modified", "Totals are truncated.", cart),
            row("src/tax.py", "added", "-", "Value-added tax."),
        ]
    );
    let library = "A library with a name.";
    assert_eq!(
        files(&alone[1])[1..],
        [
            row("lib/b.py", "renamed", library, library),
            row("src/cart.py", "modified", "Totals are rounded up.", cart),
            row("src/old.py", "deleted", "Old things of the shop.", "-"),
            row("src/tax.py", "added", "-", "Value-added tax."),
        ]
    );
    assert_eq!(files(&alone[1])[0].1, "added", ".gitignore");
    assert_eq!(alone[1]["base"]["subject"], "First");
    assert_eq!(
        files(&alone[2]),
        [row("lib/b.py", "renamed", library, library)]
    );
    // Folders come before what is in them, and their texts are made of the old files.
    let all = changes(&alone[1]);
    assert_eq!((&*all[0].0, &*all[0].1), ("", "modified"));
    let src = all.iter().find(|one| one.0 == "src").unwrap();
    assert!(src.2.contains("old") && src.3.contains("tax"), "{src:?}");

    let text = home.run_in(&repo.root(), &["diff"]).expect(0).stdout;
    assert!(
        text.contains("M src/cart.py\n    Totals are [-truncated.-] {+exact.+}\n"),
        "{text}"
    );

    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let through = [diff(&[]), diff(&["HEAD~2"]), diff(&["HEAD~2", "lib"])];
    assert_eq!(through, alone);
    // The earlier state was read beside the repository: the daemon watches nothing else.
    assert_eq!(home.status()["repositories"].as_array().unwrap().len(), 1);
}

#[test]
fn log_lists_the_commits_that_changed_a_file_or_folder() {
    let (home, repo) = (Home::new(), history());
    let log = |arguments: &[&str]| {
        let arguments = [&["log"], arguments, &["--json"]].concat();
        home.run_in(&repo.root(), &arguments).expect(0).json()
    };
    let texts = |report: &Value| -> Vec<String> {
        let entries = report["entries"].as_array().unwrap().iter();
        let text = |entry: &Value| {
            let subject = entry["commit"]["subject"]
                .as_str()
                .unwrap_or("not committed");
            format!("{subject}: {}", entry["summary"].as_str().unwrap_or("-"))
        };
        entries.map(text).collect()
    };
    let cart = log(&["src/cart.py"]);
    assert_eq!(
        texts(&cart),
        [
            "not committed: Totals are exact.",
            "Truncate: Totals are truncated.",
            "First: Totals are rounded up.",
        ]
    );
    assert_eq!(cart["more"], false);
    assert_eq!(
        texts(&log(&["src/old.py"])),
        ["Clean up: -", "First: Old things of the shop."]
    );
    let latest = log(&["src", "--limit", "1"]);
    assert_eq!(latest["more"], true);
    assert_eq!(latest["entries"].as_array().unwrap().len(), 2);
    let text = home.run_in(&repo.root(), &["log", "src/cart.py"]).expect(0);
    assert!(
        text.stdout
            .contains("Truncate\n    Totals are [-rounded up.-] {+truncated.+}\n"),
        "{text:?}"
    );
    let never = home.run_in(&repo.root(), &["log", "never.py"]).expect(1);
    assert!(
        never.stderr.contains("no commit of this branch has it"),
        "{never:?}"
    );
}

#[test]
fn paid_summaries_of_earlier_states_are_looked_up_and_never_requested() {
    let model = FakeModel::new();
    let (home, repo) = (Home::with_model(&model, ""), Repo::new());
    repo.init();
    repo.write("a.py", "a = 1\n");
    repo.write("b.py", "b = 1\n");
    repo.commit("First");
    home.run(&["index", &repo.at("")]).expect(0);
    let first = home.json(&["show", &repo.at("a.py"), "--json"])["summary"].clone();
    repo.write("a.py", "a = 2\n");
    repo.write("b.py", "b = 2\n");
    repo.commit("Never summarized");
    repo.write("a.py", "a = 3\n");
    repo.write("b.py", "b = 3\n");
    home.run(&["index", &repo.at("")]).expect(0);
    let sent = model.count();
    for with_daemon in [false, true] {
        let _daemon = with_daemon.then(|| home.daemon(&[&repo.at("")]));
        let diff = |since: &str| {
            let report = home.run_in(&repo.root(), &["diff", since, "--json"]);
            changes(&report.expect(0).json())
        };
        let known = diff("HEAD~1");
        let a = known.iter().find(|one| one.0 == "a.py").unwrap();
        assert_eq!(a.2, first.as_str().unwrap());
        assert!(a.3.starts_with("Holds piece") && a.3 != a.2, "{a:?}");
        let unknown = diff("HEAD");
        let a = unknown.iter().find(|one| one.0 == "a.py").unwrap();
        assert_eq!(a.2, "-", "{a:?}");
        let text = home.run_in(&repo.root(), &["diff"]).expect(0).stdout;
        assert!(
            text.contains("(no summary of the earlier state is stored)"),
            "{text}"
        );
    }
    assert_eq!(model.count(), sent);
}

#[test]
fn a_hostile_commit_writes_nothing_outside_and_runs_nothing() {
    let (home, repo) = (Home::new(), Repo::new());
    repo.init();
    repo.write("a.py", "\"\"\"Harmless.\"\"\"\n");
    let planted = home.temp().join("planted");
    let touch = format!("touch {}", planted.display());
    for key in [
        "core.fsmonitor",
        "filter.x.smudge",
        "filter.x.clean",
        "diff.x.textconv",
        "diff.external",
        "core.pager",
        "gpg.program",
    ] {
        repo.git(&["config", key, &touch]);
    }
    repo.git(&["config", "log.showSignature", "true"]);
    repo.write("secret.env", "password = \"hunter2-hunter2\"\n");
    repo.git(&["-c", "core.fsmonitor=false", "add", "-A"]);
    repo.git(&[
        "-c",
        "core.fsmonitor=false",
        "commit",
        "-q",
        "-m",
        "One \u{1b}[2J",
    ]);
    // A tree with names that no honest git writes.
    let index = repo.root().join(".git/index");
    let bytes = fs::read(&index).unwrap();
    let tree = |name: &str| {
        let blob = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        format!("100644 blob {blob}\t{name}\n")
    };
    repo.git(&["hash-object", "-w", "-t", "blob", "/dev/null"]);
    let script = format!(
        "inner=$(printf '{}' | git mktree) && all=$(printf '040000 tree %s\\t..\\n{}' $inner | git mktree) && \
         commit=$(echo bad | git commit-tree $all -p HEAD) && git update-ref refs/heads/bad $commit",
        tree("escaped.py").replace('\n', "\\n").replace('\t', "\\t"),
        tree("fine.py").replace('\n', "\\n").replace('\t', "\\t"),
    );
    repo.shell(&script);
    fs::write(&index, bytes).unwrap();
    repo.write(".gitattributes", "* filter=x diff=x\n");
    let _ = fs::remove_file(&planted);
    for arguments in [&["diff"][..], &["diff", "bad"], &["log", "a.py"], &["log"]] {
        let mut command = home.command(arguments);
        command.current_dir(repo.root()).env("TMPDIR", home.temp());
        let done = crate::harness::finish(&mut command).expect(0);
        assert!(!done.stdout.contains('\u{1b}'), "{done:?}");
        assert!(!done.stdout.contains("hunter2"), "{done:?}");
    }
    assert!(
        !planted.exists(),
        "a command of the repository's configuration ran"
    );
    let left: Vec<_> = fs::read_dir(home.temp()).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}
