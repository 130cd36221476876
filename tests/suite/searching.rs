//! `epitome search`: what it finds, what it says of it, and what it refuses.

use std::fs;

use crate::harness::{FakeModel, Home, Repo};

#[test]
fn definitions_files_and_folders_are_found_with_their_reason() {
    let (home, repo) = (Home::new(), Repo::package());
    repo.write(
        "src/net/retry.py",
        "class Backoff:\n    \"\"\"Waits longer each time.\"\"\"\n",
    );
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    // Outside of any repository all are looked through.
    let found = home.run(&["search", "Backoff", "--json"]).expect(0).json();
    let hit = &found["hits"][0];
    assert_eq!(hit["path"], "src/net/retry.py", "{found}");
    assert_eq!(hit["repository"], repo.at(""));
    assert_eq!(
        (&hit["kind"], &hit["freshness"]),
        (&"file".into(), &"fresh".into())
    );
    assert_eq!(hit["elements"][0]["qualified_name"], "Backoff");
    assert_eq!(hit["elements"][0]["line_start"], 1);
    assert!(
        hit["reason"]
            .as_str()
            .is_some_and(|why| why.contains("defines: Backoff"))
    );
    assert!(hit["score"].as_f64().is_some_and(|score| score > 0.0));

    let folder = home
        .run(&["search", "net", "--json", "--glob", "src/net"])
        .expect(0)
        .json();
    assert_eq!(folder["hits"][0]["path"], "src/net", "{folder}");
    let text = home
        .run(&["search", "waits longer", "--limit", "1"])
        .expect(0)
        .stdout;
    assert!(text.contains("retry.py\n"), "{text}");
    let none = home.run(&["search", "zzzyx"]).expect(0);
    assert_eq!(none.stdout, "");
    assert!(none.stderr.contains("no results"), "{none:?}");
}

#[test]
fn what_is_found_is_as_the_disk_is() {
    let model = FakeModel::new();
    let (home, repo) = (Home::asking(&model, "quiet_ms = 30000"), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    repo.write("src/fresh.py", "def quaternion():\n    return 4\n");
    let ask = || {
        home.run(&["search", "quaternion", "--json"])
            .expect(0)
            .json()
    };
    // Saved before the question: nothing there is called fresh, whether the file was looked at by now or not.
    let found = ask();
    assert_eq!(found["freshness"], "stale", "{found}");
    if found["total"] != 0 {
        assert_eq!(found["hits"][0]["freshness"], "pending", "{found}");
    }
    home.wait(&repo);
    let found = ask();
    assert_eq!(found["freshness"], "fresh", "{found}");
    assert_eq!(found["hits"][0]["freshness"], "fresh", "{found}");
    fs::remove_file(repo.at("src/fresh.py")).unwrap();
    home.wait(&repo);
    assert_eq!(ask()["total"], 0);
}

#[test]
fn the_route_answers_and_refuses() {
    let (home, repo) = (Home::new(), Repo::package());
    let _daemon = home.daemon(&[&repo.at("")]);
    home.wait(&repo);
    let ask = |query: &str| home.http("GET", &format!("/v1/search?{query}"), "");
    let found = ask(&format!("q=init&path={}&limit=3", repo.at("src")));
    assert_eq!(found.status, 200, "{found:?}");
    for (query, says) in [
        ("", "q is missing"),
        ("q=", "no word"),
        ("q=a&limit=0", "limit must be from 1 to 100"),
        ("q=a&kind=link", "kind must be file or directory"),
        ("q=%ff", "q must be UTF-8"),
        ("q=a&path=relative", "path must be absolute"),
    ] {
        let refused = ask(query);
        assert_eq!(refused.status, 400, "{query}: {refused:?}");
        assert!(refused.body.contains(says), "{query}: {refused:?}");
    }
    assert_eq!(ask("q=a&path=/nonexistent").status, 404);
}
