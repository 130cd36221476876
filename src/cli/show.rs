//! `epitome show`: one file or folder; with `--prompt` the requests that a model would get about it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::reader::Reader;
use super::terminal::Terminal;
use super::{Context, output, paths, render};
use crate::client::{Client, ConnectError};
use crate::wire::access::Access;
use crate::wire::prompt::Preview;
use crate::wire::protocol::{Node, PROBLEM_NOT_WATCHED};
use crate::wire::target::{Spot, Target, definitions};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or folder, also FILE:LINE or FILE:SYMBOL [default: the current folder]
    path: Option<PathBuf>,
    /// Print the exact requests that a model would get about it, and send nothing
    #[arg(long)]
    prompt: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let Target { path, spot } = paths::target(arguments.path.as_deref())?;
    let terminal = Terminal::of_stdout();
    if arguments.prompt {
        let preview = preview(context, &path).await?;
        if let Some(note) = &preview.note {
            output::say(note);
        }
        if arguments.json {
            return output::print_json(&preview);
        }
        let escaped = std::io::stdout().is_terminal();
        let text = render::prompt::prompt(&preview, terminal, escaped);
        return output::page(&text, terminal);
    }
    let reader = Reader::open(context, &path).await?;
    let node = reader.node(&path, 1).await;
    reader.close().await;
    let mut node = node?;
    if let (Some(spot), Node::File(file)) = (&spot, &mut node) {
        let meant = definitions(&file.elements, spot);
        file.elements = meant.into_iter().cloned().collect();
        if file.elements.is_empty() {
            output::say(&match spot {
                Spot::Line(line) => format!("no definition contains line {line}"),
                Spot::Symbol(symbol) => format!("no definition is called {symbol}"),
            });
        }
    }
    if arguments.json {
        return output::print_json(&node);
    }
    output::page(&render::show::show(&node, &path, terminal), terminal)
}

/// The requests about `path`: from the daemon if it watches the repository, else made in this process.
async fn preview(context: &Context, path: &Path) -> Result<Preview, Failure> {
    match Client::connect(&context.places.socket).await {
        Ok(client) => match client.prompt(path).await {
            Err(problem) if problem.kind == PROBLEM_NOT_WATCHED => {}
            result => return Ok(result?),
        },
        Err(ConnectError::NoDaemon) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(crate::daemon::preview(&context.config()?, &context.places, path).await?)
}
