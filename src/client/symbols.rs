//! Definitions by their name alone, in a whole repository.

use crate::wire::protocol::{FileNode, Node};
use crate::wire::target::{Spot, definitions};

/// Whether a text can be the name of a definition.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '$' | '#');
    text.chars().all(fits) && text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The files that define `name`, best first, each with what is meant there: those where it is the whole qualified name,
/// then the shorter path. Where no definition has the name, it may begin with a module's: `package.module.function`.
pub fn defining<'t>(tree: &'t Node, name: &str) -> Vec<(&'t FileNode, Option<Spot>)> {
    let files = files(tree);
    let spot = Spot::Symbol(name.to_owned());
    let mut found = Vec::new();
    for file in &files {
        let meant = definitions(&file.elements, &spot);
        if !meant.is_empty() {
            let whole = meant.iter().any(|one| one.qualified_name == name);
            let exact = meant.iter().any(|one| one.name == name);
            found.push(((!whole, !exact), *file, Some(spot.clone())));
        }
    }
    if found.is_empty() && name.contains(['.', ':']) {
        let of_module = |file: &&'t FileNode| Some(((false, false), *file, in_module(file, name)?));
        found = files.iter().filter_map(of_module).collect();
    }
    found.sort_by_key(|(rank, file, _)| {
        let path = &file.common.path;
        (*rank, path.len(), path)
    });
    found
        .into_iter()
        .map(|(_, file, spot)| (file, spot))
        .collect()
}

fn files(tree: &Node) -> Vec<&FileNode> {
    let mut open = vec![tree];
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        match node {
            Node::File(file) => found.push(file),
            Node::Directory(directory) => open.extend(directory.children.iter().flatten()),
        }
    }
    found
}

/// What a name that begins with the module of this file means there: a definition, or the whole file.
fn in_module(file: &FileNode, name: &str) -> Option<Option<Spot>> {
    let name = name.replace("::", ".");
    let path = &file.common.path;
    let folder_and_name = path.rsplit_once('/').map_or(("", &path[..]), |parts| parts);
    let stem = folder_and_name.1.rsplit_once('.')?.0;
    let module = match stem {
        "__init__" | "mod" | "index" => folder_and_name.0.to_owned(),
        stem => format!("{}/{stem}", folder_and_name.0),
    };
    let module: Vec<&str> = module.split('/').filter(|part| !part.is_empty()).collect();
    let parts: Vec<&str> = name.split('.').collect();
    (1..=parts.len()).rev().find_map(|many| {
        let (of_module, rest) = parts.split_at(many);
        if !module.ends_with(of_module) {
            return None;
        }
        let spot = Spot::Symbol(rest.join("."));
        match rest.is_empty() {
            // A single word is no module's path.
            true => (many > 1).then_some(None),
            false => (!definitions(&file.elements, &spot).is_empty()).then_some(Some(spot)),
        }
    })
}
