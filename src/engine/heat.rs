//! Bounds what one file can cost: a file that changes again and again is requested less and less often.
//!
//! The first requests in a row come after the usual quiet time. Then the pause doubles, up to an hour, until the file
//! has rested. A wait ends a pause like any other quiet time.

use std::collections::BTreeMap;

use super::debounce::Window;
use super::tree::{Changed, NodeId};
use crate::model::time::Timestamp;

/// Requests in a row that come after the usual quiet time.
const FREE: u32 = 3;
/// A request without the usual quiet time counts as this many.
const NEVER_QUIET: u32 = 3;
/// The longest pause between two requests for one file.
const LONGEST_MS: u64 = 60 * 60 * 1_000;
/// A file without a change for this long, and for at least its pause, has rested.
const REST_MS: u64 = 10 * 60 * 1_000;
/// The least pause to double, where the usual quiet time is shorter.
const LEAST_MS: u64 = 1_000;

/// How often one file was requested.
#[derive(Clone, Copy, Debug, Default)]
struct Heat {
    /// Requests in a row without a rest.
    in_a_row: u32,
    /// When the last one was sent (monotonic milliseconds).
    last_ms: u64,
    /// The day that `today` counts, since 1970.
    day: u64,
    /// Requests on that day.
    today: u64,
}

impl Heat {
    fn pause_ms(&self, quiet: Window) -> u64 {
        let doublings = self.in_a_row.saturating_sub(FREE);
        if doublings == 0 {
            return 0;
        }
        let longer = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        let pause_ms = quiet.quiet_ms.max(LEAST_MS).saturating_mul(longer);
        pause_ms.min(LONGEST_MS)
    }
}

/// The files of one repository that were requested since the engine began.
#[derive(Debug, Default)]
pub struct HeatTable(BTreeMap<NodeId, Heat>);

impl HeatTable {
    /// The earliest time of the next request for a file (monotonic milliseconds); 0: the usual quiet time is enough.
    pub fn not_before_ms(&self, id: NodeId, quiet: Window) -> u64 {
        let heat = self.0.get(&id);
        heat.map_or(0, |heat| match heat.pause_ms(quiet) {
            0 => 0,
            pause_ms => heat.last_ms + pause_ms,
        })
    }

    /// A file is requested now. `changed`: the changes that the request is about; a first index does not count.
    pub fn requested(
        &mut self,
        id: NodeId,
        changed: Option<Changed>,
        quiet: Window,
        now: Timestamp,
    ) {
        let Some(changed) = changed else { return };
        let heat = self.0.entry(id).or_default();
        if heat.day != now.day() {
            (heat.day, heat.today) = (now.day(), 0);
        }
        heat.today += 1;
        let rested_ms = changed.first_ms.saturating_sub(heat.last_ms);
        if rested_ms >= REST_MS.max(heat.pause_ms(quiet)) {
            heat.in_a_row = 0;
        }
        let never_quiet = changed.first_ms + quiet.cap_ms <= changed.last_ms + quiet.quiet_ms;
        heat.in_a_row += if never_quiet { NEVER_QUIET } else { 1 };
        heat.last_ms = now.monotonic_ms;
    }

    /// Forgets files that no longer exist.
    pub fn forget(&mut self, exists: impl Fn(NodeId) -> bool) {
        self.0.retain(|&id, _| exists(id));
    }

    /// The files that are requested less often than usual, or most often on this day: the most expensive first.
    pub fn hottest(&self, day: u64, most: usize) -> Vec<(NodeId, u64)> {
        let mut all: Vec<(NodeId, u64)> = self
            .0
            .iter()
            .filter(|(_, heat)| heat.day == day && heat.today > 1)
            .map(|(&id, heat)| (id, heat.today))
            .collect();
        all.sort_by_key(|&(id, today)| (std::cmp::Reverse(today), id));
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tree::ROOT;

    const QUIET: Window = Window {
        quiet_ms: 2_000,
        cap_ms: 30_000,
    };

    /// The requests within some hours for a file that changes every so many milliseconds.
    fn requests(every_ms: u64, hours: u64) -> Vec<u64> {
        let mut heat = HeatTable::default();
        let mut sent = Vec::new();
        let mut changed: Option<Changed> = None;
        let start_ms = 100_000_000;
        for now_ms in (start_ms..start_ms + hours * 3_600_000).step_by(500) {
            if (now_ms - start_ms) % every_ms == 0 {
                let first_ms = changed.map_or(now_ms, |changed| changed.first_ms);
                changed = Some(Changed {
                    first_ms,
                    last_ms: now_ms,
                });
            }
            let Some(now_changed) = changed else { continue };
            let usual =
                (now_changed.last_ms + QUIET.quiet_ms).min(now_changed.first_ms + QUIET.cap_ms);
            if now_ms >= usual.max(heat.not_before_ms(ROOT, QUIET)) {
                let now = Timestamp {
                    monotonic_ms: now_ms,
                    unix_ms: now_ms,
                };
                heat.requested(ROOT, changed.take(), QUIET, now);
                sent.push(now_ms - start_ms);
            }
        }
        sent
    }

    #[test]
    fn a_file_that_changes_without_end_is_requested_less_and_less_often() {
        let log = requests(1_000, 24);
        assert!(log.len() < 40, "{} requests", log.len());
        assert!(
            log.iter().filter(|&&at| at < 180_000).count() <= 5,
            "{log:?}"
        );
        let stamp = requests(20_000, 24);
        assert!(stamp.len() < 50, "{} requests", stamp.len());
    }

    #[test]
    fn a_file_that_rests_is_requested_as_usual() {
        // A change every twenty minutes.
        let slow = requests(1_200_000, 24);
        assert_eq!(slow.len(), 72);
    }

    #[test]
    fn the_hottest_files_are_those_of_the_day() {
        let mut heat = HeatTable::default();
        let at = |unix_ms| Timestamp {
            monotonic_ms: unix_ms,
            unix_ms,
        };
        let changed = Changed {
            first_ms: 1,
            last_ms: 1,
        };
        for _ in 0..3 {
            heat.requested(ROOT, Some(changed), QUIET, at(5));
        }
        heat.requested(ROOT, None, QUIET, at(5));
        assert_eq!(heat.hottest(0, 5), [(ROOT, 3)]);
        assert_eq!(heat.hottest(1, 5), []);
    }
}
