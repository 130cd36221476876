//! Drafts: offline text for nodes that a model has not summarized yet, or could not.
//!
//! A draft is computed when a node is shown. It is never stored, and is part of no key.

use std::collections::HashMap;

use crate::daemon::context::Context;
use crate::engine::view::NodeView;
use crate::model::key::Kind;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::{Freshness, first_sentence};
use crate::shell::offline;
use crate::wire::protocol::Node;

use super::shown_outline;

/// Drafts of folders need all files below: of larger trees only the files that are shown get drafts.
pub const MAX_FILES: u64 = 5_000;

/// The drafts of the nodes at and below one.
#[derive(Default)]
pub struct Drafts(HashMap<RelPath, String>);

impl Drafts {
    /// Whether something at or below the node may need a draft.
    pub fn are_needed(context: &Context, view: &NodeView) -> bool {
        context.uses_model() && !matches!(view.freshness, Freshness::Fresh | Freshness::Off)
    }

    /// Drafts for what has no summary, as far as the view reaches.
    pub fn of(context: &Context, repo: RepoId, view: &NodeView) -> Self {
        let mut drafts = Self::default();
        drafts.text(context, repo, view);
        drafts
    }

    /// The summary of a node, or its draft.
    fn text(&mut self, context: &Context, repo: RepoId, view: &NodeView) -> Option<String> {
        let children: Vec<(String, Kind, Option<String>)> = view
            .children
            .iter()
            .flatten()
            .map(|child| {
                let name = String::from_utf8_lossy(child.path.name()).into_owned();
                (name, child.kind, self.text(context, repo, child))
            })
            .collect();
        let stored = view
            .summary
            .and_then(|summary| context.store.summary(summary.key).ok().flatten());
        if let Some(summary) = stored {
            return Some(summary.text);
        }
        if view.freshness == Freshness::Off {
            return None;
        }
        let draft = match view.kind {
            Kind::File => {
                let contents = view.contents.as_ref()?;
                match contents.content_kind.is_text() {
                    true => {
                        let outline = shown_outline(context, repo, view);
                        offline::file(contents.language, &outline, contents.stat.size)
                    }
                    false => offline::rule(contents.content_kind, contents.language),
                }
            }
            Kind::Directory => {
                view.children.as_ref()?;
                let children: Vec<offline::Child<'_>> = children
                    .iter()
                    .map(|(name, kind, summary)| offline::Child {
                        name,
                        kind: *kind,
                        summary: summary.as_deref(),
                    })
                    .collect();
                offline::directory(&children)
            }
        };
        self.0.insert(view.path.clone(), draft.clone());
        Some(draft)
    }

    /// Gives a node its draft, if it has one and no summary.
    pub fn apply(&self, view: &NodeView, node: &mut Node) {
        if let Some(draft) = self.0.get(&view.path)
            && node.common().summary.is_none()
        {
            let common = node.common_mut();
            common.line = Some(first_sentence(draft).to_owned());
            common.summary = Some(draft.clone());
            common.model = Some("offline".to_owned());
            common.draft = true;
        }
        if let (Node::Directory(directory), Some(children)) = (node, &view.children) {
            let shown = directory.children.iter_mut().flatten();
            children
                .iter()
                .zip(shown)
                .for_each(|(view, node)| self.apply(view, node));
        }
    }
}
