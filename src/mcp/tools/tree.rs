//! `list_tree`: how a repository or a folder is laid out.

use std::collections::{BTreeSet, VecDeque};

use serde::Deserialize;

use super::super::Session;
use super::super::page::{Page, count, line_about, tokens};
use super::nodes::{children, entry, shown};
use super::{Answer, much, told};
use crate::wire::access::Access;
use crate::wire::protocol::Node;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tree {
    #[serde(default)]
    path: String,
    #[serde(default = "two")]
    depth: usize,
    #[serde(default = "much")]
    max_tokens: usize,
}

fn two() -> usize {
    2
}

pub(super) async fn tree(session: Session, arguments: Tree) -> Answer {
    let top = session
        .client
        .node(&session.path(&arguments.path), arguments.depth)
        .await
        .map_err(told)?;
    let mut page = Page::new(arguments.max_tokens);
    page.line(&format!("{}{}", shown(&top), line_about(top.common())));
    // Level by level, so that what does not fit is what lies deepest.
    let mut fits: BTreeSet<&str> = BTreeSet::new();
    let mut folded = Vec::new();
    let mut level = VecDeque::from([&top]);
    let mut room = arguments.max_tokens.clamp(200, 50_000) - 150;
    while let Some(node) = level.pop_front() {
        let children = children(node);
        for child in children {
            // Indented at most as deep as trees usually are; one that is deeper takes less of itself.
            let cost = tokens(&entry(child, &" ".repeat(8)));
            if cost > room {
                folded.push((node, 1));
                continue;
            }
            room -= cost;
            fits.insert(&child.common().path);
            level.push_back(child);
        }
    }
    let mut open: Vec<(&Node, usize)> = children(&top)
        .iter()
        .rev()
        .map(|child| (child, 1))
        .collect();
    let mut dropped = 0;
    while let Some((node, depth)) = open.pop() {
        if !fits.contains(node.common().path.as_str()) {
            continue;
        }
        if !page.line(&entry(node, &"  ".repeat(depth - 1))) {
            dropped += 1;
            continue;
        }
        open.extend(children(node).iter().rev().map(|child| (child, depth + 1)));
    }
    let entries = dropped + folded.iter().map(|(_, many)| many).sum::<usize>();
    if entries > 0 {
        let mut names: Vec<String> = folded.iter().map(|(node, _)| shown(node)).collect();
        names.dedup();
        let others = match names.len() > 4 || dropped > 0 {
            true => " and others",
            false => "",
        };
        names.truncate(4);
        page.leave_out(format!(
            "{} in {}{others} (list_tree with that path, or more max_tokens)",
            count(entries as u64, "entry", "entries"),
            names.join(", ")
        ));
    }
    Ok(page.finish(&session.repository))
}
