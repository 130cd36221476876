//! The map as one document for people: Markdown or HTML. What comes from a repository or a model is text in it, and
//! never markup.

use std::fmt::Write;

use super::protocol::{Common, Node};
use crate::model::summary::Freshness;

/// Headings go no deeper; what lies below has its path.
const DEEPEST_HEADING: usize = 6;

/// What the page looks like: in the reader's own colours, and on a telephone, too. What is folded shows a line.
const STYLE: &str = "\
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
code, dt, .name { font-family: ui-monospace, monospace; font-size: .92em }
dt, .name { font-weight: 600 }
summary { cursor: pointer; margin: .3rem 0 }
details details { margin-left: .2rem; padding-left: 1rem; border-left: 1px solid #8886 }
details[open] > summary > .line { display: none }
dl { margin: .6rem 0 }
dd { margin: 0 0 .8rem 1rem }
p { margin: .2rem 0; white-space: pre-line }
ul { list-style: none; margin: .3rem 0; padding: 0 }
li { padding-left: 1rem; text-indent: -1rem }
.line, .at { color: #737373 }
.mark { color: #b35900; font-weight: 600 }
@media (prefers-color-scheme: dark) { .line, .at { color: #a3a3a3 } .mark { color: #ffa657 } }
";

/// The tree as Markdown: a heading for each directory, an entry for each file. A repository's root is called `name`.
pub fn markdown(tree: &Node, name: &str) -> String {
    let mut text = String::new();
    let mut open = vec![(tree, 1)];
    while let Some((node, level)) = open.pop() {
        let common = node.common();
        let marks = "#".repeat(level.min(DEEPEST_HEADING));
        let _ = writeln!(
            text,
            "{marks} {}{}\n",
            code(&shown(node, name)),
            mark(common)
        );
        paragraph(&mut text, "", common);
        let Node::Directory(directory) = node else {
            elements(&mut text, "", node);
            continue;
        };
        let children = directory.children.as_deref().unwrap_or_default();
        for child in children {
            if let Node::File(_) = child {
                let common = child.common();
                let _ = writeln!(text, "- {}{}\n", code(&common.path), mark(common));
                paragraph(&mut text, "  ", common);
                elements(&mut text, "  ", child);
            }
        }
        let folders = children.iter().rev();
        let folders = folders.filter(|child| matches!(child, Node::Directory(_)));
        open.extend(folders.map(|child| (child, level + 1)));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The tree as one HTML page without scripts: each directory can be folded. A repository's root is called `name`.
pub fn html(tree: &Node, name: &str) -> String {
    let title = escape(&shown(tree, name));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n"
    );
    folder(&mut page, tree, name, true);
    page.push_str("</html>\n");
    page
}

fn folder(page: &mut String, node: &Node, name: &str, open: bool) {
    let common = node.common();
    let open = if open { " open" } else { "" };
    let title = escape(&shown(node, name));
    let _ = writeln!(
        page,
        "<details{open}><summary><span class=\"name\">{title}</span>{}{}</summary>",
        badge(common),
        line(common)
    );
    words(page, common);
    if let Node::Directory(directory) = node {
        let children = directory.children.as_deref().unwrap_or_default();
        let is_file = |child: &&Node| matches!(child, Node::File(_));
        page.push_str("<dl>\n");
        for child in children.iter().filter(is_file) {
            let name = child.common().path.rsplit('/').next().unwrap_or_default();
            let _ = writeln!(
                page,
                "<dt>{}{}</dt><dd>",
                escape(name),
                badge(child.common())
            );
            words(page, child.common());
            outline(page, child);
            page.push_str("</dd>\n");
        }
        page.push_str("</dl>\n");
        for child in children.iter().filter(|child| !is_file(child)) {
            folder(page, child, name, false);
        }
    } else {
        outline(page, node);
    }
    page.push_str("</details>\n");
}

/// The first sentence, to stand beside the name of what is folded.
fn line(common: &Common) -> String {
    common.line.as_deref().map_or(String::new(), |line| {
        let line = with_code(&escape(line));
        format!(" <span class=\"line\">{line}</span>")
    })
}

fn words(page: &mut String, common: &Common) {
    if let Some(summary) = &common.summary {
        let _ = writeln!(page, "<p>{}</p>", with_code(&escape(summary)));
    }
}

/// What stands between backticks, as code. Of what is escaped already.
fn with_code(text: &str) -> String {
    let mut page = String::with_capacity(text.len());
    let mut pieces = text.split('`').peekable();
    let mut inside = false;
    while let Some(piece) = pieces.next() {
        page.push_str(piece);
        if pieces.peek().is_none() {
            break;
        }
        // One that is never closed is a character like any other.
        let closes = inside || pieces.clone().nth(1).is_some();
        page.push_str(match (closes, inside) {
            (false, _) => "`",
            (true, false) => "<code>",
            (true, true) => "</code>",
        });
        inside = closes && !inside;
    }
    page
}

fn outline(page: &mut String, node: &Node) {
    let Node::File(file) = node else { return };
    if file.elements.is_empty() {
        return;
    }
    page.push_str("<ul>\n");
    for element in &file.elements {
        let (start, end) = (element.line_start, element.line_end);
        let text = escape(signature(&element.signature, &element.qualified_name));
        let _ = writeln!(
            page,
            "<li><span class=\"at\">{start}-{end}</span> <code>{text}</code></li>"
        );
    }
    page.push_str("</ul>\n");
}

fn badge(common: &Common) -> String {
    match mark(common).as_str() {
        "" => String::new(),
        mark => format!(" <span class=\"mark\">{}</span>", escape(mark.trim())),
    }
}

fn paragraph(text: &mut String, indent: &str, common: &Common) {
    if let Some(summary) = &common.summary {
        for line in summary.trim().lines() {
            let _ = writeln!(text, "{indent}{}", plain(line.trim()));
        }
        text.push('\n');
    }
}

fn elements(text: &mut String, indent: &str, node: &Node) {
    let Node::File(file) = node else { return };
    for element in &file.elements {
        let (start, end) = (element.line_start, element.line_end);
        let name = code(signature(&element.signature, &element.qualified_name));
        let _ = writeln!(text, "{indent}- {start}-{end} {name}");
    }
    if !file.elements.is_empty() {
        text.push('\n');
    }
}

fn signature<'s>(signature: &'s str, name: &'s str) -> &'s str {
    if signature.is_empty() {
        name
    } else {
        signature
    }
}

/// The path, with a `/` after a directory's.
fn shown(node: &Node, name: &str) -> String {
    let path = &node.common().path;
    match node {
        Node::File(_) => path.clone(),
        Node::Directory(_) if path.is_empty() => format!("{name}/"),
        Node::Directory(_) => format!("{path}/"),
    }
}

/// What is to be said where the words are not fresh.
fn mark(common: &Common) -> String {
    match (common.freshness, &common.error) {
        (Freshness::Fresh, _) => String::new(),
        (Freshness::Off, _) => " (no summary)".to_owned(),
        (freshness, None) => format!(" ({freshness})"),
        (freshness, Some(error)) => format!(" ({freshness}: {})", one_line(error)),
    }
}

/// A code span that the text cannot leave.
fn code(text: &str) -> String {
    let text = one_line(text);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let ticks = "`".repeat(longest + 1);
    match longest {
        0 => format!("{ticks}{text}{ticks}"),
        _ => format!("{ticks} {text} {ticks}"),
    }
}

/// Running text: its own code spans stay, all other markup is escaped.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for (at, c) in line.chars().enumerate() {
        match c {
            '<' => text.push_str("&lt;"),
            '&' => text.push_str("&amp;"),
            '\\' | '[' | ']' | '*' | '_' | '|' => text.extend(['\\', c]),
            '#' | '>' | '+' | '-' | '=' | '~' if at == 0 => text.extend(['\\', c]),
            c => text.push(c),
        }
    }
    // In a code span a backslash would be seen: there the text is as it was, unless a span never ends.
    let spans = line.matches('`').count();
    if spans == 0 || spans % 2 == 1 {
        return text.replace('`', "\\`");
    }
    line.split('`')
        .enumerate()
        .map(|(number, part)| match number % 2 {
            0 => plain(part),
            _ => format!("`{part}`"),
        })
        .collect()
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        assert_eq!(plain("a <b> [x](y) *c*"), "a &lt;b> \\[x\\](y) \\*c\\*");
        assert_eq!(plain("# no heading"), "\\# no heading");
        assert_eq!(plain("has `a_b` and c_d"), "has `a_b` and c\\_d");
        assert_eq!(plain("one ` alone <x>"), "one \\` alone &lt;x>");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("a\nb"), "`a\u{fffd}b`");
        assert_eq!(
            escape("<a href=\"x\">\u{1b}"),
            "&lt;a href=&quot;x&quot;&gt;\u{fffd}"
        );
    }
}
