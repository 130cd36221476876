//! `epitome show`: one file, folder or definition; with `--prompt` the requests that a model would get about it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::reader::Reader;
use super::terminal::Terminal;
use super::{Context, here, output, paths, render};
use crate::client::symbols::{defining, is_name};
use crate::client::{Client, ConnectError};
use crate::wire::access::Access;
use crate::wire::prompt::Preview;
use crate::wire::protocol::{Node, PROBLEM_NOT_WATCHED};
use crate::wire::target::{self, Spot, Target};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or folder, FILE:LINE, FILE:SYMBOL, or a definition's name [default: the current folder]
    path: Option<PathBuf>,
    /// Print the exact requests that a model would get about it, and send nothing
    #[arg(long)]
    prompt: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let given = arguments.path.as_deref();
    let meant = match given {
        Some(path) => paths::target(Some(path))?,
        None => Target {
            path: here::here(context).await?.folder,
            spot: None,
        },
    };
    let path = meant.path;
    let terminal = Terminal::of_stdout();
    if arguments.prompt {
        let preview = preview(context, &path).await?;
        if let Some(note) = &preview.note {
            output::say(note);
        }
        if arguments.json {
            return output::print_json(&preview);
        }
        let escaped = std::io::stdout().is_terminal();
        let text = render::prompt::prompt(&preview, terminal, escaped);
        return output::page(&text, terminal);
    }
    let (node, path) = match symbol(given, &path) {
        Some(name) if meant.spot.is_none() || name.contains('#') => defined(context, &name).await?,
        _ => {
            let reader = Reader::open(context, &path).await?;
            let node = reader.node(&path, 1).await;
            reader.close().await;
            let mut node = node?;
            if let Some(spot) = &meant.spot {
                narrow(&mut node, spot);
            }
            (node, path)
        }
    };
    if arguments.json {
        return output::print_json(&node);
    }
    output::page(&render::show::show(&node, &path, terminal), terminal)
}

/// The argument as the name of a definition: it names nothing on the disk and looks like no path.
fn symbol(given: Option<&Path>, path: &Path) -> Option<String> {
    let name = given?.to_str()?;
    let named = is_name(name);
    (named && path.symlink_metadata().is_err()).then(|| name.to_owned())
}

/// The file that defines `name` in the repository of the current folder, with that definition only.
async fn defined(context: &Context, name: &str) -> Result<(Node, PathBuf), Failure> {
    let here = here::here(context).await?.folder;
    let reader = Reader::open(context, &here).await?;
    let found = find(&reader, &here, name).await;
    reader.close().await;
    found
}

async fn find(reader: &Reader, here: &Path, name: &str) -> Result<(Node, PathBuf), Failure> {
    let root = reader
        .root(here)
        .await?
        .unwrap_or_else(|| here.to_path_buf());
    let tree = reader.node(&root, usize::MAX).await?;
    let found = defining(&tree, name);
    let Some((file, spot)) = found.first() else {
        return Err(Failure::Failed(format!(
            "{name}: no such file, and no definition of that name in {}",
            root.display()
        )));
    };
    let others: Vec<&str> = found
        .iter()
        .skip(1)
        .take(5)
        .map(|(file, _)| file.common.path.as_str())
        .collect();
    if !others.is_empty() {
        output::say(&format!("also defined in {}", others.join(", ")));
    }
    let path = root.join(&file.common.path);
    let mut node = Node::File((*file).clone());
    if let Some(spot) = spot {
        narrow(&mut node, spot);
    }
    Ok((node, path))
}

/// Leaves only the definitions that are meant.
fn narrow(node: &mut Node, spot: &Spot) {
    if !target::narrow(node, spot) {
        output::say(&match spot {
            Spot::Line(line) => format!("no definition contains line {line}"),
            Spot::Symbol(symbol) => format!("no definition is called {symbol}"),
        });
    }
}

/// The requests about `path`: from the daemon if it watches the repository, else made in this process.
async fn preview(context: &Context, path: &Path) -> Result<Preview, Failure> {
    let mut places = context.places.clone();
    // The store of a running daemon is locked: which responses it holds is unknown then.
    let mut scratch = None;
    match Client::connect(&context.places.socket).await {
        Ok(client) => match client.prompt(path).await {
            Err(problem) if problem.kind == PROBLEM_NOT_WATCHED => {
                let folder = tempfile::tempdir()?;
                places.data = folder.path().to_path_buf();
                scratch = Some(folder);
            }
            result => return Ok(result?),
        },
        Err(ConnectError::NoDaemon) => {}
        Err(error) => return Err(error.into()),
    }
    let shown = crate::daemon::preview(&context.config()?, &places, path).await;
    drop(scratch);
    Ok(shown?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_is_no_path_is_a_symbol() {
        let nothing = Path::new("/nonexistent/x");
        assert_eq!(
            symbol(Some(Path::new("Cart.add")), nothing).as_deref(),
            Some("Cart.add")
        );
        assert_eq!(symbol(Some(Path::new("src/Cart")), nothing), None);
        assert_eq!(symbol(Some(Path::new("src")), Path::new("/")), None);
        assert_eq!(symbol(None, nothing), None);
    }
}
