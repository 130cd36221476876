//! `epitome doctor`: checks what Epitome needs and says how to fix each. It changes nothing.

mod audit;
mod daemon;
mod learnt;
mod local;

use serde::Serialize;

use super::failure::Failure;
use super::terminal::{Style, Terminal};
use super::text::clean;
use super::{Context, output, owner, preflight};
use crate::client::Client;
use crate::config::{Backend, Config, Provider};
use crate::wire::access::Access as _;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Read every watched file again, and compare it with the daemon's state
    #[arg(long)]
    audit: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Failed,
}

/// A check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
    /// How to fix it, where that is known.
    fix: Option<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Check],
    /// What was learnt of the endpoint.
    learnt: Option<learnt::Learnt>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, State::Ok, detail, None)
    }

    fn warning(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(name, State::Warning, detail, Some(fix.into()))
    }

    fn failed(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(name, State::Failed, detail, Some(fix.into()))
    }

    fn new(
        name: &'static str,
        state: State,
        detail: impl Into<String>,
        fix: Option<String>,
    ) -> Self {
        Self {
            name,
            state,
            detail: detail.into(),
            fix,
        }
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let places = &context.places;
    let mut checks = Vec::new();
    let mut learnt = None;
    let client = Client::connect(&places.socket).await;
    let status = match &client {
        Ok(client) => client.status().await.ok(),
        Err(_) => None,
    };
    match context.config() {
        Ok(config) => {
            let detail = match places.config.exists() {
                true => places.config.display().to_string(),
                false => format!("{} does not exist: defaults", places.config.display()),
            };
            checks.push(Check::ok("configuration", detail));
            let files = [Some(&places.config), config.openai.api_key_file.as_ref()];
            checks.extend(
                files
                    .into_iter()
                    .flatten()
                    .filter_map(|file| local::readable(file)),
            );
            checks.extend(config.repos.iter().map(|path| local::repository(path)));
            checks.push(local::key(&config, status.as_ref()));
            checks.extend(endpoint(&config).await);
            if uses_endpoint(&config) {
                learnt = learnt::learnt(&config.openai, &places.data);
                checks.extend(learnt.as_ref().map(|learnt| learnt.check(&places.data)));
            }
            checks.extend(shared(&config).await);
            if config.watch.backend == Backend::Native {
                checks.extend(local::inotify(|name| {
                    std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}"))
                }));
            }
        }
        Err(failure) => checks.push(Check::failed(
            "configuration",
            failure.to_string(),
            "correct that line; config.example.toml has every key",
        )),
    }
    if let Err(failure) = owner::refuse_foreign_folders(places) {
        let hint = "every other command refuses to work so";
        checks.push(Check::failed("user", failure.to_string(), hint));
    }
    checks.push(local::store(&places.data));
    checks.push(local::socket_folder(&places.socket));
    checks.extend(local::service());
    checks.push(daemon::runs(&client, status.as_ref()));
    if let Some(status) = &status {
        checks.extend(daemon::compared(status, places));
        checks.extend(daemon::notes(status));
        checks.extend(daemon::left_out(status));
        checks.extend(daemon::overlays(status));
    }
    if arguments.audit {
        checks.extend(audit::checks(context, client).await);
    }

    let failed = checks
        .iter()
        .filter(|check| check.state == State::Failed)
        .count();
    if arguments.json {
        output::print_json(&Report {
            ok: failed == 0,
            checks: &checks,
            learnt,
        })?;
    } else {
        output::print(&report(&checks, Terminal::of_stdout()))?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 check failed".to_owned())),
        many => Err(Failure::Failed(format!("{many} checks failed"))),
    }
}

/// Whether the endpoint responds to one `GET /models` with this shell's key; nothing without an endpoint, or where the
/// key is not sent to it.
async fn endpoint(config: &Config) -> Option<Check> {
    let openai = &config.openai;
    if !uses_endpoint(config) || (openai.is_remote_http() && !openai.allow_http) {
        return None;
    }
    Some(match preflight::check(config).await {
        None => Check::ok("endpoint", format!("{} responds", openai.base_url)),
        Some(problem) => Check::failed("endpoint", problem.what, problem.hint),
    })
}

fn uses_endpoint(config: &Config) -> bool {
    config.summaries.enabled && config.summaries.provider == Provider::Openai
}

/// Whether the store that the team shares can be read from here; nothing without one.
async fn shared(config: &Config) -> Option<Check> {
    const NAME: &str = "shared store";
    if config.shared.url.is_empty() {
        return None;
    }
    if config.summaries.provider == Provider::Offline {
        let fix = "set [summaries] provider = \"openai\"; offline summaries cost nothing and are not shared";
        return Some(Check::warning(
            NAME,
            "not used with the offline provider",
            fix,
        ));
    }
    Some(match crate::daemon::check_shared(config).await {
        Ok(url) => Check::ok(NAME, format!("{url} responds ({})", config.shared.mode)),
        Err(problem) => Check::failed(
            NAME,
            problem,
            "correct [shared], or set the service's usual environment variables where the daemon starts; docs/shared.md",
        ),
    })
}

fn report(checks: &[Check], terminal: Terminal) -> String {
    let mut text = String::new();
    for check in checks {
        let state = match check.state {
            State::Ok => terminal.paint(Style::Good, "ok     "),
            State::Warning => terminal.paint(Style::Warning, "warning"),
            State::Failed => terminal.paint(Style::Error, "failed "),
        };
        text += &format!("{state}  {}: {}\n", check.name, clean(&check.detail));
        if let Some(fix) = &check.fix {
            text += &format!("         {}\n", clean(fix));
        }
    }
    terminal.fold(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_says_how_to_fix_each() {
        let checks = [
            Check::ok("store", "/d"),
            Check::failed("key", "no\nkey", "set it"),
        ];
        assert_eq!(
            report(&checks, Terminal::default()),
            "ok       store: /d\nfailed   key: no\\nkey\n         set it\n"
        );
    }
}
