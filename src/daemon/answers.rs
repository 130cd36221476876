//! Builds responses for clients from the engine's views and the store's texts.

pub mod drafts;
pub mod publishing;
pub mod status;
pub mod usage;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::daemon::contents::{outline, text_of};
use crate::daemon::context::Context;
use crate::engine::view::NodeView;
use crate::model::contents::{ContentKind, Contents};
use crate::model::key::Kind;
use crate::model::language::Language;
use crate::model::outline::{Element, Outline};
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::Freshness;
use crate::wire::protocol::{Common, DirectoryNode, FileNode, Node};

/// A node with its summary, and everything below it that the view contains.
pub fn node(context: &Context, repo: RepoId, view: &NodeView) -> Node {
    let mut node = alone(context, repo, view);
    if let (Node::Directory(directory), Some(children)) = (&mut node, &view.children) {
        let children = children
            .iter()
            .map(|child| self::node(context, repo, child));
        directory.children = Some(children.collect());
    }
    node
}

/// A node with its summary, without children.
pub fn alone(context: &Context, repo: RepoId, view: &NodeView) -> Node {
    with_outline(context, repo, view, shown_outline)
}

/// The same without the outline of a file.
pub fn brief(context: &Context, repo: RepoId, view: &NodeView) -> Node {
    with_outline(context, repo, view, |_, _, _| Outline::default())
}

fn with_outline(
    context: &Context,
    repo: RepoId,
    view: &NodeView,
    outline: fn(&Context, RepoId, &NodeView) -> Outline,
) -> Node {
    let store = &context.store;
    let stored = view
        .summary
        .and_then(|summary| store.summary(summary.key).ok().flatten());
    // A summary that the store lost is not fresh, whatever the engine remembers of it.
    let freshness = match (view.freshness, &stored) {
        (Freshness::Fresh | Freshness::Stale, None) => Freshness::Pending,
        (freshness, _) => freshness,
    };
    let (path, path_base64) = text_and_bytes(&view.path);
    let common = Common {
        path,
        path_base64,
        digest: view.digest.map(|digest| digest.to_string()),
        line: stored.as_ref().map(|summary| summary.line().to_owned()),
        summary: stored.as_ref().map(|summary| summary.text.clone()),
        freshness,
        error: view.error.clone(),
        model: stored.map(|summary| summary.model),
        draft: false,
    };
    match view.kind {
        Kind::File => file(context, repo, view, common, outline(context, repo, view)),
        Kind::Directory => Node::Directory(DirectoryNode {
            common,
            files: view.files,
            directories: view.directories,
            left_out: view
                .left_out
                .iter()
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
            children: None,
        }),
    }
}

/// The definitions of a node.
pub fn elements(context: &Context, repo: RepoId, view: &NodeView) -> Vec<Element> {
    shown_outline(context, repo, view).elements
}

fn file(
    context: &Context,
    repo: RepoId,
    view: &NodeView,
    common: Common,
    outline: Outline,
) -> Node {
    let contents = view.contents.as_ref();
    let language = contents.and_then(|contents| contents.language);
    Node::File(FileNode {
        common,
        language: language
            .or_else(|| Language::of_file(view.path.name()))
            .map(|language| language.name().to_owned()),
        bytes: contents.map_or(0, |contents| contents.stat.size),
        elements: outline.elements,
        imports: outline.imports,
        docstring: outline.docstring,
        partial: outline.partial,
        missing_lines: outline.missing,
        withheld: withheld(context, repo, view),
    })
}

/// The outline of a text file. It is made again when the store lost it. Other files have none: a secret's content may
/// also exist under another name, and that file's outline must not be shown here.
fn shown_outline(context: &Context, repo: RepoId, view: &NodeView) -> Outline {
    let text = |contents: &&Contents| contents.content_kind.is_text();
    let Some(contents) = view.contents.as_ref().filter(text) else {
        return Outline::default();
    };
    let bytes = || {
        let text = text_of(context, repo, &view.path, contents.digest);
        text.ok().map(String::into_bytes)
    };
    let found = outline(context, contents.language, contents.digest, bytes);
    found.map(|(_, outline)| outline).unwrap_or_default()
}

/// Why a file's content is withheld from models: its name, or an AI-ignore file and line.
fn withheld(context: &Context, repo: RepoId, view: &NodeView) -> Option<String> {
    let contents = view.contents.as_ref()?;
    match contents.content_kind {
        ContentKind::Secret => Some("a secret by its name".to_owned()),
        ContentKind::Withheld => context.registry.get(repo)?.rules().withheld_by(&view.path),
        _ => None,
    }
}

/// A path as text, and its bytes in base64 when the text does not contain all of them.
pub fn text_and_bytes(path: &RelPath) -> (String, Option<String>) {
    let bytes = path.as_bytes();
    let base64 = std::str::from_utf8(bytes)
        .is_err()
        .then(|| STANDARD.encode(bytes));
    (path.to_text(), base64)
}
