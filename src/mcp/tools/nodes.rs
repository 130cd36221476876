//! Nodes in words, as all tools write them.

use super::super::page::{Page, count, line_about};
use crate::model::summary::Freshness;
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
        Node::File(_) => path.clone(),
        Node::Directory(_) if path.is_empty() => "./".to_owned(),
        Node::Directory(_) => format!("{path}/"),
    }
}

/// A child in its folder: its own name and a line about it.
pub(super) fn entry(node: &Node, indent: &str) -> String {
    let path = &node.common().path;
    let name = path.rsplit('/').next().unwrap_or_default();
    let slash = if matches!(node, Node::Directory(_)) {
        "/"
    } else {
        ""
    };
    format!("{indent}{name}{slash}{}", line_about(node.common()))
}

/// Size and kind, in brackets, with a space before.
pub(super) fn facts(node: &Node) -> String {
    match node {
        Node::File(file) => {
            let language = file.language.as_deref().unwrap_or("no known language");
            format!(" ({language}, {} bytes)", file.bytes)
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

/// The summary, or its first sentence where there is no room for all of it.
pub(super) fn words(page: &mut Page, node: &Node, rest: &str) {
    let common = node.common();
    if let Some(error) = &common.error {
        page.line(&format!("! {error}"));
    }
    let Some(summary) = &common.summary else {
        page.line(match common.freshness {
            Freshness::Off => "(no summary: it is switched off)",
            Freshness::Failed => "(no summary)",
            _ => "(no summary yet)",
        });
        return;
    };
    if !page.line(summary) {
        page.line(common.line.as_deref().unwrap_or_default());
        page.leave_out(rest);
    }
}
