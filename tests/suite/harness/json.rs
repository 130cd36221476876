//! Helpers for the JSON of a tree.

use serde_json::Value;

/// The node with this path in a tree.
#[track_caller]
pub fn find<'a>(tree: &'a Value, path: &str) -> &'a Value {
    every(tree)
        .into_iter()
        .find(|node| node["path"] == path)
        .unwrap_or_else(|| panic!("no node {path:?} among {:?}", paths(tree)))
}

/// The `key` of each item in the list `list`.
pub fn within<'a>(node: &'a Value, list: &str, key: &str) -> Vec<&'a Value> {
    let items = node[list].as_array().into_iter().flatten();
    items.map(|item| &item[key]).collect()
}

/// A node and all nodes below it, parents first.
pub fn every(tree: &Value) -> Vec<&Value> {
    let mut all = vec![tree];
    for child in tree["children"].as_array().into_iter().flatten() {
        all.extend(every(child));
    }
    all
}

/// The paths of a node and of all nodes below it.
pub fn paths(tree: &Value) -> Vec<&str> {
    every(tree)
        .into_iter()
        .filter_map(|node| node["path"].as_str())
        .collect()
}

/// The first node that is not fresh.
pub fn first_not_fresh(tree: &Value) -> Option<&Value> {
    every(tree)
        .into_iter()
        .find(|node| node["freshness"] != "fresh")
}
