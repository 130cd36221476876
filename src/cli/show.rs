//! `epitome show`: one node; or, with `--prompt`, what a model would be asked about it.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::failure::Failure;
use super::terminal::Terminal;
use super::{Context, output, paths, render};
use crate::client::{Client, ConnectError};
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or directory in a watched repository [default: the current folder]
    path: Option<PathBuf>,
    /// Print what a model would be asked about it, to the byte, and send nothing; needs no daemon
    #[arg(long)]
    prompt: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    if arguments.prompt {
        let preview = match Client::connect(&context.places.socket).await {
            Ok(client) => client.prompt(&path).await?,
            // Whoever wants to know what would be sent need not start what would send it.
            Err(ConnectError::NoDaemon) => {
                crate::daemon::preview(&context.config()?, &context.places, &path).await?
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(note) = &preview.note {
            output::say(note);
        }
        return match arguments.json {
            true => output::print_json(&preview),
            false => {
                let escaped = std::io::stdout().is_terminal();
                let text = render::prompt::prompt(&preview, Terminal::of_stdout(), escaped);
                output::print(&text)
            }
        };
    }
    let node = context.client().await?.node(&path, 1).await?;
    if arguments.json {
        return output::print_json(&node);
    }
    output::print(&render::show(&node, &path, Terminal::of_stdout()))
}
