//! The documentation of a definition or a file: the string that begins a body, or the comments before it.

use tree_sitter::Node;

use super::Reader;
use crate::shell::parse::licence;
use crate::shell::parse::literal;
use crate::shell::parse::table::Docs;

impl Reader<'_, '_> {
    /// Whether a documentation comment does not continue those before it.
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

    /// The text of documentation comments.
    pub fn comment_text(&self, comments: &[String]) -> Option<String> {
        let Docs::Comments { lines, blocks, .. } = self.grammar.docs else {
            return None;
        };
        let texts: Vec<String> = comments
            .iter()
            .map(|comment| literal::without_marks(comment, lines, blocks))
            .collect();
        let text = texts.join("\n");
        let text = licence::stripped(element(text.trim(), "summary"));
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The part of a text before the first documentation comment: that one belongs to a definition.
    pub fn before_documentation<'s>(&self, text: &'s str) -> &'s str {
        let Docs::Comments { lines, blocks, .. } = self.grammar.docs else {
            return text;
        };
        let marks = || lines.iter().chain(blocks.iter().map(|(open, _)| open));
        if marks().any(|mark| self.grammar.comment_marks.begins(mark)) {
            // Comments of both kinds look alike.
            return match self.pending.first_is_taken {
                true => "",
                false => text,
            };
        }
        let end = marks().filter_map(|mark| text.find(mark)).min();
        &text[..end.unwrap_or(text.len())]
    }

    /// The text of the comments that begin the file and belong to no definition, without licences.
    pub fn about_file(&mut self) -> Option<String> {
        self.pending.finish();
        let all = std::mem::take(&mut self.pending.about_file);
        let mut texts = all.iter().filter_map(|docs| {
            let text = licence::stripped(&self.comment_text(docs)?).into_owned();
            let said: Vec<&str> = text.lines().filter(|line| !line.starts_with('@')).collect();
            let empty = said.iter().all(|line| line.trim().is_empty());
            Some(text).filter(|_| !empty || all.len() == 1)
        });
        texts.find(|text| !text.is_empty())
    }
}

/// The content of an XML element in a text, or the text.
fn element<'t>(text: &'t str, name: &str) -> &'t str {
    let inside = text
        .strip_prefix(&format!("<{name}>"))
        .and_then(|rest| rest.split_once(&format!("</{name}>")));
    inside.map_or(text, |(inside, _)| inside.trim())
}

/// The only child that counts, or `None`.
fn only_child<'t>(node: Node<'t>, counts: impl Fn(&Node<'t>) -> bool) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    let mut children = node
        .children(&mut cursor)
        .filter(|child| !child.is_extra() && counts(child));
    let first = children.next()?;
    children.next().is_none().then_some(first)
}
