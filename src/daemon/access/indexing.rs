//! Keeps the search index of a repository current: in the background while nothing else happens, and before a search.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use xxhash_rust::xxh3::Xxh3;

use crate::daemon::context::Context;
use crate::daemon::search::document::Document;
use crate::daemon::search::words::Splitter;
use crate::daemon::search::{Change, Index, Slot, State};
use crate::daemon::{answers, contents};
use crate::engine::view::NodeView;
use crate::model::digest::Digest;
use crate::model::key::Kind;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::Freshness;
use crate::wire::protocol::Problem;

use super::{Handle, blocking};

/// Nodes that are indexed in one go: their terms are in memory at once.
const BATCH: usize = 512;
/// Directories that are compared in one go: the event loop does nothing else meanwhile.
const DIRECTORIES: usize = 32;
/// Nodes that are not worth a second thread.
const FEW: usize = 64;
/// Threads that read and split texts while a search waits. In the background there is one.
const MAX_WORKERS: usize = 4;
/// How long nothing may happen before the index is brought up to date in the background.
const QUIET: Duration = Duration::from_secs(2);

/// A repository and its index.
#[derive(Clone)]
pub(super) struct Indexed {
    pub repo: RepoId,
    pub root: PathBuf,
    pub slot: Arc<Slot>,
}

impl Indexed {
    /// Lets the comparison in progress, or the next one, use several threads.
    pub fn await_index(&self) {
        self.slot.is_awaited.store(true, Ordering::Relaxed);
    }

    fn workers(&self) -> usize {
        match self.slot.is_awaited.load(Ordering::Relaxed) {
            true => thread::available_parallelism().map_or(1, |all| all.get().min(MAX_WORKERS)),
            false => 1,
        }
    }
}

/// Brings the indexes up to date whenever nothing has happened for a while, so that no search has to.
pub async fn keep_current(handle: Handle) {
    let mut stirred = handle.stirred();
    loop {
        while let Ok(changed) = timeout(QUIET, stirred.changed()).await {
            if changed.is_err() {
                return;
            }
        }
        for entry in handle.context.registry.all() {
            let indexed = handle.indexed(entry.repo);
            if let Err(problem) = handle.bring_up_to_date(&indexed).await {
                tracing::debug!("the search index is not current: {problem}");
            }
        }
        if stirred.changed().await.is_err() {
            return;
        }
    }
}

impl Handle {
    /// A repository with its index.
    pub(super) fn indexed(&self, repo: RepoId) -> Indexed {
        Indexed {
            repo,
            root: self.context.root_of(repo),
            slot: self.indexes.of(repo),
        }
    }

    /// Compares the index with the tree, and indexes what differs. A directory that is settled and in the state in which
    /// it was indexed has nothing below it that differs.
    pub(super) async fn bring_up_to_date(&self, indexed: &Indexed) -> Result<(), Problem> {
        let mut compared = indexed.slot.compared.lock().await;
        if compared
            .as_ref()
            .is_some_and(|seen| !seen.has_changed().unwrap_or(true))
        {
            return Ok(());
        }
        let mut stirred = self.stirred();
        stirred.mark_unchanged();
        let mut open = vec![RelPath::root()];
        let mut changed = Vec::new();
        let mut removed = Vec::new();
        let mut settled = Vec::new();
        while !open.is_empty() {
            let paths = open.split_off(open.len().saturating_sub(DIRECTORIES));
            let views = self.nodes(indexed.repo, paths.clone(), 1).await?;
            for (path, view) in paths.into_iter().zip(views) {
                let Some(view) = view else {
                    removed.push(path);
                    continue;
                };
                let difference = {
                    let index = indexed.slot.index.read();
                    difference(&index.unwrap_or_else(PoisonError::into_inner), view)
                };
                let Some(difference) = difference else {
                    continue;
                };
                if difference.is_settled {
                    settled.push(path);
                }
                open.extend(difference.directories);
                changed.extend(difference.changed);
                removed.extend(difference.removed);
            }
            while changed.len() >= BATCH {
                let rest = changed.split_off(BATCH);
                let batch = std::mem::replace(&mut changed, rest);
                self.index(indexed, batch, Vec::new()).await?;
            }
        }
        self.index(indexed, changed, removed).await?;
        // Only now: a comparison that was cancelled on the way has left out what was still open.
        let mut index = indexed
            .slot
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        index.settle(&settled);
        *compared = Some(stirred);
        indexed.slot.is_awaited.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Indexes nodes as they are now.
    async fn index(
        &self,
        indexed: &Indexed,
        changed: Vec<NodeView>,
        removed: Vec<RelPath>,
    ) -> Result<(), Problem> {
        if changed.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let context = Arc::clone(&self.context);
        let indexed = indexed.clone();
        blocking(move || {
            let mut changes: Vec<Change> = removed.into_iter().map(Change::Removed).collect();
            changes.extend(documents(&context, &indexed, &changed));
            let index = indexed.slot.index.write();
            index.unwrap_or_else(PoisonError::into_inner).apply(changes);
        })
        .await
    }

    /// Indexes what is not indexed at all, without the texts of files, as far as it gets in time. Returns the number of
    /// files whose texts are not indexed.
    pub(super) async fn index_names(
        &self,
        indexed: &Indexed,
        until: Instant,
    ) -> Result<u64, Problem> {
        let mut open = vec![RelPath::root()];
        let mut files = 0;
        while !open.is_empty() {
            let paths = open.split_off(open.len().saturating_sub(DIRECTORIES));
            let mut missing = Vec::new();
            for mut view in self
                .nodes(indexed.repo, paths, 1)
                .await?
                .into_iter()
                .flatten()
            {
                files = files.max(view.files);
                let mut nodes = view.children.take().unwrap_or_default();
                let folders = nodes.iter().filter(|child| child.kind == Kind::Directory);
                open.extend(folders.map(|child| child.path.clone()));
                nodes.retain(|child| child.kind == Kind::File);
                nodes.push(view);
                let index = indexed.slot.index.read();
                let index = index.unwrap_or_else(PoisonError::into_inner);
                nodes.retain(|node| index.state(&node.path).is_none());
                missing.extend(nodes);
            }
            if Instant::now() >= until {
                break;
            }
            let (context, indexed) = (Arc::clone(&self.context), indexed.clone());
            let names = move || {
                let documents = named_documents(&context, &indexed, &missing);
                let index = indexed.slot.index.write();
                index
                    .unwrap_or_else(PoisonError::into_inner)
                    .apply(documents);
            };
            blocking(names).await?;
        }
        let index = indexed.slot.index.read();
        let whole = index.unwrap_or_else(PoisonError::into_inner).whole_files();
        Ok(files.saturating_sub(whole))
    }
}

/// What differs in one directory between the index and the tree.
struct Difference {
    is_settled: bool,
    directories: Vec<RelPath>,
    changed: Vec<NodeView>,
    removed: Vec<RelPath>,
}

/// `None` where nothing differs in the directory and below.
fn difference(index: &Index, mut directory: NodeView) -> Option<Difference> {
    let state = state(&directory);
    if state.is_settled && index.state(&directory.path) == Some(state) {
        return None;
    }
    let children = directory.children.take().unwrap_or_default();
    let paths: HashSet<&RelPath> = children.iter().map(|child| &child.path).collect();
    let mut removed = index.children(&directory.path);
    removed.retain(|child| !paths.contains(child));
    let (directories, files): (Vec<_>, Vec<_>) = children
        .into_iter()
        .partition(|child| child.kind == Kind::Directory);
    let differs = |file: &NodeView| {
        let known = index.state(&file.path);
        known.is_none_or(|known| known.hash != self::state(file).hash)
    };
    let mut changed: Vec<NodeView> = files.into_iter().filter(differs).collect();
    changed.push(directory);
    Some(Difference {
        is_settled: state.is_settled,
        directories: directories.into_iter().map(|child| child.path).collect(),
        changed,
        removed,
    })
}

/// All that a document is made of, as a hash.
fn state(view: &NodeView) -> State {
    let mut hasher = Xxh3::new();
    let summary = view.summary.map(|summary| summary.digest.0);
    for digest in [view.digest, summary] {
        hasher.update(&[u8::from(digest.is_some())]);
        hasher.update(digest.as_ref().map_or(&[][..], |digest| &digest.0[..]));
    }
    let is_settled = matches!(view.freshness, Freshness::Fresh | Freshness::Off);
    State {
        hash: hasher.digest(),
        is_settled: is_settled && view.digest.is_some(),
    }
}

/// The digest of a file's content, where it is text.
pub(super) fn text_digest(view: &NodeView) -> Option<Digest> {
    let contents = view.contents.as_ref()?;
    contents.content_kind.is_text().then_some(contents.digest)
}

/// Reads nodes and their texts.
fn documents(context: &Context, indexed: &Indexed, views: &[NodeView]) -> Vec<Change> {
    let root = root_name(indexed);
    let read = |views: &[NodeView]| -> Vec<Change> {
        let mut splitter = Splitter::default();
        let change = |view: &NodeView| {
            let node = answers::alone(context, indexed.repo, view);
            let text = text_digest(view).and_then(|digest| {
                contents::text_of(context, indexed.repo, &view.path, digest).ok()
            });
            let path = view.path.clone();
            let document = Document::new(&mut splitter, path, &root, &node, text.as_deref());
            // A directory is settled once all below it is indexed.
            let state = State {
                is_settled: false,
                ..state(view)
            };
            Change::Set(state, Box::new(document))
        };
        views.iter().map(change).collect()
    };
    let workers = match views.len() {
        ..FEW => 1,
        _ => indexed.workers(),
    };
    let part = views.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let working: Vec<_> = views
            .chunks(part)
            .map(|views| scope.spawn(move || read(views)))
            .collect();
        let done = working.into_iter().flat_map(|worker| match worker.join() {
            Ok(changes) => changes,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.collect()
    })
}

/// The same without texts, for nodes that are not indexed yet.
fn named_documents(context: &Context, indexed: &Indexed, views: &[NodeView]) -> Vec<Change> {
    let root = root_name(indexed);
    let mut splitter = Splitter::default();
    let change = |view: &NodeView| {
        let node = answers::alone(context, indexed.repo, view);
        let document = Document::new(&mut splitter, view.path.clone(), &root, &node, None);
        Change::Named(Box::new(document))
    };
    views.iter().map(change).collect()
}

fn root_name(indexed: &Indexed) -> String {
    let name = indexed.root.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
