//! Finds the files, directories and definitions that match a query.
//!
//! Each repository has an inverted index in memory over names, definitions, documentation, summaries and the redacted
//! text of files. It is built at the first search. Every search first compares it with the tree and indexes again what
//! differs, so a result never describes what the daemon no longer knows to be there. This module owns the index and the
//! ranking; it reads no file and knows no store.

pub mod document;
mod hit;
mod index;
mod question;
mod rank;
mod role;
mod segment;
pub mod words;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;

use crate::model::digest::Digest;
use crate::model::path::RepoId;
use crate::wire::protocol::Node;
use crate::wire::search::{Hit, SearchKind};

use hit::{Exactness, Matcher, exactness};
use words::{Form, Splitter, is_stop_word};

pub use index::{Change, Index, State};
pub use question::Question;
pub use rank::{Place, Ranked, Ranking, rank};

/// Files whose definitions are compared with the query where definitions are searched.
const MAX_SYMBOL_FILES: usize = 500;
/// Hits for which the text of the file is read again, to find the best line.
const MAX_LINES: usize = 50;

/// The index of one repository.
#[derive(Default)]
pub struct Slot {
    /// The index.
    pub index: RwLock<Index>,
    /// Whether something happened since the index was compared with the tree; held while it is compared.
    pub compared: tokio::sync::Mutex<Option<watch::Receiver<()>>>,
}

/// The indexes of all repositories that were searched.
#[derive(Default)]
pub struct Indexes(Mutex<HashMap<RepoId, Arc<Slot>>>);

impl Indexes {
    /// The index of a repository; an empty one at first.
    pub fn of(&self, repo: RepoId) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(repo).or_default())
    }

    /// Drops the indexes of other repositories than these.
    pub fn keep(&self, repos: &[RepoId]) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|repo, _| repos.contains(repo));
    }
}

/// How many documents [`rank`] has to return.
pub fn candidates(question: &Question) -> usize {
    match question.kind {
        SearchKind::Symbol => MAX_SYMBOL_FILES.max(question.limit),
        _ => question.limit,
    }
}

/// A ranked document with its node.
pub struct Candidate<'a> {
    /// The document.
    pub ranked: Ranked,
    /// The root of its repository.
    pub root: &'a Path,
    /// The node as it is now.
    pub node: Node,
    /// The digest of its content, where it is text.
    pub content: Option<Digest>,
}

/// The hits of a search, best first, and how many there are in all. `text` reads the text of a file.
pub fn hits(
    question: &Question,
    ranking: &Ranking,
    candidates: Vec<Candidate<'_>>,
    text: impl Fn(&Candidate<'_>) -> Option<String>,
) -> (Vec<Hit>, u64) {
    let mut matcher = Matcher::new(question, &ranking.rarity);
    if question.kind == SearchKind::Symbol {
        return symbols(question, &mut matcher, &candidates);
    }
    let mut exact: Vec<(Exactness, Candidate<'_>)> = candidates
        .into_iter()
        .map(|candidate| (exactness(question, &candidate.node), candidate))
        .collect();
    exact.sort_by(|(left, a), (right, b)| {
        let source = |candidate: &Candidate<'_>| candidate.ranked.role != role::Role::Source;
        let exact = right.cmp(left);
        // Among exact matches, the definition comes before the tests that have one of the same name.
        let role = match left {
            Exactness::Words => std::cmp::Ordering::Equal,
            _ => source(a).cmp(&source(b)),
        };
        exact
            .then(role)
            .then(b.ranked.score.total_cmp(&a.ranked.score))
    });
    exact.truncate(question.limit);
    let hits = exact.into_iter().enumerate().map(|(at, (_, candidate))| {
        let text = || (at < MAX_LINES).then(|| text(&candidate)).flatten();
        let Candidate {
            ranked, root, node, ..
        } = &candidate;
        matcher.hit(ranked, root, node, text)
    });
    (hits.collect(), ranking.total)
}

fn symbols(
    question: &Question,
    matcher: &mut Matcher<'_>,
    candidates: &[Candidate<'_>],
) -> (Vec<Hit>, u64) {
    let wanted = question.element_kind.as_deref();
    let mut found = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let Node::File(file) = &candidate.node else {
            continue;
        };
        for element in &file.elements {
            if wanted.is_some_and(|wanted| wanted != element.kind) {
                continue;
            }
            let score = match question.terms.is_empty() {
                true => 0.0,
                false => matcher.element(element),
            };
            if score > 0.0 || question.terms.is_empty() {
                // The file decides between definitions of equal names.
                let factor = candidate.ranked.role.factor(&[]);
                found.push((score * factor + candidate.ranked.score * 0.01, at, element));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(Reverse(b.1).cmp(&Reverse(a.1))));
    let total = found.len() as u64;
    found.truncate(question.limit);
    let hits = found.into_iter().map(|(score, at, element)| {
        let Candidate {
            ranked, root, node, ..
        } = &candidates[at];
        matcher.symbol(ranked, root, node, element, score)
    });
    (hits.collect(), total)
}

/// Where the words of a query stand in a text, for a terminal to colour.
pub fn highlights(query: &str, text: &str) -> Vec<Range<usize>> {
    let mut splitter = Splitter::default();
    let mut wanted = Vec::new();
    splitter.each(query, |token| {
        if token.form == Form::Part && !is_stop_word(token.term) {
            wanted.push(token.term.to_owned());
        }
    });
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let plain = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let mut at = start;
        for part in words::humps(plain) {
            let mut matches = false;
            splitter.each(part, |token| {
                matches |= wanted.iter().any(|term| term == token.term)
            });
            if matches {
                found.push(at..at + part.len());
            }
            at += part.len();
        }
        start += word.len();
    }
    found
}
