//! Reads everything that is stored and checks it: checksums, keys, and that what names words means those words.
//!
//! What is damaged in one half and whole in the other is mended; what is damaged and can be had again is removed.

use std::collections::HashMap;

use super::cache::{OUTLINES, RECORDS, SUMMARIES};
use super::{FREE, FREE_AUTHOR, Store, StoreError, codec};
use crate::model::digest::Digest;
use crate::model::outline::Outline;
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
    /// What is damaged, and what was done about it, a line each.
    pub damaged: Vec<String>,
    /// Summaries that one half had lost and the other gave back.
    pub restored: u64,
    /// Summaries that are nowhere any more, as far as that can be known: each damaged place of the journal counts as
    /// one, unless the cache gave back as many.
    pub lost: u64,
}

impl Store {
    /// Reads everything and checks it.
    ///
    /// # Errors
    /// Where it could not be read at all, or not be mended.
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
            // What was damaged before the store was opened is not among the keys any more.
            verified.lost = scan.damaged.max(missing.len() as u64);
            missing
        };
        self.journal.forget(&missing);
        let (mut unsound, mut unpaid) = (Vec::new(), Vec::new());
        self.cache.each(
            |trees| &trees.summaries,
            |key, sealed| {
                // What is no key is a note of the store's own.
                let Ok(digest) = key.try_into() else { return };
                let key = SummaryKey(Digest(digest));
                match codec::unseal::<(u32, Summary)>(SUMMARIES, &digest, sealed) {
                    Some((_, summary)) => {
                        let in_journal = whole.insert(key, summary.digest());
                        if in_journal.is_none() && summary.model != FREE_AUTHOR {
                            unpaid.push((key, summary));
                        }
                    }
                    None => unsound.push(key),
                }
            },
        )?;
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
                self.put_summaries(piece, true)?;
            }
            verified.restored += many;
            verified.lost = verified.lost.saturating_sub(many);
        }
        verified.summaries = whole.len() as u64;
        self.note(
            FREE,
            &verified.summaries.saturating_sub(self.journal.answers()),
        );
        self.verify_outlines(&mut verified)?;
        self.verify_records(&whole, &mut verified)?;
        if verified.damaged.iter().any(|line| line.contains("journal")) {
            // The damaged places go: they are told of once.
            self.journal.shrink(true)?;
        }
        Ok(verified)
    }

    fn verify_outlines(&self, verified: &mut Verified) -> Result<(), StoreError> {
        let mut unsound = Vec::new();
        self.cache.each(
            |trees| &trees.outlines,
            |key, sealed| match codec::unseal::<(u32, Digest, Outline)>(OUTLINES, key, sealed) {
                Some(_) => verified.outlines += 1,
                None => unsound.push(key.to_vec()),
            },
        )?;
        for key in &unsound {
            self.cache
                .with(|trees| trees.outlines.remove(key).map(drop))?;
        }
        if !unsound.is_empty() {
            let many = unsound.len();
            verified.damaged.push(format!(
                "{many} outlines were damaged; they are made again when they are wanted"
            ));
        }
        Ok(())
    }

    fn verify_records(
        &self,
        whole: &HashMap<SummaryKey, SummaryDigest>,
        verified: &mut Verified,
    ) -> Result<(), StoreError> {
        let (mut unsound, mut mistaken) = (Vec::new(), 0_u64);
        self.cache.each(
            |trees| &trees.records,
            |key, sealed| {
                let Some(record) = codec::unseal::<NodeRecord>(RECORDS, key, sealed) else {
                    unsound.push(key.to_vec());
                    return;
                };
                // Words that are nowhere are asked for again; others than those meant would be shown as true.
                let words = record.summary.filter(|words| {
                    whole
                        .get(&words.key)
                        .is_some_and(|digest| *digest != words.digest)
                });
                if words.is_some() {
                    mistaken += 1;
                    unsound.push(key.to_vec());
                } else {
                    verified.records += 1;
                }
            },
        )?;
        for key in &unsound {
            self.cache
                .with(|trees| trees.records.remove(key).map(drop))?;
        }
        if !unsound.is_empty() {
            let many = unsound.len();
            verified.damaged.push(format!(
                "{many} records were damaged ({mistaken} of them named other words than they meant); these files are \
                 read again at the next start"
            ));
        }
        Ok(())
    }
}
