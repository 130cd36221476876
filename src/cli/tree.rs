//! `epitome tree`: a folder and what is below it.

use std::path::PathBuf;

use super::failure::Failure;
use super::reader::Reader;
use super::terminal::Terminal;
use super::{Context, here, output, render};

/// Levels on a terminal unless `--depth` says otherwise: a large tree would scroll away.
const TERMINAL_DEPTH: usize = 2;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or folder [default: the current folder]
    path: Option<PathBuf>,
    /// Levels below it [default: 2 on a terminal, else all]
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = here::or_here(context, arguments.path.as_deref()).await?;
    let terminal = Terminal::of_stdout();
    let default = match terminal.is_interactive() && !arguments.json {
        true => TERMINAL_DEPTH,
        false => usize::MAX,
    };
    let depth = arguments.depth.unwrap_or(default);
    let reader = Reader::open(context, &path).await?;
    let node = reader.node(&path, depth).await;
    reader.close().await;
    let node = node?;
    if arguments.json {
        return output::print_json(&node);
    }
    output::page(&render::tree::tree(&node, &path, depth, terminal), terminal)
}
