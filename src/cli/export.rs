//! `epitome export`: writes the summaries out.

use std::path::PathBuf;

use super::failure::Failure;
use super::text::count;
use super::{Context, output, paths};
use crate::wire::access::Access;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A directory in a watched repository [default: the current folder]
    path: Option<PathBuf>,
    /// What to write
    #[arg(long)]
    format: Format,
    /// The folder to write into
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// An index.json for each directory
    Index,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let folder = paths::absolute(Some(&arguments.output))?;
    let tree = context.client().await?.node(&path, usize::MAX).await?;
    let written = match arguments.format {
        Format::Index => crate::daemon::export(&tree, &folder)?,
    };
    let files = count(written, "file");
    output::say(&format!("{files} written to {}", folder.display()));
    Ok(())
}
