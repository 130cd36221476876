//! Debouncing: which directories to list, and when.

use std::collections::BTreeMap;

use crate::model::path::RelPath;

use super::effect::Depth;

/// The quiet time before a change is processed, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The time without a further change.
    pub quiet_ms: u64,
    /// The limit, counted from the first change.
    pub cap_ms: u64,
}

/// The directories of one repository to list.
#[derive(Debug, Default)]
pub struct Debounce {
    targets: BTreeMap<RelPath, Depth>,
    first_ms: u64,
    last_ms: u64,
    urgent: bool,
}

impl Debounce {
    /// Something changed in a directory.
    pub fn add(&mut self, directory: RelPath, depth: Depth, now_ms: u64) {
        if self.targets.is_empty() {
            self.first_ms = now_ms;
        }
        self.last_ms = now_ms;
        let known = self.targets.entry(directory).or_insert(depth);
        *known = depth.max(*known);
    }

    /// Like `add`, and ends the quiet time of all directories.
    pub fn add_urgent(&mut self, directory: RelPath, depth: Depth, now_ms: u64) {
        self.add(directory, depth, now_ms);
        self.urgent = true;
    }

    /// Whether there is nothing to list.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// When the window closes (monotonic milliseconds); `None` while there is nothing to list.
    pub fn due_ms(&self, window: Window, expedite: bool) -> Option<u64> {
        if self.targets.is_empty() {
            return None;
        }
        if self.urgent || expedite {
            return Some(0);
        }
        Some((self.last_ms + window.quiet_ms).min(self.first_ms + window.cap_ms))
    }

    /// Takes all directories, without those below another one that is listed with everything below it.
    pub fn take(&mut self) -> Vec<(RelPath, Depth)> {
        self.urgent = false;
        let mut kept: Vec<(RelPath, Depth)> = Vec::new();
        let mut cover: Option<RelPath> = None;
        // In the order of bytes, a directory precedes everything below it, though siblings may come between.
        for (path, depth) in std::mem::take(&mut self.targets) {
            if cover.as_ref().is_some_and(|cover| path.is_within(cover)) {
                continue;
            }
            if depth == Depth::Everything {
                cover = Some(path.clone());
            }
            kept.push((path, depth));
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        quiet_ms: 200,
        cap_ms: 1_000,
    };

    #[test]
    fn a_window_closes_after_quiet_or_at_its_cap() {
        let mut debounce = Debounce::default();
        assert_eq!(debounce.due_ms(WINDOW, false), None);
        debounce.add(RelPath::new("a"), Depth::Entries, 100);
        assert_eq!(debounce.due_ms(WINDOW, false), Some(300));
        for now in (200..3_000).step_by(100) {
            debounce.add(RelPath::new("b"), Depth::Entries, now);
        }
        assert_eq!(debounce.due_ms(WINDOW, false), Some(1_100));
        assert_eq!(debounce.due_ms(WINDOW, true), Some(0));
        assert_eq!(debounce.take().len(), 2);
        assert!(debounce.is_empty());
    }

    #[test]
    fn directories_below_a_whole_one_are_listed_once() {
        let mut debounce = Debounce::default();
        debounce.add(RelPath::new("a/b"), Depth::Entries, 0);
        debounce.add(RelPath::new("a"), Depth::Everything, 0);
        debounce.add(RelPath::new("a"), Depth::Entries, 0);
        debounce.add(RelPath::new("ab"), Depth::Entries, 0);
        assert_eq!(
            debounce.take(),
            [
                (RelPath::new("a"), Depth::Everything),
                (RelPath::new("ab"), Depth::Entries)
            ]
        );
    }
}
