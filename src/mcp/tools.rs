//! The six tools: their descriptions and their arguments; each answers in a file of its own.

mod changes;
mod nodes;
mod overview;
mod search;
mod status;
mod summaries;
mod tree;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Place, Session};
use crate::wire::protocol::Problem;

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
                "kind": {"type": "string", "enum": ["file", "directory", "symbol", "all"]},
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
                                  "description": "Waits at most so long for all to be fresh."},
                "max_tokens": max_tokens(2_000)
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
        "get_overview" => answer(place, arguments, overview::overview).await,
        "get_summary" => answer(place, arguments, summaries::summaries).await,
        "list_tree" => answer(place, arguments, tree::tree).await,
        "search" => answer(place, arguments, search::search).await,
        "list_changes" => answer(place, arguments, changes::list_changes).await,
        "get_status" => answer(place, arguments, status::status).await,
        _ => return None,
    })
}

async fn answer<T: DeserializeOwned>(
    place: &Place,
    arguments: JsonObject,
    tool: impl AsyncFnOnce(Session, T) -> Answer,
) -> Answer {
    // Some clients send null for what is not said.
    let said = arguments.into_iter().filter(|(_, value)| !value.is_null());
    let said: JsonObject = said.collect();
    let arguments = read(&said).map_err(|error| {
        // The one whose absence changes what is wrong is the one that is wrong.
        let about = said.keys().find(|name| {
            let mut others = said.clone();
            others.remove(*name);
            read::<T>(&others).err().as_ref() != Some(&error)
        });
        let about = about.map_or(String::new(), |name| format!("{name}: "));
        // Whoever reads this knows JSON, and not this program's types.
        let error = error.replace("a sequence", "an array");
        let error = ["usize", "u64"].iter().fold(error, |error, kind| {
            error.replace(
                &format!("expected {kind}"),
                "expected a whole number, 0 or more",
            )
        });
        format!("the arguments do not fit: {about}{error}")
    })?;
    let session = place.session().await.map_err(told)?;
    tool(session, arguments).await
}

fn read<T: DeserializeOwned>(arguments: &JsonObject) -> Result<T, String> {
    serde_json::from_value(Value::Object(arguments.clone())).map_err(|error| error.to_string())
}

fn told(problem: Problem) -> String {
    problem.detail
}

fn much() -> usize {
    2_500
}

fn medium() -> usize {
    2_000
}
