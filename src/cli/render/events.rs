//! Events, one line each; runs of events of one kind in one line.

use std::path::Path;

use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, columns, cut, number, tilde};
use crate::wire::events::{StreamEvent, StreamEventKind};

/// More events of one kind in a row than this are reported in one line.
const MAX_SINGLE: usize = 20;

/// Renders events in their order, with the repository as a heading when it changes.
#[derive(Default)]
pub struct EventLog {
    repository: Option<String>,
}

impl EventLog {
    /// The lines for events that arrived together.
    pub fn lines(&mut self, events: &[StreamEvent], terminal: Terminal) -> String {
        let mut text = String::new();
        for run in events.chunk_by(|a, b| a.event == b.event && a.repository == b.repository) {
            self.heading(&run[0], terminal, &mut text);
            if run.len() > MAX_SINGLE {
                let many = format!("{} {}", number(run.len() as u64), label(run[0].event).1);
                text += &line(&run[run.len() - 1], &many, terminal);
                continue;
            }
            for event in run {
                text += &line(event, &details(event), terminal);
            }
        }
        text
    }

    fn heading(&mut self, event: &StreamEvent, terminal: Terminal, text: &mut String) {
        if event.repository.is_none() || event.repository == self.repository {
            return;
        }
        self.repository.clone_from(&event.repository);
        let name = tilde(Path::new(event.repository.as_deref().unwrap_or_default()));
        *text += &terminal.paint(Style::Bold, &name);
        text.push('\n');
    }
}

fn label(event: StreamEventKind) -> (Style, &'static str) {
    match event {
        StreamEventKind::Changed => (Style::Plain, "changed"),
        StreamEventKind::Removed => (Style::Plain, "removed"),
        StreamEventKind::Summarized => (Style::Good, "summarized"),
        StreamEventKind::Failed => (Style::Error, "failed"),
        StreamEventKind::Busy => (Style::Warning, "busy"),
        StreamEventKind::Settled => (Style::Good, "up to date"),
        StreamEventKind::Notice => (Style::Warning, "notice"),
        StreamEventKind::Missed => (Style::Error, "missed"),
    }
}

fn line(event: &StreamEvent, details: &str, terminal: Terminal) -> String {
    let (style, what) = label(event.event);
    let time = clock(&event.time);
    let space = " ".repeat(12_usize.saturating_sub(what.len()));
    let left = terminal.width.unwrap_or(usize::MAX);
    let left = left.saturating_sub(columns(&time) + 14);
    let text = format!(
        "{}  {}{space}{}",
        terminal.paint(Style::Dim, &time),
        terminal.paint(style, what),
        cut(details, left)
    );
    text.trim_end().to_owned() + "\n"
}

fn details(event: &StreamEvent) -> String {
    let missed = event.missed.map(|many| {
        format!(
            "{} events that arrived faster than they were read",
            number(many)
        )
    });
    let path = event.path.as_deref().map(|path| match path {
        "" if event.kind.is_some() => ".".to_owned(),
        path => clean(path),
    });
    let more = [&event.line, &event.error, &event.text, &missed];
    let more = more.into_iter().flatten().map(|text| clean(text));
    let parts: Vec<String> = path.into_iter().chain(more).collect();
    parts.join("  ")
}

/// `13:47:55` of a UTC time stamp.
fn clock(time: &str) -> String {
    let clock = time.split_once('T').and_then(|(_, clock)| clock.get(..8));
    clean(clock.unwrap_or(time))
}
