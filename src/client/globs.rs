//! Globs of a search: whether they match anything at all.

use ignore::gitignore::GitignoreBuilder;

use crate::wire::protocol::Node;

/// Whether no file or folder of the tree matches a glob. One that cannot be read is the search's own error.
pub fn matches_nothing(tree: &Node, glob: &str) -> bool {
    let mut builder = GitignoreBuilder::new("/");
    let Ok(globs) = builder
        .add_line(None, glob)
        .and_then(|builder| builder.build())
    else {
        return false;
    };
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        let is_directory = matches!(node, Node::Directory(_));
        let path = &node.common().path;
        if !path.is_empty() && globs.matched(path, is_directory).is_ignore() {
            return false;
        }
        if let Node::Directory(directory) = node {
            open.extend(directory.children.iter().flatten());
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake::tree;

    #[test]
    fn a_glob_that_matches_no_path_is_found() {
        for (glob, nothing) in [
            ("*.py", false),
            ("src/", false),
            ("/src/**", false),
            ("**", false),
            ("*.zig", true),
            ("/lib/**", true),
        ] {
            assert_eq!(matches_nothing(&tree(), glob), nothing, "{glob}");
        }
    }
}
