//! Writes the documents of settled directories into the repository's export folder.

use std::path::Path;

use crate::config::Format;
use crate::daemon::answers;
use crate::daemon::context::Context;
use crate::engine::view::NodeView;
use crate::model::path::{RelPath, RepoId};
use crate::shell::export;
use crate::wire::index;
use crate::wire::markdown::{self, Origin, Place};
use crate::wire::protocol::{DirectoryNode, Node};

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
    let place = place(&entry.root, folder);
    let folder = entry.root.join(folder);
    let formats = &context.config.export.formats;
    let files = directories.into_iter().filter_map(|view| {
        let path = view.path.clone();
        match answers::node(context, repo, &view) {
            Node::Directory(directory) => Some((path, files(formats, &directory, &place))),
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

/// A directory's documents; those in other formats are removed.
fn files(formats: &[Format], directory: &DirectoryNode, place: &Place) -> export::Files {
    let wanted = |format: Format| formats.contains(&format);
    let index = wanted(Format::Index).then(|| index::render(directory));
    let page = wanted(Format::Markdown).then(|| markdown::page(directory, place));
    vec![
        (index::NAME, index.and_then(Result::ok)),
        (markdown::PAGE, page.map(String::into_bytes)),
    ]
}

/// Where the pages stand. They name no revision: each commit would change them.
fn place(root: &Path, folder: &Path) -> Place {
    let name = root.file_name().unwrap_or(root.as_os_str());
    let up = folder.components().map(|_| "..").collect::<Vec<_>>();
    Place {
        origin: Origin {
            name: name.to_string_lossy().into_owned(),
            ..Origin::default()
        },
        from: String::new(),
        sources: Some(up.join("/")),
    }
}
