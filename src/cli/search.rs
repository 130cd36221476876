//! `epitome search`: the files, folders or definitions that match a query best.

use std::path::PathBuf;

use super::failure::Failure;
use super::reader::Reader;
use super::render::search::{Options, results};
use super::terminal::Terminal;
use super::{Context, here, output, paths};
use crate::client::globs;
use crate::wire::search::{MAX_HITS, Search, SearchKind, SearchResults};

/// Operators, below the options of `--help`.
const OPERATORS: &str = "\
Operators in the query:
  path:src/ path:'*.py'   only paths that match, as in .gitignore; -path: excludes
  kind:function           only definitions of that kind (class, method, struct, type, …); kind:directory as --kind
  lang:rust lang:py       only files in that language, by name or ending; -lang: excludes
Operators without words list all that they allow: epitome search path:src/ kind:class
A query that is the name of a definition, such as Cache.get, finds that one first.
Put -- before a query that begins with a hyphen: epitome search -- -x";

#[derive(Debug, clap::Args)]
#[command(after_help = OPERATORS)]
pub struct Arguments {
    /// Words, the name of a definition, part of a path, operators
    #[arg(required = true)]
    query: Vec<String>,
    /// Look here only [default: this folder's repository, or all]
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// Only paths that match, as in .gitignore: '*.py', 'src/**/test_*'
    #[arg(long, value_name = "GLOB")]
    glob: Option<String>,
    /// What to find: file, directory, symbol (definitions), or all (files and directories)
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<SearchKind>,
    /// Largest number of hits, up to 1000
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = limit)]
    limit: usize,
    /// Say why each hit matches
    #[arg(long)]
    explain: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let here = here::or_here(context, arguments.path.as_deref()).await?;
    let reader = Reader::open(context, &here).await?;
    let outcome = search(&reader, here, arguments).await;
    reader.close().await;
    let (found, everywhere, no_path) = outcome?;
    if arguments.json {
        return output::print_json(&found);
    }
    for note in &found.notes {
        output::say(note);
    }
    if let (true, Some(glob)) = (no_path, &arguments.glob) {
        output::say(&format!("--glob {glob} matches no file or folder"));
    } else if found.hits.is_empty() {
        output::say("no results; try fewer or different words");
    }
    let terminal = Terminal::of_stdout();
    let options = Options {
        everywhere,
        explain: arguments.explain,
    };
    output::page(&results(&found, options, terminal), terminal)
}

/// The matches, whether all repositories were searched, and whether the glob matches no path.
async fn search(
    reader: &Reader,
    here: PathBuf,
    arguments: &Arguments,
) -> Result<(SearchResults, bool, bool), Failure> {
    let mut search = Search {
        query: arguments.query.join(" "),
        path: Some(here.clone()),
        glob: arguments.glob.clone(),
        kind: arguments.kind,
        limit: Some(arguments.limit),
    };
    if arguments.path.is_none() {
        search.path = reader.root(&here).await?;
    }
    let root = reader.root(&here).await?;
    if let (Some(glob), Some(root)) = (&mut search.glob, &root) {
        *glob = paths::glob(glob, root)?;
    }
    let found = reader.search(&search).await?;
    let mut no_path = false;
    if let (true, Some(glob), Some(root)) = (found.hits.is_empty(), &search.glob, &root) {
        let tree = reader.node(root, usize::MAX).await?;
        no_path = globs::matches_nothing(&tree, glob);
    }
    Ok((found, search.path.is_none(), no_path))
}

fn kind(text: &str) -> Result<SearchKind, String> {
    SearchKind::named(text).ok_or_else(|| "must be file, directory, symbol or all".to_owned())
}

fn limit(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_HITS).contains(limit))
        .ok_or_else(|| format!("must be a whole number from 1 to {MAX_HITS}"))
}
