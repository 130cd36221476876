//! `get_status`: how much can be relied on, what is still to do, what was spent.

use std::time::Duration;

use serde::Deserialize;

use super::super::Session;
use super::super::page::{Page, count};
use super::{Answer, LONGEST_WAIT_MS, medium, told};
use crate::wire::access::Access;
use crate::wire::protocol::PROBLEM_TIMEOUT;
use crate::wire::usage::BudgetStatus;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusArguments {
    #[serde(default)]
    wait_fresh_ms: u64,
    #[serde(default = "medium")]
    max_tokens: usize,
}

pub(super) async fn status(mut session: Session, arguments: StatusArguments) -> Answer {
    let root = session.path("");
    let mut failed = Vec::new();
    let mut late = None;
    if arguments.wait_fresh_ms > 0 {
        let patience = Duration::from_millis(arguments.wait_fresh_ms.min(LONGEST_WAIT_MS));
        let waited = tokio::select! {
            waited = session.client.wait(Some(&root), Some(patience)) => Some(waited),
            // Nobody will ask again: what is known now is the answer.
            () = session.closing() => None,
        };
        match waited {
            None => late = Some("not waited for: standard input ended".to_owned()),
            Some(Ok(waited)) => failed = waited.failed,
            Some(Err(problem)) if problem.kind == PROBLEM_TIMEOUT => late = Some(problem.detail),
            Some(Err(problem)) => return Err(problem.detail),
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
    let mut page = Page::new(arguments.max_tokens);
    let state = serde_json::to_value(one.state).unwrap_or_default();
    page.line(&format!(
        "{}: {}",
        one.path,
        state.as_str().unwrap_or_default()
    ));
    page.line(&format!(
        "{}, {}",
        count(one.files, "file", "files"),
        count(one.directories, "directory", "directories")
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
    let model = session.status.model.as_deref().unwrap_or("none (offline)");
    page.line(&format!(
        "spent today: {} requests, {} tokens; model: {model}",
        requests.today, requests.tokens_today
    ));
    if let Some(budget) = &session.status.budget {
        page.line(&spent(budget));
    }
    // What may be much comes last.
    let notes = session.status.notes.iter().chain(&one.notes);
    let notes = notes.map(|note| format!("note: {note}"));
    let failures = failed
        .iter()
        .map(|node| format!("no summary: {}: {}", node.path, node.error));
    let unreported = notes
        .chain(failures)
        .filter(|line| !page.line(line))
        .count();
    if unreported > 0 {
        page.leave_out(format!(
            "{} (more max_tokens)",
            count(unreported as u64, "line", "lines")
        ));
    }
    Ok(page.finish(one))
}

/// `budget of the day: 5 of 100 requests, until 2026-02-01T00:00:00Z`
fn spent(budget: &BudgetStatus) -> String {
    let mut parts = Vec::new();
    if budget.max_requests > 0 {
        let (used, most) = (budget.requests, budget.max_requests);
        parts.push(format!("{used} of {most} requests"));
    }
    if budget.max_tokens > 0 {
        let (used, most) = (budget.tokens, budget.max_tokens);
        parts.push(format!("{used} of {most} tokens"));
    }
    if budget.max_cost > 0.0 {
        let (used, most) = (budget.cost, budget.max_cost);
        parts.push(format!("{used:.4} of {most:.4} in money"));
    }
    let then = match budget.spent {
        true => "spent: nothing more is asked until",
        false => "until",
    };
    format!(
        "budget of the day: {}, {then} {}",
        parts.join(", "),
        budget.until
    )
}
