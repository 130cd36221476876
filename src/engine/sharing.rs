//! A store that a team shares: looked up before anything is paid for, and claimed, so that one of many pays.
//!
//! The shell answers within a deadline, also when the store is unreachable: then as if it had nothing and granted every
//! claim. So a dead store costs duplicates, and delays a request by the deadline.

use std::collections::BTreeSet;

use crate::model::shared::Claim;
use crate::model::summary::{SummaryDigest, SummaryKey, SummaryRef};

use super::Engine;
use super::effect::Effect;
use super::in_flight::{InFlight, Stage};

/// How long a granted claim may wait for its request, in milliseconds; then it is claimed again.
const CLEARED_MS: u64 = 10_000;
/// The first pause between two polls of keys that others claimed, in milliseconds; it doubles while none is found.
const POLL_MS: u64 = 500;
/// Doublings of that pause.
const POLL_DOUBLINGS: u32 = 3;

/// How the shared store is used.
#[derive(Clone, Copy, Debug)]
pub struct Sharing {
    /// Whether each request is preceded by a claim.
    pub claims: bool,
    /// How long a key waits for another process's response before it is requested here as well, in milliseconds.
    pub patience_ms: u64,
    /// Different in each process, so that processes that start together begin at different keys.
    pub salt: u64,
}

/// A key's claim.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClaimState {
    /// When it was granted, until the request is sent (monotonic milliseconds).
    pub cleared_ms: Option<u64>,
    /// Whether it was ever granted: then it is released if the request fails for good.
    pub granted: bool,
    /// Whether it occupies the slot of the request that follows.
    pub slot: bool,
    /// Since when another process has it (monotonic milliseconds).
    pub held_since_ms: Option<u64>,
    /// When the other process's claim ends (monotonic milliseconds).
    pub held_until_ms: u64,
}

/// The keys that other processes claimed, and what a step gathered.
#[derive(Debug, Default)]
pub struct Shared {
    /// Keys to look up, gathered during a step.
    lookups: Vec<SummaryKey>,
    /// Keys to claim, gathered during a step: for single requests, and for a batch.
    claims: [Vec<SummaryKey>; 2],
    /// Keys whose claim is not needed any more, gathered during a step.
    releases: Vec<SummaryKey>,
    held: BTreeSet<SummaryKey>,
    /// When the held keys are looked up next (monotonic milliseconds).
    poll_at_ms: Option<u64>,
    /// Whether that is in progress.
    polling: bool,
    /// Polls in a row that found nothing.
    misses: u32,
}

impl Shared {
    /// When the held keys are looked up next (monotonic milliseconds).
    pub fn poll_due_ms(&self) -> Option<u64> {
        self.poll_at_ms.filter(|_| !self.polling)
    }

    fn poll_later(&mut self, now_ms: u64) {
        let pause_ms = POLL_MS << self.misses.min(POLL_DOUBLINGS);
        self.poll_at_ms = (!self.held.is_empty()).then_some(now_ms + pause_ms);
    }
}

impl Engine {
    /// The local store does not have it: it is looked up in the shared one, if there is one.
    pub(super) fn look_up_shared(&mut self, key: SummaryKey) {
        let paid = self.in_flight.get(key).is_some_and(|entry| entry.paid);
        let stage = match self.options.sharing {
            Some(_) if paid => {
                self.shared.lookups.push(key);
                Stage::LookingUpShared
            }
            _ => Stage::Ready,
        };
        self.set_stage(key, stage);
    }

    /// The order of a key among equals: in one of many processes that begin at once, another one in each.
    pub(super) fn shuffled(&self, key: SummaryKey, bulk: bool, arrival: u64) -> u64 {
        match self.options.sharing {
            Some(sharing) if bulk && sharing.claims => {
                let [a, b, c, d, e, f, g, h, ..] = key.0.0;
                u64::from_le_bytes([a, b, c, d, e, f, g, h]) ^ sharing.salt
            }
            _ => arrival,
        }
    }

    /// The look-up in the shared store is done; what was found is stored here.
    pub(super) fn looked_up_shared(&mut self, found: Vec<(SummaryKey, Option<SummaryDigest>)>) {
        let mut polled = false;
        let mut any = false;
        for (key, digest) in found {
            let stage = self.in_flight.get(key).map(|entry| entry.stage);
            polled |= self.shared.held.contains(&key);
            match (stage, digest) {
                (Some(Stage::LookingUpShared | Stage::Held), Some(digest)) => {
                    any |= self.shared.held.remove(&key);
                    self.summary_stored(SummaryRef { key, digest });
                }
                (Some(Stage::LookingUpShared), None) => self.set_stage(key, Stage::Ready),
                _ => {}
            }
        }
        if polled {
            self.shared.polling = false;
            self.shared.misses = if any { 0 } else { self.shared.misses + 1 };
            self.shared.poll_later(self.now.monotonic_ms);
        }
    }

    /// Whether a request may be sent for the key without a claim, or with the one that it has.
    pub(super) fn is_cleared(&self, key: SummaryKey) -> bool {
        if !self.options.sharing.is_some_and(|sharing| sharing.claims) {
            return true;
        }
        let entry = self.in_flight.get(key);
        let cleared_ms = entry.and_then(|entry| entry.claim.cleared_ms);
        cleared_ms.is_some_and(|at_ms| self.now.monotonic_ms < at_ms + CLEARED_MS)
    }

    /// Claims a key that is next. `slot`: its request is sent as soon as the claim is granted; otherwise it goes by a batch.
    pub(super) fn claim(&mut self, key: SummaryKey, slot: bool) {
        self.pacing.claiming += usize::from(slot);
        self.shared.claims[usize::from(!slot)].push(key);
        self.in_flight.change(key, self.now.monotonic_ms, |entry| {
            entry.stage = Stage::Claiming;
            entry.claim.slot = slot;
        });
    }

    /// The claims are decided.
    pub(super) fn claimed(&mut self, results: Vec<(SummaryKey, Claim)>) {
        let now_ms = self.now.monotonic_ms;
        let patience_ms = self
            .options
            .sharing
            .map_or(0, |sharing| sharing.patience_ms);
        for (key, result) in results {
            let Some(entry) = self.in_flight.get(key) else {
                continue;
            };
            if entry.stage != Stage::Claiming {
                continue;
            }
            let mut claim = entry.claim;
            self.pacing.claiming -= usize::from(std::mem::take(&mut claim.slot));
            let stage = match result {
                Claim::Found(digest) => {
                    self.summary_stored(SummaryRef { key, digest });
                    continue;
                }
                Claim::Held { left_ms } => {
                    let since_ms = *claim.held_since_ms.get_or_insert(now_ms);
                    // A claim that says more is not to be trusted.
                    claim.held_until_ms =
                        (now_ms.saturating_add(left_ms)).min(since_ms + patience_ms);
                    match now_ms < since_ms + patience_ms {
                        true => Stage::Held,
                        // It took too long: paying twice is better than waiting for ever.
                        false => {
                            claim.cleared_ms = Some(now_ms);
                            Stage::Ready
                        }
                    }
                }
                Claim::Granted => {
                    claim.cleared_ms = Some(now_ms);
                    claim.granted = true;
                    Stage::Ready
                }
            };
            self.in_flight.change(key, now_ms, |entry| {
                entry.stage = stage;
                entry.claim = claim;
            });
            if stage == Stage::Held {
                self.shared.held.insert(key);
                self.shared.misses = 0;
            }
        }
        if !self.shared.polling && self.shared.poll_at_ms.is_none() {
            self.shared.poll_later(now_ms);
        }
    }

    /// Looks up what others claimed; claims it here where their claims have ended.
    pub(super) fn poll_held(&mut self, effects: &mut Vec<Effect>) {
        let now_ms = self.now.monotonic_ms;
        if self.shared.poll_due_ms().is_none_or(|at_ms| at_ms > now_ms) {
            return;
        }
        for key in std::mem::take(&mut self.shared.held) {
            let until_ms = self
                .in_flight
                .get(key)
                .map(|entry| entry.claim.held_until_ms);
            if self.first_waiter(key).is_none() {
                self.abandon(key);
            } else if until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
                self.set_stage(key, Stage::Ready);
            } else {
                self.shared.held.insert(key);
            }
        }
        self.shared.poll_at_ms = None;
        if !self.shared.held.is_empty() {
            self.shared.polling = true;
            let keys = self.shared.held.iter().copied().collect();
            effects.push(Effect::LookUpShared { keys, again: true });
        }
    }

    /// Ends a key that gets no summary; its claim is left to others.
    pub(super) fn abandon(&mut self, key: SummaryKey) -> Option<InFlight> {
        let ended = self.in_flight.end(key)?;
        if ended.claim.granted {
            self.shared.releases.push(key);
        }
        Some(ended)
    }

    /// Sends what the step gathered.
    pub(super) fn share(&mut self, effects: &mut Vec<Effect>) {
        let Shared {
            lookups,
            claims,
            releases,
            ..
        } = &mut self.shared;
        if !lookups.is_empty() {
            let keys = std::mem::take(lookups);
            effects.push(Effect::LookUpShared { keys, again: false });
        }
        for (keys, batch) in claims.iter_mut().zip([false, true]) {
            if !keys.is_empty() {
                let keys = std::mem::take(keys);
                effects.push(Effect::Claim { keys, batch });
            }
        }
        if !releases.is_empty() {
            effects.push(Effect::Release(std::mem::take(releases)));
        }
    }

    fn set_stage(&mut self, key: SummaryKey, stage: Stage) {
        let now_ms = self.now.monotonic_ms;
        self.in_flight
            .change(key, now_ms, |entry| entry.stage = stage);
    }
}
