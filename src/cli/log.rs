//! `epitome log`: the earlier summaries of a file or folder, from the commits that changed it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::diff::compare::Text;
use super::diff::{self, CommitInfo, blocking};
use super::failure::Failure;
use super::past::{Past, top};
use super::reader::{self, Reader};
use super::terminal::Terminal;
use super::{Context, here, output, render};
use crate::mcp::changes::{Commit, Git};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A file or folder, which may be deleted [default: the current folder]
    path: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Show so many commits
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
}

/// `epitome log --json`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The repository's root.
    pub repository: String,
    /// Relative to it.
    pub path: String,
    /// The newest first; the first one without a commit is the state on the disk.
    pub entries: Vec<Entry>,
    /// Whether older commits were left out.
    pub more: bool,
    /// What is not as it was, one line each.
    pub notes: Vec<String>,
}

/// A state of the file or folder.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// None for the state on the disk.
    pub commit: Option<CommitInfo>,
    /// None if it did not exist.
    #[serde(flatten)]
    pub text: Option<Text>,
    /// Whether the text is another than the next older one's; not known if one of them is not stored.
    pub text_changed: Option<bool>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let path = here::or_here(context, arguments.path.as_deref()).await?;
    let reader = Reader::open(context, reader::existing(&path)).await?;
    let report = report(&reader, &path, usize::from(arguments.limit)).await;
    reader.close().await;
    let report = report?;
    if arguments.json {
        return output::print_json(&report);
    }
    let terminal = Terminal::of_stdout();
    output::page(&render::log::log(&report, terminal), terminal)
}

async fn report(reader: &Reader, path: &Path, limit: usize) -> Result<Report, Failure> {
    let root = diff::root(reader, path).await?;
    let below = diff::below(&root, path);
    let now = match path.symlink_metadata() {
        Ok(_) => Some(Text::of(reader.node(path, 0).await?.common())),
        Err(_) => None,
    };
    // One more than shown: the last one shown is compared with it.
    let (commits, mut past) = {
        let (root, path) = (root.clone(), path.to_path_buf());
        blocking(move || history(&root, &path, limit + 1)).await?
    };
    if commits.is_empty() && now.is_none() {
        return Err(Failure::Failed(format!(
            "{}: no such file or directory, and no commit of this branch has it",
            path.display()
        )));
    }
    let mut states: Vec<(Option<CommitInfo>, Option<Text>)> = vec![(None, now)];
    for commit in commits {
        let (root, only) = (root.clone(), below.clone().into_bytes());
        let id = commit.id.clone();
        past = blocking(move || {
            past.fill(&Git::at(&top(&root)?), &id, &only)?;
            Ok(past)
        })
        .await?;
        let tree = reader.snapshot(&past.root).await?;
        let text = diff::find(&tree, &below).map(|node| Text::of(node.common()));
        states.push((Some(commit.into()), text));
    }
    // On the disk it is as in the last commit.
    if let [(None, now), (Some(_), last), ..] = &states[..]
        && now.as_ref().map(|text| &text.digest) == last.as_ref().map(|text| &text.digest)
    {
        states.remove(0);
    }
    let shown = states.iter().filter(|(commit, _)| commit.is_some()).count();
    let more = shown > limit;
    let texts: Vec<Option<Text>> = states.iter().map(|(_, text)| text.clone()).collect();
    let mut entries: Vec<Entry> = Vec::new();
    for (at, (commit, text)) in states.into_iter().enumerate() {
        let older = texts.get(at + 1).and_then(Option::as_ref);
        let summary = |text: Option<&Text>| text.and_then(|text| text.summary.clone());
        let text_changed = match (&text, older) {
            (Some(text), Some(older)) => match (&text.summary, &older.summary) {
                (Some(new), Some(old)) => Some(new != old),
                _ => None,
            },
            _ => summary(text.as_ref()).or(summary(older)).map(|_| true),
        };
        entries.push(Entry {
            commit,
            text,
            text_changed,
        });
    }
    if more {
        entries.pop();
    }
    Ok(Report {
        repository: root.to_string_lossy().into_owned(),
        path: below,
        entries,
        more,
        notes: past.notes.iter().cloned().collect(),
    })
}

/// The commits that changed a path, and a folder for the states.
fn history(root: &Path, path: &Path, limit: usize) -> Result<(Vec<Commit>, Past), String> {
    let top = top(root)?;
    let below = path.strip_prefix(&top).unwrap_or(Path::new(""));
    let commits = Git::at(&top).history(below.as_os_str().as_encoded_bytes(), limit)?;
    let past = Past::of(root).map_err(|error| format!("temporary files: {error}"))?;
    Ok((commits, past))
}
