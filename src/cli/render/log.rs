//! The history of a file's or folder's summary, the newest first.

use super::diff::texts;
use super::finish;
use crate::cli::diff::CommitInfo;
use crate::cli::log::{Entry, Report};
use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, cut, date, wrap};

/// Digits of a commit.
const DIGITS: usize = 10;

/// The whole report.
pub fn log(report: &Report, terminal: Terminal) -> String {
    let mut lines = Vec::new();
    for (at, entry) in report.entries.iter().enumerate() {
        if at > 0 {
            lines.push(String::new());
        }
        lines.extend(head(entry, terminal));
        let older = report
            .entries
            .get(at + 1)
            .and_then(|older| older.text.as_ref());
        match (&entry.text, entry.text_changed) {
            (None, _) => lines.push(note("(deleted)", terminal)),
            (Some(_), Some(false)) => lines.push(note("(the text stays)", terminal)),
            (text, _) => lines.extend(texts(older, text.as_ref(), terminal)),
        }
    }
    if report.more {
        lines.push(String::new());
        lines.push(terminal.paint(Style::Dim, "older commits: --limit N"));
    }
    for text in &report.notes {
        let text = wrap(
            &format!("left out: {}", clean(text)),
            terminal.width.unwrap_or(usize::MAX),
        );
        lines.extend(text.lines().map(|line| terminal.paint(Style::Dim, line)));
    }
    finish(lines)
}

fn note(text: &str, terminal: Terminal) -> String {
    format!("    {}", terminal.paint(Style::Dim, text))
}

/// `4f2a1bc019  2 h ago  Jane Doe  Fix rounding`.
fn head(entry: &Entry, terminal: Terminal) -> Option<String> {
    let Some(CommitInfo {
        id,
        time,
        author,
        subject,
    }) = &entry.commit
    else {
        return Some(terminal.paint(Style::Bold, "not committed"));
    };
    let id = id.get(..DIGITS).unwrap_or(id);
    let rest = format!("{}  {}  {}", date(time), clean(author), clean(subject));
    let left = terminal.width.unwrap_or(usize::MAX);
    let rest = cut(&rest, left.saturating_sub(DIGITS + 2));
    Some(format!("{}  {rest}", terminal.paint(Style::Warning, id)))
}
