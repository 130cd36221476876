//! Cuts a text at definitions, else between lines, and within a line only if that line alone is too long.

use std::cmp::Reverse;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use crate::model::outline::{Element, Outline};

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its bytes.
    pub bytes: Range<usize>,
    /// Its first line, 1-based.
    pub first_line: usize,
    /// Its last line, inclusive.
    pub last_line: usize,
}

/// How much of what follows a place decides whether a part ends there, in bytes.
const WINDOW: usize = 64;

/// Cuts a text into parts of at most `most` bytes, which together are the text. A part ends in front of an outer definition
/// that begins in its last quarter or half, else of one within it, else between lines, else within a line.
///
/// Of several such places the content decides, not the distance from the beginning: when something is inserted above, the
/// places stay, and the parts below keep their keys (content-defined chunking).
pub fn cut(text: &str, outline: &Outline, most: usize) -> Vec<Part> {
    let most = most.max(8);
    let lines: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .filter(|&start| start < text.len())
        .collect();
    let (outer, inner) = beginnings(text, &lines, &outline.elements);
    let line_at = |at: usize| lines.partition_point(|&start| start <= at);
    let mut parts = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let limit = start + most;
        let end = if limit >= text.len() {
            text.len()
        } else {
            let (half, late) = (start + most / 2, start + most * 3 / 4);
            [
                (&outer, late),
                (&outer, half),
                (&inner, late),
                (&inner, half),
                (&lines, late),
                (&lines, start),
            ]
            .into_iter()
            .find_map(|(places, from)| chosen(text, between(places, from, limit).iter().copied()))
            .or_else(|| {
                let places = late + 1..=limit;
                chosen(text, places.filter(|&at| text.is_char_boundary(at)))
            })
            .unwrap_or_else(|| floor_char_boundary(text, limit))
        };
        parts.push(Part {
            bytes: start..end,
            first_line: line_at(start),
            last_line: line_at(end - 1),
        });
        start = end;
    }
    parts
}

/// The place whose following text has the least hash; the last of equal ones.
fn chosen(text: &str, places: impl Iterator<Item = usize>) -> Option<usize> {
    let following = |at: &usize| {
        let bytes = &text.as_bytes()[*at..];
        xxh3_64(&bytes[..bytes.len().min(WINDOW)])
    };
    places.min_by_key(|at| (following(at), Reverse(*at)))
}

/// The starts of outer definitions and of those within them, in bytes and in order.
fn beginnings(text: &str, lines: &[usize], elements: &[Element]) -> (Vec<usize>, Vec<usize>) {
    let (mut outer, mut inner) = (Vec::new(), Vec::new());
    let mut covered = 0;
    for element in elements {
        let first = element.line_start as usize;
        let Some(&start) = first.checked_sub(1).and_then(|index| lines.get(index)) else {
            continue;
        };
        let start = with_its_head(text, lines, first - 1, start);
        if element.line_start > covered {
            covered = element.line_end;
            outer.push(start);
        } else {
            inner.push(start);
        }
    }
    outer.sort_unstable();
    inner.sort_unstable();
    (outer, inner)
}

/// The start of a definition with the decorators, attributes and comments right above it.
fn with_its_head(text: &str, lines: &[usize], index: usize, start: usize) -> usize {
    let mut start = start;
    for pair in lines[..=index].windows(2).rev() {
        let line = text[pair[0]..pair[1]].trim();
        if !line.starts_with(['@', '#', '/', '*']) {
            break;
        }
        start = pair[0];
    }
    start
}

/// Those of `places` above `from` and not above `to`.
fn between(places: &[usize], from: usize, to: usize) -> &[usize] {
    let first = places.partition_point(|&place| place <= from);
    let end = places.partition_point(|&place| place <= to);
    &places[first..end.max(first)]
}

fn floor_char_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Groups neighbours so that a group's size is at most `most`, with at least `least` members except in the last.
pub fn groups(sizes: impl Iterator<Item = usize>, most: usize, least: usize) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut sum = 0;
    for (index, size) in sizes.enumerate() {
        match groups.last_mut() {
            Some(group) if group.len() < least || sum + size <= most => {
                group.end = index + 1;
                sum += size;
            }
            _ => {
                groups.push(index..index + 1);
                sum = size;
            }
        }
    }
    groups
}

/// The definitions of a file, one a line, in at most `most` bytes: nested ones are dropped first, then the last ones, with
/// a line that says so.
pub fn outline_list(outline: &Outline, most: usize) -> String {
    let line = |element: &Element| {
        format!(
            "{} {} (lines {} to {})\n",
            element.kind, element.qualified_name, element.line_start, element.line_end
        )
    };
    let all: Vec<String> = outline.elements.iter().map(line).collect();
    if all.is_empty() {
        let headings = outline.headings.iter();
        return bounded(
            headings.map(|heading| format!("{heading}\n")).collect(),
            most,
        );
    }
    if all.iter().map(String::len).sum::<usize>() <= most {
        return all.concat();
    }
    let mut covered = 0;
    let outer = outline.elements.iter().filter(|element| {
        let is_outer = element.line_start > covered;
        if is_outer {
            covered = element.line_end;
        }
        is_outer
    });
    bounded(outer.map(line).collect(), most)
}

fn bounded(lines: Vec<String>, most: usize) -> String {
    let mut sum = 0;
    let fitting = lines
        .iter()
        .take_while(|line| {
            sum += line.len();
            sum <= most
        })
        .count();
    let mut list = lines[..fitting].concat();
    if fitting < lines.len() {
        list.push_str(&format!("and {} more\n", lines.len() - fitting));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(kind: &str, line_start: u32, line_end: u32) -> Element {
        Element {
            kind: kind.to_owned(),
            name: "n".to_owned(),
            qualified_name: format!("n{line_start}"),
            signature: String::new(),
            decorators: Vec::new(),
            line_start,
            line_end,
            docstring: None,
        }
    }

    fn texts<'t>(text: &'t str, outline: &Outline, most: usize) -> Vec<&'t str> {
        let parts = cut(text, outline, most);
        let mut end = 0;
        for part in &parts {
            assert_eq!(part.bytes.start, end, "nothing is left out");
            assert!(part.bytes.len() <= most);
            assert!(part.first_line <= part.last_line);
            end = part.bytes.end;
        }
        assert_eq!(end, text.len());
        parts.iter().map(|part| &text[part.bytes.clone()]).collect()
    }

    #[test]
    fn cuts_come_before_definitions_with_their_heads() {
        let text = "a = 1\nb = 2\n\n@once\n# Said.\ndef f():\n    pass\n";
        let outline = Outline {
            elements: vec![element("function", 6, 7)],
            ..Outline::default()
        };
        let found = texts(text, &outline, 25);
        assert_eq!(found[0], "a = 1\nb = 2\n\n");
        assert!(found[1].starts_with("@once\n# Said.\ndef"), "{found:?}");
    }

    #[test]
    fn an_outer_definition_goes_before_one_within() {
        let text = "class A:\n    def f(): 1\nclass B:\n    def g(): 1\n    def h(): 1\n";
        let outline = Outline {
            elements: vec![
                element("class", 1, 2),
                element("method", 2, 2),
                element("class", 3, 5),
                element("method", 4, 4),
                element("method", 5, 5),
            ],
            ..Outline::default()
        };
        // "def g" would fit, too.
        assert!(texts(text, &outline, 36)[1].starts_with("class B"));
        assert!(texts(text, &outline, 30)[1].starts_with("class B"));
    }

    #[test]
    fn without_definitions_lines_are_cut_apart_and_long_lines_within() {
        let outline = Outline::default();
        assert_eq!(
            texts("one\ntwo\nthree\n", &outline, 9),
            ["one\ntwo\n", "three\n"]
        );
        let long = "é".repeat(50);
        assert_eq!(texts(&long, &outline, 9).concat(), long);
        assert!(texts("", &outline, 9).is_empty());
        assert_eq!(texts("\n\n\n", &outline, 9), ["\n\n\n"]);
    }

    #[test]
    fn groups_are_as_large_as_fits_and_never_too_small() {
        let sizes = || [4, 4, 4, 20, 1].into_iter();
        assert_eq!(groups(sizes(), 10, 1), [0..2, 2..3, 3..4, 4..5]);
        assert_eq!(groups(sizes(), 10, 2), [0..2, 2..4, 4..5]);
        assert!(groups(std::iter::empty(), 10, 1).is_empty());
    }

    #[test]
    fn an_outline_is_bounded_and_says_so() {
        let elements: Vec<Element> = (0..100)
            .flat_map(|n| {
                [
                    element("class", 10 * n + 1, 10 * n + 9),
                    element("method", 10 * n + 2, 10 * n + 3),
                ]
            })
            .collect();
        let outline = Outline {
            elements,
            ..Outline::default()
        };
        assert!(outline_list(&outline, 100_000).contains("method n2 "));
        let outer = outline_list(&outline, 4_000);
        assert!(
            !outer.contains("method") && outer.contains("class n991 "),
            "{outer}"
        );
        let some = outline_list(&outline, 500);
        assert!(some.len() < 530 && some.contains("more\n"), "{some}");
    }
}
