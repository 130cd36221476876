//! A folder and what is below it, one line each.

use std::path::Path;

use super::show::title;
use super::{SharedErrors, entry, finish, max_column, name, sorted_children};
use crate::cli::terminal::Terminal;
use crate::cli::text::columns;
use crate::wire::protocol::Node;

/// Summaries start at this column at most, however deep and long the names are.
const MAX_COLUMN: usize = 40;

/// The node and `depth` levels below it, directories first. `requested` is its absolute path.
pub fn tree(node: &Node, requested: &Path, depth: usize, terminal: Terminal) -> String {
    let title = match node.common().path.is_empty() {
        true => title(node, requested),
        false => name(node),
    };
    let mut rows = vec![(String::new(), node, title)];
    rows.extend(branches(node, "", depth));
    let widest = rows
        .iter()
        .skip(1)
        .map(|(prefix, _, name)| columns(prefix) + columns(name))
        .max();
    let column = widest.unwrap_or(0).min(max_column(MAX_COLUMN, terminal));
    let errors = SharedErrors::of(node);
    let lines = rows.iter().enumerate().map(|(at, (prefix, node, name))| {
        let column = if at == 0 { 0 } else { column };
        entry(prefix, node, name, column, &errors, terminal)
    });
    finish(lines.collect())
}

fn branches<'n>(node: &'n Node, indent: &str, depth: usize) -> Vec<(String, &'n Node, String)> {
    let Some(depth) = depth.checked_sub(1) else {
        return Vec::new();
    };
    let children = sorted_children(node);
    let mut rows = Vec::new();
    for (at, child) in children.iter().enumerate() {
        let last = at + 1 == children.len();
        let (branch, below) = match last {
            true => ("└── ", "    "),
            false => ("├── ", "│   "),
        };
        rows.push((format!("{indent}{branch}"), *child, name(child)));
        rows.extend(branches(child, &format!("{indent}{below}"), depth));
    }
    rows
}
