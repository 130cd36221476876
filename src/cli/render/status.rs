//! The daemon's status for people.

use std::path::Path;

use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{ago, clean, count, duration, money, number, size, tilde, tokens, until};
use crate::wire::protocol::{ExcludedFiles, Repository, RepositoryState, Status};
use crate::wire::shared::SharedStatus;
use crate::wire::usage::{BudgetStatus, DayUsage, Used};

/// Earlier days of usage that are shown; `--json` has more.
const DAYS: usize = 6;

/// The whole status.
pub fn status(status: &Status, terminal: Terminal) -> String {
    let mut lines = vec![format!(
        "{} · up {} · process {}",
        terminal.paint(Style::Bold, &format!("epitome {}", clean(&status.version))),
        duration(status.uptime_seconds),
        status.pid
    )];
    let model = status
        .model
        .as_deref()
        .map(|model| format!(" · {}", clean(model)));
    lines.push(format!(
        "provider  {}{}",
        clean(&status.provider),
        model.unwrap_or_default()
    ));
    // Without a model there is nothing to count, unless one was used earlier.
    if status.model.is_some() || status.requests.sent > 0 {
        lines.push(format!("requests  {}", requests(status)));
    }
    lines.extend(usage(&status.usage, terminal));
    if let Some(budget) = &status.budget {
        lines.push(format!("budget    {}", self::budget(budget, terminal)));
    }
    let summaries = match status.store.summaries {
        1 => "1 summary".to_owned(),
        many => format!("{} summaries", number(many)),
    };
    lines.push(format!(
        "store     {summaries}, {}",
        size(status.store.bytes)
    ));
    lines.extend(
        status
            .shared
            .as_ref()
            .map(|shared| format!("shared    {}", self::shared(shared))),
    );
    lines.extend(notes(&status.notes, "", terminal));
    for repository in &status.repositories {
        lines.push(String::new());
        lines.extend(self::repository(repository, terminal));
    }
    if status.repositories.is_empty() {
        lines.push(String::new());
        lines.push("no repository is watched; add one with `epitome watch PATH`".to_owned());
    }
    let mut text = terminal.fold(&lines.join("\n"));
    text.push('\n');
    text
}

fn requests(status: &Status) -> String {
    let requests = &status.requests;
    let mut parts = vec![format!(
        "{} of {} in flight",
        number(requests.in_flight),
        number(requests.limit)
    )];
    if requests.batched > 0 {
        parts.push(format!("{} in batches", number(requests.batched)));
    }
    parts.push(format!(
        "{} succeeded since the start",
        number(requests.succeeded)
    ));
    if requests.retried > 0 {
        parts.push(format!("{} of them retried", number(requests.retried)));
    }
    if requests.failed > 0 {
        parts.push(format!("{} given up", number(requests.failed)));
    }
    parts.join(" · ")
}

/// The team's store: `s3://team/epitome (read-write) · 3,940 of 4,012 found · 72 written`.
fn shared(shared: &SharedStatus) -> String {
    let mut parts = vec![format!("{} ({})", clean(&shared.url), clean(&shared.mode))];
    if !shared.reachable {
        parts.push("not reachable".to_owned());
    }
    let (found, all) = (number(shared.found), number(shared.looked_up));
    parts.push(format!("{found} of {all} found"));
    for (many, what) in [
        (shared.published, "written"),
        (shared.waiting, "to write"),
        (shared.refused, "refused"),
        (shared.rejected, "not used"),
    ] {
        if many > 0 {
            parts.push(format!("{} {what}", number(many)));
        }
    }
    parts.join(" · ")
}

/// What is used of the day's limits, and when they are reset.
fn budget(budget: &BudgetStatus, terminal: Terminal) -> String {
    let mut parts = Vec::new();
    if budget.max_requests > 0 {
        let (used, limit) = (number(budget.requests), number(budget.max_requests));
        parts.push(format!("{used} of {limit} requests"));
    }
    if budget.max_tokens > 0 {
        let (used, limit) = (tokens(budget.tokens), tokens(budget.max_tokens));
        parts.push(format!("{used} of {limit} tokens"));
    }
    if budget.max_cost > 0.0 {
        let (used, limit) = (money(budget.cost), money(budget.max_cost));
        parts.push(format!("cost {used} of {limit}"));
    }
    let reset = until(&budget.until);
    parts.push(match budget.spent {
        true => terminal.paint(Style::Warning, &format!("spent: requests resume {reset}")),
        false => format!("reset {reset}"),
    });
    parts.join(" · ")
}

/// The latest days with any use, and the repositories of the latest one.
fn usage(days: &[DayUsage], terminal: Terminal) -> Vec<String> {
    let mut lines = Vec::new();
    let used_days = days.iter().filter(|day| day.used != Used::default());
    for (at, day) in used_days.take(DAYS + 1).enumerate() {
        let title = if at == 0 { "usage" } else { "" };
        lines.push(format!(
            "{title:<10}{}  {}",
            clean(&day.day),
            used(&day.used)
        ));
        if at > 0 || day.repositories.len() < 2 {
            continue;
        }
        for repository in &day.repositories {
            let path = repository.path.as_deref().map(Path::new);
            let path = path.map_or("(removed)".to_owned(), tilde);
            let text = format!("{:10}  {path}: {}", "", used(&repository.used));
            lines.push(terminal.paint(Style::Dim, &text));
        }
    }
    lines
}

fn used(used: &Used) -> String {
    let mut text = count(used.requests, "request");
    if used.retried > 0 {
        text += &format!(" ({} retried)", number(used.retried));
    }
    text += &format!(" · {}", tokens(used.prompt_tokens));
    text += " input";
    if used.cached_tokens > 0 {
        text += &format!(" ({} cached)", tokens(used.cached_tokens));
    }
    text += &format!(" + {} output tokens", tokens(used.completion_tokens));
    if used.spared > 0 {
        text += &format!(" · {} skipped", count(used.spared, "folder"));
    }
    if let Some(cost) = used.cost {
        text += &format!(" · cost {}", money(cost));
    }
    text
}

fn repository(repository: &Repository, terminal: Terminal) -> Vec<String> {
    let (style, state) = match repository.state {
        RepositoryState::Idle => (Style::Good, "idle"),
        RepositoryState::Scanning => (Style::Warning, "scanning"),
        RepositoryState::Summarizing => (Style::Warning, "summarizing"),
        RepositoryState::Paused => (Style::Error, "paused"),
        RepositoryState::Unreachable => (Style::Error, "unreachable"),
        RepositoryState::AwaitingConfirmation => (Style::Warning, "awaiting confirmation"),
    };
    let mut lines = vec![format!(
        "{}  {}",
        terminal.paint(Style::Bold, &tilde(Path::new(&repository.path))),
        terminal.paint(style, state)
    )];
    if repository.state == RepositoryState::Unreachable {
        lines.push("  the folder is not there; it is watched again when it comes back".to_owned());
        lines.extend(notes(&repository.notes, "  ", terminal));
        return lines;
    }
    let change = repository.last_change.as_deref();
    let change = change.map(|time| format!(" · last change {}", ago(time)));
    lines.push(format!(
        "  {}, {}: {}{}",
        count(repository.files, "file"),
        count(repository.directories.saturating_sub(1), "folder"),
        freshness(repository),
        change.unwrap_or_default()
    ));
    let progress = &repository.progress;
    if progress.to_read + progress.to_summarize > 0 {
        let left = progress.seconds_left;
        let left = left.map(|left| format!(" · {} left", duration(left)));
        lines.push(format!(
            "  to do: {} to read, {} to summarize{}",
            number(progress.to_read),
            number(progress.to_summarize),
            left.unwrap_or_default()
        ));
    }
    if repository.watch != "native" {
        let text = format!(
            "  changes are found by polling, not by events ({})",
            clean(&repository.watch)
        );
        lines.push(terminal.paint(Style::Dim, &text));
    }
    if !repository.excluded.is_empty() {
        let text = format!("  left out by default: {}", excluded(&repository.excluded));
        lines.push(terminal.paint(Style::Dim, &text));
    }
    for hot in &repository.hot {
        let requests = count(hot.requests_today, "request");
        lines.push(format!(
            "  changes often: {} ({requests} today); [files] exclude leaves it out",
            clean(&hot.path)
        ));
    }
    lines.extend(notes(&repository.notes, "  ", terminal));
    lines
}

/// What the default rules leave out: `812 files (virtual environment), 3 files (editor file)`.
pub fn excluded(rules: &[ExcludedFiles]) -> String {
    let rules = rules
        .iter()
        .map(|one| format!("{} ({})", count(one.files, "file"), clean(&one.rule)));
    rules.collect::<Vec<_>>().join(", ")
}

/// `all fresh`, or `4 fresh, 1 stale, 2 off`.
fn freshness(repository: &Repository) -> String {
    let counts = [
        (repository.fresh, "fresh"),
        (repository.stale, "stale"),
        (repository.pending, "pending"),
        (repository.failed, "failed"),
        (repository.off, "off"),
    ];
    let present: Vec<String> = counts
        .iter()
        .filter(|(many, _)| *many > 0)
        .map(|(many, name)| format!("{} {name}", number(*many)))
        .collect();
    match (present.as_slice(), repository.fresh) {
        ([], _) => "nothing yet".to_owned(),
        ([_], 1..) => "all fresh".to_owned(),
        (present, _) => present.join(", "),
    }
}

fn notes(notes: &[String], indent: &str, terminal: Terminal) -> Vec<String> {
    let note = terminal.paint(Style::Warning, "note:");
    let line = |text: &String| format!("{indent}{note} {}", clean(text));
    notes.iter().map(line).collect()
}
