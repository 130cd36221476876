//! What changed, with the old and the new text.

use std::path::Path;

use super::{finish, words};
use crate::cli::diff::compare::{Change, Changed, Text};
use crate::cli::diff::{CommitInfo, Report};
use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, count, cut, date, number, tilde, wrap};
use crate::model::key::Kind;
use crate::model::summary::Freshness;

/// Columns of running text; long lines are hard to read.
const TEXT_WIDTH: usize = 100;
/// Texts stand below their path, indented by so much.
const INDENT: usize = 4;
/// Digits of a commit.
const DIGITS: usize = 10;

/// The whole report.
pub fn diff(report: &Report, terminal: Terminal) -> String {
    let mut lines = head(report, terminal);
    let told = report.changes.iter().filter(|one| is_shown(one));
    for one in told {
        lines.push(String::new());
        lines.extend(changed(one, Path::new(&report.repository), terminal));
    }
    let silent = report.changes.iter().filter(|one| !is_shown(one)).count();
    let mut notes: Vec<String> = Vec::new();
    if silent > 0 {
        notes.push(match silent {
            1 => "1 file or folder changed, its text did not".to_owned(),
            many => format!(
                "{} files and folders changed, their texts did not",
                number(many as u64)
            ),
        });
    }
    let left_out = report.notes.iter().map(|note| clean(note));
    notes.extend(left_out);
    if !notes.is_empty() {
        lines.push(String::new());
    }
    for note in notes {
        let note = wrap(&note, terminal.width.unwrap_or(usize::MAX));
        lines.extend(note.lines().map(|line| terminal.paint(Style::Dim, line)));
    }
    finish(lines)
}

/// A change that left the text as it is says nothing; the new place of a renamed file does.
fn is_shown(one: &Changed) -> bool {
    one.text_changed != Some(false) || one.change == Change::Renamed
}

fn head(report: &Report, terminal: Terminal) -> Vec<String> {
    let since = match &report.base {
        Some(base) => format!("since {}", commit(base)),
        None => format!("since {}", clean(&report.since)),
    };
    let left = terminal.width.unwrap_or(usize::MAX);
    let mut lines = vec![terminal.paint(Style::Bold, &cut(&since, left))];
    let of = |kind: Kind, change: Change| {
        let all = report.changes.iter();
        all.filter(|one| one.kind == kind && one.change == change)
            .count()
    };
    let changes = [
        (Change::Added, "added"),
        (Change::Modified, "modified"),
        (Change::Renamed, "renamed"),
        (Change::Deleted, "deleted"),
    ];
    let mut facts: Vec<String> = changes
        .iter()
        .map(|(change, word)| (of(Kind::File, *change), word))
        .filter(|(many, _)| *many > 0)
        .map(|(many, word)| format!("{} {word}", count(many as u64, "file")))
        .collect();
    let folders = of(Kind::Directory, Change::Modified);
    if folders > 0 {
        facts.push(format!("{} changed", count(folders as u64, "folder")));
    }
    lines.push(match facts.is_empty() {
        true => "no changes".to_owned(),
        false => wrap(&facts.join(", "), left),
    });
    lines
}

/// `4f2a1bc019 · 2 h ago · Fix rounding`.
pub fn commit(info: &CommitInfo) -> String {
    let id = info.id.get(..DIGITS).unwrap_or(&info.id);
    format!("{id} · {} · {}", date(&info.time), clean(&info.subject))
}

fn changed(one: &Changed, repository: &Path, terminal: Terminal) -> Vec<String> {
    let (mark, style) = match one.change {
        Change::Added => ("A", Style::Good),
        Change::Modified => ("M", Style::Warning),
        Change::Deleted => ("D", Style::Error),
        Change::Renamed => ("R", Style::Folder),
    };
    let name = match (one.path.as_str(), one.kind) {
        ("", _) => tilde(repository),
        (path, Kind::File) => clean(path),
        (path, Kind::Directory) => clean(path) + "/",
    };
    let name = match &one.from {
        Some(from) => format!("{} → {name}", clean(from)),
        None => name,
    };
    let left = terminal.width.unwrap_or(usize::MAX).saturating_sub(2);
    let mut lines = vec![format!(
        "{} {}",
        terminal.paint(style, mark),
        terminal.paint(Style::Bold, &cut(&name, left))
    )];
    lines.extend(texts(one.old.as_ref(), one.new.as_ref(), terminal));
    lines
}

/// The old and the new text below their heading.
pub fn texts(old: Option<&Text>, new: Option<&Text>, terminal: Terminal) -> Vec<String> {
    let width = terminal
        .width
        .map_or(usize::MAX, |width| width.min(TEXT_WIDTH));
    let width = width.saturating_sub(INDENT);
    let summary = |text: Option<&Text>| text.and_then(|text| text.summary.clone());
    let note = |text: &str| vec![terminal.paint(Style::Dim, &cut(text, width))];
    let paragraph = |text: &str| wrap(text, width).lines().map(str::to_owned).collect();
    let mut lines: Vec<String> = match (old, new, summary(old), summary(new)) {
        (Some(_), Some(_), Some(old), Some(new)) if old == new => Vec::new(),
        (Some(_), Some(_), Some(old), Some(new)) => words::diff(&old, &new, width, terminal),
        (Some(_), Some(_), None, Some(new)) => {
            let mut lines: Vec<String> = paragraph(&new);
            lines.extend(note("(no summary of the earlier state is stored)"));
            lines
        }
        (Some(_), Some(_), Some(old), None) => {
            let mut lines: Vec<String> = paragraph(&old);
            lines.extend(note(
                "(that was the earlier summary; the new one is not written)",
            ));
            lines
        }
        (_, _, Some(text), _) | (_, _, _, Some(text)) => paragraph(&text),
        (_, None, None, None) => note("(no summary of the earlier state is stored)"),
        (_, Some(_), None, None) => note("(not summarized yet)"),
    };
    if new.is_some_and(|new| new.freshness == Freshness::Stale) {
        lines.extend(note("(stale: this text describes an earlier state)"));
    }
    let indent = " ".repeat(INDENT);
    lines.retain(|line| !line.is_empty());
    lines.iter().map(|line| format!("{indent}{line}")).collect()
}
