//! From documentation with markup (reStructuredText, Markdown, Javadoc, rustdoc) to plain sentences.

use crate::model::summary::first_sentence;

/// More paragraphs than this are not looked through for one that says something.
const MAX_BLOCKS: usize = 8;

/// The sentences of the first paragraph that says something, plain and on one line; empty where there is none.
pub(super) fn lead(text: &str) -> Vec<String> {
    let mut title = None;
    for block in blocks(text).take(MAX_BLOCKS) {
        match block {
            Block::Title(words) => title = title.or(Some(words)),
            Block::Paragraph(words) => {
                let sentences = sentences(&words);
                if sentences.first().is_some_and(|first| says_something(first)) {
                    return sentences;
                }
            }
        }
    }
    let title = title.map(|title| title.trim_end_matches('.').to_owned());
    title
        .filter(|title| says_something(title) && title.contains(' '))
        .into_iter()
        .collect()
}

/// The first sentence of [`lead`].
pub(super) fn first(text: &str) -> Option<String> {
    lead(text).into_iter().next()
}

enum Block {
    Title(String),
    Paragraph(String),
}

/// The paragraphs and titles of a text, with what is neither left out.
fn blocks(text: &str) -> impl Iterator<Item = Block> {
    let mut found = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    let mut fence = false;
    let end = |lines: &mut Vec<&str>, found: &mut Vec<Block>| {
        if !lines.is_empty() {
            let words = plain(&lines.join(" "));
            if !words.is_empty() {
                found.push(Block::Paragraph(words));
            }
            lines.clear();
        }
    };
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~ ") {
            fence = !fence;
            end(&mut lines, &mut found);
        } else if fence {
            continue;
        } else if is_ruler(line) {
            if let [title] = lines[..] {
                found.push(Block::Title(plain(title)));
                lines.clear();
            } else {
                end(&mut lines, &mut found);
            }
        } else if let Some(title) = line.strip_prefix('#').filter(|_| line.contains("# ")) {
            end(&mut lines, &mut found);
            found.push(Block::Title(plain(title.trim_start_matches('#'))));
        } else if line.is_empty() {
            end(&mut lines, &mut found);
        } else if ends_prose(line) {
            end(&mut lines, &mut found);
            if found
                .iter()
                .any(|block| matches!(block, Block::Paragraph(_)))
            {
                break;
            }
        } else {
            lines.push(line);
        }
        if found.len() > MAX_BLOCKS {
            break;
        }
    }
    end(&mut lines, &mut found);
    found.into_iter()
}

fn is_ruler(line: &str) -> bool {
    let mut chars = line.chars();
    let first = chars.next();
    line.len() >= 3
        && first.is_some_and(|first| "=-~^*#+_\"'.:`".contains(first) && chars.all(|c| c == first))
        && line != "..."
}

/// Lines that begin fields, examples, directives, lists and tables.
fn ends_prose(line: &str) -> bool {
    const STARTS: [&str; 12] = [
        ".. ", ">>> ", ":param", ":return", ":type", ":rtype", "@", "- ", "* ", "+ ", "|", "-*-",
    ];
    const HEADS: [&str; 17] = [
        "args:",
        "arguments:",
        "parameters:",
        "parameters",
        "returns:",
        "returns",
        "return:",
        "raises:",
        "yields:",
        "example:",
        "examples:",
        "examples",
        "usage:",
        "note:",
        "notes:",
        "attributes:",
        "see also:",
    ];
    let lower = line.to_lowercase();
    let field = line.starts_with(':')
        && line[1..]
            .find(':')
            .is_some_and(|at| !line[1..=at].contains(' ') && !line[at + 2..].starts_with('`'));
    let numbered = line.starts_with(|c: char| c.is_ascii_digit())
        && line
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with([')', '.']);
    field
        || numbered
        || STARTS.iter().any(|start| line.starts_with(start))
        || HEADS.contains(&lower.as_str())
        || lower.starts_with("vim:")
        || lower.contains("-*- coding")
}

fn sentences(paragraph: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut rest = paragraph.trim();
    while !rest.is_empty() && sentences.len() < 3 {
        let sentence = first_sentence(rest);
        // What only announces a list that is not quoted says nothing.
        if !sentence.ends_with(':') || sentences.is_empty() {
            sentences.push(sentence.trim_end_matches(':').to_owned());
        }
        rest = rest[sentence.len()..].trim_start();
    }
    sentences
}

/// Whether a sentence is worth quoting: two words at least, and neither a claim of rights nor an announcement.
fn says_something(sentence: &str) -> bool {
    const SILENT: [&str; 19] = [
        "copyright",
        "licensed under",
        "license:",
        "licence:",
        "spdx",
        "all rights reserved",
        "permission is hereby",
        "redistribution and use",
        "this program is free software",
        "this file is part of",
        "the above copyright",
        "the following",
        "todo",
        "fixme",
        "generated by",
        "generated from",
        "do not edit",
        "coding:",
        "type: ignore",
    ];
    let lower = sentence.to_lowercase();
    let words = sentence
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2);
    words.take(2).count() == 2
        && !SILENT.iter().any(|silent| {
            lower.contains(silent) && (*silent != "the following" || lower.len() < 60)
        })
}

/// A text without markup, control characters and line ends. Code stays between single backticks.
pub(super) fn plain(text: &str) -> String {
    let chars: Vec<char> = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let mut out = String::with_capacity(text.len());
    Inline {
        chars: &chars,
        out: &mut out,
    }
    .write(0);
    let out = out
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ");
    let out = if out.matches('`').count() % 2 == 1 {
        out.replace('`', "")
    } else {
        out
    };
    let words: Vec<&str> = out.split_whitespace().collect();
    let out = words
        .join(" ")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace("()", "()");
    let out = out
        .replace(" .", ".")
        .replace(" ,", ",")
        .replace("::.", ".");
    match out.strip_suffix("::") {
        Some(head) => format!("{head}:"),
        None => out,
    }
}

/// Characters that show nothing, or that turn the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

/// Takes markup inside a line apart.
struct Inline<'a> {
    chars: &'a [char],
    out: &'a mut String,
}

impl Inline<'_> {
    fn write(&mut self, depth: usize) {
        let mut at = 0;
        while at < self.chars.len() {
            at = self.step(at, depth).max(at + 1);
        }
    }

    fn step(&mut self, at: usize, depth: usize) -> usize {
        let rest = &self.chars[at..];
        let taken = match rest[0] {
            ':' => self.role(rest),
            '`' => self.code(rest, false),
            '!' if rest.get(1) == Some(&'[') => image(&rest[1..]).map(|taken| taken + 1),
            '[' if depth < 3 => self.link(rest, depth),
            '<' => tag(rest),
            '*' => self.emphasis(at, depth),
            '\\' => match rest.get(1) {
                Some(' ') => Some(2),
                Some(c) if c.is_ascii_punctuation() => {
                    self.out.push(*c);
                    Some(2)
                }
                _ => None,
            },
            _ => None,
        };
        match taken {
            Some(taken) => at + taken,
            None => {
                self.out.push(rest[0]);
                at + 1
            }
        }
    }

    /// `` :class:`~a.B` ``
    fn role(&mut self, rest: &[char]) -> Option<usize> {
        let name = rest[1..].iter().take(30).position(|c| *c == '`')?;
        let role = &rest[1..=name];
        let is_role = role.last() == Some(&':') && role.len() > 1;
        if !is_role
            || !role
                .iter()
                .all(|c| c.is_ascii_alphabetic() || ":+-".contains(*c))
        {
            return None;
        }
        Some(name + 1 + self.code(&rest[name + 1..], true)?)
    }

    /// `` `code` ``, ``` ``code`` ```, `` `text <target>`_ ``
    fn code(&mut self, rest: &[char], role: bool) -> Option<usize> {
        let ticks = rest.iter().take_while(|c| **c == '`').count();
        let close = (ticks..rest.len()).find(|at| {
            let run = rest[*at..].iter().take_while(|c| **c == '`').count();
            run == ticks && rest[at - 1] != '`'
        })?;
        let content: String = rest[ticks..close].iter().collect();
        let content = content.trim();
        let mut taken = close + ticks;
        let underscores = rest[taken..].iter().take_while(|c| **c == '_').count();
        let reference = ticks == 1 && (1..=2).contains(&underscores);
        if reference {
            taken += underscores;
        }
        let (text, target) = match content
            .rfind('<')
            .filter(|_| content.ends_with('>') && (role || reference))
        {
            Some(open) => (content[..open].trim(), true),
            None => (content, false),
        };
        if target || reference {
            self.out.push_str(text);
            return Some(taken);
        }
        let text = match text.strip_prefix('~') {
            Some(long) if role => long.rsplit('.').next().unwrap_or(long),
            _ => text.trim_start_matches('!'),
        };
        let text = text.replace('`', "'");
        if text.is_empty() {
            return Some(taken);
        }
        self.out.push('`');
        self.out.push_str(&text);
        self.out.push('`');
        Some(taken)
    }

    /// `[text](target)`, `[text][target]`, `` [`Name`] ``
    fn link(&mut self, rest: &[char], depth: usize) -> Option<usize> {
        let close = matching(rest, '[', ']')?;
        let target = match rest.get(close + 1) {
            Some('(') => matching(&rest[close + 1..], '(', ')'),
            Some('[') => matching(&rest[close + 1..], '[', ']'),
            _ => None,
        };
        let inner = &rest[1..close];
        if target.is_none() && inner.first() != Some(&'`') {
            return None;
        }
        Inline {
            chars: inner,
            out: self.out,
        }
        .write(depth + 1);
        Some(close + 1 + target.map_or(0, |target| target + 1))
    }

    /// `*text*` and `**text**`, but neither `*args` nor `2 * 3`.
    fn emphasis(&mut self, at: usize, depth: usize) -> Option<usize> {
        let rest = &self.chars[at..];
        let stars = rest.iter().take_while(|c| **c == '*').count();
        let before = at.checked_sub(1).map(|before| self.chars[before]);
        let opens = before.is_none_or(|c| !c.is_alphanumeric())
            && rest.get(stars).is_some_and(|c| !c.is_whitespace());
        if !opens || stars > 3 || depth > 6 {
            return None;
        }
        let close = (stars + 1..rest.len()).find(|close| {
            let run = rest[*close..].iter().take_while(|c| **c == '*').count();
            let after = rest.get(close + run);
            run == stars
                && !rest[close - 1].is_whitespace()
                && rest[close - 1] != '*'
                && after.is_none_or(|c| !c.is_alphanumeric())
        })?;
        Inline {
            chars: &rest[stars..close],
            out: self.out,
        }
        .write(depth + 1);
        Some(close + stars)
    }
}

fn image(rest: &[char]) -> Option<usize> {
    let close = matching(rest, '[', ']')?;
    match rest.get(close + 1) {
        Some('(') => Some(close + 2 + matching(&rest[close + 1..], '(', ')')?),
        Some('[') => Some(close + 2 + matching(&rest[close + 1..], '[', ']')?),
        _ => None,
    }
}

/// `<b>`, `</b>`, `<https://…>`
fn tag(rest: &[char]) -> Option<usize> {
    const TAGS: [&str; 26] = [
        "a", "b", "p", "i", "em", "br", "img", "code", "strong", "div", "span", "h1", "h2", "h3",
        "ul", "ol", "li", "kbd", "sup", "sub", "pre", "center", "picture", "source", "hr",
        "details",
    ];
    let close = rest.iter().take(400).position(|c| *c == '>')?;
    let inner: String = rest[1..close].iter().collect();
    let name = inner
        .trim_start_matches('/')
        .split([' ', '/'])
        .next()
        .unwrap_or("");
    let known = TAGS.contains(&name.to_lowercase().as_str());
    let address = inner.starts_with("http") && inner.contains("://");
    (known || address || inner.starts_with("!--")).then_some(close + 1)
}

/// Where the bracket at the beginning closes; brackets that take very long are none.
fn matching(rest: &[char], open: char, close: char) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in rest.iter().take(1_000).enumerate() {
        if *c == open {
            depth += 1;
        } else if *c == close {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes() {
        for (text, words) in [
            ("A :class:`~a.b.C` and :py:func:`d.e`.", "A `C` and `d.e`."),
            ("Use ``x`` or `y`.", "Use `x` or `y`."),
            ("See `the docs <https://a.b>`_ now.", "See the docs now."),
            (
                "A [link](https://a.b/c(d)) and [`Name`] and [x].",
                "A link and `Name` and [x].",
            ),
            (
                "![badge](a) *Really* **good** _x_ 2 * 3 *args **kwargs",
                "Really good _x_ 2 * 3 *args **kwargs",
            ),
            ("a<br/>b <https://x.y> Vec<u8>", "ab Vec<u8>"),
            ("one\u{202e}\u{7} two\n  three", "one two three"),
            ("an ` alone", "an alone"),
            ("Like this::", "Like this:"),
            ("a \\* b \\`c", "a * b c"),
            ("Tom &amp; `x`", "Tom & `x`"),
        ] {
            assert_eq!(plain(text), words, "{text}");
        }
    }

    #[test]
    fn the_lead_is_the_first_paragraph_that_says_something() {
        for (text, words) in [
            (
                "requests.api\n~~~~~~~\n\nThis module does it. And more.\n\n:copyright: x",
                vec!["This module does it.", "And more."],
            ),
            ("Copyright 2024 X.\n\nDoes it all.", vec!["Does it all."]),
            ("Does it.\nArgs:\n  a: b", vec!["Does it."]),
            ("A title of some words\n====", vec!["A title of some words"]),
            ("utilities", vec![]),
            (":param x: y\n:type z: d", vec![]),
            (":class:`A` wraps all.", vec!["`A` wraps all."]),
            ("", vec![]),
        ] {
            assert_eq!(lead(text), words, "{text}");
        }
    }

    #[test]
    fn odd_text_is_harmless() {
        for text in [
            "[".repeat(20_000),
            "`".repeat(20_001),
            "*a".repeat(20_000),
            "<".repeat(20_000),
            ":a`".repeat(9_999),
        ] {
            let _ = lead(&text);
        }
    }
}
