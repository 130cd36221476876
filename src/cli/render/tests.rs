//! What people see, compared as text.

use std::path::Path;

use super::events::EventLog;
use super::overview::overview;
use super::show::show;
use super::tree::tree;
use super::*;
use crate::client::fake;
use crate::model::outline::Element;
use crate::wire::events::{StreamEvent, StreamEventKind};
use crate::wire::protocol::{DirectoryNode, FileNode, Progress, RepositoryState};
use crate::wire::search::NodeKind;
use crate::wire::usage::Used;

const PLAIN: Terminal = Terminal {
    color: false,
    width: None,
    height: None,
};

fn narrow(width: usize) -> Terminal {
    Terminal {
        color: false,
        width: Some(width),
        height: Some(24),
    }
}

fn with(node: Node, change: impl FnOnce(&mut Common)) -> Node {
    match node {
        Node::File(mut file) => {
            change(&mut file.common);
            Node::File(file)
        }
        Node::Directory(mut directory) => {
            change(&mut directory.common);
            Node::Directory(directory)
        }
    }
}

fn mixed() -> Node {
    let failed = with(fake::file("b.py", ""), |common| {
        common.freshness = Freshness::Failed;
        common.line = None;
        common.summary = None;
        common.error = Some("the model refused".to_owned());
    });
    let pending = with(fake::file("c.py", ""), |common| {
        common.freshness = Freshness::Pending;
        common.line = None;
        common.summary = None;
    });
    let stale = with(
        fake::directory("d", "Said earlier.", vec![fake::file("d/e.py", "Does e.")]),
        |common| common.freshness = Freshness::Stale,
    );
    let children = vec![fake::file("a.py", "Does a. More."), failed, pending, stale];
    with(fake::directory("", "A program.", children), |common| {
        common.freshness = Freshness::Stale;
    })
}

#[test]
fn a_tree_has_folders_first_and_marks_what_is_not_fresh() {
    assert_eq!(
        tree(&mixed(), Path::new("/repo"), 9, PLAIN),
        "\
/repo  ~ stale  A program.
├── d/        ~ stale  Said earlier.
│   └── e.py  Does e.
├── a.py      Does a.
├── b.py      ! failed: the model refused
└── c.py      … pending
"
    );
}

#[test]
fn an_error_that_several_nodes_share_is_not_repeated() {
    let failed = |path: &str| {
        with(fake::file(path, ""), |common| {
            common.freshness = Freshness::Failed;
            common.line = None;
            common.error = Some("the key was refused".to_owned());
        })
    };
    let node = fake::directory("", "All.", vec![failed("a.py"), failed("b.py")]);
    let text = tree(&node, Path::new("/repo"), 9, PLAIN);
    assert!(
        text.ends_with("├── a.py  ! failed\n└── b.py  ! failed\n"),
        "{text}"
    );
}

#[test]
fn a_tree_ends_at_its_depth_and_at_the_terminal_s_edge() {
    assert_eq!(
        tree(&mixed(), Path::new("/repo"), 1, narrow(22)),
        "\
/repo  ~ stale  A pro…
├── d/    ~ stale  Sa…
├── a.py  Does a.
├── b.py  ! failed: t…
└── c.py  … pending
"
    );
    assert_eq!(
        tree(&mixed(), Path::new("/repo"), 0, PLAIN),
        "/repo  ~ stale  A program.\n"
    );
    for width in 0..40 {
        for line in tree(&mixed(), Path::new("/repo"), 9, narrow(width)).lines() {
            assert!(columns(line) <= width, "{width}: {line}");
        }
    }
}

#[test]
fn names_and_summaries_cannot_control_the_terminal() {
    let children = vec![fake::file("a\x1b[2J\n\u{202e}.py", "Does \x07 it.")];
    let node = fake::directory("", "All.", children);
    assert_eq!(
        tree(&node, Path::new("/r\n"), 1, PLAIN),
        "/r\\n  All.\n└── a\\u{1b}[2J\\n\\u{202e}.py  Does \\u{7} it.\n"
    );
}

#[test]
fn colours_are_used_if_they_are_allowed() {
    let terminal = Terminal {
        color: true,
        width: None,
        height: None,
    };
    let node = fake::directory("", "All.", vec![fake::directory("d", "Does d.", vec![])]);
    assert_eq!(
        tree(&node, Path::new("/r"), 1, terminal),
        "\x1b[1;34m/r\x1b[0m  All.\n\x1b[2m└── \x1b[0m\x1b[1;34md/\x1b[0m  Does d.\n"
    );
}

#[test]
fn an_overview_has_the_largest_folders_with_a_line_each() {
    let big = fake::directory(
        "big",
        "The big one.",
        vec![fake::file("big/a", "A."), fake::file("big/b", "B.")],
    );
    let node = fake::directory(
        "",
        "A program. It has parts.",
        vec![
            big,
            fake::directory("c", "The c.", vec![fake::file("c/a", "A.")]),
        ],
    );
    assert_eq!(
        overview(&node, Path::new("/repo"), PLAIN),
        "\
/repo

A program. It has parts.

  big/  The big one.
  c/    The c.

  epitome search \"…\"    find a place by name, symbol or summary
  epitome show PATH     one file or folder
  epitome watch         keep all of it current from now on
"
    );
}

#[test]
fn a_file_is_shown_with_its_outline() {
    let Node::File(file) = fake::file("src/a.py", "Does a. It takes its time about it.") else {
        panic!("a file")
    };
    let run = file.elements[0].clone();
    let inner = Element {
        signature: "def inner(self)".to_owned(),
        line_start: 9,
        line_end: 9,
        docstring: Some("\n  Runs inside.\nMore.".to_owned()),
        ..run.clone()
    };
    let after = Element {
        signature: String::new(),
        line_start: 120,
        line_end: 121,
        ..run.clone()
    };
    let node = Node::File(FileNode {
        elements: vec![run, inner, after],
        bytes: 2_048,
        partial: true,
        missing_lines: vec![(40, 44), (50, 50)],
        withheld: None,
        ..file
    });
    let path = Path::new("/repo/src/a.py");
    assert_eq!(
        show(&node, path, narrow(26)),
        "\
src/a.py
python · 2.0 KiB · offline
  summary · fresh

Does a. It takes its time
about it.

     3-14  def run(x)
        9    def inner(se…
  120-121  function run
(syntax errors: lines 40-44 and 50 are not in the outline)
"
    );
    let wide = show(&node, path, narrow(60));
    assert!(
        wide.contains("    def inner(self)  Runs inside.\n"),
        "{wide}"
    );
    let linked = Terminal {
        color: true,
        ..PLAIN
    };
    let text = show(&node, path, linked);
    let link = "\x1b]8;;file:///repo/src/a.py#L3\x1b\\3-14\x1b]8;;\x1b\\";
    assert!(text.contains(link), "{text:?}");
}

#[test]
fn a_directory_is_shown_with_its_children() {
    let Node::Directory(directory) = mixed() else {
        panic!("a directory")
    };
    let node = Node::Directory(DirectoryNode {
        directories: 1,
        left_out: vec!["b.py".to_owned()],
        ..directory
    });
    assert_eq!(
        show(&node, Path::new("/repo"), PLAIN),
        "\
/repo  4 files · 1 folder · offline summary · stale: it or something below it has changed

A program.

  d/    ~ stale  Said earlier.
  a.py  Does a.
  b.py  ! failed: the model refused
  c.py  … pending
(written without b.py)
"
    );
}

#[test]
fn a_burst_of_events_is_one_line() {
    let event = |path: &str, kind| StreamEvent {
        repository: Some("/repo".to_owned()),
        path: Some(path.to_owned()),
        kind: Some(NodeKind::File),
        line: Some("Does it.".to_owned()),
        ..StreamEvent::new("2026-01-31T12:13:14.5Z".to_owned(), kind)
    };
    // The hour depends on the time zone of the machine.
    let without_hour = |text: String| -> String {
        let lines = text.lines().map(|line| match line.strip_prefix('/') {
            None => line.get(2..).unwrap_or_default().to_owned() + "\n",
            Some(_) => format!("{line}\n"),
        });
        lines.collect()
    };
    let mut events = vec![event("a.py", StreamEventKind::Summarized); 21];
    events[3].text_changed = Some(false);
    events.insert(9, event("b.py", StreamEventKind::Changed));
    let mut log = EventLog::default();
    assert_eq!(
        without_hour(log.lines(&events, PLAIN)),
        "\
/repo
:13:14  summarized  21 files and folders, 1 with the same text
:13:14  changed     b.py  Does it.
"
    );
    let mut again = [
        event("c.py", StreamEventKind::Summarized),
        event("d.py", StreamEventKind::Summarized),
    ];
    again[0].text_changed = Some(true);
    again[1].text_changed = Some(false);
    assert_eq!(
        without_hour(log.lines(&again, PLAIN)),
        ":13:14  summarized  c.py  Does it.\n:13:14  same text   d.py\n"
    );
}

#[test]
fn a_status_shows_what_matters_now() {
    let mut shown = fake::status(vec![fake::repository("/srv/a")]);
    shown.budget = None;
    shown.usage.clear();
    assert_eq!(
        status::status(&shown, PLAIN),
        "\
epitome 0.1.0 · up 1 min · process 7
provider  offline
store     4 summaries, 2.0 KiB

/srv/a  idle
  2 files, 1 folder: all fresh
"
    );
}

#[test]
fn a_status_shows_tokens_and_cost_of_a_model() {
    let mut shown = fake::status(vec![fake::repository("/srv/a")]);
    shown.provider = "openai".to_owned();
    shown.model = Some("gpt-4o-mini".to_owned());
    shown.requests.succeeded = 1_234;
    shown.requests.failed = 2;
    if let Some(budget) = &mut shown.budget {
        (budget.cost, budget.max_tokens, budget.spent) = (0.5, 1_000_000, true);
    }
    let used = Used {
        requests: 1_000,
        retried: 1,
        prompt_tokens: 20_000,
        spared: 3,
        cost: Some(0.5),
        ..Used::default()
    };
    shown.usage[0].used = used;
    shown.notes = vec!["the key\nwas refused".to_owned()];
    let repository = &mut shown.repositories[0];
    repository.state = RepositoryState::Summarizing;
    repository.stale = 1;
    repository.notes = vec!["polled".to_owned()];
    repository.progress = Progress {
        to_read: 1,
        to_summarize: 30,
        done: 3,
        seconds_left: Some(70.0),
    };
    let until = crate::cli::text::until("2026-02-01T00:00:00Z");
    assert_eq!(
        status::status(&shown, PLAIN),
        format!(
            "\
epitome 0.1.0 · up 1 min · process 7
provider  openai · gpt-4o-mini
requests  0 of 10 in flight · 1,234 succeeded since the start · 2 given up
usage     2026-01-31  1,000 requests (1 retried) · 20 k input + 0 output tokens · 3 folders skipped · cost 0.5000
budget    7 of 100 requests · 0 of 1.00 M tokens · cost 0.5000 of 0.5000 · spent: requests resume {until}
store     4 summaries, 2.0 KiB
note: the key\\nwas refused

/srv/a  summarizing
  2 files, 1 folder: 4 fresh, 1 stale
  to do: 1 to read, 30 to summarize · 1 min left
  note: polled
"
        )
    );
    shown.repositories[0].state = RepositoryState::Unreachable;
    let text = status::status(&shown, PLAIN);
    assert!(
        text.contains("/srv/a  unreachable\n  the folder is not there"),
        "{text}"
    );
    shown.repositories.clear();
    let text = status::status(&shown, PLAIN);
    assert!(
        text.ends_with("no repository is watched; add one with `epitome watch PATH`\n"),
        "{text}"
    );
}
