//! Progress of an index: a bar on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output;
use crate::cli::text::{clean, count, duration, number};
use crate::wire::protocol::{Repository, RepositoryState, Status};

/// How often a line is written without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// On narrower terminals the requests in flight are left out.
const WIDE: u16 = 100;

/// Shows it on standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    last_line: Instant,
    wide: bool,
    /// Nodes done and in all.
    done: (u64, u64),
}

impl Progress {
    /// A bar if standard error is a terminal, else lines.
    pub fn on_stderr() -> Self {
        let width = console::Term::stderr().size_checked();
        Self {
            bar: std::io::stderr().is_terminal().then(bar),
            last_line: Instant::now(),
            wide: width.is_none_or(|(_, columns)| columns >= WIDE),
            done: (0, 0),
        }
    }

    /// A bar if standard error is a terminal, else nothing.
    pub fn bar_only() -> Option<Self> {
        std::io::stderr().is_terminal().then(Self::on_stderr)
    }

    pub fn update(&mut self, status: &Status, path: &Path) {
        let Some(repository) = repository_of(status, path) else {
            return;
        };
        let progress = &repository.progress;
        self.done = (progress.done, progress.done + progress.to_summarize);
        let in_flight = if self.wide {
            status.requests.in_flight
        } else {
            0
        };
        let line = || line(repository, &status.notes, in_flight);
        match &self.bar {
            Some(bar) => {
                bar.set_length(self.done.1.max(1));
                bar.set_position(self.done.0);
                bar.set_message(line());
            }
            None if self.last_line.elapsed() >= LINE_EVERY => {
                output::say(&line());
                self.last_line = Instant::now();
            }
            None => {}
        }
    }

    /// Removes the bar.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// What an interrupted index has reached.
    pub fn interrupted(&self) -> String {
        match self.done {
            (0, _) => "interrupted".to_owned(),
            (done, all) => format!(
                "interrupted: {} of {} are kept; run it again to continue",
                number(done),
                number(all)
            ),
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
    // The template is constant; if it were invalid, the bar would look plain.
    if let Ok(style) = ProgressStyle::with_template("{msg}  {wide_bar}") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

/// The innermost repository that contains `path`.
pub fn repository_of<'s>(status: &'s Status, path: &Path) -> Option<&'s Repository> {
    path.ancestors().find_map(|ancestor| {
        // Compared as the protocol writes it, which is lossy for names that are not UTF-8.
        let text = ancestor.to_string_lossy();
        let all = &status.repositories;
        all.iter().find(|repository| repository.path == text)
    })
}

/// `12 s left, 120 of 219 summarized, 3 requests in flight`. If the repository is paused and does not say why, the
/// first of `notes` does.
pub fn line(repository: &Repository, notes: &[String], in_flight: u64) -> String {
    let progress = &repository.progress;
    let mut parts = Vec::new();
    if repository.state == RepositoryState::Paused {
        let reason = repository.notes.first().or(notes.first());
        let reason = reason.map(|note| clean(note));
        parts.push(reason.map_or("paused".to_owned(), |note| format!("paused: {note}")));
    }
    if let Some(left) = progress.seconds_left {
        parts.push(format!("{} left", duration(left)));
    }
    let all = progress.done + progress.to_summarize;
    if all > 0 {
        parts.push(format!(
            "{} of {} summarized",
            number(progress.done),
            number(all)
        ));
    }
    if progress.to_read > 0 {
        parts.push(format!("{} to read", count(progress.to_read, "file")));
    } else if repository.state == RepositoryState::Scanning {
        parts.push("scanning".to_owned());
    }
    if in_flight > 0 {
        parts.push(format!("{} in flight", count(in_flight, "request")));
    }
    if parts.is_empty() {
        parts.push("almost done".to_owned());
    }
    parts.join(", ")
}
