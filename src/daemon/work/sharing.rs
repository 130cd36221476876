//! The team's store at work: look-ups and claims before a request, and writes behind the local commit.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::daemon::context::shared::{RENEWED_AFTER_DAYS, Shared};
use crate::daemon::context::{Context, Mode};
use crate::daemon::work::storing::until_written;
use crate::engine::event::Event;
use crate::model::shared::Claim;
use crate::model::summary::{Summary, SummaryDigest, SummaryKey};
use crate::shell::shared::{Claimed, Found};
use crate::shell::store::Store;

/// Summaries that are written at once.
const ROUND: usize = 256;
/// The shortest pause after a round that wrote nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the end of the process waits for writes: of an index, whose store may vanish with its machine, and of a
/// daemon, which writes the rest after its next start.
const LAST_WRITES: Duration = Duration::from_secs(30);
const LAST_WRITES_OF_DAEMON: Duration = Duration::from_secs(3);

/// How long the last pack may take after that.
const LAST_PACK: Duration = Duration::from_secs(3);

/// Looks keys up and stores what is found.
pub async fn look_up(context: &Arc<Context>, keys: Vec<SummaryKey>, again: bool) -> Event {
    let mut all: Vec<_> = keys.iter().map(|&key| (key, None)).collect();
    let Some(shared) = &context.shared else {
        return Event::LookedUpShared(all);
    };
    let values = shared.client.get(&keys, again).await;
    let accepted = accept(context, shared, values).await;
    if !again {
        let looked_up = &shared.counts.looked_up;
        looked_up.fetch_add(keys.len() as u64, Ordering::Relaxed);
    }
    for (key, digest) in &mut all {
        *digest = accepted
            .iter()
            .find(|(found, _)| found == key)
            .map(|(_, digest)| *digest);
    }
    Event::LookedUpShared(all)
}

/// Looks one key up; whether it is stored here now.
pub async fn fetch(context: &Arc<Context>, key: SummaryKey) -> bool {
    match look_up(context, vec![key], false).await {
        Event::LookedUpShared(found) => found.iter().any(|(_, digest)| digest.is_some()),
        _ => false,
    }
}

/// Claims keys, and stores what is found meanwhile.
pub async fn claim(context: &Arc<Context>, keys: Vec<SummaryKey>, batch: bool) -> Event {
    let granted = |key: SummaryKey| (key, Claim::Granted);
    let Some(shared) = &context.shared else {
        return Event::Claimed(keys.into_iter().map(granted).collect());
    };
    let mut claims = Vec::with_capacity(keys.len());
    let mut values = Vec::new();
    for (key, outcome) in shared.client.claim(&keys, shared.lease(batch)).await {
        match outcome {
            Claimed::Granted => claims.push(granted(key)),
            Claimed::Held(left) => claims.push((
                key,
                Claim::Held {
                    left_ms: left.as_millis() as u64,
                },
            )),
            Claimed::Found(value) => values.push((key, Some(value))),
        }
    }
    let wanted: Vec<SummaryKey> = values.iter().map(|(key, _)| *key).collect();
    let accepted = accept(context, shared, values).await;
    claims.extend(wanted.into_iter().map(|key| {
        let found = accepted.iter().find(|(found, _)| *found == key);
        // A value that is not accepted is replaced by the response.
        (
            key,
            found.map_or(Claim::Granted, |(_, digest)| Claim::Found(*digest)),
        )
    }));
    Event::Claimed(claims)
}

/// Checks values, and stores those that are accepted before anything shows them.
async fn accept(
    context: &Arc<Context>,
    shared: &Arc<Shared>,
    values: Vec<Found>,
) -> Vec<(SummaryKey, SummaryDigest)> {
    if values.iter().all(|(_, value)| value.is_none()) {
        return Vec::new();
    }
    let (context, shared) = (Arc::clone(context), Arc::clone(shared));
    let work = tokio::task::spawn_blocking(move || {
        let values = values
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let decoded = values.filter_map(|(key, value)| Some((key, shared.decode(key, &value)?)));
        let mut aging = Vec::new();
        let mut accepted: Vec<(SummaryKey, Summary)> = Vec::new();
        for (key, (summary, age)) in decoded {
            if age > RENEWED_AFTER_DAYS {
                aging.push(key);
            }
            accepted.push((key, summary));
        }
        let found = &shared.counts.found;
        found.fetch_add(accepted.len() as u64, Ordering::Relaxed);
        if context.mode.keeps() && !accepted.is_empty() {
            let store = &context.store;
            until_written(&context.notes, || store.put_paid(&accepted));
            note_unshared(&context.store, &shared, &aging);
        }
        let digests = accepted
            .iter()
            .map(|(key, summary)| (*key, summary.digest()));
        digests.collect()
    });
    work.await.unwrap_or_default()
}

/// Summaries that are stored here are to be written there.
pub fn note_unshared(store: &Store, shared: &Shared, keys: &[SummaryKey]) {
    if !shared.client.options().writable {
        return;
    }
    store.note_unshared(keys);
    if keys.is_empty() {
        return;
    }
    let waiting = &shared.counts.waiting;
    waiting.fetch_add(keys.len() as u64, Ordering::Relaxed);
    shared.wake.notify_one();
}

/// Starts the task that writes what waits. It ends with the context.
pub fn start(context: &Arc<Context>) {
    let Some(shared) = context.shared.clone() else {
        return;
    };
    if shared.client.options().writable {
        context.store.recover_unshared();
        let waiting = context.store.unshared(usize::MAX).len() as u64;
        shared.counts.waiting.store(waiting, Ordering::Relaxed);
        tokio::spawn(write_behind(Arc::downgrade(context), shared));
    }
}

async fn write_behind(context: Weak<Context>, shared: Arc<Shared>) {
    loop {
        let Some(context) = context.upgrade() else {
            return;
        };
        let outcome = write_some(context, &shared).await;
        shared.written.notify_waiters();
        match outcome {
            Round::Nothing => shared.wake.notified().await,
            Round::Wrote => {}
            Round::Failed => sleep(shared.client.write_pause().max(PAUSE)).await,
        }
    }
}

/// What a round of writes came to.
enum Round {
    Nothing,
    Wrote,
    Failed,
}

async fn write_some(context: Arc<Context>, shared: &Arc<Shared>) -> Round {
    let (reader, sharing) = (Arc::clone(&context), Arc::clone(shared));
    let read = tokio::task::spawn_blocking(move || {
        let keys = next(&reader.store, &sharing, ROUND);
        let (mut values, mut unfit) = (Vec::new(), Vec::new());
        for key in keys {
            let summary = reader.store.summary(key).ok().flatten();
            match summary.and_then(|summary| sharing.encode(key, &summary)) {
                Some(value) => values.push((key, value)),
                None => unfit.push(key),
            }
        }
        reader.store.note_shared(&unfit);
        (values, unfit.len())
    });
    let Ok((values, unfit)) = read.await else {
        return Round::Failed;
    };
    if values.is_empty() && unfit == 0 {
        return Round::Nothing;
    }
    let keys: Vec<SummaryKey> = values.iter().map(|(key, _)| *key).collect();
    let (written, trouble) = shared.client.put(values, true).await;
    if let Some(why) = trouble.filter(|_| !written.is_empty()) {
        let stored: HashSet<SummaryKey> = written.iter().copied().collect();
        let refused = keys.into_iter().filter(|key| !stored.contains(key));
        shared.note_refused(refused, &why);
    }
    shared.note_stored(&written);
    let many = written.len();
    let done = tokio::task::spawn_blocking(move || context.store.note_shared(&written)).await;
    shared
        .counts
        .published
        .fetch_add(many as u64, Ordering::Relaxed);
    let less = |waiting: u64| Some(waiting.saturating_sub((many + unfit) as u64));
    let _ = shared
        .counts
        .waiting
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    match done.is_err() || many + unfit == 0 {
        true => Round::Failed,
        false => Round::Wrote,
    }
}

/// The next summaries to write, without those that the store refuses.
fn next(store: &Store, shared: &Shared, most: usize) -> Vec<SummaryKey> {
    let refused = shared.refused();
    let mut keys = store.unshared(most + refused.len());
    keys.retain(|key| !refused.contains(key));
    keys.truncate(most);
    keys
}

/// Waits a while until everything is written, unless the store does not respond.
pub async fn drain(context: &Arc<Context>) {
    let Some(shared) = context
        .shared
        .as_ref()
        .filter(|shared| shared.client.options().writable)
    else {
        return;
    };
    let patience = match context.mode {
        Mode::Daemon => LAST_WRITES_OF_DAEMON,
        _ => LAST_WRITES,
    };
    let until = Instant::now() + patience;
    let mut failed_at = None;
    loop {
        let written = shared.written.notified();
        let (reader, sharing) = (Arc::clone(context), Arc::clone(shared));
        let waiting = tokio::task::spawn_blocking(move || next(&reader.store, &sharing, 1)).await;
        let is_done = waiting.map_or(true, |keys| keys.is_empty());
        let (reads, writes) = shared.client.errors();
        let wrote = shared.counts.published.load(Ordering::Relaxed);
        // A round of nothing but values that the store refuses fails as a whole: after one that succeeded, the next decides.
        let failed = writes.is_some() && failed_at.replace(wrote) == Some(wrote);
        if failed || wrote == 0 && (reads.is_some() || writes.is_some()) {
            return;
        }
        if is_done || timeout_at(until, written).await.is_err() {
            break;
        }
    }
    let _ = timeout_at(until + LAST_PACK, shared.client.finish_packs()).await;
}
