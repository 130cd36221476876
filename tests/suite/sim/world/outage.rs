//! Hours with thousands of files: edits, kills, a root that disappears and returns, a model that fails for one request in
//! three and refuses everything for minutes. Afterwards everything has to become fresh.

use epitome::engine::view::NodeView;
use epitome::model::path::RelPath;

use super::{Conditions, EPOCH_MS, REPO, Sabotage, Tally, Text, World};

const HOUR_MS: u64 = 60 * 60_000;
/// The number of files in a directory.
const FILES_PER_DIRECTORY: u32 = 8;

impl World {
    /// A world with `files` files before the outage.
    pub fn with_outage(seed: u64, files: u32) -> Self {
        let mut world = Self::new(seed, Sabotage::None);
        world.refusing = false;
        world.conditions = Conditions {
            outage: true,
            // A check visits all files.
            check_one_in: files.max(4),
            max_steps: u64::MAX,
        };
        for number in 0..files {
            let path = path_of(number);
            if let Some((folder, _)) = path.rsplit_once('/') {
                world.disk.make_directory(folder);
            }
            let text = Text {
                meaning: 1_000 + number,
                layout: 0,
            };
            world.disk.write(&path, text, EPOCH_MS);
        }
        world
    }

    /// Runs the outage. Returns the tally and how long it took afterwards until everything was fresh, in milliseconds.
    pub fn outage(&mut self, hours: u64) -> Result<(Tally, u64), String> {
        let files = self.disk.files.len() as u32;
        let mut meaning = 1_000 + files;
        self.start()?;
        while self.now_ms < hours * HOUR_MS {
            match self.random.u8(0..24) {
                0 => self.crash()?,
                1 => {
                    self.disk.root_is_there = !self.disk.root_is_there;
                    self.lose();
                }
                2..=3 => self.begin_wait()?,
                4..=5 => self.edit(true),
                _ if !self.disk.root_is_there => {
                    self.disk.root_is_there = true;
                    self.lose();
                }
                _ => {
                    // A user edits, or switches the branch.
                    let most = if self.random.u8(0..6) == 0 {
                        files / 10
                    } else {
                        6
                    };
                    for _ in 0..self.random.u32(0..=most) {
                        meaning += 1;
                        let path = path_of(self.random.u32(0..files));
                        let text = Text { meaning, layout: 0 };
                        self.write_watched(&path, text);
                    }
                }
            }
            let until = self.now_ms + self.random.u64(0..6 * 60_000);
            self.pass_until(until)?;
        }
        self.calm = true;
        if !self.disk.root_is_there {
            self.disk.root_is_there = true;
            self.lose();
        }
        let morning = self.now_ms;
        loop {
            // Requests that used up their attempts are retried at growing intervals.
            self.pass_until(self.now_ms + 5 * 60_000)?;
            let status = self.engine.repository_status(REPO).ok_or("no repository")?;
            let open = status.pending + status.stale + status.failed;
            if open == 0 && self.agenda.is_empty() {
                break;
            }
            if self.now_ms > morning + 3 * HOUR_MS {
                let view = self.engine.view(REPO, &RelPath::root(), usize::MAX);
                let why = view.as_ref().and_then(first_error);
                return Err(format!(
                    "after three hours {open} nodes are not fresh, one because of {why:?}: {status:?}"
                ));
            }
        }
        let took_ms = self.now_ms - morning;
        self.judge()?;
        self.flush();
        let requests = self.tally.requests;
        self.crash()?;
        self.pass_until(self.now_ms + HOUR_MS)?;
        self.judge()?;
        if self.tally.requests != requests {
            return Err("a restart with nothing changed sent requests".to_owned());
        }
        Ok((self.tally, took_ms))
    }
}

fn first_error(view: &NodeView) -> Option<String> {
    let own = view
        .error
        .as_ref()
        .map(|error| format!("{}: {error}", view.path));
    own.or_else(|| view.children.iter().flatten().find_map(first_error))
}

/// The path of a numbered file, in nested folders.
fn path_of(number: u32) -> String {
    let mut path = String::new();
    let mut rest = number / FILES_PER_DIRECTORY;
    while rest > 0 {
        path.push_str(&format!("d{}/", rest % 7));
        rest /= 7;
    }
    format!("{path}f{number}.py")
}
