//! A search: brings the index up to date with the tree, ranks, and makes hits of the best nodes as they are now.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::daemon::context::Context;
use crate::daemon::mailbox::Query;
use crate::daemon::search::{
    Candidate, Library, Place, Question, Ranked, Ranking, candidates, hits, rank,
};
use crate::daemon::{answers, contents};
use crate::engine::view::NodeView;
use crate::model::outline::Element;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::Freshness;
use crate::wire::protocol::{Node, PROBLEM_INTERNAL, Problem};
use crate::wire::search::{Search, SearchResults};

use super::indexing::{Indexed, text_digest};
use super::{Handle, blocking, turn};

/// How long a search waits for the index. Then it searches what is indexed, and says so.
const INDEX_PATIENCE: Duration = Duration::from_millis(1_000);

/// What is searched of one repository.
struct Searched {
    indexed: Indexed,
    scope: RelPath,
    freshness: Freshness,
}

impl Handle {
    pub(super) async fn find(&self, search: &Search) -> Result<SearchResults, Problem> {
        let question = Arc::new(Question::new(search)?);
        let _turn = turn(&self.searches).await?;
        let searched = Arc::new(self.searched(search.path.as_deref()).await?);
        let until = Instant::now() + INDEX_PATIENCE;
        let mut unindexed = 0;
        for one in searched.iter() {
            unindexed += self.prepare(&one.indexed, until).await?;
        }
        let is_fresh = |one: &Searched| matches!(one.freshness, Freshness::Fresh | Freshness::Off);
        let freshness = match unindexed == 0 && searched.iter().all(is_fresh) {
            true => Freshness::Fresh,
            false => Freshness::Stale,
        };
        let job = {
            let (question, searched) = (Arc::clone(&question), Arc::clone(&searched));
            move || ranking(&question, &searched)
        };
        let ranking = blocking(job).await?;
        let candidates = self.views(&searched, &ranking).await?;
        let context = Arc::clone(&self.context);
        blocking(move || {
            let shelves = Shelves {
                context: &context,
                searched: &searched,
            };
            let (hits, total) = hits(&question, &ranking, candidates, &shelves);
            SearchResults {
                query: question.query.clone(),
                hits,
                total,
                freshness,
                unindexed,
                notes: question.notes.clone(),
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
                    indexed: self.indexed(repo),
                    scope: view.path,
                    freshness: view.freshness,
                }),
                // Of all repositories, one may be empty or gone just now.
                Err(problem) if path.is_none() && problem.status == 404 => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(searched)
    }

    /// Brings the index up to date, or goes on without the texts of some files after a while: returns how many.
    async fn prepare(&self, indexed: &Indexed, until: Instant) -> Result<u64, Problem> {
        let updating = {
            let (handle, indexed) = (self.clone(), indexed.clone());
            indexed.await_index();
            async move { handle.bring_up_to_date(&indexed).await }
        };
        // A task of its own: it goes on when the search no longer waits for it.
        match timeout_at(until, tokio::spawn(updating)).await {
            Ok(Ok(outcome)) => outcome.map(|()| 0),
            Ok(Err(_)) => Err(Problem::new(
                PROBLEM_INTERNAL,
                "internal error; see the daemon's log",
            )),
            Err(_) => {
                self.index_names(indexed, Instant::now() + INDEX_PATIENCE)
                    .await
            }
        }
    }

    /// Several nodes as they are now, without waiting for notifications.
    pub(super) async fn nodes(
        &self,
        repo: RepoId,
        paths: Vec<RelPath>,
        depth: usize,
    ) -> Result<Vec<Option<NodeView>>, Problem> {
        let views = self.query(|reply| Query::Nodes {
            repo,
            paths,
            depth,
            reply,
        });
        views.await
    }

    /// The ranked documents with their nodes, without those that are gone.
    async fn views(
        &self,
        searched: &[Searched],
        ranking: &Ranking,
    ) -> Result<Vec<Candidate<NodeView>>, Problem> {
        let mut by_place: HashMap<usize, Vec<&Ranked>> = HashMap::new();
        for ranked in &ranking.best {
            by_place.entry(ranked.place).or_default().push(ranked);
        }
        let mut views = HashMap::new();
        for (place, all) in by_place {
            let paths = all.iter().map(|ranked| ranked.path.clone()).collect();
            let found = self.nodes(searched[place].indexed.repo, paths, 0).await?;
            for (ranked, view) in all.into_iter().zip(found) {
                views.insert((place, &ranked.path), view);
            }
        }
        let mut candidates = Vec::new();
        for ranked in &ranking.best {
            let view = views.remove(&(ranked.place, &ranked.path)).flatten();
            candidates.extend(view.map(|view| Candidate {
                ranked: ranked.clone(),
                view,
            }));
        }
        Ok(candidates)
    }
}

/// The nodes of all searched repositories.
struct Shelves<'a> {
    context: &'a Context,
    searched: &'a [Searched],
}

impl Shelves<'_> {
    fn repo(&self, candidate: &Candidate<NodeView>) -> RepoId {
        self.searched[candidate.ranked.place].indexed.repo
    }
}

impl Library<NodeView> for Shelves<'_> {
    fn root(&self, candidate: &Candidate<NodeView>) -> &Path {
        &self.searched[candidate.ranked.place].indexed.root
    }

    fn node(&self, candidate: &Candidate<NodeView>) -> Node {
        answers::alone(self.context, self.repo(candidate), &candidate.view)
    }

    fn elements(&self, candidate: &Candidate<NodeView>) -> Vec<Element> {
        answers::elements(self.context, self.repo(candidate), &candidate.view)
    }

    fn text(&self, candidate: &Candidate<NodeView>) -> Option<String> {
        let digest = text_digest(&candidate.view)?;
        let repo = self.repo(candidate);
        contents::text_of(self.context, repo, &candidate.view.path, digest).ok()
    }
}

fn ranking(question: &Question, searched: &[Searched]) -> Ranking {
    let indexes: Vec<_> = searched
        .iter()
        .map(|one| {
            one.indexed
                .slot
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
