//! Loads what the store knows of a repository.

use std::collections::HashSet;

use crate::daemon::context::Context;
use crate::engine::event::Event;
use crate::model::contents::{ContentKind, Contents};
use crate::model::key::Kind;
use crate::model::path::{RelPath, RepoId};
use crate::model::record::NodeRecord;
use crate::shell::export;

/// How many days back a repository's requests are looked for.
const DAYS: usize = 4_000;

/// Loads a repository's records. One that sent requests before was confirmed then.
pub fn load(context: &Context, repo: RepoId) -> Vec<Event> {
    let records = records(context, repo);
    let mut events = vec![Event::Loaded { repo, records }];
    let root = context.registry.get(repo).map(|entry| entry.root);
    let by_day = context.store.usage_by_day(DAYS);
    let mut repositories = by_day.into_iter().flat_map(|(_, used)| used);
    if repositories.any(|(of, used)| Some(of) == root && used.requests > 0) {
        events.push(Event::Confirm(repo));
    }
    events
}

fn records(context: &Context, repo: RepoId) -> Vec<(RelPath, NodeRecord)> {
    let Some(entry) = context.registry.get(repo) else {
        return Vec::new();
    };
    let mut records = context.store.records(&entry.root).unwrap_or_else(|error| {
        let root = entry.root.display();
        tracing::warn!("cannot read what the store knows of {root}: {error}");
        Vec::new()
    });
    if let Some(folder) = &context.config.export.dir
        && context.mode.keeps()
    {
        // An exported directory without a record: a crash cut its removal short.
        let known: HashSet<RelPath> = records.iter().map(|(path, _)| path.clone()).collect();
        let left = export::written(&entry.root, &entry.root.join(folder)).into_iter();
        let left = left.filter(|path| !path.is_root() && !known.contains(path));
        records.extend(left.map(|path| {
            let record = NodeRecord {
                kind: Kind::Directory,
                ..NodeRecord::default()
            };
            (path, record)
        }));
    }
    // A file that was read under another size limit is read again.
    let max_bytes = context.config.files.max_bytes;
    for (_, record) in &mut records {
        let too_large = |contents: &Contents| contents.stat.size > max_bytes;
        record.contents.take_if(|contents| {
            contents.content_kind != ContentKind::Secret
                && (contents.content_kind == ContentKind::TooLarge) != too_large(contents)
        });
    }
    records
}
