//! Files and folders that could not be summarized: how many, and each reason once.

use std::path::Path;

use super::text::number;
use crate::wire::protocol::{FailedNode, Repository, WaitOutcome};

/// Reasons that are printed.
const REASONS: usize = 5;
/// Paths that are printed for each reason.
const PATHS: usize = 3;
/// A wait names this many nodes at most.
const NAMED: usize = 100;

/// The nodes that failed, by reason.
pub struct Failures<'w> {
    by_reason: Vec<(&'w str, Vec<&'w FailedNode>)>,
    total: u64,
}

impl<'w> Failures<'w> {
    /// Those of a wait for `path`. The wait names the first hundred; how many there are is known of a whole
    /// `repository`.
    pub fn of(waited: &'w WaitOutcome, repository: Option<&Repository>, path: &Path) -> Self {
        let mut by_reason: Vec<(&str, Vec<&FailedNode>)> = Vec::new();
        for node in &waited.failed {
            let same = by_reason
                .iter_mut()
                .find(|(reason, _)| without_hint(reason) == without_hint(&node.error));
            match same {
                Some((reason, nodes)) => {
                    if node.error.len() > reason.len() {
                        *reason = &node.error;
                    }
                    nodes.push(node);
                }
                None => by_reason.push((&node.error, vec![node])),
            }
        }
        let named = waited.failed.len() as u64;
        let whole = repository.filter(|one| path == Path::new(&one.path));
        let total = match whole {
            Some(repository) if waited.failed.len() >= NAMED => named.max(repository.failed),
            _ => named,
        };
        Self { by_reason, total }
    }

    /// How many failed.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether this text is one of the reasons, or says no more than one.
    pub fn mentions(&self, text: &str) -> bool {
        let mut reasons = self.by_reason.iter();
        reasons.any(|(reason, _)| reason.contains(text) || text.contains(reason))
    }

    /// One line for each reason: `not summarized: src/a.py, src/b.py and 305 more: the key was refused`.
    pub fn lines(&self) -> Vec<String> {
        let unnamed = self.total
            - self
                .by_reason
                .iter()
                .map(|(_, nodes)| nodes.len() as u64)
                .sum::<u64>();
        let mut lines = Vec::new();
        for (at, (reason, nodes)) in self.by_reason.iter().take(REASONS).enumerate() {
            let paths: Vec<&str> = nodes
                .iter()
                .take(PATHS)
                .map(|node| node.path.as_str())
                .collect();
            let mut more = (nodes.len() - paths.len()) as u64;
            if at == 0 && self.by_reason.len() == 1 {
                more += unnamed;
            }
            let more = match more {
                0 => String::new(),
                more => format!(" and {} more", number(more)),
            };
            lines.push(format!(
                "not summarized: {}{more}: {reason}",
                paths.join(", ")
            ));
        }
        if unnamed > 0 && self.by_reason.len() > 1 {
            lines.push(format!(
                "and {} more: `epitome tree` shows them",
                number(unnamed)
            ));
        }
        if self.by_reason.len() > REASONS {
            let more = self.by_reason.len() - REASONS;
            lines.push(format!(
                "and {more} other reasons: `epitome tree` shows them"
            ));
        }
        lines
    }
}

/// The same reason may come with a hint in parentheses and without.
fn without_hint(reason: &str) -> &str {
    reason.split(" (").next().unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake;

    fn waited(many: usize, reason: impl Fn(usize) -> String) -> WaitOutcome {
        let node = |at| FailedNode {
            path: format!("/repo/{at}"),
            error: reason(at),
        };
        WaitOutcome {
            settled: true,
            failed: (0..many).map(node).collect(),
        }
    }

    #[test]
    fn one_reason_is_printed_once_and_all_are_counted() {
        let waited = waited(100, |_| "the key was refused".to_owned());
        let mut repository = fake::repository("/repo");
        repository.failed = 307;
        let failures = Failures::of(&waited, Some(&repository), Path::new("/repo"));
        assert_eq!(failures.total(), 307);
        assert_eq!(
            failures.lines(),
            ["not summarized: /repo/0, /repo/1, /repo/2 and 304 more: the key was refused"]
        );
        assert!(failures.mentions("key was refused"));
        let hinted = self::waited(100, |at| match at {
            40.. => "the key was refused".to_owned(),
            _ => "the key was refused (check it)".to_owned(),
        });
        let hinted = Failures::of(&hinted, Some(&repository), Path::new("/repo"));
        assert_eq!(
            hinted.lines(),
            [
                "not summarized: /repo/0, /repo/1, /repo/2 and 304 more: the key was refused (check it)"
            ]
        );
        let two = self::waited(100, |at| format!("reason {}", at % 2));
        let two = Failures::of(&two, Some(&repository), Path::new("/repo"));
        assert_eq!(two.lines()[2], "and 207 more: `epitome tree` shows them");
        // Of a part of the repository no more is known than what is named.
        let part = Failures::of(&waited, Some(&repository), Path::new("/repo/src"));
        assert_eq!(part.total(), 100);
    }

    #[test]
    fn reasons_are_listed_up_to_a_limit() {
        let waited = waited(7, |at| format!("reason {at}"));
        let failures = Failures::of(&waited, None, Path::new("/repo"));
        let lines = failures.lines();
        assert_eq!(lines[0], "not summarized: /repo/0: reason 0");
        assert_eq!(lines[5], "and 2 other reasons: `epitome tree` shows them");
        assert!(
            Failures::of(&WaitOutcome::default(), None, Path::new("/"))
                .lines()
                .is_empty()
        );
    }
}
