//! Many keys of object storage with few requests: packs, and listings that say what is missing.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use tokio::time::{sleep, timeout};

use super::objects::{Listed, Objects};
use super::packs::{self, Bulk, DIRECTORY_BYTES, MAX_PACK_BYTES};
use super::{Client, Found, MISSING, PARALLEL, Service, Trouble, key_of};
use crate::model::summary::SummaryKey;

/// How long a look-up waits for packs and listings; what they brought until then counts.
const PATIENCE: Duration = Duration::from_secs(5);
/// Names in one page of a listing.
const PAGE: usize = 1_000;

impl Client {
    /// Adds what packs and listings say about keys, if so many are looked up that it is worth while; returns the others.
    pub(super) async fn get_in_bulk(
        &self,
        objects: &Objects,
        wanted: Vec<SummaryKey>,
        found: &mut Vec<Found>,
    ) -> Vec<SummaryKey> {
        let mut bulk = self.bulk.lock().await;
        let now = Instant::now();
        if !bulk.counts(now, wanted.len()) {
            return wanted;
        }
        if !bulk.is_listed {
            let max_packs = bulk.max_packs();
            let packs = self.attempt(&self.reads, list_packs(objects, max_packs));
            let Some(packs) = packs.await else {
                return wanted;
            };
            bulk.is_listed = true;
            self.forget_later();
            let directories = read_directories(objects, packs, &mut bulk);
            let _ = timeout(PATIENCE, directories).await;
        }
        let _ = timeout(PATIENCE, prefetch(objects, &wanted, &mut bulk)).await;
        let mut rest = Vec::new();
        for key in wanted {
            match bulk.take(key) {
                Some(value) => found.push((key, Some(value))),
                None => rest.push(key),
            }
        }
        let _ = timeout(PATIENCE, list_names(objects, !rest.is_empty(), &mut bulk)).await;
        let (absent, rest): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|key| bulk.is_absent(*key));
        let absent: Vec<Found> = absent.into_iter().map(|key| (key, None)).collect();
        self.note_missing(&absent, now);
        found.extend(absent);
        rest
    }

    /// A listing counts as long as a key that was missing.
    fn forget_later(&self) {
        let bulk = Arc::downgrade(&self.bulk);
        tokio::spawn(async move {
            sleep(MISSING).await;
            if let Some(bulk) = bulk.upgrade() {
                *bulk.lock().await = Bulk::default();
            }
        });
    }

    /// Values were written that are in no pack yet.
    pub(super) fn note_unpacked(&self, values: Vec<Value>, written: &[SummaryKey]) {
        let written: HashSet<&SummaryKey> = written.iter().collect();
        let values = values.into_iter().filter(|(key, _)| written.contains(key));
        self.unpacked().extend(values);
    }

    /// Writes packs of the values that are in none yet, as long as there are at least so many.
    pub(super) async fn write_packs(&self, least: usize) {
        let Service::Objects(objects) = &self.service else {
            return;
        };
        loop {
            let values: Vec<Value> = {
                let mut unpacked = self.unpacked();
                if unpacked.len() < least {
                    return;
                }
                let many = unpacked.len().min(packs::PACKED);
                unpacked.drain(..many).collect()
            };
            let (name, bytes) = packs::pack(&values);
            let path = format!("{}{name}", objects.packs());
            // A pack that is not written is missed by none: its values are stored.
            self.patiently(objects.write(&path, bytes)).await;
        }
    }

    /// Writes the last pack, before the process ends.
    pub async fn finish_packs(&self) {
        self.write_packs(packs::SMALLEST).await;
    }

    /// Removes packs that were written before a day; returns how many there are. `dry`: only counts.
    pub async fn remove_packs(&self, before_day: u64, dry: bool) -> u64 {
        let Service::Objects(objects) = &self.service else {
            return 0;
        };
        let mut old = Vec::new();
        let each = |listed: Listed| {
            if listed.day.is_some_and(|day| u64::from(day) < before_day) && is_pack(&listed) {
                old.push(listed.path);
            }
            true
        };
        let _ = objects.list(&objects.packs(), each).await;
        for path in old.iter().filter(|_| !dry) {
            self.patiently(objects.remove(path)).await;
        }
        old.len() as u64
    }

    fn unpacked(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.unpacked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Value = (SummaryKey, Vec<u8>);

/// The newest packs.
async fn list_packs(objects: &Objects, most: usize) -> Result<Vec<Listed>, Trouble> {
    let mut packs = Vec::new();
    let each = |listed: Listed| {
        if is_pack(&listed) {
            packs.push(listed);
        }
        true
    };
    match objects.list(&objects.packs(), each).await {
        Err(trouble) if !trouble.is_denied() => return Err(trouble),
        _ => {}
    }
    packs.sort_by_key(|pack| std::cmp::Reverse(pack.day));
    packs.truncate(most);
    Ok(packs)
}

fn is_pack(listed: &Listed) -> bool {
    let name = listed.path.rsplit('/').next().unwrap_or_default();
    name.len() == 32 && listed.bytes <= MAX_PACK_BYTES as u64
}

async fn read_directories(objects: &Objects, packs: Vec<Listed>, bulk: &mut Bulk) {
    let each = packs.into_iter().map(|pack| async move {
        // Of a pack whose length is not known, everything is read.
        let range = (pack.bytes > 0).then(|| 0..DIRECTORY_BYTES.min(pack.bytes));
        let bytes = objects.read(&pack.path, range, DIRECTORY_BYTES as usize);
        (pack.path.clone(), bytes.await)
    });
    let mut directories = stream::iter(each).buffer_unordered(PARALLEL);
    while let Some((path, bytes)) = directories.next().await {
        if let Ok(Some(bytes)) = bytes {
            let keys = packs::directory(&bytes).into_iter();
            bulk.found_pack(path, keys.map(|(key, _)| key).collect());
        }
    }
}

/// Fetches the packs that have some of the keys.
async fn prefetch(objects: &Objects, wanted: &[SummaryKey], bulk: &mut Bulk) {
    let packs = bulk.worthwhile(wanted).into_iter();
    let each = packs.map(|path| async move { objects.read(&path, None, MAX_PACK_BYTES).await });
    let mut packs = stream::iter(each).buffer_unordered(PARALLEL / 4);
    while let Some(bytes) = packs.next().await {
        if let Ok(Some(bytes)) = bytes {
            bulk.fetched(&bytes);
        }
    }
}

/// Lists all keys, where that takes fewer round trips than the look-ups of late.
async fn list_names(objects: &Objects, needed: bool, bulk: &mut Bulk) {
    if !needed || bulk.names.is_some() || bulk.too_many_names || !objects.lists_all() {
        return;
    }
    let most = PAGE * bulk.recent().div_ceil(PARALLEL).max(2);
    let mut names = HashSet::new();
    let mut seen = 0;
    let each = |listed: Listed| {
        seen += 1;
        names.extend(key_of(&listed.path));
        seen < most
    };
    let listed = objects.list(&objects.root(), each).await;
    let is_whole = listed.is_ok() && seen < most;
    bulk.too_many_names = !is_whole;
    bulk.names = is_whole.then_some(names);
}
