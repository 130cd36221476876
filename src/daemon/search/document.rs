//! What one node holds of a query, and in which of its fields.

use std::path::Path;

use super::question::Question;
use super::words::{Term, each_word};
use crate::wire::protocol::Node;

/// What a query that is the very name of a node or a definition is worth.
const EXACT: f64 = 2.0;

/// Where a word can stand: what it is worth there, and how much a long text of it makes a word worth less.
pub struct Field {
    pub weight: f64,
    pub length: f64,
}

pub const FIELDS: [Field; 5] = [
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
pub const NAME: usize = 0;
pub const DEFINITIONS: usize = 1;
pub const SUMMARY: usize = 2;
pub const FOLDERS: usize = 3;
pub const DOCUMENTATION: usize = 4;

/// What one node holds of the query.
pub struct Document {
    /// Which of the candidates it is.
    pub number: usize,
    /// For each term, how often it stands in each field.
    pub counts: Box<[[f64; FIELDS.len()]]>,
    /// For each field, its words.
    pub lengths: [f64; FIELDS.len()],
    pub exactness: f64,
}

impl Document {
    pub fn new(question: &Question, number: usize, root: &Path, node: &Node) -> Self {
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

/// The folders of a path, and the name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether the path ends with these whole names.
fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
