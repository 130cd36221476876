//! One history: a user, a folder, a daemon, and what happens to them; after each round the daemon's tree has to be
//! that of a program that has never seen the folder before.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::super::harness::{Daemon, Home, every, unforked};
use super::chance::EXPORTED;
use super::disk::{is_inside, open_all, regular};
use super::judge::{check, compare_exports, difference, has_rules};
use super::op::{Op, Place};
use super::setting::Setting;

/// Everything of one history.
pub struct History {
    /// Whether people read along.
    pub told: bool,
    setting: Setting,
    folder: tempfile::TempDir,
    home: Home,
    other: Home,
    daemon: Option<Daemon>,
    stopped: bool,
    /// The roots that the daemon was told to watch.
    watched: BTreeSet<Place>,
    /// Opened for writing by a program that goes on.
    held: Option<File>,
    /// Something may not be read any more, wherever it was moved since.
    closed: bool,
}

impl History {
    /// A small repository and a daemon that watches it.
    pub fn new(setting: Setting) -> Self {
        let folder = tempfile::Builder::new().prefix("his").tempdir().unwrap();
        let base = folder.path().join("base");
        for path in ["tree/src/a", "tree/lib", "out"] {
            fs::create_dir_all(base.join(path)).unwrap();
        }
        for path in [
            "tree/src/m.py",
            "tree/src/a/n.rs",
            "tree/lib/o.py",
            "tree/r.md",
        ] {
            unforked(|| fs::write(base.join(path), format!("# {path}\n"))).unwrap();
        }
        let home = Home::with(&setting.config());
        let other = Home::with(&setting.other_config());
        let mut history = Self {
            told: false,
            setting,
            folder,
            home,
            other,
            daemon: None,
            stopped: false,
            watched: BTreeSet::new(),
            held: None,
            closed: false,
        };
        history.start();
        history
    }

    /// Below a folder of its own, so that it can leave its name.
    pub fn base(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("base")
    }

    fn at(&self, place: &Place) -> String {
        let path = place.under(&self.base());
        path.into_os_string().into_string().unwrap()
    }

    fn root(&self) -> String {
        self.at(&Place::new("tree"))
    }

    /// Lets one thing happen; only `Settle` and `ScanState` can find something.
    pub fn apply(&mut self, op: &Op) -> Result<(), String> {
        let mut done = Ok(());
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
            Op::ScanState => return self.look(),
            Op::Settle => return self.settle(),
            Op::Watch(place) => self.watch(place),
            Op::Unwatch(place) => self.unwatch(place),
            Op::UserFile(path, text) => self.user_file(path, text.as_deref()),
            Op::UserLink(path, to) => {
                for folder in self.users() {
                    let file = folder.join(path);
                    let _ = fs::remove_file(&file);
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    symlink(folder.join(to), file).unwrap();
                }
            }
            Op::PauseReason(_) | Op::HeldWrite(_) | Op::Release => {
                done = unforked(|| self.hold(op));
            }
            op => {
                let base = self.base();
                // Other programs write in processes of their own; a paused one writes nothing.
                done = match op {
                    Op::Git(..) | Op::Mapped(_) | Op::Pause(_) => op.apply(&base),
                    op => unforked(|| op.apply(&base)),
                };
                if let (Ok(()), Op::Mode(..)) = (&done, op) {
                    self.closed = true;
                }
            }
        }
        // What cannot be done, because of what came before, is not done.
        if let (Err(error), true) = (done, self.told) {
            println!("  not done: {error}");
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

    /// Whether a repository's folder is there, under its own name.
    fn is_there(&self, root: &Place) -> bool {
        let found = fs::symlink_metadata(root.under(&self.base()));
        found.is_ok_and(|found| found.is_dir())
    }

    fn start(&mut self) {
        if self.daemon.is_some() || !self.is_there(&Place::new("tree")) {
            return;
        }
        let roots = self.setting.roots().into_iter();
        self.watched = roots.filter(|root| self.is_there(root)).collect();
        let paths: Vec<String> = self.watched.iter().map(|root| self.at(root)).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        self.daemon = Some(self.home.daemon(&paths));
    }

    fn watch(&mut self, root: &Place) {
        if self.daemon.is_some()
            && !self.stopped
            && !self.watched.contains(root)
            && self.setting.roots().contains(root)
            && self.is_there(root)
        {
            self.home.run(&["watch", &self.at(root)]).expect(0);
            self.watched.insert(root.clone());
        }
    }

    fn unwatch(&mut self, root: &Place) {
        if self.daemon.is_some() && !self.stopped && self.watched.remove(root) {
            self.home.run(&["unwatch", &self.at(root)]).expect(0);
        }
    }

    /// Both users have the same.
    fn users(&self) -> [PathBuf; 2] {
        [&self.home, &self.other].map(|home| home.temp().parent().unwrap().to_path_buf())
    }

    fn user_file(&self, path: &str, text: Option<&str>) {
        for folder in self.users() {
            let file = folder.join(path);
            unforked(|| match text {
                Some(text) => {
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    // Through a link that leads to a folder that is not there yet, nothing is written.
                    let _ = fs::write(file, text);
                }
                None => {
                    let _ = fs::remove_file(file);
                }
            });
        }
    }

    fn hold(&mut self, op: &Op) -> std::io::Result<()> {
        match op {
            Op::PauseReason(place) => {
                let (base, path) = (self.base(), place.under(&self.base()));
                if is_inside(&path, &base) {
                    regular(&path)?;
                    self.held = Some(File::options().append(true).open(path)?);
                }
                Ok(())
            }
            Op::HeldWrite(text) => match &mut self.held {
                Some(file) => file.write_all(text.as_bytes()),
                None => Ok(()),
            },
            _ => {
                self.held = None;
                Ok(())
            }
        }
    }

    /// Nothing that the daemon calls fresh now may be otherwise on the disk.
    fn look(&mut self) -> Result<(), String> {
        // Between two polls it cannot be known.
        if self.stopped || self.daemon.is_none() || self.setting.polled.is_some() {
            return Ok(());
        }
        let tree = self.home.run(&["tree", &self.root(), "--json"]);
        if tree.code != Some(0) {
            // The root may hold nothing yet; anything else is a matter of other tests.
            return Ok(());
        }
        let base = self.base().join("tree");
        let rules = has_rules(&base) || self.has_rules_of_the_user();
        for node in every(&tree.json()) {
            if node["freshness"] == "fresh" {
                check(&base, node, rules || self.setting.exported)?;
            }
        }
        Ok(())
    }

    fn has_rules_of_the_user(&self) -> bool {
        let [folder, _] = self.users();
        ["config/git", "home/.gitconfig"]
            .iter()
            .any(|path| folder.join(path).exists())
    }

    fn settle(&mut self) -> Result<(), String> {
        self.go_on();
        if std::mem::take(&mut self.closed) {
            open_all(&self.base());
        }
        self.start();
        for root in self.setting.roots() {
            self.watch(&root);
            if self.is_there(&root) {
                let judged = self.judge(&self.at(&root));
                judged.map_err(|problem| format!("{root:?}: {problem}"))?;
            }
        }
        self.look()
    }

    fn judge(&self, root: &str) -> Result<(), String> {
        let waited = self.home.run(&["wait", root, "--timeout", "20"]);
        if waited.code != Some(0) {
            return Err(format!("wait: {waited:?}"));
        }
        let seen = self.home.run(&["tree", root, "--json"]);
        let data = tempfile::tempdir_in(self.other.temp()).unwrap();
        let store = data.path().join("store");
        let store = ["--data-dir", store.to_str().unwrap()];
        let index = [&["index", root, "--json"], &store[..]].concat();
        let true_one = self.other.run(&index);
        match true_one.code {
            Some(0) if seen.code == Some(0) && seen.stdout == true_one.stdout => {}
            Some(0) if seen.code == Some(0) => {
                return Err(difference(&seen.json(), &true_one.json()));
            }
            _ => return Err(format!("{:?} and {:?}", seen.stderr, true_one.stderr)),
        }
        if !self.setting.exported {
            return Ok(());
        }
        let out = data.path().join("out");
        let (format, to) = (["--format", "index"], ["--output", out.to_str().unwrap()]);
        let export = [&["export", root], &format[..], &to, &store].concat();
        self.other.run(&export).expect(0);
        compare_exports(&Path::new(root).join(EXPORTED), &out)
    }
}
