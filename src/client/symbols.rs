//! Definitions by their name alone, in a whole repository.

use crate::wire::protocol::{FileNode, Node};
use crate::wire::target::{Spot, definitions};

/// Whether a text can be the name of a definition.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '$');
    text.chars().all(fits) && text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The files that define `name`, best first: those where it is the whole qualified name, then the shorter path.
pub fn defining<'t>(tree: &'t Node, name: &str) -> Vec<&'t FileNode> {
    let spot = Spot::Symbol(name.to_owned());
    let mut open = vec![tree];
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        match node {
            Node::File(file) => {
                let meant = definitions(&file.elements, &spot);
                if !meant.is_empty() {
                    let whole = meant.iter().any(|one| one.qualified_name == name);
                    let exact = meant.iter().any(|one| one.name == name);
                    found.push((!whole, !exact, file));
                }
            }
            Node::Directory(directory) => open.extend(directory.children.iter().flatten()),
        }
    }
    found.sort_by_key(|(whole, exact, file)| {
        let path = &file.common.path;
        (*whole, *exact, path.len(), path)
    });
    found.into_iter().map(|(_, _, file)| file).collect()
}
