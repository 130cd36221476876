//! `epitome man`: the manual pages, for packages.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::Cli;
use super::failure::Failure;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder to write `epitome.1` and a page for each command into
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    write(&command, &arguments.output).map_err(|error| {
        let folder = arguments.output.display();
        Failure::from(
            anyhow::Error::new(error).context(format!("{folder}: cannot write man pages")),
        )
    })
}

/// Writes the page of `command` and those of its visible subcommands, named `epitome-index.1` and so on.
fn write(command: &clap::Command, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::Man::new(command.clone()).generate_to(folder)?;
    for subcommand in command.get_subcommands() {
        if !subcommand.is_hide_set() && subcommand.get_name() != "help" {
            write(subcommand, folder)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_visible_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("man");
        assert!(
            run(&Arguments {
                output: output.clone()
            })
            .is_ok()
        );
        for page in ["epitome.1", "epitome-index.1", "epitome-cache-gc.1"] {
            let text = std::fs::read_to_string(output.join(page)).unwrap();
            assert!(text.contains(".SH NAME"), "{page}: {text}");
        }
        assert!(!output.join("epitome-man.1").exists());
    }
}
