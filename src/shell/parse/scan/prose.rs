//! Markdown, reStructuredText and plain text: headings, and the first paragraphs with a sentence.

use super::Scanned;
use super::{BEGINS, REQUIREMENTS, UNTITLED};

/// A licence is recognized in this many bytes.
const MAX_LICENCE: usize = 2_000;

/// Paragraphs that are kept of what stands before the second heading, while they are short.
const MAX_PARAGRAPHS: usize = 4;
const MAX_LEAD: usize = 1_000;

/// Headings are searched for in this many lines.
const MAX_LINES: usize = 20_000;

/// Markdown with front matter, fenced code and HTML.
pub(super) fn markdown(text: &str) -> Scanned {
    let mut found = Scanned::default();
    let (content_kind, text) = front_matter(text);
    for (key, value) in content_kind {
        match key {
            "title" => found.headings.push(value.to_owned()),
            "description" | "summary" => found.docstring = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut paragraph = Paragraph::default();
    let mut fence: Option<&str> = None;
    let mut comment = false;
    let mut item = false;
    for line in text.lines().take(MAX_LINES) {
        let trimmed = line.trim();
        // Lines directly below a list entry belong to it.
        let in_item = item && !trimmed.is_empty();
        item = is_item(trimmed) || in_item;
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
            let section = trimmed.starts_with("##")
                || trimmed.starts_with("<h") && !trimmed.starts_with("<h1");
            if found.headings.is_empty() && found.docstring.is_some() && section {
                found.headings.push(UNTITLED.to_owned());
            }
            found.headings.push(heading);
        } else if is_ruler(trimmed, &['=', '-']) && !paragraph.lines.is_empty() {
            found.headings.push(without_markup(&paragraph.take()));
        } else if trimmed.is_empty()
            || in_item
            || is_no_prose(trimmed)
            || line.starts_with("    ") && paragraph.lines.is_empty()
        {
            paragraph.end(&mut found);
        } else {
            paragraph.lines.push(trimmed);
        }
    }
    paragraph.end(&mut found);
    found.docstring = found
        .docstring
        .map(|words| without_references(&words, text));
    found
}

/// The paragraph without the brackets of reference links: `[name]` with `[name]: target` elsewhere in the text.
fn without_references(paragraph: &str, text: &str) -> String {
    let mut words = paragraph.to_owned();
    for line in text.lines().take(MAX_LINES) {
        let label = line.trim_start().strip_prefix('[');
        let Some((label, _)) = label.and_then(|rest| rest.split_once("]: ")) else {
            continue;
        };
        let link = format!("[{label}]");
        if !label.is_empty() && words.contains(&link) {
            // With a target of its own it is another kind of link, which is handled later.
            words = words
                .replace(&format!("{link}["), "\0[")
                .replace(&format!("{link}("), "\0(");
            words = words.replace(&link, label).replace('\0', &link);
        }
    }
    words
}

/// reStructuredText: titles by their underlines, without directives and what is indented below them.
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
            // A quotation or a literal block. An overlined title may be indented.
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

/// Plain text: its first line if that looks like a title, and its first paragraph.
pub(super) fn plain(text: &str) -> Scanned {
    // Directives show that it is reStructuredText.
    if text.contains("\n.. ") {
        let found = restructured_text(text);
        if !found.headings.is_empty() {
            return found;
        }
    }
    if let Some(packages) = requirements(text) {
        let headings = std::iter::once(REQUIREMENTS).chain(packages);
        return Scanned {
            docstring: None,
            headings: headings.map(str::to_owned).collect(),
        };
    }
    if let Some(words) = known_format(text) {
        return Scanned {
            docstring: Some(words),
            headings: Vec::new(),
        };
    }
    let mut found = Scanned::default();
    let mut paragraph = Paragraph::default();
    let mut begins = None;
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
            begins = begins.or(paragraph.lines.first().copied());
            paragraph.lines.clear();
        }
        paragraph.end(&mut found);
        if found.docstring.is_some() {
            break;
        }
    }
    if let (true, None, Some(line)) = (found.headings.is_empty(), &found.docstring, begins) {
        found.headings = vec![BEGINS.to_owned(), line.to_owned()];
    }
    found
}

/// The packages of a list of Python requirements: lines such as `name[extra]>=1.2; python_version < "3.12"`, of which
/// at least one says a version.
fn requirements(text: &str) -> Option<Vec<&str>> {
    let mut packages = Vec::new();
    let mut versions = false;
    for line in text.lines().take(MAX_LINES) {
        let line = line.split('#').next().unwrap_or("").trim();
        // Options such as `-r other.txt` and `--hash=…`.
        if line.is_empty() || line.starts_with('-') {
            continue;
        }
        let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c));
        let (name, rest) = line.split_at(end.unwrap_or(line.len()));
        let rest = match rest.strip_prefix('[') {
            Some(extras) => extras.split_once(']')?.1,
            None => rest,
        };
        let rest = rest.trim_start();
        let version = ["==", ">=", "<=", "~=", "!=", "<", ">"]
            .iter()
            .any(|mark| rest.starts_with(mark));
        if name.is_empty() || !version && !rest.is_empty() && !rest.starts_with([';', '@']) {
            return None;
        }
        versions |= version;
        packages.push(name);
    }
    Some(packages).filter(|_| versions)
}

/// A description by form: encoded data, a licence, settings, a packager's manifest.
fn known_format(text: &str) -> Option<String> {
    if is_manifest(text) {
        return Some("Says which files the package's source archive holds.".to_owned());
    }
    let label = text.trim_start().strip_prefix("-----BEGIN ");
    if let Some((label, _)) = label.and_then(|rest| rest.split_once("-----")) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
        let label = Some(label).filter(|label| label.len() < 60 && label.chars().all(plain));
        let label = label.unwrap_or("data").to_lowercase();
        return Some(format!("PEM data: {label}."));
    }
    let head = super::super::source::prefix(text, MAX_LICENCE).to_lowercase();
    let head = head.split_whitespace().collect::<Vec<_>>().join(" ");
    const TERMS: &str = "redistribution and use in source and binary forms";
    if head.starts_with("copyright") && head.contains(TERMS) {
        return Some(TERMS.to_owned());
    }
    settings(text)
}

/// Sections of `name = value` lines, as in an INI file.
fn settings(text: &str) -> Option<String> {
    let mut sections: Vec<&str> = Vec::new();
    let mut values = 0;
    let mut others = 0;
    for line in text.lines().take(MAX_LINES).map(str::trim) {
        let section = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        match section {
            Some((name, rest)) if rest.is_empty() || rest.trim_start().starts_with(['#', ';']) => {
                let name = name.trim();
                if !name.is_empty() && !sections.contains(&name) {
                    sections.push(name);
                }
            }
            _ if line.is_empty() || line.starts_with(['#', ';']) => {}
            _ if line.split_once('=').is_some_and(|(name, _)| {
                let words = name.split_whitespace().count();
                (1..=2).contains(&words)
            }) =>
            {
                // Lines before the first section have another form.
                others += usize::from(sections.is_empty());
                values += 1;
            }
            _ => others += 1,
        }
    }
    let enough = !sections.is_empty() && values > 0 && others * 4 <= values;
    let more = match sections.len() {
        0..=4 => String::new(),
        many => format!(" and {} more", many - 4),
    };
    let names: Vec<String> = sections
        .iter()
        .take(4)
        .map(|name| format!("`{name}`"))
        .collect();
    enough.then(|| format!("Settings in the sections {}{more}.", names.join(", ")))
}

/// Whether the text is a `MANIFEST.in`.
fn is_manifest(text: &str) -> bool {
    const COMMANDS: [&str; 8] = [
        "include",
        "exclude",
        "recursive-include",
        "recursive-exclude",
        "global-include",
        "global-exclude",
        "graft",
        "prune",
    ];
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .peekable();
    let is_command = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|word| COMMANDS.contains(&word)) && words.next().is_some()
    };
    lines.peek().is_some() && lines.all(is_command)
}

/// Whether lines have more punctuation than prose has.
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

/// Whether lines are fields such as `Name: value`.
fn is_fields(lines: &[&str]) -> bool {
    let field = |line: &&&str| {
        let name = line.split_once(": ").map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    lines.len() > 2 && lines.iter().filter(field).count() * 3 >= lines.len() * 2
}

/// Keys and values of a block between `---` lines at the beginning, and the text behind it.
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
pub(super) fn heading(line: &str) -> Option<String> {
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

/// The first line of a list's entry: `- a`, `1. a`. `1.2` is a version.
fn is_item(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = rest.len() < line.len()
        && rest
            .strip_prefix(['.', ')'])
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    numbered || ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
}

/// Lines that are not prose: lists, tables, quotations, images, HTML, fields.
fn is_no_prose(line: &str) -> bool {
    let field = line.starts_with(':') && line[1..].contains(": ");
    is_item(line)
        || field
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

    /// Ends the paragraph: the first one with a sentence is the file's documentation.
    fn end(&mut self, found: &mut Scanned) {
        let text = self.take();
        if !has_sentence(&text) || is_pointer(&text) {
            return;
        }
        match &mut found.docstring {
            None => found.docstring = Some(text),
            // The first paragraph may be a remark: what uses the text chooses.
            Some(first) if found.headings.len() <= 1 => {
                if first.matches("\n\n").count() + 1 < MAX_PARAGRAPHS && first.len() < MAX_LEAD {
                    first.push_str("\n\n");
                    first.push_str(&text);
                }
            }
            Some(_) => {}
        }
    }
}

/// How a paragraph begins that sends the reader elsewhere.
const POINTERS: [&str; 9] = [
    "please ",
    "see ",
    "for more ",
    "for documentation",
    "visit ",
    "check out",
    "this readme",
    "read the ",
    "welcome to ",
];

/// Whether a short paragraph only sends the reader elsewhere.
fn is_pointer(paragraph: &str) -> bool {
    let lower = paragraph.to_lowercase();
    paragraph.len() < 200 && POINTERS.iter().any(|start| lower.starts_with(start))
}

/// Whether a paragraph has a sentence besides links and markup.
fn has_sentence(paragraph: &str) -> bool {
    let prose = without_links(paragraph);
    let words = prose
        .split_whitespace()
        .filter(|word| word.contains(char::is_alphabetic));
    words.count() >= 4
}

/// A heading without links, tags and marks.
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
    // An image is no text, and neither is a link around one.
    while let Some(at) = out.find("![") {
        let end = out[at..].find(')').map_or(out.len(), |end| at + end + 1);
        out.replace_range(at..end, "");
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

/// The words of a paragraph outside links and images.
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
        let found = markdown(
            "# Log\n\n2.1 (2026)\n---\n- Moved it back, and that\n  was all there is to say.\nreally all of it, too\n\nWords of their own are here.\n",
        );
        assert_eq!(found.headings, ["Log", "2.1 (2026)"]);
        assert_eq!(
            found.docstring.as_deref(),
            Some("Words of their own are here.")
        );
        let found = markdown(
            "The [WSGI] tool, by [one][two] and [WSGI](a).\n\n## Use\n\nIt.\n\n[WSGI]: https://a\n[one]: b\n",
        );
        assert_eq!(found.headings, [UNTITLED, "Use"]);
        assert_eq!(
            found.docstring.as_deref(),
            Some("The WSGI tool, by [one][two] and [WSGI](a).")
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
        let found = plain(
            "# Made by a tool\n-r base.txt\namqp==5.1.1 \\\n    --hash=sha256:1\n    # via it\n\ncelery[redis]>=5; python_version < '4'\nflask\n",
        );
        assert_eq!(found.headings, [REQUIREMENTS, "amqp", "celery", "flask"]);
        assert_eq!(
            plain("one\ntwo\nthree\n")
                .headings
                .first()
                .map(String::as_str),
            None
        );
        let found =
            plain("# what goes along\ninclude README.md LICENSE\nrecursive-include tests *.py\n");
        assert!(
            found
                .docstring
                .is_some_and(|words| words.starts_with("Says which files"))
        );
        let words = |text: &str| plain(text).docstring.unwrap_or_default();
        let pem = words(
            "-----BEGIN CERTIFICATE REQUEST-----\nMIIDHjCC\nAgYCAQAw\n-----END CERTIFICATE REQUEST-----\n",
        );
        assert_eq!(pem, "PEM data: certificate request.");
        assert_eq!(
            words("# of the CA\n[dn]\nC = US # country\nO=X\n\n[ext]\nkeyUsage = a, b\n"),
            "Settings in the sections `dn`, `ext`."
        );
        let prose = "[1] A note = of one.\nAnd many more lines\nof plain prose stand here.\n";
        assert!(words(prose).starts_with("[1] A note"));
        let bsd = "Copyright 2010, the authors.\nAll rights reserved.\nRedistribution and use in\nsource and binary forms, with or\n";
        assert!(
            words(bsd).starts_with("redistribution and use"),
            "{}",
            words(bsd)
        );
        assert_eq!(plain(""), Scanned::default());
    }
}
