//! Finds the nodes that answer a query best, and says why.
//!
//! Okapi BM25 over several fields (Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted fields",
//! 2004): a name weighs more than a summary, a summary more than a docstring. Nothing is kept between two searches, so
//! that nothing can be stale: all nodes are looked at each time, one after the other, and only what answers is
//! remembered of them: a search of a large tree must not take the memory of all its outlines.

mod document;
mod hit;
mod question;
#[cfg(test)]
mod tests;
mod words;

use std::cmp::Ordering;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use crate::engine::view::NodeView;
use crate::model::key::Kind;
use crate::model::path::RepoId;
use crate::model::summary::Freshness;
use crate::wire::protocol::Node;
use crate::wire::search::{NodeKind, SearchResults};

use document::{Document, FIELDS, Field};

pub use question::Question;

/// How soon more of the same word says no more (the usual value).
const SATURATION: f64 = 1.2;
/// Candidates that are not worth a second thread.
const FEW: usize = 500;
/// Threads of a search, at most: somebody waits for it, and others work on the machine.
const MOST_WORKERS: usize = 4;

/// What is known of a repository, or of a part of it.
pub struct Tree {
    /// The repository's root.
    pub root: PathBuf,
    /// The repository.
    pub repo: RepoId,
    /// The node that is searched, with all below it.
    pub view: NodeView,
}

/// What may answer: a node whose words are not read yet.
struct Candidate<'a, V> {
    root: &'a Path,
    node: V,
}

/// The nodes at and below these that may answer, each directory before what is in it.
fn candidates<'v>(
    question: &Question,
    trees: &'v [Tree],
) -> Vec<Candidate<'v, (RepoId, &'v NodeView)>> {
    let mut found = Vec::new();
    for tree in trees {
        let mut open = vec![&tree.view];
        while let Some(view) = open.pop() {
            open.extend(view.children.iter().flatten().rev());
            let kind = match view.kind {
                Kind::File => NodeKind::File,
                Kind::Directory => NodeKind::Directory,
            };
            if question.admits(kind, &view.path.to_text()) {
                let (root, node) = (tree.root.as_path(), (tree.repo, view));
                found.push(Candidate { root, node });
            }
        }
    }
    found
}

/// What some of the candidates hold.
#[derive(Default)]
struct Counted {
    /// Those that hold any of the words.
    documents: Vec<Document>,
    /// For each field, its words in all of them.
    lengths: [f64; FIELDS.len()],
}

/// The best nodes of these trees. `told` reads the words of a node, and no children. Once `left` is true nobody waits
/// for the answer, and what comes is worth nothing.
pub fn search(
    question: &Question,
    trees: &[Tree],
    told: impl Fn(RepoId, &NodeView) -> Node + Sync,
    left: impl Fn() -> bool + Sync,
) -> SearchResults {
    // A directory is fresh only if all below it is.
    let freshness = |tree: &Tree| told(tree.repo, &tree.view).common().freshness;
    let fresh = |tree: &Tree| matches!(freshness(tree), Freshness::Fresh | Freshness::Off);
    let freshness = match trees.iter().all(fresh) {
        true => Freshness::Fresh,
        false => Freshness::Stale,
    };
    let candidates = candidates(question, trees);
    let told = |(repo, view): &(RepoId, &NodeView)| told(*repo, view);
    best(question, &candidates, freshness, told, left)
}

/// The best of these candidates. `told` is called once for each, and again for those that are answered.
fn best<V: Sync>(
    question: &Question,
    candidates: &[Candidate<V>],
    freshness: Freshness,
    told: impl Fn(&V) -> Node + Sync,
    left: impl Fn() -> bool + Sync,
) -> SearchResults {
    let count = |from: usize, some: &[Candidate<V>]| {
        let mut counted = Counted::default();
        for (at, Candidate { root, node }) in some.iter().enumerate() {
            if left() {
                break;
            }
            let document = Document::new(question, from + at, root, &told(node));
            let sums = counted.lengths.iter_mut().zip(&document.lengths);
            sums.for_each(|(sum, length)| *sum += length);
            if document.counts.iter().flatten().any(|count| *count > 0.0) {
                counted.documents.push(document);
            }
        }
        counted
    };
    let workers = match candidates.len() {
        ..FEW => 1,
        _ => thread::available_parallelism().map_or(1, |all| all.get().min(MOST_WORKERS)),
    };
    let part = candidates.len().div_ceil(workers).max(1);
    let counted = thread::scope(|scope| {
        let parts = candidates.chunks(part).enumerate();
        let working: Vec<_> = parts
            .map(|(index, some)| scope.spawn(move || count(index * part, some)))
            .collect();
        let mut all = Counted::default();
        for worker in working {
            let part = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            let sums = all.lengths.iter_mut().zip(&part.lengths);
            sums.for_each(|(sum, length)| *sum += length);
            all.documents.extend(part.documents);
        }
        all
    });
    let weights = Weights::new(question.terms.len(), &counted, candidates.len());
    let mut scored: Vec<(f64, &Document)> = counted
        .documents
        .iter()
        .map(|document| (weights.score(document) * document.exactness, document))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    scored.sort_by(|(a, left), (b, right)| {
        let order = b.partial_cmp(a).unwrap_or(Ordering::Equal);
        order.then_with(|| left.number.cmp(&right.number))
    });
    let total = scored.len() as u64;
    scored.truncate(question.limit);
    SearchResults {
        query: question.query.clone(),
        hits: scored
            .into_iter()
            .map(|(score, document)| {
                let Candidate { root, node } = &candidates[document.number];
                document.hit(score, &question.terms, root, &told(node))
            })
            .collect(),
        total,
        freshness,
    }
}

/// What the words are worth among these documents.
struct Weights {
    /// For each term: the rarer, the more it says.
    rarity: Vec<f64>,
    /// For each field: its words on average.
    lengths: [f64; FIELDS.len()],
}

impl Weights {
    fn new(terms: usize, counted: &Counted, candidates: usize) -> Self {
        let all = candidates as f64;
        let rarity = (0..terms)
            .map(|term| {
                let holds =
                    |document: &&Document| document.counts[term].iter().any(|count| *count > 0.0);
                let holding = counted.documents.iter().filter(holds).count() as f64;
                (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
            })
            .collect();
        let lengths = counted.lengths.map(|sum| (sum / all.max(1.0)).max(1.0));
        Self { rarity, lengths }
    }

    fn score(&self, document: &Document) -> f64 {
        let mut score = 0.0;
        let mut found = 0.0;
        for (term, rarity) in self.rarity.iter().enumerate() {
            let weight: f64 = FIELDS
                .iter()
                .enumerate()
                .map(|(field, Field { weight, length })| {
                    let relative = document.lengths[field] / self.lengths[field];
                    weight * document.counts[term][field] / (1.0 - length + length * relative)
                })
                .sum();
            if weight > 0.0 {
                found += 1.0;
                score += rarity * weight / (SATURATION + weight);
            }
        }
        // Who has all of the words answers better than who has one of them often.
        score * found / self.rarity.len() as f64
    }
}
