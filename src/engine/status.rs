//! Counts and progress for the status.

use crate::model::failure::Failure;
use crate::model::path::{RelPath, RepoId};
use crate::model::usage::Usage;

use super::Engine;
use super::confirmation::Confirmation;
use super::pacing::{Budget, Counters, DayUse};
use super::repository::ScanState;

/// How many of the hottest files a status names.
const HOTTEST: usize = 5;
/// The number of directories with problems in a status.
const PROBLEMS: usize = 10;

/// The state of a repository, and the numbers of nodes by state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RepositoryStatus {
    /// The requests of a first index that wait for confirmation.
    pub awaiting: Option<u64>,
    /// The files that were requested most often today, with the number of requests.
    pub hot: Vec<(RelPath, u64)>,
    /// A scan is in progress, or the first one is not finished.
    pub scanning: bool,
    /// The root does not exist.
    pub unreachable: bool,
    /// File nodes.
    pub files: u64,
    /// Directory nodes.
    pub directories: u64,
    /// Fresh nodes.
    pub fresh: u64,
    /// Stale nodes.
    pub stale: u64,
    /// Pending nodes.
    pub pending: u64,
    /// Failed nodes.
    pub failed: u64,
    /// Nodes without summaries.
    pub off: u64,
    /// Files that have to be read.
    pub to_read: u64,
    /// Files that are not settled.
    pub files_open: u64,
    /// Nothing is left to do.
    pub settled: bool,
    /// When the last change was seen (milliseconds since 1970).
    pub last_change_ms: Option<u64>,
    /// The first directories that cannot be listed, and why.
    pub problems: Vec<String>,
    /// Its use of the model since the start.
    pub used: Usage,
}

/// The use of the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PacingStatus {
    /// The use since the start.
    pub counters: Counters,
    /// Requests in flight.
    pub in_flight: usize,
    /// Requests in batches.
    pub batched: usize,
    /// The concurrency limit.
    pub concurrency_limit: usize,
    /// Moving means of the duration of a file's and a directory's request, in milliseconds.
    pub means_ms: (u64, u64),
    /// For each limit a minute: the requests that are free now, and the milliseconds of each further one.
    pub paces: [(f64, f64); 2],
    /// Why requests are paused, if they are.
    pub trouble: Option<String>,
    /// Until when no request is sent (Unix milliseconds).
    pub paused_until_ms: Option<u64>,
    /// Whether that needs a person's action.
    pub stopped: bool,
    /// The budget of a day.
    pub budget: Budget,
    /// The use today, including earlier runs.
    pub today: DayUse,
    /// The configuration key of the limit that is reached.
    pub spent: Option<&'static str>,
    /// When the next day begins (milliseconds since 1970).
    pub next_day_ms: u64,
}

impl Engine {
    /// The state of a repository.
    pub fn repository_status(&self, repo: RepoId) -> Option<RepositoryStatus> {
        let repository = self.repositories.get(&repo)?;
        let tree = &repository.tree;
        let counts = tree.counts();
        let root = tree.root().directory();
        let suspect = repository.unreachable || root.is_some_and(|root| root.suspect_below > 0);
        // Without a trustworthy root, nothing is fresh.
        let (fresh, stale) = match suspect {
            true => (0, counts.stale + counts.fresh),
            false => (counts.fresh, counts.stale),
        };
        let problem = |(path, problem): (RelPath, &str)| match path.is_root() {
            true => format!("the folder itself {problem}"),
            false => format!("{path}: {problem}"),
        };
        let problems = tree.problems().into_iter().take(PROBLEMS);
        Some(RepositoryStatus {
            scanning: repository.scan != ScanState::Idle || !repository.known,
            unreachable: repository.unreachable,
            files: counts.files,
            directories: counts.directories,
            fresh,
            stale,
            pending: counts.pending,
            failed: counts.failed,
            off: counts.off,
            to_read: counts.to_read,
            files_open: counts.files_open,
            settled: repository.is_settled(),
            last_change_ms: repository.last_change_ms,
            problems: problems.map(problem).collect(),
            used: repository.used,
            awaiting: match repository.confirmation {
                Confirmation::Awaiting(requests) => Some(requests),
                _ => None,
            },
            hot: repository
                .heat
                .hottest(self.now.day(), HOTTEST)
                .into_iter()
                .map(|(id, requests)| (tree.path(id), requests))
                .collect(),
        })
    }

    /// The use of the model.
    pub fn pace_status(&self) -> PacingStatus {
        let stopped = self.pacing.stopped().map(Failure::to_line);
        let spent = self.pacing.spent_bound(self.now.day());
        let budget = spent.map(|key| {
            format!(
                "the day's budget is spent: no requests until 00:00 UTC; to go on now, raise [budget] {key} in the \
                 configuration (0: no limit) and run `epitome restart`"
            )
        });
        PacingStatus {
            counters: self.pacing.counters,
            in_flight: self.pacing.in_flight(),
            batched: self.pacing.batched(),
            concurrency_limit: self.pacing.concurrency_limit(),
            means_ms: self.pacing.means_ms(),
            paces: self.pacing.paces(self.now.monotonic_ms),
            paused_until_ms: self.pacing.paused_until_unix_ms(self.now),
            stopped: stopped.is_some(),
            budget: self.pacing.budget(),
            today: self.pacing.used_on(self.now.day()),
            spent,
            next_day_ms: self.now.unix_ms + self.now.ms_to_next_day(),
            trouble: stopped
                .or(budget)
                .or_else(|| self.pacing.trouble().map(str::to_owned)),
        }
    }
}
