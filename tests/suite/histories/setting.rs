//! The settings of one history.

use fastrand::Rng;

use super::generator::EXPORTED;
use super::op::Place;

/// The user's configuration and the folders that are repositories.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    /// No notifications: everything is polled at this interval, in seconds.
    pub polled: Option<u32>,
    /// Whether there is an export folder.
    pub exported: bool,
    /// Whether the folder beside the repository is a repository, too.
    pub beside: bool,
}

impl Setting {
    /// The settings of a seed. `EPITOME_HISTORIES_POLLED=3600` polls in all histories, at this interval in seconds.
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
        // One hour, so that only a wait starts a scan.
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

    /// The configuration of the user who runs the new index.
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
