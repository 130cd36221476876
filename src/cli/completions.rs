//! `epitome completions`: prints a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::Failure;
use super::{Cli, output};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    // Into memory first: the generator panics if its writer fails, as with `| head`.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "epitome", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
