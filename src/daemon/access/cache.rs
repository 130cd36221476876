//! The store's housekeeping: what it holds, what may go, whether it is whole. What the loop's nodes use is asked of the
//! loop, so that nothing is removed that a client is about to be shown.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::oneshot;

use crate::config::places::Places;
use crate::config::{Config, Provider};
use crate::engine::uses::References;
use crate::model::contents::Contents;
use crate::model::time::DAY_MS;
use crate::shell::store::{InUse, Limits, StoreError, Users};
use crate::wire::access::Access;
use crate::wire::cache::{CacheStatistics, CollectRequest, Collected, Verified};
use crate::wire::protocol::{PROBLEM_INTERNAL, Problem};

use crate::daemon::access::{self, Handle, blocking, canonical_as_far_as_possible};
use crate::daemon::contents::outline_key;
use crate::daemon::context::Mode;
use crate::daemon::mailbox::{Input, Query};

/// After the start there is more urgent work than this.
const FIRST: Duration = Duration::from_secs(600);
/// Between two rounds.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// The store alone, for a process that watches nothing. It asks no model.
///
/// # Errors
/// Where the store cannot be opened, or another process holds it.
pub async fn open_cache(config: &Config, places: &Places) -> anyhow::Result<Handle> {
    let mut config = config.clone();
    config.summaries.provider = Provider::Offline;
    access::start_once(&config, places, Mode::Local).await
}

/// Once a day, and when the store has grown to twice what is live: removes what the configuration allows, and gives
/// unused space back.
pub(in crate::daemon) async fn tend(handle: Handle) {
    let mut pause = FIRST;
    loop {
        let _ = tokio::time::timeout(pause, handle.context.overgrown.notified()).await;
        pause = EVERY;
        match handle.collect(CollectRequest::default()).await {
            Ok(collected) => tracing::info!(
                "{} summaries and {} outlines that were not used are removed; the store takes {} bytes",
                collected.summaries,
                collected.outlines,
                collected.bytes_after
            ),
            Err(problem) => tracing::warn!("cannot collect what is unused in the store: {problem}"),
        }
    }
}

pub(super) async fn statistics(handle: &Handle) -> Result<CacheStatistics, Problem> {
    let handle = handle.clone();
    let totals = blocking(move || {
        let watched = handle.watched_roots();
        handle.context.store.totals(users(&watched))
    })
    .await?
    .map_err(problem)?;
    Ok(CacheStatistics {
        summaries: totals.summaries,
        used: totals.used,
        paid: totals.paid,
        free: totals.summaries.saturating_sub(totals.paid),
        outlines: totals.outlines,
        records: totals.records,
        unwatched: totals.unwatched,
        journal_bytes: totals.journal_bytes,
        cache_bytes: totals.cache_bytes,
        live_bytes: totals.live_bytes,
        oldest: totals.oldest_day.map(date),
    })
}

pub(super) async fn collect(
    handle: &Handle,
    request: CollectRequest,
) -> Result<Collected, Problem> {
    let handle = handle.clone();
    let configured = &handle.context.config.store;
    let limits = Limits {
        max_age_days: request
            .max_age_days
            .or(some_unless_zero(configured.max_age_days)),
        max_bytes: request.max_bytes.or(some_unless_zero(configured.max_bytes)),
    };
    let collected = blocking(move || {
        let watched = handle.watched_roots();
        let in_use = || handle.in_use(&watched);
        handle
            .context
            .store
            .collect(limits, users(&watched), in_use)
    })
    .await?
    .map_err(problem)?;
    Ok(Collected {
        summaries: collected.summaries,
        outlines: collected.outlines,
        records: collected.records,
        bytes_before: collected.bytes_before,
        bytes_after: collected.bytes_after,
        withheld: collected.withheld,
    })
}

pub(super) async fn verify(handle: &Handle) -> Result<Verified, Problem> {
    let handle = handle.clone();
    let found = blocking(move || handle.context.store.verify())
        .await?
        .map_err(problem)?;
    Ok(Verified {
        sound: found.damaged.is_empty() && found.lost == 0,
        summaries: found.summaries,
        outlines: found.outlines,
        records: found.records,
        damaged: found.damaged,
        restored: found.restored,
        lost: found.lost,
    })
}

impl Handle {
    /// The roots of all that is watched, here or, as far as it is known, by a daemon with this store.
    fn watched_roots(&self) -> Vec<PathBuf> {
        let mut roots: Vec<PathBuf> = self
            .context
            .registry
            .all()
            .into_iter()
            .map(|one| one.root)
            .collect();
        let kept = self.context.store.repositories().unwrap_or_default();
        for path in self.context.config.repos.iter().chain(&kept) {
            roots.push(canonical_as_far_as_possible(path));
        }
        roots.sort();
        roots.dedup();
        roots
    }

    /// What the loop's nodes use; `None` where the loop has ended.
    fn in_use(&self, watched: &[PathBuf]) -> Option<InUse> {
        let (reply, answer) = oneshot::channel();
        self.inputs
            .send_blocking(Input::Query(Query::References { reply }));
        let References {
            summaries,
            contents,
            settled,
        } = answer.blocking_recv().ok()?;
        let settled: HashSet<PathBuf> = settled
            .into_iter()
            .filter_map(|repo| Some(self.context.registry.get(repo)?.root))
            .collect();
        Some(InUse {
            summaries,
            outlines: contents
                .into_iter()
                .map(|(language, digest)| outline_key(language, digest))
                .collect(),
            complete: watched.iter().all(|root| settled.contains(root)),
        })
    }
}

fn users(watched: &[PathBuf]) -> Users<'_> {
    Users {
        watched,
        outline_key: &|contents: &Contents| outline_key(contents.language, contents.digest),
    }
}

fn some_unless_zero(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}

/// `2025-01-31`, of a day's number since 1970.
fn date(day: u32) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(u64::from(day) * DAY_MS);
    let text = humantime::format_rfc3339_seconds(at).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

pub(super) fn problem(error: StoreError) -> Problem {
    Problem::new(PROBLEM_INTERNAL, format!("{error}: {}", error.hint()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_as_people_write_it() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(20_088), "2024-12-31");
    }
}
