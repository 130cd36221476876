//! The index through an in-memory daemon.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::client::fake::{self, Fake};
use crate::wire::protocol::{FailedNode, PROBLEM_NO_NODE, Problem};

const TEMPORARY: How = How {
    temporary: true,
    yes: false,
};
const KEPT: How = How {
    temporary: false,
    yes: false,
};

fn quiet() -> Progress {
    Progress::on_stderr()
}

#[tokio::test]
async fn what_was_watched_stays_watched() {
    let fake = Fake::new("/repo", fake::tree());
    let (indexed, known) = index(
        &fake,
        Path::new("/repo/src"),
        TEMPORARY,
        usize::MAX,
        &mut quiet(),
    )
    .await
    .unwrap();
    assert!(known);
    assert_eq!(
        indexed.tree,
        fake.node(Path::new("/repo/src"), 9).await.unwrap()
    );
    assert_eq!(fake.log(), ["wait Some(\"/repo/src\") None"]);
}

#[tokio::test]
async fn what_was_not_watched_is_removed_again() {
    let fake = Fake::new("/repo", fake::tree());
    let (indexed, known) = index(
        &fake,
        Path::new("/new"),
        TEMPORARY,
        usize::MAX,
        &mut quiet(),
    )
    .await
    .unwrap();
    assert!(!known);
    assert_eq!(indexed.tree.common().path, "");
    assert_eq!(
        fake.log(),
        [
            "watch \"/new\" false",
            "wait Some(\"/new\") None",
            "unwatch \"/new\""
        ]
    );
}

#[tokio::test]
async fn in_this_process_nothing_has_to_be_removed() {
    let fake = Fake::new("/repo", fake::tree());
    index(&fake, Path::new("/new"), KEPT, usize::MAX, &mut quiet())
        .await
        .unwrap();
    assert_eq!(
        fake.log(),
        ["watch \"/new\" false", "wait Some(\"/new\") None"]
    );
}

#[tokio::test]
async fn a_failure_on_the_way_removes_it_too() {
    let fake = Fake::new("/repo", fake::tree());
    fake.world.lock().unwrap().refusal = Some(Problem::new(PROBLEM_NO_NODE, "gone"));
    let result = index(
        &fake,
        Path::new("/new"),
        TEMPORARY,
        usize::MAX,
        &mut quiet(),
    )
    .await;
    assert_eq!(result.err(), Some(Failure::Failed("gone".to_owned())));
    assert_eq!(fake.log().last().unwrap(), "unwatch \"/new\"");
}

#[test]
fn progress_begins_with_the_time_left() {
    let mut repository = fake::repository("/repo");
    repository.state = RepositoryState::Scanning;
    assert_eq!(progress::line(&repository, &[], 0), "scanning");
    repository.state = RepositoryState::Summarizing;
    assert_eq!(progress::line(&repository, &[], 0), "almost done");
    repository.progress.done = 120;
    repository.progress.to_summarize = 99;
    repository.progress.seconds_left = Some(12.2);
    assert_eq!(
        progress::line(&repository, &[], 3),
        "12 s left, 120 of 219 summarized, 3 requests in flight"
    );
    repository.progress.to_read = 1;
    repository.progress.seconds_left = None;
    repository.state = RepositoryState::Paused;
    repository.notes = vec!["the day's budget is spent".to_owned()];
    assert_eq!(
        progress::line(&repository, &[], 0),
        "paused: the day's budget is spent, 120 of 219 summarized, 1 file to read"
    );
    repository.notes.clear();
    let down = ["cannot connect".to_owned()];
    let line = progress::line(&repository, &down, 0);
    assert!(line.starts_with("paused: cannot connect, "), "{line}");
}

#[test]
fn an_endpoint_that_was_never_reached_is_given_up_and_no_other() {
    let mut status = fake::status(vec![fake::repository("/repo")]);
    status.repositories[0].state = RepositoryState::Paused;
    status.notes = vec!["cannot connect".to_owned()];
    status.requests.sent = 3;
    let given_up = |status: &Status, sent, seconds| {
        hopeless(
            status,
            Path::new("/repo"),
            sent,
            Duration::from_secs(seconds),
        )
    };
    let reason = given_up(&status, 3, 31);
    assert_eq!(
        reason.as_deref(),
        Some("given up after 31 s: cannot connect")
    );
    assert_eq!(given_up(&status, 3, 29), None);
    assert_eq!(given_up(&status, 2, 3_000), None);
    status.repositories[0].state = RepositoryState::Summarizing;
    assert_eq!(given_up(&status, 3, 3_000), None);
}

#[test]
fn the_innermost_repository_counts() {
    let all = ["/a", "/a/b", "/ab"].map(fake::repository);
    let status = fake::status(all.to_vec());
    let found = |path: &str| repository_of(&status, Path::new(path)).map(|r| r.path.as_str());
    assert_eq!(found("/a/b/c"), Some("/a/b"));
    assert_eq!(found("/a/bc"), Some("/a"));
    assert_eq!(found("/abc"), None);
}

fn indexed() -> Indexed {
    Indexed {
        tree: fake::tree(),
        waited: WaitOutcome::default(),
        seconds: 3.12,
        used: Requests::default(),
        repository: Some(fake::repository("/repo")),
        notes: Vec::new(),
        shared: 0,
        paid: false,
    }
}

#[test]
fn the_last_line_has_requests_tokens_and_cost_if_there_were_any() {
    let mut indexed = indexed();
    assert_eq!(summary_line(&indexed), "2 files and 0 folders in 3.1 s");
    let before = Requests {
        sent: 10,
        cost: Some(0.5),
        ..Requests::default()
    };
    let after = Requests {
        sent: 11,
        prompt_tokens: 1_258_000,
        completion_tokens: 8_300,
        cost: Some(0.75),
        ..Requests::default()
    };
    indexed.used = difference(&before, &after);
    assert_eq!(
        summary_line(&indexed),
        "2 files and 0 folders in 3.1 s · 1 request · 1.26 M input + 8.3 k output tokens · cost 0.2500"
    );
}

#[test]
fn what_was_not_summarized_or_not_read_is_a_failure() {
    let mut indexed = indexed();
    let path = Path::new("/repo");
    assert_eq!(report(&indexed, path, false), Ok(()));
    if let Some(repository) = &mut indexed.repository {
        repository.unreadable = vec!["locked: Permission denied".to_owned()];
    }
    let unread = Failure::Failed("1 folder could not be read".to_owned());
    assert_eq!(report(&indexed, path, false), Err(unread));
    indexed.waited.failed = vec![FailedNode {
        path: "/repo/x".to_owned(),
        error: "no".to_owned(),
    }];
    let failed = Failure::Failed("1 file or folder could not be summarized".to_owned());
    assert_eq!(report(&indexed, path, false), Err(failed));
}

#[test]
fn costs_are_printed_with_and_without_a_price() {
    let mut estimate = crate::wire::estimate::Estimate {
        model: "gpt-4o-mini".to_owned(),
        files: 188,
        directories: 31,
        requests: 219,
        prompt_tokens: 1_258_166,
        completion_tokens: 21_900,
        price: Some(0.031),
        ..Default::default()
    };
    assert_eq!(
        cost::table(&estimate),
        "\
188 files, 30 folders
219 requests to gpt-4o-mini
~1.26 M input + 22 k output tokens
≈ 0.0310 (prices from the configuration)
"
    );
    (estimate.price_with_batch, estimate.listed) = (Some(0.0165), true);
    assert_eq!(
        cost::line(&estimate),
        "first index: 219 requests to gpt-4o-mini, ~1.26 M input + 22 k output tokens; ≈ $0.0310 (list prices of \
         2025, may be out of date; 0.0165 with batch = \"auto\")"
    );
    (estimate.price, estimate.batched) = (Some(0.0165), 188);
    let text = cost::table(&estimate);
    assert!(
        text.contains("gpt-4o-mini, 188 of them in batches\n"),
        "{text}"
    );
    estimate.price = None;
    assert!(cost::table(&estimate).contains("price unknown: set openai.price_per_million_input"));
}
