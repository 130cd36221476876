//! The store that a team shares, and a second daemon that uses it: it pays for some keys first, or dies over them. The
//! store loses, delays, lies and forgets.

use std::collections::HashMap;

use epitome::engine::event::Event;
use epitome::engine::sharing::Sharing;
use epitome::model::shared::Claim;
use epitome::model::summary::{Summary, SummaryKey};

use super::{Pending, Sabotage, World};

/// How long a claim holds.
const LEASE_MS: u64 = 2_000;
const PATIENCE_MS: u64 = 2 * LEASE_MS;
/// The second daemon's number; our own processes have others.
const OTHER: u64 = u64::MAX;

/// What the store has, and what our daemon was told.
#[derive(Default)]
pub struct Team {
    values: HashMap<SummaryKey, Summary>,
    /// Who claimed a key, and until when.
    claims: HashMap<SummaryKey, (u64, u64)>,
    /// When our daemon may send the request: its claim was granted.
    granted: HashMap<SummaryKey, u64>,
    /// Since when it was told that another daemon has the key.
    held: HashMap<SummaryKey, u64>,
    /// The texts of files by key: what the second daemon would say about them.
    pub texts: HashMap<SummaryKey, String>,
    /// The number of our process.
    process: u64,
}

/// How the store behaves in one operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Honest,
    /// No response within the deadline.
    Unreachable,
    /// It reports every key as absent, or returns unusable values.
    Lying,
}

pub fn sharing(seed: u64) -> Sharing {
    Sharing {
        claims: true,
        patience_ms: PATIENCE_MS,
        salt: seed,
    }
}

impl Team {
    /// A new process of ours: what was granted to the earlier one is nothing to it.
    pub fn restart(&mut self) {
        self.process += 1;
        self.granted.clear();
        self.held.clear();
    }
}

impl World {
    fn mood(&mut self) -> Mood {
        match self.random.u8(0..20) {
            _ if self.calm => Mood::Honest,
            0..=2 => Mood::Unreachable,
            3 => Mood::Lying,
            4 => {
                // It forgets half of what it has.
                let random = &mut self.random;
                self.team.values.retain(|_, _| random.bool());
                Mood::Honest
            }
            _ => Mood::Honest,
        }
    }

    fn delay_of(&mut self, mood: Mood) -> u64 {
        match mood {
            Mood::Unreachable => 1_000,
            _ => self.random.u64(0..200),
        }
    }

    pub(super) fn look_up_shared(&mut self, keys: Vec<SummaryKey>) {
        let mood = self.mood();
        let found = keys
            .into_iter()
            .map(|key| (key, self.take_shared(key, mood)));
        let found: Vec<_> = found.collect();
        let delay = self.delay_of(mood);
        let digests = found
            .into_iter()
            .map(|(key, summary)| (key, summary.map(|one| one.digest())));
        self.schedule(
            delay,
            Pending::Deliver(Event::LookedUpShared(digests.collect())),
        );
    }

    /// What the store has is stored here before the engine hears of it.
    fn take_shared(&mut self, key: SummaryKey, mood: Mood) -> Option<Summary> {
        let found = self
            .team
            .values
            .get(&key)
            .filter(|_| mood == Mood::Honest)
            .cloned()?;
        self.stored.insert(key, found.clone());
        self.tally.shared += 1;
        Some(found)
    }

    pub(super) fn claim_shared(&mut self, keys: Vec<SummaryKey>) {
        let mood = self.mood();
        let mut claims = Vec::new();
        for key in keys {
            self.second_daemon(key);
            let claim = match self.take_shared(key, mood) {
                Some(summary) => Claim::Found(summary.digest()),
                None => self.claim_one(key, mood),
            };
            claims.push((key, claim));
        }
        let delay = self.delay_of(mood);
        self.schedule(delay, Pending::Deliver(Event::Claimed(claims)));
    }

    fn claim_one(&mut self, key: SummaryKey, mood: Mood) -> Claim {
        let (now_ms, own) = (self.now_ms, self.team.process);
        let holder = self.team.claims.get(&key).copied();
        match holder.filter(|(holder, until_ms)| *holder != own && *until_ms > now_ms) {
            Some((_, until_ms)) if mood == Mood::Honest => {
                self.team.held.entry(key).or_insert(now_ms);
                self.team.granted.remove(&key);
                match self.sabotage {
                    Sabotage::ClaimsAreIgnored => Claim::Granted,
                    _ => Claim::Held {
                        left_ms: until_ms - now_ms,
                    },
                }
            }
            _ => {
                if mood == Mood::Honest {
                    self.team.claims.insert(key, (own, now_ms + LEASE_MS));
                }
                self.team.granted.insert(key, now_ms);
                Claim::Granted
            }
        }
    }

    /// The second daemon comes first now and then, and sometimes dies over it.
    fn second_daemon(&mut self, key: SummaryKey) {
        let is_free = self
            .team
            .claims
            .get(&key)
            .is_none_or(|(_, until_ms)| *until_ms <= self.now_ms);
        if !is_free || self.random.u8(0..4) > 0 {
            return;
        }
        self.team
            .claims
            .insert(key, (OTHER, self.now_ms + LEASE_MS));
        if self.random.u8(0..4) > 0 {
            let delay = self.random.u64(0..LEASE_MS);
            self.schedule(delay, Pending::Other(key));
        }
    }

    /// The second daemon has its response, and publishes it.
    pub(super) fn other_publishes(&mut self, key: SummaryKey) {
        let text = self.team.texts.get(&key).cloned();
        let text = text.unwrap_or_else(|| "Directory, written elsewhere.".to_owned());
        self.team.values.insert(key, Summary::new(text, "made"));
        self.team.claims.remove(&key);
    }

    /// Our daemon writes behind its local commit; the store may lose it.
    pub(super) fn publish(&mut self, key: SummaryKey, summary: &Summary) {
        if self.sharing.is_some() && (self.calm || self.random.u8(0..10) > 0) {
            self.team.values.insert(key, summary.clone());
            self.team.claims.remove(&key);
        }
    }

    pub(super) fn release_shared(&mut self, keys: &[SummaryKey]) {
        let own = self.team.process;
        self.team
            .claims
            .retain(|key, (holder, _)| *holder != own || !keys.contains(key));
    }

    /// No daemon pays for what a reachable, honest store holds, or has given to another daemon.
    pub(super) fn check_claim(&mut self, key: SummaryKey) -> Result<(), String> {
        if self.sharing.is_none() {
            return Ok(());
        }
        let patient = self
            .team
            .held
            .get(&key)
            .is_some_and(|since_ms| self.now_ms >= since_ms + PATIENCE_MS);
        match self.team.granted.remove(&key) {
            _ if patient => Ok(()),
            Some(at_ms) if self.now_ms <= at_ms + 15_000 => Ok(()),
            Some(_) => Err(format!("{} is paid for with a claim of long ago", key.0)),
            None => Err(format!("{} is paid for without a claim", key.0)),
        }
    }
}
