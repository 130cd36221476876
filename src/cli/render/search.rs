//! Search results for people: two lines for each hit.

use super::super::terminal::{Style, Terminal};
use super::super::text::{clean, count, cut, number};
use super::{finish, mark_style};
use crate::daemon::search::highlights;
use crate::model::summary::Freshness;
use crate::wire::search::{Hit, HitKind, MAX_HITS, SearchResults};

/// How results are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Several repositories were searched: each hit names its own.
    pub everywhere: bool,
    /// Say why each hit matches.
    pub explain: bool,
}

/// The hits, best first, and how many more there are.
pub fn results(results: &SearchResults, options: Options, terminal: Terminal) -> String {
    let room = terminal.width.unwrap_or(usize::MAX).saturating_sub(4);
    let mut lines = Vec::new();
    for hit in &results.hits {
        lines.push(terminal.fold(&head(hit, &results.query, options, terminal)));
        if let Some(line) = &hit.line {
            let line = cut(&clean(line), room);
            lines.push(format!(
                "    {}",
                highlighted(&results.query, &line, terminal)
            ));
        }
        if options.explain {
            let reason = format!("score {} · {}", hit.score, clean(&hit.reason));
            let reason = terminal.paint(Style::Dim, &reason);
            lines.push(terminal.fold(&format!("    {reason}")));
        }
    }
    let shown = results.hits.len() as u64;
    if shown > 0 && shown < results.total {
        let of = format!("{} of {} matches", number(shown), number(results.total));
        let note = match shown < MAX_HITS as u64 {
            true => format!("{of}; --limit N shows up to {}", number(MAX_HITS as u64)),
            false => format!("{of}; more words narrow the search"),
        };
        lines.push(terminal.fold(&terminal.paint(Style::Dim, &note)));
    }
    if results.unindexed > 0 {
        let files = count(results.unindexed, "file");
        let note = format!("(not indexed yet: the text of {files}; search again in a while)");
        lines.push(terminal.fold(&terminal.paint(Style::Dim, &note)));
    } else if results.freshness != Freshness::Fresh {
        let note = "(some summaries are not up to date: `epitome wait` returns when all are)";
        lines.push(terminal.fold(&terminal.paint(Style::Dim, note)));
    }
    match lines.is_empty() {
        true => String::new(),
        false => finish(lines),
    }
}

/// `path:line  Symbol  +4`, with a mark where the summary is not fresh.
fn head(hit: &Hit, query: &str, options: Options, terminal: Terminal) -> String {
    let mut path = clean(&hit.path);
    if options.everywhere {
        path = clean(&hit.repository) + if path.is_empty() { "" } else { "/" } + &path;
    } else if path.is_empty() {
        path.push('.');
    }
    if hit.kind == HitKind::Directory {
        path.push('/');
    }
    let mut head = terminal.paint(Style::Bold, &path);
    if let Some(line) = hit.line_number {
        head += &terminal.paint(Style::Dim, &format!(":{line}"));
    }
    if let Some((first, others)) = hit.elements.split_first() {
        head += "  ";
        head += &highlighted(query, &clean(&first.qualified_name), terminal);
        if !others.is_empty() {
            head += &terminal.paint(Style::Dim, &format!("  +{}", others.len()));
        }
    }
    if hit.freshness != Freshness::Fresh && hit.freshness != Freshness::Off {
        head += "  ";
        head += &terminal.paint(mark_style(hit.freshness), &format!("~ {}", hit.freshness));
    }
    head
}

fn highlighted(query: &str, text: &str, terminal: Terminal) -> String {
    if !terminal.color {
        return text.to_owned();
    }
    let mut painted = String::new();
    let mut at = 0;
    for range in highlights(query, text) {
        painted += &text[at..range.start];
        painted += &terminal.paint(Style::Good, &text[range.clone()]);
        at = range.end;
    }
    painted + &text[at..]
}
