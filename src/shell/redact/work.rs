//! A bound on the time that a text may take.
//!
//! A trigger costs more than the bytes that it stands in, so a text that is made of triggers would take a hundred times
//! as long as another one. The rules count what they read. What is over the bound is not judged but removed to the end
//! of its line: it fails closed.

use std::cell::Cell;

/// What may be spent before the first byte, and for each byte of the text before a trigger; about a nanosecond each.
const ALLOWANCE: usize = 4 << 20;
const RATE: usize = 6;

/// What has been spent on a text.
#[derive(Default)]
pub(super) struct Work(Cell<usize>);

impl Work {
    pub fn spend(&self, units: usize) {
        self.0.set(self.0.get().saturating_add(units));
    }

    /// Whether too much was spent on what stands before `at`.
    pub fn is_over(&self, at: usize) -> bool {
        self.0.get() > ALLOWANCE + RATE * at
    }
}
