//! What was saved before a question is in its answer: the question waits behind a barrier until all notifications from
//! before it have come through, and then until what is never notified of was looked at.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::engine::event::{Event, WaitId};
use crate::model::contents::Contents;
use crate::model::path::{RelPath, RepoId};
use crate::shell::lstat;

use super::Driver;
use crate::daemon::mailbox::{Input, Query};

/// How long a barrier may take to come back before the watch is not believed any more.
const BARRIER_PATIENCE: Duration = Duration::from_secs(2);

/// What a barrier is for.
pub(super) enum Behind {
    Wait(WaitId, RepoId),
    Query(Query),
}

/// A look under way at what is never notified of.
pub(super) struct Looking {
    since: Instant,
    /// The repository that it is at.
    at: Arc<AtomicU32>,
}

impl Driver {
    /// Behind a barrier that only a notification opens: no patience ends, and no look at anything is caused.
    pub(super) fn pulse(&mut self, query: Query) {
        self.barriers.retain(|_, behind| {
            !matches!(behind, Behind::Query(Query::Pulse { reply, .. }) if reply.is_closed())
        });
        self.numbers += 1;
        match self.shared.watch.get() {
            Some(watch) if watch.cookie(self.numbers).is_ok() => {
                self.barriers.insert(self.numbers, Behind::Query(query));
            }
            // A full disk takes no barrier: the loop turns all the same.
            _ => self.answer(query),
        }
    }

    pub(super) fn behind_barrier(&mut self, behind: Behind) {
        let Some(watch) = self.shared.watch.get() else {
            return self.pass(behind);
        };
        self.numbers += 1;
        let number = self.numbers;
        self.barriers.insert(number, behind);
        let sent = watch.cookie(number);
        let inputs = self.shared.inputs.clone();
        tokio::spawn(async move {
            if sent.is_ok() {
                tokio::time::sleep(BARRIER_PATIENCE).await;
            }
            inputs.send(Input::BarrierOverdue(number)).await;
        });
    }

    pub(super) fn pass(&mut self, behind: Behind) {
        match behind {
            Behind::Wait(id, _) => self.step(Event::Barrier(id)),
            Behind::Query(query) => self.answer(query),
        }
    }

    /// Behind the barrier: some changes are never notified of, such as those made under another name of the same file,
    /// what is mounted over a folder, a root that went with a folder far above it, and a git work tree that is made
    /// around it. They are looked for now, and only then does it go on.
    pub(super) fn check(&mut self, number: u64, behind: Behind) {
        let mut linked = Vec::new();
        let mut waits = false;
        let mut entries: Vec<_> = match &behind {
            Behind::Wait(_, repo) | Behind::Query(Query::Node { repo, .. }) => {
                waits = matches!(behind, Behind::Wait(..));
                linked = self.engine.linked(*repo);
                self.shared.registry.get(*repo).into_iter().collect()
            }
            Behind::Query(Query::Status { .. }) => self.shared.registry.all(),
            Behind::Query(_) => return self.pass(behind),
        };
        // Who only asks does not join those who wait for a file system that does not answer.
        let hanging = self.hanging();
        entries.retain(|entry| waits || !hanging.contains(&entry.repo));
        let roots: Vec<_> = entries
            .iter()
            .map(|entry| (entry.clone(), self.engine.expected_root(entry.repo)))
            .collect();
        let Some(first) = entries.first() else {
            return self.pass(behind);
        };
        let at = Arc::new(AtomicU32::new(first.repo.0));
        let looking = Looking {
            since: Instant::now(),
            at: Arc::clone(&at),
        };
        self.looking.insert(number, looking);
        self.checks.insert(number, behind);
        let shared = Arc::clone(&self.shared);
        let inputs = self.shared.inputs.clone();
        tokio::task::spawn_blocking(move || {
            for (entry, expected) in roots {
                at.store(entry.repo.0, Ordering::Relaxed);
                let moved = |expected| lstat::identity(&entry.root) != expected;
                let around = || entry.mounts_changed() || !entry.rules().has_same_top();
                if expected.is_some_and(moved) || around() {
                    inputs.send_blocking(Input::Event(Event::Lost(entry.repo)));
                }
            }
            if waits {
                entries.iter().for_each(|entry| shared.check_export(entry));
            }
            let Some(entry) = entries.first().filter(|_| !linked.is_empty()) else {
                return inputs.send_blocking(Input::Checked(number));
            };
            let repo = entry.repo;
            // Who waits wants proof; who only asks would hear "stale" of every file read within the clock's grain.
            let unchanged = |path: &RelPath, known: &Contents| {
                lstat::look(&path.under(&entry.root)).is_some_and(|now| {
                    known.stat.proves_unchanged(&now, known.observed_ms)
                        || (now == known.stat && !waits)
                })
            };
            let paths: Vec<RelPath> = linked
                .into_iter()
                .filter(|(path, known)| !unchanged(path, known))
                .map(|(path, _)| path)
                .collect();
            if !paths.is_empty() {
                inputs.send_blocking(Input::Event(Event::Touched { repo, paths }));
            }
            inputs.send_blocking(Input::Checked(number));
        });
    }

    /// Repositories whose file systems have not answered for a while.
    fn hanging(&self) -> BTreeSet<RepoId> {
        let late = |looking: &&Looking| looking.since.elapsed() > BARRIER_PATIENCE;
        let looks = self.looking.values().filter(late);
        looks
            .map(|looking| RepoId(looking.at.load(Ordering::Relaxed)))
            .collect()
    }
}
