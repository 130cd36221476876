//! Events, one line each; many events of one kind in one line.

use std::path::Path;

use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, columns, cut, number, tilde};
use crate::wire::events::{StreamEvent, StreamEventKind};

/// More events of one kind that arrive together than this are reported in one line.
pub const MAX_SINGLE: usize = 20;

/// Renders events in their order, with the repository as a heading when it changes.
#[derive(Default)]
pub struct EventLog {
    repository: Option<String>,
}

impl EventLog {
    /// The lines for events that arrived together.
    pub fn lines(&mut self, events: &[StreamEvent], terminal: Terminal) -> String {
        let mut text = String::new();
        let alike =
            |a: &StreamEvent, b: &StreamEvent| a.event == b.event && a.repository == b.repository;
        for (at, event) in events.iter().enumerate() {
            let all: Vec<&StreamEvent> = events.iter().filter(|one| alike(one, event)).collect();
            let is_many = all.len() > MAX_SINGLE;
            if is_many && events[..at].iter().any(|earlier| alike(earlier, event)) {
                continue;
            }
            self.heading(event, terminal, &mut text);
            let details = match is_many {
                true => many(&all),
                false => details(event),
            };
            text += &line(event, is_many, &details, terminal);
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

/// Many events of one kind.
fn many(all: &[&StreamEvent]) -> String {
    let files = number(all.len() as u64);
    let same = all.iter().filter(|one| one.text_changed == Some(false));
    match same.count() {
        0 => format!("{files} files and folders"),
        same => format!(
            "{files} files and folders, {} with the same text",
            number(same as u64)
        ),
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

fn line(event: &StreamEvent, is_many: bool, details: &str, terminal: Terminal) -> String {
    let (style, what) = match event.text_changed {
        Some(false) if !is_many => (Style::Dim, "same text"),
        _ => label(event.event),
    };
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
    let line = event
        .line
        .clone()
        .filter(|_| event.text_changed != Some(false));
    let more = [&line, &event.error, &event.text, &missed];
    let more = more.into_iter().flatten().map(|text| clean(text));
    let parts: Vec<String> = path.into_iter().chain(more).collect();
    parts.join("  ")
}

/// `13:47:55` in local time, of a UTC time stamp.
fn clock(time: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(time) {
        Ok(time) => time
            .with_timezone(&chrono::Local)
            .format("%H:%M:%S")
            .to_string(),
        Err(_) => clean(time),
    }
}
