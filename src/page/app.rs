//! The page with a script: a frame, and the nodes as compact JSON, compressed into the file or served beside it.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Origin;
use crate::model::outline::Element;
use crate::model::summary::Freshness;
use crate::wire::escape;
use crate::wire::protocol::{Common, Node};

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Characters of a definition's documentation that are kept.
const MAX_DOCS: usize = 240;

/// The flag of a directory in a node's flags; the lower three bits are the freshness.
const DIRECTORY: u8 = 8;
/// The flag of offline text that stands in for a model's.
const DRAFT: u8 = 16;

/// What a page may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Nothing but its own script and style.
    Alone,
    /// It may also read from the server that sent it.
    Served,
}

impl Policy {
    /// The Content-Security-Policy.
    pub fn text(self) -> String {
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        let connect = match self {
            Self::Alone => "",
            Self::Served => " connect-src 'self';",
        };
        format!(
            "default-src 'none'; script-src {}; style-src {};{connect} base-uri 'none'; form-action 'none'",
            hash(SCRIPT),
            hash(STYLE)
        )
    }
}

/// A self-contained page of the tree.
///
/// # Errors
/// None in practice: the nodes can be serialized and compressed in memory.
pub fn html(tree: &Node, origin: &Origin, changed: Changed<'_>) -> std::io::Result<String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    serde_json::to_writer(&mut gzip, &data(tree, origin, changed))?;
    gzip.flush()?;
    let packed = STANDARD.encode(gzip.finish()?);
    Ok(page(
        Policy::Alone,
        &origin.name,
        &outline_without_script(tree),
        &packed,
    ))
}

/// The page that reads its data from the server that sent it.
pub fn live() -> String {
    page(
        Policy::Served,
        "Epitome",
        "<p>This page needs JavaScript.</p>",
        "",
    )
}

fn page(policy: Policy, title: &str, noscript: &str, data: &str) -> String {
    // Placeholders are replaced in one pass: a value that looks like one stays as it is.
    let mut text = String::with_capacity(FRAME.len() + STYLE.len() + SCRIPT.len() + data.len());
    for (at, piece) in FRAME.split('@').enumerate() {
        match (at % 2, piece) {
            (1, "csp") => text.push_str(&policy.text()),
            (1, "title") => text.push_str(&escape::html(title)),
            (1, "style") => text.push_str(STYLE),
            (1, "noscript") => text.push_str(noscript),
            (1, "data") => text.push_str(data),
            (1, "script") => text.push_str(SCRIPT),
            _ => text.push_str(piece),
        }
    }
    text
}

/// The first two levels, for browsers without scripts.
fn outline_without_script(tree: &Node) -> String {
    let mut text = String::from("<ul>");
    for child in children(tree) {
        text += &item(child);
        for inner in children(child) {
            text += &item(inner);
        }
    }
    text + "</ul>"
}

fn item(node: &Node) -> String {
    let common = node.common();
    let line = common.line.as_deref().unwrap_or_default();
    format!(
        "<li>{}: {}</li>",
        escape::html(&common.path),
        escape::html(line)
    )
}

/// The data of a page: tables of words that repeat, and a row for each node, parents before children.
#[derive(Serialize)]
pub struct Data<'t> {
    name: &'t str,
    revision: Option<&'t str>,
    date: Option<&'t str>,
    source: Option<&'t str>,
    models: Vec<&'t str>,
    languages: Vec<&'t str>,
    kinds: Vec<&'t str>,
    nodes: Vec<Value>,
}

/// When a file was last changed, by its path in the repository: the day's number since 1970.
pub type Changed<'c> = &'c dyn Fn(&str) -> Option<u64>;

/// The tree as the page's script reads it.
pub fn data<'t>(tree: &'t Node, origin: &'t Origin, changed: Changed<'_>) -> Data<'t> {
    let mut data = Data {
        name: &origin.name,
        revision: origin.revision.as_deref(),
        date: origin.date.as_deref(),
        source: origin.source.as_deref(),
        models: Vec::new(),
        languages: Vec::new(),
        kinds: Vec::new(),
        nodes: Vec::new(),
    };
    let mut open = vec![(tree, -1)];
    while let Some((node, parent)) = open.pop() {
        let index = data.nodes.len() as i64;
        let row = row(&mut data, node, parent, changed);
        data.nodes.push(row);
        open.extend(children(node).iter().rev().map(|child| (child, index)));
    }
    data
}

fn row<'t>(data: &mut Data<'t>, node: &'t Node, parent: i64, changed: Changed<'_>) -> Value {
    let common = node.common();
    if let Some(model) = common.model.as_deref() {
        position(&mut data.models, model);
    }
    let name = common.path.rsplit('/').next().unwrap_or_default();
    let summary = common.summary.as_deref().unwrap_or_default();
    let line = line_length(common, summary);
    match node {
        Node::File(file) => {
            let language = file.language.as_deref();
            let language = language.map_or(0, |name| position(&mut data.languages, name) + 1);
            let elements: Vec<Value> = file.elements.iter().map(|one| element(data, one)).collect();
            json!([
                parent,
                name,
                flags(common),
                summary,
                line,
                language,
                file.bytes,
                common.error,
                elements,
                changed(&common.path)
            ])
        }
        Node::Directory(directory) => json!([
            parent,
            name,
            flags(common) | DIRECTORY,
            summary,
            line,
            directory.files,
            directory.directories,
            common.error
        ]),
    }
}

fn element<'t>(data: &mut Data<'t>, element: &'t Element) -> Value {
    let kind = position(&mut data.kinds, &element.kind);
    let docs = element.docstring.as_deref().unwrap_or_default();
    let docs = docs.lines().map(str::trim).find(|line| !line.is_empty());
    let docs: String = docs.unwrap_or_default().chars().take(MAX_DOCS).collect();
    let (start, end) = (element.line_start, element.line_end);
    match docs.as_str() {
        "" => json!([kind, element.name, element.signature, start, end]),
        docs => json!([kind, element.name, element.signature, start, end, docs]),
    }
}

fn flags(common: &Common) -> u8 {
    let draft = if common.draft { DRAFT } else { 0 };
    draft
        + match common.freshness {
            Freshness::Fresh => 0,
            Freshness::Stale => 1,
            Freshness::Pending => 2,
            Freshness::Failed => 3,
            Freshness::Off => 4,
        }
}

/// The length of the summary's first sentence in UTF-16 units, as scripts count.
fn line_length(common: &Common, summary: &str) -> usize {
    let line = common.line.as_deref().unwrap_or_default();
    match summary.starts_with(line) {
        true => line.encode_utf16().count(),
        false => summary.encode_utf16().count(),
    }
}

fn position<'t>(words: &mut Vec<&'t str>, word: &'t str) -> usize {
    let found = words.iter().position(|known| *known == word);
    found.unwrap_or_else(|| {
        words.push(word);
        words.len() - 1
    })
}

fn children(node: &Node) -> &[Node] {
    match node {
        Node::File(_) => &[],
        Node::Directory(directory) => directory.children.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::client::fake;

    #[test]
    fn the_frame_is_filled_and_its_policy_names_script_and_style() {
        let page = html(
            &fake::tree(),
            &Origin {
                name: "a@data@<b>".to_owned(),
                ..Origin::default()
            },
            &|_| None,
        );
        let page = page.unwrap();
        assert!(
            page.contains("<title>a@data@&lt;b&gt;</title>"),
            "{}",
            &page[..900]
        );
        assert!(page.contains(&Policy::Alone.text()));
        assert!(!Policy::Alone.text().contains("connect-src"));
        assert!(page.contains("<li>src/a.py: Does a.</li>"));
        assert!(Policy::Served.text().contains("connect-src 'self'"));
        assert_eq!(FRAME.matches('@').count() % 2, 0);
    }

    #[test]
    fn rows_have_their_parents_first() {
        let tree = fake::tree();
        let origin = Origin::default();
        let data = serde_json::to_value(data(&tree, &origin, &|path| {
            (path == "main.py").then_some(9)
        }))
        .unwrap();
        assert_eq!(data["languages"], json!(["python"]));
        assert_eq!(data["kinds"], json!(["function"]));
        assert_eq!(
            data["nodes"],
            json!([
                [
                    -1,
                    "",
                    8,
                    "A small program. It has two parts.",
                    16,
                    2,
                    0,
                    null
                ],
                [
                    0,
                    "main.py",
                    0,
                    "Starts it. Nothing else.",
                    10,
                    1,
                    12,
                    null,
                    [[0, "run", "def run(x)", 3, 14]],
                    9
                ],
                [0, "src", 8, "The parts.", 10, 1, 0, null],
                [
                    2,
                    "a.py",
                    0,
                    "Does a.",
                    7,
                    1,
                    12,
                    null,
                    [[0, "run", "def run(x)", 3, 14]],
                    null
                ],
            ])
        );
    }
}
