//! Reads a folder that is not watched, for example an earlier state of a repository, through an engine of its own on the
//! same store.

use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::daemon::access::start;
use crate::daemon::context::{Context, Mode, NOT_REQUESTED};
use crate::model::summary::Freshness;
use crate::wire::access::Access;
use crate::wire::protocol::{Node, PROBLEM_INTERNAL, Problem};

/// The whole tree of a folder, with the summaries that are stored or cost nothing.
pub async fn read(context: &Context, path: &Path) -> Result<Node, Problem> {
    let config = without_export(context.config.clone());
    let store = Arc::clone(&context.store);
    let handle = start(
        &config,
        &context.own_folder,
        store,
        Mode::Snapshot,
        |_, _| (),
    )
    .map_err(|error| Problem::new(PROBLEM_INTERNAL, format!("{error:#}")))?;
    let tree = async {
        handle.watch(path, false).await?;
        handle.wait(Some(path), None).await?;
        handle.node(path, usize::MAX).await
    };
    let tree = tree.await;
    handle.stop().await;
    tree.map(|mut tree| {
        forget_unrequested(&mut tree);
        tree
    })
}

/// The export folder is no part of the tree, and nothing is exported.
fn without_export(mut config: Config) -> Config {
    if let Some(folder) = config.export.dir.take()
        && let Some(folder) = folder.to_str().filter(|_| folder.is_relative())
    {
        let folder = folder.trim_start_matches("./").trim_end_matches('/');
        config.files.exclude.push(format!("/{folder}/"));
    }
    config
}

/// Marks nodes that were not requested here as pending or stale. The engine reports them as failed.
pub fn forget_unrequested(node: &mut Node) {
    let (common, children) = match node {
        Node::File(file) => (&mut file.common, None),
        Node::Directory(directory) => (&mut directory.common, directory.children.as_mut()),
    };
    if common.error.as_deref() == Some(NOT_REQUESTED) {
        common.error = None;
        common.freshness = match common.summary {
            Some(_) if !common.draft => Freshness::Stale,
            _ => Freshness::Pending,
        };
    }
    for child in children.into_iter().flatten() {
        forget_unrequested(child);
    }
}
