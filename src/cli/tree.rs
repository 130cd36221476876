//! `epitome tree`: a node and all below it.

use std::path::PathBuf;

use super::failure::Failure;
use super::terminal::Terminal;
use super::{Context, output, paths, render};
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or directory in a watched repository [default: the current folder]
    path: Option<PathBuf>,
    /// Levels below it [default: all]
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let depth = arguments.depth.unwrap_or(usize::MAX);
    let node = context.client().await?.node(&path, depth).await?;
    if arguments.json {
        return output::print_json(&node);
    }
    output::print(&render::tree(&node, &path, depth, Terminal::of_stdout()))
}
