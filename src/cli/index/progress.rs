//! How far an index is: a bar on a terminal, a line now and then where there is none.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output;
use crate::cli::text::{clean, count, duration, number};
use crate::wire::protocol::{Repository, RepositoryState, Status};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows it on standard error.
pub struct Progress {
    bar: Option<ProgressBar>,
    said: Instant,
}

impl Progress {
    pub fn on_stderr() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
            // The template is constant; were it wrong, the bar would look plain.
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {wide_msg}") {
                bar.set_style(style.progress_chars("━╸ "));
            }
            bar
        });
        Self {
            bar,
            said: Instant::now(),
        }
    }

    pub fn update(&mut self, status: &Status, path: &Path) {
        let Some(repository) = repository_of(status, path) else {
            return;
        };
        let line = || line(repository, &status.notes, status.requests.in_flight);
        match &self.bar {
            Some(bar) => {
                let progress = &repository.progress;
                bar.set_length((progress.done + progress.to_summarize).max(1));
                bar.set_position(progress.done);
                bar.set_message(line());
            }
            None if self.said.elapsed() >= LINE_EVERY => {
                output::say(&line());
                self.said = Instant::now();
            }
            None => {}
        }
    }

    /// Leaves the terminal as it was.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The innermost repository that holds `path`.
pub fn repository_of<'s>(status: &'s Status, path: &Path) -> Option<&'s Repository> {
    path.ancestors().find_map(|ancestor| {
        // Compared as the protocol writes it, which is not exact for names that are not UTF-8.
        let text = ancestor.to_string_lossy();
        let all = &status.repositories;
        all.iter().find(|repository| repository.path == text)
    })
}

/// `120 of 219 nodes summarized, 3 requests in flight, about 12 s left`. `notes`: of the whole status; where the
/// repository's own do not say why it is paused, they do.
pub fn line(repository: &Repository, notes: &[String], in_flight: u64) -> String {
    let progress = &repository.progress;
    let mut parts = Vec::new();
    if progress.to_read > 0 {
        parts.push(format!("{} to read", count(progress.to_read, "file")));
    } else if repository.state == RepositoryState::Scanning {
        parts.push("looking for files".to_owned());
    }
    let all = progress.done + progress.to_summarize;
    if all > 0 {
        parts.push(format!(
            "{} of {} summarized",
            number(progress.done),
            count(all, "node")
        ));
    }
    if in_flight > 0 {
        parts.push(format!("{} in flight", count(in_flight, "request")));
    }
    if let Some(left) = progress.seconds_left {
        parts.push(format!("about {} left", duration(left)));
    }
    if repository.state == RepositoryState::Paused {
        let reason = repository.notes.first().or(notes.first());
        let reason = reason.map(|note| clean(note));
        parts.push(reason.map_or("paused".to_owned(), |note| format!("paused: {note}")));
    }
    if parts.is_empty() {
        parts.push("almost done".to_owned());
    }
    parts.join(", ")
}
