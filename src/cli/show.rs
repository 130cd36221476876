//! `epitome show`: one node.

use std::path::PathBuf;

use super::failure::Failure;
use super::terminal::Terminal;
use super::{Context, output, paths, render};
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or directory in a watched repository [default: the current folder]
    path: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let node = context.client().await?.node(&path, 1).await?;
    if arguments.json {
        return output::print_json(&node);
    }
    output::print(&render::show(&node, &path, Terminal::of_stdout()))
}
