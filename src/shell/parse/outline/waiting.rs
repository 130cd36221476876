//! Comments and decorators that wait for the definition that they belong to.

use std::ops::Range;

use crate::shell::parse::source::Source;

/// What stands before a definition that has not come yet.
#[derive(Default)]
pub(super) struct Waiting {
    docs: Vec<String>,
    /// The documentation belongs only to what stands right below it.
    above: bool,
    /// It is the first thing in the file.
    first: bool,
    decorators: Vec<String>,
    /// Where it ends.
    end: usize,
    /// From the file's beginning to here there are comments only.
    comments_end: usize,
    /// What began the file and belonged to no definition: it is about the file.
    pub about_file: Vec<Vec<String>>,
    /// A definition took the comment that begins the file.
    pub first_is_taken: bool,
}

impl Waiting {
    /// Everything before that byte is read.
    pub fn skip_to(&mut self, end: usize) {
        self.end = end;
    }

    /// Whether that byte is part of what was read.
    pub fn is_past(&self, at: usize) -> bool {
        at < self.end
    }

    /// Takes a comment that documents nothing.
    pub fn comment(&mut self, source: &Source<'_>, node: Range<usize>) {
        self.go_on(source, node);
    }

    /// Takes a decorator.
    pub fn decorator(&mut self, source: &Source<'_>, node: Range<usize>, text: String) {
        self.go_on(source, node);
        self.decorators.push(text);
    }

    /// Takes a documentation comment; `alone`: those before it belong to something else.
    pub fn doc(&mut self, source: &Source<'_>, node: Range<usize>, alone: bool) {
        let first = self.go_on(source, node.clone());
        if self.above || alone {
            self.let_docs_go();
        }
        self.first = first && (self.docs.is_empty() || self.first);
        self.above = false;
        self.docs.push(source.text(node));
    }

    /// Takes a comment that documents what stands right below it, unless there is documentation already.
    pub fn doc_above(&mut self, source: &Source<'_>, node: Range<usize>) {
        let first = self.go_on(source, node.clone());
        if source.begins_line(node.start) && (self.above || self.docs.is_empty()) {
            self.first = first && (self.docs.is_empty() || self.first);
            self.above = true;
            self.docs.push(source.text(node));
        }
    }

    /// What belongs to the definition that begins at that byte: documentation and decorators.
    pub fn taken_at(&mut self, source: &Source<'_>, start: usize) -> (Vec<String>, Vec<String>) {
        let gap = self.end.min(start)..start;
        let decorators = std::mem::take(&mut self.decorators);
        if !source.is_blank(gap.clone()) {
            self.let_docs_go();
            return (Vec::new(), Vec::new());
        }
        if self.above && source.line_ends(gap) > 1 {
            self.let_docs_go();
        }
        self.first_is_taken |= self.first && !self.docs.is_empty();
        (std::mem::take(&mut self.docs), decorators)
    }

    /// The end of the file: nothing follows.
    pub fn finish(&mut self) {
        self.let_docs_go();
    }

    /// If more than white space lies between what waits and the next node, it belongs to something that is no
    /// element. Tells whether that node begins the file.
    fn go_on(&mut self, source: &Source<'_>, node: Range<usize>) -> bool {
        let gap = self.end.min(node.start)..node.start;
        if !source.is_blank(gap.clone()) {
            self.let_docs_go();
            self.decorators.clear();
        } else if self.above && source.line_ends(gap) > 1 {
            self.let_docs_go();
        }
        let before = self.comments_end.min(node.start)..node.start;
        let first = source.is_blank(before);
        if first {
            self.comments_end = node.end;
        }
        self.end = node.end;
        first
    }

    fn let_docs_go(&mut self) {
        let docs = std::mem::take(&mut self.docs);
        if self.first && !docs.is_empty() {
            self.about_file.push(docs);
        }
    }
}
