//! The index through a made daemon.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::client::fake::{self, Fake};
use crate::wire::protocol::{FailedNode, PROBLEM_NO_NODE, Problem};

fn quiet() -> Progress {
    Progress::on_stderr()
}

#[tokio::test]
async fn what_was_watched_stays_watched() {
    let fake = Fake::new("/repo", fake::tree());
    let (indexed, known) = index(
        &fake,
        Path::new("/repo/src"),
        true,
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
    let (indexed, known) = index(&fake, Path::new("/new"), true, usize::MAX, &mut quiet())
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
    index(&fake, Path::new("/new"), false, usize::MAX, &mut quiet())
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
    let result = index(&fake, Path::new("/new"), true, usize::MAX, &mut quiet()).await;
    assert_eq!(result.err(), Some(Failure::Failed("gone".to_owned())));
    assert_eq!(fake.log().last().unwrap(), "unwatch \"/new\"");
}

#[test]
fn the_progress_is_one_line() {
    let mut repository = fake::repository("/repo");
    repository.state = RepositoryState::Scanning;
    assert_eq!(progress::line(&repository, &[], 0), "looking for files");
    repository.state = RepositoryState::Summarizing;
    assert_eq!(progress::line(&repository, &[], 0), "almost done");
    repository.progress.done = 120;
    repository.progress.to_summarize = 99;
    repository.progress.seconds_left = Some(12.2);
    assert_eq!(
        progress::line(&repository, &[], 3),
        "120 of 219 nodes summarized, 3 requests in flight, about 12 s left"
    );
    repository.progress.to_read = 1;
    repository.progress.seconds_left = None;
    repository.state = RepositoryState::Paused;
    repository.notes = vec!["the day's budget is spent".to_owned()];
    assert_eq!(
        progress::line(&repository, &[], 0),
        "1 file to read, 120 of 219 nodes summarized, paused: the day's budget is spent"
    );
    repository.notes.clear();
    let down = ["cannot connect".to_owned()];
    let line = progress::line(&repository, &down, 0);
    assert!(line.ends_with(", paused: cannot connect"), "{line}");
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

#[test]
fn the_end_is_told() {
    let mut indexed = Indexed {
        tree: fake::tree(),
        waited: WaitOutcome::default(),
        seconds: 3.12,
        requests: 1,
    };
    assert_eq!(closing(&indexed), "3 nodes, 2 files in 3.1 s, 1 request");
    assert_eq!(
        digest(
            &indexed.tree,
            Path::new("/repo"),
            "more: that way",
            Terminal::default()
        ),
        "\
A small program. It has two parts.

/repo  A small program.
├── main.py  Starts it.
└── src/  The parts.
    └── a.py  Does a.

more: that way
"
    );
    indexed.waited.failed = vec![FailedNode {
        path: "/repo/x".to_owned(),
        error: "no".to_owned(),
    }];
    let failure = verdict(&indexed.waited).unwrap_err();
    assert_eq!(
        failure,
        Failure::Failed("1 node could not be summarized".to_owned())
    );
}

#[test]
fn costs_are_said_with_or_without_a_price() {
    let mut estimate = Estimate {
        model: "gpt-4o-mini".to_owned(),
        files: 188,
        directories: 31,
        requests: 219,
        prompt_tokens: 120_000,
        completion_tokens: 21_900,
        price: Some(0.031),
        ..Estimate::default()
    };
    assert_eq!(
        costs(&estimate),
        "\
188 files, 31 directories
219 requests to gpt-4o-mini
about 120,000 tokens asked, 21,900 answered
about 0.0310, by the configured prices
"
    );
    (estimate.price_with_batch, estimate.listed) = (Some(0.0165), true);
    assert_eq!(
        costs_in_a_line(&estimate),
        "first index: 219 requests to gpt-4o-mini, about 120,000 tokens asked, 21,900 answered; about 0.0310 dollars, \
         by the vendor's prices of 2025 (0.0165 with batch = \"auto\")"
    );
    (estimate.price, estimate.batched) = (Some(0.0165), 188);
    let text = costs(&estimate);
    assert!(
        text.contains("gpt-4o-mini, 188 of them in batches\n"),
        "{text}"
    );
    assert!(text.ends_with("prices of 2025\n"), "{text}");
    estimate.price = None;
    assert!(
        costs(&estimate).contains("the price is not known: set openai.price_per_million_input")
    );
}
