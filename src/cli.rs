//! The command line: what a person types, made into questions to a daemon, and the answers made into text.
//!
//! A verb is a file. Only `output` writes to the two streams.

mod cache;
mod completions;
mod daemon;
mod doctor;
mod events;
mod export;
pub mod failure;
mod index;
mod logging;
mod man;
mod mcp;
mod output;
mod paths;
mod render;
mod search;
mod service;
mod show;
mod start;
mod status;
mod terminal;
mod text;
mod tree;
mod wait;
mod watch;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::client::Client;
use crate::config::Config;
use crate::config::places::{Overrides, Places};
use failure::Failure;

/// What stands below the verbs.
const AFTER: &str = "\
To begin: `epitome index` in a project shows its map once; `epitome watch` keeps it
true from then on.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 no daemon runs; 4 the path is in no
watched repository; 5 `wait` ran out of time.";

/// Keeps a written map of your code true while you work.
#[derive(Debug, Parser)]
#[command(
    name = "epitome",
    version,
    arg_required_else_help = true,
    propagate_version = false,
    after_help = AFTER
)]
struct Cli {
    #[command(flatten)]
    places: PlaceFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Where things are")]
struct PlaceFlags {
    /// The configuration file (or EPITOME_CONFIG)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The store's folder (or EPITOME_DATA_DIR)
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The daemon's socket (or EPITOME_SOCKET)
    #[arg(long, global = true, value_name = "FILE")]
    socket: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch repositories and keep their summaries true, in the foreground
    Daemon(daemon::Arguments),
    /// Index once and exit; no daemon is needed
    Index(index::Arguments),
    /// Add a repository, kept across restarts; starts the daemon where none runs
    Watch(watch::Arguments),
    /// Remove a repository; what was paid for is kept
    Unwatch(watch::Arguments),
    /// The daemon, its repositories, the model's use
    Status(status::Arguments),
    /// One file or directory: its summary, its outline or children
    Show(show::Arguments),
    /// A directory and all below it, with a line each
    Tree(tree::Arguments),
    /// The files and directories that answer a query best, and why
    Search(search::Arguments),
    /// Return when everything saved before is seen, summarized and stored
    Wait(wait::Arguments),
    /// Follow what happens, a line each
    Events(events::Arguments),
    /// Serve coding agents over MCP, on standard input and output
    Mcp(mcp::Arguments),
    /// Write the summaries out
    Export(export::Arguments),
    /// What the store holds: figures, removal of what nobody uses, a check of everything
    Cache(cache::Arguments),
    /// Check what epitome needs, and say how to mend it
    Doctor(doctor::Arguments),
    /// The daemon as a service of your systemd: put it in place, take it away, look at it
    Service(service::Arguments),
    /// Print shell completions
    Completions(completions::Arguments),
    /// Write the manual pages
    #[command(hide = true)]
    Man(man::Arguments),
}

/// What verbs work with.
struct Context {
    places: Places,
}

impl Context {
    /// The configuration, checked.
    fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.places.config, self.places.config_named)?)
    }

    /// A daemon that answers.
    async fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.places.socket).await?)
    }
}

/// The whole program. It is no part of `main.rs`, because the code of what is awaited is made in the crate in which the
/// waiting begins: there it would be made again, on one processor, at each change.
pub fn main() -> ExitCode {
    let cli = Cli::of_this_process();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            output::say(&format!("no threads could be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(cli.run());
    // What still reads or asks in the background is not worth waiting for: all that matters is stored by now.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

impl Cli {
    /// What this process was called with; a call for help and a wrong one end the process. Colours only on a terminal:
    /// left to itself, the library would put them into a pipe where CLICOLOR_FORCE is set.
    fn of_this_process() -> Self {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let color = match terminal {
            true => ColorChoice::Auto,
            false => ColorChoice::Never,
        };
        let mut command = Self::command().color(color);
        let matches = command.get_matches_mut();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
    }

    /// Does what was asked, and gives the exit code. A failure is told on standard error, in one line.
    async fn run(self) -> ExitCode {
        match self.dispatch().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                if failure != Failure::Unread {
                    output::say(&failure.to_string());
                }
                ExitCode::from(failure.code())
            }
        }
    }

    async fn dispatch(self) -> Result<(), Failure> {
        logging::start(match self.command {
            Command::Daemon(_) => "info",
            // A refused call is the agent's to read, and no defect.
            Command::Mcp(_) => "warn,rmcp=error",
            _ => "warn",
        })?;
        match &self.command {
            Command::Completions(arguments) => return completions::run(arguments),
            Command::Man(arguments) => return man::run(arguments),
            _ => {}
        }
        let places = Places::find(Overrides {
            config: self.places.config,
            data: self.places.data_dir,
            socket: self.places.socket,
        })?;
        let context = Context { places };
        match self.command {
            Command::Daemon(arguments) => daemon::run(context, arguments).await,
            Command::Index(arguments) => index::run(&context, arguments).await,
            Command::Watch(arguments) => watch::watch(&context, &arguments).await,
            Command::Unwatch(arguments) => watch::unwatch(&context, &arguments).await,
            Command::Status(arguments) => status::run(&context, &arguments).await,
            Command::Show(arguments) => show::run(&context, &arguments).await,
            Command::Tree(arguments) => tree::run(&context, &arguments).await,
            Command::Search(arguments) => search::run(&context, &arguments).await,
            Command::Wait(arguments) => wait::run(&context, &arguments).await,
            Command::Events(arguments) => events::run(&context, &arguments).await,
            Command::Mcp(arguments) => mcp::run(&context, &arguments).await,
            Command::Export(arguments) => export::run(&context, &arguments).await,
            Command::Service(arguments) => service::run(&context, &arguments).await,
            Command::Cache(arguments) => cache::run(&context, &arguments).await,
            Command::Doctor(arguments) => doctor::run(&context, &arguments).await,
            // Handled above: neither needs the configuration's places.
            Command::Completions(_) | Command::Man(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_the_contract_has_is_understood_and_nothing_else() {
        for line in [
            "daemon",
            "daemon /a /b --config /c",
            "index --json",
            "index /a --dry-run --json",
            "search words",
            "search some words --limit 5 --json --path /a --glob *.py",
            "events",
            "events /a --json",
            "mcp",
            "mcp /a --watch",
            "watch",
            "unwatch /a",
            "status --json",
            "--socket /s status",
            "show src/a.py --json",
            "tree --depth 2",
            "wait /a --timeout 0.5",
            "export --format index --output out",
            "cache stats --json",
            "cache gc",
            "cache gc --max-age 30 --max-bytes 1000000 --json",
            "cache verify --json",
            "doctor --json",
            "service install --force --at-login --hardened",
            "service uninstall",
            "service status --json",
            "completions bash",
        ] {
            let words = ["epitome"].into_iter().chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "",
            "shwo",
            "status extra",
            "tree --depth -1",
            "search",
            "search x --limit 0",
            "search x --limit 101",
            "wait --timeout -1",
            "wait --timeout soon",
            "wait --timeout inf",
            "export --format pdf --output out",
            "export --format index",
            "cache",
            "cache gc --max-age -1",
            "cache gc --max-bytes 1.5",
            "cache clear",
            "service",
            "service remove",
            "completions csh9",
        ] {
            let words = ["epitome"].into_iter().chain(line.split_whitespace());
            let error = Cli::try_parse_from(words).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
