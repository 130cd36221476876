//! What nodes refer to: it must stay in the store.

use std::collections::HashSet;

use crate::model::digest::Digest;
use crate::model::language::Language;
use crate::model::path::RepoId;
use crate::model::summary::SummaryKey;

use super::Engine;
use super::tree::ROOT;

/// What the nodes of all repositories refer to.
#[derive(Clone, Debug, Default)]
pub struct References {
    /// Keys of the summaries that they have or wait for.
    pub summaries: HashSet<SummaryKey>,
    /// Contents whose outlines are shown.
    pub contents: HashSet<(Option<Language>, Digest)>,
    /// Settled repositories: their references are complete until something changes.
    pub settled: Vec<RepoId>,
}

impl Engine {
    /// What all nodes refer to now.
    pub fn uses(&self) -> References {
        let mut uses = References::default();
        uses.summaries
            .extend(self.in_flight.iter().map(|(key, _)| *key));
        uses.summaries.extend(self.batches.keys());
        for (&repo, repository) in &self.repositories {
            for (_, node) in repository.tree.walk(ROOT) {
                uses.summaries
                    .extend(node.summary.map(|summary| summary.key));
                uses.summaries.extend(node.key);
                let contents = node.contents();
                uses.contents
                    .extend(contents.map(|contents| (contents.language, contents.digest)));
            }
            let at_rest = repository.tree.root().is_settled() && repository.debounce.is_empty();
            if at_rest && repository.known && !repository.unreachable {
                uses.settled.push(repo);
            }
        }
        uses
    }
}
