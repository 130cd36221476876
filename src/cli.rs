//! The command line: arguments to requests, responses to text. One file for each command; only `output` writes to
//! standard output and standard error.

mod cache;
mod complete;
mod completions;
mod consent;
mod daemon;
mod diff;
mod doctor;
mod events;
mod export;
pub mod failure;
mod failures;
mod help;
mod here;
mod index;
mod init;
mod log;
mod logging;
mod man;
mod mcp;
mod output;
mod owner;
mod past;
mod paths;
mod preflight;
mod reader;
mod render;
mod search;
mod service;
mod show;
mod start;
mod status;
mod stop;
mod terminal;
mod text;
mod tree;
mod ui;
mod version;
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

/// The text after the help.
const AFTER: &str = "\
Start with `epitome index` in a project; `epitome watch` keeps it current.
`epitome help COMMAND` explains a command.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 no daemon runs; 4 the path is in
no watched repository; 5 `wait` timed out";

/// Keeps an up-to-date summary of every file and folder in your code
#[derive(Debug, Parser)]
#[command(
    name = "epitome",
    version,
    arg_required_else_help = true,
    propagate_version = false,
    max_term_width = 100,
    after_help = AFTER
)]
struct Cli {
    #[command(flatten)]
    places: PlaceFlags,
    #[command(subcommand)]
    command: Command,
}

/// Shown by `--help` and left out by `-h`: they are the same for each command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Files")]
struct PlaceFlags {
    /// The configuration file (or EPITOME_CONFIG)
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    config: Option<PathBuf>,
    /// The store's folder (or EPITOME_DATA_DIR)
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    data_dir: Option<PathBuf>,
    /// The daemon's socket (or EPITOME_SOCKET)
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    socket: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up: provider, cost, configuration
    Init(init::Arguments),
    /// Watch repositories in the foreground
    Daemon(daemon::Arguments),
    /// Index once and exit
    Index(index::Arguments),
    /// Keep a repository current from now on; starts the daemon
    Watch(watch::WatchArguments),
    /// Stop watching a repository; its summaries are kept
    Unwatch(watch::UnwatchArguments),
    /// Show the daemon, its repositories, tokens and cost
    Status(status::Arguments),
    /// Show one file or folder: summary, outline, children
    Show(show::Arguments),
    /// Show a folder and what is below it, one line each
    Tree(tree::Arguments),
    /// Search files and folders by name, symbol or summary
    Search(search::Arguments),
    /// Show how summaries changed since a revision or a time
    Diff(diff::Arguments),
    /// Show the earlier summaries of a file or folder
    Log(log::Arguments),
    /// Block until all changes saved so far are summarized
    Wait(wait::Arguments),
    /// Follow changes as they happen, one line each
    Events(events::Arguments),
    /// End the daemon; what was paid for is kept
    Stop,
    /// Restart the daemon, after an upgrade or a new configuration
    Restart,
    /// Serve coding agents over MCP
    Mcp(mcp::Arguments),
    /// Write the summaries as HTML, Markdown or JSON
    Export(export::Arguments),
    /// Browse the summaries live in the browser
    Ui(ui::Arguments),
    /// Check that a committed export is up to date
    Check(export::CheckArguments),
    /// Inspect, prune or verify stored summaries
    Cache(cache::Arguments),
    /// Check the setup and say how to fix it
    Doctor(doctor::Arguments),
    /// Install, remove or check the systemd user service
    Service(service::Arguments),
    /// Print shell completions
    Completions(completions::Arguments),
    /// Print what could follow, for the completion scripts
    #[command(hide = true)]
    Complete(complete::Arguments),
    /// Write the manual pages
    #[command(hide = true)]
    Man(man::Arguments),
}

/// What every command needs.
struct Context {
    places: Places,
}

impl Context {
    /// The configuration, checked.
    fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.places.config, self.places.config_named)?)
    }

    /// The running daemon.
    async fn client(&self) -> Result<Client, Failure> {
        let client = Client::connect(&self.places.socket).await?;
        version::compare(&client).await;
        Ok(client)
    }
}

/// The whole program. It is not in `main.rs`, because async code is generated in the crate that awaits it: there it would
/// be generated again, on one core, at each change.
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
    // Background reads and requests are dropped: everything that matters is stored by now.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

impl Cli {
    /// The arguments of this process; `--help` and wrong usage end it. Colours only on a terminal: by default clap would
    /// write them into a pipe if CLICOLOR_FORCE is set.
    fn of_this_process() -> Self {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let color = match terminal {
            true => ColorChoice::Auto,
            false => ColorChoice::Never,
        };
        let mut command = help::grouped(Self::command()).color(color);
        let matches = command.get_matches_mut();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
    }

    /// Runs the command and returns the exit code. A failure is printed on standard error, in one line.
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
            // A refused call is for the agent to read.
            Command::Mcp(_) => "warn,rmcp=error",
            // The command reports failures itself; a log line would repeat them.
            _ => "off",
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
        if let Command::Complete(arguments) = &self.command {
            return complete::run(&places, arguments).await;
        }
        let context = Context { places };
        if !matches!(self.command, Command::Doctor(_)) {
            owner::refuse_foreign_folders(&context.places)?;
        }
        match self.command {
            Command::Daemon(arguments) => daemon::run(context, arguments).await,
            Command::Init(arguments) => init::run(&context, &arguments).await,
            Command::Index(arguments) => index::run(&context, arguments).await,
            Command::Watch(arguments) => watch::watch(&context, &arguments).await,
            Command::Unwatch(arguments) => watch::unwatch(&context, &arguments).await,
            Command::Status(arguments) => status::run(&context, &arguments).await,
            Command::Show(arguments) => show::run(&context, &arguments).await,
            Command::Tree(arguments) => tree::run(&context, &arguments).await,
            Command::Search(arguments) => search::run(&context, &arguments).await,
            Command::Diff(arguments) => diff::run(&context, &arguments).await,
            Command::Log(arguments) => log::run(&context, &arguments).await,
            Command::Wait(arguments) => wait::run(&context, &arguments).await,
            Command::Events(arguments) => events::run(&context, &arguments).await,
            Command::Stop => stop::stop(&context).await,
            Command::Restart => stop::restart(&context).await,
            Command::Mcp(arguments) => mcp::run(&context, &arguments).await,
            Command::Export(arguments) => export::run(&context, &arguments).await,
            Command::Ui(arguments) => ui::run(&context, &arguments).await,
            Command::Check(arguments) => export::check(&context, &arguments).await,
            Command::Service(arguments) => service::run(&context, &arguments).await,
            Command::Cache(arguments) => cache::run(&context, &arguments).await,
            Command::Doctor(arguments) => doctor::run(&context, &arguments).await,
            // Handled above: none of them needs the configuration.
            Command::Completions(_) | Command::Complete(_) | Command::Man(_) => Ok(()),
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
    fn the_contract_s_arguments_are_accepted_and_no_others() {
        for line in [
            "daemon",
            "daemon /a /b --config /c",
            "init --yes",
            "init --provider ollama",
            "index --json",
            "index /a --dry-run --json",
            "search words",
            "search some words --limit 5 --json --path /a --glob *.py",
            "events",
            "events /a --json",
            "mcp",
            "mcp /a --watch",
            "mcp --root /a",
            "mcp install claude --print",
            "stop",
            "restart",
            "watch",
            "unwatch /a",
            "status --json --watch",
            "--socket /s status",
            "show src/a.py --json",
            "tree --depth 2",
            "wait /a --timeout 0.5",
            "export --format index --output out",
            "export -o -",
            "export --format html-static",
            "export --format markdown --source-url https://example.org/blob/main",
            "check --output docs/map",
            "ui --no-open",
            "show src/a.py:Cart.add",
            "diff",
            "diff HEAD~3 --json",
            "diff yesterday src",
            "log src/a.py --limit 3 --json",
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
            "wait --timeout -1",
            "log --limit 0",
            "wait --timeout soon",
            "wait --timeout inf",
            "export --format pdf --output out",
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
