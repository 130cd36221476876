//! `epitome search`: the nodes that answer a query best, and why.

use std::path::PathBuf;

use super::failure::Failure;
use super::terminal::Terminal;
use super::{Context, output, paths, render};
use crate::wire::access::Access;
use crate::wire::search::{MAX_HITS, Search};

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
    let client = context.client().await?;
    let mut search = Search {
        query: arguments.query.join(" "),
        path: Some(paths::absolute(arguments.path.as_deref())?),
        glob: arguments.glob.clone(),
        kind: None,
        limit: Some(arguments.limit),
    };
    if arguments.path.is_none() {
        let status = client.status().await?;
        let here = search.path.take().unwrap_or_default();
        let holds = |root: &&String| here.starts_with(root);
        let roots = status.repositories.iter().map(|one| &one.path);
        search.path = roots
            .filter(holds)
            .max_by_key(|root| root.len())
            .map(PathBuf::from);
    }
    let found = client.search(&search).await?;
    if arguments.json {
        return output::print_json(&found);
    }
    if found.hits.is_empty() {
        output::say("nothing answers that: fewer or other words may find more");
    }
    output::print(&render::found(
        &found,
        search.path.is_none(),
        Terminal::of_stdout(),
    ))
}

fn limit(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_HITS).contains(limit))
        .ok_or_else(|| format!("must be a whole number from 1 to {MAX_HITS}"))
}
