//! Markdown: one page for each directory, or one document.
//!
//! The same tree gives the same bytes: nothing here depends on time or machine but the head of the root page.

use std::fmt::Write;

use super::escape::{code_span, markdown as escaped};
use crate::model::outline::Element;
use crate::model::summary::Freshness;
use crate::wire::percent;
use crate::wire::protocol::{Common, DirectoryNode, Node};

/// What a document says about its origin.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The name of the exported folder.
    pub name: String,
    /// The commit that is checked out, if the folder is in a git repository.
    pub revision: Option<String>,
    /// When it was made, RFC 3339.
    pub date: Option<String>,
    /// Where sources are: a URL with `{path}`, `{line}` and `{revision}`.
    pub source: Option<String>,
}

/// The name of each directory's page; forges show it with the folder.
pub const PAGE: &str = "README.md";

/// The first line of each page: by it an export recognizes its own pages.
pub const MARKER: &str = "<!-- Written by epitome. Changes are overwritten. -->\n";

/// The root page is kept below this, by leaving out outlines: forges cut longer pages.
const MAX_ROOT_BYTES: usize = 200_000;

/// Headings go no deeper in a single document.
const DEEPEST_HEADING: usize = 6;

/// Where the pages of an export stand.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// What the export says about its origin.
    pub origin: Origin,
    /// The path of the exported directory in its repository; empty for the root.
    pub from: String,
    /// The relative path from the folder of the root page to the exported directory's sources; `None`: no links.
    pub sources: Option<String>,
}

/// The page of a directory whose children are loaded.
pub fn page(directory: &DirectoryNode, place: &Place) -> String {
    let below = below(&directory.common.path, &place.from);
    let text = with_outlines(directory, below, place, true);
    match below.is_empty() && text.len() > MAX_ROOT_BYTES {
        true => with_outlines(directory, below, place, false),
        false => text,
    }
}

fn with_outlines(directory: &DirectoryNode, below: &str, place: &Place, outlines: bool) -> String {
    let mut text = String::from(MARKER);
    let names: Vec<&str> = below.split('/').filter(|name| !name.is_empty()).collect();
    let up = "../".repeat(names.len());
    if !names.is_empty() {
        let mut crumbs = vec![format!("[{}]({up}{PAGE})", escaped(&place.origin.name))];
        for (at, name) in names.iter().enumerate().take(names.len() - 1) {
            let up = "../".repeat(names.len() - 1 - at);
            crumbs.push(format!("[{}]({up}{PAGE})", escaped(name)));
        }
        let _ = writeln!(text, "{} / \n", crumbs.join(" / "));
    }
    let title = names.last().copied().unwrap_or(&place.origin.name);
    let _ = writeln!(text, "# {}/{}\n", escaped(title), mark(&directory.common));
    if names.is_empty() {
        head(&mut text, directory, &place.origin);
    }
    paragraph(&mut text, "", &directory.common);
    let children = directory.children.as_deref().unwrap_or_default();
    if !children.is_empty() {
        text.push_str("| name | what it is |\n| --- | --- |\n");
        for child in sorted(children) {
            let common = child.common();
            let line = escaped(common.line.as_deref().unwrap_or_default());
            let name = name(common);
            let (name, link) = match child {
                Node::Directory(_) => (
                    format!("{name}/"),
                    format!("{}/{PAGE}", percent::encode(name.as_bytes())),
                ),
                Node::File(_) => (
                    name.to_owned(),
                    source(common, &up, place).unwrap_or_default(),
                ),
            };
            let name = match link.as_str() {
                "" => escaped(&name),
                link => format!("[{}]({link})", escaped(&name)),
            };
            let _ = writeln!(text, "| {name}{} | {line} |", mark(common));
        }
        text.push('\n');
    }
    for child in children {
        let Node::File(file) = child else { continue };
        let long = file.common.summary.as_deref() != file.common.line.as_deref();
        if !long && (file.elements.is_empty() || !outlines) {
            continue;
        }
        let _ = writeln!(text, "## {}\n", code_span(name(&file.common)));
        paragraph(&mut text, "", &file.common);
        if outlines && !file.elements.is_empty() {
            let many = file.elements.len();
            let noun = if many == 1 {
                "definition"
            } else {
                "definitions"
            };
            let _ = writeln!(text, "<details><summary>{many} {noun}</summary>\n");
            outline(
                &mut text,
                "",
                &file.elements,
                source(&file.common, &up, place).as_deref(),
            );
            text.push_str("\n</details>\n\n");
        }
        if let Some(errors) = file.syntax_errors() {
            let _ = writeln!(text, "*{errors}*\n");
        }
    }
    finish(text)
}

/// What the root page says about the export.
fn head(text: &mut String, directory: &DirectoryNode, origin: &Origin) {
    let mut facts = vec![
        format!(
            "{} files, {} folders",
            directory.files, directory.directories
        ),
        directory.common.freshness.to_string(),
    ];
    if let Some(model) = &directory.common.model {
        facts.push(format!("summaries by {}", escaped(model)));
    }
    if let Some(revision) = &origin.revision {
        facts.push(format!("revision {}", code_span(revision)));
    }
    let _ = writeln!(text, "*{}*\n", facts.join(" · "));
}

/// The link to a file's source, from a page that is `up` below the root page.
fn source(common: &Common, up: &str, place: &Place) -> Option<String> {
    let sources = place.sources.as_ref()?;
    let path = percent::encode(below(&common.path, &place.from).as_bytes());
    let sources = percent::encode(sources.as_bytes());
    Some(match sources.as_str() {
        "" => format!("{up}{path}"),
        sources => format!("{up}{sources}/{path}"),
    })
}

/// The definitions, nested by their lines, with links to the lines.
fn outline(text: &mut String, indent: &str, elements: &[Element], source: Option<&str>) {
    let mut enclosing: Vec<u32> = Vec::new();
    for element in elements {
        while enclosing
            .last()
            .is_some_and(|end| *end < element.line_start)
        {
            enclosing.pop();
        }
        let (start, end) = (element.line_start, element.line_end);
        let place = match (start == end, source) {
            (true, None) => start.to_string(),
            (false, None) => format!("{start}–{end}"),
            (true, Some(source)) => format!("[{start}]({source}#L{start})"),
            (false, Some(source)) => format!("[{start}–{end}]({source}#L{start}-L{end})"),
        };
        let signature = match element.signature.is_empty() {
            true => &element.qualified_name,
            false => &element.signature,
        };
        let docs = element.docstring.as_deref().unwrap_or_default();
        let docs = docs.lines().map(str::trim).find(|line| !line.is_empty());
        let docs = docs.map(|line| format!(": {}", escaped(line)));
        let _ = writeln!(
            text,
            "{indent}{}- {place} {}{}",
            "  ".repeat(enclosing.len()),
            code_span(signature),
            docs.unwrap_or_default()
        );
        enclosing.push(end);
    }
}

/// The tree as one document: a heading for each directory, an entry for each file.
pub fn single(tree: &Node, origin: &Origin) -> String {
    let mut text = String::from(MARKER);
    let mut open = vec![(tree, 1)];
    while let Some((node, level)) = open.pop() {
        let common = node.common();
        let marks = "#".repeat(level.min(DEEPEST_HEADING));
        let title = match (node, common.path.as_str()) {
            (Node::Directory(_), "") => format!("{}/", origin.name),
            (Node::Directory(_), path) => format!("{path}/"),
            (Node::File(_), path) => path.to_owned(),
        };
        let _ = writeln!(text, "{marks} {}{}\n", code_span(&title), mark(common));
        if level == 1
            && let Node::Directory(directory) = node
        {
            head(&mut text, directory, origin);
        }
        paragraph(&mut text, "", common);
        let Node::Directory(directory) = node else {
            entry(&mut text, "", node);
            continue;
        };
        let children = directory.children.as_deref().unwrap_or_default();
        for child in children
            .iter()
            .filter(|child| matches!(child, Node::File(_)))
        {
            let common = child.common();
            let _ = writeln!(text, "- {}{}\n", code_span(&common.path), mark(common));
            paragraph(&mut text, "  ", common);
            entry(&mut text, "  ", child);
        }
        let folders = children.iter().rev();
        let folders = folders.filter(|child| matches!(child, Node::Directory(_)));
        open.extend(folders.map(|child| (child, level + 1)));
    }
    finish(text)
}

fn entry(text: &mut String, indent: &str, node: &Node) {
    if let Node::File(file) = node
        && !file.elements.is_empty()
    {
        outline(text, indent, &file.elements, None);
        if let Some(errors) = file.syntax_errors() {
            let _ = writeln!(text, "{indent}- *{errors}*");
        }
        text.push('\n');
    }
}

fn paragraph(text: &mut String, indent: &str, common: &Common) {
    if let Some(summary) = &common.summary {
        for line in summary.trim().lines() {
            let _ = writeln!(text, "{indent}{}", escaped(line.trim()));
        }
        text.push('\n');
    }
}

/// Directories first, then files, each by name.
fn sorted(children: &[Node]) -> Vec<&Node> {
    let mut sorted: Vec<&Node> = children.iter().collect();
    sorted.sort_by_key(|child| matches!(child, Node::File(_)));
    sorted
}

/// The freshness, unless it is fresh.
fn mark(common: &Common) -> String {
    match (common.freshness, &common.error) {
        (Freshness::Fresh, _) => String::new(),
        (Freshness::Off, _) => " (no summary)".to_owned(),
        (freshness, None) => format!(" ({freshness})"),
        (freshness, Some(error)) => format!(" ({freshness}: {})", escaped(error)),
    }
}

fn name(common: &Common) -> &str {
    common.path.rsplit('/').next().unwrap_or_default()
}

fn below<'p>(path: &'p str, from: &str) -> &'p str {
    path.strip_prefix(from)
        .unwrap_or(path)
        .trim_start_matches('/')
}

fn finish(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake;

    fn place() -> Place {
        Place {
            origin: Origin {
                name: "shop".to_owned(),
                revision: Some("5a57ea4".to_owned()),
                ..Origin::default()
            },
            from: String::new(),
            sources: Some("../..".to_owned()),
        }
    }

    #[test]
    fn a_page_links_to_pages_and_sources() {
        let Node::Directory(root) = fake::tree() else {
            panic!("a directory")
        };
        assert_eq!(
            page(&root, &place()),
            format!(
                "{MARKER}# shop/\n\n*2 files, 0 folders · fresh · summaries by offline · revision `5a57ea4`*\n\n\
                 A small program. It has two parts.\n\n| name | what it is |\n| --- | --- |\n\
                 | [src/](src/README.md) | The parts. |\n| [main.py](../../main.py) | Starts it. |\n\n\
                 ## `main.py`\n\nStarts it. Nothing else.\n\n<details><summary>1 definition</summary>\n\n\
                 - [3–14](../../main.py#L3-L14) `def run(x)`\n\n</details>\n"
            )
        );
        let Some(Node::Directory(src)) = root.children.unwrap_or_default().pop() else {
            panic!("a directory")
        };
        let text = page(&src, &place());
        assert!(
            text.starts_with(&format!(
                "{MARKER}[shop](../README.md) / \n\n# src/\n\nThe parts.\n"
            )),
            "{text}"
        );
        assert!(
            text.contains("| [a.py](../../../src/a.py) | Does a. |"),
            "{text}"
        );
    }

    #[test]
    fn names_and_summaries_are_never_markup() {
        let hostile = vec![fake::file("a](x)|<b>.py", "Has | and <script> and [x](y).")];
        let Node::Directory(root) = fake::directory("", "All.", hostile) else {
            panic!("a directory")
        };
        let text = page(&root, &place());
        assert!(!text.contains("<script>"), "{text}");
        // In a code span nothing is markup.
        assert!(text.contains("## `a](x)|<b>.py`\n"), "{text}");
        assert!(
            text.contains("a\\](x)\\|&lt;b>.py](../../a%5D%28x%29%7C%3Cb%3E.py)"),
            "{text}"
        );
        let one = single(&fake::tree(), &place().origin);
        assert!(
            one.contains("# `shop/`") && one.contains("## `src/`"),
            "{one}"
        );
    }
}
