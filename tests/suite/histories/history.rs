//! One history: a user, a folder, a daemon, and operations on them. After each round the daemon's tree must equal that of a
//! new index.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::super::harness::{Daemon, Home, every, unforked};
use super::compare::{check, compare_exports, difference, has_rules};
use super::disk::{is_inside, make_readable, regular};
use super::generator::EXPORTED;
use super::op::{Op, Place};
use super::setting::Setting;

/// The state of one history.
pub struct History {
    /// Whether to print skipped operations.
    pub verbose: bool,
    setting: Setting,
    folder: tempfile::TempDir,
    home: Home,
    other: Home,
    daemon: Option<Daemon>,
    stopped: bool,
    /// The roots that the daemon watches.
    watched: BTreeSet<Place>,
    /// A file that another program has open for writing.
    open_file: Option<File>,
    /// Whether some file or folder was made unreadable, wherever it is now.
    unreadable: bool,
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
            verbose: false,
            setting,
            folder,
            home,
            other,
            daemon: None,
            stopped: false,
            watched: BTreeSet::new(),
            open_file: None,
            unreadable: false,
        };
        history.start();
        history
    }

    /// The folder that contains everything. It lies in a folder of its own, so that it can be renamed.
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

    /// Applies one operation. Only `Settle` and `CheckFresh` can fail.
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
            Op::CheckFresh => return self.check_fresh(),
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
            Op::OpenFile(_) | Op::WriteOpenFile(_) | Op::CloseFile => {
                done = unforked(|| self.write_slowly(op));
            }
            op => {
                let base = self.base();
                // Other programs write in processes of their own; a paused one writes nothing.
                done = match op {
                    Op::Git(..) | Op::Mapped(_) | Op::Pause(_) => op.apply(&base),
                    op => unforked(|| op.apply(&base)),
                };
                if let (Ok(()), Op::Mode(..)) = (&done, op) {
                    self.unreadable = true;
                }
            }
        }
        // Earlier operations may have made this one impossible.
        if let (Err(error), true) = (done, self.verbose) {
            println!("  skipped: {error}");
        }
        Ok(())
    }

    /// The daemon's log so far.
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

    /// Whether a repository's folder exists under its own name.
    fn exists(&self, root: &Place) -> bool {
        let found = fs::symlink_metadata(root.under(&self.base()));
        found.is_ok_and(|found| found.is_dir())
    }

    fn start(&mut self) {
        if self.daemon.is_some() || !self.exists(&Place::new("tree")) {
            return;
        }
        let roots = self.setting.roots().into_iter();
        self.watched = roots.filter(|root| self.exists(root)).collect();
        let paths: Vec<String> = self.watched.iter().map(|root| self.at(root)).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        self.daemon = Some(self.home.daemon(&paths));
    }

    fn watch(&mut self, root: &Place) {
        if self.daemon.is_some()
            && !self.stopped
            && !self.watched.contains(root)
            && self.setting.roots().contains(root)
            && self.exists(root)
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

    /// The folders of both users, who have the same git configuration.
    fn users(&self) -> [PathBuf; 2] {
        [&self.home, &self.other].map(|home| home.temp().parent().unwrap().to_path_buf())
    }

    fn user_file(&self, path: &str, text: Option<&str>) {
        for folder in self.users() {
            let file = folder.join(path);
            unforked(|| match text {
                Some(text) => {
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    // A link may lead to a missing folder.
                    let _ = fs::write(file, text);
                }
                None => {
                    let _ = fs::remove_file(file);
                }
            });
        }
    }

    fn write_slowly(&mut self, op: &Op) -> std::io::Result<()> {
        match op {
            Op::OpenFile(place) => {
                let (base, path) = (self.base(), place.under(&self.base()));
                if is_inside(&path, &base) {
                    regular(&path)?;
                    self.open_file = Some(File::options().append(true).open(path)?);
                }
                Ok(())
            }
            Op::WriteOpenFile(text) => match &mut self.open_file {
                Some(file) => file.write_all(text.as_bytes()),
                None => Ok(()),
            },
            _ => {
                self.open_file = None;
                Ok(())
            }
        }
    }

    /// Every node that the daemon reports as fresh must equal the disk now.
    fn check_fresh(&mut self) -> Result<(), String> {
        // Between two polls a change is not detected.
        if self.stopped || self.daemon.is_none() || self.setting.polled.is_some() {
            return Ok(());
        }
        let tree = self.home.run(&["tree", &self.root(), "--json"]);
        if tree.code != Some(0) {
            // The root may be empty; other tests cover the remaining cases.
            return Ok(());
        }
        let base = self.base().join("tree");
        let rules = has_rules(&base) || self.has_user_rules();
        for node in every(&tree.json()) {
            if node["freshness"] == "fresh" {
                check(&base, node, rules || self.setting.exported)?;
            }
        }
        Ok(())
    }

    fn has_user_rules(&self) -> bool {
        let [folder, _] = self.users();
        ["config/git", "home/.gitconfig"]
            .iter()
            .any(|path| folder.join(path).exists())
    }

    fn settle(&mut self) -> Result<(), String> {
        self.go_on();
        if std::mem::take(&mut self.unreadable) {
            make_readable(&self.base());
        }
        self.start();
        for root in self.setting.roots() {
            self.watch(&root);
            if self.exists(&root) {
                let compared = self.compare(&self.at(&root));
                compared.map_err(|problem| format!("{root:?}: {problem}"))?;
            }
        }
        self.check_fresh()
    }

    fn compare(&self, root: &str) -> Result<(), String> {
        let waited = self.home.run(&["wait", root, "--timeout", "20"]);
        if waited.code != Some(0) {
            return Err(format!("wait: {waited:?}"));
        }
        let served = self.home.run(&["tree", root, "--json"]);
        let data = tempfile::tempdir_in(self.other.temp()).unwrap();
        let store = data.path().join("store");
        let store = ["--data-dir", store.to_str().unwrap()];
        let index = [&["index", root, "--json"], &store[..]].concat();
        let fresh = self.other.run(&index);
        match fresh.code {
            Some(0) if served.code == Some(0) && served.stdout == fresh.stdout => {}
            Some(0) if served.code == Some(0) => {
                return Err(difference(&served.json(), &fresh.json()));
            }
            _ => return Err(format!("{:?} and {:?}", served.stderr, fresh.stderr)),
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
