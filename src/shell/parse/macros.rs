//! Definitions inside macro calls: the arguments are parsed again as if they were the file.

use tree_sitter::{Node, Tree};

use super::repair::blank;
use super::tree::{Parse, run};

/// At most this many macro calls of one file are parsed again, at this total cost.
const MAX_CALLS: usize = 5_000;
const MAX_COST: u32 = 200_000;

/// Groups inside a macro call are parsed down to this depth.
const MAX_DEPTH: usize = 8;

/// Words that begin a definition.
const KEYWORDS: [&str; 12] = [
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "macro_rules!",
    "mod",
    "static",
    "struct",
    "trait",
    "type",
    "union",
];

/// The trees of the macro calls' arguments, in the order of the text.
pub(super) fn parse(parse: &Parse, source: &[u8]) -> Vec<Tree> {
    let Some((call, arguments)) = parse.grammar.macros else {
        return Vec::new();
    };
    let mut text = None;
    let mut trees = Vec::new();
    let mut budget = MAX_COST;
    let mut cursor = parse.tree.walk();
    loop {
        let node = cursor.node();
        let descend = match node.kind() {
            // A function's body is not part of an outline.
            "block" => false,
            kind if kind == call => {
                let mut children = node.walk();
                let group = node
                    .children(&mut children)
                    .find(|child| child.kind() == arguments);
                if let Some(group) = group.filter(|group| has_keyword(source, group)) {
                    let text = text.get_or_insert_with(|| source.to_vec());
                    let mut calls = Calls {
                        parse,
                        source,
                        text,
                        arguments,
                        trees: &mut trees,
                        budget: &mut budget,
                    };
                    calls.parse(group, 0);
                }
                false
            }
            _ => true,
        };
        if descend && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return trees;
            }
        }
    }
}

struct Calls<'a> {
    parse: &'a Parse,
    source: &'a [u8],
    /// The text in which what is no item syntax is blanked.
    text: &'a mut [u8],
    arguments: &'static str,
    trees: &'a mut Vec<Tree>,
    budget: &'a mut u32,
}

impl Calls<'_> {
    /// Parses the inside of a group; if it is no sequence of definitions, each of the groups in it.
    fn parse(&mut self, group: Node<'_>, depth: usize) {
        if self.trees.len() >= MAX_CALLS || depth > MAX_DEPTH {
            return;
        }
        let range = tree_sitter::Range {
            start_byte: group.start_byte() + 1,
            end_byte: group.end_byte().saturating_sub(1),
            start_point: tree_sitter::Point {
                row: group.start_position().row,
                column: group.start_position().column + 1,
            },
            end_point: tree_sitter::Point {
                row: group.end_position().row,
                column: group.end_position().column.saturating_sub(1),
            },
        };
        if range.end_byte <= range.start_byte {
            return;
        }
        blank_oddities(&mut self.text[range.start_byte..range.end_byte]);
        for attempt in 0..2 {
            if attempt == 1 && !self.blank_bodies(group) {
                break;
            }
            let tree = run(self.parse.compiled, self.text, Some(range), self.budget);
            if let Some(tree) = tree.filter(|tree| self.holds_definitions(tree)) {
                self.trees.push(tree);
                return;
            }
        }
        // What was blanked may hold definitions of its own.
        self.text[range.start_byte..range.end_byte]
            .copy_from_slice(&self.source[range.start_byte..range.end_byte]);
        let mut cursor = group.walk();
        for child in group.children(&mut cursor) {
            if child.kind() == self.arguments && has_keyword(self.source, &child) {
                self.parse(child, depth + 1);
            }
        }
    }

    /// Whether a tree is a sequence of items, the first errors apart.
    fn holds_definitions(&self, tree: &Tree) -> bool {
        let root = tree.root_node();
        let mut cursor = root.walk();
        let mut items = 0;
        for child in root.named_children(&mut cursor) {
            match child.kind() {
                kind if kind.ends_with("_item") || kind.ends_with("_definition") => {
                    if child.has_error() {
                        return false;
                    }
                    items += 1;
                }
                "line_comment"
                | "block_comment"
                | "attribute_item"
                | "inner_attribute_item"
                | "use_declaration"
                | "macro_invocation"
                | "function_signature_item"
                | "foreign_mod_item"
                | "empty_statement"
                | "expression_statement" => {}
                _ => return false,
            }
        }
        items > 0
    }

    /// Blanks the inside of the braces in a group; `false` if there are none.
    fn blank_bodies(&mut self, group: Node<'_>) -> bool {
        let mut cursor = group.walk();
        let mut any = false;
        for child in group.children(&mut cursor) {
            let inside = child.start_byte() + 1..child.end_byte().saturating_sub(1);
            if child.kind() == self.arguments && self.text.get(child.start_byte()) == Some(&b'{') {
                any = true;
                blank(self.text.get_mut(inside).unwrap_or_default());
            }
        }
        any
    }
}

/// Whether a word that begins a definition is among the tokens of a group.
fn has_keyword(source: &[u8], group: &Node<'_>) -> bool {
    let text = source.get(group.byte_range()).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    text.split(|c: char| c.is_whitespace() || "{}();,".contains(c))
        .any(|word| KEYWORDS.contains(&word))
}

/// Blanks what well-known macros add to the syntax of items: the `ref` of `static ref`, and the type that follows the
/// name of a flags struct.
fn blank_oddities(text: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = text[at..]
        .windows(11)
        .position(|window| window == b"static ref ")
    {
        at += found + 7;
        blank(&mut text[at..at + 3]);
    }
    let mut at = 0;
    while let Some(found) = text[at..]
        .windows(7)
        .position(|window| window == b"struct ")
    {
        let name = at + found + 7;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = text[name..].iter().take_while(|byte| is_name(byte)).count();
        let end = name + length;
        at = end;
        let rest = text[end..].trim_ascii_start();
        if length > 0
            && rest.first() == Some(&b':')
            && let Some(brace) = text[end..].iter().position(|byte| *byte == b'{')
        {
            blank(&mut text[end..end + brace]);
            at = end + brace;
        }
    }
}
