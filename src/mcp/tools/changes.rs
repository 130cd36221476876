//! `list_changes`: what is other than it was, and which summaries that renewed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use super::super::changes::{self, Change, Since};
use super::super::page::{Page, count, line_about};
use super::super::place::Session;
use super::nodes::{children, shown};
use super::{Answer, detail, some_tokens};
use crate::wire::plain::{clean, name};
use crate::wire::protocol::Node;

#[derive(Deserialize)]
pub(super) struct Arguments {
    #[serde(default)]
    since: String,
    #[serde(default = "some_tokens")]
    max_tokens: usize,
}

pub(super) async fn list_changes(session: &Session, arguments: Arguments) -> Answer {
    let since = Since::parse(&arguments.since, SystemTime::now())?;
    let root = session.target("")?.path;
    let tree = session.client.brief(&root, usize::MAX).await;
    let tree = tree.map_err(detail)?;
    let title = match &since {
        Since::LastCommit => "since the last commit (uncommitted changes)".to_owned(),
        _ => format!("since {}", clean(arguments.since.trim())),
    };
    let (tree, changes) = tokio::task::spawn_blocking(move || {
        let changes = changes::changes(&root, &tree, &since);
        changes.map(|changes| (tree, changes))
    })
    .await
    .map_err(|_| "an internal error; the log may say more".to_owned())??;
    let mut page = Page::new(arguments.max_tokens);
    page.line(&format!(
        "{} changed {title}.",
        count(changes.files.len() as u64, "file", "files")
    ));
    let mut above: BTreeSet<String> = BTreeSet::new();
    let mut unreported = 0;
    for (path, change) in &changes.files {
        above.extend(
            Path::new(path)
                .ancestors()
                .skip(1)
                .map(|folder| folder.to_string_lossy().into_owned()),
        );
        let about = match (change, find(&tree, path)) {
            (Change::Deleted, _) | (_, None) => String::new(),
            (_, Some(node)) => line_about(node.common()),
        };
        let line = format!("{} {}{about}", change.word(), name(path));
        unreported += usize::from(!page.line(&line));
    }
    if !changes.files.is_empty() {
        page.line("\nDirectories above them, whose summaries follow:");
    }
    for path in &above {
        if let Some(node) = find(&tree, path) {
            let line = format!("{}{}", shown(node), line_about(node.common()));
            unreported += usize::from(!page.line(&line));
        }
    }
    if unreported > 0 {
        page.leave_out(format!(
            "{} (more max_tokens)",
            count(unreported as u64, "line", "lines")
        ));
    }
    changes.notes.iter().for_each(|note| page.leave_out(note));
    Ok(page)
}

/// The node at a path in the tree.
fn find<'n>(tree: &'n Node, path: &str) -> Option<&'n Node> {
    let mut node = tree;
    while node.common().path != path {
        let next = children(node).iter().find(|child| {
            let here = child.common().path.as_str();
            path == here
                || path
                    .strip_prefix(here)
                    .is_some_and(|rest| rest.starts_with('/'))
        });
        node = next?;
    }
    Some(node)
}
