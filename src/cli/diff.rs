//! `epitome diff`: how the summaries changed since a revision or a time.

pub mod compare;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::failure::Failure;
use super::past::{Base, Past, base};
use super::reader::{self, Reader};
use super::terminal::Terminal;
use super::{Context, here, output, paths, render};
use crate::mcp::changes::{Commit, Since};
use crate::wire::protocol::Node;
use compare::{Changed, compare};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A git revision or a time: HEAD~3, main, 2h, yesterday, 2026-01-31 [default: the last commit]
    #[arg(value_name = "REV|TIME")]
    since: Option<String>,
    /// Only this file or folder [default: the repository of the current folder]
    path: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// `epitome diff --json`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The repository's root.
    pub repository: String,
    /// As it was given; `HEAD` if nothing was.
    pub since: String,
    /// The commit that the repository was compared with; none if nothing was committed then.
    pub base: Option<CommitInfo>,
    /// What is not as it was, folders before what is in them.
    pub changes: Vec<Changed>,
    /// What was not compared, or could not be.
    pub notes: Vec<String>,
}

/// A commit, as `--json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitInfo {
    /// In hexadecimal.
    pub id: String,
    /// RFC 3339, UTC.
    pub time: String,
    pub author: String,
    pub subject: String,
}

impl From<Commit> for CommitInfo {
    fn from(commit: Commit) -> Self {
        Self {
            id: commit.id,
            time: humantime::format_rfc3339_seconds(commit.time).to_string(),
            author: commit.author,
            subject: commit.subject,
        }
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let (since, path) = meant(context, arguments).await?;
    let reader = Reader::open(context, reader::existing(&path)).await?;
    let report = report(&reader, since, &path).await;
    reader.close().await;
    let report = report?;
    if arguments.json {
        return output::print_json(&report);
    }
    let terminal = Terminal::of_stdout();
    output::page(&render::diff::diff(&report, terminal), terminal)
}

/// What is compared with what. A single argument that exists on the disk and names no revision is a path.
async fn meant(context: &Context, arguments: &Arguments) -> Result<(String, PathBuf), Failure> {
    let given = arguments.since.as_deref().unwrap_or("HEAD");
    let path = paths::absolute(arguments.path.as_deref())?;
    if let (Some(only), None) = (&arguments.since, &arguments.path) {
        let named = paths::absolute(Some(Path::new(only)))?;
        let root = reader::root_of(reader::existing(&named))?;
        let unknown = parse(only).and_then(|since| base(&root, &since)).is_err();
        if unknown && named.symlink_metadata().is_ok() {
            return Ok(("HEAD".to_owned(), named));
        }
    }
    match &arguments.path {
        Some(_) => Ok((given.to_owned(), path)),
        None => Ok((given.to_owned(), here::here(context).await?.root)),
    }
}

fn parse(since: &str) -> Result<Since, String> {
    match since {
        "HEAD" => Ok(Since::LastCommit),
        since => Since::parse(since, SystemTime::now()),
    }
}

async fn report(reader: &Reader, since: String, path: &Path) -> Result<Report, Failure> {
    let root = root(reader, path).await?;
    let now = reader.node(&root, usize::MAX).await?;
    let parsed = parse(&since).map_err(Failure::Failed)?;
    let only = below(&root, path);
    let (past, base) = {
        let root = root.clone();
        blocking(move || past(&root, &parsed)).await?
    };
    let then = match &past {
        Some(past) => Some(reader.snapshot(&past.root).await?),
        None => None,
    };
    let mut notes: Vec<String> = past.iter().flat_map(|past| past.notes.clone()).collect();
    if base.is_none() {
        notes.push("nothing was committed then, so everything is new".to_owned());
    }
    let mut changes = compare(then.as_ref(), &now);
    changes.retain(|one| is_at_or_below(&one.path, &only));
    Ok(Report {
        repository: root.to_string_lossy().into_owned(),
        since,
        base: base.map(CommitInfo::from),
        changes,
        notes,
    })
}

/// The repository of a path.
pub async fn root(reader: &Reader, path: &Path) -> Result<PathBuf, Failure> {
    match reader.root(reader::existing(path)).await? {
        Some(root) => Ok(root),
        None => reader::root_of(reader::existing(path)),
    }
}

/// The path in the repository, as nodes are named.
pub fn below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(Path::new(""));
    below.to_string_lossy().into_owned()
}

fn is_at_or_below(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The repository as it was, and the commit that says so.
fn past(root: &Path, since: &Since) -> Result<(Option<Past>, Option<Commit>), String> {
    let Base { git, commit } = base(root, since)?;
    let Some(commit) = commit else {
        return Ok((None, None));
    };
    let mut past = Past::of(root).map_err(|error| format!("temporary files: {error}"))?;
    past.fill(&git, &commit, b"")?;
    Ok((Some(past), git.commits(&[commit])?.pop()))
}

/// Runs what waits for git and the disk.
pub async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(job).await {
        Ok(done) => done.map_err(Failure::Failed),
        Err(_) => Err(Failure::Failed("internal error".to_owned())),
    }
}

/// The node at a path in a tree.
pub fn find<'n>(tree: &'n Node, path: &str) -> Option<&'n Node> {
    let mut node = tree;
    while node.common().path != path {
        let Node::Directory(directory) = node else {
            return None;
        };
        let mut children = directory.children.iter().flatten();
        node = children.find(|child| is_at_or_below(path, &child.common().path))?;
    }
    Some(node)
}
