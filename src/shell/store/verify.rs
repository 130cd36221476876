//! Reads everything that is stored and checks it: checksums, keys, and that records name the texts that they mean.
//!
//! What is damaged in one file and whole in the other is repaired; what is damaged and can be made again is removed.

use std::collections::HashMap;

use super::cache::SUMMARIES;
use super::pack::Table;
use super::records::{self, Batch};
use super::{Store, StoreError, codec};
use crate::model::digest::Digest;
use crate::model::outline::Outline;
use crate::model::path::RelPath;
use crate::model::record::NodeRecord;
use crate::model::summary::{Summary, SummaryDigest, SummaryKey};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Summaries that are whole.
    pub summaries: u64,
    /// Outlines that are whole.
    pub outlines: u64,
    /// Records that are whole.
    pub records: u64,
    /// The damage that was found, and what was done about it, a line each.
    pub damaged: Vec<String>,
    /// Summaries that one file had lost and that were restored from the other.
    pub restored: u64,
    /// Summaries that were paid for and are lost, as far as that can be known: each damaged place of the journal counts as
    /// one, unless as many were restored from the cache.
    pub lost: u64,
}

impl Store {
    /// Reads everything and checks it.
    ///
    /// # Errors
    /// It could not be read at all, or not be repaired.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        let mut whole: HashMap<SummaryKey, SummaryDigest> = HashMap::new();
        let missing = {
            let keys = self.journal.keys();
            let scan = self.journal.read_through(|key, _, summary| {
                whole.insert(key, summary.digest());
            })?;
            if scan.damaged > 0 {
                verified.damaged.push(match scan.damaged {
                    1 => "the journal has 1 damaged place".to_owned(),
                    many => format!("the journal has {many} damaged places"),
                });
            }
            let missing: Vec<_> = keys
                .into_iter()
                .filter(|key| !whole.contains_key(key))
                .collect();
            // What was damaged before the store was opened is no longer among the keys.
            verified.lost = scan.damaged.max(missing.len() as u64);
            missing
        };
        self.journal.forget(&missing);
        let (mut unsound, mut unpaid) = (Vec::new(), Vec::new());
        self.cache.each(|key, sealed| {
            // What is no key says what a summary is made of.
            let Ok(digest) = key.try_into() else { return };
            let key = SummaryKey(Digest(digest));
            match codec::unseal::<(u32, Summary)>(SUMMARIES, &digest, sealed) {
                Some((_, summary)) => {
                    let in_journal = whole.insert(key, summary.digest());
                    if in_journal.is_none() {
                        unpaid.push((key, summary));
                    }
                }
                None => unsound.push(key),
            }
        })?;
        for key in &unsound {
            self.cache
                .with(|trees| trees.summaries.remove(key.0.0).map(drop))?;
            match self.summary(*key)? {
                Some(_) => verified.restored += 1,
                None => verified.lost += 1,
            }
        }
        if !unsound.is_empty() {
            let many = unsound.len();
            verified
                .damaged
                .push(format!("{many} summaries of the cache were damaged"));
        }
        if !unpaid.is_empty() {
            let many = unpaid.len() as u64;
            verified.damaged.push(format!(
                "{many} summaries that were paid for stood in the cache only"
            ));
            for piece in unpaid.chunks(super::cache::BATCH) {
                self.put_paid(piece)?;
            }
            verified.restored += many;
            verified.lost = verified.lost.saturating_sub(many);
        }
        self.verify_pack(&mut whole, &mut verified)?;
        verified.summaries = whole.len() as u64;
        self.verify_records(&whole, &mut verified)?;
        if verified.damaged.iter().any(|line| line.contains("journal")) {
            // The damaged places are removed, so they are reported once.
            self.journal.shrink(true)?;
        }
        Ok(verified)
    }

    fn verify_pack(
        &self,
        whole: &mut HashMap<SummaryKey, SummaryDigest>,
        verified: &mut Verified,
    ) -> Result<(), StoreError> {
        let mut unsound = Vec::new();
        let damaged = self.pack.each(true, |item, value| match item.table {
            Table::Outline => match codec::decode::<(Digest, Outline)>(value) {
                Some(_) => verified.outlines += 1,
                None => unsound.push(*item),
            },
            Table::Summary => match codec::decode::<Summary>(value) {
                Some(summary) => {
                    let key = SummaryKey(Digest(item.key));
                    whole.entry(key).or_insert_with(|| summary.digest());
                }
                None => unsound.push(*item),
            },
            Table::Records | Table::Note => {}
        })?;
        for item in &unsound {
            self.pack.remove(item.table, [item.key]);
        }
        let many = damaged + unsound.len() as u64;
        if many > 0 {
            let plural = if many == 1 { "" } else { "s" };
            verified.damaged.push(format!(
                "{many} block{plural} of the pack were damaged; their files are read again at the next start"
            ));
        }
        Ok(())
    }

    /// Deletes records that name another text than they mean: it would be shown as true.
    fn verify_records(
        &self,
        whole: &HashMap<SummaryKey, SummaryDigest>,
        verified: &mut Verified,
    ) -> Result<(), StoreError> {
        let mut repositories: HashMap<[u8; 16], Vec<Batch>> = HashMap::new();
        self.each_batch(|repository, _, batch| {
            let all = repositories.entry(*repository).or_default();
            match batch.is_empty() {
                true => all.clear(),
                false => all.push(batch),
            }
        })?;
        let mut mistaken = 0;
        for (prefix, all) in repositories {
            let mut wrong: Vec<(RelPath, Option<NodeRecord>)> = Vec::new();
            for (path, record) in records::latest(all) {
                let stored = record.summary.and_then(|words| whole.get(&words.key));
                match stored
                    .is_some_and(|digest| Some(*digest) != record.summary.map(|it| it.digest))
                {
                    true => wrong.push((path, None)),
                    false => verified.records += 1,
                }
            }
            mistaken += wrong.len();
            self.put_records_of(prefix, &wrong)?;
        }
        if mistaken > 0 {
            verified.damaged.push(format!(
                "{mistaken} records named another summary than they meant; these files are read again at the next start"
            ));
        }
        Ok(())
    }
}
