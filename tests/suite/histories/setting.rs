//! What goes with a history from its first moment on.

use fastrand::Rng;

use super::chance::EXPORTED;
use super::op::Place;

/// What the user configured, and which folders are repositories.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    /// No notifications: everything is polled at this interval, in seconds.
    pub polled: Option<u32>,
    /// There is an export folder.
    pub exported: bool,
    /// The folder beside the repository is one, too.
    pub beside: bool,
}

impl Setting {
    /// What goes with a seed. `EPITOME_HISTORIES_POLLED=3600`: all are polled, so many seconds apart.
    pub fn of(seed: u64, wide: bool) -> Self {
        let always = std::env::var("EPITOME_HISTORIES_POLLED");
        let always = always.ok().map(|seconds| seconds.parse().unwrap_or(1));
        if !wide {
            return Self {
                polled: always,
                ..Self::default()
            };
        }
        let mut rng = Rng::with_seed(seed ^ 0x5e77);
        // An hour: then nothing but a wait makes the daemon look.
        let every = [1, 3_600][rng.usize(..2)];
        Self {
            polled: always.or((rng.u32(..6) == 0).then_some(every)),
            exported: rng.u32(..4) == 0,
            beside: rng.u32(..4) == 0,
        }
    }

    pub fn config(self) -> String {
        let mut text = "[watch]\nsettle_ms = 20\n".to_owned();
        if let Some(seconds) = self.polled {
            text += &format!("backend = \"poll\"\npoll_seconds = {seconds}\n");
        }
        if self.exported {
            text += &format!("[export]\ndir = \"{EXPORTED}\"\n");
        }
        text
    }

    /// That of a user who only looks.
    pub fn other_config(self) -> String {
        match self.exported {
            true => format!("[files]\nexclude = [\"/{EXPORTED}\"]\n"),
            false => String::new(),
        }
    }

    /// The repositories.
    pub fn roots(self) -> Vec<Place> {
        let beside = self.beside.then_some("out");
        beside.into_iter().chain(["tree"]).map(Place::new).collect()
    }
}
