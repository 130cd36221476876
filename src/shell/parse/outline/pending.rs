//! Comments and decorators in front of the definition that they belong to.

use std::ops::Range;

use crate::shell::parse::source::Source;

/// What precedes a definition that has not been read yet.
#[derive(Default)]
pub(super) struct Pending {
    docs: Vec<String>,
    /// The documentation belongs only to what follows on the next line.
    above: bool,
    /// It is the first thing in the file.
    first: bool,
    decorators: Vec<String>,
    /// Where it ends.
    end: usize,
    /// From the file's beginning to here it holds only comments.
    comments_end: usize,
    /// Comments that begin the file and belong to no definition: they document the file.
    pub about_file: Vec<Vec<String>>,
    /// A definition took the comment that begins the file.
    pub first_is_taken: bool,
}

impl Pending {
    /// Marks everything before that byte as read.
    pub fn skip_to(&mut self, end: usize) {
        self.end = end;
    }

    /// Whether that byte was read.
    pub fn is_past(&self, at: usize) -> bool {
        at < self.end
    }

    /// Adds a comment that documents nothing.
    pub fn comment(&mut self, source: &Source<'_>, node: Range<usize>) {
        self.advance(source, node);
    }

    /// Adds a decorator.
    pub fn decorator(&mut self, source: &Source<'_>, node: Range<usize>, text: String) {
        self.advance(source, node);
        self.decorators.push(text);
    }

    /// Adds a documentation comment. `alone`: those before it belong to something else.
    pub fn doc(&mut self, source: &Source<'_>, node: Range<usize>, alone: bool) {
        let first = self.advance(source, node.clone());
        if self.above || alone {
            self.drop_docs();
        }
        self.first = first && (self.docs.is_empty() || self.first);
        self.above = false;
        self.docs.push(source.text(node));
    }

    /// Adds a comment that documents what follows on the next line, unless there is documentation already.
    pub fn doc_above(&mut self, source: &Source<'_>, node: Range<usize>) {
        let first = self.advance(source, node.clone());
        if source.begins_line(node.start) && (self.above || self.docs.is_empty()) {
            self.first = first && (self.docs.is_empty() || self.first);
            self.above = true;
            self.docs.push(source.text(node));
        }
    }

    /// Takes the documentation and decorators of the definition that begins at that byte.
    pub fn take_at(&mut self, source: &Source<'_>, start: usize) -> (Vec<String>, Vec<String>) {
        let gap = self.end.min(start)..start;
        let decorators = std::mem::take(&mut self.decorators);
        if !source.is_blank(gap.clone()) {
            self.drop_docs();
            return (Vec::new(), Vec::new());
        }
        if self.above && source.line_ends(gap) > 1 {
            self.drop_docs();
        }
        self.first_is_taken |= self.first && !self.docs.is_empty();
        (std::mem::take(&mut self.docs), decorators)
    }

    /// The end of the file: nothing follows.
    pub fn finish(&mut self) {
        self.drop_docs();
    }

    /// Moves on to the next node. What is pending is dropped if more than white space lies between. Returns whether
    /// only comments precede the node.
    fn advance(&mut self, source: &Source<'_>, node: Range<usize>) -> bool {
        let gap = self.end.min(node.start)..node.start;
        if !source.is_blank(gap.clone()) {
            self.drop_docs();
            self.decorators.clear();
        } else if self.above && source.line_ends(gap) > 1 {
            self.drop_docs();
        }
        let before = self.comments_end.min(node.start)..node.start;
        let first = source.is_blank(before);
        if first {
            self.comments_end = node.end;
        }
        self.end = node.end;
        first
    }

    fn drop_docs(&mut self) {
        let docs = std::mem::take(&mut self.docs);
        if self.first && !docs.is_empty() {
            self.about_file.push(docs);
        }
    }
}
