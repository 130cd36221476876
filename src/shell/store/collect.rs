//! Removes what is not used, the longest unused first, and gives the space back.
//!
//! What can be made again for nothing goes after a month, and as soon as the pack has grown to twice what is live: no
//! setting is needed for a store that does not grow without limit. What a watched repository uses is never removed:
//! neither what its records name, nor what the caller says is in use and not recorded yet. A repository that is not
//! watched was indexed once: its records are one more thing to be removed, before the summaries that only it uses.

use std::collections::{BTreeMap, HashSet};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use super::cache::BATCH;
use super::journal::Entry;
use super::pack::Table;
use super::parts::PARTS;
use super::records;
use super::survey::{Survey, Users};
use super::{Store, StoreError, codec};
use crate::model::digest::Digest;
use crate::model::summary::SummaryKey;

/// The note that all records were written, between a polite end and the next start: they name all that watched
/// repositories use. After a kill the last of them may be missing, and a pack that was lost has none: then summaries
/// that were paid for may be in use though no record says so.
const WHOLE: &[u8] = b"whole";
/// The note of how many bytes of the pack's values were live when they were last counted.
const LIVE: &[u8] = b"live";
/// How long outlines and summaries that cost nothing are kept unused, in days, whatever the limits: a branch or an undo
/// finds them until then.
const FREE_DAYS: u64 = 30;
/// A sled database below this many bytes is not rebuilt.
const REBUILD_ABOVE: u64 = 4 << 20;
/// The same when space is wanted: sled takes as much for nothing.
const REBUILD_ABOVE_ASKED: u64 = 1 << 20;
/// A sled database is rebuilt when it takes this percentage of what lives in it.
const REBUILD_PERCENT: u64 = 400;
/// The same when space is wanted.
const REBUILD_PERCENT_ASKED: u64 = 125;
/// The pack may grow to twice its live values and this many bytes.
const PACK_SLACK: u64 = 1 << 20;
/// What a collection leaves of states that are gone: one byte for so many that are live.
const GONE_SHARE: u64 = 4;
/// How often a limit in bytes is approached: how much the files need around what they contain shows only afterwards.
const ROUNDS: usize = 3;

/// What may stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Summaries that were not in use for so many days are removed; `None`: none that was paid for is removed for its age.
    pub max_age_days: Option<u64>,
    /// While the store takes more bytes on disk, the longest unused values are removed; `None`: none for the size.
    pub max_bytes: Option<u64>,
}

/// What is in use and may not be recorded yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// Summaries.
    pub summaries: HashSet<SummaryKey>,
    /// Outlines.
    pub outlines: HashSet<Digest>,
    /// Whether this is all that any watched repository uses: none of them has work left.
    pub complete: bool,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Summaries.
    pub summaries: u64,
    /// Outlines of files.
    pub outlines: u64,
    /// Records of nodes of repositories that are not watched.
    pub records: u64,
    /// Bytes on disk before.
    pub bytes_before: u64,
    /// Bytes on disk now.
    pub bytes_after: u64,
    /// Summaries that were paid for and stay only because it is not known whether a watched repository uses them: the
    /// cache was lost, and not all of them have been summarized since.
    pub withheld: u64,
}

/// A value that may be removed. The order is the one in which they are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    day: u32,
    what: What,
    bytes: u64,
    /// Whether it can be made again for nothing.
    free: bool,
    /// Whether no record names it: the state that it describes is gone.
    gone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The records of a repository, and how many: before what it uses, on the same day.
    Repository([u8; 16], u64),
    Outline(Digest),
    Summary(SummaryKey),
}

impl Store {
    /// Removes what is unused and beyond the limits, and gives the space back. `in_use` is called once all candidates are
    /// chosen; whatever is read from then on stays.
    ///
    /// # Errors
    /// The store could not be read or written. What was removed before stays removed.
    pub fn collect(
        &self,
        limits: Limits,
        users: Users<'_>,
        in_use: impl FnOnce() -> Option<InUse>,
    ) -> Result<Collected, StoreError> {
        let _alone = self
            .collecting
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let survey = self.survey(users)?;
        let mut collected = Collected {
            bytes_before: self.bytes(),
            ..Collected::default()
        };
        let mut candidates = candidates(&survey, self.today());
        let chosen = candidates
            .iter()
            .filter_map(|candidate| match candidate.what {
                What::Summary(key) => Some(key),
                _ => None,
            });
        *self.condemned() = chosen.collect();
        let Some(mut in_use) = in_use() else {
            self.condemned().clear();
            return Err(StoreError::Damaged {
                what: "the values in use are not known, because the daemon ends".to_owned(),
            });
        };
        let parts = survey.parts.iter();
        let parts = parts.filter(|(whole, _)| in_use.summaries.contains(whole));
        let parts: Vec<SummaryKey> = parts.flat_map(|(_, parts)| parts).copied().collect();
        in_use.summaries.extend(parts);
        if in_use.complete {
            self.lost_before.store(self.pack.losses(), Relaxed);
            self.whole.store(true, Relaxed);
        }
        let whole = self.is_whole();
        candidates.retain(|candidate| match candidate.what {
            What::Repository(..) => true,
            What::Outline(key) => !in_use.outlines.contains(&key),
            What::Summary(key) => {
                let paid = survey.summaries.get(&key).is_some_and(|item| item.paid);
                let used = in_use.summaries.contains(&key);
                let withheld = paid && !whole && !used;
                collected.withheld += u64::from(withheld);
                !used && !withheld
            }
        });
        let done = self.remove_beyond(limits, &survey, candidates, &mut collected);
        self.condemned().clear();
        done?;
        collected.bytes_after = self.bytes();
        Ok(collected)
    }

    /// Whether the pack has grown so much that [`Self::collect`] is due.
    pub fn is_overgrown(&self) -> bool {
        self.pack.raw_bytes() > 2 * self.live_bytes.load(Relaxed) + PACK_SLACK
    }

    /// Whether it is known how much is live: not before the end of the first index.
    pub fn is_counted(&self) -> bool {
        self.live_bytes.load(Relaxed) > 0
    }

    /// The beginning: what is written from now on may be lost by a kill.
    pub(super) fn arrive(&self) -> Result<(), StoreError> {
        // Where nothing was paid for, no record of it can be missing.
        let whole = self.noted(WHOLE).unwrap_or(false) || self.journal.answers() == 0;
        self.lost_before.store(self.pack.losses(), Relaxed);
        self.whole.store(whole, Relaxed);
        self.live_bytes
            .store(self.noted(LIVE).unwrap_or(0), Relaxed);
        // A kill cut a removal short: the cache must not give back what was removed.
        let removed = self.journal.removed();
        if !removed.is_empty() {
            self.remove_from_cache(&removed)?;
            self.cache.flush()?;
            self.journal.shrink(true)?;
        }
        if self.noted(WHOLE) == Some(true) {
            self.note(WHOLE, &false);
            // It must not come back after a kill.
            self.pack.flush()?;
        }
        Ok(())
    }

    /// The polite end: everything is written, and nothing will be.
    ///
    /// # Errors
    /// It could not be written; then the next start knows less than it could.
    pub fn leave(&self) -> Result<(), StoreError> {
        if self.is_whole() {
            self.note(WHOLE, &true);
        }
        if !self.is_counted() {
            // All of a first index is live.
            self.note(LIVE, &self.pack.raw_bytes());
        }
        self.flush()
    }

    fn is_whole(&self) -> bool {
        self.whole.load(Relaxed) && self.lost_before.load(Relaxed) == self.pack.losses()
    }

    fn remove_beyond(
        &self,
        limits: Limits,
        survey: &Survey,
        mut candidates: Vec<Candidate>,
        collected: &mut Collected,
    ) -> Result<(), StoreError> {
        // The last one is removed first.
        candidates.sort_unstable_by(|one, other| other.cmp(one));
        let today = self.today();
        let too_old = |candidate: &Candidate| {
            let age = u64::from(today.saturating_sub(candidate.day));
            let beyond = |days: u64| age >= days;
            limits.max_age_days.is_some_and(beyond) || candidate.free && beyond(FREE_DAYS)
        };
        let mut live = survey.live_bytes();
        let mut pack_live = survey.pack_bytes;
        let mut gone: u64 = candidates.iter().map(Candidate::gone_bytes).sum();
        let allowed = (pack_live.saturating_sub(gone) / GONE_SHARE).max(PACK_SLACK);
        let mut target = limits.max_bytes;
        for _ in 0..ROUNDS {
            let mut going = Vec::new();
            let mut kept = Vec::new();
            while let Some(next) = candidates.pop() {
                let goes = too_old(&next)
                    || target.is_some_and(|target| live > target)
                    || next.gone_bytes() > 0 && gone > allowed;
                if goes {
                    live = live.saturating_sub(next.bytes);
                    gone = gone.saturating_sub(next.gone_bytes());
                    pack_live = pack_live.saturating_sub(next.pack_bytes());
                    going.push(next);
                } else {
                    kept.push(next);
                }
            }
            kept.reverse();
            candidates = kept;
            let journaled = self.remove(&going, collected)?;
            if journaled {
                self.cache.flush()?;
            }
            self.journal.shrink(journaled)?;
            self.give_back(!going.is_empty(), live, pack_live, survey)?;
            let (Some(most), now) = (limits.max_bytes, self.bytes()) else {
                break;
            };
            if now <= most || candidates.is_empty() {
                break;
            }
            // As much less as it is still too large, and a little more.
            let share = most as f64 / now as f64 * 0.9;
            target = Some((live as f64 * share) as u64);
        }
        let used = pack_live.saturating_sub(gone);
        self.live_bytes.store(used, Relaxed);
        self.note(LIVE, &used);
        Ok(())
    }

    /// Rewrites cache and pack where most of their space is unused, or `wanted` and some of it.
    fn give_back(
        &self,
        wanted: bool,
        live: u64,
        pack_live: u64,
        survey: &Survey,
    ) -> Result<(), StoreError> {
        let (above, percent) = match wanted {
            true => (REBUILD_ABOVE_ASKED, REBUILD_PERCENT_ASKED),
            false => (REBUILD_ABOVE, REBUILD_PERCENT),
        };
        let bytes = self.cache.bytes();
        let cache_live = live.saturating_sub(pack_live);
        if bytes > above && bytes > cache_live.saturating_mul(percent) / 100 {
            self.cache.rebuild()?;
        }
        let bytes = self.pack.raw_bytes();
        if bytes > pack_live.saturating_mul(REBUILD_PERCENT_ASKED) / 100 {
            self.rewrite_pack(survey)?;
        }
        Ok(())
    }

    /// Rewrites the pack. What earlier records said of the day on which a summary was let go is kept with the summary.
    fn rewrite_pack(&self, survey: &Survey) -> Result<(), StoreError> {
        let let_go = |key: &SummaryKey| survey.let_go.get(key).copied().unwrap_or_default();
        let paid = survey.summaries.iter().filter(|(_, item)| !item.free);
        self.touch(paid.map(|(key, _)| (*key, let_go(key))));
        let day = |item: &super::pack::Item| match item.table {
            Table::Summary => item.day.max(let_go(&SummaryKey(Digest(item.key)))),
            _ => item.day,
        };
        self.pack.rewrite(day, || {
            let mut repositories: BTreeMap<[u8; 16], (u32, Vec<records::Batch>)> = BTreeMap::new();
            self.each_batch(|repository, day, batch| {
                let (last, all) = repositories.entry(*repository).or_default();
                *last = day;
                match batch.is_empty() {
                    true => all.clear(),
                    false => all.push(batch),
                }
            })?;
            let mut batches = Vec::new();
            for (repository, (day, all)) in repositories {
                let all = records::latest(all);
                let all: records::Batch = (all.into_iter())
                    .map(|(path, record)| (path, Some(record)))
                    .collect();
                for piece in all.chunks(BATCH) {
                    batches.extend(codec::encode(piece).map(|piece| (repository, day, piece)));
                }
            }
            Ok(batches)
        })
    }

    /// Removes values, apart from summaries that were read meanwhile. Returns whether the journal had one of them.
    fn remove(&self, going: &[Candidate], collected: &mut Collected) -> Result<bool, StoreError> {
        let mut journaled = false;
        for piece in going.chunks(BATCH) {
            let (mut summaries, mut outlines) = (Vec::new(), Vec::new());
            for candidate in piece {
                match candidate.what {
                    What::Summary(key) => summaries.push(key),
                    What::Outline(key) => outlines.push(key.0),
                    What::Repository(prefix, records) => {
                        self.drop_records(&prefix)?;
                        collected.records += records;
                    }
                }
            }
            collected.outlines += outlines.len() as u64;
            self.pack.remove(Table::Outline, outlines);

            let _writing = self.write();
            // Readers wait here: a summary is found by all or by none.
            let condemned = self.condemned();
            summaries.retain(|key| condemned.contains(key));
            let free = summaries.iter().map(|key| key.0.0);
            self.pack.remove(Table::Summary, free);
            collected.summaries += summaries.len() as u64;
            summaries.retain(|key| self.journal.holds(*key));
            if !summaries.is_empty() {
                // A kill from here on leaves the rest of the removal to the next start.
                self.append(&[Entry::Removed(summaries.clone())], true)?;
                journaled = true;
            }
            self.remove_from_cache(&summaries)?;
        }
        Ok(journaled)
    }

    fn remove_from_cache(&self, keys: &[SummaryKey]) -> Result<(), StoreError> {
        self.cache.read(|trees| {
            let mut changes = sled::Batch::default();
            for key in keys {
                changes.remove(&key.0.0);
                changes.remove([PARTS, &key.0.0].concat());
            }
            trees.summaries.apply_batch(changes)
        })
    }
}

impl Candidate {
    /// Its bytes in the pack, if it describes a state that is gone.
    fn gone_bytes(&self) -> u64 {
        match self.free && self.gone {
            true => self.bytes,
            false => 0,
        }
    }

    /// Bytes that its removal frees in the pack.
    fn pack_bytes(&self) -> u64 {
        match (self.what, self.free) {
            (What::Repository(..), _) | (_, true) => self.bytes,
            (_, false) => 0,
        }
    }
}

/// All that no watched repository uses. An unknown day is today: better late than lost.
fn candidates(survey: &Survey, today: u32) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (prefix, repository) in &survey.repositories {
        if !repository.watched {
            all.push(Candidate {
                day: repository.day,
                what: What::Repository(*prefix, repository.records),
                bytes: repository.bytes,
                free: false,
                gone: false,
            });
        }
    }
    for (key, item) in &survey.summaries {
        let by = survey.summary_use.get(key).copied().unwrap_or_default();
        let let_go = survey.let_go.get(key).copied().unwrap_or_default();
        if !by.watched {
            all.push(Candidate {
                day: (item.day.unwrap_or(today).max(by.day)).max(let_go),
                what: What::Summary(*key),
                bytes: item.bytes,
                free: item.free,
                gone: !survey.summary_use.contains_key(key),
            });
        }
    }
    for (key, item) in &survey.outlines {
        let by = survey.outline_use.get(key).copied().unwrap_or_default();
        if !by.watched {
            all.push(Candidate {
                day: item.day.max(by.day),
                what: What::Outline(*key),
                bytes: item.bytes,
                free: true,
                gone: !survey.outline_use.contains_key(key),
            });
        }
    }
    all
}
