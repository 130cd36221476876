//! `search`: where something is.

use serde::Deserialize;

use super::super::page::{Page, count, mark};
use super::super::place::Session;
use super::{Answer, detail, some_tokens};
use crate::wire::access::Access;
use crate::wire::plain::{clean, name, one_line};
use crate::wire::search::{HitKind, Search, SearchKind};

#[derive(Deserialize)]
pub(super) struct Searching {
    query: String,
    #[serde(default)]
    path_glob: Option<String>,
    #[serde(default)]
    kind: Option<SearchKind>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default = "some_tokens")]
    max_tokens: usize,
}

pub(super) async fn search(session: &Session, arguments: Searching) -> Answer {
    let glob = arguments.path_glob.as_deref();
    let search = Search {
        query: arguments.query,
        path: Some(session.target("")?.path),
        glob: glob.map(|glob| session.glob(glob)).transpose()?,
        kind: arguments.kind,
        limit: arguments.limit,
    };
    let found = session.client.search(&search).await.map_err(detail)?;
    let mut page = Page::new(arguments.max_tokens);
    for note in &found.notes {
        page.line(&format!("Note: {}", clean(note)));
    }
    if found.unindexed > 0 {
        page.line(&format!(
            "The text of {} not indexed yet; names and summaries were searched. Search again in a while for more.",
            count(found.unindexed, "file is", "files are")
        ));
    }
    if found.hits.is_empty() {
        match &search.glob {
            Some(read) if session.matches_nothing(read).await? => page.line(&format!(
                "path_glob {} matches no file or folder of this repository; try list_tree, or leave it out.",
                clean(glob.unwrap_or_default())
            )),
            _ => page.line("No results; try fewer or different words."),
        };
    }
    let mut shown = 0;
    for hit in &found.hits {
        let path = match hit.kind {
            HitKind::Directory => name(&format!("{}/", hit.path)),
            _ => name(&hit.path),
        };
        let mut lines = vec![format!(
            "{path}  (score {}){}",
            hit.score,
            mark(hit.freshness)
        )];
        lines.extend(hit.line.iter().map(|line| format!("  {}", one_line(line))));
        lines.extend(hit.elements.iter().map(|element| {
            format!(
                "  {path}:{}-{} {} {}",
                element.line_start,
                element.line_end,
                clean(&element.kind),
                one_line(&element.qualified_name)
            )
        }));
        lines.push(format!("  why: {}", one_line(&hit.reason)));
        if !page.line(&lines.join("\n")) {
            break;
        }
        shown += 1;
    }
    if shown < found.total {
        let more = (found.total - shown) as u64;
        page.leave_out(format!(
            "{} (limit, max_tokens)",
            count(more, "more hit", "more hits")
        ));
    }
    Ok(page)
}
