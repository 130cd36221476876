//! The six tools: their descriptions, their arguments, their answers.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::changes::{self, Change, Since};
use super::page::{Page, line_about, mark, tokens};
use super::{Place, Session};
use crate::wire::access::Access;
use crate::wire::protocol::{Node, PROBLEM_TIMEOUT, Problem};
use crate::wire::search::{HitKind, Search};

/// Files that people begin to read with, by their names.
const ENTRY_POINTS: [&str; 22] = [
    "main.py",
    "__main__.py",
    "app.py",
    "cli.py",
    "manage.py",
    "wsgi.py",
    "asgi.py",
    "main.rs",
    "lib.rs",
    "main.go",
    "main.c",
    "main.cpp",
    "Main.java",
    "index.js",
    "index.ts",
    "main.ts",
    "server.js",
    "server.ts",
    "Makefile",
    "Dockerfile",
    "README.md",
    "README.rst",
];
/// How deep entry points are looked for.
const ENTRY_DEPTH: usize = 4;
/// Entry points named.
const MOST_ENTRIES: usize = 12;
/// Milliseconds that a call may wait for freshness.
const LONGEST_WAIT_MS: u64 = 60_000;
/// Paths in one call.
const MOST_PATHS: usize = 50;

/// An answer, or what went wrong.
type Answer = Result<String, String>;

/// The tools, as they are listed.
pub fn all() -> Vec<Tool> {
    let max_tokens = |default: usize| {
        json!({"type": "integer", "minimum": 200, "maximum": 50_000, "default": default,
               "description": "Bounds the answer; what is left out is named."})
    };
    vec![
        tool(
            "get_overview",
            "Call this first in a repository you do not know yet. Gives the summary of the whole repository, its top \
             folders with a line each, and the files to begin with.",
            json!({"max_tokens": max_tokens(1_500)}),
            &[],
        ),
        tool(
            "get_summary",
            "Call this before you open a file or look through a folder, to learn what it is for. Gives the summary of \
             files and directories; `full` adds a file's outline with line numbers, or a directory's children.",
            json!({
                "paths": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_PATHS,
                          "description": "Paths in the repository; \"\" is the repository itself."},
                "detail": {"type": "string", "enum": ["line", "short", "full"], "default": "short",
                           "description": "line: a sentence; short: the summary; full: and what is in it."},
                "max_tokens": max_tokens(2_500)
            }),
            &["paths"],
        ),
        tool(
            "list_tree",
            "Call this to see how a repository or a folder is laid out. Gives the tree with a line about each file \
             and directory.",
            json!({
                "path": {"type": "string", "default": "", "description": "Where to begin, in the repository."},
                "depth": {"type": "integer", "minimum": 1, "default": 2, "description": "Levels below it."},
                "max_tokens": max_tokens(2_500)
            }),
            &[],
        ),
        tool(
            "search",
            "Call this when you know what you look for and not where it is: a behaviour, a definition's name, a part \
             of a path. Gives the best files and directories with the reason, a line about each, and the lines of \
             matching definitions.",
            json!({
                "query": {"type": "string", "description": "A few words, or a name."},
                "path_glob": {"type": "string", "description": "Only paths that match, as in .gitignore: *.py, src/**"},
                "kind": {"type": "string", "enum": ["file", "directory"]},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
                "max_tokens": max_tokens(2_000)
            }),
            &["query"],
        ),
        tool(
            "list_changes",
            "Call this when you come back to a repository, or before a review, to learn what changed. Gives the files \
             that differ since a git revision or a time, and the summaries that this renewed or made stale.",
            json!({
                "since": {"type": "string", "description": "A git revision (HEAD~3, main) or a time (2h, 3 days, 2026-01-31)."},
                "max_tokens": max_tokens(2_000)
            }),
            &["since"],
        ),
        tool(
            "get_status",
            "Call this when an answer was marked stale or pending, or before you rely on summaries after many edits. \
             Can wait until all is fresh. Gives freshness, what is still to do, failures, and what was spent.",
            json!({
                "wait_fresh_ms": {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT_MS, "default": 0,
                                  "description": "Waits at most so long for all to be fresh."}
            }),
            &[],
        ),
    ]
}

fn tool(
    name: &'static str,
    description: &'static str,
    properties: Value,
    required: &[&str],
) -> Tool {
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties);
    schema.insert("required".to_owned(), json!(required));
    schema.insert("additionalProperties".to_owned(), false.into());
    let annotations = ToolAnnotations::new()
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(name, description, schema).with_annotations(annotations)
}

/// What a tool answers; `None`: there is none of that name.
pub async fn call(place: &Place, name: &str, arguments: JsonObject) -> Option<Answer> {
    Some(match name {
        "get_overview" => answer(place, arguments, overview).await,
        "get_summary" => answer(place, arguments, summaries).await,
        "list_tree" => answer(place, arguments, tree).await,
        "search" => answer(place, arguments, search).await,
        "list_changes" => answer(place, arguments, list_changes).await,
        "get_status" => answer(place, arguments, status).await,
        _ => return None,
    })
}

async fn answer<T: DeserializeOwned>(
    place: &Place,
    arguments: JsonObject,
    tool: impl AsyncFnOnce(Session, T) -> Answer,
) -> Answer {
    let arguments = serde_json::from_value(Value::Object(arguments))
        .map_err(|error| format!("the arguments do not fit: {error}"))?;
    let session = place.session().await.map_err(told)?;
    tool(session, arguments).await
}

fn told(problem: Problem) -> String {
    problem.detail
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Overview {
    max_tokens: usize,
}

impl Default for Overview {
    fn default() -> Self {
        Self { max_tokens: 1_500 }
    }
}

async fn overview(session: Session, arguments: Overview) -> Answer {
    let root = session.path("");
    let node = session
        .client
        .node(&root, ENTRY_DEPTH)
        .await
        .map_err(told)?;
    let mut page = Page::new(arguments.max_tokens);
    page.line(&format!("# {}{}", session.repository.path, facts(&node)));
    words(&mut page, &node, "get_summary with paths [\"\"]");
    let children = children(&node);
    let entries = entry_points(&node);
    // Half of the room for folders at most, if there are entry points to be named.
    page.line("\n## Top folders and files");
    let mut more = 0;
    for child in children {
        let reserve = if entries.is_empty() {
            0
        } else {
            30 * entries.len().min(4)
        };
        let line = entry(child, "");
        if !page.has(tokens(&line) + reserve) || !page.line(&line) {
            more += 1;
        }
    }
    if more > 0 {
        page.leave_out(format!("{more} entries of the top folder (list_tree)"));
    }
    if !entries.is_empty() {
        page.line("\n## Entry points");
        let fits = entries
            .iter()
            .take_while(|node| {
                page.line(&format!(
                    "{}{}",
                    node.common().path,
                    line_about(node.common())
                ))
            })
            .count();
        if fits < entries.len() {
            page.leave_out(format!("{} entry points", entries.len() - fits));
        }
    }
    Ok(page.finish(&session.repository))
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Detail {
    Line,
    #[default]
    Short,
    Full,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Summaries {
    paths: Vec<String>,
    #[serde(default)]
    detail: Detail,
    #[serde(default = "much")]
    max_tokens: usize,
}

fn much() -> usize {
    2_500
}

async fn summaries(session: Session, arguments: Summaries) -> Answer {
    if arguments.paths.is_empty() || arguments.paths.len() > MOST_PATHS {
        return Err(format!(
            "paths must name 1 to {MOST_PATHS} files or directories"
        ));
    }
    let mut page = Page::new(arguments.max_tokens);
    let mut unknown = 0;
    for (at, path) in arguments.paths.iter().enumerate() {
        if !page.has(30) {
            page.leave_out(format!(
                "{} of the paths (ask for fewer)",
                arguments.paths.len() - at
            ));
            break;
        }
        let node = match session.client.node(&session.path(path), 1).await {
            Ok(node) => node,
            Err(problem) => {
                page.line(&format!("{path}: {}", problem.detail));
                unknown += 1;
                continue;
            }
        };
        let name = shown(&node);
        if arguments.detail == Detail::Line {
            page.line(&format!("{name}{}", line_about(node.common())));
            continue;
        }
        page.line(&format!(
            "# {name}{}{}",
            facts(&node),
            mark(node.common().freshness)
        ));
        words(
            &mut page,
            &node,
            &format!("the rest of the summary of {name}"),
        );
        if arguments.detail == Detail::Full {
            contents(&mut page, &node, &name);
        }
        page.line("");
    }
    match unknown == arguments.paths.len() {
        true => Err(page.finish(&session.repository)),
        false => Ok(page.finish(&session.repository)),
    }
}

/// A file's outline or a directory's children, as far as they fit.
fn contents(page: &mut Page, node: &Node, name: &str) {
    let lines: Vec<String> = match node {
        Node::File(file) => file
            .elements
            .iter()
            .map(|element| {
                let signature = match element.signature.is_empty() {
                    true => &element.qualified_name,
                    false => &element.signature,
                };
                let depth = element.qualified_name.matches(['.', ':']).count().min(8);
                format!(
                    "{}-{} {}{signature}",
                    element.line_start,
                    element.line_end,
                    " ".repeat(depth)
                )
            })
            .collect(),
        Node::Directory(_) => children(node)
            .iter()
            .map(|child| entry(child, ""))
            .collect(),
    };
    let fits = lines.iter().take_while(|line| page.line(line)).count();
    if fits < lines.len() {
        page.leave_out(format!(
            "{} lines about what is in {name}",
            lines.len() - fits
        ));
    }
    if let Node::Directory(directory) = node
        && !directory.left_out.is_empty()
    {
        page.line(&format!(
            "(written without {})",
            directory.left_out.join(", ")
        ));
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tree {
    #[serde(default)]
    path: String,
    #[serde(default = "two")]
    depth: usize,
    #[serde(default = "much")]
    max_tokens: usize,
}

fn two() -> usize {
    2
}

async fn tree(session: Session, arguments: Tree) -> Answer {
    let top = session
        .client
        .node(&session.path(&arguments.path), arguments.depth)
        .await
        .map_err(told)?;
    let mut page = Page::new(arguments.max_tokens);
    page.line(&format!("{}{}", shown(&top), line_about(top.common())));
    // Level by level, so that what does not fit is what lies deepest.
    let mut fits: BTreeSet<&str> = BTreeSet::new();
    let mut folded = Vec::new();
    let mut level = VecDeque::from([&top]);
    let mut room = arguments.max_tokens.clamp(200, 50_000) - 150;
    while let Some(node) = level.pop_front() {
        let children = children(node);
        for child in children {
            // Indented at most as deep as trees usually are; one that is deeper takes less of itself.
            let cost = tokens(&entry(child, &" ".repeat(8)));
            if cost > room {
                folded.push((node, 1));
                continue;
            }
            room -= cost;
            fits.insert(&child.common().path);
            level.push_back(child);
        }
    }
    let mut open: Vec<(&Node, usize)> = children(&top)
        .iter()
        .rev()
        .map(|child| (child, 1))
        .collect();
    let mut dropped = 0;
    while let Some((node, depth)) = open.pop() {
        if !fits.contains(node.common().path.as_str()) {
            continue;
        }
        if !page.line(&entry(node, &"  ".repeat(depth - 1))) {
            dropped += 1;
            continue;
        }
        open.extend(children(node).iter().rev().map(|child| (child, depth + 1)));
    }
    let entries = dropped + folded.iter().map(|(_, many)| many).sum::<usize>();
    if entries > 0 {
        let mut names: Vec<String> = folded.iter().map(|(node, _)| shown(node)).collect();
        names.dedup();
        names.truncate(4);
        page.leave_out(format!(
            "{entries} entries in {} and others (list_tree with that path, or more max_tokens)",
            names.join(", ")
        ));
    }
    Ok(page.finish(&session.repository))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Searching {
    query: String,
    #[serde(default)]
    path_glob: Option<String>,
    #[serde(default)]
    kind: Option<HitKind>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default = "medium")]
    max_tokens: usize,
}

fn medium() -> usize {
    2_000
}

async fn search(session: Session, arguments: Searching) -> Answer {
    let search = Search {
        query: arguments.query,
        path: Some(session.path("")),
        glob: arguments.path_glob,
        kind: arguments.kind,
        limit: arguments.limit,
    };
    let found = session.client.search(&search).await.map_err(told)?;
    let mut page = Page::new(arguments.max_tokens);
    if found.hits.is_empty() {
        page.line("Nothing answers that; fewer or other words may find more.");
    }
    let mut shown = 0;
    for hit in &found.hits {
        let slash = if hit.kind == HitKind::Directory {
            "/"
        } else {
            ""
        };
        let mut lines = vec![format!(
            "{}{slash}  (score {}){}",
            hit.path,
            hit.score,
            mark(hit.freshness)
        )];
        lines.extend(hit.line.iter().map(|line| format!("  {line}")));
        lines.extend(hit.elements.iter().map(|element| {
            format!(
                "  {}-{} {} {}",
                element.line_start, element.line_end, element.kind, element.qualified_name
            )
        }));
        lines.push(format!("  why: {}", hit.reason));
        if !page.line(&lines.join("\n")) {
            break;
        }
        shown += 1;
    }
    if shown < found.total {
        page.leave_out(format!(
            "{} more hits (limit, max_tokens)",
            found.total - shown
        ));
    }
    Ok(page.finish(&session.repository))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    since: String,
    #[serde(default = "medium")]
    max_tokens: usize,
}

async fn list_changes(session: Session, arguments: Changes) -> Answer {
    let since = Since::parse(&arguments.since, SystemTime::now())?;
    let root = session.path("");
    let tree = session.client.node(&root, usize::MAX).await.map_err(told)?;
    let by_time = matches!(since, Since::Time(_));
    let (tree, changes) = tokio::task::spawn_blocking(move || {
        let changes = changes::since(&root, &tree, &since);
        changes.map(|changes| (tree, changes))
    })
    .await
    .map_err(|_| "an internal error; the log may tell more".to_owned())??;
    let mut page = Page::new(arguments.max_tokens);
    page.line(&format!(
        "{} files changed since {}.",
        changes.len(),
        arguments.since.trim()
    ));
    let mut above: BTreeSet<String> = BTreeSet::new();
    let mut untold = 0;
    for (path, change) in &changes {
        above.extend(
            Path::new(path)
                .ancestors()
                .skip(1)
                .map(|folder| folder.to_string_lossy().into_owned()),
        );
        let about = match (change, find(&tree, path)) {
            (Change::Deleted, _) | (_, None) => String::new(),
            (_, Some(node)) => line_about(node.common()),
        };
        untold += usize::from(!page.line(&format!("{} {path}{about}", change.word())));
    }
    if !changes.is_empty() {
        page.line("\nDirectories above them, whose summaries follow:");
    }
    for path in &above {
        if let Some(node) = find(&tree, path) {
            untold +=
                usize::from(!page.line(&format!("{}{}", shown(node), line_about(node.common()))));
        }
    }
    if untold > 0 {
        page.leave_out(format!("{untold} lines (more max_tokens)"));
    }
    if by_time {
        page.leave_out("files deleted since then (give a git revision to see them)");
    }
    Ok(page.finish(&session.repository))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StatusArguments {
    wait_fresh_ms: u64,
}

async fn status(mut session: Session, arguments: StatusArguments) -> Answer {
    let root = session.path("");
    let mut failed = Vec::new();
    let mut late = None;
    if arguments.wait_fresh_ms > 0 {
        let patience = Duration::from_millis(arguments.wait_fresh_ms.min(LONGEST_WAIT_MS));
        match session.client.wait(Some(&root), Some(patience)).await {
            Ok(waited) => failed = waited.failed,
            Err(problem) if problem.kind == PROBLEM_TIMEOUT => late = Some(problem.detail),
            Err(problem) => return Err(problem.detail),
        }
        session.status = session.client.status().await.map_err(told)?;
        let path = &session.repository.path;
        let again = session
            .status
            .repositories
            .iter()
            .find(|one| one.path == *path);
        session.repository = again.cloned().unwrap_or(session.repository);
    }
    let (one, requests) = (&session.repository, &session.status.requests);
    let mut page = Page::new(2_000);
    let state = serde_json::to_value(one.state).unwrap_or_default();
    page.line(&format!(
        "{}: {}",
        one.path,
        state.as_str().unwrap_or_default()
    ));
    page.line(&format!(
        "{} files, {} directories",
        one.files, one.directories
    ));
    page.line(&format!(
        "queue: {} to read, {} to summarize",
        one.progress.to_read, one.progress.to_summarize
    ));
    if let Some(seconds) = one.progress.seconds_left {
        page.line(&format!("about {seconds:.0} s left"));
    }
    if let Some(late) = late {
        page.line(&late);
    }
    page.line(&format!("failures: {}", one.failed));
    for node in &failed {
        page.line(&format!("  {}: {}", node.path, node.error));
    }
    let model = session.status.model.as_deref().unwrap_or("none (offline)");
    page.line(&format!(
        "spent today: {} requests, {} tokens; model: {model}",
        requests.today, requests.tokens_today
    ));
    for note in session.status.notes.iter().chain(&one.notes) {
        page.line(&format!("note: {note}"));
    }
    Ok(page.finish(one))
}

fn children(node: &Node) -> &[Node] {
    match node {
        Node::File(_) => &[],
        Node::Directory(directory) => directory.children.as_deref().unwrap_or_default(),
    }
}

/// The node at a path in the tree.
fn find<'n>(tree: &'n Node, path: &str) -> Option<&'n Node> {
    let mut node = tree;
    while node.common().path != path {
        let next = children(node).iter().find(|child| {
            let here = child.common().path.as_str();
            path == here
                || path
                    .strip_prefix(here)
                    .is_some_and(|rest| rest.starts_with('/'))
        });
        node = next?;
    }
    Some(node)
}

/// The path in the repository, with a `/` after a directory's.
fn shown(node: &Node) -> String {
    let path = &node.common().path;
    match node {
        Node::File(_) => path.clone(),
        Node::Directory(_) if path.is_empty() => "./".to_owned(),
        Node::Directory(_) => format!("{path}/"),
    }
}

/// A child in its folder: its own name and a line about it.
fn entry(node: &Node, indent: &str) -> String {
    let path = &node.common().path;
    let name = path.rsplit('/').next().unwrap_or_default();
    let slash = if matches!(node, Node::Directory(_)) {
        "/"
    } else {
        ""
    };
    format!("{indent}{name}{slash}{}", line_about(node.common()))
}

/// Size and kind, in brackets, with a space before.
fn facts(node: &Node) -> String {
    match node {
        Node::File(file) => {
            let language = file.language.as_deref().unwrap_or("no known language");
            format!(" ({language}, {} bytes)", file.bytes)
        }
        Node::Directory(directory) => {
            format!(
                " ({} files, {} directories)",
                directory.files, directory.directories
            )
        }
    }
}

/// The summary, or its first sentence where there is no room for all of it.
fn words(page: &mut Page, node: &Node, rest: &str) {
    let common = node.common();
    if let Some(error) = &common.error {
        page.line(&format!("! {error}"));
    }
    let Some(summary) = &common.summary else {
        page.line("(no summary yet)");
        return;
    };
    if !page.line(summary) {
        page.line(common.line.as_deref().unwrap_or_default());
        page.leave_out(rest);
    }
}

/// Files to begin with, the highest first.
fn entry_points(top: &Node) -> Vec<&Node> {
    let mut found = Vec::new();
    let mut level = VecDeque::from([top]);
    while let Some(node) = level.pop_front() {
        level.extend(children(node));
        let name = node.common().path.rsplit('/').next().unwrap_or_default();
        let is_file = matches!(node, Node::File(_));
        if is_file && ENTRY_POINTS.contains(&name) && found.len() < MOST_ENTRIES {
            found.push(node);
        }
    }
    found
}
