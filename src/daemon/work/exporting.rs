//! Writes the index files of settled directories into the repository's export folder.

use crate::daemon::answers;
use crate::daemon::context::Context;
use crate::engine::view::NodeView;
use crate::model::path::{RelPath, RepoId};
use crate::shell::export;
use crate::wire::index;
use crate::wire::protocol::Node;

/// Writes directories, each with its children, and removes those that are gone. Returns whether all was written; a note
/// says why not.
pub fn export(
    context: &Context,
    repo: RepoId,
    directories: Vec<NodeView>,
    removed: &[RelPath],
) -> bool {
    let (Some(entry), Some(folder)) = (context.registry.get(repo), &context.config.export.dir)
    else {
        return true;
    };
    let folder = entry.root.join(folder);
    let files = directories.into_iter().filter_map(|view| {
        let path = view.path.clone();
        match answers::node(context, repo, &view) {
            Node::Directory(directory) => Some((path, index::render(&directory).ok()?)),
            Node::File(_) => None,
        }
    });
    let topic = format!("export {}", entry.root.display());
    match export::update(&entry.root, &folder, files, removed, &entry.exported) {
        Ok(()) => {
            context.notes.clear(&topic);
            true
        }
        Err(error) => {
            let note = format!("{error}; see `[export] dir` in the configuration");
            tracing::warn!("{note}");
            context.notes.set(&topic, note);
            false
        }
    }
}
