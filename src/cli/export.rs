//! `epitome export`: writes the summaries out.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::text::count;
use super::{Context, output, paths};
use crate::client::{Client, ConnectError};
use crate::shell::export;
use crate::wire::access::Access;
use crate::wire::document;
use crate::wire::protocol::Node;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A directory; in a watched repository, where a daemon runs [default: the current folder]
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
    /// One document, index.md
    Markdown,
    /// One page without scripts, index.html
    Html,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let folder = paths::absolute(Some(&arguments.output))?;
    let tree = match Client::connect(&context.places.socket).await {
        Ok(client) => client.node(&path, usize::MAX).await?,
        // As with `index`, no daemon is needed.
        Err(ConnectError::NoDaemon) => indexed(context, &path).await?,
        Err(error) => return Err(error.into()),
    };
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    let written = match arguments.format {
        Format::Index => crate::daemon::export(&tree, &folder)?,
        Format::Markdown => single(&folder, "index.md", &document::markdown(&tree, &name))?,
        Format::Html => single(&folder, "index.html", &document::html(&tree, &name))?,
    };
    let files = count(written, "file");
    output::say(&format!("{files} written to {}", folder.display()));
    Ok(())
}

/// One file; how many that makes.
fn single(folder: &Path, name: &str, text: &str) -> Result<u64, Failure> {
    let written = export::single(folder, name, text.as_bytes());
    written.map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(1)
}

/// The folder, looked at once in this process.
async fn indexed(context: &Context, path: &Path) -> Result<Node, Failure> {
    let config = context.config()?;
    let local = crate::daemon::start_local(&config, &context.places).await?;
    let tree = async {
        local.watch(path, false).await?;
        local.wait(Some(path), None).await?;
        local.node(path, usize::MAX).await
    };
    let tree = tree.await;
    // Ended before a failure is told: what was paid for has to be stored.
    local.stop().await;
    Ok(tree?)
}
