//! Compares two trees: what was added, removed, renamed or changed, with the old and the new text.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::key::Kind;
use crate::model::summary::Freshness;
use crate::wire::protocol::{Common, Node};

/// What became of a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Added,
    Modified,
    Deleted,
    /// Moved, with the same content.
    Renamed,
}

/// A file or folder that is not as it was.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    pub kind: Kind,
    pub change: Change,
    /// The earlier path of what was renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whether the text is another; not known if one of them is not stored.
    pub text_changed: Option<bool>,
    /// Before; none for what was added.
    pub old: Option<Text>,
    /// Now; none for what was deleted.
    pub new: Option<Text>,
}

/// A state of a file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    pub digest: Option<String>,
    /// The summary of this state; none if none is stored.
    pub summary: Option<String>,
    pub line: Option<String>,
    pub model: Option<String>,
    pub freshness: Freshness,
}

impl Text {
    /// What is known of a node; a draft is no summary.
    pub fn of(common: &Common) -> Self {
        let written = |text: &Option<String>| text.clone().filter(|_| !common.draft);
        Self {
            digest: common.digest.clone(),
            summary: written(&common.summary),
            line: written(&common.line),
            model: written(&common.model),
            freshness: common.freshness,
        }
    }

    /// Whether the summary describes this state: a stale one describes an earlier state.
    fn is_known(&self) -> bool {
        self.summary.is_some() && self.freshness != Freshness::Stale
    }
}

/// The differences, folders before what is in them.
pub fn compare(then: Option<&Node>, now: &Node) -> Vec<Changed> {
    let mut old: BTreeMap<Place<'_>, &Node> = BTreeMap::new();
    if let Some(then) = then {
        collect(then, &mut old);
    }
    let mut new = BTreeMap::new();
    collect(now, &mut new);
    let mut changes: Vec<Changed> = Vec::new();
    for (place, node) in &new {
        match old.remove(place) {
            None => changes.push(changed(Change::Added, None, Some(node))),
            Some(before) => {
                let one = changed(Change::Modified, Some(before), Some(node));
                let same_content = match (&one.old, &one.new) {
                    (Some(old), Some(new)) => old.digest == new.digest,
                    _ => false,
                };
                // Of equal content the text can only be another if another model wrote it.
                if !same_content || one.text_changed == Some(true) {
                    changes.push(one);
                }
            }
        }
    }
    for node in old.into_values() {
        match renamed(&mut changes, node) {
            Some(()) => {}
            None => changes.push(changed(Change::Deleted, Some(node), None)),
        }
    }
    changes.sort_by(|a, b| key(&a.path).cmp(&key(&b.path)));
    changes
}

/// A path by its names, so that a folder precedes what is in it; files and folders apart.
type Place<'n> = (Vec<&'n str>, Kind);

fn key(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

fn kind(node: &Node) -> Kind {
    match node {
        Node::File(_) => Kind::File,
        Node::Directory(_) => Kind::Directory,
    }
}

fn collect<'n>(tree: &'n Node, into: &mut BTreeMap<Place<'n>, &'n Node>) {
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        into.insert((key(&node.common().path), kind(node)), node);
        if let Node::Directory(directory) = node {
            open.extend(directory.children.iter().flatten());
        }
    }
}

fn changed(change: Change, old: Option<&Node>, new: Option<&Node>) -> Changed {
    let node = new.or(old);
    let common = node.map(Node::common);
    let [old, new] = [old, new].map(|node| node.map(|node| Text::of(node.common())));
    let text_changed = match (&old, &new) {
        (Some(old), Some(new)) if old.digest == new.digest && old.summary.is_none() => None,
        (Some(old), Some(new)) => {
            (old.is_known() && new.is_known()).then(|| old.summary != new.summary)
        }
        _ => Some(true),
    };
    Changed {
        path: common.map(|common| common.path.clone()).unwrap_or_default(),
        path_base64: common.and_then(|common| common.path_base64.clone()),
        kind: node.map(kind).unwrap_or_default(),
        change,
        from: None,
        text_changed,
        old,
        new,
    }
}

/// Makes an added file of the same content the new place of a file that is gone.
fn renamed(changes: &mut [Changed], gone: &Node) -> Option<()> {
    let Node::File(file) = gone else { return None };
    let digest = file.common.digest.as_ref().filter(|_| file.bytes > 0)?;
    let is_it = |one: &&mut Changed| {
        one.change == Change::Added
            && one.kind == Kind::File
            && one.new.as_ref().and_then(|new| new.digest.as_ref()) == Some(digest)
    };
    let place = changes.iter_mut().find(is_it)?;
    let old = Text::of(&file.common);
    place.change = Change::Renamed;
    place.from = Some(file.common.path.clone());
    let summary = place.new.as_ref().and_then(|new| new.summary.as_ref());
    place.text_changed = Some(old.summary.as_ref() != summary);
    place.old = Some(old);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake::{directory, file};

    fn tree(files: &[(&str, &str)]) -> Node {
        let files = files.iter().map(|(path, text)| {
            let mut node = file(path, text);
            if let Node::File(file) = &mut node {
                file.bytes = 9;
            }
            node.common_mut().digest = Some(format!("{:?}", text.len()));
            node
        });
        let mut root = directory("", "All.", files.collect());
        root.common_mut().digest = Some("root".to_owned());
        root
    }

    fn found(then: &Node, now: &Node) -> Vec<(String, Change, Option<bool>)> {
        let all = compare(Some(then), now).into_iter();
        all.map(|one| (one.path, one.change, one.text_changed))
            .collect()
    }

    #[test]
    fn each_kind_of_change_is_found() {
        let then = tree(&[
            ("a.py", "Does a."),
            ("b.py", "Does bb."),
            ("c.py", "Long text of c."),
        ]);
        let now = tree(&[
            ("a.py", "Does more."),
            ("d.py", "Does bb."),
            ("e.py", "Newest of all texts."),
        ]);
        let expected = [
            ("a.py", Change::Modified, Some(true)),
            ("c.py", Change::Deleted, Some(true)),
            ("d.py", Change::Renamed, Some(false)),
            ("e.py", Change::Added, Some(true)),
        ];
        let expected = expected.map(|(path, change, text)| (path.to_owned(), change, text));
        assert_eq!(found(&then, &now), expected);
        assert_eq!(found(&now, &now), []);
        let first = compare(None, &now);
        assert!(first.iter().all(|one| one.change == Change::Added));
        assert_eq!(first.len(), 4);
    }

    #[test]
    fn what_is_not_stored_is_not_called_changed() {
        let now = tree(&[("a.py", "Does more.")]);
        let mut then = tree(&[("a.py", "Does a.")]);
        if let Node::Directory(root) = &mut then {
            for child in root.children.iter_mut().flatten() {
                child.common_mut().draft = true;
            }
        }
        let changes = compare(Some(&then), &now);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].text_changed, None);
        let old = changes[0].old.as_ref();
        assert_eq!(old.and_then(|old| old.summary.as_ref()), None);
    }
}
