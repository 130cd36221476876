//! What is told of a node that answers: where the words stand, and in which definitions.

use std::cmp::Ordering;
use std::path::Path;

use super::document::{DEFINITIONS, DOCUMENTATION, Document, FOLDERS, NAME, SUMMARY};
use super::words::{Term, each_word};
use crate::model::outline::Element;
use crate::wire::protocol::Node;
use crate::wire::search::{Hit, MatchedElement, NodeKind};

/// Definitions named in a hit.
const MOST_ELEMENTS: usize = 5;

impl Document {
    pub fn hit(&self, score: f64, terms: &[Term], root: &Path, node: &Node) -> Hit {
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
                .map(|element| MatchedElement {
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

pub fn kind(node: &Node) -> NodeKind {
    match node {
        Node::File(_) => NodeKind::File,
        Node::Directory(_) => NodeKind::Directory,
    }
}
