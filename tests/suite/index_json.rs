//! The exported index: one `index.json` for each directory, always current, written only when it changes.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Home, Repo, first_not_fresh, paths, until};

const CONFIG: &str = "[export]\ndir = \"map\"\n\n[watch]\nsettle_ms = 20\n";

/// All files of a folder by relative path, with their bytes; without the temporary ones that are renamed meanwhile.
fn written(folder: &Path) -> BTreeMap<String, String> {
    fn walk(root: &Path, folder: &Path, all: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, all);
            } else {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                match fs::read_to_string(&path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    text => drop(all.insert(name, text.unwrap())),
                }
            }
        }
    }
    let mut all = BTreeMap::new();
    if folder.exists() {
        walk(folder, folder, &mut all);
    }
    all
}

/// Inode and time of the last change of each of those files.
fn stamps(folder: &Path) -> BTreeMap<String, (u64, i64, i64)> {
    written(folder)
        .into_keys()
        .map(|name| {
            let stat = fs::metadata(folder.join(&name)).unwrap();
            (name, (stat.ino(), stat.mtime(), stat.mtime_nsec()))
        })
        .collect()
}

#[test]
fn each_directory_has_a_file_with_the_documented_fields() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let map = written(&repo.root().join("map"));
    assert_eq!(
        map.keys().collect::<Vec<_>>(),
        [
            "docs/index.json",
            "index.json",
            "src/index.json",
            "src/shop/index.json",
            "src/shop/money/index.json",
            "src/shop/money/rates/index.json",
            "tests/index.json",
        ]
    );
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    for (name, text) in &map {
        let index: Value = serde_json::from_str(text).unwrap();
        let path = name
            .strip_suffix("index.json")
            .unwrap()
            .trim_end_matches('/');
        let node = crate::harness::find(&tree, path);
        assert_eq!(
            (&index["path"], &index["summary"]),
            (&node["path"], &node["summary"]),
            "{name}"
        );
        assert!(index["statistics"].is_object(), "{name}");
        let children = node["children"].as_array().unwrap();
        let of_kind = |kind: &str| {
            children
                .iter()
                .filter(|child| child["kind"] == kind)
                .collect::<Vec<_>>()
        };
        let (files, directories) = (of_kind("file"), of_kind("directory"));
        assert_eq!(
            index["files"].as_array().unwrap().len(),
            files.len(),
            "{name}"
        );
        for (file, node) in index["files"].as_array().unwrap().iter().zip(files) {
            for key in ["path", "language", "summary", "elements", "digest"] {
                assert_eq!(file[key], node[key], "{name}: {key}");
            }
        }
        assert_eq!(
            index["directories"].as_array().unwrap().len(),
            directories.len(),
            "{name}"
        );
        for (directory, node) in index["directories"]
            .as_array()
            .unwrap()
            .iter()
            .zip(directories)
        {
            for key in ["path", "summary"] {
                assert_eq!(directory[key], node[key], "{name}: {key}");
            }
        }
        assert!(
            text.ends_with("}\n"),
            "a text file ends with a line: {name}"
        );
    }
}

#[test]
fn the_export_folder_is_never_part_of_the_tree() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let plain = Home::new()
        .run(&["index", &repo.at(""), "--json"])
        .expect(0)
        .stdout;
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert!(repo.root().join("map/index.json").exists());
    home.wait(&repo);
    assert_eq!(
        home.run(&["tree", &repo.at(""), "--json"]).expect(0).stdout,
        plain
    );
    assert_eq!(home.status()["repositories"][0]["files"], 12);
}

#[test]
fn a_change_writes_only_the_files_it_concerns() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let folder = repo.root().join("map");
    let (before, text) = (stamps(&folder), repo.read("src/shop/money/amount.py"));
    repo.write(
        "src/shop/money/amount.py",
        text.replace("An amount of money", "A sum of money"),
    );
    home.wait(&repo);
    let after = stamps(&folder);
    let name = "src/shop/money/index.json";
    assert_ne!(before[name], after[name]);
    for name in [
        "docs/index.json",
        "tests/index.json",
        "src/shop/money/rates/index.json",
    ] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert!(written(&folder)["src/shop/money/index.json"].contains("A sum of money"));
}

#[test]
fn a_restart_touches_no_file() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let folder = repo.root().join("map");
    let (before, stamped) = (written(&folder), stamps(&folder));
    assert_eq!(before.len(), 7);
    daemon.terminate();
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(written(&folder), before);
    assert_eq!(stamps(&folder), stamped);
}

#[test]
fn a_file_is_removed_with_its_directory() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let map = |path: &str| repo.root().join("map").join(path);
    assert!(map("src/shop/money/rates/index.json").exists());
    repo.remove("src/shop/money");
    home.wait(&repo);
    assert!(
        !map("src/shop/money").exists(),
        "{:?}",
        written(&map("")).keys()
    );
    assert!(map("src/shop/index.json").exists());
    assert!(!written(&map(""))["src/shop/index.json"].contains("money/rates"));
    // Also while no daemon runs.
    daemon.terminate();
    repo.remove("docs");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert!(!map("docs").exists(), "{:?}", written(&map("")).keys());
}

#[test]
fn a_restart_restores_deleted_and_changed_files() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let before = written(&repo.root().join("map"));
    daemon.terminate();
    repo.remove("map/docs");
    repo.write("map/src/index.json", "{}\n");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    until("written again", || {
        written(&repo.root().join("map")) == before
    });
}

#[test]
fn leftovers_of_a_killed_daemon_are_removed_at_the_next_start() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let before = written(&repo.root().join("map"));
    daemon.kill9();
    repo.write("map/gone/deep/index.json", "{}\n");
    repo.write("map/docs/.index.json.aB3dE9", "{");
    repo.write("map/src/shop/own.txt", "the user's own\n");
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let mut after = written(&repo.root().join("map"));
    assert!(
        after.remove("src/shop/own.txt").is_some(),
        "the user's file stays"
    );
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    assert_eq!(after, before);
}

#[test]
fn changes_by_git_and_others_are_overwritten() {
    for polled in ["", "backend = \"poll\"\npoll_seconds = 3600\n"] {
        let (home, repo) = (Home::with(&format!("{CONFIG}{polled}")), Repo::package());
        let map = repo.root().join("map");
        repo.init();
        // Git tracks a wrong file and a file for a folder that does not exist; the other files are untracked.
        repo.write("map/docs/index.json", "{}\n");
        repo.write("map/nowhere/index.json", "{}\n");
        repo.commit("Begin");
        let _daemon = home.daemon(&[&repo.at("")]);
        home.wait(&repo);
        let before = written(&map);
        assert!(!before.contains_key("nowhere/index.json"));
        for git in [&["checkout", "-q", "-f", "HEAD"][..], &["clean", "-qfd"]] {
            repo.git(git);
            home.wait(&repo);
            assert_eq!(written(&map), before);
        }
        repo.write("map/src/index.json", "{}\n");
        repo.remove("map/tests");
        home.wait(&repo);
        assert_eq!(written(&map), before);
        // Correct files are not written.
        let stood = stamps(&map);
        home.wait(&repo);
        assert_eq!(stamps(&map), stood);
    }
}

#[test]
fn export_writes_the_same_bytes_elsewhere() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let output = home.temp().join("out");
    let to = output.to_str().unwrap();
    home.run(&["export", &repo.at(""), "--format", "index", "--output", to])
        .expect(0);
    assert_eq!(written(&output), written(&repo.root().join("map")));
}

#[test]
fn documents_are_exported() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.write(
        "src/a<b>`c.py",
        "\"\"\"Reads <script>alert(1)</script> and [a](b).\"\"\"\n\ndef f(x: int = 1):\n    return x\n",
    );
    let output = home.temp().join("out");
    let to = output.to_str().unwrap();
    // No daemon is needed; a second export is the same.
    for format in ["markdown-single", "html-static", "markdown-single"] {
        home.run(&["export", &repo.at(""), "--format", format, "--output", to])
            .expect(0);
    }
    let markdown = fs::read_to_string(output.join("index.md")).unwrap();
    let root = repo.root();
    let name = root.file_name().unwrap().to_str().unwrap();
    let title = format!("# `{name}/`\n");
    for part in [
        title.as_str(),
        "\n## `src/`\n",
        "\n- `src/shop/cart.py`\n",
        "  - 3–4 `def f(x: int = 1)`\n",
        "- `` src/a<b>`c.py ``\n",
        "&lt;script>",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    let html = fs::read_to_string(output.join("index.html")).unwrap();
    assert!(html.contains("<dt>a&lt;b&gt;`c.py</dt>"), "{html}");
    assert!(
        html.contains("&lt;script&gt;") && !html.contains("<script"),
        "{html}"
    );
    assert_eq!(
        html.matches("<details").count(),
        html.matches("</details>").count()
    );
    assert_eq!(html.matches("<details").count(), 7);
    assert!(html.contains(&format!("<title>{name}/</title>")), "{html}");
    assert!(html.contains("<code>"), "{html}");
    fs::write(home.temp().join("taken"), "").unwrap();
    let taken = home.temp().join("taken");
    let taken = taken.to_str().unwrap();
    let arguments = [
        "export",
        &repo.at(""),
        "--format",
        "html",
        "--output",
        taken,
    ];
    let refused = home.run(&arguments).expect(1);
    assert!(refused.stderr.contains("is no folder"), "{refused:?}");
    assert!(!refused.stderr.contains("[export]"), "{refused:?}");
    home.run(&["export", &repo.at(""), "--format", "pdf", "--output", to])
        .expect(2);
}

#[test]
fn markdown_has_a_page_for_each_folder_and_check_compares_it() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.init();
    repo.commit("first");
    let (root, map) = (repo.at(""), repo.at("docs/map"));
    let export = ["export", &root, "--format", "markdown", "--output", &map];
    home.run(&["check", &root, "--output", &map]).expect(1);
    home.run(&export).expect(0);
    let page = repo.read("docs/map/src/shop/README.md");
    assert!(page.contains("](../../../../src/shop/cart.py#L"), "{page}");
    assert!(
        repo.read("docs/map/README.md").contains("revision `"),
        "{page}"
    );
    assert!(
        !repo.root().join("docs/map/docs/map").exists(),
        "an export does not contain itself"
    );
    // Committing the export changes only the revision.
    repo.commit("export");
    let before = written(&repo.root().join("docs/map"));
    home.run(&["check", &root, "--output", &map]).expect(0);
    home.run(&export).expect(0);
    let after = written(&repo.root().join("docs/map"));
    let changed: Vec<&String> = after
        .keys()
        .filter(|path| before[*path] != after[*path])
        .collect();
    assert_eq!(changed, ["README.md"], "only the revision changed");
    repo.append("src/shop/cart.py", "\n\ndef added():\n    pass\n");
    let done = home.run(&["check", &root, "--output", &map]).expect(1);
    assert!(
        done.stderr.contains("docs/map/src/shop/README.md"),
        "{done:?}"
    );
    repo.remove("src/shop/cart.py");
    repo.rename("docs/guide.md", "docs/other/guide.md");
    home.run(&export).expect(0);
    repo.rename("docs/other/guide.md", "docs/guide.md");
    let done = home.run(&["check", &root, "--output", &map]).expect(1);
    assert!(
        done.stderr.contains("docs/map/docs/other/README.md"),
        "{done:?}"
    );
    home.run(&export).expect(0);
    assert!(
        !repo
            .root()
            .join("docs/map/docs/other")
            .join("README.md")
            .exists()
    );
}

#[test]
fn index_writes_the_export() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    assert_eq!((first_not_fresh(&tree), paths(&tree).len()), (None, 19));
    assert_eq!(written(&repo.root().join("map")).len(), 7);
}

#[test]
fn a_failed_write_is_retried_without_a_change() {
    let (home, repo) = (Home::with(CONFIG), Repo::package());
    // A file at the path of the export folder. It is ignored so that it is not a node.
    repo.write("map", "an obstacle");
    let _daemon = home.daemon(&[&repo.at("")]);
    // A wait ends although the export cannot be written.
    home.wait(&repo);
    let notes = home.status()["notes"].to_string();
    assert!(notes.contains("cannot be written"), "{notes}");
    assert!(notes.contains("[export] dir"), "{notes}");
    fs::remove_file(repo.at("map")).unwrap();
    let all = home.status()["repositories"][0]["directories"].as_u64();
    until("everything is written", || {
        Some(written(&repo.root().join("map")).len() as u64) == all
    });
    home.wait(&repo);
    let notes = home.status()["notes"].to_string();
    assert!(!notes.contains("cannot be written"), "{notes}");
    // A wait does not last until the retry pause is over.
    fs::remove_dir_all(repo.at("map")).unwrap();
    fs::write(repo.at("map"), "an obstacle again").unwrap();
    repo.append("src/shop/cart.py", "EDITED = 1\n");
    home.wait(&repo);
    fs::remove_file(repo.at("map")).unwrap();
    home.wait(&repo);
    assert!(written(&repo.root().join("map")).contains_key("src/shop/index.json"));
}

#[test]
fn markdown_is_kept_current_as_the_index_is() {
    let config = |formats: &str| {
        format!("[export]\ndir = \"docs/map\"\nformats = [{formats}]\n\n[watch]\nsettle_ms = 20\n")
    };
    let home = Home::with(&config("\"index\", \"markdown\""));
    let repo = Repo::package();
    repo.init();
    repo.commit("First");
    let folder = repo.root().join("docs/map");
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let first = written(&folder);
    assert_eq!(first.len(), 14, "{:?}", first.keys());
    let shop = &first["src/shop/README.md"];
    assert!(
        shop.contains("[cart.py](../../../../src/shop/cart.py)"),
        "{shop}"
    );
    let check = || home.run_in(&repo.root(), &["check"]);
    let said = check().expect(0).stderr;
    assert!(said.contains("14 files checked"), "{said}");
    // A commit changes no page, and one file only the pages above it.
    let before = stamps(&folder);
    repo.commit("Map");
    repo.write("src/shop/cart.py", "\"\"\"A basket.\"\"\"\n");
    home.wait(&repo);
    let after = stamps(&folder);
    let changed: Vec<&str> = after
        .iter()
        .filter(|(name, stamp)| before.get(*name) != Some(stamp) && name.ends_with(".md"))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(changed.contains(&"src/shop/README.md"), "{changed:?}");
    assert!(!changed.contains(&"tests/README.md"), "{changed:?}");
    // Changed by hand: written again.
    fs::write(
        folder.join("tests/README.md"),
        "<!-- Written by epitome. -->\nmine\n",
    )
    .unwrap();
    home.wait(&repo);
    until("the page is back", || {
        home.wait(&repo);
        fs::read_to_string(folder.join("tests/README.md")).unwrap() == first["tests/README.md"]
    });
    check().expect(0);
    drop(daemon);
    // Without the format its pages go, and a page of the user stays.
    fs::write(folder.join("src/README.md"), "# Mine\n").unwrap();
    home.configure(&config("\"index\""));
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let pages: Vec<String> = written(&folder)
        .into_keys()
        .filter(|name| name.ends_with(".md"))
        .collect();
    assert_eq!(pages, ["src/README.md"]);
    assert!(check().expect(0).stderr.contains("7 files checked"));
}
