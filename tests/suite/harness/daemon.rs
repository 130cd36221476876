//! A running daemon, stopped when the test ends.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Alone, DEADLINE, Home};

/// The daemon of one [`Home`].
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    #[track_caller]
    pub(super) fn start(home: &Home, paths: &[&str]) -> Self {
        let arguments: Vec<&str> = ["daemon"].iter().chain(paths).copied().collect();
        Self::run(home, home.command(&arguments))
    }

    /// Runs a command that is, or becomes, the daemon at the home's socket.
    #[track_caller]
    pub(super) fn run(home: &Home, command: Command) -> Self {
        let mut daemon = Self::spawn(home, command);
        let start = Instant::now();
        loop {
            match home.try_http("GET", "/v1/status", "") {
                Ok(answer) if answer.status == 200 => return daemon,
                other => {
                    if let Some(status) = daemon.child.try_wait().unwrap() {
                        panic!("the daemon ended with {status}");
                    }
                    assert!(
                        start.elapsed() < DEADLINE,
                        "the daemon does not respond: {other:?}"
                    );
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn spawn(home: &Home, mut command: Command) -> Self {
        // A log for each daemon: a failing test that starts several shows all of them.
        let folder = tempfile::Builder::new()
            .prefix("daemon")
            .tempdir_in(home.temp())
            .unwrap()
            .keep();
        let log = folder.join("stderr");
        if let Some(filter) = std::env::var_os("EPITOME_LOG") {
            command.env("EPITOME_LOG", filter);
        }
        let child = command
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn_alone()
            .unwrap();
        Self { child, log }
    }

    /// Its standard error.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Peak resident memory in MiB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: u64 = line
            .unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap();
        kib / 1024
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the process to exit.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "the daemon does not exit");
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// Kills it with SIGKILL.
    #[track_caller]
    pub fn kill9(mut self) {
        self.signal(Signal::KILL);
        self.ended();
    }

    /// Sends SIGTERM and expects exit code 0.
    #[track_caller]
    pub fn terminate(mut self) {
        self.signal(Signal::TERM);
        let status = self.ended();
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A stopped process handles no signal until it continues.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.log();
        assert!(
            std::thread::panicking() || !log.contains("panicked at"),
            "the daemon panicked:\n{log}"
        );
        if std::thread::panicking() {
            let tail: Vec<&str> = log.lines().rev().take(60).collect();
            println!("--- log of daemon {} (tail):", self.child.id());
            tail.iter().rev().for_each(|line| println!("{line}"));
        }
    }
}
