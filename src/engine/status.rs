//! Counts and progress, for people who look.

use crate::model::failure::Failure;
use crate::model::path::RepoId;
use crate::model::summary::Freshness;
use crate::model::usage::Usage;

use super::Engine;
use super::pacing::{Budget, Counters, DayUse};
use super::repository::ScanState;
use super::tree::{Phase, ROOT};
use super::view::freshness_in;

/// What a repository is doing, and how many nodes are in which state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RepositoryStatus {
    /// The disk is being looked at.
    pub scanning: bool,
    /// The root folder is not there.
    pub unreachable: bool,
    /// File nodes.
    pub files: u64,
    /// Directory nodes.
    pub directories: u64,
    /// Nodes with fresh words; then the others.
    pub fresh: u64,
    /// Stale.
    pub stale: u64,
    /// Pending.
    pub pending: u64,
    /// Failed.
    pub failed: u64,
    /// Off.
    pub off: u64,
    /// Files to be read.
    pub to_read: u64,
    /// Files among the nodes that are not done.
    pub files_open: u64,
    /// Whether nothing is left to do.
    pub settled: bool,
    /// When the last change was seen (milliseconds since 1970).
    pub last_change_ms: Option<u64>,
    /// Directories that could not be listed, and why (the first ten).
    pub problems: Vec<String>,
    /// What it used of the model since the engine began.
    pub used: Usage,
}

/// The use of the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PacingStatus {
    /// What was used.
    pub counters: Counters,
    /// Requests under way.
    pub in_flight: usize,
    /// Requests in batches.
    pub batched: usize,
    /// At most, now.
    pub width: usize,
    /// What a file's request takes, and a directory's, in milliseconds: moving means.
    pub means_ms: (u64, u64),
    /// What keeps it from asking, where something does.
    pub trouble: Option<String>,
    /// Until when no request is sent (Unix milliseconds).
    pub paused_until_ms: Option<u64>,
    /// Whether that needs a person.
    pub stopped: bool,
    /// What bounds a day.
    pub budget: Budget,
    /// What was used on this day, over restarts.
    pub today: DayUse,
    /// Which bound is reached, by its key in the configuration.
    pub spent: Option<&'static str>,
    /// When the next day begins (milliseconds since 1970).
    pub next_day_ms: u64,
}

impl Engine {
    /// What a repository is doing.
    pub fn repository_status(&self, repo: RepoId) -> Option<RepositoryStatus> {
        let repository = self.repositories.get(&repo)?;
        let tree = &repository.tree;
        let mut status = RepositoryStatus {
            scanning: repository.look != ScanState::Idle || !repository.known,
            unreachable: repository.unreachable,
            last_change_ms: repository.last_change_ms,
            settled: repository.is_settled(),
            used: repository.used,
            ..RepositoryStatus::default()
        };
        let in_doubt = tree
            .root()
            .directory()
            .is_some_and(|root| root.suspect_below > 0);
        for (id, node) in tree.walk(super::tree::ROOT) {
            if let Some(problem) = node
                .directory()
                .and_then(|directory| directory.problem.as_ref())
                && status.problems.len() < 10
            {
                status.problems.push(if id == ROOT {
                    format!("the folder itself {problem}")
                } else {
                    format!("{}: {problem}", tree.path(id))
                });
            }
            if !node.is_visible() {
                continue;
            }
            match node.directory() {
                Some(_) => status.directories += 1,
                None => {
                    status.files += 1;
                    status.to_read +=
                        u64::from(matches!(node.phase, Phase::Open | Phase::Reading { .. }));
                }
            }
            let suspect = repository.unreachable || in_doubt;
            let count = match freshness_in(node, suspect) {
                Freshness::Fresh => &mut status.fresh,
                Freshness::Stale => &mut status.stale,
                Freshness::Pending => &mut status.pending,
                Freshness::Failed => &mut status.failed,
                Freshness::Off => &mut status.off,
            };
            *count += 1;
            status.files_open += u64::from(node.directory().is_none() && !node.is_settled());
        }
        Some(status)
    }

    /// The use of the model.
    pub fn pace_status(&self) -> PacingStatus {
        let stopped = self.pace.stopped().map(Failure::to_line);
        let spent = self.pace.spent_bound(self.now.day());
        let budget = spent.map(|key| {
            format!(
                "the day's budget is spent: nothing more is asked until 00:00 UTC (see {key} in [budget] of the \
                 configuration)"
            )
        });
        PacingStatus {
            counters: self.pace.counters,
            in_flight: self.pace.in_flight(),
            batched: self.pace.batched(),
            width: self.pace.width(),
            means_ms: self.pace.means_ms(),
            paused_until_ms: self.pace.paused_until_unix_ms(self.now),
            stopped: stopped.is_some(),
            budget: self.pace.budget(),
            today: self.pace.used_on(self.now.day()),
            spent,
            next_day_ms: self.now.unix_ms + self.now.ms_to_next_day(),
            trouble: stopped
                .or(budget)
                .or_else(|| self.pace.trouble().map(str::to_owned)),
        }
    }
}
