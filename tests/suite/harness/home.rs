//! A user's folders and environment, and the program run in it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Alone, Answer, DEADLINE, Daemon, FakeModel, Repo, http};

/// The key that tests use; it must never appear in any output.
pub const API_KEY: &str = "sk-test-5ecret5ecret5ecret5ecret";

/// An isolated user: configuration, store and socket in a temporary folder.
pub struct Home {
    folder: tempfile::TempDir,
}

/// A finished run of the program.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl Home {
    /// A user without configuration.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("epi").tempdir().unwrap();
        for name in ["config/epitome", "data", "run", "home", "temp"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.path().join("run"), private).unwrap();
        Self { folder }
    }

    /// A user with a configuration.
    pub fn with(config: &str) -> Self {
        let home = Self::new();
        home.configure(config);
        home
    }

    /// A user with a model. `openai` has more lines for that section and may open other sections after them.
    pub fn with_model(model: &FakeModel, openai: &str) -> Self {
        let home = Self::new();
        home.use_model(model, openai);
        home
    }

    /// Writes a configuration with the model.
    pub fn use_model(&self, model: &FakeModel, openai: &str) {
        let url = model.url();
        // A test cannot confirm a large first index.
        let budget = match openai.contains("[budget]") {
            true => "",
            false => "[budget]\nconfirm_above = 0\n\n",
        };
        self.configure(&format!(
            "[summaries]\nprovider = \"openai\"\n\n{budget}[watch]\nsettle_ms = 20\n\n\
             [openai]\nbase_url = \"{url}\"\nmodel = \"fake-1\"\n{openai}\n"
        ));
    }

    /// Writes the configuration.
    pub fn configure(&self, config: &str) {
        fs::write(self.config(), config).unwrap();
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config/epitome/config.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data/epitome")
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/epitome.sock")
    }

    /// A scratch folder.
    pub fn temp(&self) -> PathBuf {
        self.folder.path().join("temp")
    }

    /// The program in this user's environment, without the test process's variables.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_by(&[], arguments)
    }

    /// [`Home::command`] run through a wrapper: `before` precedes it on the command line.
    pub fn command_by(&self, before: &[&str], arguments: &[&str]) -> Command {
        let at = |name: &str| self.folder.path().join(name);
        let command_line = [before, &[env!("CARGO_BIN_EXE_epitome")], arguments].concat();
        let mut command = Command::new(command_line[0]);
        command
            .args(&command_line[1..])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", at("home"))
            .env("XDG_CONFIG_HOME", at("config"))
            .env("XDG_DATA_HOME", at("data"))
            .env("XDG_RUNTIME_DIR", at("run"))
            .env("OPENAI_API_KEY", API_KEY)
            .current_dir(at("home"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program until it exits.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Done {
        finish(&mut self.command(arguments))
    }

    /// [`Home::run`] in a folder.
    #[track_caller]
    pub fn run_in(&self, folder: &Path, arguments: &[&str]) -> Done {
        finish(self.command(arguments).current_dir(folder))
    }

    /// Runs the program, asserts success, and parses its JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(arguments).expect(0).json()
    }

    /// Starts a daemon that watches `paths`; returns when it responds.
    #[track_caller]
    pub fn daemon(&self, paths: &[&str]) -> Daemon {
        Daemon::start(self, paths)
    }

    /// Starts a daemon that watches a repository; returns when that is summarized.
    #[track_caller]
    pub fn watching(&self, repo: &Repo) -> Daemon {
        let daemon = self.daemon(&[&repo.at("")]);
        self.wait(repo);
        daemon
    }

    /// Runs a command that becomes the daemon at this user's socket; returns when it responds.
    #[track_caller]
    pub fn daemon_by(&self, command: Command) -> Daemon {
        Daemon::run(self, command)
    }

    /// Runs `epitome wait` for a repository.
    #[track_caller]
    pub fn wait(&self, repo: &Repo) -> Done {
        self.run(&["wait", &repo.at(""), "--timeout", "35"])
            .expect(0)
    }

    /// Sends a request to the socket; an error if no process listens there.
    pub fn try_http(&self, method: &str, target: &str, body: &str) -> std::io::Result<Answer> {
        http::send(&self.socket(), method, target, body)
    }

    /// Sends a request to the daemon; panics if it does not respond.
    #[track_caller]
    pub fn http(&self, method: &str, target: &str, body: &str) -> Answer {
        match self.try_http(method, target, body) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {target}: {error}"),
        }
    }

    /// The node at an absolute path.
    #[track_caller]
    pub fn node(&self, path: &str, depth: u32) -> Value {
        let target = format!("/v1/node?path={}&depth={depth}", http::encode(path));
        self.http("GET", &target, "").expect(200).json()
    }

    /// The daemon's status.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.http("GET", "/v1/status", "").expect(200).json()
    }
}

/// Runs a command until it exits, with its output in files so that no full pipe can block it.
#[track_caller]
pub fn finish(command: &mut Command) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let files = ["stdout", "stderr"].map(|name| folder.path().join(name));
    let mut child = command
        .stdout(File::create(&files[0]).unwrap())
        .stderr(File::create(&files[1]).unwrap())
        .spawn_alone()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > DEADLINE {
            child.kill().unwrap();
            child.wait().unwrap();
            let stderr = fs::read_to_string(&files[1]).unwrap();
            panic!("{command:?} does not exit; standard error:\n{stderr}");
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    let [stdout, stderr] =
        files.map(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned());
    Done {
        code: status.code(),
        stdout,
        stderr,
    }
}
