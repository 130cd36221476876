//! A bound on the time that a text may take.
//!
//! A trigger costs more than the bytes that it stands in, so a text that is made of triggers would take a hundred times
//! as long as another one. The rules count what they read. What is over the bound is not judged but removed to the end
//! of its line: it fails closed.

use std::cell::Cell;

/// What may be spent on a text beside what its bytes allow; about half a nanosecond each.
const ALLOWANCE: usize = 4 << 20;
/// The same where only the text around marks is read again.
const AGAIN: usize = 1 << 20;
/// What each byte allows.
const RATE: usize = 8;
/// What may be spent behind a place that was removed.
const AFTER: usize = 8 << 10;

/// What has been spent on a text, and what may be beside what its bytes allow.
pub(super) struct Work {
    spent: Cell<usize>,
    allowance: usize,
}

impl Work {
    /// The work of a round: the first one reads the whole text.
    pub fn of_round(number: usize) -> Self {
        let allowance = if number == 0 { ALLOWANCE } else { AGAIN };
        Self {
            spent: Cell::new(0),
            allowance,
        }
    }

    pub fn spend(&self, units: usize) {
        self.spent.set(self.spent.get().saturating_add(units));
    }

    /// Whether too much was spent on what stands before `at`.
    pub fn is_over(&self, at: usize) -> bool {
        self.spent.get() > self.allowance + RATE * at
    }

    /// Goes on behind a place that was removed, or behind its mark when the text is read again: with as little left.
    pub fn resume(&self, at: usize) {
        let least = (self.allowance + RATE * at).saturating_sub(AFTER);
        self.spent.set(least);
    }
}
