//! `get_status`: how fresh the summaries are, what is still to do, what was spent.

use std::time::Duration;

use serde::Deserialize;

use super::super::page::{Page, count};
use super::super::place::Session;
use super::{Answer, MAX_WAIT_MS, detail, some_tokens};
use crate::wire::access::Access;
use crate::wire::plain::{clean, name, one_line};
use crate::wire::protocol::PROBLEM_TIMEOUT;
use crate::wire::usage::BudgetStatus;

#[derive(Deserialize)]
pub(super) struct StatusArguments {
    #[serde(default)]
    wait_fresh_ms: u64,
    #[serde(default = "some_tokens")]
    max_tokens: usize,
}

pub(super) async fn status(session: &mut Session, arguments: StatusArguments) -> Answer {
    let root = session.target("")?.path;
    let mut failed = Vec::new();
    let mut late = None;
    if arguments.wait_fresh_ms > 0 {
        // What the call spent on the start and the first scan counts.
        let left = Duration::from_millis(MAX_WAIT_MS).saturating_sub(session.begun.elapsed());
        let patience = Duration::from_millis(arguments.wait_fresh_ms).min(left);
        let waited = tokio::select! {
            waited = session.client.wait(Some(&root), Some(patience)) => Some(waited),
            () = session.closing() => None,
        };
        match waited {
            None => late = Some("not waited for: standard input ended".to_owned()),
            Some(Ok(waited)) => failed = waited.failed,
            Some(Err(problem)) if problem.kind == PROBLEM_TIMEOUT => {
                let seconds = (patience.as_secs_f64() * 10.0).round() / 10.0;
                late = Some(format!("waited {seconds} s: {}", clean(&problem.detail)));
            }
            Some(Err(problem)) => return Err(detail(problem)),
        }
        session.status = session.client.status().await.map_err(detail)?;
        let path = &session.repository.path;
        let again = session
            .status
            .repositories
            .iter()
            .find(|one| one.path == *path);
        session.repository = again.cloned().unwrap_or(session.repository.clone());
    }
    let (one, requests) = (&session.repository, &session.status.requests);
    let mut page = Page::new(arguments.max_tokens);
    let state = serde_json::to_value(one.state).unwrap_or_default();
    page.line(&format!(
        "{}: {}",
        clean(&one.path),
        state.as_str().unwrap_or_default()
    ));
    page.line(&format!(
        "{}, {}",
        count(one.files, "file", "files"),
        // As everywhere, without the root itself.
        count(
            one.directories.saturating_sub(1),
            "directory",
            "directories"
        )
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
        "spent today: {} requests, {} tokens; model: {}",
        requests.today,
        requests.tokens_today,
        clean(model)
    ));
    if let Some(budget) = &session.status.budget {
        page.line(&spent(budget));
    }
    if let Some(daemon) = &session.status.daemon {
        page.line(&format!(
            "daemon: version {}, configuration {}, store {}, key {}",
            clean(&session.status.version),
            clean(&daemon.config),
            clean(&daemon.data_dir),
            clean(&daemon.key)
        ));
    }
    session.notes.extend(session.other_places());
    // What may be long comes last.
    let others = session
        .status
        .repositories
        .iter()
        .filter(|other| other.path != one.path);
    let others = others.map(|other| format!("also watched: {}", clean(&other.path)));
    let notes = session.status.notes.iter().chain(&one.notes);
    let notes = notes.map(|note| format!("note: {}", one_line(note)));
    let failures = failed.iter().map(|node| {
        format!(
            "no summary: {}: {}",
            name(&node.path),
            one_line(&node.error)
        )
    });
    let unreported = notes
        .chain(failures)
        .chain(others)
        .filter(|line| !page.line(line))
        .count();
    if unreported > 0 {
        page.leave_out(format!(
            "{} (more max_tokens)",
            count(unreported as u64, "line", "lines")
        ));
    }
    Ok(page)
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
        true => "spent: requests paused until",
        false => "until",
    };
    format!(
        "budget of the day: {}, {then} {}",
        parts.join(", "),
        budget.until
    )
}
