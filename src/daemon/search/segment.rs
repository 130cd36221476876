//! A part of the inverted index: documents, and for each term where it stands.
//!
//! A segment is open while documents are added, and then frozen into two compact arrays. Removed documents stay in it,
//! marked, until it is compacted.

use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::document::{Document, FIELDS, PerField, first_of_name, is_same_case, is_same_name};
use super::role::Role;
use crate::model::path::RelPath;
use crate::wire::search::NodeKind;

/// What is known of one document besides its terms.
#[derive(Clone, Debug)]
pub struct Entry {
    pub path: RelPath,
    pub kind: NodeKind,
    pub role: Role,
    pub language: Option<Box<str>>,
    pub lengths: PerField<u32>,
    pub is_live: bool,
}

/// Where one term stands, encoded; see [`encode`].
#[derive(Clone, Debug, Default)]
struct Postings {
    bytes: Vec<u8>,
    next: u32,
}

/// The terms of a segment.
enum Terms {
    Open(HashMap<Box<str>, Postings, Xxh3DefaultBuilder>),
    /// Terms in order, one after the other; where each begins, and where its postings begin.
    Frozen {
        names: Box<str>,
        places: Box<[(u32, u32)]>,
        bytes: Box<[u8]>,
    },
}

/// See the top of the file.
pub struct Segment {
    pub entries: Vec<Entry>,
    terms: Terms,
    /// Hashes of definitions' names with the documents that have them; in order once it is frozen.
    names: Vec<(u32, u32)>,
    pub removed: usize,
}

impl Default for Segment {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            terms: Terms::Open(HashMap::default()),
            names: Vec::new(),
            removed: 0,
        }
    }
}

impl Segment {
    /// Adds a document and returns its number. Only an open segment takes documents.
    pub fn add(&mut self, document: Document) -> u32 {
        let number = self.entries.len() as u32;
        if let Terms::Open(terms) = &mut self.terms {
            for (term, counts) in document.terms {
                encode(terms.entry(term).or_default(), number, &counts);
            }
        }
        let names = document.names.into_iter().map(|hash| (hash, number));
        self.names.extend(names);
        self.entries.push(Entry {
            path: document.path,
            kind: document.kind,
            role: document.role,
            language: document.language,
            lengths: document.lengths,
            is_live: true,
        });
        number
    }

    /// Marks a document as removed.
    pub fn remove(&mut self, number: u32) {
        if let Some(entry) = self.entries.get_mut(number as usize)
            && entry.is_live
        {
            entry.is_live = false;
            self.removed += 1;
        }
    }

    /// Calls `take` for each live document with the term.
    pub fn each_posting(&self, term: &str, mut take: impl FnMut(u32, PerField<u8>)) {
        let Some(bytes) = self.postings(term) else {
            return;
        };
        decode(bytes, |number, counts| {
            if self.entries[number as usize].is_live {
                take(number, counts);
            }
        });
    }

    /// Calls `take` with each term that begins so.
    pub fn each_term_with_prefix(&self, prefix: &str, mut take: impl FnMut(&str)) {
        match &self.terms {
            Terms::Open(terms) => {
                let begins = terms.keys().filter(|term| term.starts_with(prefix));
                begins.for_each(|term| take(term));
            }
            Terms::Frozen { places, .. } => {
                let first = places.partition_point(|at| self.term_at(at.0) < prefix);
                for index in first..places.len() {
                    match self.nth_term(index) {
                        Some(term) if term.starts_with(prefix) => take(term),
                        _ => break,
                    }
                }
            }
        }
    }

    /// The live documents with a definition of that name, and whether its case is the same too.
    pub fn documents_with_name(&self, hash: u32) -> HashMap<u32, bool> {
        let first = match &self.terms {
            Terms::Open(_) => 0,
            Terms::Frozen { .. } => {
                let first = first_of_name(hash);
                self.names.partition_point(|(known, _)| *known < first)
            }
        };
        let is_sorted = matches!(self.terms, Terms::Frozen { .. });
        let candidates = self.names[first..]
            .iter()
            .take_while(|(known, _)| !is_sorted || is_same_name(*known, hash));
        let mut found = HashMap::new();
        for (known, number) in candidates {
            if is_same_name(*known, hash) && self.entries[*number as usize].is_live {
                *found.entry(*number).or_default() |= is_same_case(*known, hash);
            }
        }
        found
    }

    fn postings(&self, term: &str) -> Option<&[u8]> {
        match &self.terms {
            Terms::Open(terms) => terms.get(term).map(|postings| &postings.bytes[..]),
            Terms::Frozen { places, bytes, .. } => {
                let index = places.partition_point(|at| self.term_at(at.0) < term);
                (self.nth_term(index)? == term).then_some(())?;
                let end = places
                    .get(index + 1)
                    .map_or(bytes.len(), |at| at.1 as usize);
                bytes.get(places[index].1 as usize..end)
            }
        }
    }

    /// The term that begins at this byte of a frozen segment. Terms are separated by a line feed, which no term has.
    fn term_at(&self, start: u32) -> &str {
        let Terms::Frozen { names, .. } = &self.terms else {
            return "";
        };
        let rest = &names[start as usize..];
        rest.split('\n').next().unwrap_or("")
    }

    fn nth_term(&self, index: usize) -> Option<&str> {
        let Terms::Frozen { places, .. } = &self.terms else {
            return None;
        };
        Some(self.term_at(places.get(index)?.0))
    }

    /// Turns an open segment into its compact form.
    pub fn freeze(&mut self) {
        let Terms::Open(open) = &mut self.terms else {
            return;
        };
        let mut sorted: Vec<_> = std::mem::take(open).into_iter().collect();
        sorted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut names = String::with_capacity(sorted.iter().map(|(name, _)| name.len() + 1).sum());
        let mut bytes = Vec::with_capacity(sorted.iter().map(|(_, at)| at.bytes.len()).sum());
        let mut places = Vec::with_capacity(sorted.len());
        for (name, postings) in sorted {
            places.push((names.len() as u32, bytes.len() as u32));
            names.push_str(&name);
            names.push('\n');
            bytes.extend_from_slice(&postings.bytes);
        }
        self.terms = Terms::Frozen {
            names: names.into(),
            places: places.into(),
            bytes: bytes.into(),
        };
        self.names.sort_unstable();
        self.names.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    /// A new open segment without the removed documents, and for each old number the new one.
    pub fn compacted(&self) -> (Self, Vec<Option<u32>>) {
        let mut kept = Self::default();
        let numbers: Vec<Option<u32>> = self
            .entries
            .iter()
            .map(|entry| {
                entry.is_live.then(|| {
                    kept.entries.push(entry.clone());
                    kept.entries.len() as u32 - 1
                })
            })
            .collect();
        let mut terms: HashMap<Box<str>, Postings, Xxh3DefaultBuilder> = HashMap::default();
        self.each_term_with_prefix("", |term| {
            let mut postings = Postings::default();
            self.each_posting(term, |number, counts| {
                if let Some(number) = numbers[number as usize] {
                    encode(&mut postings, number, &counts);
                }
            });
            if !postings.bytes.is_empty() {
                terms.insert(term.into(), postings);
            }
        });
        kept.terms = Terms::Open(terms);
        let names = self.names.iter();
        kept.names = names
            .filter_map(|(hash, number)| Some((*hash, numbers[*number as usize]?)))
            .collect();
        (kept, numbers)
    }
}

/// Where the count in the body is kept in a posting's first byte: 1 to 2 there, 3 for a byte of its own.
const BODY_SHIFT: u32 = 6;

/// Appends one posting: the distance from the number before as a variable-length integer; a byte with a bit for each
/// field that has the term; a byte for each count. A count of 1 or 2 in the body, the usual case, is part of the first.
fn encode(postings: &mut Postings, number: u32, counts: &PerField<u8>) {
    let mut distance = number - postings.next;
    postings.next = number;
    while distance >= 0x80 {
        postings.bytes.push(distance as u8 | 0x80);
        distance >>= 7;
    }
    postings.bytes.push(distance as u8);
    let body = FIELDS.len() - 1;
    let mut mask = counts[body].min(3) << BODY_SHIFT;
    for (field, count) in counts.iter().enumerate().take(body) {
        mask |= u8::from(*count > 0) << field;
    }
    postings.bytes.push(mask);
    let fields = counts.iter().take(body).filter(|count| **count > 0);
    postings.bytes.extend(fields);
    if counts[body] >= 3 {
        postings.bytes.push(counts[body]);
    }
}

/// Reverses [`encode`] for all postings of a term.
fn decode(bytes: &[u8], mut take: impl FnMut(u32, PerField<u8>)) {
    let mut bytes = bytes.iter().copied();
    let mut number = 0;
    let body = FIELDS.len() - 1;
    while let Some(first) = bytes.next() {
        let mut distance = u32::from(first & 0x7f);
        let mut shift = 7;
        let mut more = first & 0x80 != 0;
        while more {
            let Some(byte) = bytes.next() else { return };
            distance |= u32::from(byte & 0x7f) << shift;
            more = byte & 0x80 != 0;
            shift += 7;
        }
        number += distance;
        let mask = bytes.next().unwrap_or(0);
        let mut counts = PerField::default();
        for (field, count) in counts.iter_mut().enumerate().take(body) {
            if mask & 1 << field != 0 {
                *count = bytes.next().unwrap_or(0);
            }
        }
        counts[body] = match mask >> BODY_SHIFT {
            3 => bytes.next().unwrap_or(0),
            few => few,
        };
        take(number, counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(path: &str, terms: &[(&str, PerField<u8>)]) -> Document {
        Document {
            path: RelPath::new(path),
            kind: NodeKind::File,
            role: Role::Source,
            language: None,
            terms: terms
                .iter()
                .map(|(term, counts)| ((*term).into(), *counts))
                .collect(),
            lengths: PerField::default(),
            names: vec![7],
        }
    }

    fn postings(segment: &Segment, term: &str) -> Vec<(u32, PerField<u8>)> {
        let mut found = Vec::new();
        segment.each_posting(term, |number, counts| found.push((number, counts)));
        found
    }

    #[test]
    fn postings_survive_freezing_and_compaction() {
        let mut segment = Segment::default();
        let counts = [
            [0, 0, 0, 0, 0, 1],
            [1, 0, 255, 0, 3, 2],
            [0, 2, 0, 0, 0, 0],
            [9, 9, 9, 9, 9, 255],
        ];
        for number in 0..400 {
            let terms = [("all", counts[number % 4]), ("some", counts[number % 4])];
            let few = usize::from(number % 300 == 0) + 1;
            segment.add(document(&format!("f{number}"), &terms[..few]));
        }
        let all: Vec<_> = (0..400)
            .map(|number| (number, counts[number as usize % 4]))
            .collect();
        for freeze in [false, true] {
            if freeze {
                segment.freeze();
            }
            assert_eq!(postings(&segment, "all"), all);
            assert_eq!(postings(&segment, "some"), [all[0], all[300]]);
            assert_eq!(postings(&segment, "none"), []);
            assert_eq!(segment.documents_with_name(7).len(), 400);
            assert_eq!(segment.documents_with_name(7 + 64).len(), 0);
            let mut terms = Vec::new();
            segment.each_term_with_prefix("so", |term| terms.push(term.to_owned()));
            assert_eq!(terms, ["some"]);
        }
        (0..300).for_each(|number| segment.remove(number));
        let (compacted, numbers) = segment.compacted();
        assert_eq!(numbers[300], Some(0));
        assert_eq!(compacted.entries.len(), 100);
        assert_eq!(postings(&compacted, "some"), [(0, counts[0])]);
        assert_eq!(postings(&compacted, "all").len(), 100);
        assert_eq!(compacted.documents_with_name(7).len(), 100);
    }
}
