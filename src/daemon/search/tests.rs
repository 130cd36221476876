#![allow(clippy::unwrap_used)]

use super::hit::kind;
use super::*;
use crate::client::fake::{directory, file};
use crate::model::outline::Element;
use crate::wire::search::Search;

fn named(path: &str, summary: &str, definitions: &[&str]) -> Node {
    let mut node = file(path, summary);
    if let Node::File(file) = &mut node {
        let made = file.elements.pop().unwrap();
        file.elements = definitions
            .iter()
            .map(|name| Element {
                name: (*name).to_owned(),
                qualified_name: (*name).to_owned(),
                ..made.clone()
            })
            .collect();
    }
    node
}

fn world() -> Vec<(PathBuf, Node)> {
    let tree = directory(
        "",
        "A program that fetches pages.",
        vec![
            named("retry.py", "Waits and asks again.", &["Backoff"]),
            directory(
                "src",
                "The parts.",
                vec![
                    named(
                        "src/client.py",
                        "Sends requests.",
                        &["HttpClient", "retry_after"],
                    ),
                    named(
                        "src/parser.py",
                        "Reads pages. Never retries.",
                        &["parse_page"],
                    ),
                    named("src/cache.py", "Keeps pages.", &["Cache", "Cache.get"]),
                ],
            ),
        ],
    );
    vec![(PathBuf::from("/home/me/fetcher"), tree)]
}

fn ask(search: &Search) -> SearchResults {
    ask_while(search, || false)
}

fn ask_while(search: &Search, left: impl Fn() -> bool + Sync) -> SearchResults {
    let (question, world) = (Question::new(search).unwrap(), world());
    let mut candidates = Vec::new();
    for (root, node) in &world {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if let Node::Directory(directory) = node {
                open.extend(directory.children.iter().flatten().rev());
            }
            if question.admits(kind(node), &node.common().path) {
                candidates.push(Candidate { root, node });
            }
        }
    }
    let told = |node: &&Node| (*node).clone();
    best(&question, &candidates, Freshness::Fresh, told, left)
}

fn paths(query: &str) -> Vec<String> {
    let search = Search {
        query: query.to_owned(),
        ..Search::default()
    };
    let hits = ask(&search).hits.into_iter();
    hits.map(|hit| hit.path).collect()
}

#[test]
fn names_come_before_words_and_words_before_nothing() {
    assert_eq!(
        paths("retry"),
        ["retry.py", "src/client.py", "src/parser.py"]
    );
    assert_eq!(paths("parse")[0], "src/parser.py");
    assert_eq!(paths("HttpClient"), ["src/client.py"]);
    assert_eq!(paths("cache.get")[0], "src/cache.py");
    assert_eq!(paths("src/client.py")[0], "src/client.py");
    assert_eq!(
        paths("fetcher"),
        [""],
        "a root is known by its folder's name"
    );
    assert_eq!(paths("nowhere"), [""; 0]);
}

#[test]
fn nothing_more_is_looked_at_for_one_who_left() {
    let search = Search {
        query: "pages".to_owned(),
        ..Search::default()
    };
    assert_eq!(ask(&search).total, 3);
    let looks = std::sync::atomic::AtomicU32::new(0);
    let left = || looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 3;
    assert_eq!(ask_while(&search, left).total, 1);
}

#[test]
fn who_has_all_of_the_words_comes_first() {
    assert_eq!(paths("how are pages parsed")[0], "src/parser.py");
    assert_eq!(paths("client that retries")[0], "src/client.py");
}

#[test]
fn a_hit_says_why() {
    let search = Search {
        query: "retry client".to_owned(),
        ..Search::default()
    };
    let hit = ask(&search).hits.remove(0);
    assert_eq!(hit.path, "src/client.py");
    assert_eq!(hit.reason, "name: client; defines: retry_after, HttpClient");
    let names: Vec<_> = hit
        .elements
        .iter()
        .map(|one| one.qualified_name.as_str())
        .collect();
    assert_eq!(names, ["retry_after", "HttpClient"]);
    assert_eq!(
        (hit.elements[0].line_start, hit.elements[0].line_end),
        (3, 14)
    );
}

#[test]
fn the_scope_is_kept() {
    let mut search = Search {
        query: "pages".to_owned(),
        ..Search::default()
    };
    assert_eq!(ask(&search).total, 3);
    search.kind = Some(NodeKind::Directory);
    assert_eq!(ask(&search).hits[0].path, "");
    assert_eq!(ask(&search).total, 1);
    search.kind = None;
    search.glob = Some("src/".to_owned());
    assert_eq!(ask(&search).total, 2);
    search.glob = Some("*.{py,rs}".to_owned());
    search.limit = Some(1);
    let found = ask(&search);
    assert_eq!((found.hits.len(), found.total), (1, 2));
}

#[test]
fn what_cannot_be_looked_for_is_told() {
    let refused = |search: Search| Question::new(&search).err().unwrap().detail;
    let query = |query: &str| Search {
        query: query.to_owned(),
        ..Search::default()
    };
    assert!(refused(query(" ?! ")).contains("no word"));
    assert!(refused(query(&"word ".repeat(300))).contains("1000 bytes"));
    for limit in [0, 101] {
        let limit = Some(limit);
        assert!(
            refused(Search {
                limit,
                ..query("x")
            })
            .contains("1 to 100")
        );
    }
    let glob = Some("{a".to_owned());
    assert!(refused(Search { glob, ..query("x") }).contains("\"{a\""));
}
