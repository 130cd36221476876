//! Output for people. Text from a repository or a model is escaped here, so that it cannot control the terminal.

pub mod diff;
pub mod events;
pub mod log;
pub mod overview;
pub mod prompt;
pub mod search;
pub mod show;
pub mod status;
#[cfg(test)]
mod tests;
pub mod tree;
mod words;

use std::collections::BTreeMap;

use super::terminal::{Style, Terminal};
use super::text::{clean, columns, cut};
use crate::model::summary::Freshness;
use crate::wire::protocol::{Common, Node};

/// Errors that several nodes share: an entry in a list then says only `failed`.
struct SharedErrors<'n>(BTreeMap<&'n str, usize>);

impl<'n> SharedErrors<'n> {
    fn of(node: &'n Node) -> Self {
        let mut errors = BTreeMap::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if let Some(error) = node.common().error.as_deref() {
                *errors.entry(error).or_default() += 1;
            }
            open.extend(children(node));
        }
        Self(errors)
    }

    fn is_shared(&self, error: &str) -> bool {
        self.0.get(error).is_some_and(|many| *many > 1)
    }
}

/// Terminals with fewer columns are narrow.
const NARROW: usize = 60;

/// The column that summaries start at, at most: they get half of the terminal.
fn max_column(most: usize, terminal: Terminal) -> usize {
    let half = terminal.width.map_or(usize::MAX, |width| width / 2);
    most.min(half)
}

/// A node in one line: prefix, name padded to `column`, freshness unless it is fresh, and the summary's first sentence;
/// not wider than the terminal.
fn entry(
    prefix: &str,
    node: &Node,
    name: &str,
    column: usize,
    errors: &SharedErrors<'_>,
    terminal: Terminal,
) -> String {
    let common = node.common();
    let mut left = terminal.width.unwrap_or(usize::MAX);
    let mut take = |text: &str| {
        let text = cut(text, left);
        left -= columns(&text);
        text
    };
    let prefix = take(prefix);
    // On a narrow terminal a long name must not take the summary's place.
    let name = match terminal.width {
        Some(width) if width < NARROW && column > 0 => {
            cut(name, column.saturating_sub(columns(&prefix)).max(8))
        }
        _ => name.to_owned(),
    };
    let name = take(&name);
    let space = column.saturating_sub(columns(&prefix) + columns(&name));
    let style = match node {
        Node::File(_) => Style::Plain,
        Node::Directory(_) => Style::Folder,
    };
    let mut line = terminal.paint(Style::Dim, &prefix) + &terminal.paint(style, &name);
    let text = common.line.as_deref().map(clean).unwrap_or_default();
    let mark = mark(common, errors);
    if mark.is_empty() && text.is_empty() {
        return line;
    }
    line += &take(&" ".repeat(space));
    if !mark.is_empty() {
        line += &take("  ");
        line += &terminal.paint(mark_style(common.freshness), &take(&mark));
    }
    if !text.is_empty() {
        line += &take("  ");
        line += &take(&text);
    }
    line.truncate(line.trim_end().len());
    line
}

/// The last component of the path, with a `/` after a directory's.
fn name(node: &Node) -> String {
    let name = node.common().path.rsplit('/').next().unwrap_or_default();
    match node {
        Node::File(_) => clean(name),
        Node::Directory(_) => clean(name) + "/",
    }
}

/// The children, directories first, then files, each by name.
fn sorted_children(node: &Node) -> Vec<&Node> {
    let mut children: Vec<&Node> = children(node).iter().collect();
    children.sort_by_key(|child| matches!(child, Node::File(_)));
    children
}

fn children(node: &Node) -> &[Node] {
    match node {
        Node::File(_) => &[],
        Node::Directory(directory) => directory.children.as_deref().unwrap_or_default(),
    }
}

fn mark(common: &Common, errors: &SharedErrors<'_>) -> String {
    match (common.freshness, &common.error) {
        (Freshness::Fresh | Freshness::Off, _) => String::new(),
        (Freshness::Stale, _) => "~ stale".to_owned(),
        (Freshness::Pending, _) if common.draft => "… draft".to_owned(),
        (Freshness::Pending, _) => "… pending".to_owned(),
        (Freshness::Failed, Some(error)) if !errors.is_shared(error) => {
            format!("! failed: {}", clean(error))
        }
        (Freshness::Failed, _) => "! failed".to_owned(),
    }
}

fn mark_style(freshness: Freshness) -> Style {
    match freshness {
        Freshness::Failed => Style::Error,
        _ => Style::Warning,
    }
}

fn finish(lines: Vec<String>) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}
