//! Nodes for people: one with its words, or a tree with a line each. The status is in [`status`].
//!
//! Whatever comes from a repository or a model is made harmless for the terminal here.

pub mod prompt;
pub mod search;
pub mod status;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::terminal::{Style, Terminal};
use super::text::{clean, columns, count, cut, number, size, wrap};
use crate::model::outline::Element;
use crate::model::summary::Freshness;
use crate::wire::events::{StreamEvent, StreamEventKind};
use crate::wire::protocol::{Common, Node};

/// Columns of running text where the terminal does not say.
const TEXT_WIDTH: usize = 80;

/// One node: its name, its words, its outline or its children. `asked` is its absolute path.
pub fn show(node: &Node, asked: &Path, terminal: Terminal) -> String {
    let common = node.common();
    let mut lines = vec![head(node, asked, terminal)];
    if let Some(error) = &common.error {
        lines.push(terminal.paint(Style::Error, &format!("! {}", clean(error))));
    }
    if let Some(summary) = &common.summary {
        lines.push(String::new());
        lines.push(wrap(summary, terminal.width.unwrap_or(TEXT_WIDTH)));
    }
    match node {
        Node::File(file) => {
            if !file.elements.is_empty() {
                lines.push(String::new());
                lines.extend(outline(&file.elements, terminal));
            }
            if file.partial {
                let note = "(the parser met errors: the outline holds what it could read)";
                lines.push(terminal.paint(Style::Dim, note));
            }
        }
        Node::Directory(directory) => {
            let children = directory.children.as_deref().unwrap_or_default();
            if !children.is_empty() {
                lines.push(String::new());
            }
            let widest = children.iter().map(|child| columns(&name(child))).max();
            let column = widest.unwrap_or(0).min(30);
            for child in children {
                let space = " ".repeat(column.saturating_sub(columns(&name(child))));
                lines.push(entry("  ", child, &name(child), &space, terminal));
            }
            if !directory.left_out.is_empty() && node.common().summary.is_some() {
                let names: Vec<String> = directory.left_out.iter().map(|n| clean(n)).collect();
                let note = format!("(written without {})", names.join(", "));
                lines.push(terminal.paint(Style::Dim, &note));
            }
        }
    }
    finish(lines)
}

/// The node and what is below it, `depth` levels deep, with a line each.
pub fn tree(node: &Node, asked: &Path, depth: usize, terminal: Terminal) -> String {
    let title = match node.common().path.is_empty() {
        true => title(node, asked),
        false => name(node),
    };
    let mut lines = vec![entry("", node, &title, "", terminal)];
    branches(node, "", depth, terminal, &mut lines);
    finish(lines)
}

/// Something that happened, in one line.
pub fn happening(happening: &StreamEvent, terminal: Terminal) -> String {
    let (style, what) = match happening.event {
        StreamEventKind::Changed => (Style::Plain, "changed"),
        StreamEventKind::Removed => (Style::Plain, "removed"),
        StreamEventKind::Summarized => (Style::Good, "summarized"),
        StreamEventKind::Failed => (Style::Error, "failed"),
        StreamEventKind::Busy => (Style::Warning, "busy"),
        StreamEventKind::Settled => (Style::Good, "settled"),
        StreamEventKind::Notice => (Style::Warning, "notice"),
        StreamEventKind::Missed => (Style::Error, "missed"),
    };
    let repository = happening.repository.as_deref().unwrap_or_default();
    let mut place = clean(repository);
    if let Some(path) = happening.path.as_ref().filter(|path| !path.is_empty()) {
        place = format!("{place}/{}", clean(path));
    }
    let missed = happening
        .missed
        .map(|many| format!("{} happenings that came too fast", number(many)));
    let more = [&happening.line, &happening.error, &happening.text, &missed];
    let more: Vec<String> = more.into_iter().flatten().map(|text| clean(text)).collect();
    let time = clean(&happening.time);
    let space = " ".repeat(12_usize.saturating_sub(what.len()));
    let left = terminal.width.unwrap_or(usize::MAX);
    let left = left.saturating_sub(columns(&time) + 14);
    let text = cut(format!("{place}  {}", more.join("  ")).trim(), left);
    format!(
        "{}  {}{space}{text}\n",
        terminal.paint(Style::Dim, &time),
        terminal.paint(style, what)
    )
}

fn branches(node: &Node, indent: &str, depth: usize, terminal: Terminal, lines: &mut Vec<String>) {
    let Node::Directory(directory) = node else {
        return;
    };
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let children = directory.children.as_deref().unwrap_or_default();
    for (at, child) in children.iter().enumerate() {
        let last = at + 1 == children.len();
        let (branch, below) = match last {
            true => ("└── ", "    "),
            false => ("├── ", "│   "),
        };
        let prefix = format!("{indent}{branch}");
        lines.push(entry(&prefix, child, &name(child), "", terminal));
        branches(child, &format!("{indent}{below}"), depth, terminal, lines);
    }
}

/// A node in one line: prefix, name, space, a mark where it is not fresh, and its summary's first sentence; no wider
/// than the terminal.
fn entry(prefix: &str, node: &Node, name: &str, space: &str, terminal: Terminal) -> String {
    let common = node.common();
    let mut left = terminal.width.unwrap_or(usize::MAX);
    let mut take = |text: &str| {
        let text = cut(text, left);
        left -= columns(&text);
        text
    };
    let prefix = take(prefix);
    let name = take(name);
    let mut line = prefix + &terminal.paint(Style::Bold, &name);
    let words = common.line.as_deref().map(clean).unwrap_or_default();
    let mark = mark(common);
    if mark.is_empty() && words.is_empty() {
        return line;
    }
    line += &take(space);
    if !mark.is_empty() {
        line += &take("  ");
        line += &terminal.paint(mark_style(common.freshness), &take(&mark));
    }
    if !words.is_empty() {
        line += &take("  ");
        line += &terminal.paint(Style::Dim, &take(&words));
    }
    line.truncate(line.trim_end().len());
    line
}

fn head(node: &Node, asked: &Path, terminal: Terminal) -> String {
    let mut facts = match node {
        Node::File(file) => {
            let language = file.language.as_deref().map(clean);
            let mut facts: Vec<String> = language.into_iter().collect();
            facts.push(size(file.bytes));
            facts
        }
        Node::Directory(directory) => {
            let mut facts = vec![count(directory.files, "file")];
            if directory.directories > 0 {
                facts.push(count(directory.directories, "directory"));
            }
            facts
        }
    };
    let common = node.common();
    if let Some(model) = &common.model {
        facts.push(format!("by {}", clean(model)));
    }
    let (style, freshness) = match common.freshness {
        Freshness::Fresh => (Style::Good, "fresh"),
        Freshness::Stale => match node {
            Node::File(_) => (Style::Warning, "stale: this describes an earlier state"),
            Node::Directory(_) => (
                Style::Warning,
                "stale: it or something below it is not up to date",
            ),
        },
        Freshness::Pending => (Style::Warning, "pending: not summarized yet"),
        Freshness::Failed => (Style::Error, "failed"),
        Freshness::Off => (Style::Dim, "off"),
    };
    format!(
        "{}  {}",
        terminal.paint(Style::Bold, &title(node, asked)),
        terminal.paint(Style::Dim, &facts.join(", ")) + ", " + &terminal.paint(style, freshness)
    )
}

/// The definitions, indented as they lie in each other, with their lines.
fn outline(elements: &[Element], terminal: Terminal) -> Vec<String> {
    let widest = elements
        .iter()
        .map(|element| lines_of(element).len())
        .max()
        .unwrap_or(0);
    let mut around: Vec<u32> = Vec::new();
    let mut lines = Vec::new();
    for element in elements {
        while around.last().is_some_and(|end| *end < element.line_start) {
            around.pop();
        }
        let place = format!("  {:>widest$}  ", lines_of(element));
        let signature = match element.signature.is_empty() {
            true => format!("{} {}", element.kind, element.qualified_name),
            false => element.signature.clone(),
        };
        let text = format!("{}{}", "  ".repeat(around.len().min(20)), clean(&signature));
        let room = terminal
            .width
            .map_or(usize::MAX, |width| width.saturating_sub(columns(&place)));
        lines.push(terminal.paint(Style::Dim, &place) + &cut(&text, room));
        around.push(element.line_end);
    }
    lines
}

fn lines_of(element: &Element) -> String {
    match element.line_start == element.line_end {
        true => element.line_start.to_string(),
        false => format!("{}-{}", element.line_start, element.line_end),
    }
}

/// The path in its repository; for the root the path that was asked for.
fn title(node: &Node, asked: &Path) -> String {
    let path = &node.common().path;
    match (path.is_empty(), node) {
        (true, _) => clean(&asked.to_string_lossy()),
        (false, Node::File(_)) => clean(path),
        (false, Node::Directory(_)) => clean(path) + "/",
    }
}

/// The last name, with a `/` after a directory's.
fn name(node: &Node) -> String {
    let name = node.common().path.rsplit('/').next().unwrap_or_default();
    match node {
        Node::File(_) => clean(name),
        Node::Directory(_) => clean(name) + "/",
    }
}

fn mark(common: &Common) -> String {
    match (common.freshness, &common.error) {
        (Freshness::Fresh | Freshness::Off, _) => String::new(),
        (Freshness::Stale, _) => "~ stale".to_owned(),
        (Freshness::Pending, _) => "… pending".to_owned(),
        (Freshness::Failed, None) => "! failed".to_owned(),
        (Freshness::Failed, Some(error)) => format!("! failed: {}", clean(error)),
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
