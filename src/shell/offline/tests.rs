//! Summaries of small outlines, read as a newcomer would read them, and the promises that hold for all.

use super::*;
use crate::model::outline::Element;
use crate::model::summary::first_sentence;

fn language(name: &str) -> Option<Language> {
    Language::named(name)
}

fn element(kind: &str, qualified_name: &str, signature: &str, docstring: &str) -> Element {
    let name = qualified_name.rsplit(['.', ':']).next().expect("a name");
    Element {
        kind: kind.to_owned(),
        name: name.to_owned(),
        qualified_name: qualified_name.to_owned(),
        signature: signature.to_owned(),
        decorators: Vec::new(),
        line_start: 1,
        line_end: 2,
        docstring: Some(docstring.to_owned()).filter(|text| !text.is_empty()),
    }
}

fn outline(docstring: &str, elements: Vec<Element>) -> Outline {
    Outline {
        docstring: Some(docstring.to_owned()).filter(|text| !text.is_empty()),
        elements,
        lines: 10,
        ..Outline::default()
    }
}

fn with_headings(docstring: &str, headings: &[&str]) -> Outline {
    Outline {
        headings: headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect(),
        ..outline(docstring, Vec::new())
    }
}

fn python(outline: &Outline) -> String {
    file(language("python"), outline, 100)
}

#[test]
fn a_file_that_speaks_is_quoted_and_then_told() {
    let elements = vec![
        element("class", "Client", "class Client(Base)", "Sends requests."),
        element("method", "Client.send", "def send(self)", ""),
        element("function", "_hidden", "def _hidden()", ""),
    ];
    let text = python(&outline(
        "requests.api\n~~~~~~~~\n\nThis module implements the :class:`~a.Client` API.\n\n:copyright: x",
        elements,
    ));
    assert_eq!(
        text,
        "Implements the `Client` API. Defines the class `Client` (a `Base`): Sends requests. Method: `send`."
    );
    assert_eq!(first_sentence(&text), "Implements the `Client` API.");
}

#[test]
fn a_silent_file_is_told_by_what_it_defines() {
    let resource = |name: &str| element("class", name, &format!("class {name}(Resource)"), "");
    let elements = vec![
        resource("Speech"),
        element(
            "method",
            "Speech.create",
            "def create(self)",
            "Generates audio.",
        ),
        resource("AsyncSpeech"),
        resource("SpeechWithRawResponse"),
    ];
    assert_eq!(
        python(&outline("", elements)),
        "Defines the class `Speech` (2 variants, such as `AsyncSpeech`), with `create`. `create`: Generates audio."
    );
    let model = element("class", "Batch", "class Batch(BaseModel)", "");
    let generated = Outline {
        headings: vec!["# File generated from our API by a tool.".to_owned()],
        imports: vec!["typing.List".to_owned(), "httpx".to_owned()],
        ..outline("", vec![model])
    };
    assert_eq!(
        python(&generated),
        "Generated code: defines the data model `Batch`."
    );
    let migration = element(
        "class",
        "Migration",
        "class Migration(migrations.Migration)",
        "",
    );
    assert_eq!(python(&outline("", vec![migration])), "A Django migration.");
}

#[test]
fn tests_are_told_by_their_names() {
    let elements = vec![
        element("class", "TestAsyncClient", "class TestAsyncClient", ""),
        element(
            "method",
            "TestAsyncClient.test_retries_stop",
            "def test_retries_stop(self)",
            "",
        ),
        element(
            "method",
            "TestAsyncClient.test_empty",
            "def test_empty(self)",
            "",
        ),
    ];
    assert_eq!(
        python(&outline("", elements)),
        "Tests for async client (2 tests): retries stop and empty."
    );
}

#[test]
fn a_package_is_told_by_what_it_says_that_it_offers() {
    let names = [
        "export: AsyncClient",
        "export: Auth",
        "export: BasicAuth",
        "export: Client",
        "export: ClientError",
        "export: main",
        "export: __version__",
    ];
    let imports = ["._api.*", "._client.Client", ".__version__.__version__"];
    let package = Outline {
        imports: imports.iter().map(|import| (*import).to_owned()).collect(),
        elements: vec![element("function", "main", "def main()", "")],
        ..with_headings("", &names)
    };
    let text = python(&package);
    assert_eq!(
        text,
        "Re-exports `Client`, `Auth`, `AsyncClient`, `BasicAuth` and `ClientError` from `._api` and `._client`."
    );
    let children = [
        Child {
            name: "__init__.py",
            kind: Kind::File,
            summary: Some(&text),
        },
        Child {
            name: "_client.py",
            kind: Kind::File,
            summary: Some("Defines the class `Client`."),
        },
    ];
    assert_eq!(
        directory(&children),
        "Contains _client. Offers `Client`, `Auth`, `AsyncClient`, `BasicAuth` and `ClientError`. 2 Python files."
    );
    // What it defines itself and does not offer is not what it is there for.
    let module = Outline {
        elements: vec![
            element("function", "helper", "def helper()", ""),
            element("class", "Client", "class Client", ""),
        ],
        ..with_headings("", &["export: Client"])
    };
    assert_eq!(python(&module), "Defines the class `Client`.");
}

#[test]
fn what_only_passes_on_and_what_is_added_to_others_is_told() {
    let passing = with_headings("", &["passes-on: ./lib/express"]);
    assert_eq!(
        file(language("javascript"), &passing, 10),
        "Re-exports everything from `./lib/express`."
    );
    let elements = vec![
        element("function", "logerror", "function logerror(err)", "Logs it."),
        element("method", "app.use", "app.use = function use(fn)", ""),
        element(
            "method",
            "app.route",
            "app.route = function route(path)",
            "",
        ),
    ];
    assert_eq!(
        file(language("javascript"), &outline("", elements), 10),
        "Defines the methods `use` and `route` of `app`."
    );
}

#[test]
fn a_name_that_is_the_verb_of_its_words_stays() {
    let verb = element(
        "class",
        "Constrain",
        "class Constrain",
        "Constrain the width of it.",
    );
    assert_eq!(
        python(&outline("", vec![verb])),
        "Defines the class `Constrain`: Constrain the width of it."
    );
    let subject = element("class", "Client", "class Client", "Client sends requests.");
    let method = element("method", "Client.run", "def run(self)", "");
    assert_eq!(
        python(&outline("", vec![subject, method])),
        "Defines the class `Client`: sends requests. Method: `run`."
    );
    // Words that say nothing do not make its methods be told twice.
    let silent = element("class", "A", "class A", "An A.");
    let method = element("method", "A.run", "def run(self)", "Runs it.");
    assert_eq!(
        python(&outline("", vec![silent, method])),
        "Defines the class `A`, with `run`. `run`: Runs it."
    );
}

#[test]
fn xml_is_told_by_its_comment_or_by_what_it_is() {
    let xml = |text: &str| {
        let known = Language::named("xml");
        let bytes = text.as_bytes();
        let parsed = crate::shell::parse::parse(known, bytes);
        file(known, &parsed.outline, 10)
    };
    assert_eq!(
        xml(
            "<?xml version=\"1.0\"?>\n<!-- Copyright 2020 X. -->\n<!--\n  Starts it at login.\n-->\n<plist/>"
        ),
        "Starts it at login."
    );
    assert_eq!(
        xml("<a><!-- Not about all of it. --></a>"),
        "XML document of the type `a`."
    );
    assert_eq!(
        xml(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n<!-- No words. -->\n<description>Reads and writes JSON</description>"
        ),
        "Maven project: Reads and writes JSON."
    );
    assert_eq!(xml("<!-- never ends"), "XML file of one line.");
}

#[test]
fn what_git_is_told_is_no_code() {
    let of_git = |headings: &[&str]| {
        let outline = with_headings("", headings);
        file(language("git-attributes"), &outline, 10)
    };
    assert_eq!(of_git(&["*.py diff"]), "Git attributes of paths.");
    assert_eq!(
        of_git(&["submodule \"vendor/a\""]),
        "Git submodules: `vendor/a`."
    );
}

#[test]
fn files_without_definitions_say_what_they_are_there_for() {
    let imports = [
        "._types.Types",
        "._client.AsyncClient",
        "._client.Client",
        "._client.Stream",
    ];
    let package = Outline {
        imports: imports.iter().map(|import| (*import).to_owned()).collect(),
        ..Outline::default()
    };
    assert_eq!(
        python(&package),
        "Re-exports `Client`, `Stream`, `AsyncClient` and `Types` from `._types` and `._client`."
    );
    assert_eq!(
        python(&with_headings("", &["A_B", "C"])),
        "Sets `A_B` and `C`."
    );
    assert_eq!(
        python(&with_headings("", &["urlpatterns"])),
        "URL routes (`urlpatterns`)."
    );
    assert_eq!(python(&outline("", Vec::new())), "Only comments.");
    let licence = "Copyright (c) 2024 Some One.\nLicensed under the MIT License.";
    assert_eq!(python(&outline(licence, Vec::new())), "Only comments.");
}

#[test]
fn rust_shows_what_is_public_and_leaves_tests_out() {
    let mut tests = element("module", "tests", "mod tests", "");
    tests.decorators = vec!["#[cfg(test)]".to_owned()];
    let elements = vec![
        element(
            "struct",
            "Digest",
            "pub struct Digest(pub [u8; 16])",
            "An xxh3-128 [`Digest`].",
        ),
        element("impl", "Digest", "impl Digest", ""),
        element(
            "method",
            "Digest::of_file",
            "pub fn of_file(content: &[u8]) -> Self",
            "",
        ),
        element("function", "private", "fn private()", ""),
        tests,
        element("function", "tests::works", "fn works()", ""),
    ];
    assert_eq!(
        file(language("rust"), &outline("Names content.", elements), 1),
        "Names content. Defines the struct `Digest`: An xxh3-128 `Digest`. Method: `of_file`."
    );
}

#[test]
fn prose_and_data_are_told_by_their_first_words_and_keys() {
    let readme = with_headings(
        "It does **one** thing [well](x). Thanks for reading it.",
        &["Tool", "Use"],
    );
    assert_eq!(
        file(language("markdown"), &readme, 9),
        "Tool: It does one thing well. Section: Use."
    );
    for (name, docstring, headings, text) in [
        (
            "toml",
            "Does it.",
            &["project", "tool.x"][..],
            "Python project manifest: Does it. Tables and keys: `project` and `tool.x`.",
        ),
        (
            "json",
            "",
            &["a", "b"],
            "JSON data with the keys `a` and `b`.",
        ),
        (
            "json",
            "",
            &["[]", "a"],
            "JSON list of entries that have `a`.",
        ),
        (
            "yaml",
            "Test",
            &["name", "on", "jobs"],
            "GitHub workflow: Test. Keys: `name`, `on` and `jobs`.",
        ),
        (
            "csv",
            "",
            &["a", "b"],
            "Table with the columns `a` and `b`.",
        ),
        (
            "gettext",
            "",
            &["de", "German"],
            "Translations into German (`de`).",
        ),
        ("xml", "", &["svg"], "SVG image."),
        (
            "text",
            "Permission is hereby granted, free of charge",
            &["MIT License"],
            "The MIT licence.",
        ),
        (
            "markdown",
            "",
            &["Changes", "1.2.0", "1.1.0", "1.0.0"],
            "Change log with 3 versions, the newest 1.2.0.",
        ),
        (
            "html",
            "",
            &["{% extends a.html", "{% block b"],
            "HTML template that extends `a.html`, with the block `b`.",
        ),
        (
            "make",
            "",
            &["all", "test"],
            "Makefile with the targets `all` and `test`.",
        ),
        ("perl", "Does b well.", &["F"], "Does b well. Defines `F`."),
        ("nix", "", &[], "Nix file of 10 lines."),
    ] {
        assert_eq!(
            file(language(name), &with_headings(docstring, headings), 9),
            text,
            "{name}"
        );
    }
}

fn child<'a>(name: &'a str, kind: Kind, summary: &'a str) -> Child<'a> {
    Child {
        name,
        kind,
        summary: Some(summary).filter(|summary| !summary.is_empty()),
    }
}

/// A folder's children by name and summary (a name that ends in `/` is a folder), and the folder's summary.
const FOLDERS: &[(&[(&str, &str)], &str)] = &[
    // The author speaks first: in the manifest, in the package, in the README.
    (
        &[
            ("README.md", "A tool for all. It is small enough to read."),
            ("big.json", ""),
            ("client.py", "Sends requests over the network. More."),
            ("tests/", "Contains a and b."),
        ],
        "A tool for all. It is small enough to read. Contains client (sends requests over the network) and tests. 1 JSON \
         file, 1 Markdown file, 1 other file and 1 folder. Without a summary: `big.json`.",
    ),
    (
        &[
            ("README.md", "Please read on."),
            ("package.json", "Package manifest: Reads all of the feeds."),
        ],
        "Reads all of the feeds. 1 JSON file and 1 Markdown file.",
    ),
    // Children that matter come first, private ones, tests and what stands beside come last.
    (
        &[
            ("__init__.py", "Empty file."),
            ("_private.py", "Keeps what is private."),
            ("a.py", "Defines the class `A`: Answers in JSON."),
            ("b/", "Caches (in memory) what was read."),
            ("docs/", "Explains everything at length."),
            ("z.py", "Defines the classes `X` and `Y`."),
        ],
        "Contains b (caches what was read), a (answers in JSON), z, docs (explains everything at length) and _private \
         (keeps what is private). 4 Python files and 2 folders.",
    ),
    // What they have in common.
    (
        &[
            ("test_a.py", "Tests for a (2 tests): b and c."),
            ("test_b_c.py", "Tests (3 tests): d, e and f."),
        ],
        "Tests of a and b c. 2 Python files.",
    ),
    (
        &[
            ("json.go", "Defines the struct `jsonBinding`, with `Name`."),
            (
                "query.go",
                "Defines the struct `queryBinding`, with `Name`.",
            ),
            ("xml.go", "Defines the struct `xmlBinding`, with `Name`."),
        ],
        "Contains bindings: json, query and xml. 3 Go files.",
    ),
    (
        &[
            ("char.py", "Defines the class `CharField` (a `Field`)."),
            ("date.py", "Defines the class `Dates` (a `Field`)."),
            ("text.py", "Defines the class `LongText` (a `Field`)."),
        ],
        "Contains kinds of `Field`: char, date and text. 3 Python files.",
    ),
    (
        &[
            ("0001_initial.py", "A Django migration."),
            ("0002_name.py", "A Django migration."),
            ("__init__.py", "Empty file."),
        ],
        "Contains Django migrations, from 0001_initial to 0002_name. 3 Python files.",
    ),
    (
        &[
            ("de.po", "Translations into German (`de`)."),
            ("fr.po", "Translations into French (`fr`)."),
        ],
        "Translations into German and French. 2 gettext files.",
    ),
    // A clause that is cut off leaves no word behind.
    (
        &[
            (
                "ci.md",
                "The export can be committed, so `epitome check` compares it with the tree, which a workflow runs.",
            ),
            ("b.md", "Bees."),
        ],
        "Contains ci (export can be committed) and b. 2 Markdown files.",
    ),
    // A lone child speaks for its folder.
    (
        &[("c/", "Words of it. More.")],
        "Words of it. It contains only `c/`.",
    ),
    (
        &[("x.bin", "")],
        "Contains `x.bin`. Without a summary: `x.bin`.",
    ),
    // Files about the project are counted, not listed; what says "x is a y" is known as a y.
    (
        &[
            (".cargo-ok", "Text “{}”."),
            ("CHANGELOG.md", "Change log with 4 versions."),
            ("LICENSE", "The MIT licence."),
            (
                "chi.go",
                "Package chi is a small, idiomatic and composable router for building HTTP services.",
            ),
            (
                "src/",
                "Indicatif is a library for Rust that helps you to build interfaces for command lines.",
            ),
            (
                "sync.rs",
                "`async fn(HttpRequest) -> Result<HttpResponse, Error>` for services of many kinds and forms.",
            ),
        ],
        "Contains src (library for Rust), chi and sync. 1 Go file, 1 Markdown file, 3 other files and 1 folder.",
    ),
    // The program of a folder speaks where no manifest or page does.
    (
        &[
            ("data/", "Contains notes."),
            (
                "main.go",
                "This example demonstrates how to serve files. Defines the function `main`.",
            ),
        ],
        "This example demonstrates how to serve files. Contains data and main. 1 Go file and 1 folder.",
    ),
    // Programs by what they use; generated files.
    (
        &[
            (
                "fast.rs",
                "A program that uses `ProgressBar` of `indicatif`.",
            ),
            ("slow.rs", "A program that uses `Style` of `indicatif`."),
        ],
        "Programs that use `indicatif`: fast and slow. 2 Rust files.",
    ),
    (
        &[
            ("a.d.ts", "Generated: defines the type `A`."),
            ("a.js", "Generated: defines the class `A`."),
            ("b.js", "Generated by `make`."),
        ],
        "Generated files: a and b. 2 JavaScript files and 1 TypeScript file.",
    ),
    // The names that a package takes up.
    (
        &[
            ("__init__.py", "Re-exports `A` and `B` from `._a`."),
            ("_a.py", "Defines the classes `A` and `B`."),
        ],
        "Contains _a. Offers `A` and `B`. 2 Python files.",
    ),
];

#[test]
fn a_folder_says_what_it_is_for_and_counts_last() {
    for (children, summary) in FOLDERS {
        let children: Vec<Child<'_>> = children
            .iter()
            .map(|(name, summary)| match name.strip_suffix('/') {
                Some(name) => child(name, Kind::Directory, summary),
                None => child(name, Kind::File, summary),
            })
            .collect();
        assert_eq!(directory(&children), *summary);
    }
}

/// A file's name and text, and how its summary begins.
const TEXTS: &[(&str, &str, &str)] = &[
    // The author's words, without licences, directives, credits and pointers elsewhere.
    (
        "a.ts",
        "/* eslint no-console: 0 */\n/**\n * Prints colourful lines to the terminal.\n */\nexport function print() {}\n",
        "Defines the function `print`: Prints colourful lines to the terminal.",
    ),
    (
        "b.js",
        "/* istanbul ignore file */\nexport function b() {}\n",
        "Defines the function `b`.",
    ),
    (
        "c.rs",
        "// Copyright 2020 Some One <a@b.c>\n// SPDX-License-Identifier: MIT\n\npub fn c() {}\n",
        "Defines the function `c`.",
    ),
    (
        "README.md",
        "# Tool\n\n[![Build Status](https://x/y.svg)](https://x)\n\nPlease see the documentation for details.\n\nTool reads \
         every feed that you follow.\n",
        "Tool reads every feed that you follow.",
    ),
    // Statements at the top level.
    (
        "vite.config.ts",
        "import { defineConfig } from 'vite'\nexport default defineConfig({ base: '/' })\n",
        "Vite configuration.",
    ),
    (
        "d.js",
        "const { release } = require('tools')\nrelease({ to: 1 })\n",
        "Runs `release`.",
    ),
    (
        "e.js",
        "module.exports = function () { return 1 }\n",
        "Exports a function.",
    ),
    (
        "f.py",
        "STYLES = {'a': 1, 'b': 2, 'c': 3, 'd': 4}\n",
        "Sets `STYLES` (table of 4 entries a, b, c, …).",
    ),
    (
        "g.py",
        "from flask import Flask\napp = Flask(__name__)\n\n@app.get('/users')\ndef users():\n    return []\n",
        "Registers the route `GET /users`.",
    ),
    ("h.py", "# def old():\n#     return 1\n", "Only comments."),
    // Imports for types only are no exports.
    (
        "i.py",
        "import typing as t\nif t.TYPE_CHECKING:\n    from .app import Flask\n    from .ctx import Context\ncurrent = make('app')\n",
        "Sets `current` (from `make`).",
    ),
    // Exceptions by a base in the same file; variants by a shared base only.
    (
        "j.py",
        "class Broken(Exception):\n    pass\n\nclass Retry(Broken):\n    pass\n",
        "Defines the exceptions `Broken` and `Retry`.",
    ),
    (
        "k.py",
        "class Field: pass\nclass DocFieldTransformer: pass\nclass FieldBox: pass\n",
        "Defines the classes `Field`, `DocFieldTransformer` and `FieldBox`.",
    ),
    // Generated code says so.
    (
        "l.js",
        "// This file is autogenerated by build/make.js, do not edit\nexport function check() {}\n",
        "Generated by `build/make.js`: defines the function `check`.",
    ),
    (
        "l.py",
        "\"\"\"Writes files that begin with 'Code generated by gen. DO NOT EDIT.'.\"\"\"\ndef run(): pass\n",
        "Defines the function `run`.",
    ),
    // What a program uses; documentation that only repeats the name; constants beside a function; text without prose.
    (
        "n.rs",
        "use indicatif::{ProgressBar, style::Style};\nfn main() {\n    ProgressBar::new(1);\n}\n",
        "A program that uses `ProgressBar` and `Style` of `indicatif`.",
    ),
    (
        "o.js",
        "/** Broken class. */\nexport class Broken extends Error {}\n/** The Cut error. */\nexport class CutError extends Error {}\n",
        "Defines the exceptions `Broken` and `CutError`.",
    ),
    (
        "p.js",
        "exports.EV_A = 'a';\nexports.EV_B = 'b';\nexports.EV_C = 'c';\nexports.EV_D = 'd';\nexports.EV_E = 'e';\n\
         exports.EMPTY = () => {};\n",
        "Sets 5 values: `EV_A`, `EV_B`, `EV_C`, `EV_D` and `EV_E`.",
    ),
    (
        "q.stub",
        "exports.seed = (knex) ->\n  knex('table').del();\n  knex('table').insert();\n",
        "Text that begins with `exports.seed = (knex) ->`.",
    ),
    // The documented definition that takes up most of a file speaks for it.
    (
        "r.ts",
        "export class Entry {}\n/** Watches files for changes. */\nexport class Watcher {\n  a() {}\n  b() {}\n  c() {}\n}\n\
         export function join() {}\n",
        "Defines the class `Watcher`: Watches files for changes. Also defines the class `Entry` and the function `join`. \
         Methods: `a`, `b` and `c`.",
    ),
    (
        "m.rs",
        "pub struct Reader<R>(R);\n\nimpl<R: Read> Stream for Reader<R> {\n    fn poll(&self) {}\n}\n",
        "Defines the struct `Reader` (implements `Stream`)",
    ),
];

#[test]
fn a_file_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for (name, text, summary) in TEXTS {
        let language = Language::of_file(name.as_bytes());
        let parsed = crate::shell::parse::parse(language, text.as_bytes());
        let made = file(language, &parsed.outline, text.len() as u64);
        if !made.starts_with(summary) {
            wrong.push(format!("{name}: {made}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn rules_are_one_line() {
    assert_eq!(rule(ContentKind::Empty, None), "Empty file.");
    assert_eq!(
        rule(ContentKind::Binary, language("image")),
        "Binary file (image)."
    );
    assert_eq!(rule(ContentKind::Binary, None), "Binary file.");
}

/// Whatever stands in an outline: one paragraph, not too long, without control characters, with a full stop.
#[test]
fn every_summary_keeps_the_promises() {
    let mut random = fastrand::Rng::with_seed(7);
    let pieces = [
        "word ",
        "Word. ",
        "`",
        "``code``",
        ":class:`~a.B` ",
        "\n",
        "\n\n",
        "...",
        "!",
        "?",
        "…",
        "[a](b",
        "**",
        "\u{202e}",
        "\u{7}",
        "é",
        "日本語",
        "{% x",
        "<b>",
        "e.g. ",
        "_a_",
        "\u{1b}[31m",
        "(",
        ")",
        ", ",
        "very_long_name_of_a_thing_",
        "copyright ",
        "<|endoftext|>",
        "\t",
        "- list",
        ">>> x",
        "=====",
        "# ",
        "a",
    ];
    let mut text = |most: usize| -> String {
        let number = random.usize(0..most);
        (0..number)
            .map(|_| pieces[random.usize(0..pieces.len())])
            .collect()
    };
    let kinds = [
        "class", "function", "method", "struct", "module", "constant", "odd",
    ];
    let languages = [
        "python", "rust", "markdown", "json", "yaml", "toml", "html", "csv", "gettext", "go",
        "text", "make", "xml", "notebook",
    ];
    for round in 0..600 {
        let elements = (0..round % 12)
            .map(|number| {
                let name = format!("{}{number}", text(4));
                element(
                    kinds[(round + number) % kinds.len()],
                    &format!("x{name}"),
                    &text(9),
                    &text(40),
                )
            })
            .collect();
        let outline = Outline {
            headings: (0..round % 7).map(|_| text(12)).collect(),
            imports: (0..round % 5).map(|_| format!(".{}.b", text(3))).collect(),
            ..outline(&text(60), elements)
        };
        let name = languages[round % languages.len()];
        let one = file(language(name), &outline, round as u64);
        assert_eq!(
            one,
            file(language(name), &outline, round as u64),
            "not the same twice"
        );
        promises(&one);
        let two = text(30);
        let names = [text(5), text(5), text(9)];
        let children = [
            child(&names[0], Kind::File, &one),
            child(&names[1], Kind::Directory, &two),
            child(&names[2], Kind::File, ""),
        ];
        promises(&directory(&children));
        promises(&directory(&children[..round % 3]));
    }
}

fn promises(text: &str) {
    assert!(text.ends_with('.'), "{text:?}");
    assert!(text.chars().count() <= 600, "{text:?}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert_eq!(text.trim(), text);
    let line = first_sentence(text);
    assert!(line.chars().count() >= 4, "{text:?}");
}

#[test]
fn a_section_is_no_title_and_a_lone_test_no_suite() {
    let readme = with_headings("A library for rich text.", &["—", "Compatibility", "Use"]);
    assert_eq!(
        file(language("markdown"), &readme, 100),
        "A library for rich text. Sections: Compatibility and Use."
    );
    let packages = ["[requirements]", "amqp", "celery"];
    assert_eq!(
        file(language("text"), &with_headings("", &packages), 100),
        "Requirements: 2 Python packages, `amqp` and `celery`."
    );
    let tried = outline(
        "",
        vec![
            element("function", "render", "def render()", "Renders a scope."),
            element("function", "test", "def test()", ""),
        ],
    );
    let text = python(&tried);
    assert!(text.starts_with("Defines the functions `render`"), "{text}");
    let few = vec![
        element("class", "TestOne", "class TestOne", ""),
        element("method", "TestOne.test_a", "def test_a(self)", ""),
        element("function", "test_b", "def test_b()", ""),
        element("function", "test_c", "def test_c()", ""),
    ];
    let text = python(&outline("", few));
    assert_eq!(text, "Tests (3 tests): a, b and c.");
    let role = outline("Adds a column to a ~Table (or ~a).", Vec::new());
    let text = python(&role);
    assert!(
        text.starts_with("Adds a column to a Table (or ~a)."),
        "{text}"
    );
}
