//! The six tools: their descriptions, their arguments, and the way from a call to its answer.

mod changes;
mod nodes;
mod overview;
mod search;
mod status;
mod summaries;
mod tree;

use std::time::Duration;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use rmcp::service::{Peer, RoleServer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::arguments;
use super::page::Page;
use super::place::Place;
use crate::client::BROKEN;
use crate::wire::protocol::Problem;

/// The longest wait of a call in milliseconds: below the usual time-out of clients, which is 60 s.
const MAX_WAIT_MS: u64 = 50_000;
/// How long a call may take: clients give up after 60 s, and never see what comes later.
const PATIENCE: Duration = Duration::from_secs(55);
/// Pauses before a call is made again because the daemon ended.
const RETRIES: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(800),
];
/// Paths in one call.
const MAX_PATHS: usize = 50;

/// An answer, or why there is none.
type Answer = Result<Page, String>;

/// The tools, as they are listed.
pub fn all() -> Vec<Tool> {
    let max_tokens = |default: usize| {
        json!({"type": "integer", "minimum": 200, "maximum": 50_000, "default": default,
               "description": "Limits the answer; what is left out is named. Some clients refuse more than 25,000."})
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
             files and directories; `full` adds a file's outline with line numbers, or a directory's children. \
             `path:line` and `path:Symbol` give that definition.",
            json!({
                "paths": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_PATHS,
                          "examples": [["src/main.rs"]],
                          "description": "Paths in the repository, also path:line or path:Symbol; \"\" is the repository itself."},
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
                "path": {"type": "string", "default": "", "examples": ["src"],
                         "description": "The folder to begin with, in the repository."},
                "depth": {"type": "integer", "minimum": 1, "default": 2, "description": "Levels below it."},
                "max_tokens": max_tokens(2_500)
            }),
            &[],
        ),
        tool(
            "search",
            "Call this when you know what you look for and not where it is: a behaviour, a definition's name, a part \
             of a path. Gives the best files and directories with the reason, a line about each, and the lines of \
             matching definitions as path:line.",
            json!({
                "query": {"type": "string", "examples": ["retry after a time-out"],
                          "description": "A few words, or a name."},
                "path_glob": {"type": "string", "examples": ["src/**"],
                              "description": "Only paths that match, as in .gitignore: *.py, src/**"},
                "kind": {"type": "string", "enum": ["file", "directory", "symbol", "all"]},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
                "max_tokens": max_tokens(2_000)
            }),
            &["query"],
        ),
        tool(
            "list_changes",
            "Call this when you come back to a repository, or before a review, to learn what changed. Gives the files \
             that differ since a git revision or a time, and the summaries that this renewed or made stale. Without \
             `since`: the uncommitted changes.",
            json!({
                "since": {"type": "string", "examples": ["HEAD~3"],
                          "description": "A git revision (HEAD~3, main) or a time (2h, yesterday, 2026-01-31 13:00); without it, the uncommitted changes."},
                "max_tokens": max_tokens(2_000)
            }),
            &[],
        ),
        tool(
            "get_status",
            "Call this when an answer was marked stale or pending, or before you rely on summaries after many edits. \
             Can wait until all is fresh. Gives freshness, what is still to do, failures, and what was spent.",
            json!({
                "wait_fresh_ms": {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_MS, "default": 0,
                                  "description": "Waits at most so long for all to be fresh: 50,000 ms at most."},
                "max_tokens": max_tokens(2_000)
            }),
            &[],
        ),
    ]
}

/// Their names.
pub fn names() -> Vec<String> {
    all()
        .into_iter()
        .map(|tool| tool.name.into_owned())
        .collect()
}

fn tool(
    name: &'static str,
    description: &'static str,
    mut properties: Value,
    required: &[&str],
) -> Tool {
    properties["repository"] = json!({"type": "string", "examples": ["/home/me/project"],
        "description": "Another watched repository, by its folder; without it, the one you work in."});
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

/// The text of a tool's answer, and whether it is an error; `None`: there is no such tool.
pub async fn call(
    place: &Place,
    peer: &Peer<RoleServer>,
    name: &str,
    given: JsonObject,
) -> Option<(String, bool)> {
    let tool = meant(name)?;
    let ask = |given| async {
        let answer = answer(place, peer, &tool, given).await;
        answer.unwrap_or_else(|reason| (reason, true))
    };
    let attempts = async {
        for pause in RETRIES {
            let (text, failed) = ask(given.clone()).await;
            if !failed || !text.contains(BROKEN) {
                return (text, failed);
            }
            // The daemon ended within the call. The tools only read, so the call is made again with the next daemon;
            // one that is ending may still accept a connection.
            sleep(pause).await;
        }
        ask(given).await
    };
    Some(timeout(PATIENCE, attempts).await.unwrap_or_else(|_| {
        let seconds = PATIENCE.as_secs();
        let reason = format!(
            "there was no answer within {seconds} s: check the daemon with `epitome doctor`, or `epitome restart`"
        );
        (reason, true)
    }))
}

/// The tool of that name. Models give it back as their host shows it: `mcp__epitome__search`, `epitome.search`,
/// `getOverview`.
fn meant(name: &str) -> Option<Tool> {
    let snake = name.trim().replace('-', "_").to_ascii_lowercase();
    let letters = snake.replace('_', "");
    all().into_iter().find(|tool| {
        let is_prefixed = snake.strip_suffix(&*tool.name).is_some_and(|before| {
            before.is_empty() || before.ends_with(|c: char| !c.is_alphanumeric())
        });
        is_prefixed || letters == tool.name.replace('_', "")
    })
}

async fn answer(
    place: &Place,
    peer: &Peer<RoleServer>,
    tool: &Tool,
    given: JsonObject,
) -> Result<(String, bool), String> {
    let mut read = arguments::read(&tool.input_schema, given)?;
    let repository = read.values.remove("repository");
    let first = &read.values.get("paths").map_or_else(
        || read.values.get("path").cloned(),
        |paths| paths.get(0).cloned(),
    );
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let (repository, first) = (text(&repository), text(first));
    let mut session = place
        .session(peer, repository.as_deref(), first.as_deref())
        .await?;
    let values = Value::Object(read.values);
    let page = match &*tool.name {
        "get_overview" => overview::overview(&session, parse(values)?).await,
        "get_summary" => summaries::summaries(&session, parse(values)?).await,
        "list_tree" => tree::tree(&session, parse(values)?).await,
        "search" => search::search(&session, parse(values)?).await,
        "list_changes" => changes::list_changes(&session, parse(values)?).await,
        _ => status::status(&mut session, parse(values)?).await,
    }?;
    let mut notes = read.notes;
    notes.append(&mut session.notes);
    Ok(page.finish(&session.repository, &notes))
}

/// The arguments as the tool takes them. They fit the schema by now.
fn parse<T: DeserializeOwned>(values: Value) -> Result<T, String> {
    serde_json::from_value(values).map_err(|error| format!("the arguments do not fit: {error}"))
}

fn detail(problem: Problem) -> String {
    crate::wire::plain::clean(&problem.detail)
}

fn many_tokens() -> usize {
    2_500
}

fn some_tokens() -> usize {
    2_000
}
