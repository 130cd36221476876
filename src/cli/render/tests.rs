//! What people see, compared as text.

use std::path::Path;

use super::*;
use crate::client::fake;
use crate::wire::protocol::{DirectoryNode, FileNode, Progress};
use crate::wire::usage::Used;

const PLAIN: Terminal = Terminal {
    color: false,
    width: None,
};

fn narrow(width: usize) -> Terminal {
    Terminal {
        color: false,
        width: Some(width),
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
fn a_tree_marks_what_is_not_fresh() {
    assert_eq!(
        tree(&mixed(), Path::new("/repo"), 9, PLAIN),
        "\
/repo  ~ stale  A program.
├── a.py  Does a.
├── b.py  ! failed: the model refused
├── c.py  … pending
└── d/  ~ stale  Said earlier.
    └── e.py  Does e.
"
    );
}

#[test]
fn a_tree_ends_at_its_depth_and_at_the_terminal_s_edge() {
    assert_eq!(
        tree(&mixed(), Path::new("/repo"), 1, narrow(22)),
        "\
/repo  ~ stale  A pro…
├── a.py  Does a.
├── b.py  ! failed: t…
├── c.py  … pending
└── d/  ~ stale  Said…
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
fn a_tree_s_names_and_words_cannot_steer_the_terminal() {
    let children = vec![fake::file("a\x1b[2J\n\u{202e}.py", "Does \x07 it.")];
    let node = fake::directory("", "All.", children);
    assert_eq!(
        tree(&node, Path::new("/r\n"), 1, PLAIN),
        "/r\\n  All.\n└── a\\u{1b}[2J\\n\\u{202e}.py  Does \\u{7} it.\n"
    );
}

#[test]
fn colours_are_used_where_they_are_allowed() {
    let terminal = Terminal {
        color: true,
        width: None,
    };
    assert_eq!(
        tree(
            &fake::file("a.py", "Does a."),
            Path::new("/r/a.py"),
            1,
            terminal
        ),
        "\x1b[1ma.py\x1b[0m  \x1b[2mDoes a.\x1b[0m\n"
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
        ..file
    });
    assert_eq!(
        show(&node, Path::new("/repo/src/a.py"), narrow(26)),
        "\
src/a.py  python, 2.0 KiB, by offline, fresh

Does a. It takes its time
about it.

     3-14  def run(x)
        9    def inner(se…
  120-121  function run
(the parser met errors: the outline holds what it could read)
"
    );
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
/repo  4 files, 1 directory, by offline, stale: it or something below it is not up to date

A program.

  a.py  Does a.
  b.py  ! failed: the model refused
  c.py  … pending
  d/    ~ stale  Said earlier.
(written without b.py)
"
    );
}

#[test]
fn a_status_is_compact() {
    let mut told = fake::status(vec![fake::repository("/srv/a")]);
    told.requests.sent = 1_234;
    assert_eq!(
        status::status(&told, PLAIN),
        "\
epitome 0.1.0  process 7, up 1 min
provider  offline
requests  1,234 sent, 0 answered, 0 retried, 0 failed; 0 of 10 in flight; 0 today
budget    7 of 100 requests, 0.2500 of 0.5000 in money, until 2026-02-01T00:00:00Z
usage     2026-01-31  0 requests, 0 tokens asked (0 cached), 0 answered
            /repo: 0 requests, 0 tokens asked (0 cached), 0 answered
store     4 summaries, 2.0 KiB

/srv/a  idle
  2 files, 2 directories: 4 fresh
  watched: native, 2 folders
"
    );

    told.provider = "openai".to_owned();
    told.model = Some("gpt-4o-mini".to_owned());
    told.requests.prompt_tokens = 20_000;
    if let Some(budget) = &mut told.budget {
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
    (told.usage[0].used, told.usage[0].repositories[0].used) = (used, used);
    told.usage[0].repositories[0].path = None;
    let before = told.usage[0].clone();
    told.usage.push(before);
    told.usage[1].day = "2026-01-30".to_owned();
    told.notes = vec!["the key\nwas refused".to_owned()];
    let repository = &mut told.repositories[0];
    repository.stale = 1;
    repository.last_change = Some("2024-01-02T03:04:05Z".to_owned());
    repository.notes = vec!["polled".to_owned()];
    repository.progress = Progress {
        to_read: 1,
        to_summarize: 30,
        done: 3,
        seconds_left: Some(70.0),
    };
    assert_eq!(
        status::status(&told, PLAIN),
        "\
epitome 0.1.0  process 7, up 1 min
provider  openai, gpt-4o-mini
requests  1,234 sent, 0 answered, 0 retried, 0 failed; 0 of 10 in flight; 0 today
tokens    20,000 asked (0 cached), 0 answered; 0 today
budget    7 of 100 requests, 0 of 1,000,000 tokens, 0.5000 of 0.5000 in money; spent: nothing more is asked until 2026-02-01T00:00:00Z
usage     2026-01-31  1,000 requests (1 retried), 20,000 tokens asked (0 cached), 0 answered, 3 directories spared, cost 0.5000
            (not known any more): 1,000 requests (1 retried), 20,000 tokens asked (0 cached), 0 answered, 3 directories spared, cost 0.5000
          2026-01-30  1,000 requests (1 retried), 20,000 tokens asked (0 cached), 0 answered, 3 directories spared, cost 0.5000
store     4 summaries, 2.0 KiB
note: the key\\nwas refused

/srv/a  idle
  2 files, 2 directories: 4 fresh, 1 stale
  to do: 1 to read, 30 to summarize, about 1 min left
  watched: native, 2 folders, last change 2024-01-02T03:04:05Z
  note: polled
"
    );
    told.repositories.clear();
    let text = status::status(&told, PLAIN);
    assert!(
        text.ends_with("no repository is watched; add one with `epitome watch PATH`\n"),
        "{text}"
    );
}
