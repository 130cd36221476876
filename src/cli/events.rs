//! `epitome events`: what happens, a line each.

use std::path::PathBuf;

use super::failure::Failure;
use super::terminal::Terminal;
use super::{Context, output, paths, render};
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or directory in a watched repository [default: all repositories]
    path: Option<PathBuf>,
    /// Print one JSON document a line
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = match &arguments.path {
        Some(path) => Some(paths::absolute(Some(path))?),
        None => None,
    };
    let client = context.client().await?;
    let mut happenings = client.events(path.as_deref()).await?;
    let terminal = Terminal::of_stdout();
    while let Some(happening) = happenings.recv().await {
        let happening = happening?;
        match arguments.json {
            true => output::print_json(&happening)?,
            false => output::print(&render::happening(&happening, terminal))?,
        }
    }
    Err(Failure::NoDaemon("the daemon has ended".to_owned()))
}
