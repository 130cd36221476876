//! `get_summary`: what files and directories are for, and what is in them.

use std::path::Path;

use serde::Deserialize;

use super::super::page::{Page, count, line_about, mark};
use super::super::place::Session;
use super::nodes::{children, element, entry, facts, shown, summary};
use super::{Answer, MAX_PATHS, detail, many_tokens};
use crate::client::symbols;
use crate::wire::access::Access;
use crate::wire::plain::{clean, name, one_line};
use crate::wire::protocol::{FileNode, Node};
use crate::wire::target::{Spot, definitions};

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Detail {
    Line,
    #[default]
    Short,
    Full,
}

#[derive(Deserialize)]
pub(super) struct Summaries {
    paths: Vec<String>,
    #[serde(default)]
    detail: Detail,
    #[serde(default = "many_tokens")]
    max_tokens: usize,
}

pub(super) async fn summaries(session: &Session, arguments: Summaries) -> Answer {
    if arguments.paths.is_empty() {
        return Err(format!(
            "paths: the list is empty; name 1 to {MAX_PATHS} files or directories, for example {{\"paths\":[\"src\"]}}"
        ));
    }
    let mut page = Page::new(arguments.max_tokens);
    let mut unknown = 0;
    let paths = several(session, arguments.paths);
    let asked = paths.len();
    for (at, path) in paths.iter().enumerate() {
        if !page.has(30) || at == MAX_PATHS {
            let rest: Vec<String> = paths[at..].iter().map(|path| name(path)).collect();
            let many = count((asked - at) as u64, "path", "paths");
            page.leave_out(format!("{many} (request fewer): {}", rest[0]));
            rest[1..].iter().for_each(|path| page.leave_out(path));
            break;
        }
        let found = match session.target(path) {
            Ok(target) => {
                let node = session.client.node(&target.path, 1).await;
                match node {
                    Ok(node) => Ok((node, target.spot)),
                    Err(problem) => match defined(session, path).await {
                        Some(found) => Ok(found),
                        None if path.contains(['*', '{']) => Err(format!(
                            "{}: no such file; for a pattern, call search with path_glob",
                            name(path)
                        )),
                        None => Err(named(path, &detail(problem))),
                    },
                }
            }
            Err(reason) => Err(reason),
        };
        let (node, spot) = match found {
            Ok(found) => found,
            Err(reason) => {
                page.line(&reason);
                unknown += 1;
                continue;
            }
        };
        let shown = shown(&node);
        if arguments.detail == Detail::Line && spot.is_none() {
            page.line(&format!("{shown}{}", line_about(node.common())));
            continue;
        }
        let mark = mark(node.common().freshness);
        page.line(&format!("# {shown}{}{mark}", facts(&node)));
        match (&spot, &node) {
            (Some(spot), Node::File(file)) => definition(&mut page, file, spot, &shown),
            _ => {
                summary(
                    &mut page,
                    &node,
                    &format!("the rest of the summary of {shown}"),
                );
                if arguments.detail == Detail::Full {
                    contents(&mut page, &node, &shown);
                }
            }
        }
        page.line("");
    }
    if unknown == asked.min(MAX_PATHS) {
        page.fail();
    }
    Ok(page)
}

/// The paths, where one that does not exist and is a list of such that do, with commas, counts as those.
fn several(session: &Session, paths: Vec<String>) -> Vec<String> {
    let exists = |path: &str| {
        let target = session.target(path);
        target.is_ok_and(|target| target.path.symlink_metadata().is_ok())
    };
    let parts = |path: String| -> Vec<String> {
        let parts: Vec<&str> = path.split(',').map(str::trim).collect();
        match parts.len() > 1 && !exists(&path) && parts.iter().all(|part| exists(part)) {
            true => parts.into_iter().map(str::to_owned).collect(),
            false => vec![path],
        }
    };
    paths.into_iter().flat_map(parts).collect()
}

/// A message that begins with the name as the agent wrote it, once.
fn named(path: &str, message: &str) -> String {
    match message.starts_with(&format!("{path}: ")) {
        true => message.to_owned(),
        false => format!("{}: {message}", name(path)),
    }
}

/// The file that defines what is named like a definition.
async fn defined(session: &Session, text: &str) -> Option<(Node, Option<Spot>)> {
    let text = text.trim().trim_end_matches("()");
    if !symbols::is_name(text) {
        return None;
    }
    let root = Path::new(&session.repository.path);
    let tree = session.client.node(root, usize::MAX).await.ok()?;
    let (file, spot) = symbols::defining(&tree, text).into_iter().next()?;
    Some((Node::File(file.clone()), spot))
}

/// The definitions that a line or a name means, after a line about their file.
fn definition(page: &mut Page, file: &FileNode, spot: &Spot, shown: &str) {
    let line = file.common.line.as_deref().unwrap_or("(no summary yet)");
    page.line(&format!("  {}", one_line(line)));
    let meant = definitions(&file.elements, spot);
    match (meant.is_empty(), spot) {
        (true, Spot::Line(line)) => {
            page.line(&format!("  no definition holds line {line}"));
        }
        (true, Spot::Symbol(symbol)) => {
            page.line(&format!("  no definition is called {}", clean(symbol)));
            contents(page, &Node::File(file.clone()), shown);
        }
        (false, _) => {}
    }
    for found in meant {
        if !page.line(&element(found, 0)) {
            page.leave_out(format!("a definition of {shown}"));
            return;
        }
        page.line(&format!(
            "    {} {}",
            clean(&found.kind),
            one_line(&found.qualified_name)
        ));
        if let Some(docstring) = &found.docstring
            && !page.line(&format!("    {}", one_line(docstring)))
        {
            page.leave_out(format!(
                "the docstring of {}",
                one_line(&found.qualified_name)
            ));
        }
        // What is in it, one level deep.
        let inside = file.elements.iter().filter(|other| {
            other.qualified_name.len() > found.qualified_name.len()
                && other.line_start >= found.line_start
                && other.line_end <= found.line_end
        });
        let left = inside
            .filter(|other| !page.line(&element(other, 1)))
            .count();
        if left > 0 {
            page.leave_out(format!(
                "{} in {}",
                count(left as u64, "definition", "definitions"),
                one_line(&found.qualified_name)
            ));
        }
    }
}

/// A file's outline or a directory's children, as far as they fit.
fn contents(page: &mut Page, node: &Node, shown: &str) {
    let lines: Vec<String> = match node {
        Node::File(file) => file
            .elements
            .iter()
            .map(|one| {
                let depth = one.qualified_name.matches(['.', ':']).count().min(8);
                element(one, depth)
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
            "{} about what is in {shown}",
            count((lines.len() - fits) as u64, "line", "lines")
        ));
    }
    if let Node::Directory(directory) = node
        && !directory.left_out.is_empty()
    {
        let names: Vec<String> = directory.left_out.iter().map(|child| name(child)).collect();
        page.line(&format!("(written without {})", names.join(", ")));
    }
}
