//! A user with private folders, and the program run in them, timed from start to exit.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::model::Model;

/// A user; dropping it removes the folders.
pub struct User {
    folder: tempfile::TempDir,
}

/// The program, or the one that EPITOME_BENCH_PROGRAM names, to compare builds.
fn program() -> std::ffi::OsString {
    std::env::var_os("EPITOME_BENCH_PROGRAM")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_epitome").into())
}

impl User {
    /// A user of this model. `more` holds additional lines of the section `[openai]`.
    pub fn of(model: &Model, more: &str) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir_all(folder.path().join("repo"))?;
        fs::write(
            folder.path().join("config.toml"),
            format!(
                "[summaries]\nprovider = \"openai\"\n\n[budget]\nconfirm_above = 0\n\n[openai]\nbase_url = \"{}\"\nmodel = \"fake-1\"\n{more}\n",
                model.url()
            ),
        )?;
        Ok(Self { folder })
    }

    /// The user's repository.
    pub fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// Runs `epitome index`: when the command began and ended, and its standard error.
    pub fn index(&self) -> std::io::Result<(Instant, Instant, String)> {
        let at = |name: &str| self.folder.path().join(name);
        let begun = Instant::now();
        let done = Command::new(program())
            .arg("index")
            .arg(self.repo())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("EPITOME_CONFIG", at("config.toml"))
            .env("EPITOME_DATA_DIR", at("data"))
            .env("EPITOME_SOCKET", at("socket"))
            .env("OPENAI_API_KEY", "sk-bench")
            .envs(std::env::var_os("EPITOME_LOG").map(|filter| ("EPITOME_LOG", filter)))
            .stdin(Stdio::null())
            .output()?;
        let ended = Instant::now();
        let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
        if std::env::var_os("EPITOME_LOG").is_some() {
            fs::write(std::env::temp_dir().join("first_index.log"), &stderr)?;
        }
        if !done.status.success() {
            return Err(std::io::Error::other(format!("{}: {stderr}", done.status)));
        }
        Ok((begun, ended, stderr))
    }
}
