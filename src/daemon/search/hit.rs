//! Makes hits of ranked documents: which definitions match, in which line, and why.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::Path;

use super::document::{Field, is_same_name, last_two, name_hash};
use super::question::Question;
use super::rank::{Exactness, Ranked, is_qualified, of_path};
use super::words::{Form, Splitter, runs};
use crate::model::outline::Element;
use crate::model::path::RelPath;
use crate::model::summary::first_sentence;
use crate::wire::protocol::Node;
use crate::wire::search::{Hit, HitKind, MatchedElement};

/// Definitions named in a hit.
const MAX_ELEMENTS: usize = 5;
/// What a word in a docstring counts, where one in the name counts 1.
const DOCSTRING_WEIGHT: f64 = 0.3;
/// The same for a word in the text around a line.
const LINE_WEIGHT: f64 = 0.8;
/// How much each further part of a name takes from a match in it.
const LONG_NAME: f64 = 0.05;

/// Bound of the memory of words that were compared with the query.
const MAX_KNOWN: usize = 20_000;

/// How exactly the query names this node or one of its definitions.
pub fn exactness(question: &Question, path: &RelPath, node: &Node) -> Exactness {
    let Some(name) = question.name() else {
        return Exactness::Words;
    };
    let by_path = of_path(path, name);
    let Node::File(file) = node else {
        return by_path;
    };
    let of_elements = file
        .elements
        .iter()
        .map(|element| of_element(name, element));
    of_elements.max().unwrap_or(Exactness::Words).max(by_path)
}

fn of_element(name: &str, element: &Element) -> Exactness {
    if is_qualified(name) {
        let hash = |name: &str| name_hash(last_two(name));
        return match is_same_name(hash(name), hash(&element.qualified_name)) {
            true => Exactness::Qualified,
            false => Exactness::Words,
        };
    }
    match (
        element.name == name,
        element.name.eq_ignore_ascii_case(name),
    ) {
        (true, _) => Exactness::ExactName,
        (_, true) => Exactness::Name,
        _ => Exactness::Words,
    }
}

/// Terms of a query, a bit for each.
type Terms = u32;

/// Compares texts with the terms of a query.
pub struct Matcher<'q> {
    question: &'q Question,
    /// What each term counts.
    weights: Vec<f64>,
    splitter: Splitter,
    /// For words that were compared before: the terms in them, and how many parts they have.
    known: HashMap<Box<str>, (Terms, usize)>,
}

impl<'q> Matcher<'q> {
    /// `rarity` is that of each term.
    pub fn new(question: &'q Question, rarity: &[f64]) -> Self {
        let weights = question.terms.iter().zip(rarity);
        Self {
            question,
            weights: weights.map(|(term, rarity)| term.weight * rarity).collect(),
            splitter: Splitter::default(),
            known: HashMap::new(),
        }
    }

    /// The terms in a text, and how many words the text has.
    fn terms(&mut self, text: &str) -> (Terms, usize) {
        let mut all = (0, 0);
        for run in runs(text) {
            let (terms, parts) = match self.known.get(run) {
                Some(known) => *known,
                None => self.compare(run),
            };
            all = (all.0 | terms, all.1 + parts);
        }
        all
    }

    fn compare(&mut self, run: &str) -> (Terms, usize) {
        let (mut found, mut parts) = (0, 0);
        let terms = &self.question.terms;
        self.splitter.each(run, |token| {
            parts += usize::from(token.form == Form::Part);
            for (at, term) in terms.iter().enumerate() {
                let begins =
                    || term.is_word && term.text.len() >= 3 && token.term.starts_with(&term.text);
                if token.term == term.text || begins() {
                    found |= 1 << at;
                }
            }
        });
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(run.into(), (found, parts));
        (found, parts)
    }

    fn sum(&self, found: Terms) -> f64 {
        let counted = self.weights.iter().enumerate();
        let counted = counted.filter(|(at, _)| found & 1 << at != 0);
        counted.map(|(_, weight)| weight).sum()
    }

    /// How well a definition matches by its name and docstring; 0 where its name has none of the words.
    pub fn element(&mut self, element: &Element) -> f64 {
        let (in_name, parts) = self.terms(&element.name);
        let by_name = self.sum(in_name);
        let exact = match self.question.name() {
            Some(name) => of_element(name, element),
            None => Exactness::Words,
        };
        if by_name == 0.0 && exact == Exactness::Words {
            return 0.0;
        }
        let (in_text, _) = self.terms(element.docstring.as_deref().unwrap_or_default());
        let by_text = self.sum(in_text & !in_name);
        let length = 1.0 + LONG_NAME * parts.saturating_sub(1) as f64;
        (by_name + DOCSTRING_WEIGHT * by_text) / length + 100.0 * f64::from(exact as u8)
    }

    /// The line, 1-based, around which most of the words stand, and how well it matches.
    fn line(&mut self, text: &str) -> Option<(u32, f64)> {
        let mut before = 0;
        let mut best: Option<(u32, f64)> = None;
        for (index, line) in text.lines().enumerate() {
            let (here, _) = self.terms(line);
            if here != 0 {
                let own = self.sum(here);
                let score = own + 0.5 * (self.sum(here | before) - own);
                if best.is_none_or(|(_, most)| score > most) {
                    best = Some((index as u32 + 1, score));
                }
            }
            before = here;
        }
        best.map(|(line, score)| (line, score * LINE_WEIGHT))
    }

    /// The best score that a line of a document can have.
    fn best_line(&self, ranked: &Ranked) -> f64 {
        let in_body = ranked.fields.iter().enumerate();
        let in_body = in_body.filter(|(_, fields)| **fields & 1 << Field::Body as u8 != 0);
        self.sum(in_body.fold(0, |terms, (at, _)| terms | 1 << at)) * LINE_WEIGHT
    }

    /// A hit for a file or directory. `body` reads the text of the file.
    pub fn hit(
        &mut self,
        ranked: &Ranked,
        root: &Path,
        node: &Node,
        body: impl FnOnce() -> Option<String>,
    ) -> Hit {
        let mut hit = blank(ranked, root, node);
        hit.reason = self.reason(ranked);
        let Node::File(file) = node else {
            return hit;
        };
        let mut scored: Vec<(f64, &Element)> = file
            .elements
            .iter()
            .map(|element| (self.element(element), element))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        scored.sort_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
        let best_name = scored.first().map_or(0.0, |(score, _)| *score);
        let mut elements: Vec<&Element> = scored.iter().map(|(_, element)| *element).collect();
        hit.line_number = elements.first().map(|element| element.line_start);
        let may_be_better = self.best_line(ranked) > best_name;
        if let Some(body) = may_be_better.then(body).flatten()
            && let Some((line, score)) = self.line(&body)
            && score > best_name
        {
            hit.line_number = Some(line);
            let around = file
                .elements
                .iter()
                .filter(|element| (element.line_start..=element.line_end).contains(&line));
            if let Some(innermost) =
                around.min_by_key(|element| element.line_end - element.line_start)
            {
                elements.retain(|element| element.qualified_name != innermost.qualified_name);
                elements.insert(0, innermost);
            } else {
                // The line stands in no definition: none may speak for it.
                elements.clear();
            }
        }
        elements.truncate(MAX_ELEMENTS);
        hit.elements = elements.into_iter().map(matched).collect();
        hit
    }

    /// A hit for one definition of a file.
    pub fn symbol(
        &self,
        ranked: &Ranked,
        root: &Path,
        node: &Node,
        element: &Element,
        score: f64,
    ) -> Hit {
        let docstring = element.docstring.as_deref().map(first_sentence);
        let line = docstring
            .filter(|line| !line.is_empty())
            .unwrap_or(&element.signature);
        Hit {
            kind: HitKind::Symbol,
            line: Some(line.to_owned()),
            score: rounded(score),
            line_number: Some(element.line_start),
            elements: vec![matched(element)],
            reason: self.reason(ranked),
            ..blank(ranked, root, node)
        }
    }

    /// Which words match where, most telling field first.
    fn reason(&self, ranked: &Ranked) -> String {
        let mut reasons = Vec::new();
        for (field, name) in [
            (Field::Name, "name"),
            (Field::Symbols, "defines"),
            (Field::Summary, "summary"),
            (Field::Folders, "path"),
            (Field::Documentation, "documentation"),
            (Field::Body, "text"),
        ] {
            let terms = self.question.terms.iter().zip(&ranked.fields);
            let found = terms.filter(|(_, fields)| *fields & 1 << field as u8 != 0);
            let words: Vec<&str> = found.map(|(term, _)| term.word.as_str()).collect();
            if !words.is_empty() {
                reasons.push(format!("{name}: {}", words.join(", ")));
            }
        }
        reasons.join("; ")
    }
}

fn blank(ranked: &Ranked, root: &Path, node: &Node) -> Hit {
    let common = node.common();
    Hit {
        repository: root.to_string_lossy().into_owned(),
        path: common.path.clone(),
        path_base64: common.path_base64.clone(),
        kind: match node {
            Node::File(_) => HitKind::File,
            Node::Directory(_) => HitKind::Directory,
        },
        language: match node {
            Node::File(file) => file.language.clone(),
            Node::Directory(_) => None,
        },
        line: common.line.clone(),
        summary: common.summary.clone(),
        freshness: common.freshness,
        score: rounded(ranked.score),
        reason: String::new(),
        line_number: None,
        elements: Vec::new(),
    }
}

fn rounded(score: f64) -> f64 {
    (score * 1e3).round() / 1e3
}

fn matched(element: &Element) -> MatchedElement {
    MatchedElement {
        kind: element.kind.clone(),
        qualified_name: element.qualified_name.clone(),
        line_start: element.line_start,
        line_end: element.line_end,
    }
}
