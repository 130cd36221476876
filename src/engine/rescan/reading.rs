//! Reads files that may have changed.

use crate::model::contents::{ContentKind, Contents};
use crate::model::failure::{Failure, Remedy};
use crate::model::key::Kind;
use crate::model::path::{RelPath, RepoId};
use crate::model::summary::SummaryRef;

use crate::engine::Engine;
use crate::engine::effect::{Effect, NodeChange};
use crate::engine::event::{FileRead, ReadProblem};
use crate::engine::tree::{Body, Node, NodeId, Phase, ROOT};

/// The largest number of files in one job.
const BATCH: usize = 32;

impl Engine {
    /// Starts as many jobs as there are threads for; few files are spread over all threads.
    pub(in crate::engine) fn start_reads(&mut self, effects: &mut Vec<Effect>) {
        let jobs = self.options.readers;
        for (&repo, repository) in &mut self.repositories {
            while repository.reading < jobs {
                let batch = repository.to_read.len().div_ceil(jobs).clamp(1, BATCH);
                let mut files = Vec::with_capacity(batch);
                while files.len() < batch
                    && let Some(node) = repository.to_read.pop_front()
                {
                    let tree = &mut repository.tree;
                    if tree.get(node).is_none_or(|node| node.phase != Phase::Open) {
                        continue;
                    }
                    tree.change(node, |node| node.phase = Phase::Reading { again: false });
                    files.push((node, tree.path(node)));
                }
                if files.is_empty() {
                    break;
                }
                repository.reading += 1;
                effects.push(Effect::Read { repo, files });
            }
        }
    }

    /// A job is done.
    pub(in crate::engine) fn read(&mut self, repo: RepoId, files: Vec<FileRead>) {
        if let Some(repository) = self.repositories.get_mut(&repo) {
            repository.reading = repository.reading.saturating_sub(1);
        }
        for file in files {
            self.take_reading(repo, file);
        }
        self.suspect_other_names(repo);
    }

    /// Files that had one name and have several now are read again: they may have been written through another name,
    /// without a notification.
    fn suspect_other_names(&mut self, repo: RepoId) {
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        // One walk through the tree serves many files.
        if repository.newly_linked.is_empty() || !repository.is_read() {
            return;
        }
        let inodes = std::mem::take(&mut repository.newly_linked);
        let tree = &repository.tree;
        let only_name = |node: &Node| {
            let stat = node.contents().map(|contents| contents.stat);
            stat.is_some_and(|stat| stat.links <= 1 && inodes.contains(&(stat.device, stat.inode)))
        };
        let found = tree.walk(ROOT).filter(|(_, node)| only_name(node));
        let paths: Vec<RelPath> = found.map(|(id, _)| tree.path(id)).collect();
        for path in paths {
            self.touched(repo, &path);
        }
    }

    fn take_reading(&mut self, repo: RepoId, file: FileRead) {
        let FileRead {
            node: id,
            result,
            summary,
        } = file;
        let now = self.now;
        let Some(repository) = self.repositories.get_mut(&repo) else {
            return;
        };
        let Some(node) = repository.tree.get(id) else {
            return;
        };
        let Phase::Reading { again } = node.phase else {
            return;
        };
        match result {
            Ok(contents) if again => {
                // It changed during the reading, which may show the state before.
                repository.tree.change(id, |node| {
                    node.phase = Phase::Open;
                    node.body = Body::File {
                        contents: Some(contents),
                    };
                });
                repository.to_read.push_back(id);
            }
            Ok(contents) => {
                let before = node.contents().map(|contents| contents.digest);
                // What the first scan finds is no change.
                if before != Some(contents.digest) && node.changed().is_some() {
                    repository.last_change_ms = Some(now.unix_ms);
                    repository.tree.mark_changed(id, now.monotonic_ms);
                    repository.report(id, NodeChange::Changed);
                }
                let kept = contents.clone();
                if contents.stat.links <= 1 {
                    repository.linked.remove(&id);
                } else if repository.linked.insert(id) {
                    let stat = &contents.stat;
                    repository.newly_linked.insert((stat.device, stat.inode));
                }
                repository.tree.change(id, |node| {
                    node.body = Body::File {
                        contents: Some(contents),
                    };
                });
                repository.tree.forget_digests(id);
                repository.to_record.insert(id);
                self.summarize_file(repo, id, &kept, summary);
            }
            Err(problem) => {
                let path = repository.tree.path(id);
                match problem {
                    ReadProblem::Denied(reason) => {
                        let failure = Failure::new(Remedy::Permanent, reason);
                        repository.report(id, NodeChange::Failed(Kind::File, failure.to_line()));
                        repository.tree.change(id, |node| {
                            node.phase = Phase::Failed(Box::new(failure));
                            node.body = Body::File { contents: None };
                        });
                        repository.tree.forget_digests(id);
                    }
                    // The disk changed meanwhile: the next listing of its directory decides.
                    ReadProblem::Gone | ReadProblem::Moving => {
                        repository.tree.change(id, |node| {
                            node.phase = Phase::Open;
                            node.body = Body::File { contents: None };
                        });
                        repository.tree.forget_digests(id);
                        self.touched(repo, &path);
                    }
                }
            }
        }
    }

    /// The content of a file is known: gets its summary. `stored`: one that was written when it was read.
    pub(in crate::engine) fn summarize_file(
        &mut self,
        repo: RepoId,
        id: NodeId,
        contents: &Contents,
        stored: Option<SummaryRef>,
    ) {
        let off = !self.options.summaries
            || matches!(
                contents.content_kind,
                ContentKind::TooLarge | ContentKind::Secret
            );
        if off {
            self.mark_off(repo, id);
            return;
        }
        let key = self.options.generator.file_key(
            &self.options.offline,
            contents.content_kind,
            contents.language,
            contents.syntax,
        );
        if let Some(summary) = stored.filter(|summary| summary.key == key) {
            return self.apply_summary(repo, id, summary);
        }
        let paid = self.options.paid && contents.content_kind.is_summarized();
        self.request_summary(repo, id, key, paid);
    }
}
