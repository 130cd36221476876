//! `epitome complete`: what could follow, for the completion scripts. It is quick, prints nothing else, and starts no
//! daemon.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::failure::Failure;
use super::{output, paths};
use crate::client::Client;
use crate::config::Config;
use crate::config::places::Places;
use crate::model::path::RelPath;
use crate::shell::{parse, read};
use crate::wire::access::Access;
use crate::wire::protocol::Node;

/// How long the daemon may take.
const PATIENCE: Duration = Duration::from_millis(300);
/// In larger repositories definitions are completed after a file's name only: reading all of them takes too long.
const MAX_FILES: u64 = 3_000;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The command whose argument is completed
    verb: String,
    /// The argument as far as it is typed
    #[arg(allow_hyphen_values = true, default_value = "")]
    word: String,
}

pub async fn run(places: &Places, arguments: &Arguments) -> Result<(), Failure> {
    let (verb, word) = (arguments.verb.as_str(), arguments.word.as_str());
    let found = match (verb, word.rsplit_once(':')) {
        ("show", Some((file, symbol))) if Path::new(file).is_file() => {
            let names = definitions(file).unwrap_or_default();
            let fitting = names.into_iter().filter(|name| name.starts_with(symbol));
            fitting.map(|name| format!("{file}:{name}")).collect()
        }
        ("show", None) if word.len() > 1 => ask(symbols(places, word)).await,
        ("unwatch", _) => ask(repositories(places, word)).await,
        _ => Vec::new(),
    };
    output::print(
        &found
            .iter()
            .map(|one| format!("{one}\n"))
            .collect::<String>(),
    )
}

/// The answer of a daemon, if one runs and is quick.
async fn ask(answer: impl Future<Output = Option<Vec<String>>>) -> Vec<String> {
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    answer.ok().flatten().unwrap_or_default()
}

/// The definitions in a file, read from the disk.
fn definitions(file: &str) -> Option<Vec<String>> {
    let path = paths::absolute(Some(Path::new(file))).ok()?;
    let name = RelPath::below(path.parent()?, &path)?;
    let max_bytes = Config::default().files.max_bytes;
    let reading = read::read(path.parent()?, &name, max_bytes).ok()?;
    let parsed = parse::parse(reading.language, &reading.text?);
    let mut names: Vec<String> = Vec::new();
    for element in parsed.outline.elements {
        if !names.contains(&element.qualified_name) && is_word(&element.qualified_name) {
            names.push(element.qualified_name);
        }
    }
    Some(names)
}

/// Definitions of the repository whose name begins with a word.
async fn symbols(places: &Places, word: &str) -> Option<Vec<String>> {
    let client = Client::connect(&places.socket).await.ok()?;
    let root = paths::root_here().ok()?;
    let status = client.status().await.ok()?;
    let known = status
        .repositories
        .iter()
        .find(|one| Path::new(&one.path) == root)?;
    if known.files > MAX_FILES {
        return None;
    }
    let tree = client.node(&root, usize::MAX).await.ok()?;
    let mut names = BTreeSet::new();
    let mut open = vec![&tree];
    while let Some(node) = open.pop() {
        match node {
            Node::File(file) => {
                let elements = file.elements.iter().map(|one| &one.qualified_name);
                let fitting = elements.filter(|name| name.starts_with(word) && is_word(name));
                names.extend(fitting.cloned());
            }
            Node::Directory(directory) => open.extend(directory.children.iter().flatten()),
        }
    }
    Some(names.into_iter().collect())
}

/// The watched repositories whose path begins with a word.
async fn repositories(places: &Places, word: &str) -> Option<Vec<String>> {
    let client = Client::connect(&places.socket).await.ok()?;
    let all = client.status().await.ok()?.repositories.into_iter();
    let paths = all.map(|one| one.path);
    Some(
        paths
            .filter(|path| path.starts_with(word) && is_word(path))
            .collect(),
    )
}

/// Whether a shell takes the text as it is: a repository's names are not to be trusted.
fn is_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "._-/:".contains(c);
    !text.is_empty() && text.chars().all(is_plain)
}
