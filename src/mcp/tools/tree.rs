//! `list_tree`: how a repository or a folder is laid out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

use super::super::page::{Page, count};
use super::super::place::Session;
use super::super::tokens::tokens;
use super::nodes::{about, children, entry, shown};
use super::{Answer, detail, many_tokens};
use crate::wire::protocol::Node;

#[derive(Deserialize)]
pub(super) struct Tree {
    #[serde(default)]
    path: String,
    #[serde(default = "two")]
    depth: usize,
    #[serde(default = "many_tokens")]
    max_tokens: usize,
}

fn two() -> usize {
    2
}

pub(super) async fn tree(session: &Session, arguments: Tree) -> Answer {
    let path = session.target(&arguments.path)?.path;
    let mut page = Page::new(arguments.max_tokens);
    // The deeper levels of a large tree are not read where the upper ones fill the page: an entry has four tokens or more.
    let mut depth = arguments.depth.min(2);
    let top = loop {
        let top = session.client.brief(&path, depth).await.map_err(detail)?;
        if depth >= arguments.depth || entries_below(&top) * 4 > page.left() {
            break top;
        }
        depth = depth.saturating_mul(2).min(arguments.depth);
    };
    page.line(&format!("{}{}", shown(&top), about(&top)));
    // Level by level, so that what does not fit lies deepest.
    let mut fits: BTreeSet<&str> = BTreeSet::new();
    let mut folded: BTreeMap<&str, (&Node, usize)> = BTreeMap::new();
    let mut level = VecDeque::from([(&top, 0)]);
    let mut left = page.left();
    while let Some((node, depth)) = level.pop_front() {
        for child in children(node) {
            let cost = tokens(&entry(child, &"  ".repeat(depth))) + 1;
            if cost > left {
                let (_, many) = folded.entry(&node.common().path).or_insert((node, 0));
                *many += 1;
                continue;
            }
            left -= cost;
            fits.insert(&child.common().path);
            level.push_back((child, depth + 1));
        }
    }
    let mut open: Vec<(&Node, usize)> = children(&top)
        .iter()
        .rev()
        .map(|child| (child, 0))
        .collect();
    while let Some((node, depth)) = open.pop() {
        if fits.contains(node.common().path.as_str()) {
            page.line(&entry(node, &"  ".repeat(depth)));
            open.extend(children(node).iter().rev().map(|child| (child, depth + 1)));
        }
    }
    let entries: usize = folded.values().map(|(_, many)| many).sum();
    if entries > 0 {
        page.leave_out(format!(
            "{} (list_tree with one of these paths, or more max_tokens)",
            count(entries as u64, "entry", "entries")
        ));
        for (node, many) in folded.values() {
            page.leave_out(format!("{} ({many})", shown(node)));
        }
    }
    Ok(page)
}

fn entries_below(node: &Node) -> usize {
    let below = children(node).iter().map(|child| 1 + entries_below(child));
    below.sum()
}
