//! Whether the requests of a first index may be sent: above a limit, only after a person confirmed it.
//!
//! The files are read and looked up first, so that the number is known; nothing is sent until then.

use crate::model::path::RepoId;
use crate::model::record::NodeRecord;

use super::Engine;
use super::effect::Effect;
use super::in_flight::Stage;
use super::repository::ScanState;

/// Until when an unconfirmed request waits (monotonic milliseconds): longer than any process runs.
pub(super) const UNCONFIRMED_MS: u64 = 1 << 40;

/// What is known about a repository's first index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confirmation {
    /// Its requests may be sent.
    #[default]
    Given,
    /// Its requests are being counted.
    Counting,
    /// So many requests wait for a person.
    Awaiting(u64),
}

impl Confirmation {
    /// At the beginning, before anything is known of a repository.
    pub(super) fn at_start(limit: Option<u64>) -> Self {
        match limit {
            Some(_) => Self::Counting,
            None => Self::Given,
        }
    }

    /// After what an earlier process recorded: an index that is mostly done is no first one.
    pub(super) fn with_records<'a>(self, records: impl Iterator<Item = &'a NodeRecord>) -> Self {
        let (mut all, mut done) = (0_u64, 0_u64);
        for record in records {
            all += 1;
            done += u64::from(record.summary.is_some());
        }
        match all > 0 && done * 2 > all {
            true => Self::Given,
            false => self,
        }
    }
}

impl Engine {
    /// A person confirmed the requests of a repository, or made them before.
    pub(super) fn confirm(&mut self, repo: RepoId) {
        let now_ms = self.now.monotonic_ms;
        if let Some(repository) = self.repositories.get_mut(&repo) {
            repository.confirmation = Confirmation::Given;
        }
        self.in_flight.shorten(now_ms, now_ms, |entry| {
            entry.quiet_until_ms >= UNCONFIRMED_MS
                && entry.waiters.iter().any(|(of, _)| *of == repo)
        });
    }

    /// Counts the requests of first indexes that are read completely: few enough are sent, more wait.
    pub(super) fn decide_confirmations(&mut self, effects: &mut Vec<Effect>) {
        let Some(limit) = self.options.confirm_above else {
            return;
        };
        if !self.lookups.is_empty() || self.in_flight.looking_up() > 0 {
            return;
        }
        let counted: Vec<(RepoId, u64)> = self
            .repositories
            .iter()
            .filter(|(_, repository)| {
                repository.confirmation == Confirmation::Counting
                    && repository.known
                    && repository.scan == ScanState::Idle
                    && repository.is_read()
                    && repository.to_confirm.is_empty()
            })
            .map(|(&repo, _)| (repo, self.requests_of(repo)))
            .collect();
        for (repo, requests) in counted {
            if requests <= limit {
                self.confirm(repo);
            } else if let Some(repository) = self.repositories.get_mut(&repo) {
                repository.confirmation = Confirmation::Awaiting(requests);
                effects.push(Effect::AwaitConfirmation { repo, requests });
            }
        }
    }

    /// How many requests a first index needs: one for each distinct content and each part of a large one, and one for
    /// each directory above something new.
    fn requests_of(&self, repo: RepoId) -> u64 {
        let Some(repository) = self.repositories.get(&repo) else {
            return 0;
        };
        let files: u64 = self
            .in_flight
            .iter()
            .filter(|(_, entry)| entry.paid && entry.is_file && entry.stage == Stage::Ready)
            .filter_map(|(_, entry)| entry.waiters.iter().find(|(of, _)| *of == repo))
            .map(|(_, id)| 1 + u64::from(self.options.tokens.of(&repository.tree, *id).parts))
            .sum();
        let directories = repository.tree.walk(super::tree::ROOT);
        let directories = directories.filter(|(_, node)| {
            node.directory().is_some() && node.is_visible() && !node.is_settled()
        });
        files + directories.count() as u64
    }
}
