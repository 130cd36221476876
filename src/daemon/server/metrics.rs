//! A status as Prometheus text (exposition format 0.0.4).

use std::fmt::{Display, Write};

use crate::wire::protocol::{Repository, Status};
use crate::wire::shared::SharedStatus;
use crate::wire::usage::{BudgetStatus, Used};

/// The text.
pub(super) fn text(status: &Status) -> String {
    let mut page = Page(String::new());
    let requests = &status.requests;
    page.gauge(
        "uptime_seconds",
        "Seconds since the daemon started.",
        status.uptime_seconds,
    );
    page.family(
        "requests_total",
        "counter",
        "Requests to the model, by outcome.",
    );
    for (outcome, count) in [
        ("sent", requests.sent),
        ("succeeded", requests.succeeded),
        ("retried", requests.retried),
        ("failed", requests.failed),
        ("unchanged", requests.unchanged),
    ] {
        page.sample("requests_total", &[("outcome", outcome)], count);
    }
    page.gauge(
        "requests_in_flight",
        "Requests in flight.",
        requests.in_flight,
    );
    page.gauge("requests_limit", "Concurrency limit.", requests.limit);
    page.gauge(
        "requests_batched",
        "Requests in batches of the Batch API.",
        requests.batched,
    );
    page.gauge(
        "requests_today",
        "Requests sent today (UTC).",
        requests.today,
    );
    page.family(
        "tokens_total",
        "counter",
        "Tokens, as the endpoint counted them.",
    );
    for (kind, count) in [
        ("prompt", requests.prompt_tokens),
        ("completion", requests.completion_tokens),
        ("cached", requests.cached_tokens),
    ] {
        page.sample("tokens_total", &[("kind", kind)], count);
    }
    page.gauge(
        "tokens_today",
        "Tokens used today (UTC).",
        requests.tokens_today,
    );
    page.family(
        "spared_directories_total",
        "counter",
        "Directories that needed no request because a summary was kept.",
    );
    page.sample("spared_directories_total", &[], requests.spared);
    if let Some(cost) = requests.cost {
        page.family(
            "cost_total",
            "counter",
            "Money, in the currency of the configured prices.",
        );
        page.sample("cost_total", &[], cost);
    }
    by_repository(&mut page, status);
    if let Some(budget) = &status.budget {
        self::budget(&mut page, budget);
    }
    page.family(
        "nodes",
        "gauge",
        "Files and directories, by the freshness of their summaries.",
    );
    for repository in &status.repositories {
        for (freshness, count) in [
            ("fresh", repository.fresh),
            ("stale", repository.stale),
            ("pending", repository.pending),
            ("failed", repository.failed),
            ("off", repository.off),
        ] {
            let labels = [
                ("repository", repository.path.as_str()),
                ("freshness", freshness),
            ];
            page.sample("nodes", &labels, count);
        }
    }
    page.family("watches", "gauge", "Folders watched.");
    for repository in &status.repositories {
        let labels = [("repository", repository.path.as_str())];
        page.sample("watches", &labels, repository.watches);
    }
    page.gauge(
        "store_summaries",
        "Stored summaries.",
        status.store.summaries,
    );
    page.gauge(
        "store_bytes",
        "Bytes of the store on disk.",
        status.store.bytes,
    );
    status
        .shared
        .iter()
        .for_each(|found| shared(&mut page, found));
    page.0
}

/// The store that the team shares.
fn shared(page: &mut Page, shared: &SharedStatus) {
    let help = "Whether the latest look-up in the shared store got a response.";
    page.gauge("shared_reachable", help, u8::from(shared.reachable));
    let help = "Summaries of the shared store: looked up, found, found and not used, written.";
    page.family("shared_summaries_total", "counter", help);
    for (outcome, count) in [
        ("looked_up", shared.looked_up),
        ("found", shared.found),
        ("rejected", shared.rejected),
        ("published", shared.published),
    ] {
        page.sample("shared_summaries_total", &[("outcome", outcome)], count);
    }
    let help = "Summaries that wait to be written to the shared store.";
    page.gauge("shared_waiting", help, shared.waiting);
}

/// Use of the model by watched repository since the daemon started.
fn by_repository(page: &mut Page, status: &Status) {
    type Number = fn(&Used) -> u64;
    let families: [(&str, &str, Number); 4] = [
        ("requests", "Requests to the model.", |used| used.requests),
        ("retries", "Requests sent again after a failure.", |used| {
            used.retried
        }),
        (
            "unchanged",
            "Responses that kept the earlier summary.",
            |used| used.unchanged,
        ),
        (
            "spared_directories",
            "Directories skipped because of that.",
            |used| used.spared,
        ),
    ];
    for (name, help, number) in families {
        let name = format!("repository_{name}_total");
        page.family(&name, "counter", help);
        for repository in &status.repositories {
            let labels = [("repository", repository.path.as_str())];
            page.sample(&name, &labels, number(&repository.used));
        }
    }
    let name = "repository_tokens_total";
    page.family(name, "counter", "Tokens, as the endpoint counted them.");
    for repository in &status.repositories {
        let used = &repository.used;
        for (kind, count) in [
            ("prompt", used.prompt_tokens),
            ("completion", used.completion_tokens),
            ("cached", used.cached_tokens),
        ] {
            let labels = [("repository", repository.path.as_str()), ("kind", kind)];
            page.sample(name, &labels, count);
        }
    }
    let name = "repository_cost_total";
    let priced = |repository: &&Repository| repository.used.cost.is_some();
    if status.repositories.iter().any(|one| priced(&one)) {
        page.family(
            name,
            "counter",
            "Money, in the currency of the configured prices.",
        );
    }
    for repository in status.repositories.iter().filter(priced) {
        let labels = [("repository", repository.path.as_str())];
        page.sample(name, &labels, repository.used.cost.unwrap_or_default());
    }
}

/// The day's limits, if there are any.
fn budget(page: &mut Page, budget: &BudgetStatus) {
    let bounds = [
        (
            "requests",
            budget.max_requests as f64,
            budget.requests as f64,
        ),
        ("tokens", budget.max_tokens as f64, budget.tokens as f64),
        ("cost", budget.max_cost, budget.cost),
    ];
    let bounds = bounds.iter().filter(|(_, limit, _)| *limit > 0.0);
    page.family("budget_limit", "gauge", "Daily limit (UTC).");
    for (resource, limit, _) in bounds.clone() {
        page.sample("budget_limit", &[("resource", resource)], limit);
    }
    page.family("budget_used", "gauge", "Used of it today.");
    for (resource, _, used) in bounds {
        page.sample("budget_used", &[("resource", resource)], used);
    }
    page.gauge(
        "budget_spent",
        "Whether a daily limit is reached (1: yes).",
        u8::from(budget.spent),
    );
}

struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP epitome_{name} {help}"));
        self.line(format_args!("# TYPE epitome_{name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escape(value)))
            .collect();
        match labels.as_slice() {
            [] => self.line(format_args!("epitome_{name} {value}")),
            labels => self.line(format_args!(
                "epitome_{name}{{{}}} {value}",
                labels.join(",")
            )),
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
