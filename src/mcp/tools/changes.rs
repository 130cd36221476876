//! `list_changes`: what is other than it was, and which summaries that renewed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use super::super::Session;
use super::super::changes::{self, Change, Since};
use super::super::page::{Page, count, line_about};
use super::nodes::{children, shown};
use super::{Answer, medium, told};
use crate::wire::access::Access;
use crate::wire::protocol::Node;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    since: String,
    #[serde(default = "medium")]
    max_tokens: usize,
}

pub(super) async fn list_changes(session: Session, arguments: Changes) -> Answer {
    let since = Since::parse(&arguments.since, SystemTime::now())?;
    let root = session.path("");
    let tree = session.client.node(&root, usize::MAX).await.map_err(told)?;
    let by_time = matches!(since, Since::Time(_));
    let (tree, changes) = tokio::task::spawn_blocking(move || {
        let changes = changes::since(&root, &tree, &since);
        changes.map(|changes| (tree, changes))
    })
    .await
    .map_err(|_| "an internal error; the log may tell more".to_owned())??;
    let mut page = Page::new(arguments.max_tokens);
    page.line(&format!(
        "{} changed since {}.",
        count(changes.len() as u64, "file", "files"),
        arguments.since.trim()
    ));
    let mut above: BTreeSet<String> = BTreeSet::new();
    let mut unreported = 0;
    for (path, change) in &changes {
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
        unreported += usize::from(!page.line(&format!("{} {path}{about}", change.word())));
    }
    if !changes.is_empty() {
        page.line("\nDirectories above them, whose summaries follow:");
    }
    for path in &above {
        if let Some(node) = find(&tree, path) {
            unreported +=
                usize::from(!page.line(&format!("{}{}", shown(node), line_about(node.common()))));
        }
    }
    if unreported > 0 {
        page.leave_out(format!(
            "{} (more max_tokens)",
            count(unreported as u64, "line", "lines")
        ));
    }
    if by_time {
        page.leave_out("files deleted since then (give a git revision to see them)");
    }
    Ok(page.finish(&session.repository))
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
