//! A user with private folders who runs the daemon and sends it requests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take until its first response.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A user; dropping it removes the folders.
pub struct User {
    folder: tempfile::TempDir,
}

/// A daemon, stopped when dropped.
pub struct Daemon(Child);

impl Daemon {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl User {
    /// A user without configuration.
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        // One folder further down: the daemon also sees changes beside the repository.
        fs::create_dir_all(folder.path().join("own/repo"))?;
        // A configuration named by an option must exist.
        fs::write(folder.path().join("config.toml"), "")?;
        Ok(Self { folder })
    }

    /// The user's repository.
    pub fn repo(&self) -> PathBuf {
        self.folder.path().join("own/repo")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let at = |name: &str| self.folder.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_epitome"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("EPITOME_CONFIG", at("config.toml"))
            .env("EPITOME_DATA_DIR", at("data"))
            .env("EPITOME_SOCKET", at("socket"))
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts the daemon; returns when it responds.
    pub fn daemon(&self, repo: &Path) -> io::Result<Daemon> {
        let mut command = self.command(&["daemon"]);
        let daemon = Daemon(command.arg(repo).stdout(Stdio::null()).spawn()?);
        let began = Instant::now();
        while self.status().is_err() {
            if began.elapsed() > START_TIMEOUT {
                return Err(io::Error::other("the daemon does not respond"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(daemon)
    }

    fn output(&self, command: &mut Command) -> io::Result<Vec<u8>> {
        let done = command.output()?;
        match done.status.success() {
            true => Ok(done.stdout),
            false => Err(io::Error::other(format!("{command:?}: {}", done.status))),
        }
    }

    /// Returns when everything is settled.
    pub fn wait(&self, repo: &Path) -> io::Result<()> {
        let mut command = self.command(&["wait", "--timeout", "600"]);
        self.output(command.arg(repo)).map(drop)
    }

    fn status(&self) -> io::Result<serde_json::Value> {
        let stdout = self.output(&mut self.command(&["status", "--json"]))?;
        Ok(serde_json::from_slice(&stdout)?)
    }

    /// The number of watched folders.
    pub fn watches(&self) -> io::Result<u64> {
        Ok(self.status()?["repositories"][0]["watches"]
            .as_u64()
            .unwrap_or(0))
    }

    /// The number of known files.
    pub fn files(&self) -> io::Result<u64> {
        Ok(self.status()?["repositories"][0]["files"]
            .as_u64()
            .unwrap_or(0))
    }
}
