//! A search: brings the index up to date with the tree, ranks, and makes hits of the best nodes as they are now.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread;

use xxhash_rust::xxh3::Xxh3;

use crate::daemon::context::Context;
use crate::daemon::mailbox::{Lookup, Query};
use crate::daemon::search::document::Document;
use crate::daemon::search::words::Splitter;
use crate::daemon::search::{
    Candidate, Change, Index, Place, Question, Ranked, Ranking, Slot, State, candidates, hits, rank,
};
use crate::daemon::{answers, contents};
use crate::engine::view::NodeView;
use crate::model::digest::Digest;
use crate::model::key::Kind;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::Freshness;
use crate::wire::protocol::Problem;
use crate::wire::search::{Search, SearchResults};

use super::{Handle, blocking, turn};

/// Nodes that are indexed in one go: their terms are in memory at once.
const BATCH: usize = 1_024;
/// Nodes that are not worth a second thread.
const FEW: usize = 64;
/// Threads that read and split texts. A person waits for the search, and other work goes on beside it.
const MAX_WORKERS: usize = 4;

/// What is searched of one repository.
struct Searched {
    repo: RepoId,
    root: PathBuf,
    scope: RelPath,
    slot: Arc<Slot>,
    freshness: Freshness,
}

impl Handle {
    pub(super) async fn find(&self, search: &Search) -> Result<SearchResults, Problem> {
        let question = Arc::new(Question::new(search)?);
        let _turn = turn(&self.searches).await?;
        let searched = Arc::new(self.searched(search.path.as_deref()).await?);
        for one in searched.iter() {
            self.bring_up_to_date(one).await?;
        }
        let is_fresh = |one: &Searched| matches!(one.freshness, Freshness::Fresh | Freshness::Off);
        let freshness = match searched.iter().all(is_fresh) {
            true => Freshness::Fresh,
            false => Freshness::Stale,
        };
        let job = {
            let (question, searched) = (Arc::clone(&question), Arc::clone(&searched));
            move || ranking(&question, &searched)
        };
        let ranking = blocking(job).await?;
        let views = self.views(&searched, &ranking).await?;
        let context = Arc::clone(&self.context);
        blocking(move || {
            let candidates = views.into_iter().map(|(ranked, view)| {
                let one = &searched[ranked.place];
                Candidate {
                    root: &one.root,
                    node: answers::alone(&context, one.repo, &view),
                    content: text_digest(&view),
                    ranked,
                }
            });
            let text = |candidate: &Candidate<'_>| {
                let (ranked, repo) = (&candidate.ranked, searched[candidate.ranked.place].repo);
                contents::text_of(&context, repo, &ranked.path, candidate.content?).ok()
            };
            let (hits, total) = hits(&question, &ranking, candidates.collect(), text);
            SearchResults {
                query: question.query.clone(),
                hits,
                total,
                freshness,
            }
        })
        .await
    }

    /// The repositories, or the one, in which to search.
    async fn searched(&self, path: Option<&Path>) -> Result<Vec<Searched>, Problem> {
        let entries = self.context.registry.all();
        let repos: Vec<RepoId> = entries.iter().map(|entry| entry.repo).collect();
        self.indexes.keep(&repos);
        let paths = match path {
            Some(path) => vec![path.to_path_buf()],
            None => entries.into_iter().map(|entry| entry.root).collect(),
        };
        let mut searched = Vec::new();
        for at in paths {
            match self.view(&at, 0).await {
                Ok((repo, view)) => searched.push(Searched {
                    repo,
                    root: self.context.root_of(repo),
                    scope: view.path,
                    slot: self.indexes.of(repo),
                    freshness: view.freshness,
                }),
                // Of all repositories, one may be empty or gone just now.
                Err(problem) if path.is_none() && problem.status == 404 => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(searched)
    }

    /// Compares the index with the tree, and indexes what differs. A directory that is settled and in the state in which
    /// it was indexed has nothing below it that differs.
    async fn bring_up_to_date(&self, searched: &Searched) -> Result<(), Problem> {
        let mut compared = searched.slot.compared.lock().await;
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
        while let Some(path) = open.pop() {
            let Some(view) = self.node_at(searched.repo, &path, 1).await? else {
                removed.push(path);
                continue;
            };
            let difference = {
                let index = searched.slot.index.read();
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
            if changed.len() >= BATCH {
                let changed = std::mem::take(&mut changed);
                self.index(searched, changed, Vec::new()).await?;
            }
        }
        self.index(searched, changed, removed).await?;
        // Only now: a search that was cancelled on the way has left out what was still open.
        let mut index = searched
            .slot
            .index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        index.settle(&settled);
        *compared = Some(stirred);
        Ok(())
    }

    /// Indexes nodes as they are now.
    async fn index(
        &self,
        searched: &Searched,
        changed: Vec<NodeView>,
        removed: Vec<RelPath>,
    ) -> Result<(), Problem> {
        if changed.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let context = Arc::clone(&self.context);
        let slot = Arc::clone(&searched.slot);
        let repo = searched.repo;
        let root = searched.root.file_name().unwrap_or_default();
        let root = root.to_string_lossy().into_owned();
        blocking(move || {
            let mut changes: Vec<Change> = removed.into_iter().map(Change::Removed).collect();
            changes.extend(documents(&context, repo, &root, &changed));
            let mut index = slot.index.write().unwrap_or_else(PoisonError::into_inner);
            index.apply(changes);
        })
        .await
    }

    async fn node_at(
        &self,
        repo: RepoId,
        path: &RelPath,
        depth: usize,
    ) -> Result<Option<NodeView>, Problem> {
        let path = path.clone();
        let seen = self.query(|reply| Query::Node {
            repo,
            path,
            depth,
            reply,
        });
        Ok(match seen.await? {
            Lookup::Found(view) => Some(*view),
            Lookup::Missing | Lookup::NotScanned => None,
        })
    }

    /// The ranked documents with their nodes, without those that are gone.
    async fn views(
        &self,
        searched: &[Searched],
        ranking: &Ranking,
    ) -> Result<Vec<(Ranked, NodeView)>, Problem> {
        let mut known = HashSet::new();
        let mut views = Vec::new();
        for ranked in ranking.exact.iter().chain(&ranking.best) {
            if known.insert((ranked.place, &ranked.path)) {
                let repo = searched[ranked.place].repo;
                if let Some(view) = self.node_at(repo, &ranked.path, 0).await? {
                    views.push((ranked.clone(), view));
                }
            }
        }
        Ok(views)
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

fn ranking(question: &Question, searched: &[Searched]) -> Ranking {
    let indexes: Vec<_> = searched
        .iter()
        .map(|one| {
            one.slot
                .index
                .read()
                .unwrap_or_else(PoisonError::into_inner)
        })
        .collect();
    let places: Vec<Place<'_>> = indexes
        .iter()
        .zip(searched)
        .map(|(index, one)| Place {
            index,
            scope: one.scope.clone(),
        })
        .collect();
    rank(question, &places, candidates(question))
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
fn text_digest(view: &NodeView) -> Option<Digest> {
    let contents = view.contents.as_ref()?;
    contents.content_kind.is_text().then_some(contents.digest)
}

/// Reads nodes and their texts, with several threads.
fn documents(context: &Context, repo: RepoId, root: &str, views: &[NodeView]) -> Vec<Change> {
    let read = |views: &[NodeView]| -> Vec<Change> {
        let mut splitter = Splitter::default();
        views
            .iter()
            .map(|view| {
                let node = answers::alone(context, repo, view);
                let text = text_digest(view)
                    .and_then(|digest| contents::text_of(context, repo, &view.path, digest).ok());
                let document = Document::new(
                    &mut splitter,
                    view.path.clone(),
                    root,
                    &node,
                    text.as_deref(),
                );
                // A directory is settled once all below it is indexed.
                let state = State {
                    is_settled: false,
                    ..state(view)
                };
                Change::Set(state, Box::new(document))
            })
            .collect()
    };
    let workers = match views.len() {
        ..FEW => 1,
        _ => thread::available_parallelism().map_or(1, |all| all.get().min(MAX_WORKERS)),
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
