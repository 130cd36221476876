//! What the store holds, item by item: how large each is, on which day it was last in use, and who uses it now.
//!
//! It reads everything, so it takes a while, and it changes nothing.

use std::collections::HashMap;
use std::path::PathBuf;

use super::cache::{OUTLINES, RECORDS, SUMMARIES};
use super::parts::PARTS;
use super::records::{SEEN, repository_prefix};
use super::{FREE_AUTHOR, Store, StoreError, codec};
use crate::model::contents::Contents;
use crate::model::digest::Digest;
use crate::model::outline::Outline;
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryKey};

/// Who uses what the store holds.
#[derive(Clone, Copy)]
pub struct Users<'a> {
    /// The roots of the watched repositories, as their records are stored under.
    pub watched: &'a [PathBuf],
    /// What the outline of a file's content is stored under.
    pub outline_key: &'a dyn Fn(&Contents) -> Digest,
}

/// What the store holds, all together. Days are days since 1970, UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Summaries.
    pub summaries: u64,
    /// Summaries that the records of watched repositories name.
    pub used: u64,
    /// Summaries that were paid for.
    pub paid: u64,
    /// Outlines of files.
    pub outlines: u64,
    /// Records of nodes, of repositories that are not watched as well.
    pub records: u64,
    /// Repositories with records that are not watched: they were indexed once.
    pub unwatched: u64,
    /// Bytes of the journal on disk.
    pub journal_bytes: u64,
    /// Bytes of the cache on disk.
    pub cache_bytes: u64,
    /// Bytes of all that counts, without what the two files need around it.
    pub live_bytes: u64,
    /// The day on which the summary that was out of use for longest was last in use.
    pub oldest_day: Option<u32>,
}

/// One summary.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SummaryItem {
    /// When it was last in use, apart from those who use it now; `None`: not known.
    pub day: Option<u32>,
    /// In both halves.
    pub bytes: u64,
    /// Whether the journal has it.
    pub paid: bool,
    /// Whether it was written on this machine, so that it can be had again for nothing.
    pub free: bool,
}

/// One outline.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutlineItem {
    pub day: u32,
    pub bytes: u64,
}

/// The records of one repository.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RepositoryItem {
    /// Whether it is watched.
    pub watched: bool,
    /// When its records were last wanted.
    pub day: u32,
    pub records: u64,
    pub bytes: u64,
}

/// Who uses an item now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// Some watched repository.
    pub watched: bool,
    /// When the records of those that are not watched were last wanted.
    pub day: u32,
}

/// What the store holds, item by item.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub summaries: HashMap<SummaryKey, SummaryItem>,
    pub outlines: HashMap<Digest, OutlineItem>,
    pub repositories: HashMap<[u8; 16], RepositoryItem>,
    pub summary_use: HashMap<SummaryKey, Use>,
    pub outline_use: HashMap<Digest, Use>,
    /// What some summaries are made of.
    pub parts: HashMap<SummaryKey, Vec<SummaryKey>>,
}

impl Survey {
    /// Bytes of all of it.
    pub fn live_bytes(&self) -> u64 {
        let summaries: u64 = self.summaries.values().map(|item| item.bytes).sum();
        let outlines: u64 = self.outlines.values().map(|item| item.bytes).sum();
        let records: u64 = self.repositories.values().map(|item| item.bytes).sum();
        summaries + outlines + records
    }
}

impl Store {
    /// What the store holds, all together. Reads everything.
    ///
    /// # Errors
    /// Where it could not be read.
    pub fn totals(&self, users: Users<'_>) -> Result<Totals, StoreError> {
        let survey = self.survey(users)?;
        let used = |key: &SummaryKey| survey.summary_use.get(key).is_some_and(|by| by.watched);
        let mut totals = Totals {
            summaries: survey.summaries.len() as u64,
            outlines: survey.outlines.len() as u64,
            journal_bytes: self.journal.bytes(),
            cache_bytes: self.cache.bytes(),
            live_bytes: survey.live_bytes(),
            ..Totals::default()
        };
        for (key, item) in &survey.summaries {
            totals.paid += u64::from(item.paid);
            if used(key) {
                totals.used += 1;
            } else {
                let days = totals.oldest_day.into_iter().chain(item.day);
                totals.oldest_day = days.min();
            }
        }
        for repository in survey.repositories.values() {
            totals.records += repository.records;
            totals.unwatched += u64::from(!repository.watched && repository.records > 0);
        }
        Ok(totals)
    }

    /// Everything. What cannot be read is left out.
    pub(super) fn survey(&self, users: Users<'_>) -> Result<Survey, StoreError> {
        let mut survey = Survey::default();
        self.journal.read_through(|key, bytes, _| {
            let item = survey.summaries.entry(key).or_default();
            item.bytes += bytes;
            item.paid = true;
        })?;
        let mut seen: HashMap<[u8; 16], u32> = HashMap::new();
        self.cache.each(
            |trees| &trees.summaries,
            |key, sealed| {
                if let Some(prefix) = key.strip_prefix(SEEN) {
                    let day: Option<u32> = codec::unseal(SUMMARIES, key, sealed);
                    seen.extend(prefix.try_into().ok().zip(day));
                } else if let Some(whole) = key.strip_prefix(PARTS) {
                    let whole = whole.try_into().ok().map(|key| SummaryKey(Digest(key)));
                    let parts: Option<Vec<SummaryKey>> = codec::unseal(SUMMARIES, key, sealed);
                    survey.parts.extend(whole.zip(parts));
                } else if let Ok(digest) = key.try_into() {
                    let dated: Option<(u32, Summary)> = codec::unseal(SUMMARIES, key, sealed);
                    let item = survey
                        .summaries
                        .entry(SummaryKey(Digest(digest)))
                        .or_default();
                    item.free = !item.paid
                        && (dated.as_ref()).is_some_and(|(_, said)| said.model == FREE_AUTHOR);
                    item.day = dated.map(|(day, _)| day);
                    item.bytes += (key.len() + sealed.len()) as u64;
                }
            },
        )?;
        self.cache.each(
            |trees| &trees.outlines,
            |key, sealed| {
                let Ok(digest) = key.try_into() else { return };
                let dated: Option<(u32, Digest, Outline)> = codec::unseal(OUTLINES, key, sealed);
                let item = OutlineItem {
                    // A damaged one is of no use to anybody.
                    day: dated.map_or(0, |(day, ..)| day),
                    bytes: (key.len() + sealed.len()) as u64,
                };
                survey.outlines.insert(Digest(digest), item);
            },
        )?;
        for root in users.watched {
            let repository = survey
                .repositories
                .entry(repository_prefix(root))
                .or_default();
            repository.watched = true;
        }
        let today = self.today();
        self.cache.each(
            |trees| &trees.records,
            |key, sealed| {
                let Some(&prefix) = key.first_chunk::<16>() else {
                    return;
                };
                let repository = survey.repositories.entry(prefix).or_default();
                if repository.records == 0 {
                    repository.day = seen.get(&prefix).copied().unwrap_or(today);
                }
                repository.records += 1;
                repository.bytes += (key.len() + sealed.len()) as u64;
                let by = *repository;
                let Some(record) = codec::unseal::<NodeRecord>(RECORDS, key, sealed) else {
                    return;
                };
                if let Some(words) = record.summary {
                    note(survey.summary_use.entry(words.key).or_default(), by);
                }
                if let Some(contents) = &record.contents {
                    let outline = (users.outline_key)(contents);
                    note(survey.outline_use.entry(outline).or_default(), by);
                }
            },
        )?;
        // What something in use is made of is in use as well.
        let wholes: Vec<(SummaryKey, Use)> = survey.summary_use.iter().map(pair).collect();
        for (whole, by) in wholes {
            for part in survey.parts.get(&whole).into_iter().flatten() {
                survey.summary_use.entry(*part).or_default().add(by);
            }
        }
        Ok(survey)
    }
}

fn pair((key, by): (&SummaryKey, &Use)) -> (SummaryKey, Use) {
    (*key, *by)
}

impl Use {
    fn add(&mut self, other: Self) {
        self.watched |= other.watched;
        self.day = self.day.max(other.day);
    }
}

fn note(used: &mut Use, by: RepositoryItem) {
    used.add(Use {
        watched: by.watched,
        day: by.day,
    });
}
