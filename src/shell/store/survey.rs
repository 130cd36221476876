//! What the store holds, item by item: how large each is, on which day it was last in use, and who uses it now.
//!
//! It reads everything, so it takes a while, and it changes nothing.

use std::collections::HashMap;
use std::path::PathBuf;

use super::cache::SUMMARIES;
use super::pack::Table;
use super::parts::PARTS;
use super::records::{SEEN, repository_prefix};
use super::{Store, StoreError, codec};
use crate::model::contents::Contents;
use crate::model::digest::Digest;
use crate::model::path::RelPath;
use crate::model::summary::{Summary, SummaryKey};

/// Bytes of a value's key, day and length.
const KEY_BYTES: u64 = 24;

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
    /// Bytes of cache and pack on disk.
    pub cache_bytes: u64,
    /// Bytes of all that counts, uncompressed, without what the files need around it.
    pub live_bytes: u64,
    /// The day on which the summary that was out of use for longest was last in use.
    pub oldest_day: Option<u32>,
}

/// One summary.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SummaryItem {
    /// When it was last in use, apart from those who use it now; `None`: not known.
    pub day: Option<u32>,
    /// In all files.
    pub bytes: u64,
    /// Whether the journal has it.
    pub paid: bool,
    /// Whether it is in the pack: it costs nothing to make again.
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
    /// The day on which a node had this summary last.
    pub let_go: HashMap<SummaryKey, u32>,
    /// Bytes of the values of the pack that count.
    pub pack_bytes: u64,
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
            cache_bytes: self.cache.bytes().saturating_add(self.pack.bytes()),
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
        self.cache.each(|key, sealed| {
            if let Some(whole) = key.strip_prefix(PARTS) {
                let whole = whole.try_into().ok().map(|key| SummaryKey(Digest(key)));
                let parts: Option<Vec<SummaryKey>> = codec::unseal(SUMMARIES, key, sealed);
                survey.parts.extend(whole.zip(parts));
            } else if let Ok(digest) = key.try_into() {
                let dated: Option<(u32, Summary)> = codec::unseal(SUMMARIES, key, sealed);
                let key = SummaryKey(Digest(digest));
                let item = survey.summaries.entry(key).or_default();
                item.day = dated.map(|(day, _)| day);
                item.bytes += (digest.len() + sealed.len()) as u64;
            }
        })?;
        self.pack.each(false, |item, _| {
            let key = Digest(item.key);
            let (day, bytes) = (item.day, u64::from(item.length) + KEY_BYTES);
            match item.table {
                Table::Outline => {
                    survey.pack_bytes += u64::from(item.length);
                    survey.outlines.insert(key, OutlineItem { day, bytes });
                }
                Table::Summary => {
                    survey.pack_bytes += u64::from(item.length);
                    let known = survey.summaries.entry(SummaryKey(key)).or_default();
                    known.free = !known.paid;
                    known.day = known.day.max(Some(day));
                    known.bytes += bytes;
                }
                Table::Records | Table::Note => {}
            }
        })?;
        self.survey_records(users, &mut survey)?;
        // What something in use is made of is in use as well.
        let wholes: Vec<(SummaryKey, Use)> = survey.summary_use.iter().map(pair).collect();
        for (whole, by) in wholes {
            for part in survey.parts.get(&whole).into_iter().flatten() {
                survey.summary_use.entry(*part).or_default().add(by);
            }
        }
        Ok(survey)
    }

    /// Follows the records through time: what they name now is in use, and what they named before was let go on the day
    /// of the change.
    fn survey_records(&self, users: Users<'_>, survey: &mut Survey) -> Result<(), StoreError> {
        for root in users.watched {
            let prefix = repository_prefix(root);
            survey.repositories.entry(prefix).or_default().watched = true;
        }
        let mut now: HashMap<[u8; 16], HashMap<RelPath, Named>> = HashMap::new();
        let let_go = &mut survey.let_go;
        let mut ended = |named: &Named, day: u32| {
            if let Some(key) = named.summary {
                let until = let_go.entry(key).or_default();
                *until = day.max(*until);
            }
        };
        self.each_batch(|repository, day, batch| {
            let nodes = now.entry(*repository).or_default();
            if batch.is_empty() {
                nodes.drain().for_each(|(_, named)| ended(&named, day));
            }
            for (path, record) in batch {
                let new = record.map(|record| Named {
                    summary: record.summary.map(|summary| summary.key),
                    outline: record.contents.as_ref().map(users.outline_key),
                    bytes: codec::encode(&(&path, &record)).map_or(0, |bytes| bytes.len() as u64),
                });
                let summary = new.as_ref().and_then(|new| new.summary);
                let old = match new {
                    Some(new) => nodes.insert(path, new),
                    None => nodes.remove(&path),
                };
                if let Some(old) = old.filter(|old| old.summary != summary) {
                    ended(&old, day);
                }
            }
        })?;
        let today = self.today();
        for (prefix, nodes) in now {
            let repository = survey.repositories.entry(prefix).or_default();
            let seen = self.noted([SEEN, &prefix].concat().as_slice());
            repository.day = seen.unwrap_or(today);
            repository.records = nodes.len() as u64;
            repository.bytes = nodes.values().map(|named| named.bytes).sum();
            survey.pack_bytes += repository.bytes;
            let by = *repository;
            for named in nodes.into_values() {
                if let Some(key) = named.summary {
                    note(survey.summary_use.entry(key).or_default(), by);
                }
                if let Some(key) = named.outline {
                    note(survey.outline_use.entry(key).or_default(), by);
                }
            }
        }
        Ok(())
    }
}

/// What a record names.
struct Named {
    summary: Option<SummaryKey>,
    outline: Option<Digest>,
    bytes: u64,
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
