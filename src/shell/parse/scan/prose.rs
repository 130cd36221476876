//! Markdown, reStructuredText and plain text: headings, and the first paragraph that says something.

use super::Scanned;

/// Lines after which nobody looks for headings any more.
const MAX_LINES: usize = 20_000;

/// Markdown, with front matter, fenced code and HTML between.
pub(super) fn markdown(text: &str) -> Scanned {
    let mut found = Scanned::default();
    let (matter, text) = front_matter(text);
    for (key, value) in matter {
        match key {
            "title" => found.headings.push(value.to_owned()),
            "description" | "summary" => found.docstring = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut paragraph = Paragraph::default();
    let mut fence: Option<&str> = None;
    let mut comment = false;
    for line in text.lines().take(MAX_LINES) {
        let trimmed = line.trim();
        if let Some(mark) = fence {
            if trimmed.starts_with(mark) {
                fence = None;
            }
            continue;
        }
        if comment {
            comment = !trimmed.contains("-->");
            continue;
        }
        if let Some(mark) = ["```", "~~~"]
            .iter()
            .find(|mark| trimmed.starts_with(**mark))
        {
            fence = Some(mark);
            paragraph.end(&mut found);
        } else if trimmed.starts_with("<!--") {
            comment = !trimmed.contains("-->");
        } else if let Some(heading) = heading(trimmed) {
            paragraph.end(&mut found);
            found.headings.push(heading);
        } else if is_ruler(trimmed, &['=', '-']) && !paragraph.lines.is_empty() {
            found.headings.push(without_markup(&paragraph.take()));
        } else if trimmed.is_empty()
            || is_no_prose(trimmed)
            || line.starts_with("    ") && paragraph.lines.is_empty()
        {
            paragraph.end(&mut found);
        } else {
            paragraph.lines.push(trimmed);
        }
    }
    paragraph.end(&mut found);
    found
}

/// reStructuredText: titles by their underlines, directives with what is indented below them left out.
pub(super) fn restructured_text(text: &str) -> Scanned {
    const RULERS: [char; 12] = ['=', '-', '~', '^', '"', '\'', '#', '*', '+', '`', '.', ':'];
    let mut found = Scanned::default();
    let mut paragraph = Paragraph::default();
    let mut indented = false;
    for line in text.lines().take(MAX_LINES) {
        let trimmed = line.trim();
        let inside = line.starts_with([' ', '\t']);
        if indented && (inside || trimmed.is_empty()) {
            continue;
        }
        indented = false;
        if is_ruler(trimmed, &RULERS) {
            if let [title] = paragraph.lines[..] {
                found.headings.push(without_markup(title));
            }
            paragraph.lines.clear();
        } else if trimmed.starts_with(".. ") || trimmed == ".." {
            paragraph.end(&mut found);
            indented = true;
        } else if trimmed.is_empty() || is_no_prose(trimmed) {
            paragraph.end(&mut found);
        } else if inside && paragraph.lines.is_empty() && !found.headings.is_empty() {
            // A quotation or a literal block; an overlined title may be indented, though.
            continue;
        } else {
            paragraph.lines.push(trimmed);
            if trimmed.ends_with("::") {
                paragraph.end(&mut found);
                indented = true;
            }
        }
    }
    paragraph.end(&mut found);
    found
}

/// Plain text: its first line, where that looks like a title, and its first paragraph.
pub(super) fn plain(text: &str) -> Scanned {
    // Much of what is called plain text is reStructuredText; directives give it away.
    if text.contains("\n.. ") {
        let found = restructured_text(text);
        if !found.headings.is_empty() {
            return found;
        }
    }
    let mut found = Scanned::default();
    let mut paragraph = Paragraph::default();
    let end = std::iter::once("");
    for line in text.lines().take(MAX_LINES).chain(end) {
        let trimmed = line.trim();
        if !trimmed.is_empty() && !is_ruler(trimmed, &['=', '-', '*', '#', '~', '_']) {
            let words = trimmed.trim_start_matches(['#', '/', ';']);
            paragraph.lines.push(words.trim_start());
            continue;
        }
        let first = found.headings.is_empty() && found.docstring.is_none();
        let title = match paragraph.lines[..] {
            [title] if first && title.len() <= 80 && !title.ends_with(['.', ',', ';']) => title,
            _ => "",
        };
        if !title.is_empty() {
            found.headings.push(title.to_owned());
            paragraph.lines.clear();
        } else if first && is_fields(&paragraph.lines) {
            let lines = std::mem::take(&mut paragraph.lines);
            let summary = lines.iter().find_map(|line| line.strip_prefix("Summary: "));
            found.docstring = summary.map(str::to_owned);
        }
        if looks_like_code(&paragraph.lines) {
            paragraph.lines.clear();
        }
        paragraph.end(&mut found);
        if found.docstring.is_some() {
            break;
        }
    }
    found
}

/// Whether there is more punctuation in lines than prose has.
fn looks_like_code(lines: &[&str]) -> bool {
    let marks = |line: &&str| {
        line.chars()
            .filter(|c| "{}()[]=;$<>|\\".contains(*c))
            .count()
    };
    let all: usize = lines.iter().map(|line| line.len()).sum();
    let marks: usize = lines.iter().map(marks).sum();
    marks > 4 && marks * 33 > all
}

/// Whether lines are fields, such as `Name: value`, and no prose.
fn is_fields(lines: &[&str]) -> bool {
    let field = |line: &&&str| {
        let name = line.split_once(": ").map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    lines.len() > 2 && lines.iter().filter(field).count() * 3 >= lines.len() * 2
}

/// Keys and values of a block between `---` lines at the very beginning, and the text behind it.
fn front_matter(text: &str) -> (Vec<(&str, &str)>, &str) {
    let inside = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"));
    let Some((inside, end)) = inside.and_then(|inside| Some((inside, inside.find("\n---")?)))
    else {
        return (Vec::new(), text);
    };
    let values = inside[..end].lines().filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (!value.is_empty() && !value.starts_with(['|', '>'])).then_some((key.trim(), value))
    });
    (values.collect(), &inside[end + 4..])
}

/// `## Heading` and `<h1>Heading</h1>`.
fn heading(line: &str) -> Option<String> {
    if let Some(rest) = line.strip_prefix("<h") {
        let text = without_markup(&rest[rest.find('>')? + 1..]);
        return Some(text).filter(|text| !text.is_empty());
    }
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    if !(1..=6).contains(&level) || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let text = without_markup(rest.trim().trim_end_matches('#'));
    Some(text).filter(|text| !text.is_empty())
}

fn is_ruler(line: &str, marks: &[char]) -> bool {
    let mut chars = line.chars();
    let first = chars.next();
    line.len() >= 3
        && first.is_some_and(|first| marks.contains(&first) && chars.all(|c| c == first))
}

/// Lines that stand in the place of a paragraph and are none: lists, tables, quotations, images, HTML, fields.
fn is_no_prose(line: &str) -> bool {
    let numbered = line
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .starts_with(['.', ')'])
        && line.starts_with(|c: char| c.is_ascii_digit());
    let field = line.starts_with(':') && line[1..].contains(": ");
    let bullet = ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark));
    numbered
        || field
        || bullet
        || line.starts_with(['|', '>', '<', '!', '{'])
        || line.starts_with("[!")
        || line.starts_with('[') && line.contains("]: ")
}

#[derive(Default)]
struct Paragraph<'a> {
    lines: Vec<&'a str>,
}

impl Paragraph<'_> {
    fn take(&mut self) -> String {
        std::mem::take(&mut self.lines).join("\n")
    }

    /// The paragraph is over: the first that says something is the file's documentation.
    fn end(&mut self, found: &mut Scanned) {
        let text = self.take();
        if found.docstring.is_none() && says_something(&text) {
            found.docstring = Some(text);
        }
    }
}

/// Whether there is a sentence in a paragraph once links and markup are out.
fn says_something(paragraph: &str) -> bool {
    let prose = without_links(paragraph);
    let words = prose
        .split_whitespace()
        .filter(|word| word.contains(char::is_alphabetic));
    words.count() >= 4
}

/// A heading without the links, tags and marks in it.
fn without_markup(text: &str) -> String {
    let mut out = String::new();
    let mut tag = false;
    for c in text.chars() {
        match c {
            '<' => tag = true,
            '>' if tag => tag = false,
            c if !tag => out.push(c),
            _ => {}
        }
    }
    while let Some(at) = out.find("](") {
        let end = out[at..].find(')').map_or(out.len(), |end| at + end + 1);
        out.replace_range(at..end, "");
    }
    let kept = out
        .replace("![", "")
        .replace(['[', '*'], "")
        .replace("``", "`");
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a paragraph that belong to no link and no image.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '[' | '<' => depth += 1,
            ']' | '>' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    let word = |word: &&str| !word.starts_with('(') || !word.contains("://");
    out.split_whitespace()
        .filter(word)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_gives_its_title_and_first_real_paragraph() {
        let found = markdown(
            "<!-- a\ncomment -->\n# My *tool*\n\n[![PyPI](https://a)](https://b) [![CI](c)](d)\n\n\
             <p align=center>x</p>\n\n[Docs](a) | [Home](b)\n\nIt does one thing\nand does it well.\n\n\
             ```\n# no heading\n```\n\nUse\n---\n\nMore words are here now.\n",
        );
        assert_eq!(found.headings, ["My tool", "Use"]);
        assert_eq!(
            found.docstring.as_deref(),
            Some("It does one thing\nand does it well.")
        );
        let found =
            markdown("---\ntitle: \"A page\"\n---\n- a list\n- of things that are long enough\n");
        assert_eq!(found.headings, ["A page"]);
        assert_eq!(found.docstring, None);
    }

    #[test]
    fn restructured_text_gives_the_same() {
        let found = restructured_text(
            "======\n Tool\n======\n\n.. image:: a\n   :alt: words in here are no prose\n\n:Author: some one\n\n\
             It does *one* thing well.\n\nUse\n---\n\nLike this::\n\n    code is not prose at all\n",
        );
        assert_eq!(found.headings, ["Tool", "Use"]);
        assert_eq!(
            found.docstring.as_deref(),
            Some("It does *one* thing well.")
        );
    }

    #[test]
    fn plain_text_gives_its_first_paragraph() {
        let found = plain("MIT License\n\nCopyright (c) 2024 Some One\n\nPermission is granted.\n");
        assert_eq!(found.headings, ["MIT License"]);
        assert_eq!(
            found.docstring.as_deref(),
            Some("Copyright (c) 2024 Some One")
        );
        assert_eq!(plain(""), Scanned::default());
    }
}
