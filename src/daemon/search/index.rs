//! The inverted index of one repository, kept in memory.
//!
//! It knows in which state it has indexed each node. What differs from the tree now is indexed again; nothing else is.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::document::{Document, PerField};
use super::segment::Segment;
use crate::model::path::RelPath;
use crate::wire::search::NodeKind;

/// Documents of an open segment before it is frozen. Smaller segments take less memory while they are built, larger
/// ones are faster to search.
pub const SEGMENT_DOCUMENTS: usize = 8_192;

/// In which state a node was indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// A hash of all that the document was made of.
    pub hash: u64,
    /// Whether the node was settled: then an equal hash means that nothing below it differs either.
    pub is_settled: bool,
}

/// The state of a node that is indexed without its text.
const NAMED: State = State {
    hash: 0,
    is_settled: false,
};

struct Known {
    segment: u32,
    number: u32,
    state: State,
}

/// What the documents of one kind have in common.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// How many there are.
    pub documents: u64,
    /// The terms in each field.
    pub lengths: PerField<u64>,
}

/// A change of the index.
pub enum Change {
    /// A node is new, or differs from what was indexed.
    Set(State, Box<Document>),
    /// A node that is not indexed yet, without its text: it stays different from every node in the tree.
    Named(Box<Document>),
    /// A node is gone, with all below it.
    Removed(RelPath),
}

/// See the top of the file.
#[derive(Default)]
pub struct Index {
    known: BTreeMap<RelPath, Known>,
    segments: Vec<Segment>,
    files: Totals,
    directories: Totals,
}

impl Index {
    /// The segments; documents are known by the segment's place and their number in it.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The totals of one kind.
    pub fn totals(&self, kind: NodeKind) -> &Totals {
        match kind {
            NodeKind::File => &self.files,
            NodeKind::Directory => &self.directories,
        }
    }

    /// The state in which a node was indexed.
    pub fn state(&self, path: &RelPath) -> Option<State> {
        self.known.get(path).map(|known| known.state)
    }

    /// How many files are indexed with their texts.
    pub fn whole_files(&self) -> u64 {
        let named = self.known.values().filter(|known| known.state == NAMED);
        let is_file = |known: &&Known| {
            let segment = &self.segments[known.segment as usize];
            segment.entries[known.number as usize].kind == NodeKind::File
        };
        self.files.documents - named.filter(is_file).count() as u64
    }

    /// The indexed nodes in a directory.
    pub fn children(&self, directory: &RelPath) -> Vec<RelPath> {
        let mut children = Vec::new();
        let (mut from, end) = subtree(directory);
        while let Some((path, _)) = self.known.range((from, end.clone())).next() {
            let mut names = path.names().skip(directory.depth());
            let child = directory.join(names.next().unwrap_or_default());
            // The node comes first, then siblings such as `child-2`, then what is below the node.
            from = match child == *path {
                true => {
                    children.push(child.clone());
                    Bound::Excluded(child)
                }
                false => Bound::Included(after_subtree(&child)),
            };
        }
        children
    }

    /// Applies changes.
    pub fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Set(state, document) => self.set(state, *document),
                // The whole node may have come first.
                Change::Named(document) if self.known.contains_key(&document.path) => {}
                Change::Named(document) => self.set(NAMED, *document),
                Change::Removed(path) => self.remove_subtree(&path),
            }
        }
        self.compact();
    }

    /// Records that all below these directories is indexed as it was when they were.
    pub fn settle(&mut self, directories: &[RelPath]) {
        for directory in directories {
            if let Some(known) = self.known.get_mut(directory) {
                known.state.is_settled = true;
            }
        }
    }

    fn set(&mut self, state: State, document: Document) {
        self.remove(&document.path);
        let totals = match document.kind {
            NodeKind::File => &mut self.files,
            NodeKind::Directory => &mut self.directories,
        };
        totals.documents += 1;
        let sums = totals.lengths.iter_mut().zip(&document.lengths);
        sums.for_each(|(sum, length)| *sum += u64::from(*length));
        let path = document.path.clone();
        let is_full = |last: &Segment| last.entries.len() >= SEGMENT_DOCUMENTS;
        if self.segments.last().is_none_or(is_full) {
            if let Some(last) = self.segments.last_mut() {
                last.freeze();
            }
            self.segments.push(Segment::default());
        }
        let segment = self.segments.len() - 1;
        let number = self.segments[segment].add(document);
        let segment = segment as u32;
        self.known.insert(
            path,
            Known {
                segment,
                number,
                state,
            },
        );
    }

    fn remove(&mut self, path: &RelPath) {
        let Some(known) = self.known.remove(path) else {
            return;
        };
        let segment = &mut self.segments[known.segment as usize];
        let entry = &segment.entries[known.number as usize];
        let totals = match entry.kind {
            NodeKind::File => &mut self.files,
            NodeKind::Directory => &mut self.directories,
        };
        totals.documents -= 1;
        let sums = totals.lengths.iter_mut().zip(&entry.lengths);
        sums.for_each(|(sum, length)| *sum -= u64::from(*length));
        segment.remove(known.number);
    }

    fn remove_subtree(&mut self, path: &RelPath) {
        let below = self.known.range(subtree(path));
        let mut gone: Vec<RelPath> = below.map(|(known, _)| known.clone()).collect();
        gone.push(path.clone());
        gone.iter().for_each(|path| self.remove(path));
    }

    /// Freezes a large open segment, and makes segments that mostly hold removed documents anew.
    fn compact(&mut self) {
        let last = self.segments.len().saturating_sub(1);
        for at in 0..self.segments.len() {
            let segment = &self.segments[at];
            if segment.removed * 2 > segment.entries.len() {
                let (mut kept, numbers) = segment.compacted();
                if at != last {
                    kept.freeze();
                }
                self.segments[at] = kept;
                for known in self.known.values_mut() {
                    if known.segment as usize == at
                        && let Some(number) = numbers[known.number as usize]
                    {
                        known.number = number;
                    }
                }
            }
        }
        if let Some(last) = self.segments.last_mut()
            && last.entries.len() >= FREEZE_AT
        {
            last.freeze();
            self.segments.push(Segment::default());
        }
    }
}

/// Documents of the open segment that are frozen after a batch of changes: what stays open takes more memory.
const FREEZE_AT: usize = 512;

/// The bounds of what is below a directory.
fn subtree(directory: &RelPath) -> (Bound<RelPath>, Bound<RelPath>) {
    match directory.is_root() {
        true => (Bound::Excluded(directory.clone()), Bound::Unbounded),
        false => (
            Bound::Included(directory.join(b"")),
            Bound::Excluded(after_subtree(directory)),
        ),
    }
}

/// A path that comes after all below this one: `/` is followed by `0`.
fn after_subtree(path: &RelPath) -> RelPath {
    let mut bytes = path.as_bytes().to_vec();
    bytes.push(b'0');
    RelPath::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::search::role::Role;

    const STATE: State = State {
        hash: 1,
        is_settled: true,
    };

    fn set(path: &str) -> Change {
        let document = Document {
            path: RelPath::new(path),
            kind: NodeKind::File,
            role: Role::Source,
            language: None,
            terms: std::iter::once(("term".into(), [1; 6])).collect(),
            lengths: [1; 6],
            names: Vec::new(),
        };
        Change::Set(STATE, Box::new(document))
    }

    fn children(index: &Index, directory: &str) -> Vec<String> {
        let children = index.children(&RelPath::new(directory));
        children.iter().map(RelPath::to_text).collect()
    }

    fn hits(index: &Index) -> usize {
        let mut hits = 0;
        for segment in index.segments() {
            segment.each_posting("term", |_, _| hits += 1);
        }
        hits
    }

    #[test]
    fn children_and_subtrees_follow_the_names_of_paths() {
        let mut index = Index::default();
        let paths = [
            "", "a", "a-b", "a-b/c", "a.txt", "a/b", "a/b/c", "a/b-c", "a0", "b",
        ];
        index.apply(paths.map(set).into());
        assert_eq!(children(&index, ""), ["a", "a-b", "a.txt", "a0", "b"]);
        assert_eq!(children(&index, "a"), ["a/b", "a/b-c"]);
        assert_eq!(children(&index, "a/b/c"), [""; 0]);
        index.apply(vec![Change::Removed(RelPath::new("a"))]);
        assert_eq!(children(&index, ""), ["a-b", "a.txt", "a0", "b"]);
        assert_eq!(
            (index.totals(NodeKind::File).documents, hits(&index)),
            (6, 6)
        );
    }

    #[test]
    fn a_name_never_replaces_a_whole_document() {
        let mut index = Index::default();
        let named = |path: &str| match set(path) {
            Change::Set(_, document) => Change::Named(document),
            other => other,
        };
        index.apply(vec![set("whole"), named("whole"), named("other")]);
        assert_eq!((index.files.documents, index.whole_files()), (2, 1));
        assert_eq!(index.state(&RelPath::new("other")), Some(NAMED));
        index.apply(vec![set("other")]);
        assert_eq!((hits(&index), index.whole_files()), (2, 2));
    }

    #[test]
    fn many_changes_leave_one_document_for_each_node() {
        let mut index = Index::default();
        for round in 0..2_000 {
            index.apply(vec![set("same"), set(&format!("other{}", round % 7))]);
        }
        let many: Vec<Change> = (0..3_000)
            .map(|number| set(&format!("f/{number}")))
            .collect();
        index.apply(many);
        assert_eq!(index.totals(NodeKind::File).documents, 3_008);
        assert_eq!(hits(&index), 3_008);
        assert_eq!(children(&index, "f").len(), 3_000);
        index.apply(vec![Change::Removed(RelPath::new("f"))]);
        assert_eq!(hits(&index), 8);
        assert_eq!(index.state(&RelPath::new("same")), Some(STATE));
        assert_eq!(index.state(&RelPath::new("f/1")), None);
    }
}
