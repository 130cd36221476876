//! One history: a user, a folder, a daemon, and what happens to them; after each round the daemon's tree has to be
//! that of a program that has never seen the folder before.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use epitome::model::digest::Digest;
use rustix::process::Signal;
use serde_json::Value;

use super::super::harness::{Daemon, Home, every, unforked};
use super::chance::regular_files;
use super::op::Op;

const CONFIG: &str = "[watch]\nsettle_ms = 20\n";

/// Everything of one history.
pub struct History {
    folder: tempfile::TempDir,
    home: Home,
    other: Home,
    daemon: Option<Daemon>,
    stopped: bool,
    /// Something may not be read any more, wherever it was moved since.
    closed: bool,
}

impl History {
    /// A small repository and a daemon that watches it.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("his").tempdir().unwrap();
        for path in ["tree/src/a", "tree/lib", "out"] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for path in [
            "tree/src/m.py",
            "tree/src/a/n.rs",
            "tree/lib/o.py",
            "tree/r.md",
        ] {
            fs::write(folder.path().join(path), format!("# {path}\n")).unwrap();
        }
        let (home, other) = (Home::with(CONFIG), Home::with(CONFIG));
        let mut history = Self {
            folder,
            home,
            other,
            daemon: None,
            stopped: false,
            closed: false,
        };
        history.start();
        history
    }

    pub fn base(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn root(&self) -> String {
        let root = self.base().join("tree");
        root.into_os_string().into_string().unwrap()
    }

    /// Lets one thing happen; only `Settle` and `Look` can find something.
    pub fn apply(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::Stop => self.stop(),
            Op::Continue => self.go_on(),
            Op::Kill => {
                if let Some(daemon) = self.daemon.take() {
                    daemon.kill9();
                }
                self.stopped = false;
            }
            Op::Terminate => {
                self.go_on();
                if let Some(daemon) = self.daemon.take() {
                    daemon.terminate();
                }
            }
            Op::Start => self.start(),
            Op::Look => return self.look(),
            Op::Settle => return self.settle(),
            op => {
                let base = self.base();
                // What git writes, it writes in a process of its own; whoever pauses writes nothing.
                let done = match op {
                    Op::Git(..) | Op::Pause(_) => op.apply(&base),
                    op => unforked(|| op.apply(&base)),
                };
                if let (Ok(()), Op::Mode(..)) = (done, op) {
                    self.closed = true;
                }
            }
        }
        Ok(())
    }

    /// What the daemon said so far.
    pub fn log(&self) -> String {
        self.daemon.as_ref().map(Daemon::log).unwrap_or_default()
    }

    fn stop(&mut self) {
        if let Some(daemon) = &self.daemon {
            daemon.signal(Signal::STOP);
            self.stopped = true;
        }
    }

    fn go_on(&mut self) {
        if let Some(daemon) = self.daemon.as_ref().filter(|_| self.stopped) {
            daemon.signal(Signal::CONT);
            self.stopped = false;
        }
    }

    fn start(&mut self) {
        if self.daemon.is_none() && self.base().join("tree").is_dir() {
            self.daemon = Some(self.home.daemon(&[&self.root()]));
        }
    }

    /// Nothing that the daemon calls fresh now may be otherwise on the disk.
    fn look(&mut self) -> Result<(), String> {
        // Between two polls nobody can know.
        let polled = std::env::var_os("EPITOME_HISTORIES_POLLED").is_some();
        if self.stopped || self.daemon.is_none() || polled {
            return Ok(());
        }
        let tree = self.home.run(&["tree", &self.root(), "--json"]);
        if tree.code != Some(0) {
            // The root may hold nothing yet; anything else is a matter of other tests.
            return Ok(());
        }
        let base = self.base().join("tree");
        let rules = has_rules(&base);
        for node in every(&tree.json()) {
            if node["freshness"] == "fresh" {
                check(&base, node, rules)?;
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), String> {
        self.go_on();
        if std::mem::take(&mut self.closed) {
            open_all(&self.base());
        }
        self.start();
        let root = self.root();
        let waited = self.home.run(&["wait", &root, "--timeout", "20"]);
        if waited.code != Some(0) {
            return Err(format!("wait: {waited:?}"));
        }
        let seen = self.home.run(&["tree", &root, "--json"]);
        let data = tempfile::tempdir_in(self.other.temp()).unwrap();
        let data = data.path().to_str().unwrap();
        let true_one = self
            .other
            .run(&["index", &root, "--json", "--data-dir", data]);
        match true_one.code {
            Some(0) if seen.code == Some(0) && seen.stdout == true_one.stdout => self.look(),
            Some(0) if seen.code == Some(0) => Err(difference(&seen.json(), &true_one.json())),
            _ => Err(format!("{:?} and {:?}", seen.stderr, true_one.stderr)),
        }
    }
}

/// Lets everything be read again.
fn open_all(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let closed = entry
            .metadata()
            .is_ok_and(|found| found.mode() & 0o700 == 0);
        if closed && !kind.is_symlink() {
            let _ = fs::set_permissions(entry.path(), Permissions::from_mode(0o755));
        }
        if kind.is_dir() {
            open_all(&entry.path());
        }
    }
}

/// What is called fresh has to be as it is on the disk now.
fn check(base: &Path, node: &Value, rules: bool) -> Result<(), String> {
    let path = match node["path_base64"].as_str() {
        Some(text) => STANDARD.decode(text).unwrap(),
        None => node["path"].as_str().unwrap().as_bytes().to_vec(),
    };
    let absolute = base.join(OsStr::from_bytes(&path));
    let shown = path.escape_ascii().to_string();
    if node["kind"] == "file" {
        let stat = fs::symlink_metadata(&absolute)
            .map_err(|error| format!("a lie: {shown} is called fresh and is not there: {error}"))?;
        let digest = fs::read(&absolute).map(|bytes| Digest::of_file(&bytes).to_string());
        let equal = digest.map_or_else(
            |error| error.kind() == std::io::ErrorKind::PermissionDenied,
            |digest| node["digest"] == digest.as_str(),
        );
        // A file of several names can be written under one that nobody watches.
        return match equal || stat.nlink() > 1 {
            true => Ok(()),
            false => Err(format!("a lie: {shown} is called fresh and has changed")),
        };
    }
    if rules {
        return Ok(());
    }
    let known: BTreeSet<Vec<u8>> = node["children"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|child| child["kind"] == "file")
        .map(|child| match child["path_base64"].as_str() {
            Some(text) => STANDARD.decode(text).unwrap(),
            None => child["path"].as_str().unwrap().as_bytes().to_vec(),
        })
        .map(|path| path.rsplit(|&byte| byte == b'/').next().unwrap().to_vec())
        .collect();
    let there: BTreeSet<Vec<u8>> = regular_files(&absolute).into_iter().collect();
    match known == there {
        true => Ok(()),
        false => Err(format!(
            "a lie: the directory {shown:?} is called fresh, with {:?} instead of {:?}",
            escaped(&known),
            escaped(&there)
        )),
    }
}

fn escaped(names: &BTreeSet<Vec<u8>>) -> Vec<String> {
    names
        .iter()
        .map(|name| name.escape_ascii().to_string())
        .collect()
}

/// Whether anything below could ignore something.
fn has_rules(directory: &Path) -> bool {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            let name = entry.file_name().into_vec();
            name == b".git"
                || name.ends_with(b"ignore")
                || (entry.file_type().is_ok_and(|kind| kind.is_dir()) && has_rules(&entry.path()))
        })
}

/// The first differences, node by node.
fn difference(seen: &Value, true_one: &Value) -> String {
    let mut lines = Vec::new();
    compare(seen, true_one, &mut lines);
    lines.truncate(12);
    match lines.is_empty() {
        true => "the same JSON in other bytes".to_owned(),
        false => lines.join("\n"),
    }
}

fn compare(seen: &Value, true_one: &Value, lines: &mut Vec<String>) {
    let (Some(one), Some(other)) = (seen.as_object(), true_one.as_object()) else {
        return;
    };
    let path = &true_one["path"];
    for (key, value) in one {
        if key != "children" && other.get(key) != Some(value) {
            let expected = &true_one[key];
            lines.push(format!("{path}: {key} is {value}, should be {expected}"));
        }
    }
    let children = |node: &Value| -> Vec<Value> {
        let children = node["children"].as_array();
        children.cloned().unwrap_or_default()
    };
    let key = |node: &Value| (node["path"].to_string(), node["path_base64"].to_string());
    let (mine, theirs) = (children(seen), children(true_one));
    for child in &mine {
        match theirs.iter().find(|other| key(other) == key(child)) {
            Some(other) => compare(child, other, lines),
            None => lines.push(format!("{} is too much", child["path"])),
        }
    }
    for child in &theirs {
        if !mine.iter().any(|other| key(other) == key(child)) {
            lines.push(format!("{} is missing", child["path"]));
        }
    }
}
