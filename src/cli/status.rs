//! `epitome status`: the daemon, its repositories, the model's use.

use super::failure::Failure;
use super::terminal::Terminal;
use super::{Context, output, render};
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let status = context.client().await?.status().await?;
    if arguments.json {
        return output::print_json(&status);
    }
    output::print(&render::status::status(&status, Terminal::of_stdout()))
}
