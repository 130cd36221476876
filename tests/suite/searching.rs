//! `epitome search`: what it finds first, what it shows of it, and what it refuses.

use std::fs;

use serde_json::Value;

use crate::harness::{FakeModel, Home, Repo};

/// Files of every role, with words that stand in several of them.
const FILES: &[(&str, &str)] = &[
    (
        "lib/http/retry.py",
        "class Backoff:\n    \"\"\"Waits longer each time.\"\"\"\n\n    def wait_time(self, attempt):\n        return 2 ** attempt\n",
    ),
    (
        "lib/http/client.py",
        "from .retry import Backoff\n\n\nclass HttpClient:\n    def send(self, request):\n        # A broken connection is opened again after the backoff.\n        \
         for attempt in range(5):\n            self.reconnect(request)\n\n    def reconnect(self, request):\n        pass\n",
    ),
    (
        "lib/cache.py",
        "class Cache:\n    def get(self, key):\n        return self.entries[key]\n\n\nclass Other:\n    def get(self):\n        return 1\n",
    ),
    (
        "lib/store.py",
        "def getQueryset(model):\n    return model.objects.all()\n\n\ndef sha256_digest(data):\n    return data\n",
    ),
    (
        "lib/test/runner.py",
        "def pagination(items):\n    \"\"\"Splits items into pages.\"\"\"\n    return items\n",
    ),
    (
        "tests/test_retry.py",
        "from lib.http.retry import Backoff\n\n\ndef test_backoff_waits_longer_each_time():\n    assert Backoff().wait_time(1)\n\n\n\
         def test_backoff_again():\n    assert Backoff()\n",
    ),
    (
        "docs/retry.md",
        "# Retry\n\nThe backoff waits longer each time. Backoff, retry, backoff.\n",
    ),
    (
        "examples/client.py",
        "from lib.http.client import HttpClient\n\nHttpClient().send('backoff')\n",
    ),
    (
        "notes/日本語.py",
        "def load():\n    \"\"\"設定ファイルを読み込む。\"\"\"\n    return None\n",
    ),
    (
        "package.json",
        "{\"name\": \"backoff\", \"keywords\": [\"backoff\", \"retry\"]}\n",
    ),
];

fn daemon(home: &Home, repo: &Repo) -> crate::harness::Daemon {
    for (path, text) in FILES {
        repo.write(path, text);
    }
    let daemon = home.daemon(&[&repo.at("")]);
    home.wait(repo);
    daemon
}

fn search(home: &Home, arguments: &[&str]) -> Value {
    let arguments = [&["search", "--json"], arguments].concat();
    home.run(&arguments).expect(0).json()
}

fn paths(found: &Value) -> Vec<&str> {
    let hits = found["hits"].as_array().expect("hits");
    hits.iter().filter_map(|hit| hit["path"].as_str()).collect()
}

#[test]
fn the_place_that_a_query_means_comes_first() {
    let (home, repo) = (Home::new(), Repo::new());
    let _daemon = daemon(&home, &repo);
    for (query, first) in [
        // Names, in any case and style, before words.
        ("Backoff", "lib/http/retry.py"),
        ("HttpClient", "lib/http/client.py"),
        ("get_queryset", "lib/store.py"),
        ("getqueryset", "lib/store.py"),
        ("sha256", "lib/store.py"),
        ("sha 256 digest", "lib/store.py"),
        ("lib/cache.py", "lib/cache.py"),
        ("client.py", "lib/http/client.py"),
        ("Cache.get", "lib/cache.py"),
        ("Cache::get()", "lib/cache.py"),
        // Words that stand in the text of a file only.
        ("broken connection", "lib/http/client.py"),
        ("model objects", "lib/store.py"),
        // Forms of a word.
        ("waiting time of attempts", "lib/http/retry.py"),
        ("paginate", "lib/test/runner.py"),
        ("reconnected", "lib/http/client.py"),
        // A word that is nowhere stands for those that begin with it.
        ("pagin", "lib/test/runner.py"),
        ("設定", "notes/日本語.py"),
        // Source before tests, documents, data and examples, unless the query speaks of them.
        ("waits longer each time", "lib/http/retry.py"),
        ("test that the backoff waits longer", "tests/test_retry.py"),
        ("retry documentation", "docs/retry.md"),
        ("example that sends with a client", "examples/client.py"),
        ("json keywords of the package", "package.json"),
        // Operators.
        ("path:docs/ backoff", "docs/retry.md"),
        ("path:*.json backoff", "package.json"),
        (
            "-path:lib/ -path:docs/ lang:python backoff waits",
            "tests/test_retry.py",
        ),
        ("kind:class http", "lib/http/client.py"),
        ("kind:directory http", "lib/http"),
        ("path:notes/", "notes/日本語.py"),
    ] {
        let found = search(&home, &["--", query]);
        assert_eq!(paths(&found).first(), Some(&first), "{query}: {found:#}");
    }
    let found = search(&home, &["Cache.get"]);
    assert_eq!(
        found["hits"][0]["elements"][0]["qualified_name"],
        "Cache.get"
    );
    for nothing in ["zzzyx", "-zzzyx"] {
        let none = home.run(&["search", "--", nothing]).expect(0);
        assert_eq!(none.stdout, "");
        assert!(none.stderr.contains("no results"), "{none:?}");
    }
}

#[test]
fn a_search_that_cannot_be_read_is_wrong_usage() {
    let (home, repo) = (Home::new(), Repo::new());
    let _daemon = daemon(&home, &repo);
    for (query, says) in [
        ("", "give some"),
        ("?!", "give some"),
        ("kind:nonsense http", "file, directory, symbol, all"),
        ("lang:nonsense http", "no language"),
        ("path:{a http", "cannot be read"),
    ] {
        let refused = home.run(&["search", query]).expect(2);
        assert_eq!(refused.stdout, "");
        assert!(refused.stderr.contains(says), "{query}: {refused:?}");
        assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
    }
    let noted = home.run(&["search", "file:client backoff"]).expect(0);
    assert!(noted.stderr.contains("did you mean path:?"), "{noted:?}");
    assert!(noted.stdout.contains("retry"), "{noted:?}");
}

#[test]
fn hits_have_a_kind_a_place_a_reason_and_a_true_total() {
    let (home, repo) = (Home::new(), Repo::new());
    let _daemon = daemon(&home, &repo);
    let found = search(&home, &["Backoff"]);
    let hit = &found["hits"][0];
    assert_eq!(hit["repository"], repo.at(""));
    assert_eq!(
        (&hit["kind"], &hit["freshness"]),
        (&"file".into(), &"fresh".into())
    );
    assert_eq!(hit["elements"][0]["line_start"], 1);
    assert_eq!(hit["line_number"], 1);
    assert!(
        hit["reason"]
            .as_str()
            .is_some_and(|why| why.contains("defines: backoff")),
        "{hit:#}"
    );
    assert!(hit["score"].as_f64().is_some_and(|score| score > 0.0));
    // The best line of the text, and the definition around it.
    let found = search(&home, &["broken connection"]);
    let hit = &found["hits"][0];
    assert_eq!(hit["line_number"], 6, "{hit:#}");
    assert_eq!(hit["elements"][0]["qualified_name"], "HttpClient.send");

    let kinds = |kind: &str| {
        let found = search(&home, &["--kind", kind, "http"]);
        let hits = found["hits"].as_array().cloned().unwrap_or_default();
        let mut kinds: Vec<_> = hits.iter().map(|hit| hit["kind"].to_string()).collect();
        kinds.sort();
        kinds.dedup();
        kinds.join(" ")
    };
    assert_eq!(kinds("file"), "\"file\"");
    assert_eq!(kinds("directory"), "\"directory\"");
    assert_eq!(kinds("symbol"), "\"symbol\"");
    assert_eq!(kinds("all"), "\"directory\" \"file\"");

    let all = search(&home, &["backoff", "--limit", "1000"]);
    let total = all["total"].as_u64().unwrap_or_default();
    assert_eq!(total, paths(&all).len() as u64, "{all:#}");
    let text = home
        .run(&["search", "backoff", "--limit", "1"])
        .expect(0)
        .stdout;
    assert!(
        text.contains("/lib/http/retry.py:1  Backoff\n    "),
        "{text}"
    );
    assert!(
        text.contains(&format!("1 of {total} matches; --limit")),
        "{text}"
    );
    assert_eq!(text.lines().count(), 3, "{text}");
    let text = home
        .run(&["search", "backoff", "--limit", "1", "--explain"])
        .expect(0)
        .stdout;
    assert!(text.contains("defines: backoff"), "{text}");
}

#[test]
fn results_follow_the_disk() {
    let model = FakeModel::new();
    let (home, repo) = (
        Home::with_model(&model, "quiet_ms = 30000"),
        Repo::package(),
    );
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let query = || search(&home, &["quaternion"]);
    assert_eq!(query()["total"], 0);
    repo.write("src/fresh.py", "def rotate():\n    return 'quaternion'\n");
    // Saved before the search: nothing is called fresh, whether the file was read by now or not.
    let found = query();
    assert_eq!(found["freshness"], "stale", "{found}");
    if found["total"] != 0 {
        assert_eq!(found["hits"][0]["freshness"], "pending", "{found}");
    }
    home.wait(&repo);
    let found = query();
    assert_eq!(found["freshness"], "fresh", "{found}");
    assert_eq!(found["hits"][0]["freshness"], "fresh", "{found}");
    repo.write("src/fresh.py", "def rotate():\n    return 'matrix'\n");
    repo.write("src/deep/down/other.py", "# quaternion\n");
    home.wait(&repo);
    assert_eq!(paths(&query()), ["src/deep/down/other.py"]);
    fs::rename(repo.at("src/deep"), repo.at("src/moved")).unwrap();
    home.wait(&repo);
    assert_eq!(paths(&query()), ["src/moved/down/other.py"]);
    fs::remove_dir_all(repo.at("src/moved")).unwrap();
    home.wait(&repo);
    assert_eq!(query()["total"], 0);
}

#[test]
fn a_draft_stands_in_for_a_summary_that_is_pending() {
    let model = FakeModel::new();
    let (home, repo) = (
        Home::with_model(&model, "quiet_ms = 30000"),
        Repo::package(),
    );
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    repo.write("src/draft.py", "\"\"\"Keeps what is not done yet.\"\"\"\n");
    let shown = |path: &str| home.run(&["show", &repo.at(path), "--json"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let is_draft = || {
        let done = shown("src/draft.py");
        done.code == Some(0) && done.json()["draft"] == true
    };
    while !is_draft() {
        assert!(std::time::Instant::now() < until, "no draft");
    }
    let draft = shown("src/draft.py").expect(0).json();
    assert_eq!(draft["line"], "Keeps what is not done yet.", "{draft:#}");
    assert_eq!(
        (&draft["freshness"], &draft["model"]),
        (&"pending".into(), &"offline".into())
    );
    let fresh = shown("src/shop/cart.py").expect(0).json();
    assert_eq!(
        (&fresh["draft"], &fresh["freshness"]),
        (&false.into(), &"fresh".into())
    );
    home.wait(&repo);
    let written = shown("src/draft.py").expect(0).json();
    assert_eq!(
        (&written["draft"], &written["freshness"]),
        (&false.into(), &"fresh".into())
    );
    assert_ne!(written["summary"], draft["summary"], "{written:#}");
}

#[test]
fn the_route_answers_and_refuses() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let route = |query: &str| home.http("GET", &format!("/v1/search?{query}"), "");
    let found = route(&format!("q=init&path={}&limit=3", repo.at("src")));
    assert_eq!(found.status, 200, "{found:?}");
    for (query, says) in [
        ("", "q is missing"),
        ("q=", "no word"),
        ("q=a&limit=0", "limit must be from 1 to 1000"),
        (
            "q=a&kind=link",
            "kind must be file, directory, symbol or all",
        ),
        ("q=%ff", "q must be UTF-8"),
        ("q=a&path=relative", "path must be absolute"),
        ("q=path:%7Ba", "cannot be read"),
    ] {
        let refused = route(query);
        assert_eq!(refused.status, 400, "{query}: {refused:?}");
        assert!(refused.body.contains(says), "{query}: {refused:?}");
    }
    assert_eq!(route("q=a&path=/nonexistent").status, 404);
}
