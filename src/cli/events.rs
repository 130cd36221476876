//! `epitome events`: follows what happens, one line each.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::failure::Failure;
use super::render::events::{EventLog, MAX_SINGLE};
use super::terminal::Terminal;
use super::{Context, output, paths};
use crate::wire::access::Access;
use crate::wire::events::{EventStream, StreamEvent};
use crate::wire::protocol::Problem;

/// Events are collected for this long, so that a burst becomes one line.
const BURST: Duration = Duration::from_millis(250);
/// While many arrive, for this long.
const LONG_BURST: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or folder in a watched repository [default: all repositories]
    path: Option<PathBuf>,
    /// Print one JSON document for each event
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = match &arguments.path {
        Some(path) => Some(paths::absolute(Some(path))?),
        None => None,
    };
    let client = context.client().await?;
    let mut events = client.events(path.as_deref()).await?;
    let ended = || Failure::NoDaemon("the daemon has stopped".to_owned());
    if arguments.json {
        while let Some(event) = events.recv().await {
            output::print_json_line(&event?)?;
        }
        return Err(ended());
    }
    let terminal = Terminal::of_stdout();
    if terminal.is_interactive() {
        output::say("Ctrl-C to stop");
    }
    let mut log = EventLog::default();
    let mut patience = BURST;
    while let Some(first) = events.recv().await {
        let (burst, problem) = collect(first?, &mut events, patience).await;
        patience = match burst.len() > MAX_SINGLE {
            true => LONG_BURST,
            false => BURST,
        };
        output::print(&log.lines(&burst, terminal))?;
        if let Some(problem) = problem {
            return Err(problem.into());
        }
    }
    Err(ended())
}

/// The events that arrive within `patience` after the first.
async fn collect(
    first: StreamEvent,
    events: &mut EventStream,
    patience: Duration,
) -> (Vec<StreamEvent>, Option<Problem>) {
    let until = Instant::now() + patience;
    let mut burst = vec![first];
    while let Ok(Some(event)) = timeout_at(until, events.recv()).await {
        match event {
            Ok(event) => burst.push(event),
            Err(problem) => return (burst, Some(problem)),
        }
    }
    (burst, None)
}
