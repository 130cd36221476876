//! `get_overview`: what to know of a repository first.

use std::collections::VecDeque;

use serde::Deserialize;

use super::super::page::{Page, count, path_and_line};
use super::super::place::Session;
use super::super::tokens::tokens;
use super::nodes::{children, entry, facts, is_empty, summary};
use super::{Answer, detail};
use crate::wire::plain::clean;
use crate::wire::protocol::Node;

/// Files that people begin to read with, by their names.
const ENTRY_POINTS: [&str; 22] = [
    "main.py",
    "__main__.py",
    "app.py",
    "cli.py",
    "manage.py",
    "wsgi.py",
    "asgi.py",
    "main.rs",
    "lib.rs",
    "main.go",
    "main.c",
    "main.cpp",
    "Main.java",
    "index.js",
    "index.ts",
    "main.ts",
    "server.js",
    "server.ts",
    "Makefile",
    "Dockerfile",
    "README.md",
    "README.rst",
];
/// How deep entry points are searched for.
const ENTRY_DEPTH: usize = 4;
/// Entry points named.
const MAX_ENTRIES: usize = 12;

#[derive(Deserialize)]
pub(super) struct Overview {
    #[serde(default = "default_tokens")]
    max_tokens: usize,
}

fn default_tokens() -> usize {
    1_500
}

pub(super) async fn overview(session: &Session, arguments: Overview) -> Answer {
    let root = session.target("")?.path;
    let node = session.client.brief(&root, ENTRY_DEPTH).await;
    let node = node.map_err(detail)?;
    let mut page = Page::new(arguments.max_tokens);
    page.line(&format!(
        "# {}{}",
        clean(&session.repository.path),
        facts(&node)
    ));
    summary(&mut page, &node, "get_summary with paths [\"\"]");
    let children = children(&node);
    let entries = entry_points(&node);
    // A few entry points always fit.
    page.line("\n## Top folders and files");
    let mut more = 0;
    for child in children {
        let reserve = 30 * entries.len().min(4);
        let line = entry(child, "");
        if !page.has(tokens(&line) + reserve) || !page.line(&line) {
            more += 1;
        }
    }
    if more > 0 {
        page.leave_out(format!(
            "{} of the top folder (list_tree)",
            count(more, "entry", "entries")
        ));
    }
    if is_empty(&node) {
        for excluded in &session.repository.excluded {
            let files = count(excluded.files, "file", "files");
            page.leave_out(format!("{files} ({})", clean(&excluded.rule)));
        }
    }
    if !entries.is_empty() {
        page.line("\n## Entry points");
        let fits = entries
            .iter()
            .take_while(|node| page.line(&path_and_line(&node.common().path, node.common())))
            .count();
        if fits < entries.len() {
            page.leave_out(count(
                (entries.len() - fits) as u64,
                "entry point",
                "entry points",
            ));
        }
    }
    Ok(page)
}

/// Files to begin with, the highest first.
fn entry_points(top: &Node) -> Vec<&Node> {
    let mut found = Vec::new();
    let mut level = VecDeque::from([top]);
    while let Some(node) = level.pop_front() {
        level.extend(children(node));
        let name = node.common().path.rsplit('/').next().unwrap_or_default();
        let is_file = matches!(node, Node::File(_));
        if is_file && ENTRY_POINTS.contains(&name) && found.len() < MAX_ENTRIES {
            found.push(node);
        }
    }
    found
}
