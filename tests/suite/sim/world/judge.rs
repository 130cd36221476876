//! Checks the invariants: when everything has settled, when a wait ends, and whenever all notifications are delivered.

use std::collections::BTreeMap;

use epitome::engine::event::{Event, WaitId};
use epitome::engine::view::NodeView;
use epitome::model::contents::{ContentKind, Contents};
use epitome::model::key::{ChildSummary, Kind, directory_digest};
use epitome::model::path::RelPath;
use epitome::model::summary::Freshness;

use super::{Pending, REPO, Sabotage, World, options};

impl World {
    /// Once everything has settled: the tree equals the disk, every node is settled, every key equals the one recomputed from
    /// its children, and the counts equal a count over all nodes.
    pub(super) fn judge(&mut self) -> Result<(), String> {
        if !self.agenda.is_empty() {
            return Err("something is still in progress after two quiet hours".to_owned());
        }
        let view = self
            .engine
            .view(REPO, &RelPath::root(), usize::MAX)
            .ok_or("no root")?;
        let mut files = Vec::new();
        self.judge_node(&view, &mut files)?;
        self.judge_counts(&view)?;
        let on_disk: Vec<&String> = self.disk.files.keys().collect();
        files.sort();
        if files.iter().collect::<Vec<_>>() != on_disk {
            return Err(format!("the tree has {files:?}, the disk {on_disk:?}"));
        }
        if !self.promises.is_empty() {
            return Err(format!("{} waits never ended", self.promises.len()));
        }
        Ok(())
    }

    /// Whether the request for a file is always refused.
    fn never_passes(view: &NodeView) -> bool {
        let generator = options(false, true, None).generator;
        let key = view.contents.as_ref().map(|contents| {
            generator.file_key(
                &generator,
                contents.content_kind,
                contents.language,
                contents.syntax,
            )
        });
        key.and_then(|key| Self::permanent_refusal(key.0)).is_some()
    }

    /// A request that is always refused does not block the others: all of them are fresh, after a bounded number of requests.
    pub(super) fn judge_others(&mut self, requests: u64) -> Result<(), String> {
        if !self.refusing {
            return Ok(());
        }
        let root = self.engine.view(REPO, &RelPath::root(), usize::MAX);
        let (mut nodes, mut refused) = (0, 0);
        let mut pending = vec![root.ok_or("no root")?];
        while let Some(view) = pending.pop() {
            nodes += 1;
            let for_ever = Self::never_passes(&view);
            if view.children.is_none() && for_ever {
                refused += 1;
            } else if view.children.is_none()
                && !matches!(view.freshness, Freshness::Fresh | Freshness::Off)
            {
                return Err(format!(
                    "{} is {}, although its own request is accepted: {:?}",
                    view.path.to_text(),
                    view.freshness,
                    view.error
                ));
            }
            pending.extend(view.children.into_iter().flatten());
        }
        // A part of a content may be accepted, which gives it new attempts.
        let bound = 60 + 120 * refused + 8 * nodes;
        match requests > bound {
            true => Err(format!(
                "{requests} requests for {nodes} nodes, {refused} of them refused"
            )),
            false => Ok(()),
        }
    }

    /// Once all notifications are delivered, a fresh node equals the disk.
    pub(super) fn check_fresh(&mut self) -> Result<(), String> {
        let is_delivered = |pending: &Pending| {
            !matches!(
                pending,
                Pending::Deliver(Event::Touched { .. } | Event::Lost(_))
            )
        };
        if !self.disk.root_is_there || !self.agenda.values().all(is_delivered) {
            return Ok(());
        }
        let Some(view) = self.engine.view(REPO, &RelPath::root(), usize::MAX) else {
            return Ok(());
        };
        let mut pending = vec![view];
        while let Some(view) = pending.pop() {
            let path = view.path.to_text();
            let real = self.disk.read(&path, 0).map(|contents| contents.digest);
            if view.children.is_none() && view.freshness == Freshness::Fresh && view.digest != real
            {
                return Err(format!("{path} is fresh but differs from the disk"));
            }
            pending.extend(view.children.into_iter().flatten());
        }
        Ok(())
    }

    /// A wait ended: everything saved before it and not changed since is known, and fresh or named as failed.
    pub(super) fn settled(
        &mut self,
        wait: WaitId,
        failed: &[(RelPath, String)],
    ) -> Result<(), String> {
        let Some(promise) = self.promises.remove(&wait) else {
            return Err("a wait ended twice".to_owned());
        };
        if !self.disk.root_is_there {
            return Ok(());
        }
        for (path, written_ms) in promise.written {
            let Some(file) = self
                .disk
                .files
                .get(&path)
                .filter(|file| file.written_ms == written_ms)
            else {
                continue;
            };
            let digest = file.text.digest();
            let path = RelPath::new(&path);
            let Some(view) = self.engine.view(REPO, &path, 0) else {
                // It was moved here later with its directory, so it was not saved here before the call.
                continue;
            };
            let is_named = failed.iter().any(|(failed, _)| *failed == path);
            if view.digest != Some(digest) || (view.freshness == Freshness::Pending && !is_named) {
                return Err(format!(
                    "after a wait, {path} is {} with digest {:?}, and on disk {digest}",
                    view.freshness, view.digest
                ));
            }
        }
        Ok(())
    }

    fn judge_counts(&self, root: &NodeView) -> Result<(), String> {
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        let mut pending = vec![root];
        while let Some(view) = pending.pop() {
            *counted.entry(view.freshness.to_string()).or_default() += 1;
            *counted.entry(format!("{:?}", view.kind)).or_default() += 1;
            pending.extend(view.children.iter().flatten());
        }
        let status = self.engine.repository_status(REPO).ok_or("no status")?;
        let shown = [
            ("fresh", status.fresh),
            ("stale", status.stale),
            ("pending", status.pending),
            ("failed", status.failed),
            ("off", status.off),
            ("File", status.files),
            ("Directory", status.directories),
        ];
        for (name, number) in shown {
            let counted = counted.get(name).copied().unwrap_or_default();
            if number != counted {
                return Err(format!(
                    "the status counts {number} {name}, the tree contains {counted}"
                ));
            }
        }
        Ok(())
    }

    fn judge_node(&self, view: &NodeView, files: &mut Vec<String>) -> Result<(), String> {
        let path = view.path.to_text();
        let generator = options(false, true, None).generator;
        let key = match &view.children {
            None => {
                files.push(path.clone());
                let real = self
                    .disk
                    .read(&path, 0)
                    .ok_or(format!("{path} is not on disk"))?;
                let known = view
                    .contents
                    .as_ref()
                    .ok_or(format!("{path} was never read"))?;
                if (known.digest, known.syntax, known.stat.size)
                    != (real.digest, real.syntax, real.stat.size)
                    && self.sabotage != Sabotage::ListsWithoutReading
                    || known.digest != real.digest
                {
                    return Err(format!(
                        "{path} is known with content that differs from the disk"
                    ));
                }
                let Contents {
                    content_kind,
                    language,
                    syntax,
                    ..
                } = real;
                if content_kind == ContentKind::TooLarge {
                    return expect(&path, view.freshness, &[Freshness::Off]);
                }
                generator.file_key(&generator, content_kind, language, syntax)
            }
            Some(children) => {
                for child in children {
                    self.judge_node(child, files)?;
                }
                let digest = directory_digest(
                    children
                        .iter()
                        .filter_map(|child| Some((child.path.name(), child.kind, child.digest?))),
                );
                if view.digest != Some(digest) {
                    return Err(format!(
                        "{path}/ has a digest that is not that of its children"
                    ));
                }
                let counted = children.iter().map(|child| match child.kind {
                    Kind::File => (1, 0),
                    Kind::Directory => (child.files, child.directories + 1),
                });
                let counted = counted.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                if (view.files, view.directories) != counted {
                    return Err(format!(
                        "{path}/ counts {} files and {} directories, and contains {counted:?}",
                        view.files, view.directories
                    ));
                }
                if children.is_empty() {
                    return expect(&path, view.freshness, &[Freshness::Off]);
                }
                generator.directory_key(children.iter().map(|child| {
                    let summary = match child.summary {
                        Some(summary) => ChildSummary::Present(summary.digest),
                        None => ChildSummary::LeftOut,
                    };
                    (child.path.name(), child.kind, summary)
                }))
            }
        };
        let below_failed = view
            .children
            .iter()
            .flatten()
            .any(|child| matches!(child.freshness, Freshness::Failed | Freshness::Stale));
        if view.freshness == Freshness::Fresh {
            let summary = view
                .summary
                .ok_or(format!("{path} is fresh without a summary"))?;
            if summary.key != key {
                return Err(format!("{path} is fresh with the summary of another state"));
            }
            let stored = self
                .stored
                .get(&key)
                .ok_or(format!("{path}: its summary is not stored"))?;
            if view.kind == Kind::File
                && view
                    .contents
                    .as_ref()
                    .is_some_and(|contents| contents.content_kind == ContentKind::Text)
            {
                let about = view.contents.as_ref().map(|contents| contents.syntax);
                if Some(stored.text.as_str())
                    != about.map(|syntax| format!("File {syntax}.")).as_deref()
                {
                    return Err(format!(
                        "{path}: its summary describes something else: {}",
                        stored.text
                    ));
                }
            }
            if below_failed {
                return Err(format!(
                    "{path}/ is fresh although something below it is not"
                ));
            }
            return Ok(());
        }
        // A content that is always refused may be in one of its late retries.
        let retried = |view: &NodeView| {
            let for_ever = Self::never_passes(view);
            self.refusing
                && (for_ever || view.children.is_some() && view.freshness == Freshness::Pending)
        };
        let retried = retried(view) || view.children.iter().flatten().any(retried);
        // A node that is not fresh must have failed, or contain one that did.
        if view.error.is_none() && !below_failed && !retried {
            return Err(format!("{path} is {} without a cause", view.freshness));
        }
        Ok(())
    }
}

fn expect(path: &str, is: Freshness, one_of: &[Freshness]) -> Result<(), String> {
    if one_of.contains(&is) {
        return Ok(());
    }
    Err(format!("{path} is {is} and should be {one_of:?}"))
}
