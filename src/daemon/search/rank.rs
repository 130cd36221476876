//! Scores the documents of several indexes for a query.
//!
//! Okapi BM25 for each field with the field's own statistics, and the sum over all fields (Robertson and Zaragoza, "The
//! Probabilistic Relevance Framework: BM25 and Beyond", 2009). Files that are no source count half, unless the query
//! speaks of them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use super::document::{FIELDS, Field, PerField};
use super::index::Index;
use super::question::Question;
use super::role::Role;
use super::segment::{Entry, Segment};
use crate::model::path::RelPath;
use crate::wire::search::{NodeKind, SearchKind};

/// How soon more of the same term adds nothing. This and the numbers below were tuned with `benches/search`.
const SATURATION: f64 = 1.6;

/// What a match in a field counts, and how much the length of the field takes from it.
struct FieldRule {
    weight: f64,
    length: f64,
}

const fn rule(weight: f64, length: f64) -> FieldRule {
    FieldRule { weight, length }
}

/// In the order of [`FIELDS`].
const RULES: PerField<FieldRule> = [
    rule(1.0, 0.3),
    rule(0.8, 0.3),
    rule(0.7, 0.5),
    rule(0.4, 0.5),
    rule(0.6, 0.5),
    rule(2.0, 0.3),
];

/// The share of a query's weight that a document must match.
const MIN_SHARE: f64 = 0.05;
/// A word that occurs nowhere stands for the words that begin with it; it has this many letters at least.
const MIN_PREFIX: usize = 3;
/// Words that it stands for at most.
const MAX_EXPANSIONS: usize = 16;

/// How exactly a node is what the query names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exactness {
    /// It only has some of the words.
    #[default]
    Words,
    /// Its name, or a definition's, but for case and ending.
    Name,
    /// A definition's name, letter by letter.
    ExactName,
    /// A qualified name or a whole path.
    Qualified,
}

/// What is searched of one index.
pub struct Place<'a> {
    pub index: &'a Index,
    /// The node that is searched, with all below it.
    pub scope: RelPath,
}

/// A document that matches.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Which of the places has it.
    pub place: usize,
    pub path: RelPath,
    /// How exactly the query names it or one of its definitions, as far as the index knows.
    pub exactness: Exactness,
    pub score: f64,
    pub role: Role,
    /// For each term, a bit for each field that has it.
    pub fields: Vec<u8>,
}

/// The outcome of [`rank`].
#[derive(Debug, Default)]
pub struct Ranking {
    /// The best documents: first those that the query names.
    pub best: Vec<Ranked>,
    /// How many match.
    pub total: u64,
    /// For each term, how rare it is in the names of definitions.
    pub rarity: Vec<f64>,
}

/// Postings of one term in one segment.
type Postings = Vec<(u32, PerField<u8>)>;

/// The postings of all terms in one segment.
struct Matches<'a> {
    place: usize,
    entries: &'a [Entry],
    terms: Vec<Postings>,
}

/// The best `limit` documents.
pub fn rank(question: &Question, places: &[Place<'_>], limit: usize) -> Ranking {
    let matches = matches(question, places);
    let weights = Weights::new(question, places, &matches);
    let stems: Vec<&str> = question
        .terms
        .iter()
        .map(|term| term.text.as_str())
        .collect();
    let mut found: Vec<Found> = Vec::new();
    for (at, segment) in matches.iter().enumerate() {
        let scope = &places[segment.place].scope;
        let scores = weights.scores(question, segment);
        let hash = question.name_hash();
        let named = hash.map(|hash| segment_of(places, &matches, at).documents_with_name(hash));
        let named = named.unwrap_or_default();
        let defines = match question.kind {
            SearchKind::Symbol => segment.with_definitions(),
            _ => HashSet::new(),
        };
        for (number, (score, share)) in scores.into_iter().enumerate() {
            let entry = &segment.entries[number];
            if !entry.is_live
                || !is_wanted(question.kind, entry.kind)
                || !entry.path.is_within(scope)
            {
                continue;
            }
            let number = number as u32;
            let exactness = question.name().map_or(Exactness::Words, |name| {
                let definition = named.get(&number).map(|same_case| match same_case {
                    _ if is_qualified(name) => Exactness::Qualified,
                    true => Exactness::ExactName,
                    false => Exactness::Name,
                });
                definition
                    .unwrap_or_default()
                    .max(of_path(&entry.path, name))
            });
            let is_match = match question.kind {
                // Only a definition whose name has one of the words matches.
                SearchKind::Symbol => defines.contains(&number),
                _ => exactness > Exactness::Words || share >= MIN_SHARE,
            };
            if question.terms.is_empty() || is_match {
                let admits = question.admits_all()
                    || question.admits(
                        &entry.path.to_text(),
                        entry.kind == NodeKind::Directory,
                        entry.language.as_deref(),
                    );
                if admits {
                    found.push(Found {
                        exactness,
                        role: entry.role,
                        score: score * entry.role.factor(&stems),
                        segment: at,
                        number,
                    });
                }
            }
        }
    }
    let total = found.len() as u64;
    let order = |a: &Found, b: &Found| {
        let path = |found: &Found| &matches[found.segment].entries[found.number as usize].path;
        let ranks = by_rank(
            (a.exactness, a.role, a.score),
            (b.exactness, b.role, b.score),
        );
        ranks.then_with(|| path(a).cmp(path(b)))
    };
    if found.len() > limit {
        found.select_nth_unstable_by(limit, order);
        found.truncate(limit);
    }
    found.sort_unstable_by(order);
    let best = found.into_iter().map(|found| {
        let segment = &matches[found.segment];
        Ranked {
            place: segment.place,
            path: segment.entries[found.number as usize].path.clone(),
            exactness: found.exactness,
            score: found.score,
            role: found.role,
            fields: segment.fields(found.number),
        }
    });
    Ranking {
        best: best.collect(),
        total,
        rarity: weights.symbol_rarity(),
    }
}

/// A document that matches, by its place in its segment.
struct Found {
    exactness: Exactness,
    role: Role,
    score: f64,
    segment: usize,
    number: u32,
}

/// The order of results: what the query names goes first, its source before its tests; then the score.
pub fn by_rank(a: (Exactness, Role, f64), b: (Exactness, Role, f64)) -> Ordering {
    let is_beside =
        |exactness: Exactness, role: Role| exactness > Exactness::Words && role != Role::Source;
    b.0.cmp(&a.0)
        .then(is_beside(a.0, a.1).cmp(&is_beside(b.0, b.1)))
        .then(b.2.total_cmp(&a.2))
}

/// Whether a name says in what it is defined.
pub fn is_qualified(name: &str) -> bool {
    name.contains(['.', ':'])
}

/// How exactly a name is that of a node.
pub fn of_path(path: &RelPath, name: &str) -> Exactness {
    let plain = name.trim_matches('/');
    if plain.contains('/') && path.as_bytes() == plain.as_bytes() {
        return Exactness::Qualified;
    }
    match is_named(path, name) {
        true => Exactness::Name,
        false => Exactness::Words,
    }
}

fn segment_of<'a>(places: &[Place<'a>], matches: &[Matches<'_>], at: usize) -> &'a Segment {
    let place = matches[at].place;
    let first = matches.iter().position(|other| other.place == place);
    &places[place].index.segments()[at - first.unwrap_or(at)]
}

fn is_wanted(wanted: SearchKind, kind: NodeKind) -> bool {
    match wanted {
        SearchKind::All => true,
        SearchKind::File | SearchKind::Symbol => kind == NodeKind::File,
        SearchKind::Directory => kind == NodeKind::Directory,
    }
}

/// Whether the path, its end, the file's name or its stem is this name.
fn is_named(path: &RelPath, name: &str) -> bool {
    let name = name.trim_matches('/').as_bytes();
    let own = path.name();
    if name.contains(&b'/') {
        let path = path.as_bytes();
        let rest = path.len().checked_sub(name.len());
        return path.ends_with(name) && rest.is_some_and(|at| at == 0 || path[at - 1] == b'/');
    }
    let stem = own.split(|byte| *byte == b'.').next().unwrap_or(own);
    own.eq_ignore_ascii_case(name) || stem.eq_ignore_ascii_case(name)
}

fn matches<'a>(question: &Question, places: &[Place<'a>]) -> Vec<Matches<'a>> {
    let mut all = Vec::new();
    for (place, Place { index, .. }) in places.iter().enumerate() {
        for segment in index.segments() {
            let postings = |term: &str| {
                let mut postings = Postings::new();
                segment.each_posting(term, |number, counts| postings.push((number, counts)));
                postings
            };
            all.push(Matches {
                place,
                entries: &segment.entries,
                terms: question
                    .terms
                    .iter()
                    .map(|term| postings(&term.text))
                    .collect(),
            });
        }
    }
    for (at, term) in question.terms.iter().enumerate() {
        let is_known = all.iter().any(|segment| !segment.terms[at].is_empty());
        if is_known || !term.is_word || term.text.len() < MIN_PREFIX {
            continue;
        }
        let segments = places.iter().flat_map(|place| place.index.segments());
        for (segment, matches) in segments.zip(&mut all) {
            matches.terms[at] = words_with_prefix(segment, &term.text);
        }
    }
    all
}

/// The postings of the shortest words that begin with this one, merged.
fn words_with_prefix(segment: &Segment, text: &str) -> Postings {
    let mut words = Vec::new();
    segment.each_term_with_prefix(text, |word| words.push(word.to_owned()));
    words.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let mut merged = BTreeMap::<u32, PerField<u8>>::new();
    for word in words.iter().take(MAX_EXPANSIONS) {
        segment.each_posting(word, |number, counts| {
            let sums = merged.entry(number).or_default().iter_mut();
            sums.zip(counts)
                .for_each(|(sum, count)| *sum = sum.saturating_add(count));
        });
    }
    merged.into_iter().collect()
}

impl Matches<'_> {
    /// The documents that have one of the terms in the names of their definitions.
    fn with_definitions(&self) -> HashSet<u32> {
        let all = self.terms.iter().flatten();
        let defines = all.filter(|(_, counts)| counts[Field::Symbols as usize] > 0);
        defines.map(|(number, _)| *number).collect()
    }

    fn fields(&self, number: u32) -> Vec<u8> {
        let of_term = |postings: &Postings| {
            let at = postings.binary_search_by_key(&number, |(number, _)| *number);
            let counts = at.map(|at| postings[at].1).unwrap_or_default();
            let bits = counts.iter().enumerate();
            bits.fold(0, |bits, (field, count)| {
                bits | u8::from(*count > 0) << field
            })
        };
        self.terms.iter().map(of_term).collect()
    }
}

/// What the terms are worth among the documents of one kind.
#[derive(Default)]
struct KindWeights {
    /// For each term and field: the rarer, the more.
    rarity: Vec<PerField<f64>>,
    /// For each field, its average length.
    lengths: PerField<f64>,
    /// For each term, its part in the weight of the query.
    shares: Vec<f64>,
}

struct Weights {
    files: KindWeights,
    directories: KindWeights,
}

impl Weights {
    fn new(question: &Question, places: &[Place<'_>], matches: &[Matches<'_>]) -> Self {
        let of_kind = |kind| KindWeights::new(kind, question, places, matches);
        Self {
            files: of_kind(NodeKind::File),
            directories: match question.kind {
                SearchKind::File | SearchKind::Symbol => KindWeights::default(),
                _ => of_kind(NodeKind::Directory),
            },
        }
    }

    fn symbol_rarity(&self) -> Vec<f64> {
        let symbols = super::document::Field::Symbols as usize;
        self.files
            .rarity
            .iter()
            .map(|rarity| rarity[symbols])
            .collect()
    }

    /// For each document of a segment, its score and the share of the query that it matches.
    fn scores(&self, question: &Question, segment: &Matches<'_>) -> Vec<(f64, f64)> {
        let mut scores = vec![(0.0, 0.0); segment.entries.len()];
        for (at, term) in question.terms.iter().enumerate() {
            for (number, counts) in &segment.terms[at] {
                self.score(at, segment, *number, counts, term.weight, &mut scores);
            }
        }
        scores
    }

    /// Adds one posting of a term to the scores.
    fn score(
        &self,
        term: usize,
        segment: &Matches<'_>,
        number: u32,
        counts: &PerField<u8>,
        weight: f64,
        scores: &mut [(f64, f64)],
    ) {
        let entry = &segment.entries[number as usize];
        let kind = match entry.kind {
            NodeKind::File => &self.files,
            NodeKind::Directory => &self.directories,
        };
        let Some(rarity) = kind.rarity.get(term) else {
            return;
        };
        let mut sum = 0.0;
        for (field, rule) in RULES.iter().enumerate() {
            let count = f64::from(counts[field]);
            if count > 0.0 {
                let relative = f64::from(entry.lengths[field]) / kind.lengths[field];
                let norm = SATURATION * (1.0 - rule.length + rule.length * relative);
                sum += rule.weight * rarity[field] * count * (SATURATION + 1.0) / (count + norm);
            }
        }
        let (score, share) = &mut scores[number as usize];
        *score += weight * sum;
        *share += kind.shares[term];
    }
}

impl KindWeights {
    fn new(
        kind: NodeKind,
        question: &Question,
        places: &[Place<'_>],
        matches: &[Matches<'_>],
    ) -> Self {
        let totals = places.iter().map(|place| place.index.totals(kind));
        let mut documents = 0.0;
        let mut lengths = [0.0; FIELDS.len()];
        for total in totals {
            documents += total.documents as f64;
            let sums = lengths.iter_mut().zip(&total.lengths);
            sums.for_each(|(sum, length)| *sum += *length as f64);
        }
        let rarity_of = |holding: f64| (1.0 + (documents - holding + 0.5) / (holding + 0.5)).ln();
        let mut rarity = Vec::new();
        let mut shares = Vec::new();
        for (at, term) in question.terms.iter().enumerate() {
            let mut holding = [0.0; FIELDS.len()];
            let mut any = 0.0;
            for segment in matches {
                for (number, counts) in &segment.terms[at] {
                    if segment.entries[*number as usize].kind == kind {
                        any += 1.0;
                        let held = holding.iter_mut().zip(counts);
                        held.for_each(|(holding, count)| {
                            *holding += f64::from(u8::from(*count > 0))
                        });
                    }
                }
            }
            rarity.push(holding.map(rarity_of));
            let counts = term.is_word && any > 0.0;
            shares.push(if counts {
                term.weight * rarity_of(any)
            } else {
                0.0
            });
        }
        let all: f64 = shares.iter().sum();
        shares
            .iter_mut()
            .for_each(|share| *share /= all.max(f64::MIN_POSITIVE));
        Self {
            rarity,
            lengths: lengths.map(|sum| (sum / f64::max(documents, 1.0)).max(1.0)),
            shares,
        }
    }
}
