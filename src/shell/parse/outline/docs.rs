//! What documents a definition or its file: the string that begins a body, or the comments before it.

use tree_sitter::Node;

use super::Reader;
use crate::shell::parse::literal;
use crate::shell::parse::scan::comment;
use crate::shell::parse::table::Docs;

impl Reader<'_, '_> {
    /// Whether a documentation comment has nothing to do with those before it.
    pub fn stands_alone(&self, node: &Node<'_>) -> bool {
        match self.grammar.docs {
            Docs::Comments {
                blocks,
                blocks_join: false,
                ..
            } => {
                let text = self.source.text(node.byte_range());
                blocks.iter().any(|(open, _)| text.starts_with(open))
            }
            _ => false,
        }
    }

    /// The documentation string that begins a body.
    pub fn first_string(&self, body: Node<'_>) -> Option<String> {
        let Docs::FirstString(kinds) = self.grammar.docs else {
            return None;
        };
        let mut node = only_child(self.first_statement(body)?, |_| true)?;
        while node.kind() == kinds.parentheses {
            node = only_child(node, |child| child.is_named())?;
        }
        let literal = |node: Node<'_>| {
            let text = self.source.text(node.byte_range());
            literal::text_of(&text, kinds.not_text)
        };
        let text = if node.kind() == kinds.literal {
            literal(node)?
        } else if node.kind() == kinds.concatenation {
            let mut cursor = node.walk();
            let parts = node.named_children(&mut cursor);
            parts
                .filter(|part| !part.is_extra())
                .map(literal)
                .collect::<Option<String>>()?
        } else {
            return None;
        };
        Some(literal::without_indentation(&text)).filter(|text| !text.trim().is_empty())
    }

    fn first_statement<'n>(&self, body: Node<'n>) -> Option<Node<'n>> {
        let Docs::FirstString(kinds) = self.grammar.docs else {
            return None;
        };
        let mut cursor = body.walk();
        let first = body
            .named_children(&mut cursor)
            .find(|child| !child.is_extra());
        first.filter(|first| first.kind() == kinds.statement)
    }

    /// The words of documentation comments.
    pub fn comment_text(&self, comments: &[String]) -> Option<String> {
        let Docs::Comments { lines, blocks, .. } = self.grammar.docs else {
            return None;
        };
        let texts: Vec<String> = comments
            .iter()
            .map(|comment| literal::without_marks(comment, lines, blocks))
            .collect();
        Some(texts.join("\n").trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The part of a text before the first documentation comment: that one belongs to a definition.
    pub fn before_documentation<'s>(&self, text: &'s str) -> &'s str {
        let Docs::Comments { lines, blocks, .. } = self.grammar.docs else {
            return text;
        };
        let marks = || lines.iter().chain(blocks.iter().map(|(open, _)| open));
        if marks().any(|mark| self.grammar.comment_marks.begins(mark)) {
            // Comments of both kinds look alike.
            return match self.waiting.first_is_taken {
                true => "",
                false => text,
            };
        }
        let end = marks().filter_map(|mark| text.find(mark)).min();
        &text[..end.unwrap_or(text.len())]
    }

    /// What the comments say that begin the file and belong to no definition.
    pub fn about_file(&mut self) -> Option<String> {
        self.waiting.finish();
        let all = std::mem::take(&mut self.waiting.about_file);
        let says = |text: &String| {
            let lines = text.lines();
            // A tag that only names the licence does not make the rest a claim.
            let said: Vec<&str> = lines.filter(|line| !line.starts_with('@')).collect();
            !comment::claims_rights(&said.join("\n"))
        };
        let mut texts = all.iter().filter_map(|docs| self.comment_text(docs));
        texts.find(says)
    }
}

/// The one child that counts, if there is just one.
fn only_child<'t>(node: Node<'t>, counts: impl Fn(&Node<'t>) -> bool) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    let mut children = node
        .children(&mut cursor)
        .filter(|child| !child.is_extra() && counts(child));
    let first = children.next()?;
    children.next().is_none().then_some(first)
}
