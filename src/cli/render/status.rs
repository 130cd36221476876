//! The daemon's status for people.

use crate::cli::terminal::{Style, Terminal};
use crate::cli::text::{clean, count, duration, money, number, size};
use crate::wire::protocol::{Repository, RepositoryState, Status};
use crate::wire::usage::{BudgetStatus, DayUsage, Used};

/// Days of usage that are shown; `--json` tells of more.
const DAYS: usize = 7;

/// The whole status.
pub fn status(status: &Status, terminal: Terminal) -> String {
    let mut lines = vec![format!(
        "{}  process {}, up {}",
        terminal.paint(Style::Bold, &format!("epitome {}", clean(&status.version))),
        status.pid,
        duration(status.uptime_seconds)
    )];
    let model = status
        .model
        .as_deref()
        .map(|model| format!(", {}", clean(model)));
    lines.push(format!(
        "provider  {}{}",
        clean(&status.provider),
        model.unwrap_or_default()
    ));
    let requests = &status.requests;
    lines.push(format!(
        "requests  {} sent, {} answered, {} retried, {} failed; {} of {} in flight{}; {} today",
        number(requests.sent),
        number(requests.succeeded),
        number(requests.retried),
        number(requests.failed),
        number(requests.in_flight),
        number(requests.limit),
        match requests.batched {
            0 => String::new(),
            batched => format!(", {} in batches", number(batched)),
        },
        number(requests.today)
    ));
    if requests.prompt_tokens + requests.completion_tokens + requests.tokens_today > 0 {
        lines.push(format!(
            "tokens    {} asked ({} cached), {} answered; {} today",
            number(requests.prompt_tokens),
            number(requests.cached_tokens),
            number(requests.completion_tokens),
            number(requests.tokens_today)
        ));
    }
    if let Some(budget) = &status.budget {
        lines.push(self::budget(budget, terminal));
    }
    lines.extend(usage(&status.usage, terminal));
    let summaries = match status.store.summaries {
        1 => "1 summary".to_owned(),
        many => format!("{} summaries", number(many)),
    };
    lines.push(format!(
        "store     {summaries}, {}",
        size(status.store.bytes)
    ));
    lines.extend(notes(&status.notes, "", terminal));
    for repository in &status.repositories {
        lines.push(String::new());
        lines.extend(self::repository(repository, terminal));
    }
    if status.repositories.is_empty() {
        lines.push(String::new());
        lines.push("no repository is watched; add one with `epitome watch PATH`".to_owned());
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// What is used of the day's budget, and until when nothing more is asked.
fn budget(budget: &BudgetStatus, terminal: Terminal) -> String {
    let mut parts = Vec::new();
    if budget.max_requests > 0 {
        let (used, most) = (number(budget.requests), number(budget.max_requests));
        parts.push(format!("{used} of {most} requests"));
    }
    if budget.max_tokens > 0 {
        let (used, most) = (number(budget.tokens), number(budget.max_tokens));
        parts.push(format!("{used} of {most} tokens"));
    }
    if budget.max_cost > 0.0 {
        let (used, most) = (money(budget.cost), money(budget.max_cost));
        parts.push(format!("{used} of {most} in money"));
    }
    let until = clean(&budget.until);
    let then = match budget.spent {
        true => terminal.paint(
            Style::Warning,
            &format!("; spent: nothing more is asked until {until}"),
        ),
        false => format!(", until {until}"),
    };
    format!("budget    {}{then}", parts.join(", "))
}

/// The latest days with any use, and the repositories of the latest one.
fn usage(days: &[DayUsage], terminal: Terminal) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, day) in days.iter().take(DAYS).enumerate() {
        let title = if at == 0 { "usage" } else { "" };
        let text = used(&day.used);
        lines.push(format!("{title:<10}{}  {text}", clean(&day.day)));
        if at > 0 {
            continue;
        }
        for repository in &day.repositories {
            let path = repository.path.as_deref().unwrap_or("(not known any more)");
            let text = format!("{:10}  {}: {}", "", clean(path), used(&repository.used));
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
    text += &format!(
        ", {} tokens asked ({} cached), {} answered",
        number(used.prompt_tokens),
        number(used.cached_tokens),
        number(used.completion_tokens)
    );
    if used.spared > 0 {
        let spared = count(used.spared, "directory");
        text += &format!(", {spared} spared");
    }
    if let Some(cost) = used.cost {
        text += &format!(", cost {}", money(cost));
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
    };
    let mut lines = vec![format!(
        "{}  {}",
        terminal.paint(Style::Bold, &clean(&repository.path)),
        terminal.paint(style, state)
    )];
    let by_freshness = [
        (repository.fresh, "fresh"),
        (repository.stale, "stale"),
        (repository.pending, "pending"),
        (repository.failed, "failed"),
        (repository.off, "off"),
    ];
    let present: Vec<String> = by_freshness
        .iter()
        .filter(|(many, name)| *many > 0 || *name == "fresh")
        .map(|(many, name)| format!("{} {name}", number(*many)))
        .collect();
    lines.push(format!(
        "  {}, {}: {}",
        count(repository.files, "file"),
        count(repository.directories, "directory"),
        present.join(", ")
    ));
    let progress = &repository.progress;
    if progress.to_read + progress.to_summarize > 0 {
        let left = progress
            .seconds_left
            .map(|left| format!(", about {} left", duration(left)));
        lines.push(format!(
            "  to do: {} to read, {} to summarize{}",
            number(progress.to_read),
            number(progress.to_summarize),
            left.unwrap_or_default()
        ));
    }
    let change = repository
        .last_change
        .as_deref()
        .map(|time| format!(", last change {}", clean(time)));
    lines.push(terminal.paint(
        Style::Dim,
        &format!(
            "  watched: {}, {} folders{}",
            clean(&repository.watch),
            number(repository.watches),
            change.unwrap_or_default()
        ),
    ));
    lines.extend(notes(&repository.notes, "  ", terminal));
    lines
}

fn notes(notes: &[String], indent: &str, terminal: Terminal) -> Vec<String> {
    notes
        .iter()
        .map(|note| {
            format!(
                "{indent}{} {}",
                terminal.paint(Style::Warning, "note:"),
                clean(note)
            )
        })
        .collect()
}
