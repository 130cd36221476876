//! What counts as the text of a file: encodings, languages, notebooks, change logs, formatting.

use encoding_rs::Encoding;
use serde_json::json;

use crate::harness::{FakeModel, Home, Repo, find};

const QUICK: &str = "[watch]\nsettle_ms = 20\n";

fn encoded(label: &str, text: &str) -> Vec<u8> {
    let units = || std::iter::once(0xfeff).chain(text.encode_utf16());
    match label {
        "utf-16le" => units().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => units().flat_map(u16::to_be_bytes).collect(),
        label => {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            encoding.encode(text).0.into_owned()
        }
    }
}

#[test]
fn text_in_other_encodings_is_read_like_any_other() {
    let rows = [
        ("utf-16le", "Liest die Größe der Übersicht ein.", "Größe"),
        ("utf-16be", "設定ファイルを読み込みます。", "設定"),
        (
            "shift_jis",
            "設定ファイルを読み込んで値を返します。",
            "ファイル",
        ),
        (
            "euc-jp",
            "データベースの接続を管理するクラスです。",
            "データベース",
        ),
        ("gbk", "读取配置文件并返回设置的值。", "配置"),
        ("windows-1251", "Читает настройки из файла.", "настройки"),
        (
            "latin1",
            "Vérifie les préférences déjà chargées.",
            "préférences",
        ),
    ];
    let model = FakeModel::new();
    let (home, paid, repo) = (
        Home::with(QUICK),
        Home::with_model(&model, "quiet_ms = 0"),
        Repo::new(),
    );
    // Split, so that no scanner of this repository takes it for one.
    let secret = ["AKIA", "Z7Q5L2M9X4B1N8T6"].concat();
    for (label, comment, _) in rows {
        let lines = "\r\n".repeat(3);
        let text = format!(
            "/// <summary>{comment}</summary>\r\npublic class Reader{{\r\n{lines}    public string Key = \"{secret}\";\r\n    \
             public int Size() {{ return 1; }}\r\n}}\r\n"
        );
        repo.write(&format!("{label}/Reader.cs"), encoded(label, &text));
    }
    let root = repo.at("");
    let _daemon = home.watching(&repo);
    let tree = home.node(&root, 9);
    for (label, comment, word) in rows {
        let path = format!("{label}/Reader.cs");
        let node = find(&tree, &path);
        let summary = node["summary"].as_str().unwrap();
        assert!(
            summary.contains(comment.trim_end_matches('.')),
            "{label}: {summary}"
        );
        let class = &node["elements"][0];
        assert_eq!(class["name"], "Reader", "{label}: {node}");
        assert_eq!(
            (&class["line_start"], &class["line_end"]),
            (&json!(2), &json!(8))
        );
        let found = home.json(&["search", word, "--path", &root, "--json"]);
        let hits = found["hits"].as_array().unwrap();
        assert!(
            hits.iter().any(|hit| hit["path"] == path.as_str()),
            "{label}: {found}"
        );
    }
    let _other = paid.daemon(&[&root]);
    paid.wait(&repo);
    let requests = model.requests();
    for (label, comment, _) in rows {
        assert!(
            requests.iter().any(|one| one.content.contains(comment)),
            "{label}"
        );
    }
    let leaked = requests.iter().find(|one| one.content.contains(&secret));
    assert!(leaked.is_none(), "{leaked:?}");
    // The digest is that of the bytes: another encoding of the same text is another digest, and the same summary.
    let before = model.count();
    let one = paid.node(&repo.at("latin1/Reader.cs"), 0);
    let text = Encoding::for_label(b"latin1").unwrap();
    let bytes = std::fs::read(repo.root().join("latin1/Reader.cs")).unwrap();
    let text = text.decode(&bytes).0.into_owned();
    repo.write("latin1/Reader.cs", encoded("utf-16le", &text));
    paid.wait(&repo);
    let other = paid.node(&repo.at("latin1/Reader.cs"), 0);
    assert_ne!(one["digest"], other["digest"]);
    assert_eq!(one["summary"], other["summary"]);
    assert_eq!(model.count(), before);
}

#[test]
fn the_language_is_known_by_name_or_content() {
    let (home, repo) = (Home::with(QUICK), Repo::new());
    let rows = [
        (
            "run",
            "#!/usr/bin/env python3\ndef start():\n    pass\n",
            "python",
        ),
        ("deploy", "#!/bin/bash\nstart() { :; }\n", "shell"),
        ("conf", "# vim: set ft=ruby:\ndef start; end\n", "ruby"),
        (
            "emacs",
            "// -*- mode: c++ -*-\nint start() { return 1; }\n",
            "cpp",
        ),
        (
            "a.f90",
            "! Solves it.\nprogram a\nend\n",
            "fortran-free-form",
        ),
        ("core.clj", ";; Runs the queue.\n(ns core)\n", "clojure"),
        ("Vagrantfile", "def start; end\n", "ruby"),
    ];
    for (path, text, _) in rows {
        repo.write(path, text);
    }
    let _daemon = home.watching(&repo);
    let tree = home.node(&repo.at(""), 9);
    for (path, text, language) in rows {
        let node = find(&tree, path);
        assert_eq!(node["language"], language, "{node}");
        if text.contains("start") {
            assert_eq!(node["elements"][0]["name"], "start", "{node}");
        }
    }
    assert_eq!(find(&tree, "core.clj")["line"], "Runs the queue.");
    assert_eq!(find(&tree, "a.f90")["line"], "Solves it.");
}

fn notebook(count: u32, image: &str) -> String {
    let secret = ["AKIA", "Z7Q5L2M9X4B1N8T6"].concat();
    let rows = "<tr><td>outputrow</td></tr>".repeat(200);
    let book = json!({"cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Prices\n", "\n", "Fits the prices of houses."]},
        {"cell_type": "code", "execution_count": count, "metadata": {}, "source": ["def fit(x):\n", "    return x\n", format!("key = \"{secret}\"")],
         "outputs": [{"output_type": "display_data", "data": {"image/png": image, "text/html": [rows], "text/plain": ["outputrow"]}}]},
    ], "metadata": {"kernelspec": {"language": "python", "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5});
    serde_json::to_string_pretty(&book).unwrap()
}

#[test]
fn of_a_notebook_the_cells_are_read_and_a_new_run_costs_nothing() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "quiet_ms = 0");
    let repo = Repo::new();
    repo.write("a.ipynb", notebook(1, &"iVBORw0KGgo".repeat(10_000)));
    let inline = format!(
        "# Logo\n\n![logo](data:image/png;base64,{})\n",
        "iVBORw0KGgo".repeat(100)
    );
    repo.write("logo.md", &inline);
    let root = repo.at("");
    let _daemon = home.watching(&repo);
    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    let sent = |text: &str| requests.iter().any(|one| one.content.contains(text));
    assert!(
        sent("Fits the prices of houses.")
            && sent("def fit(x):")
            && sent("![logo](data:image/png;base64,…)")
    );
    for text in ["iVBOR", "outputrow", "execution_count", "Z7Q5L2M9X4B1N8T6"] {
        assert!(!sent(text), "{text}");
    }
    let shown = home
        .run(&["show", "--prompt", &repo.at("a.ipynb")])
        .expect(0)
        .stdout;
    assert!(
        shown.contains("def fit(x):") && !shown.contains("iVBOR"),
        "{shown}"
    );
    for (query, found) in [("outputrow", false), ("fit", true)] {
        let hits = home.json(&["search", query, "--json"]);
        assert_eq!(hits["total"].as_u64().unwrap() > 0, found, "{hits}");
    }
    let before = home.node(&repo.at("a.ipynb"), 0);
    repo.write("a.ipynb", notebook(2, &"iVBORw0KGgoAAAA".repeat(9_000)));
    home.wait(&repo);
    assert_ne!(
        home.node(&repo.at("a.ipynb"), 0)["digest"],
        before["digest"]
    );
    assert_eq!(model.count(), 3);
    let offline = Home::with(QUICK);
    offline.run(&["index", &root]).expect(0);
    let line = offline.json(&["show", "--json", &repo.at("a.ipynb")])["summary"].clone();
    assert!(
        line.as_str().unwrap().contains("Fits the prices of houses"),
        "{line}"
    );
}

#[test]
fn formatting_and_old_entries_cost_nothing_or_little() {
    let model = FakeModel::new();
    let home = Home::with_model(&model, "quiet_ms = 0");
    let repo = Repo::new();
    let entries: String = (0..4_000)
        .map(|number| format!("- Fixed fault {number}.\n"))
        .collect();
    repo.write("CHANGELOG.md", format!("# Changes\n\n{entries}"));
    repo.write("README.md", "# Title\n\nText of it.\n\n- one\n- two\n");
    repo.write("a.py", "def a():\n    return 1\n");
    repo.write("a.toml", "[a]\nb = 1\n");
    repo.write("notes.txt", "Some notes.\nMore.\n");
    let _daemon = home.watching(&repo);
    let log = model
        .requests()
        .into_iter()
        .find(|one| one.content.contains("Fixed fault 1."));
    let log = log.unwrap().content;
    assert!(
        log.len() < 8_000 && !log.contains("fault 3999"),
        "{}",
        log.len()
    );
    let before = model.count();
    for path in ["README.md", "a.py", "a.toml", "notes.txt"] {
        let text = repo.read(path).replace('\n', "\r\n");
        repo.write(path, text);
    }
    home.wait(&repo);
    assert_eq!(model.count(), before, "line ends");
    repo.write(
        "README.md",
        "# Title  \n\n\nText of it.   \n\n- one\n- two\n\n\n",
    );
    home.wait(&repo);
    assert_eq!(model.count(), before, "white space");
}
