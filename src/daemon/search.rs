//! Finds the nodes that answer a query best, and says why.
//!
//! Okapi BM25 over several fields (Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted fields",
//! 2004): a name weighs more than a summary, a summary more than a docstring. Nothing is kept between two searches, so
//! that nothing can be stale: all nodes are looked at each time, which takes about as long as printing them.

#[cfg(test)]
mod tests;
mod words;

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::model::outline::Element;
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
            let added = builder.add_line(None, glob).map(|_| ());
            added
                .and_then(|()| builder.build())
                .map_err(|error| bad(format!("the glob {glob:?} cannot be read: {error}")))
        });
        Ok(Self {
            query: query.to_owned(),
            terms,
            glob: glob.transpose()?,
            kind: search.kind,
            limit,
        })
    }

    fn admits(&self, node: &Node) -> bool {
        let kind = kind(node);
        let path = Path::new(&node.common().path);
        let directory = kind == NodeKind::Directory;
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.glob.as_ref().is_none_or(|glob| {
                glob.matched_path_or_any_parents(path, directory)
                    .is_ignore()
            })
    }
}

/// What one node holds of the query.
struct Document<'n> {
    root: &'n Path,
    node: &'n Node,
    /// For each field, how often each term stands there.
    counts: [Vec<f64>; FIELDS.len()],
    /// For each field, its words.
    lengths: [f64; FIELDS.len()],
}

/// The best nodes of these trees, each with the root of its repository.
pub fn search(question: &Question, trees: &[(PathBuf, Node)]) -> Found {
    let mut documents = Vec::new();
    let mut open: Vec<(&Path, &Node)> = trees
        .iter()
        .map(|(root, node)| (root.as_path(), node))
        .collect();
    while let Some((root, node)) = open.pop() {
        if let Node::Directory(directory) = node {
            let children = directory.children.iter().flatten();
            open.extend(children.map(|child| (root, child)));
        }
        if question.admits(node) {
            documents.push(Document::new(&question.terms, root, node));
        }
    }
    let weights = Weights::new(&question.terms, &documents);
    let mut scored: Vec<(f64, &Document)> = documents
        .iter()
        .filter_map(|document| {
            let score = weights.score(document) * document.exactness(&question.query);
            (score > 0.0).then_some((score, document))
        })
        .collect();
    scored.sort_by(|(a, left), (b, right)| {
        let order = b.partial_cmp(a).unwrap_or(Ordering::Equal);
        order
            .then_with(|| left.node.common().path.cmp(&right.node.common().path))
            .then_with(|| left.root.cmp(right.root))
    });
    let total = scored.len() as u64;
    scored.truncate(question.limit);
    Found {
        query: question.query.clone(),
        hits: scored
            .into_iter()
            .map(|(score, document)| document.hit(score, &question.terms))
            .collect(),
        total,
        freshness: match trees.iter().all(|(_, node)| is_fresh(node)) {
            true => Freshness::Fresh,
            false => Freshness::Stale,
        },
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
    fn new(terms: &[Term], documents: &[Document]) -> Self {
        let all = documents.len() as f64;
        let rarity = (0..terms.len())
            .map(|term| {
                let holds =
                    |document: &&Document| document.counts.iter().any(|counts| counts[term] > 0.0);
                let holding = documents.iter().filter(holds).count() as f64;
                (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
            })
            .collect();
        let lengths = std::array::from_fn(|field| {
            let sum: f64 = documents.iter().map(|one| one.lengths[field]).sum();
            (sum / all.max(1.0)).max(1.0)
        });
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
                    weight * document.counts[field][term] / (1.0 - length + length * relative)
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

impl<'n> Document<'n> {
    fn new(terms: &[Term], root: &'n Path, node: &'n Node) -> Self {
        let mut document = Self {
            root,
            node,
            counts: std::array::from_fn(|_| vec![0.0; terms.len()]),
            lengths: [0.0; FIELDS.len()],
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
            for (term, count) in terms.iter().zip(&mut self.counts[field]) {
                *count += term.likeness(word);
            }
        });
    }

    /// More than 1 where the query is the node's own name, its path, or that of a definition in it.
    fn exactness(&self, query: &str) -> f64 {
        let common = self.node.common();
        let (_, name) = split(&common.path);
        let stem = name.split('.').next().filter(|stem| !stem.is_empty());
        let same = |other: &str| other.eq_ignore_ascii_case(query);
        let path = query.trim_matches('/');
        let whole = query.contains('/') && (common.path == path || ends_with(&common.path, path));
        let defines = match self.node {
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

    fn hit(&self, score: f64, terms: &[Term]) -> Hit {
        let common = self.node.common();
        let elements = self.elements(terms);
        Hit {
            repository: self.root.to_string_lossy().into_owned(),
            path: common.path.clone(),
            path_base64: common.path_base64.clone(),
            kind: kind(self.node),
            language: match self.node {
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

    /// The definitions with the most of the words in their names.
    fn elements(&self, terms: &[Term]) -> Vec<&'n Element> {
        let Node::File(file) = self.node else {
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

    /// Where the words stand, most telling place first.
    fn reason(&self, terms: &[Term], elements: &[&Element]) -> String {
        let in_field = |field: usize| -> Vec<&str> {
            let counts = terms.iter().zip(&self.counts[field]);
            let found = counts.filter(|(_, count)| **count > 0.0);
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

/// A directory is fresh only if all below it is.
fn is_fresh(node: &Node) -> bool {
    matches!(node.common().freshness, Freshness::Fresh | Freshness::Off)
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
