//! Finds the files, directories and definitions that match a query.
//!
//! Each repository has an inverted index in memory over names, definitions, documentation, summaries and the redacted
//! text of files. It is kept current in the background. Every search first compares it with the tree and indexes again
//! what differs, so a result never describes what the daemon no longer knows to be there. This module owns the index and
//! the ranking; it reads no file and knows no store.

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
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;

use crate::model::outline::Element;
use crate::model::path::RepoId;
use crate::wire::protocol::Node;
use crate::wire::search::{Hit, SearchKind};

use hit::{Matcher, exactness};
use words::{Form, Splitter, is_stop_word};

pub use index::{Change, Index, State};
pub use question::Question;
pub use rank::{Place, Ranked, Ranking, rank};

use rank::by_rank;

/// Files whose definitions are compared with the query where definitions are searched.
const MAX_SYMBOL_FILES: usize = 200;
/// Hits for which the text of the file is read again, to find the best line.
const MAX_LINES: usize = 50;

/// The index of one repository.
#[derive(Default)]
pub struct Slot {
    /// The index.
    pub index: RwLock<Index>,
    /// Whether something happened since the index was compared with the tree; held while it is compared.
    pub compared: tokio::sync::Mutex<Option<watch::Receiver<()>>>,
    /// Whether a search waits for the comparison.
    pub is_awaited: AtomicBool,
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

/// A ranked document with what `V` knows of its node.
pub struct Candidate<V> {
    /// The document.
    pub ranked: Ranked,
    /// The node as it is now.
    pub view: V,
}

/// Where the nodes of candidates come from.
pub trait Library<V> {
    /// The root of the candidate's repository.
    fn root(&self, candidate: &Candidate<V>) -> &Path;
    /// The node with its summary and definitions.
    fn node(&self, candidate: &Candidate<V>) -> Node;
    /// Its definitions only.
    fn elements(&self, candidate: &Candidate<V>) -> Vec<Element>;
    /// The text of a file.
    fn text(&self, candidate: &Candidate<V>) -> Option<String>;
}

/// The hits of a search, best first, and how many there are in all. Of files, only the hits are read.
pub fn hits<V>(
    question: &Question,
    ranking: &Ranking,
    candidates: Vec<Candidate<V>>,
    library: &impl Library<V>,
) -> (Vec<Hit>, u64) {
    let mut matcher = Matcher::new(question, &ranking.rarity);
    if question.kind == SearchKind::Symbol {
        return symbols(question, ranking, &mut matcher, &candidates, library);
    }
    let mut opened: Vec<(Candidate<V>, Node)> = candidates
        .into_iter()
        .take(question.limit)
        .map(|mut candidate| {
            let node = library.node(&candidate);
            let ranked = &mut candidate.ranked;
            ranked.exactness = exactness(question, &ranked.path, &node);
            (candidate, node)
        })
        .collect();
    // The index takes one case of a name for another now and then.
    let rank = |(candidate, _): &(Candidate<V>, Node)| {
        let ranked = &candidate.ranked;
        (ranked.exactness, ranked.role, ranked.score)
    };
    opened.sort_by(|a, b| by_rank(rank(a), rank(b)));
    let hits = opened.iter().enumerate().map(|(at, (candidate, node))| {
        let text = || (at < MAX_LINES).then(|| library.text(candidate)).flatten();
        matcher.hit(&candidate.ranked, library.root(candidate), node, text)
    });
    (hits.collect(), ranking.total)
}

fn symbols<V>(
    question: &Question,
    ranking: &Ranking,
    matcher: &mut Matcher<'_>,
    candidates: &[Candidate<V>],
    library: &impl Library<V>,
) -> (Vec<Hit>, u64) {
    let wanted = question.element_kind.as_deref();
    let mut found = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        for element in library.elements(candidate) {
            if wanted.is_some_and(|wanted| wanted != element.kind) {
                continue;
            }
            let score = match question.terms.is_empty() {
                true => 0.0,
                false => matcher.element(&element),
            };
            if score > 0.0 || question.terms.is_empty() {
                // The file decides between definitions of equal names.
                let factor = candidate.ranked.role.factor(&[]);
                let score = score * factor + candidate.ranked.score * 0.01;
                found.push((score, at, element));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(Reverse(b.1).cmp(&Reverse(a.1))));
    // Every file that was not opened has one at least.
    let unopened = ranking.total.saturating_sub(candidates.len() as u64);
    let total = found.len() as u64 + unopened;
    found.truncate(question.limit);
    let hits = found.into_iter().map(|(score, at, element)| {
        let candidate = &candidates[at];
        let node = library.node(candidate);
        let root = library.root(candidate);
        matcher.symbol(&candidate.ranked, root, &node, &element, score)
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
