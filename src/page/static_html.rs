//! The tree as one HTML page without scripts, whose folders fold.

use std::fmt::Write;

use crate::model::summary::Freshness;
use crate::wire::escape::html as escape;
use crate::wire::protocol::{Common, Node};

/// The style: light or dark as the system is, usable on a phone. A folded folder shows its first sentence.
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

/// The page. A repository's root is called `name`.
pub fn html(tree: &Node, name: &str) -> String {
    let title = escape(&shown(tree, name));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"epitome\">\n\
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
    summary(page, common);
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
            summary(page, child.common());
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

/// The first sentence, beside the name of a folded folder.
fn line(common: &Common) -> String {
    common.line.as_deref().map_or(String::new(), |line| {
        let line = with_code(&escape(line));
        format!(" <span class=\"line\">{line}</span>")
    })
}

fn summary(page: &mut String, common: &Common) {
    if let Some(summary) = &common.summary {
        let _ = writeln!(page, "<p>{}</p>", with_code(&escape(summary)));
    }
}

/// Escaped text with what is between backticks as code.
fn with_code(text: &str) -> String {
    let mut page = String::with_capacity(text.len());
    let mut pieces = text.split('`').peekable();
    let mut inside = false;
    while let Some(piece) = pieces.next() {
        page.push_str(piece);
        if pieces.peek().is_none() {
            break;
        }
        // A backtick that is never closed is an ordinary character.
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
    if let Some(errors) = file.syntax_errors() {
        let _ = writeln!(page, "<p class=\"mark\">{}</p>", escape(&errors));
    }
}

fn badge(common: &Common) -> String {
    match mark(common).as_str() {
        "" => String::new(),
        mark => format!(" <span class=\"mark\">{}</span>", escape(mark.trim())),
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

/// The freshness, unless it is fresh.
fn mark(common: &Common) -> String {
    match (common.freshness, &common.error) {
        (Freshness::Fresh, _) => String::new(),
        (Freshness::Off, _) => " (no summary)".to_owned(),
        (freshness, None) => format!(" ({freshness})"),
        (freshness, Some(error)) => format!(" ({freshness}: {error})"),
    }
}
