//! `get_status`: how much can be relied on, what is still to do, what was spent.

use std::time::Duration;

use serde::Deserialize;

use super::super::Session;
use super::super::page::Page;
use super::{Answer, LONGEST_WAIT_MS, told};
use crate::wire::access::Access;
use crate::wire::protocol::PROBLEM_TIMEOUT;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StatusArguments {
    wait_fresh_ms: u64,
}

pub(super) async fn status(mut session: Session, arguments: StatusArguments) -> Answer {
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
