//! One file or folder: its summary, its outline or its children.

use std::path::Path;

use super::{SharedErrors, children, entry, finish, max_column, name, sorted_children};
use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, columns, count, cut, size, tilde, wrap};
use crate::model::outline::Element;
use crate::model::summary::Freshness;
use crate::wire::protocol::Node;

/// Columns of running text; long lines are hard to read.
const TEXT_WIDTH: usize = 100;
/// Summaries of children start at this column at most.
const MAX_COLUMN: usize = 32;
/// Nesting of the outline that is shown by indentation.
const MAX_INDENT: usize = 20;

/// The node. `requested` is its absolute path.
pub fn show(node: &Node, requested: &Path, terminal: Terminal) -> String {
    let common = node.common();
    let mut lines = head(node, requested, terminal);
    if let Some(error) = &common.error {
        let error = terminal.paint(Style::Error, &format!("! {}", clean(error)));
        lines.push(terminal.fold(&error));
    }
    if let Some(summary) = &common.summary {
        lines.push(String::new());
        lines.push(paragraph(summary, terminal));
    }
    match node {
        Node::File(file) => {
            if !file.elements.is_empty() {
                lines.push(String::new());
                lines.extend(outline(&file.elements, requested, terminal));
            }
            if let Some(note) = file.syntax_errors() {
                lines.push(terminal.paint(Style::Dim, &format!("({note})")));
            }
        }
        Node::Directory(directory) => {
            if !children(node).is_empty() {
                lines.push(String::new());
            }
            let errors = SharedErrors::of(node);
            let widest = children(node).iter().map(|child| columns(&name(child)) + 2);
            let column = widest
                .max()
                .unwrap_or(0)
                .min(max_column(MAX_COLUMN, terminal));
            for child in sorted_children(node) {
                lines.push(entry("  ", child, &name(child), column, &errors, terminal));
            }
            if !directory.left_out.is_empty() && common.summary.is_some() {
                let names: Vec<String> = directory.left_out.iter().map(|n| clean(n)).collect();
                let note = format!("(written without {})", names.join(", "));
                lines.push(terminal.paint(Style::Dim, &note));
            }
        }
    }
    finish(lines)
}

/// Running text: wrapped for a terminal; one line for each paragraph in a pipe, where the reader wraps it.
pub fn paragraph(text: &str, terminal: Terminal) -> String {
    wrap(
        text,
        terminal
            .width
            .map_or(usize::MAX, |width| width.min(TEXT_WIDTH)),
    )
}

/// The path in its repository; for the root its absolute path.
pub fn title(node: &Node, requested: &Path) -> String {
    let path = &node.common().path;
    match (path.is_empty(), node) {
        (true, _) => tilde(requested),
        (false, Node::File(_)) => clean(path),
        (false, Node::Directory(_)) => clean(path) + "/",
    }
}

/// Title and facts in one line, or below each other if that is too long.
fn head(node: &Node, requested: &Path, terminal: Terminal) -> Vec<String> {
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
                facts.push(count(directory.directories, "folder"));
            }
            facts
        }
    };
    let common = node.common();
    match common.model.as_deref() {
        Some("offline") => facts.push("offline summary".to_owned()),
        Some(model) => facts.push(format!("by {}", clean(model))),
        None => {}
    }
    let (style, freshness) = match (common.freshness, node) {
        (Freshness::Fresh, _) => (Style::Good, "fresh"),
        (Freshness::Stale, Node::File(_)) => (Style::Warning, "stale: describes an earlier state"),
        (Freshness::Stale, Node::Directory(_)) => (
            Style::Warning,
            "stale: it or something below it has changed",
        ),
        (Freshness::Pending, _) => (Style::Warning, "pending: not summarized yet"),
        (Freshness::Failed, _) => (Style::Error, "failed"),
        (Freshness::Off, _) => (Style::Dim, "off"),
    };
    facts.push(String::new());
    let (title, facts) = (title(node, requested), facts.join(" · "));
    let length = columns(&title) + 2 + columns(&facts) + columns(freshness);
    let title = terminal.paint(Style::Bold, &title);
    let facts = terminal.paint(Style::Dim, &facts) + &terminal.paint(style, freshness);
    match terminal.width.is_some_and(|width| width < length) {
        true => vec![title, terminal.fold(&facts)],
        false => vec![format!("{title}  {facts}")],
    }
}

/// The definitions, indented by nesting, with their lines and the first sentence of their documentation.
fn outline(elements: &[Element], file: &Path, terminal: Terminal) -> Vec<String> {
    let widest = elements.iter().map(|element| lines_of(element).len()).max();
    let widest = widest.unwrap_or(0);
    let mut enclosing: Vec<u32> = Vec::new();
    let mut lines = Vec::new();
    for element in elements {
        while enclosing
            .last()
            .is_some_and(|end| *end < element.line_start)
        {
            enclosing.pop();
        }
        let place = lines_of(element);
        let space = " ".repeat(2 + widest - place.len());
        let place = terminal.link(file, element.line_start, &place);
        let signature = match element.signature.is_empty() {
            true => format!("{} {}", element.kind, element.qualified_name),
            false => element.signature.clone(),
        };
        let indent = "  ".repeat(enclosing.len().min(MAX_INDENT));
        let text = format!("{indent}{}", clean(&signature));
        let left = terminal
            .width
            .map_or(usize::MAX, |width| width.saturating_sub(widest + 4));
        let text = cut(&text, left);
        let mut line = terminal.paint(Style::Dim, &format!("{space}{place}  ")) + &text;
        let docs = element
            .docstring
            .as_deref()
            .map(first_line)
            .unwrap_or_default();
        let left = left.saturating_sub(columns(&text) + 2);
        if !docs.is_empty() && left > 15 {
            line += "  ";
            line += &terminal.paint(Style::Dim, &cut(&docs, left));
        }
        lines.push(line);
        enclosing.push(element.line_end);
    }
    lines
}

/// The first non-empty line of a documentation comment.
fn first_line(docs: &str) -> String {
    let line = docs.lines().map(str::trim).find(|line| !line.is_empty());
    line.map(clean).unwrap_or_default()
}

fn lines_of(element: &Element) -> String {
    match element.line_start == element.line_end {
        true => element.line_start.to_string(),
        false => format!("{}-{}", element.line_start, element.line_end),
    }
}
