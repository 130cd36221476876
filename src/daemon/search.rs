//! Finds the nodes that answer a query best, and says why.
//!
//! Okapi BM25 over several fields (Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted fields",
//! 2004): a name weighs more than a summary, a summary more than a docstring. Nothing is kept between two searches, so
//! that nothing can be stale: all nodes are looked at each time, one after the other, and only what answers is
//! remembered of them: a search of a large tree must not take the memory of all its outlines.

#[cfg(test)]
mod tests;
mod words;

use std::cmp::Ordering;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::engine::view::NodeView;
use crate::model::outline::Element;
use crate::model::path::RepoId;
use crate::model::recipe::Kind;
use crate::model::summary::Freshness;
use crate::wire::protocol::{Node, PROBLEM_BAD_REQUEST, Problem};
use crate::wire::search::{
    DEFAULT_HITS, Found, FoundElement, Hit, LONGEST_QUERY, MOST_HITS, NodeKind, Search, too_long,
};

use words::{Term, each_word, terms};

/// Words of a query that are looked for.
const MOST_TERMS: usize = 16;
/// Definitions named in a hit.
const MOST_ELEMENTS: usize = 5;
/// How soon more of the same word says no more (the usual value).
const SATURATION: f64 = 1.2;
/// What a query that is the very name of a node or a definition is worth.
const EXACT: f64 = 2.0;

/// Candidates that are not worth a second thread.
const FEW: usize = 500;
/// Threads of a search, at most: somebody waits for it, and others work on the machine.
const MOST_WORKERS: usize = 4;

/// Where a word can stand: what it is worth there, and how much a long text of it makes a word worth less.
struct Field {
    weight: f64,
    length: f64,
}

const FIELDS: [Field; 5] = [
    Field {
        weight: 6.0,
        length: 0.3,
    },
    Field {
        weight: 5.0,
        length: 0.6,
    },
    Field {
        weight: 3.0,
        length: 0.5,
    },
    Field {
        weight: 1.5,
        length: 0.5,
    },
    Field {
        weight: 1.0,
        length: 0.75,
    },
];
const NAME: usize = 0;
const DEFINITIONS: usize = 1;
const SUMMARY: usize = 2;
const FOLDERS: usize = 3;
const DOCUMENTATION: usize = 4;

/// A search that can be done.
pub struct Question {
    query: String,
    terms: Vec<Term>,
    glob: Option<Gitignore>,
    kind: Option<NodeKind>,
    limit: usize,
}

impl Question {
    /// Reads a search.
    ///
    /// # Errors
    /// The query says nothing or is too long, the glob cannot be read, the limit is out of bounds.
    pub fn new(search: &Search) -> Result<Self, Problem> {
        let bad = |detail: String| Problem::new(PROBLEM_BAD_REQUEST, detail);
        let query = search.query.trim();
        if query.len() > LONGEST_QUERY {
            return Err(too_long());
        }
        let mut terms = terms(query);
        if terms.is_empty() {
            return Err(bad(
                "the query has no word in it: give some, or a definition's name".to_owned(),
            ));
        }
        terms.truncate(MOST_TERMS);
        let limit = search.limit.unwrap_or(DEFAULT_HITS);
        if !(1..=MOST_HITS).contains(&limit) {
            return Err(bad(format!("limit must be from 1 to {MOST_HITS}")));
        }
        let glob = search.glob.as_deref().map(|glob| {
            let mut builder = GitignoreBuilder::new("/");
            // Whoever asks has one glob and no file of them: a slip is told, and not read as another pattern.
            builder.allow_unclosed_class(false);
            let added = builder.add_line(None, glob).map(|_| ());
            let built = added
                .and_then(|()| builder.build())
                .map_err(|error| bad(format!("the glob {glob:?} cannot be read: {error}")))?;
            match built.num_ignores() {
                0 => Err(bad(format!(
                    "the glob {glob:?} names no paths: write one as *.py or src/**"
                ))),
                _ => Ok(built),
            }
        });
        Ok(Self {
            query: query.to_owned(),
            terms,
            glob: glob.transpose()?,
            kind: search.kind,
            limit,
        })
    }

    fn admits(&self, kind: NodeKind, path: &str) -> bool {
        let directory = kind == NodeKind::Directory;
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.glob.as_ref().is_none_or(|glob| {
                glob.matched_path_or_any_parents(path, directory)
                    .is_ignore()
            })
    }

    /// The nodes at and below these that may answer, each directory before what is in it.
    fn candidates<'v>(&self, trees: &'v [Tree]) -> Vec<Candidate<'v, (RepoId, &'v NodeView)>> {
        let mut found = Vec::new();
        for tree in trees {
            let mut open = vec![&tree.view];
            while let Some(view) = open.pop() {
                open.extend(view.children.iter().flatten().rev());
                let kind = match view.kind {
                    Kind::File => NodeKind::File,
                    Kind::Directory => NodeKind::Directory,
                };
                if self.admits(kind, &view.path.to_text()) {
                    let (root, node) = (tree.root.as_path(), (tree.repo, view));
                    found.push(Candidate { root, node });
                }
            }
        }
        found
    }
}

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

/// What one node holds of the query.
struct Document {
    /// Which of the candidates it is.
    number: usize,
    /// For each term, how often it stands in each field.
    counts: Box<[[f64; FIELDS.len()]]>,
    /// For each field, its words.
    lengths: [f64; FIELDS.len()],
    exactness: f64,
}

/// What some of the candidates hold.
#[derive(Default)]
struct Counted {
    /// Those that hold any of the words.
    documents: Vec<Document>,
    /// For each field, its words in all of them.
    lengths: [f64; FIELDS.len()],
}

/// The best nodes of these trees. `told` reads the words of a node, and no children.
pub fn search(
    question: &Question,
    trees: &[Tree],
    told: impl Fn(RepoId, &NodeView) -> Node + Sync,
) -> Found {
    // A directory is fresh only if all below it is.
    let freshness = |tree: &Tree| told(tree.repo, &tree.view).common().freshness;
    let fresh = |tree: &Tree| matches!(freshness(tree), Freshness::Fresh | Freshness::Off);
    let freshness = match trees.iter().all(fresh) {
        true => Freshness::Fresh,
        false => Freshness::Stale,
    };
    let candidates = question.candidates(trees);
    best(question, &candidates, freshness, |(repo, view)| {
        told(*repo, view)
    })
}

/// The best of these candidates. `told` is called once for each, and again for those that are answered.
fn best<V: Sync>(
    question: &Question,
    candidates: &[Candidate<V>],
    freshness: Freshness,
    told: impl Fn(&V) -> Node + Sync,
) -> Found {
    let count = |from: usize, some: &[Candidate<V>]| {
        let mut counted = Counted::default();
        for (at, Candidate { root, node }) in some.iter().enumerate() {
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
    Found {
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

impl Document {
    fn new(question: &Question, number: usize, root: &Path, node: &Node) -> Self {
        let terms = &question.terms[..];
        let mut document = Self {
            number,
            counts: vec![[0.0; FIELDS.len()]; terms.len()].into(),
            lengths: [0.0; FIELDS.len()],
            exactness: exactness(&question.query, node),
        };
        let common = node.common();
        let (folders, name) = split(&common.path);
        // A root has no name in its repository; people know it by its folder's.
        let folder = root.file_name().unwrap_or_default().to_string_lossy();
        document.count(
            NAME,
            terms,
            if common.path.is_empty() {
                &folder
            } else {
                name
            },
        );
        document.count(FOLDERS, terms, folders);
        document.count(
            SUMMARY,
            terms,
            common.summary.as_deref().unwrap_or_default(),
        );
        if let Node::File(file) = node {
            for element in &file.elements {
                document.count(DEFINITIONS, terms, &element.name);
                document.count(DOCUMENTATION, terms, &element.signature);
                let docstring = element.docstring.as_deref().unwrap_or_default();
                document.count(DOCUMENTATION, terms, docstring);
            }
            let docstring = file.docstring.as_deref().unwrap_or_default();
            document.count(DOCUMENTATION, terms, docstring);
            for import in &file.imports {
                document.count(DOCUMENTATION, terms, import);
            }
        }
        document
    }

    fn count(&mut self, field: usize, terms: &[Term], text: &str) {
        each_word(text, |word| {
            self.lengths[field] += 1.0;
            for (term, counts) in terms.iter().zip(&mut self.counts) {
                counts[field] += term.likeness(word);
            }
        });
    }

    fn hit(&self, score: f64, terms: &[Term], root: &Path, node: &Node) -> Hit {
        let common = node.common();
        let elements = elements(terms, node);
        Hit {
            repository: root.to_string_lossy().into_owned(),
            path: common.path.clone(),
            path_base64: common.path_base64.clone(),
            kind: kind(node),
            language: match node {
                Node::File(file) => file.language.clone(),
                Node::Directory(_) => None,
            },
            line: common.line.clone(),
            summary: common.summary.clone(),
            freshness: common.freshness,
            score: (score * 1e3).round() / 1e3,
            reason: self.reason(terms, &elements),
            elements: elements
                .into_iter()
                .map(|element| FoundElement {
                    kind: element.kind.clone(),
                    qualified_name: element.qualified_name.clone(),
                    line_start: element.line_start,
                    line_end: element.line_end,
                })
                .collect(),
        }
    }

    /// Where the words stand, most telling place first.
    fn reason(&self, terms: &[Term], elements: &[&Element]) -> String {
        let in_field = |field: usize| -> Vec<&str> {
            let counts = terms.iter().zip(&self.counts);
            let found = counts.filter(|(_, counts)| counts[field] > 0.0);
            found.map(|(term, _)| term.word.as_str()).collect()
        };
        let mut reasons = Vec::new();
        for (field, says) in [
            (NAME, "name"),
            (DEFINITIONS, "defines"),
            (SUMMARY, "summary"),
            (FOLDERS, "path"),
            (DOCUMENTATION, "documentation"),
        ] {
            let mut found = in_field(field);
            if field == DEFINITIONS {
                found = elements
                    .iter()
                    .map(|element| element.name.as_str())
                    .collect();
                found.dedup();
                found.truncate(3);
            }
            if !found.is_empty() {
                reasons.push(format!("{says}: {}", found.join(", ")));
            }
        }
        reasons.join("; ")
    }
}

/// More than 1 where the query is the node's own name, its path, or that of a definition in it.
fn exactness(query: &str, node: &Node) -> f64 {
    let common = node.common();
    let (_, name) = split(&common.path);
    let stem = name.split('.').next().filter(|stem| !stem.is_empty());
    let same = |other: &str| other.eq_ignore_ascii_case(query);
    let path = query.trim_matches('/');
    let whole = query.contains('/') && (common.path == path || ends_with(&common.path, path));
    let defines = match node {
        Node::File(file) => file
            .elements
            .iter()
            .any(|element| same(&element.name) || same(&element.qualified_name)),
        Node::Directory(_) => false,
    };
    let mut exactness = 1.0;
    for holds in [same(name) || stem.is_some_and(same), defines, whole] {
        exactness *= if holds { EXACT } else { 1.0 };
    }
    exactness
}

/// The definitions with the most of the words in their names.
fn elements<'n>(terms: &[Term], node: &'n Node) -> Vec<&'n Element> {
    let Node::File(file) = node else {
        return Vec::new();
    };
    let mut found: Vec<(f64, &Element)> = file
        .elements
        .iter()
        .filter_map(|element| {
            let mut best = vec![0.0_f64; terms.len()];
            let mut words = 0.0;
            each_word(&element.name, |word| {
                words += 1.0;
                for (term, best) in terms.iter().zip(&mut best) {
                    *best = best.max(term.likeness(word));
                }
            });
            let worth: f64 = best.iter().sum();
            (worth > 0.0).then_some((worth - words / 1e3, element))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
    found.truncate(MOST_ELEMENTS);
    found.into_iter().map(|(_, element)| element).collect()
}

fn kind(node: &Node) -> NodeKind {
    match node {
        Node::File(_) => NodeKind::File,
        Node::Directory(_) => NodeKind::Directory,
    }
}

/// The folders of a path, and the name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether the path ends with these whole names.
fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
