//! `epitome export` writes the summaries out; `epitome check` compares an earlier export with the tree.

mod check;
mod documents;
pub mod revision;

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::failure::Failure;
use super::reader::Reader;
use super::text::{count, tilde};
use super::{Context, here, output, paths};
use crate::client::Client;
use crate::page::Origin;
use crate::shell::export;
use crate::wire::access::Access;
use crate::wire::markdown::Place;
use crate::wire::protocol::Node;
pub use check::{CheckArguments, check};
use documents::{Document, documents};
pub use documents::{Format, last_changed};

/// How long a check waits for a daemon's summaries.
const SETTLING: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder to export [default: the current folder]
    path: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// The folder to write into, or `-` to print a single document [default: a folder beside the store]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Link definitions to their source: a URL with {path}, {line} and {revision}
    #[arg(long, value_name = "URL", value_parser = source_url)]
    source_url: Option<String>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = here::or_here(context, arguments.path.as_deref()).await?;
    let to_stdout = arguments.output.as_deref() == Some(Path::new("-"));
    if to_stdout && !arguments.format.is_single() {
        let reason = "`-o -` prints single documents; this format writes a file for each folder";
        return Err(Failure::Failed(reason.to_owned()));
    }
    let folder = match &arguments.output {
        Some(folder) => paths::absolute(Some(folder))?,
        None => context.places.data.join("export").join(file_name(&path)),
    };
    let tree = tree(context, &path, &folder).await?;
    let mut place = place(&tree, &path, &folder);
    place.origin.source.clone_from(&arguments.source_url);
    let documents = documents(&tree, arguments.format, &place, &path)?;
    if to_stdout {
        return documents
            .iter()
            .try_for_each(|one| output::print(&String::from_utf8_lossy(&one.bytes)));
    }
    for document in &documents {
        document.write(&folder)?;
    }
    for leftover in documents::leftovers(&folder, arguments.format, &documents) {
        // A page that stays is no harm; the next export tries again.
        let _ = std::fs::remove_file(leftover);
    }
    match documents.as_slice() {
        [one] if arguments.format.is_single() => {
            output::say(&format!("wrote {}", tilde(&folder.join(&one.path))));
        }
        many => {
            let files = count(many.len() as u64, "file");
            output::say(&format!("wrote {files} to {}", tilde(&folder)));
        }
    }
    Ok(())
}

/// Waits a while for a daemon to take in what was just written, an export among it.
async fn settle(context: &Context, path: &Path) {
    if let Ok(client) = Client::connect(&context.places.socket).await {
        // What is not settled then is compared as it is.
        let _ = client.wait(Some(path), Some(SETTLING)).await;
    }
}

/// The whole tree of `path`, without what an earlier export wrote into `folder`.
async fn tree(context: &Context, path: &Path, folder: &Path) -> Result<Node, Failure> {
    let reader = Reader::open_without(context, path, Some(folder)).await?;
    let tree = reader.node(path, usize::MAX).await;
    reader.close().await;
    let mut tree = tree?;
    if let Ok(below) = folder.strip_prefix(path)
        && below.components().next().is_some()
    {
        prune(&mut tree, below);
    }
    Ok(tree)
}

/// Removes the node at a path below `node`.
fn prune(node: &mut Node, below: &Path) {
    let Node::Directory(directory) = node else {
        return;
    };
    let mut names = below.components();
    let Some(Component::Normal(name)) = names.next() else {
        return;
    };
    let rest = names.as_path();
    let is_it = |child: &Node| {
        let own = child.common().path.rsplit('/').next().unwrap_or_default();
        name == own
    };
    let Some(children) = &mut directory.children else {
        return;
    };
    match rest.components().next() {
        None => children.retain(|child| !is_it(child)),
        Some(_) => children
            .iter_mut()
            .filter(|child| is_it(child))
            .for_each(|child| prune(child, rest)),
    }
}

fn place(tree: &Node, path: &Path, folder: &Path) -> Place {
    Place {
        origin: Origin {
            name: file_name(path),
            revision: revision::of(path),
            date: Some(humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()),
            source: None,
        },
        from: tree.common().path.clone(),
        sources: relative(folder, path),
    }
}

/// The way from `folder` to `path`, with `/`; both are absolute.
fn relative(folder: &Path, path: &Path) -> Option<String> {
    let shared = folder.components().zip(path.components());
    let shared = shared.take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| "..");
    let down = path
        .components()
        .skip(shared)
        .map(|part| part.as_os_str().to_str());
    let parts: Option<Vec<&str>> = up.map(Some).chain(down).collect();
    parts.map(|parts| parts.join("/"))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn source_url(text: &str) -> Result<String, String> {
    let schemes = ["https://", "http://", "vscode://", "idea://", "file://"];
    if !schemes.iter().any(|scheme| text.starts_with(scheme)) {
        return Err(format!("must start with one of {}", schemes.join(", ")));
    }
    match text.contains("{path}") {
        true => Ok(text.to_owned()),
        // The address of a forge's folder: `https://github.com/me/project/blob/main`.
        false => Ok(format!("{}/{{path}}#L{{line}}", text.trim_end_matches('/'))),
    }
}

impl Document {
    fn write(&self, folder: &Path) -> Result<(), Failure> {
        let at = folder.join(&self.path);
        let parent = at.parent().unwrap_or(folder);
        let name = self
            .path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        export::single(parent, name, &self.bytes)
            .map_err(|error| Failure::Failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake;

    #[test]
    fn the_way_from_the_export_to_the_sources_is_relative() {
        for (folder, path, way) in [
            ("/r/docs/map", "/r", "../.."),
            ("/r", "/r", ""),
            ("/out", "/r/a", "../r/a"),
        ] {
            assert_eq!(
                relative(Path::new(folder), Path::new(path)).as_deref(),
                Some(way)
            );
        }
    }

    #[test]
    fn an_export_is_no_part_of_itself() {
        let mut tree = fake::tree();
        prune(&mut tree, Path::new("src/a.py"));
        let Node::Directory(root) = &tree else {
            panic!("a directory")
        };
        let src = root.children.as_ref().and_then(|children| children.last());
        let Some(Node::Directory(src)) = src else {
            panic!("a directory")
        };
        assert_eq!(src.children, Some(Vec::new()));
    }

    #[test]
    fn a_source_url_gets_its_placeholders() {
        let url = source_url("https://example.org/blob/main/");
        assert_eq!(
            url.as_deref(),
            Ok("https://example.org/blob/main/{path}#L{line}")
        );
        assert!(source_url("javascript:alert(1)//{path}").is_err());
    }
}
