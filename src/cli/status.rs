//! `epitome status`: the daemon, its repositories, the use of the model.

use std::time::Duration;

use super::failure::Failure;
use super::terminal::Terminal;
use super::{Context, output, render};
use crate::client::Client;
use crate::wire::access::Access;

/// How often `--watch` updates.
const EVERY: Duration = Duration::from_secs(1);

/// Clears the terminal and moves to its first cell.
const CLEAR: &str = "\x1b[H\x1b[2J";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Update every second until Ctrl-C
    #[arg(long)]
    watch: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let client = context.client().await?;
    if !arguments.watch {
        return print(&client, arguments.json, "").await;
    }
    let clear = match Terminal::of_stdout().color {
        true => CLEAR,
        false => "",
    };
    loop {
        print(&client, arguments.json, clear).await?;
        tokio::time::sleep(EVERY).await;
    }
}

async fn print(client: &Client, json: bool, before: &str) -> Result<(), Failure> {
    let status = client.status().await?;
    if json {
        return output::print_json(&status);
    }
    let text = render::status::status(&status, Terminal::of_stdout());
    output::print(&format!("{before}{text}"))
}
