//! A status as Prometheus text (exposition format 0.0.4).

use std::fmt::{Display, Write};

use crate::wire::protocol::Status;

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
        "Requests to the model, by what became of them.",
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
        "Requests under way.",
        requests.in_flight,
    );
    page.gauge(
        "requests_limit",
        "Requests that may be under way at once.",
        requests.limit,
    );
    page.gauge(
        "requests_batched",
        "Requests in batches of the Batch API.",
        requests.batched,
    );
    page.gauge(
        "requests_today",
        "Requests sent this day (UTC).",
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
        "Tokens used this day (UTC).",
        requests.tokens_today,
    );
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
    page.gauge("store_summaries", "Summaries kept.", status.store.summaries);
    page.gauge(
        "store_bytes",
        "Bytes of the store on disk.",
        status.store.bytes,
    );
    page.0
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
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
