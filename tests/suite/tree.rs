//! The tree of an index: which files it contains, and that equal folders give equal trees anywhere.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Home, Repo, copy_folder, every, find, first_not_fresh, paths, within};

#[test]
fn an_index_has_every_file_and_folder_with_a_summary() {
    let (home, repo) = (Home::new(), Repo::package());
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    assert_eq!(repo.counts(), (12, 7));
    let expected = BTreeSet::from([
        "",
        ".editorconfig",
        "README.md",
        "docs",
        "docs/guide.md",
        "pyproject.toml",
        "src",
        "src/shop",
        "src/shop/__init__.py",
        "src/shop/cart.py",
        "src/shop/money",
        "src/shop/money/__init__.py",
        "src/shop/money/amount.py",
        "src/shop/money/rates",
        "src/shop/money/rates/fetch.py",
        "src/shop/money/rates/table.py",
        "src/shop/py.typed",
        "tests",
        "tests/test_cart.py",
    ]);
    let found = paths(&tree);
    assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), expected);
    assert_eq!(found.len(), expected.len());
    assert_eq!(first_not_fresh(&tree), None);
    for node in every(&tree) {
        let (line, summary) = (node["line"].as_str(), node["summary"].as_str());
        let (line, summary) = line
            .zip(summary)
            .unwrap_or_else(|| panic!("no summary: {node}"));
        assert!(
            !line.trim().is_empty() && summary.starts_with(line),
            "{node}"
        );
        assert_eq!(node["error"], Value::Null);
        assert_eq!(node["model"], "offline");
    }
}

#[test]
fn children_are_sorted_and_counted() {
    let (home, repo) = (Home::new(), Repo::package());
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    for node in every(&tree) {
        if node["kind"] != "directory" {
            assert_eq!(node.get("children"), None, "{node}");
            continue;
        }
        let children = node["children"].as_array().unwrap();
        let names: Vec<&str> = children
            .iter()
            .filter_map(|child| child["path"].as_str())
            .collect();
        assert!(names.is_sorted(), "{names:?}");
        let below = &every(node)[1..];
        let files = below.iter().filter(|node| node["kind"] == "file").count();
        assert_eq!(node["files"], files, "{node}");
        assert_eq!(node["directories"], below.len() - files, "{node}");
    }
    assert_eq!(
        (&tree["files"], &tree["directories"]),
        (&12.into(), &6.into())
    );
    assert_eq!(
        find(&tree, "README.md")["bytes"],
        repo.read("README.md").len()
    );
    assert_eq!(find(&tree, "src/shop/py.typed")["bytes"], 0);
    assert_eq!(find(&tree, "src/shop/cart.py")["language"], "python");
}

#[test]
fn equal_trees_print_equal_bytes_anywhere_for_any_client() {
    let repo = Repo::package();
    let copy = Repo::new();
    copy_folder(&repo.root(), &copy.root());
    let (one, two) = (Home::new(), Home::new());
    let first = one.run(&["index", &repo.at(""), "--json"]).expect(0).stdout;
    assert!(first.len() > 2_000, "{first}");
    let again = one.run(&["index", &repo.at(""), "--json"]).expect(0).stdout;
    let elsewhere = two.run(&["index", &copy.at(""), "--json"]).expect(0).stdout;
    assert_eq!(first, again);
    assert_eq!(first, elsewhere);
    let daemon = Home::new();
    let _running = daemon.daemon(&[&copy.at("")]);
    daemon.wait(&copy);
    let served = daemon
        .run(&["tree", &copy.at(""), "--json"])
        .expect(0)
        .stdout;
    assert_eq!(first, served);
    let indexed = daemon
        .run(&["index", &copy.at(""), "--json"])
        .expect(0)
        .stdout;
    assert_eq!(first, indexed, "where a daemon runs, it does the work");
}

#[test]
fn digests_are_equal_exactly_for_equal_content() {
    let (home, repo) = (Home::new(), Repo::package());
    copy_folder(
        &repo.root().join("src/shop"),
        &repo.root().join("lib/market"),
    );
    let before = home.json(&["index", &repo.at(""), "--json"]);
    let digest = |tree: &Value, path: &str| find(tree, path)["digest"].as_str().unwrap().to_owned();
    assert_eq!(digest(&before, "src/shop"), digest(&before, "lib/market"));
    assert_eq!(
        digest(&before, "src/shop/cart.py"),
        digest(&before, "lib/market/cart.py")
    );
    let distinct: BTreeSet<String> = ["", "src", "src/shop", "lib", "docs", "README.md"]
        .map(|path| digest(&before, path))
        .into();
    assert_eq!(distinct.len(), 6, "names are part of a directory's digest");

    repo.append("lib/market/cart.py", "\n");
    let after = home.json(&["index", &repo.at(""), "--json"]);
    for (path, same) in [
        ("", false),
        ("lib", false),
        ("lib/market", false),
        ("lib/market/cart.py", false),
        ("lib/market/money", true),
        ("src", true),
    ] {
        assert_eq!(
            digest(&before, path) == digest(&after, path),
            same,
            "{path}"
        );
    }
}

#[test]
fn links_pipes_sockets_and_empty_folders_are_no_nodes_and_hidden_files_are() {
    let (home, repo) = (Home::new(), Repo::new());
    let at = |path: &str| repo.root().join(path);
    repo.write("code/main.py", "x = 1\n");
    repo.write(".hidden/.deep/.file", "hello\n");
    for folder in ["empty/within/empty", "links", "pipes", "sockets"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    symlink(at("code/main.py"), at("links/file")).unwrap();
    symlink(at("code"), at("links/folder")).unwrap();
    symlink("nowhere", at("links/broken")).unwrap();
    symlink("..", at("code/loop")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("pipes/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _listener = UnixListener::bind(at("sockets/socket")).unwrap();
    let expected = [
        "",
        ".hidden",
        ".hidden/.deep",
        ".hidden/.deep/.file",
        "code",
        "code/main.py",
    ];
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    assert_eq!(paths(&tree), expected);
    // A watching daemon reports the same.
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    assert_eq!(
        paths(&home.json(&["tree", &repo.at(""), "--json"])),
        expected
    );
}

#[test]
fn files_that_git_ignores_are_no_nodes() {
    let (home, repo) = (Home::new(), Repo::new());
    repo.init();
    repo.write(".gitignore", "*.log\n/build/\nsecret.txt\n");
    repo.write("src/.gitignore", "*.tmp\n!keep.tmp\n");
    repo.write(".git/info/exclude", "notes.md\n");
    for path in [
        "a.py",
        "a.log",
        "build/out.py",
        "notes.md",
        "only-logs/x.log",
        "src/b.py",
        "src/b.tmp",
        "src/keep.tmp",
        "src/build/kept.py",
        "src/sub/c.tmp",
        "src/sub/secret.txt",
    ] {
        repo.write(path, format!("# {path}\n"));
    }
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    assert_eq!(
        paths(&tree),
        [
            "",
            ".gitignore",
            "a.py",
            "src",
            "src/.gitignore",
            "src/b.py",
            "src/build",
            "src/build/kept.py",
            "src/keep.tmp",
        ]
    );
}

#[test]
fn a_name_that_is_not_text_is_printed_with_its_bytes_beside_it() {
    let (home, repo) = (Home::new(), Repo::new());
    let name = OsStr::from_bytes(b"caf\xe9.py");
    fs::write(repo.root().join(name), "x = 1\n").unwrap();
    repo.write("plain.py", "y = 2\n");
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    let odd = find(&tree, "caf\u{fffd}.py");
    assert_eq!(odd["path_base64"], "Y2Fm6S5weQ==");
    assert_eq!(odd["freshness"], "fresh");
    assert_eq!(find(&tree, "plain.py").get("path_base64"), None);
}

#[test]
fn empty_and_binary_files_block_nothing() {
    let home = Home::with("[files]\nmax_bytes = 1000\n");
    let repo = Repo::new();
    repo.write("big.py", "x = 1\n".repeat(500));
    repo.write("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0");
    repo.write("empty.py", "");
    repo.write("blank.py", " \n\n\t\n");
    repo.write(
        "broken.py",
        "def good():\n    pass\n\ndef bad(:\n    pass\n\nclass Fine:\n    pass\n",
    );
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    let freshness = |path: &str| find(&tree, path)["freshness"].as_str().unwrap();
    assert_eq!(freshness("big.py"), "off");
    assert_eq!(find(&tree, "big.py")["summary"], Value::Null);
    for path in ["", "image.png", "empty.py", "blank.py", "broken.py"] {
        assert_eq!(freshness(path), "fresh", "{path}");
        assert!(find(&tree, path)["summary"].is_string(), "{path}");
    }
    let names: Vec<&Value> = within(find(&tree, "broken.py"), "elements", "name");
    assert!(
        names.contains(&&"good".into()) && names.contains(&&"Fine".into()),
        "{names:?}"
    );
}

#[test]
fn without_summaries_there_are_outlines_and_digests() {
    let home = Home::with("[summaries]\nenabled = false\n");
    let repo = Repo::package();
    let tree = home.json(&["index", &repo.at(""), "--json"]);
    for node in every(&tree) {
        assert_eq!(
            (&node["freshness"], &node["summary"]),
            (&"off".into(), &Value::Null),
            "{node}"
        );
        assert!(node["digest"].is_string(), "{node}");
    }
    let names = within(
        find(&tree, "src/shop/cart.py"),
        "elements",
        "qualified_name",
    );
    assert_eq!(names, ["Cart", "Cart.add", "Cart.total"]);
    // Without a summary the list of left-out children is absent.
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let shown = home.run(&["show", &repo.at("")]).expect(0).stdout;
    assert!(
        shown.contains("src/") && !shown.contains("written without"),
        "{shown}"
    );
}

#[test]
fn nothing_is_written_inside_a_repository() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.init();
    repo.commit("all");
    let before = everything_in(&repo.root());
    home.run(&["index", &repo.at("")]).expect(0);
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    daemon.terminate();
    assert_eq!(everything_in(&repo.root()), before);
}

/// All paths with sizes and times of their last change.
fn everything_in(folder: &Path) -> Vec<(PathBuf, u64, i64, i64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stat = fs::symlink_metadata(&path).unwrap();
        all.push((path.clone(), stat.size(), stat.mtime(), stat.mtime_nsec()));
        if stat.is_dir() {
            all.extend(everything_in(&path));
        }
    }
    all.sort();
    all
}

#[test]
fn show_and_tree_print_one_part() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let file = home.json(&["show", &repo.at("src/shop/cart.py"), "--json"]);
    assert_eq!(
        (&file["path"], &file["kind"]),
        (&"src/shop/cart.py".into(), &"file".into())
    );
    let cart = &file["elements"][0];
    assert_eq!(
        (&cart["kind"], &cart["name"]),
        (&"class".into(), &"Cart".into())
    );
    assert_eq!(
        (&cart["line_start"], &cart["line_end"]),
        (&4.into(), &12.into())
    );
    assert_eq!(cart["docstring"], "Things and how many.");

    let folder = home.json(&["show", &repo.at("src/shop"), "--json"]);
    assert_eq!(
        within(&folder, "children", "path"),
        [
            "src/shop/__init__.py",
            "src/shop/cart.py",
            "src/shop/money",
            "src/shop/py.typed"
        ]
    );
    for child in folder["children"].as_array().unwrap() {
        assert_eq!(child.get("children"), None);
    }
    // The path is the current folder unless given, and may be relative.
    let here = repo.root().join("src/shop");
    assert_eq!(
        home.run_in(&here, &["show", "--json"]).expect(0).json(),
        folder
    );
    assert_eq!(
        home.run_in(&here, &["show", "cart.py", "--json"])
            .expect(0)
            .json(),
        file
    );

    let shallow = home.json(&["tree", &repo.at(""), "--depth", "1", "--json"]);
    assert_eq!(
        paths(&shallow),
        [
            "",
            ".editorconfig",
            "README.md",
            "docs",
            "pyproject.toml",
            "src",
            "tests"
        ]
    );
    let part = home.json(&["tree", &repo.at("src/shop/money"), "--json"]);
    assert_eq!(paths(&part).len(), 6);
    let whole = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(find(&whole, "src/shop/money"), &part);
}

#[test]
fn people_read_the_same_without_json() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let file = home.json(&["show", &repo.at("src/shop/cart.py"), "--json"]);
    let shown = home
        .run(&["show", &repo.at("src/shop/cart.py")])
        .expect(0)
        .stdout;
    assert!(shown.contains(file["line"].as_str().unwrap()), "{shown}");
    assert!(shown.contains("Cart") && shown.contains("total"), "{shown}");
    let tree = home.run(&["tree", &repo.at("")]).expect(0).stdout;
    for name in ["README.md", "docs", "cart.py", "rates", "table.py"] {
        assert!(tree.contains(name), "{tree}");
    }
    let status = home.run(&["status"]).expect(0).stdout;
    assert!(status.contains(&repo.at("")), "{status}");
    for text in [shown, tree, status] {
        assert!(
            !text.contains('\u{1b}'),
            "colours only on a terminal: {text:?}"
        );
    }
}

#[test]
fn a_large_response_is_chunked_and_a_small_one_has_a_length() {
    let (home, repo) = (Home::new(), Repo::new());
    let functions: String = (0..6_000)
        .map(|number| format!("def function_{number}(): pass\n"))
        .collect();
    for number in 0..5 {
        repo.write(&format!("m{number}.py"), &functions);
    }
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let route = format!("/v1/node?path={}", repo.at(""));
    let small = home.http("GET", &route, "").expect(200);
    let length = small.header("content-length").unwrap().parse();
    assert_eq!(length, Ok(small.body.len()));
    let large = home
        .http("GET", &format!("{route}&depth=1"), "")
        .expect(200);
    assert_eq!(large.header("transfer-encoding"), Some("chunked"));
    let tree = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(large.json(), tree);
    let last = &find(&tree, "m4.py")["elements"][5_999];
    assert_eq!(
        (&last["name"], &last["line_end"]),
        (&"function_5999".into(), &6_000.into())
    );
}

#[test]
fn a_deep_folder_is_served_by_the_requested_repository() {
    let (home, repo) = (Home::new(), Repo::new());
    let deep: Vec<String> = (0..45).map(|level| format!("d{level}")).collect();
    repo.write(&format!("inner/{}/end.py", deep.join("/")), "END = 1\n");
    let _daemon = home.daemon(&[&repo.at(""), &repo.at("inner")]);
    home.wait(&repo);
    let served = home.json(&["tree", &repo.at(""), "--json"]);
    assert_eq!(served, Home::new().json(&["index", &repo.at(""), "--json"]));
    let inner = home.json(&["tree", &repo.at("inner"), "--json"]);
    assert_eq!(
        paths(&inner).last().unwrap(),
        &format!("{}/end.py", deep.join("/"))
    );
}
