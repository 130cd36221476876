//! `epitome search`: the nodes that answer a query best, and why.

use std::path::PathBuf;

use super::failure::Failure;
use super::reader::Reader;
use super::terminal::Terminal;
use super::{Context, output, paths, render};
use crate::wire::search::{MAX_HITS, Search, SearchResults};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Words, a definition's name, or a part of a path
    #[arg(required = true)]
    query: Vec<String>,
    /// Look here only [default: this folder's repository, or all]
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// Only paths that match, as in .gitignore: '*.py', 'src/**/test_*'
    #[arg(long, value_name = "GLOB")]
    glob: Option<String>,
    /// Hits at most, up to 100
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = limit)]
    limit: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let here = paths::absolute(arguments.path.as_deref())?;
    let reader = Reader::open(context, &here).await?;
    let outcome = search(&reader, here, arguments).await;
    reader.close().await;
    let (found, everywhere) = outcome?;
    if arguments.json {
        return output::print_json(&found);
    }
    if found.hits.is_empty() {
        output::say("no results; try fewer or different words");
    }
    let terminal = Terminal::of_stdout();
    output::page(&render::found(&found, everywhere, terminal), terminal)
}

/// The matches, and whether all repositories were searched.
async fn search(
    reader: &Reader,
    here: PathBuf,
    arguments: &Arguments,
) -> Result<(SearchResults, bool), Failure> {
    let mut search = Search {
        query: arguments.query.join(" "),
        path: Some(here.clone()),
        glob: arguments.glob.clone(),
        kind: None,
        limit: Some(arguments.limit),
    };
    if arguments.path.is_none() {
        search.path = reader.root(&here).await?;
    }
    let found = reader.search(&search).await?;
    Ok((found, search.path.is_none()))
}

fn limit(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_HITS).contains(limit))
        .ok_or_else(|| format!("must be a whole number from 1 to {MAX_HITS}"))
}
