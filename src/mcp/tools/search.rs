//! `search`: where something is.

use serde::Deserialize;

use super::super::Session;
use super::super::page::{Page, count, mark};
use super::{Answer, medium, told};
use crate::wire::access::Access;
use crate::wire::search::{HitKind, Search, SearchKind};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Searching {
    query: String,
    #[serde(default)]
    path_glob: Option<String>,
    #[serde(default)]
    kind: Option<SearchKind>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default = "medium")]
    max_tokens: usize,
}

pub(super) async fn search(session: Session, arguments: Searching) -> Answer {
    let search = Search {
        query: arguments.query,
        path: Some(session.path("")),
        glob: arguments.path_glob,
        kind: arguments.kind,
        limit: arguments.limit,
    };
    let found = session.client.search(&search).await.map_err(told)?;
    let mut page = Page::new(arguments.max_tokens);
    if found.hits.is_empty() {
        page.line("Nothing answers that; fewer or other words may find more.");
    }
    let mut shown = 0;
    for hit in &found.hits {
        let slash = if hit.kind == HitKind::Directory {
            "/"
        } else {
            ""
        };
        let mut lines = vec![format!(
            "{}{slash}  (score {}){}",
            hit.path,
            hit.score,
            mark(hit.freshness)
        )];
        lines.extend(hit.line.iter().map(|line| format!("  {line}")));
        lines.extend(hit.elements.iter().map(|element| {
            format!(
                "  {}-{} {} {}",
                element.line_start, element.line_end, element.kind, element.qualified_name
            )
        }));
        lines.push(format!("  why: {}", hit.reason));
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
    Ok(page.finish(&session.repository))
}
