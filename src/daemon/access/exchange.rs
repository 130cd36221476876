//! `epitome cache push`, `pull` and `gc --shared`: moves what is missing between this store and the team's, either way.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::daemon::access::cache::problem;
use crate::daemon::access::{Handle, blocking};
use crate::daemon::context::shared::Shared;
use crate::daemon::context::today;
use crate::model::summary::SummaryKey;
use crate::shell::store::day_of;
use crate::wire::protocol::{PROBLEM_BAD_REQUEST, PROBLEM_INTERNAL, Problem};
use crate::wire::shared::{Exchange, ExchangeRequest, Exchanged};

/// Summaries that are moved at once.
const PIECE: usize = 512;

pub(super) async fn exchange(
    handle: &Handle,
    request: ExchangeRequest,
) -> Result<Exchanged, Problem> {
    let shared = handle.context.shared.clone().ok_or_else(|| {
        let why = handle.context.notes.about("shared");
        let unset =
            "no shared store is configured: set [shared] url, or EPITOME_SHARED_URL".to_owned();
        Problem::new(PROBLEM_BAD_REQUEST, why.first().cloned().unwrap_or(unset))
    })?;
    let writable = shared.client.options().writable;
    if request.action != Exchange::Pull && !writable && !request.dry_run {
        let text = "the shared store is only read here: set [shared] mode = \"read-write\"";
        return Err(Problem::new(PROBLEM_BAD_REQUEST, text));
    }
    let listed = shared
        .client
        .list()
        .await
        .map_err(|trouble| failed(&shared, &trouble.to_string()))?;
    let there: HashMap<SummaryKey, Option<u32>> = listed.into_iter().collect();
    let here = paid(handle, &shared).await?;
    let mut exchanged = Exchanged {
        url: shared.client.options().location.to_string(),
        here: here.len() as u64,
        there: there.len() as u64,
        ..Exchanged::default()
    };
    let mut chosen: Vec<SummaryKey> = match request.action {
        Exchange::Push => here
            .into_iter()
            .filter(|key| !there.contains_key(key))
            .collect(),
        Exchange::Pull => {
            let store = Arc::clone(&handle.context.store);
            let keys: Vec<SummaryKey> = there.into_keys().collect();
            let missing = move |key: &SummaryKey| store.summary(*key).ok().flatten().is_none();
            blocking(move || keys.into_iter().filter(missing).collect()).await?
        }
        Exchange::Gc => old(&shared, there, request.max_age_days).await?,
    };
    chosen.sort_unstable();
    exchanged.chosen = chosen.len() as u64;
    if let (Exchange::Gc, Some(days)) = (request.action, request.max_age_days) {
        let before_day = today().saturating_sub(days);
        exchanged.packs = shared
            .client
            .remove_packs(before_day, request.dry_run)
            .await;
    }
    if request.dry_run {
        return Ok(exchanged);
    }
    let rejected = shared.counts.rejected.load(Ordering::Relaxed);
    for keys in chosen.chunks(PIECE) {
        exchanged.done += match request.action {
            Exchange::Push => push(handle, &shared, keys.to_vec()).await?,
            Exchange::Pull => pull(handle, &shared, keys).await?,
            Exchange::Gc => shared.client.remove(keys).await,
        };
        let (reads, writes) = shared.client.errors();
        let error = if request.action == Exchange::Pull {
            reads
        } else {
            writes
        };
        if let Some(error) = error {
            return Err(failed(&shared, &error));
        }
    }
    shared.client.finish_packs().await;
    exchanged.rejected = shared.counts.rejected.load(Ordering::Relaxed) - rejected;
    Ok(exchanged)
}

/// The keys of all summaries of the configured model that were paid for.
async fn paid(handle: &Handle, shared: &Arc<Shared>) -> Result<Vec<SummaryKey>, Problem> {
    let (store, shared) = (Arc::clone(&handle.context.store), Arc::clone(shared));
    let read = blocking(move || {
        let mut keys = Vec::new();
        let read = store.each_paid(|key, summary| {
            if shared.encode(key, &summary).is_some() {
                keys.push(key);
            }
        });
        read.map(|()| keys)
    });
    read.await?.map_err(problem)
}

async fn push(
    handle: &Handle,
    shared: &Arc<Shared>,
    keys: Vec<SummaryKey>,
) -> Result<u64, Problem> {
    let (store, sharing) = (Arc::clone(&handle.context.store), Arc::clone(shared));
    let values = blocking(move || {
        let value = |key| sharing.encode(key, &store.summary(key).ok()??);
        keys.into_iter()
            .filter_map(|key| Some((key, value(key)?)))
            .collect::<Vec<_>>()
    });
    let (written, trouble) = shared.client.put(values.await?, false).await;
    if let Some(trouble) = trouble {
        tracing::warn!("the shared store refuses a value: {trouble}");
    }
    let many = written.len() as u64;
    let store = Arc::clone(&handle.context.store);
    blocking(move || store.note_shared(&written)).await?;
    Ok(many)
}

async fn pull(handle: &Handle, shared: &Arc<Shared>, keys: &[SummaryKey]) -> Result<u64, Problem> {
    let mut values = shared.client.get(keys, false).await;
    values.retain(|(_, value)| value.is_some());
    let found: HashSet<SummaryKey> = values.iter().map(|(key, _)| *key).collect();
    let rest: Vec<SummaryKey> = keys
        .iter()
        .copied()
        .filter(|key| !found.contains(key))
        .collect();
    values.extend(shared.client.get(&rest, true).await);
    let (store, sharing) = (Arc::clone(&handle.context.store), Arc::clone(shared));
    let stored = blocking(move || {
        let values = values
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let decoded = values.filter_map(|(key, value)| Some((key, sharing.decode(key, &value)?.0)));
        let summaries: Vec<_> = decoded.collect();
        store.put_paid(&summaries)?;
        if sharing.client.options().writable {
            // They are there already: a start after a kill must not write them again.
            store.note_unshared(&[]);
        }
        Ok(summaries.len() as u64)
    });
    stored.await?.map_err(problem)
}

/// The keys of values that were written more than `max_age_days` ago. Where the service does not know when, the values
/// say so.
async fn old(
    shared: &Shared,
    there: HashMap<SummaryKey, Option<u32>>,
    max_age_days: Option<u64>,
) -> Result<Vec<SummaryKey>, Problem> {
    let Some(most) = max_age_days else {
        return Err(Problem::new(
            PROBLEM_BAD_REQUEST,
            "max_age_days is missing: values used lately are written anew each month, so 90 is safe",
        ));
    };
    let today = today();
    let is_old = |day: u32| today.saturating_sub(u64::from(day)) > most;
    let (dated, undated): (Vec<_>, Vec<_>) = there.into_iter().partition(|(_, day)| day.is_some());
    let mut old: Vec<SummaryKey> = dated
        .into_iter()
        .filter(|(_, day)| day.is_some_and(is_old))
        .map(|(key, _)| key)
        .collect();
    let undated: Vec<SummaryKey> = undated.into_iter().map(|(key, _)| key).collect();
    for keys in undated.chunks(PIECE) {
        for (key, value) in shared.client.get(keys, true).await {
            // What is no value of this format is as old as can be.
            if value.is_some_and(|value| is_old(day_of(&value).unwrap_or(0))) {
                old.push(key);
            }
        }
    }
    Ok(old)
}

fn failed(shared: &Shared, error: &str) -> Problem {
    let url = &shared.client.options().location;
    Problem::new(PROBLEM_INTERNAL, format!("{url}: {error}"))
}
