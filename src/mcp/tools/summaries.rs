//! `get_summary`: what files and directories are for, and what is in them.

use serde::Deserialize;

use super::super::Session;
use super::super::page::{Page, count, line_about, mark};
use super::nodes::{children, entry, facts, shown, words};
use super::{Answer, MOST_PATHS, much};
use crate::wire::access::Access;
use crate::wire::protocol::Node;

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Detail {
    Line,
    #[default]
    Short,
    Full,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Summaries {
    paths: Vec<String>,
    #[serde(default)]
    detail: Detail,
    #[serde(default = "much")]
    max_tokens: usize,
}

pub(super) async fn summaries(session: Session, arguments: Summaries) -> Answer {
    if arguments.paths.is_empty() || arguments.paths.len() > MOST_PATHS {
        return Err(format!(
            "paths must name 1 to {MOST_PATHS} files or directories"
        ));
    }
    let mut page = Page::new(arguments.max_tokens);
    let mut unknown = 0;
    for (at, path) in arguments.paths.iter().enumerate() {
        if !page.has(30) {
            page.leave_out(format!(
                "{} of the paths (ask for fewer)",
                arguments.paths.len() - at
            ));
            break;
        }
        let node = match session.client.node(&session.path(path), 1).await {
            Ok(node) => node,
            Err(problem) => {
                page.line(&format!("{path}: {}", problem.detail));
                unknown += 1;
                continue;
            }
        };
        let name = shown(&node);
        if arguments.detail == Detail::Line {
            page.line(&format!("{name}{}", line_about(node.common())));
            continue;
        }
        page.line(&format!(
            "# {name}{}{}",
            facts(&node),
            mark(node.common().freshness)
        ));
        words(
            &mut page,
            &node,
            &format!("the rest of the summary of {name}"),
        );
        if arguments.detail == Detail::Full {
            contents(&mut page, &node, &name);
        }
        page.line("");
    }
    match unknown == arguments.paths.len() {
        true => Err(page.finish(&session.repository)),
        false => Ok(page.finish(&session.repository)),
    }
}

/// A file's outline or a directory's children, as far as they fit.
fn contents(page: &mut Page, node: &Node, name: &str) {
    let lines: Vec<String> = match node {
        Node::File(file) => file
            .elements
            .iter()
            .map(|element| {
                let signature = match element.signature.is_empty() {
                    true => &element.qualified_name,
                    false => &element.signature,
                };
                let depth = element.qualified_name.matches(['.', ':']).count().min(8);
                format!(
                    "{}-{} {}{signature}",
                    element.line_start,
                    element.line_end,
                    " ".repeat(depth)
                )
            })
            .collect(),
        Node::Directory(_) => children(node)
            .iter()
            .map(|child| entry(child, ""))
            .collect(),
    };
    let fits = lines.iter().take_while(|line| page.line(line)).count();
    if fits < lines.len() {
        page.leave_out(format!(
            "{} about what is in {name}",
            count((lines.len() - fits) as u64, "line", "lines")
        ));
    }
    if let Node::Directory(directory) = node
        && !directory.left_out.is_empty()
    {
        page.line(&format!(
            "(written without {})",
            directory.left_out.join(", ")
        ));
    }
}
