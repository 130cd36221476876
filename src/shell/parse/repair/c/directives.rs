//! Directives: comments in them, conditions that the grammar cannot read, and the branches of conditionals that split
//! braces or statements.

use std::ops::Range;

use super::super::blank;
use super::tokens::{quoted, tokens};

/// A preprocessor directive with its continuation lines.
pub(super) struct Directive {
    pub range: Range<usize>,
    pub word: &'static str,
}

const DIRECTIVES: [&str; 7] = ["ifdef", "ifndef", "if", "elif", "else", "endif", "define"];

pub(super) fn directives(text: &[u8]) -> Vec<Directive> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut comment = false;
    while at < text.len() {
        let line_end = |from: usize| {
            let end = text[from..].iter().position(|byte| *byte == b'\n');
            end.map_or(text.len(), |end| from + end)
        };
        let mut end = line_end(at);
        let line = text[at..end].trim_ascii_start();
        if !comment && line.first() == Some(&b'#') {
            while text[at..end].trim_ascii_end().ends_with(b"\\") && end < text.len() {
                end = line_end(end + 1);
            }
            let word = line[1..].trim_ascii_start();
            let word = DIRECTIVES
                .into_iter()
                .find(|name| word.starts_with(name.as_bytes()));
            found.push(Directive {
                range: at..end,
                word: word.unwrap_or(""),
            });
        }
        comment = ends_in_comment(&text[at..end], comment);
        at = end + 1;
    }
    found
}

fn ends_in_comment(line: &[u8], mut comment: bool) -> bool {
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        if comment {
            comment = !rest.starts_with(b"*/");
            at += if comment { 1 } else { 2 };
        } else if rest.starts_with(b"//") {
            return false;
        } else if rest.starts_with(b"/*") {
            comment = true;
            at += 2;
        } else if matches!(rest[0], b'"' | b'\'') {
            at += quoted(rest);
        } else {
            at += 1;
        }
    }
    comment
}

/// Blanks the block comments of a directive, and what looks like one in a string.
pub(super) fn blank_comments(line: &mut [u8]) {
    let mut at = 0;
    while at < line.len() {
        if line[at..].starts_with(b"//") {
            return;
        }
        if line[at..].starts_with(b"/*") {
            let Some(end) = line[at + 2..].windows(2).position(|two| two == b"*/") else {
                return;
            };
            blank(&mut line[at..at + 2 + end + 2]);
            at += end + 4;
        } else if matches!(line[at], b'"' | b'\'') {
            let length = quoted(&line[at..]).min(line.len() - at);
            for byte in &mut line[at..at + length] {
                if *byte == b'*' {
                    *byte = b'x';
                }
            }
            at += length.max(1);
        } else {
            at += 1;
        }
    }
}

/// The parts of conditionals to blank: all but one branch and the directives, where a branch opens or closes braces
/// that it does not close or open, or where the conditional stands inside a statement.
pub(super) fn unused_branches(
    text: &[u8],
    directives: &[Directive],
    cpp: bool,
) -> Vec<Range<usize>> {
    let mut blanked = Vec::new();
    let mut open: Vec<Vec<usize>> = Vec::new();
    for (number, directive) in directives.iter().enumerate() {
        match directive.word {
            "if" | "ifdef" | "ifndef" => open.push(vec![number]),
            "elif" | "else" => {
                if let Some(group) = open.last_mut() {
                    group.push(number);
                }
            }
            "endif" => {
                let Some(mut group) = open.pop() else {
                    continue;
                };
                group.push(number);
                let branches: Vec<Range<usize>> = group
                    .windows(2)
                    .map(|two| directives[two[0]].range.end..directives[two[1]].range.start)
                    .collect();
                let split = branches
                    .iter()
                    .any(|branch| !is_balanced(&text[branch.clone()]))
                    || heads_split(text, &branches, directive.range.end)
                    || is_inside_statement(&text[..directives[group[0]].range.start]);
                // The directives around one branch say nothing about it.
                if !split && branches.len() > 1 {
                    continue;
                }
                let condition = &text[directives[group[0]].range.clone()];
                let other = condition.windows(11).any(|word| word == b"__cplusplus") && !cpp
                    || condition.trim_ascii().ends_with(b"if 0");
                let kept = if other && directives[group[0]].word != "ifndef" {
                    1
                } else {
                    0
                };
                let directive = |number: &usize| directives[*number].range.clone();
                blanked.extend(group.iter().map(directive));
                let unused = branches.into_iter().enumerate();
                blanked.extend(unused.filter(|(at, _)| *at != kept).map(|(_, range)| range));
            }
            _ => {}
        }
    }
    blanked
}

/// Whether the branches end with the heads of one function, whose body follows.
fn heads_split(text: &[u8], branches: &[Range<usize>], end: usize) -> bool {
    let next = text[end..].trim_ascii_start().first();
    let ends_head = |branch: &Range<usize>| text[branch.clone()].trim_ascii_end().ends_with(b")");
    branches.len() > 1 && next == Some(&b'{') && branches.iter().all(ends_head)
}

/// Whether a text ends inside a statement: in a list, in parentheses or in an expression.
fn is_inside_statement(before: &[u8]) -> bool {
    let line = before.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
    let last = line.and_then(|line| {
        tokens(line)
            .last()
            .map(|token| line[token.clone()].to_vec())
    });
    let words: [&[u8]; 6] = [
        b"class", b"struct", b"static", b"inline", b"const", b"return",
    ];
    last.is_some_and(|last| {
        let sign = matches!(
            last[..],
            [b',' | b'(' | b'=' | b'|' | b'&' | b'+' | b'?' | b'<']
        );
        sign || words.contains(&&last[..])
    })
}

/// A condition replaced by a number, if the grammar may not read it: calls other than `defined`, and C++ names.
pub(super) fn simplify_condition(line: &mut [u8], word: &str) {
    let Some(at) = line
        .windows(word.len())
        .position(|part| part == word.as_bytes())
    else {
        return;
    };
    let condition = &mut line[at + word.len()..];
    let text = String::from_utf8_lossy(condition).replace("defined", "");
    let calls = text.split('(').rev().skip(1).any(|before| {
        before
            .trim_end()
            .ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    });
    if (calls || text.contains("::")) && condition.len() > 1 {
        blank(condition);
        condition[1] = b'1';
    }
}

fn is_balanced(text: &[u8]) -> bool {
    let mut depth = 0i32;
    for token in tokens(text) {
        match text[token.start] {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}
