//! Files and folders as all tools write them.

use super::super::page::{Page, count, line_about};
use crate::model::outline::Element;
use crate::model::summary::Freshness;
use crate::wire::plain::{clean, name, one_line};
use crate::wire::protocol::Node;

pub(super) fn children(node: &Node) -> &[Node] {
    match node {
        Node::File(_) => &[],
        Node::Directory(directory) => directory.children.as_deref().unwrap_or_default(),
    }
}

/// The path in the repository, with a `/` after a directory's.
pub(super) fn shown(node: &Node) -> String {
    let path = &node.common().path;
    match node {
        Node::File(_) => name(path),
        Node::Directory(_) if path.is_empty() => "./".to_owned(),
        Node::Directory(_) => name(&format!("{path}/")),
    }
}

/// A child in its folder: its own name and a line about it.
pub(super) fn entry(node: &Node, indent: &str) -> String {
    let path = &node.common().path;
    let own = path.rsplit('/').next().unwrap_or_default();
    let own = match node {
        Node::File(_) => name(own),
        Node::Directory(_) => name(&format!("{own}/")),
    };
    format!("{indent}{own}{}", about(node))
}

/// A line about a node, to follow its path.
pub(super) fn about(node: &Node) -> String {
    match is_empty(node) {
        true => "  no files".to_owned(),
        false => line_about(node.common()),
    }
}

/// Whether there is nothing to summarize.
pub(super) fn is_empty(node: &Node) -> bool {
    matches!(node, Node::Directory(directory) if directory.files == 0)
}

/// Size and kind, in brackets, with a space before.
pub(super) fn facts(node: &Node) -> String {
    match node {
        Node::File(file) => {
            let language = file.language.as_deref().unwrap_or("no known language");
            let errors = file.syntax_errors();
            let errors = errors.map_or(String::new(), |errors| format!("; {errors}"));
            format!(" ({language}, {} bytes{errors})", file.bytes)
        }
        Node::Directory(directory) => {
            format!(
                " ({}, {})",
                count(directory.files, "file", "files"),
                count(directory.directories, "directory", "directories")
            )
        }
    }
}

/// A definition in one line: its lines and its signature. `depth`: how deep it lies in others.
pub(super) fn element(element: &Element, depth: usize) -> String {
    let signature = match element.signature.is_empty() {
        true => &element.qualified_name,
        false => &element.signature,
    };
    format!(
        "  {}-{} {}{}",
        element.line_start,
        element.line_end,
        " ".repeat(depth),
        one_line(signature)
    )
}

/// The summary, or its first sentence where not all of it fits.
pub(super) fn summary(page: &mut Page, node: &Node, rest: &str) {
    let common = node.common();
    if let Some(error) = &common.error {
        page.line(&format!("! {}", clean(error)));
    }
    let Some(summary) = &common.summary else {
        page.line(match common.freshness {
            _ if is_empty(node) => "(no summary: there are no files)",
            Freshness::Off => "(no summary: it is switched off)",
            Freshness::Failed => "(no summary)",
            _ => "(no summary yet)",
        });
        return;
    };
    if common.draft {
        page.line("  (draft, made offline: the model's summary is not there yet)");
    }
    if !page.line(&format!("  {}", one_line(summary))) {
        let line = common.line.as_deref().unwrap_or_default();
        page.line(&format!("  {}", one_line(line)));
        page.leave_out(rest);
    }
}
