//! `epitome export`: writes the summaries out.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::reader::Reader;
use super::text::{count, tilde};
use super::{Context, output, paths};
use crate::shell::export;
use crate::wire::document;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder to export [default: the current folder]
    path: Option<PathBuf>,
    /// What to write
    #[arg(long, default_value = "html")]
    format: Format,
    /// The folder to write into, or `-` to print a single document [default: a folder beside the store]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// An index.json for each folder
    Index,
    /// One document, index.md
    Markdown,
    /// One page without scripts, index.html
    Html,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = paths::absolute(arguments.path.as_deref())?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    let reader = Reader::open_always(context, &path).await?;
    let tree = reader.node(&path, usize::MAX).await;
    reader.close().await;
    let tree = tree?;
    let document = match arguments.format {
        Format::Index => None,
        Format::Markdown => Some(("index.md", document::markdown(&tree, &name))),
        Format::Html => Some(("index.html", document::html(&tree, &name))),
    };
    let to_stdout = arguments.output.as_deref() == Some(Path::new("-"));
    match (document, to_stdout) {
        (Some((_, text)), true) => output::print(&text),
        (None, true) => {
            let reason =
                "`-o -` prints single documents; this format writes a file for each folder";
            Err(Failure::Failed(reason.to_owned()))
        }
        (Some((file, text)), false) => {
            let folder = folder(context, arguments, &name)?;
            export::single(&folder, file, text.as_bytes())
                .map_err(|error| Failure::Failed(error.to_string()))?;
            output::say(&format!("wrote {}", tilde(&folder.join(file))));
            Ok(())
        }
        (None, false) => {
            let folder = folder(context, arguments, &name)?;
            let written = crate::daemon::export(&tree, &folder)?;
            output::say(&format!(
                "wrote {} to {}",
                count(written, "file"),
                tilde(&folder)
            ));
            Ok(())
        }
    }
}

/// The folder to write into: nothing is written into a repository unless it is named.
fn folder(context: &Context, arguments: &Arguments, name: &str) -> Result<PathBuf, Failure> {
    match &arguments.output {
        Some(folder) => paths::absolute(Some(folder)),
        None => Ok(context.places.data.join("export").join(name)),
    }
}
