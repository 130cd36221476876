//! Points in time. They are inputs: this module reads no clock.

/// One moment on both clocks. Durations use `monotonic_ms`; `unix_ms` is for display and for comparison with file
/// times, and may jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamp {
    /// Milliseconds since some moment before the process started; never decreases.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970, by the wall clock.
    pub unix_ms: u64,
}

/// Milliseconds of one day.
pub const DAY_MS: u64 = 86_400_000;

impl Timestamp {
    /// The day's number since 1970, in UTC: the unit of budgets and of usage.
    pub fn day(&self) -> u64 {
        self.unix_ms / DAY_MS
    }

    /// Milliseconds until the next day begins.
    pub fn ms_to_next_day(&self) -> u64 {
        DAY_MS - self.unix_ms % DAY_MS
    }
}
