//! What `epitome index` ends with: the repository's summary and its largest folders.

use std::path::Path;

use super::show::{paragraph, title};
use super::{SharedErrors, children, entry, finish, max_column};
use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, columns};
use crate::wire::protocol::Node;

/// Folders that are listed.
const FOLDERS: usize = 15;
/// Summaries start at this column at most.
const MAX_COLUMN: usize = 34;

/// The summary, the largest folders of the first levels in tree order, and the commands to go on with.
pub fn overview(tree: &Node, path: &Path, terminal: Terminal) -> String {
    let mut lines = vec![
        terminal.paint(Style::Bold, &title(tree, path)),
        String::new(),
    ];
    if let Some(summary) = &tree.common().summary {
        lines.push(paragraph(summary, terminal));
        lines.push(String::new());
    }
    let entries = largest(tree);
    let widest = entries.iter().map(|node| columns(&below(tree, node)) + 2);
    let column = widest
        .max()
        .unwrap_or(0)
        .min(max_column(MAX_COLUMN, terminal));
    let errors = SharedErrors::of(tree);
    for node in &entries {
        lines.push(entry(
            "  ",
            node,
            &below(tree, node),
            column,
            &errors,
            terminal,
        ));
    }
    if !entries.is_empty() {
        lines.push(String::new());
    }
    for (command, does) in [
        (
            "epitome search \"…\"",
            "find a place by name, symbol or summary",
        ),
        ("epitome show PATH", "one file or folder"),
        ("epitome watch", "keep all of it current from now on"),
    ] {
        let does = terminal.paint(Style::Dim, does);
        lines.push(terminal.fold(&format!("  {command:<20}  {does}")));
    }
    finish(lines)
}

/// The folders with the most files among the loaded levels, in tree order; if there are none, the files.
fn largest(tree: &Node) -> Vec<&Node> {
    let mut folders = Vec::new();
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        for child in children(node).iter().rev() {
            if let Node::Directory(directory) = child {
                folders.push((directory.files, child));
                open.push(child);
            }
        }
    }
    if folders.is_empty() {
        return children(tree).iter().take(FOLDERS).collect();
    }
    folders.sort_by(|(a, x), (b, y)| b.cmp(a).then(x.common().path.cmp(&y.common().path)));
    folders.truncate(FOLDERS);
    let mut nodes: Vec<&Node> = folders.into_iter().map(|(_, node)| node).collect();
    nodes.sort_by(|a, b| a.common().path.split('/').cmp(b.common().path.split('/')));
    nodes
}

/// The path of a node below the root of the output.
fn below(tree: &Node, node: &Node) -> String {
    let path = &node.common().path;
    let below = path.strip_prefix(tree.common().path.as_str());
    let below = below.unwrap_or(path).trim_start_matches('/');
    match node {
        Node::File(_) => clean(below),
        Node::Directory(_) => clean(below) + "/",
    }
}
