//! A night with thousands of files: edits, kills, a folder that goes and comes back, a model that fails one time in
//! three and refuses everything for minutes. In the morning everything has to be fresh.

use epitome::engine::view::NodeView;
use epitome::model::path::RelPath;

use super::{EPOCH_MS, REPO, Sabotage, Tally, Text, Weather, World};

const HOUR_MS: u64 = 60 * 60_000;
/// Files in a directory.
const IN_EACH: u32 = 8;

impl World {
    /// A world of so many files before the night.
    pub fn at_night(seed: u64, files: u32) -> Self {
        let mut world = Self::new(seed, Sabotage::None);
        world.refusing = false;
        world.weather = Weather {
            night: true,
            // A look costs as much as there are files.
            glance_one_in: files.max(4),
            most_steps: u64::MAX,
        };
        for number in 0..files {
            let path = place(number);
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

    /// The night, and how long it took until all was fresh after it.
    pub fn night(&mut self, hours: u64) -> Result<(Tally, u64), String> {
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
                    // A person edits, or switches the branch.
                    let most = if self.random.u8(0..6) == 0 {
                        files / 10
                    } else {
                        6
                    };
                    for _ in 0..self.random.u32(0..=most) {
                        meaning += 1;
                        let path = place(self.random.u32(0..files));
                        let text = Text { meaning, layout: 0 };
                        self.write_seen(&path, text);
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
            // What used all of its tries gets new ones, ever more seldom.
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
                    "three hours later {open} are not fresh, for one {why:?}: {status:?}"
                ));
            }
        }
        let took_ms = self.now_ms - morning;
        self.judge()?;
        self.flush();
        let asks = self.tally.asks;
        self.crash()?;
        self.pass_until(self.now_ms + HOUR_MS)?;
        self.judge()?;
        if self.tally.asks != asks {
            return Err("a restart with nothing changed asked".to_owned());
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

/// Where the file of a number lies: folders in folders.
fn place(number: u32) -> String {
    let mut path = String::new();
    let mut rest = number / IN_EACH;
    while rest > 0 {
        path.push_str(&format!("d{}/", rest % 7));
        rest /= 7;
    }
    format!("{path}f{number}.py")
}
