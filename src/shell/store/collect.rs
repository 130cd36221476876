//! Removes what nobody uses, the longest unused first, and gives the space back. What can be had again for nothing goes
//! after a month, whatever the limits: nobody should have to know of them for a store that does not grow for ever.
//!
//! What a watched repository uses is never removed: neither what its records name, nor what the caller says is in use
//! and not recorded yet. A repository that is not watched was indexed once: all that is known of it is one thing more
//! to be removed, before the summaries that only it uses.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use super::cache::BATCH;
use super::parts::PARTS;
use super::records::SEEN;
use super::survey::{Survey, Users};
use super::{FREE, Store, StoreError, codec};
use crate::model::digest::Digest;
use crate::model::summary::SummaryKey;

/// Stands in the cache between a polite end and the next start: its records are known to name all that watched
/// repositories use. After a kill the last of them may be missing, and a cache that was lost has none: then summaries
/// that were paid for may be in use though no record says so.
const WHOLE: &[u8] = b"whole";
/// How long outlines and summaries that cost nothing are kept unused, in days, whatever the limits: a branch or an undo
/// finds them until then.
const FREE_DAYS: u64 = 30;
/// Below this many bytes no cache is rebuilt.
const REBUILD_ABOVE: u64 = 4 << 20;
/// The same where space is wanted: sled takes as much for nothing.
const REBUILD_ABOVE_ASKED: u64 = 1 << 20;
/// A cache is rebuilt when it takes so many hundredths of what lives in it.
const REBUILD_PERCENT: u64 = 400;
/// The same where space is wanted.
const REBUILD_PERCENT_ASKED: u64 = 125;
/// How often a limit in bytes is approached: how much sled needs around what it holds shows only afterwards.
const ROUNDS: usize = 3;

/// What may stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// What was not in use for so many days goes; `None`: nothing that was paid for goes for its age.
    pub max_age_days: Option<u64>,
    /// While the store takes more bytes on disk, what is unused for longest goes; `None`: nothing goes for its size.
    pub max_bytes: Option<u64>,
}

/// What is in use and may not be recorded yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// Summaries.
    pub summaries: HashSet<SummaryKey>,
    /// Outlines.
    pub outlines: HashSet<Digest>,
    /// Whether this is all that any watched repository uses: none of them has anything left to do.
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

/// Something that may go. The order is the one in which they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    day: u32,
    what: What,
    bytes: u64,
    /// Whether it can be had again for nothing.
    free: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Before what it uses, on the same day.
    Repository([u8; 16]),
    Outline(Digest),
    Summary(SummaryKey),
}

impl Store {
    /// Removes what is unused and beyond the limits, and gives the space back. `in_use` is asked once all that may go
    /// is chosen; whatever is read from then on stays. Others are held up only while the cache is rebuilt.
    ///
    /// # Errors
    /// Where the store could not be read or written. What was removed before stays removed.
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
                what: "what is in use could not be found out".to_owned(),
            });
        };
        let parts = survey.parts.iter();
        let parts = parts.filter(|(whole, _)| in_use.summaries.contains(whole));
        let parts: Vec<SummaryKey> = parts.flat_map(|(_, parts)| parts).copied().collect();
        in_use.summaries.extend(parts);
        if in_use.complete {
            self.lost_before.store(self.cache.losses(), Relaxed);
            self.whole.store(true, Relaxed);
        }
        let whole = self.is_whole();
        candidates.retain(|candidate| match candidate.what {
            What::Repository(_) => true,
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

    /// Gives back the space of what no longer counts, where that is most of it. Cheap where it is not.
    ///
    /// # Errors
    /// Where the store could not be read or written; then all is as before.
    pub fn tidy(&self) -> Result<(), StoreError> {
        self.journal.shrink(false)?;
        if self.cache.bytes() > REBUILD_ABOVE {
            let mut live = 0;
            let mut count = |key: &[u8], value: &[u8]| live += (key.len() + value.len()) as u64;
            self.cache.each(|trees| &trees.summaries, &mut count)?;
            self.cache.each(|trees| &trees.outlines, &mut count)?;
            self.cache.each(|trees| &trees.records, &mut count)?;
            self.rebuild_cache(live, REBUILD_ABOVE, REBUILD_PERCENT)?;
        }
        Ok(())
    }

    /// The beginning: whatever is written from now on may be lost by a kill.
    pub(super) fn arrive(&self) -> Result<(), StoreError> {
        // Where nothing was paid for, no record of it can be missing.
        let whole = self.noted(WHOLE).unwrap_or(false) || self.journal.answers() == 0;
        self.lost_before.store(self.cache.losses(), Relaxed);
        self.whole.store(whole, Relaxed);
        let noted = self
            .cache
            .with(|trees| trees.summaries.remove(WHOLE).map(|had| had.is_some()))?;
        // It must not come back after a kill.
        if noted { self.cache.flush() } else { Ok(()) }
    }

    /// The polite end: all that was to be written is written, and nothing is written any more.
    ///
    /// # Errors
    /// Where it could not be written; then the next start knows less than it could.
    pub fn leave(&self) -> Result<(), StoreError> {
        if self.is_whole() {
            self.note(WHOLE, &true);
        }
        self.flush()
    }

    fn is_whole(&self) -> bool {
        self.whole.load(Relaxed) && self.lost_before.load(Relaxed) == self.cache.losses()
    }

    fn remove_beyond(
        &self,
        limits: Limits,
        survey: &Survey,
        mut candidates: Vec<Candidate>,
        collected: &mut Collected,
    ) -> Result<(), StoreError> {
        // The last one goes first.
        candidates.sort_unstable_by(|one, other| other.cmp(one));
        let today = self.today();
        let too_old = |candidate: &Candidate| {
            let age = u64::from(today.saturating_sub(candidate.day));
            let beyond = |days: u64| age >= days;
            limits.max_age_days.is_some_and(beyond) || candidate.free && beyond(FREE_DAYS)
        };
        let mut live = survey.live_bytes();
        let mut target = limits.max_bytes;
        for _ in 0..ROUNDS {
            let mut going = Vec::new();
            while let Some(next) = candidates.last()
                && (too_old(next) || target.is_some_and(|target| live > target))
            {
                live = live.saturating_sub(next.bytes);
                going.extend(candidates.pop());
            }
            let journaled = self.remove(&going, collected)?;
            self.journal.shrink(journaled)?;
            // Where something went, its space is wanted; else only what sled wastes.
            let (above, percent) = match going.is_empty() {
                true => (REBUILD_ABOVE, REBUILD_PERCENT),
                false => (REBUILD_ABOVE_ASKED, REBUILD_PERCENT_ASKED),
            };
            self.rebuild_cache(live, above, percent)?;
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
        Ok(())
    }

    /// Removes them, apart from summaries that somebody read meanwhile. Tells whether the journal held one of them.
    fn remove(&self, going: &[Candidate], collected: &mut Collected) -> Result<bool, StoreError> {
        let mut journaled = false;
        for piece in going.chunks(BATCH) {
            let (mut summaries, mut outlines) = (Vec::new(), Vec::new());
            for candidate in piece {
                match candidate.what {
                    What::Summary(key) => summaries.push(key),
                    What::Outline(key) => outlines.push(key.0),
                    What::Repository(prefix) => {
                        collected.records += self.forget_repository(&prefix)?;
                    }
                }
            }
            let mut changes = sled::Batch::default();
            outlines.iter().for_each(|key| changes.remove(key));
            self.cache
                .with(|trees| trees.outlines.apply_batch(changes.clone()))?;
            collected.outlines += outlines.len() as u64;

            let _writing = self.write();
            // Whoever reads waits here: a summary is found by all or by none.
            let condemned = self.condemned();
            summaries.retain(|key| condemned.contains(key));
            let mut free = self.free();
            let mut changes = sled::Batch::default();
            for key in &summaries {
                changes.remove(&key.0.0);
                changes.remove([PARTS, &key.0.0].concat());
                match self.journal.holds(*key) {
                    true => journaled = true,
                    false => free = free.saturating_sub(1),
                }
            }
            if let Some(sealed) = codec::seal(super::SUMMARIES, FREE, &free) {
                changes.insert(FREE, sealed);
            }
            self.cache
                .with(|trees| trees.summaries.apply_batch(changes.clone()))?;
            self.journal.forget(&summaries);
            collected.summaries += summaries.len() as u64;
        }
        Ok(journaled)
    }

    /// Removes the records of a repository that is not watched.
    fn forget_repository(&self, prefix: &[u8; 16]) -> Result<u64, StoreError> {
        let count = self
            .cache
            .with(|trees| Ok(trees.records.scan_prefix(prefix).count() as u64))?;
        self.drop_records(prefix, |_| {})?;
        let seen = [SEEN, prefix].concat();
        self.cache
            .with(|trees| trees.summaries.remove(&seen[..]).map(drop))?;
        Ok(count)
    }

    /// Rebuilds the cache where it takes more than so many bytes, and more than so many hundredths of what lives.
    fn rebuild_cache(&self, live: u64, above: u64, percent: u64) -> Result<(), StoreError> {
        let bytes = self.cache.bytes();
        if bytes > above && bytes > live.saturating_mul(percent) / 100 {
            self.cache.rebuild()?;
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.cache.bytes().saturating_add(self.journal.bytes())
    }
}

/// All that no watched repository uses. A day that is not known is today: better late than lost.
fn candidates(survey: &Survey, today: u32) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (prefix, repository) in &survey.repositories {
        if !repository.watched {
            all.push(Candidate {
                day: repository.day,
                what: What::Repository(*prefix),
                bytes: repository.bytes,
                free: false,
            });
        }
    }
    for (key, item) in &survey.summaries {
        let by = survey.summary_use.get(key).copied().unwrap_or_default();
        if !by.watched {
            all.push(Candidate {
                day: item.day.unwrap_or(today).max(by.day),
                what: What::Summary(*key),
                bytes: item.bytes,
                free: item.free,
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
            });
        }
    }
    all
}
