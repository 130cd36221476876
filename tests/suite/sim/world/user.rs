//! The user's edits in the simulated world, and the watcher's reports of them, which may be late or lost.

use epitome::engine::event::{Event, WaitId};
use epitome::model::path::RelPath;

use super::{EPOCH_MS, Pending, Promise, REPO, Sabotage, Text, World};

impl World {
    /// Changes the disk. With `watched`, the watcher reports the change or loses it.
    pub(super) fn edit(&mut self, watched: bool) {
        const NAMES: [&str; 5] = ["a", "b", "c", "d", "e.py"];
        let mut path = String::new();
        for _ in 0..self.random.usize(1..4) {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(NAMES[self.random.usize(0..NAMES.len())]);
        }
        let mut touched = vec![path.clone()];
        let text = Text {
            meaning: self.random.u8(0..12).into(),
            layout: self.random.u8(0..3),
        };
        let now_ms = EPOCH_MS + self.now_ms;
        match self.random.u8(0..10) {
            0 => self.disk.remove(&path),
            1 => {
                self.disk.make_directory(&path);
                touched = path
                    .match_indices('/')
                    .map(|(end, _)| path[..end].to_owned())
                    .chain([path.clone()])
                    .collect();
            }
            2 => {
                let from = self
                    .random
                    .choice(self.disk.files.keys())
                    .cloned()
                    .unwrap_or_default();
                if from.is_empty() || !self.disk.rename(&from, &path, now_ms) {
                    return;
                }
                touched.push(from);
            }
            3 => {
                let from = self
                    .random
                    .choice(self.disk.directories.keys())
                    .cloned()
                    .unwrap_or_default();
                if from.is_empty() || !self.disk.rename(&from, &path, now_ms) {
                    return;
                }
                touched.push(from);
            }
            4..=5 => {
                // An edit of an existing file.
                let Some(file) = self.random.choice(self.disk.files.keys()).cloned() else {
                    return;
                };
                touched = vec![file.clone()];
                self.disk.write(&file, text, now_ms);
            }
            _ => {
                if !self.disk.write(&path, text, now_ms) {
                    return;
                }
            }
        }
        if !watched {
            return;
        }
        if self.random.u8(0..15) == 0 && !self.calm {
            self.lose();
            return;
        }
        let paths = touched.iter().map(RelPath::new).collect();
        self.notify(Event::Touched { repo: REPO, paths });
    }

    /// Writes a file; the watcher reports the change or loses it.
    pub(super) fn write_watched(&mut self, path: &str, text: Text) {
        if !self.disk.write(path, text, EPOCH_MS + self.now_ms) {
            return;
        }
        if self.random.u8(0..200) == 0 {
            return self.lose();
        }
        let paths = vec![RelPath::new(path)];
        self.notify(Event::Touched { repo: REPO, paths });
    }

    pub(super) fn lose(&mut self) {
        self.tally.lost += 1;
        if self.sabotage != Sabotage::LossIsSilent {
            self.notify(Event::Lost(REPO));
        }
    }

    pub(super) fn notify(&mut self, event: Event) {
        let at = (self.now_ms + self.random.u64(0..40)).max(self.last_hint_ms);
        self.last_hint_ms = at;
        self.schedule(at - self.now_ms, Pending::Deliver(event));
    }

    pub(super) fn begin_wait(&mut self) -> Result<(), String> {
        self.waits += 1;
        self.tally.waits += 1;
        let id = WaitId(self.waits);
        let written = self
            .disk
            .files
            .iter()
            // A missing file was not saved before the wait.
            .filter(|_| self.disk.root_is_there)
            .map(|(path, file)| (path.clone(), file.written_ms))
            .collect();
        self.promises.insert(id, Promise { written });
        self.step(Event::Wait {
            id,
            repo: REPO,
            path: RelPath::root(),
        })
    }
}
